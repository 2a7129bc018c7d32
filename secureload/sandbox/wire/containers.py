"""Collections as values of the wire: each arrives as the class that it was, where that is Python's own.

A class of somebody else's that is made of one of them is refused by the caller's side, which would otherwise lose
what it adds; the worker's side sends what it holds, for the class itself never crosses.
"""

from __future__ import annotations

import collections
import keyword
import types
from collections.abc import Callable, Iterable
from typing import Any

from secureload.sandbox.wire.errors import Unencodable, WireValueError

__all__ = ["AttributeDict", "decode_mapping", "decode_named", "decode_sequence", "encode_container"]

_MAX_FIELDS = 256
_KEPT_CLASSES = 1_000
_FACTORIES: dict[str, Callable[[], Any]] = {
    kind.__name__: kind
    for kind in (bool, int, float, complex, str, bytes, list, dict, set, tuple, frozenset, collections.OrderedDict,
                 collections.Counter)
}  # fmt: skip
_FACTORY_NAMES: dict[Any, str] = {kind: name for name, kind in _FACTORIES.items()}
_BUNCHES = frozenset({"Bunch", "AttributeDict"})


class AttributeDict(dict[Any, Any]):
    """What comes back for scikit-learn's ``Bunch``: a dictionary whose keys are attributes too."""

    def __getattr__(self, name: str) -> Any:
        # numpy looks for __array_interface__, which is an address: no protocol is ever the sender's to answer.
        if name.startswith("_"):
            raise AttributeError(name)
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None

    def __dir__(self) -> Iterable[str]:
        return [*super().__dir__(), *(key for key in self if isinstance(key, str))]


_SEQUENCES: dict[type, str] = {list: "l", tuple: "t", set: "s", frozenset: "fs"}
_MAPPINGS: dict[type, str] = {
    dict: "d",
    collections.OrderedDict: "od",
    collections.Counter: "co",
    AttributeDict: "b",
    types.MappingProxyType: "mp",
}
_VIEWS: dict[type, str] = {type({}.keys()): "dk", type({}.values()): "dv", type({}.items()): "di"}
_CLASSES: dict[str, Callable[..., Any]] = {
    **{tag: kind for kind, tag in _SEQUENCES.items()},
    **{tag: kind for kind, tag in _MAPPINGS.items()},
    "mp": lambda pairs: types.MappingProxyType(dict(pairs)),
    "co": lambda pairs: collections.Counter(dict(pairs)),
    "dk": lambda keys: dict.fromkeys(keys).keys(),
    "dv": lambda values: dict(enumerate(values)).values(),
    "di": lambda pairs: dict(pairs).items(),
}


def encode_container(value: Any, encode: Callable[[Any], Any], *, exact: bool) -> list[Any] | None:
    """Encode a collection; None for what is none.

    Raises:
        Unencodable: with ``exact``, a class of somebody else's.
    """
    kind = type(value)
    tag = _SEQUENCES.get(kind)
    if tag is not None:
        return [tag, [encode(item) for item in value]]
    tag = _MAPPINGS.get(kind)
    if tag is not None:
        return [tag, _pairs(value, encode)]
    if kind is collections.deque:
        return ["dq", [encode(item) for item in value], value.maxlen]
    if kind is collections.defaultdict:
        factory = _FACTORY_NAMES.get(value.default_factory, value.default_factory)
        if not (factory is None or isinstance(factory, str)):
            if exact:
                raise Unencodable(
                    "a dictionary whose default is computed", "make it a plain one first: dict(…)"
                )
            return ["d", _pairs(value, encode)]
        return ["dd", factory, _pairs(value, encode)]
    if kind in _VIEWS:
        return [_VIEWS[kind], [encode(item) for item in value]]
    if isinstance(value, dict) and kind.__name__ in _BUNCHES:
        return ["b", _pairs(value, encode)]
    if isinstance(value, tuple) and _is_named(kind):
        return ["nt", kind.__name__, list(kind._fields), [encode(item) for item in value]]
    return _as_its_base(value, encode, exact=exact)


def _as_its_base(value: Any, encode: Callable[[Any], Any], *, exact: bool) -> list[Any] | None:
    for base in (dict, list, tuple, frozenset, set):
        if isinstance(value, base):
            if exact and _is_strange(type(value)):
                raise Unencodable(f"an object of type {type(value).__qualname__}")
            if base is dict:
                return ["d", _pairs(value, encode)]
            return [_SEQUENCES[base], [encode(item) for item in value]]
    return None


def _is_strange(kind: type) -> bool:
    """Whether nothing is known of the class but that it is made of one of Python's: pandas and torch have such."""
    return kind.__module__.partition(".")[0] not in {"pandas", "torch", "sklearn", "scipy", "numpy"}


def _pairs(value: Any, encode: Callable[[Any], Any]) -> list[Any]:
    return [[encode(key), encode(item)] for key, item in value.items()]


def _is_named(kind: type) -> bool:
    fields = getattr(kind, "_fields", None)
    return isinstance(fields, tuple) and all(isinstance(field, str) for field in fields)


def decode_sequence(tag: str, items: object, rest: list[Any], decode: Callable[[Any], Any]) -> Any:
    """Rebuild a list, tuple, set, frozenset or deque."""
    if not isinstance(items, list):
        raise WireValueError("a collection that is none")
    if tag == "dq":
        (most,) = rest
        if most is not None and (type(most) is not int or most < 0):
            raise WireValueError("a queue of no length")
        return collections.deque((decode(item) for item in items), most)
    if rest:
        raise WireValueError("a collection of too many parts")
    return _CLASSES[tag](decode(item) for item in items)


def decode_mapping(tag: str, parts: list[Any], decode: Callable[[Any], Any]) -> Any:
    """Rebuild a mapping."""
    factory = None
    if tag == "dd":
        name, *parts = parts
        if name is not None and (not isinstance(name, str) or name not in _FACTORIES):
            raise WireValueError("a default that is none")
        factory = None if name is None else _FACTORIES[name]
    (pairs,) = parts
    if not isinstance(pairs, list):
        raise WireValueError("a collection that is none")
    items = ((decode(key), decode(item)) for key, item in pairs)
    return collections.defaultdict(factory, items) if tag == "dd" else _CLASSES[tag](items)


_named: dict[tuple[str, ...], Any] = {}
_make_named: Any = collections.namedtuple  # its fields are known at run time only


def decode_named(name: object, fields: object, items: object, decode: Callable[[Any], Any]) -> Any:
    """Rebuild a named tuple, of a class of this process's own with the same name and fields."""
    if not isinstance(fields, list) or not isinstance(items, list) or len(fields) != len(items):
        raise WireValueError("a named tuple that is none")
    if len(fields) > _MAX_FIELDS or not all(_is_identifier(text) for text in (name, *fields)):
        raise WireValueError("a named tuple whose names are none")
    key = (str(name), *fields)
    kind: Any = _named.get(key)
    if kind is None:
        kind = _make_named(key[0], fields)
        if len(_named) < _KEPT_CLASSES:
            _named[key] = kind
    return kind(*(decode(item) for item in items))


def _is_identifier(text: object) -> bool:
    return (
        isinstance(text, str)
        and len(text) <= _MAX_FIELDS
        and text.isidentifier()
        and not keyword.iskeyword(text)
    )
