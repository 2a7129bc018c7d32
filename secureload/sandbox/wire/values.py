"""Values of the wire: Python's data types, numpy, scipy.sparse and pandas ⇄ trees that msgpack carries.

Scalars stand for themselves; everything else is a list that begins with a tag. What is not data has no
encoding: the sender's ``refer`` hook may put a reference in its place (an estimator inside a dictionary), or
the value is refused.
"""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable, Sequence
from typing import Any

from secureload.limits import Limits
from secureload.sandbox.wire import arrays, frames, sparse
from secureload.sandbox.wire.errors import Unencodable, WireValueError
from secureload.sandbox.wire.frame import Buffer

__all__ = ["AttributeDict", "Decoder", "Encoder"]

_I64 = 1 << 63
_MAX_INT_DIGITS = 4_000
_MAX_REFERENCES = 100_000
_MAX_NAME_CHARS = 32
_CLOCK_EVERY = 0x3F  # items between two looks at the clock, as a mask
_BUILTIN_TYPES = {kind.__name__: kind for kind in (bool, int, float, complex, str, bytes, object)}


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


class Encoder:
    """Encodes values; collects the raw segments in ``segments``."""

    def __init__(self, limits: Limits, refer: Callable[[Any], Any] | None = None) -> None:
        self.segments: list[Buffer] = []
        self._limits = limits
        self._refer = refer
        self._depth = 0
        self._items = 0

    def encode(self, value: Any) -> Any:
        """Return the tree of ``value``.

        Raises:
            Unencodable: it is not data and there is no ``refer`` hook, or it is nested too deep.
        """
        if value is None or value is True or value is False:
            return value
        kind = type(value)
        if kind is int:
            return value if -_I64 <= value < _I64 else ["I", hex(value)]
        if kind is float or kind is str or kind is bytes:
            return value
        self._items += 1
        if self._items > self._limits.message_items:
            raise Unencodable("a value of too many parts")
        if self._depth >= self._limits.message_depth:
            raise Unencodable("a value nested too deep")
        self._depth += 1
        try:
            return self._structure(value)
        except Unencodable:
            if self._refer is None:
                raise
            return self._refer(value)
        finally:
            self._depth -= 1

    def _structure(self, value: Any) -> Any:
        module = type(value).__module__
        if not isinstance(value, type):
            if module.startswith("numpy"):
                return self._numpy(value)
            if module.startswith("scipy.sparse"):
                return sparse.encode_sparse(value, self.encode)
            if module.startswith("pandas"):
                return frames.encode_frame(value, self.encode)
        for test, encode in _ENCODERS:
            if isinstance(value, test):
                return encode(self, value)
        raise Unencodable(f"an object of type {type(value).__qualname__}")

    def _numpy(self, value: Any) -> Any:
        import numpy as np

        if isinstance(value, np.ma.MaskedArray):
            mask = np.ma.getmaskarray(value)
            return [
                "ma",
                self.encode(np.asarray(value.data)),
                self.encode(mask),
                self.encode(value.fill_value),
            ]
        if isinstance(value, np.ndarray):
            return arrays.encode_array(value, self.segments, self.encode)
        if isinstance(value, np.generic):
            return arrays.encode_scalar(value, self.segments, self.encode)
        if isinstance(value, np.dtype) and value.kind in "biufcSMm":
            return ["dt", value.str]
        raise Unencodable(f"an object of type {type(value).__qualname__}")


def _encode_mapping(encoder: Encoder, value: Any) -> Any:
    tag = "b" if type(value).__name__ in {"Bunch", "AttributeDict"} else "d"
    return [tag, [[encoder.encode(key), encoder.encode(item)] for key, item in value.items()]]


def _encode_items(tag: str) -> Callable[[Encoder, Any], Any]:
    return lambda encoder, value: [tag, [encoder.encode(item) for item in value]]


def _encode_type(_encoder: Encoder, value: type) -> Any:
    if value.__module__ == "numpy" or _BUILTIN_TYPES.get(value.__name__) is value:
        return ["ty", value.__module__, value.__name__]
    raise Unencodable(f"the class {value.__qualname__}")


# In order: a subclass stands before its base (a datetime is a date).
_ENCODERS: tuple[tuple[Any, Callable[[Encoder, Any], Any]], ...] = (
    (type, _encode_type),
    (dict, _encode_mapping),
    (list, _encode_items("l")),
    (tuple, _encode_items("t")),
    (frozenset, _encode_items("fs")),
    (set, _encode_items("s")),
    (complex, lambda _, value: ["c", value.real, value.imag] if type(value) is complex else _refused(value)),
    (bytearray, lambda _, value: ["ba", bytes(value)]),
    (
        slice,
        lambda encoder, value: ["sl", *(encoder.encode(x) for x in (value.start, value.stop, value.step))],
    ),
    (
        range,
        lambda encoder, value: ["ra", *(encoder.encode(x) for x in (value.start, value.stop, value.step))],
    ),
    (datetime.datetime, lambda _, value: ["ts", _plain_datetime(value)]),
    (datetime.date, lambda _, value: ["da", value.isoformat()]),
)


