"""Containers of the standard library and of scikit-learn that are more than lists and dictionaries."""

from __future__ import annotations

import collections
from collections.abc import Callable
from typing import Any

from secureload.structured.container import forged
from secureload.values import dataclass

__all__ = ["CONTAINERS", "ContainerForm", "is_named_tuple"]


@dataclass(frozen=True, slots=True)
class ContainerForm:
    """How a container is taken apart into values, made empty, and filled with them again."""

    take_apart: Callable[[Any], tuple[Any, ...]]
    make: Callable[[], Any]
    fill: Callable[..., None]


def _pairs(value: Any) -> tuple[Any, ...]:
    return ([list(pair) for pair in value.items()],)


def _fill_pairs(target: Any, pairs: Any) -> None:
    if not isinstance(pairs, list) or not all(isinstance(pair, list) and len(pair) == 2 for pair in pairs):
        raise forged("has a dictionary whose items are no pairs")
    for key, value in pairs:
        target[key] = value


def _fill_default(target: Any, factory: Any, pairs: Any) -> None:
    if factory not in (None, int, float, list, dict, set, str):
        raise forged("has a dictionary whose default is not one of Python's own types")
    target.default_factory = factory
    _fill_pairs(target, pairs)


def _fill_deque(target: Any, items: Any, longest: Any) -> None:
    if not isinstance(items, list) or longest is not None:
        raise forged("has a queue that is none")
    target.extend(items)


def _bunch() -> Any:
    from sklearn.utils import Bunch

    return Bunch()


CONTAINERS = {
    "collections:OrderedDict": ContainerForm(_pairs, collections.OrderedDict, _fill_pairs),
    "collections:defaultdict": ContainerForm(
        lambda value: (value.default_factory, *_pairs(value)), collections.defaultdict, _fill_default
    ),
    "collections:deque": ContainerForm(
        lambda value: (list(value), value.maxlen), collections.deque, _fill_deque
    ),
    "sklearn.utils._bunch:Bunch": ContainerForm(_pairs, _bunch, _fill_pairs),
}


def is_named_tuple(kind: type) -> bool:
    """Whether the class was made by ``collections.namedtuple`` or ``typing.NamedTuple``."""
    return (
        issubclass(kind, tuple)
        and kind.__bases__ == (tuple,)
        and isinstance(getattr(kind, "_fields", None), tuple)
    )
