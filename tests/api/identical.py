"""Whether what a proxy gives is what the estimator gives in process: to the last bit, with its type."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

import numpy as np
import scipy.sparse
from sklearn.base import BaseEstimator
from sklearn.utils import Bunch

from secureload.sandbox.proxy import ModelProxy

__all__ = ["differences"]

_DEPTH = 2


class _Missing:
    """For a member that the proxy has not got."""


def differences(found: Any, expected: Any, where: str, depth: int = _DEPTH) -> Iterator[str]:
    """Yield the places in which they differ, and how; the members of objects are followed ``depth`` deep."""
    if isinstance(found, ModelProxy):
        yield from _objects(found, expected, where, depth)
    elif hasattr(expected, "_fields"):
        # A named tuple, of a class that is rebuilt from its fields.
        first, second = ((type(value).__name__, value._fields, tuple(value)) for value in (found, expected))
        yield from _sequences(first, second, where, depth)
    elif isinstance(expected, Bunch):
        yield from differences(dict(found), dict(expected), where, depth)
        for key in expected:
            yield from differences(getattr(found, key, _Missing), expected[key], f"{where}.{key}", depth)
    elif type(found) is not type(expected):
        yield f"{where}: {type(found).__qualname__} for {type(expected).__qualname__}"
    elif isinstance(expected, dict):
        yield from differences(list(found), list(expected), f"{where}.keys()", depth)
        for key in found.keys() & expected.keys():
            yield from differences(found[key], expected[key], f"{where}[{key!r}]", depth)
    elif isinstance(expected, list | tuple):
        yield from _sequences(found, expected, where, depth)
    elif not _same(found, expected):
        yield f"{where}: {str(found)[:80]} for {str(expected)[:80]}"


def _sequences(found: Any, expected: Any, where: str, depth: int) -> Iterator[str]:
    if len(found) != len(expected):
        yield f"{where}: {len(found)} for {len(expected)} items"
    for position, (one, other) in enumerate(zip(found, expected, strict=False)):
        yield from differences(one, other, f"{where}[{position}]", depth)


def _objects(found: Any, expected: Any, where: str, depth: int) -> Iterator[str]:
    """Compare what stays in the worker: by its text, where that has no address, and by its data."""
    if " at 0x" not in repr(expected) and repr(found) != repr(expected):
        yield f"{where}: {repr(found)[:80]} for {repr(expected)[:80]}"
    if isinstance(expected, list | tuple | np.ndarray):
        yield from _sequences(found, expected, where, depth)
    elif depth:
        for name in _data(expected):
            member = getattr(found, name, _Missing)
            yield from differences(member, getattr(expected, name), f"{where}.{name}", depth - 1)


def _data(value: Any) -> Iterator[str]:
    for name in dir(value):
        if name.startswith("_") or (isinstance(value, BaseEstimator) and not name.endswith("_")):
            continue
        try:
            member = getattr(value, name)
        except AttributeError:
            continue
        if not callable(member) or isinstance(member, BaseEstimator):
            yield name


def _same(found: Any, expected: Any) -> bool:
    """Whether two values of one type, that hold no others, are the same to the last bit."""
    if isinstance(expected, np.ma.MaskedArray):
        masks = _same(np.ma.getmaskarray(found), np.ma.getmaskarray(expected))
        return masks and _same(found.filled(), expected.filled())
    if isinstance(expected, np.ndarray | np.generic):
        if (found.dtype, found.shape) != (expected.dtype, expected.shape):
            return False
        if expected.dtype.hasobject:
            return not list(differences(found.tolist(), expected.tolist(), ""))
        return found.tobytes() == expected.tobytes()
    if scipy.sparse.issparse(expected):
        first, second = found.tocoo(), expected.tocoo()
        parts = [(first.data, second.data), *zip(first.coords, second.coords, strict=True)]
        return found.shape == expected.shape and all(_same(one, other) for one, other in parts)
    if isinstance(expected, np.random.RandomState):
        return not list(differences(found.get_state(), expected.get_state(), ""))
    if isinstance(expected, float):
        return struct.pack("d", found) == struct.pack("d", expected)
    return bool(found == expected)