def _refused(value: Any) -> Any:
    raise Unencodable(f"an object of type {type(value).__qualname__}")


def _plain_datetime(value: datetime.datetime) -> str:
    if type(value) is not datetime.datetime:
        raise Unencodable(f"an object of type {type(value).__qualname__}")
    return value.isoformat()


class Decoder:
    """Decodes trees that the other side sent, which may be anything at all.

    ``resolve`` turns a reference into a value; without it a reference is refused. ``deadline`` is a reading
    of :func:`time.monotonic`: what takes longer (keys that all have one hash, say) is not a value. What is
    built is no larger than an honest message of its size: parts and references are counted, and a segment
    serves once.
    """

    def __init__(
        self,
        segments: Sequence[Buffer],
        limits: Limits,
        resolve: Callable[[list[Any]], Any] | None = None,
        *,
        deadline: float | None = None,
    ) -> None:
        self._segments = arrays.Segments(segments, limits.message_payload_bytes)
        self._limits = limits
        self._resolve = resolve
        self._deadline = deadline
        self._depth = 0
        self._items = 0
        self._references = 0

    def decode(self, tree: Any) -> Any:
        """Return the value of ``tree``.

        Raises:
            WireValueError: the tree is not one that :class:`Encoder` makes.
        """
        self._items += 1
        if not self._items & _CLOCK_EVERY:
            self._check_effort()
        if tree is None or isinstance(tree, bool | int | float | str | bytes):
            return tree
        if not isinstance(tree, list) or not tree or not isinstance(tree[0], str):
            raise WireValueError("a value of an unknown form")
        # The encoder counts the levels of values; a reference or an array inside them is one more.
        if self._depth > self._limits.message_depth + 2:
            raise WireValueError("a value nested too deep")
        self._depth += 1
        try:
            return self._structure(tree)
        except WireValueError:
            raise
        # Whatever a forged tree leads numpy, pandas or scipy to
        except Exception as error:
            raise WireValueError(f"a value that cannot be built ({type(error).__name__})") from error
        finally:
            self._depth -= 1

    def _check_effort(self) -> None:
        if self._items > self._limits.message_items:
            raise WireValueError("a value of too many parts")
        if self._deadline is not None and time.monotonic() > self._deadline:
            raise WireValueError("a value that takes too long to build")

    def _referred(self, tree: list[Any]) -> Any:
        self._references += 1
        if self._resolve is None:
            raise WireValueError("a reference where there can be none")
        if self._references > _MAX_REFERENCES:
            raise WireValueError("a value of too many references")
        return self._resolve(tree)

    def _structure(self, tree: list[Any]) -> Any:
        tag = tree[0]
        if tag in {"a", "o", "u"}:
            return arrays.decode_array(tree, self._segments, self.decode)
        if tag == "n":
            return arrays.decode_scalar(tree, self._segments, self.decode)
        if tag in _SEQUENCES:
            (items,) = tree[1:]
            return _SEQUENCES[tag](self.decode(item) for item in _list(items))
        if tag in {"d", "b"}:
            (pairs,) = tree[1:]
            return _MAPPINGS[tag]((self.decode(key), self.decode(item)) for key, item in _list(pairs))
        if tag == "r":
            return self._referred(tree)
        if tag in _SMALL:
            return _SMALL[tag](*(self.decode(part) for part in tree[1:]))
        if tag == "sp":
            return sparse.decode_sparse(tree, self.decode)
        if tag in frames.TAGS:
            return frames.decode_frame(tree, self.decode)
        raise WireValueError("a value with an unknown tag")


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise WireValueError("a collection that is none")
    return value


def _long_integer(text: object) -> int:
    if not isinstance(text, str) or len(text) > _MAX_INT_DIGITS:
        raise WireValueError("an integer of too many digits")
    return int(text, 16)


def _type_named(module: object, name: object) -> type:
    if not isinstance(name, str) or len(name) > _MAX_NAME_CHARS or not name.isidentifier():
        raise WireValueError("a class that does not cross the wire")
    if module == "builtins" and name in _BUILTIN_TYPES:
        return _BUILTIN_TYPES[name]
    if module == "numpy":
        import numpy as np

        found = np.dtype(name).type
        if found.__name__ == name:
            return found
    raise WireValueError("a class that does not cross the wire")


_SEQUENCES: dict[str, Callable[..., Any]] = {"l": list, "t": tuple, "s": set, "fs": frozenset}
_MAPPINGS: dict[str, Callable[..., Any]] = {"d": dict, "b": AttributeDict}
_SMALL: dict[str, Callable[..., Any]] = {
    "I": _long_integer,
    "ba": bytearray,
    "c": complex,
    "sl": slice,
    "ra": range,
    "ts": datetime.datetime.fromisoformat,
    "da": datetime.date.fromisoformat,
    "ty": _type_named,
    "dt": arrays.decode_dtype,
    "ma": arrays.masked,
}
