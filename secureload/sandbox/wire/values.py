"""Values of the wire: Python's data types, numpy, scipy.sparse and pandas ⇄ trees that msgpack carries.

Scalars stand for themselves; everything else is a list that begins with a tag. What is not data has no
encoding: the sender's ``refer`` hook may put a reference in its place (an estimator inside a dictionary), or
the value is refused.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from secureload.limits import Limits
from secureload.sandbox.wire import (
    arrays,
    arrow,
    containers,
    frames,
    generators,
    polars_frames,
    scalars,
    sparse,
    structured,
    tensors,
)
from secureload.sandbox.wire.containers import AttributeDict
from secureload.sandbox.wire.errors import Unencodable, WireValueError
from secureload.sandbox.wire.frame import Buffer

__all__ = ["AttributeDict", "Decoder", "Encoder"]

_I64 = 1 << 63
_MAX_REFERENCES = 100_000
_MAX_NAME_CHARS = 32
_CLOCK_EVERY = 0x3F  # items between two looks at the clock, as a mask
_PLAIN_TYPES = (bool, int, float, complex, str, bytes, bytearray, object, list, tuple, dict, set, frozenset)
_BUILTIN_TYPES = {kind.__name__: kind for kind in _PLAIN_TYPES}


class Encoder:
    """Encodes values; collects the raw segments in ``segments``.

    ``refer`` gives the reference that stands for what is no data, or None where it has none. With ``exact`` a
    collection of a class that the other side does not know is refused, and not sent as what it is made of.
    """

    def __init__(
        self, limits: Limits, refer: Callable[[Any], Any] | None = None, *, exact: bool = True
    ) -> None:
        self.segments: list[Buffer] = []
        self.generators: list[Any] = []  # random generators that were encoded
        self.libraries: set[str] = set()  # whose values were encoded
        self._limits = limits
        self._refer = refer
        self._exact = exact
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
            return value if -_I64 <= value < _I64 else scalars.encode_integer(value)
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
            reference = None if self._refer is None else self._refer(value)
            if reference is None:
                raise
            return reference
        finally:
            self._depth -= 1

    def _structure(self, value: Any) -> Any:
        if isinstance(value, type):
            return _encode_type(value)
        for base in type(value).__mro__[:-1]:
            library = base.__module__.partition(".")[0]
            encode = _LIBRARIES.get(library)
            if encode is not None:
                self.libraries.add(library)
                return encode(self, value)
        found = containers.encode_container(value, self.encode, exact=self._exact)
        if found is not None:
            return found
        for kind, encode_scalar in scalars.ENCODERS:
            if isinstance(value, kind):
                return encode_scalar(value)
        if isinstance(value, slice | range):
            return [type(value).__name__, *(self.encode(x) for x in (value.start, value.stop, value.step))]
        return self._odd(value)

    def _odd(self, value: Any) -> Any:
        """Encode what is a number or a text with something added, where the class may be lost; refuse the rest."""
        if not self._exact:
            bases: tuple[Any, ...] = (int, float, str, bytes)
            for base in bases:
                if isinstance(value, base):
                    return self.encode(base(value))
        raise Unencodable(*_kind_of(value))

    def _numpy(self, value: Any) -> Any:
        import numpy as np

        if isinstance(value, np.ma.MaskedArray):
            return structured.encode_masked(value, self.encode)
        if isinstance(value, np.ndarray):
            return structured.encode_subclass(value, self.encode) or self._array(np.asarray(value))
        if isinstance(value, np.generic):
            # As the array of no dimensions that it is.
            return ["n", self._array(np.asarray(value))]
        if isinstance(value, np.dtype):
            return ["dt", structured.encode_dtype(value, self.encode)]
        if isinstance(value, np.random.Generator | np.random.RandomState):
            self.generators.append(value)
            return generators.encode_generator(value, self.encode)
        raise Unencodable(*_kind_of(value))

    def _array(self, array: Any) -> Any:
        if array.dtype.names is not None:
            return structured.encode_structured(array, self.encode)
        if structured.is_texts(array.dtype):
            return structured.encode_texts(array, self.encode)
        return arrays.encode_array(array, self.segments, self.encode)

    def _scipy(self, value: Any) -> Any:
        if not type(value).__module__.startswith("scipy.sparse"):
            raise Unencodable(*_kind_of(value))
        return sparse.encode_sparse(value, self.encode)


_LIBRARIES: dict[str, Callable[[Encoder, Any], Any]] = {
    "numpy": Encoder._numpy,
    "scipy": Encoder._scipy,
    "pandas": lambda encoder, value: frames.encode_frame(value, encoder.encode),
    "polars": lambda encoder, value: polars_frames.encode_polars(value, encoder.encode),
    "torch": lambda encoder, value: tensors.encode_torch(value, encoder.encode),
    "pyarrow": lambda encoder, value: arrow.encode_table(value, encoder.encode),
}


def _encode_type(value: type) -> Any:
    if value.__module__ == "numpy" or _BUILTIN_TYPES.get(value.__name__) is value:
        return ["ty", value.__module__, value.__name__]
    raise Unencodable(f"the class {value.__qualname__}")


def _kind_of(value: Any) -> tuple[str, str]:
    """Return what it is, and what to do about it."""
    name = type(value).__qualname__
    if isinstance(value, Iterator) and hasattr(value, "read"):
        return f"an open file ({name})", "read it first, and pass what it holds"
    if isinstance(value, Iterator):
        return f"a {name}, which is used up by reading it,", "make a list of it first: list(…)"
    if callable(value):
        return f"a function ({name})", "code does not cross; compute what it gives first"
    return f"an object of type {name}", ""


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
        self.generators: list[Any] = []  # random generators that were decoded

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
        except BaseException as error:
            # What a library in Rust raises where it gives up is no Exception.
            if type(error).__name__ != "PanicException":
                raise
            raise WireValueError("a value that cannot be built (it panicked)") from error
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
        tag, *parts = tree
        found = _DECODERS.get(tag)
        if found is None:
            raise WireValueError("a value with an unknown tag")
        return found(self, tree, parts)

    def _parts(self, parts: list[Any]) -> Iterator[Any]:
        return (self.decode(part) for part in parts)

    def _array(self, tree: list[Any], _: list[Any]) -> Any:
        return arrays.decode_array(tree, self._segments, self.decode)

    def _scalar(self, _: list[Any], parts: list[Any]) -> Any:
        """Return the only item of an array of no dimensions."""
        import numpy as np

        (inner,) = parts
        array = self.decode(inner)
        if type(array) is not np.ndarray or array.shape != () or array.dtype.kind == "O":
            raise WireValueError("a scalar that is none")
        return array[()]


def _long_way(decode: Callable[..., Any]) -> Callable[[Decoder, list[Any], list[Any]], Any]:
    return lambda decoder, tree, _: decode(tree, decoder.decode)


def _expanding(decode: Callable[..., Any]) -> Callable[[Decoder, list[Any], list[Any]], Any]:
    return lambda decoder, tree, _: decode(tree, decoder.decode, decoder._segments.expand)


def _of_parts(decode: Callable[..., Any]) -> Callable[[Decoder, list[Any], list[Any]], Any]:
    return lambda decoder, _, parts: decode(*decoder._parts(parts))


def _sequence(decoder: Decoder, tree: list[Any], parts: list[Any]) -> Any:
    return containers.decode_sequence(tree[0], parts[0], parts[1:], decoder.decode)


def _mapping(decoder: Decoder, tree: list[Any], parts: list[Any]) -> Any:
    return containers.decode_mapping(tree[0], parts, decoder.decode)


def _named(decoder: Decoder, _: list[Any], parts: list[Any]) -> Any:
    name, fields, items = parts
    return containers.decode_named(name, fields, items, decoder.decode)


def _tensor(decoder: Decoder, tree: list[Any], parts: list[Any]) -> Any:
    return tensors.decode_tensor(tree[0], parts, decoder.decode)


def _generator(decoder: Decoder, _: list[Any], parts: list[Any]) -> Any:
    found = generators.decode_generator(*decoder._parts(parts))
    decoder.generators.append(found)
    return found


def _dtype(decoder: Decoder, _: list[Any], parts: list[Any]) -> Any:
    (tree,) = parts
    return structured.decoded_dtype(tree, decoder.decode)


def _type_named(module: object, name: object) -> type:
    if not isinstance(name, str) or len(name) > _MAX_NAME_CHARS or not name.isidentifier():
        raise WireValueError("a class that does not cross the wire")
    if module == "builtins" and name in _BUILTIN_TYPES:
        return _BUILTIN_TYPES[name]
    if module == "numpy":
        import numpy as np

        found = np.dtype(name).type if name != "ndarray" else np.ndarray
        if found.__name__ == name:
            return found
    raise WireValueError("a class that does not cross the wire")


_DECODERS: dict[str, Callable[[Decoder, list[Any], list[Any]], Any]] = {
    **dict.fromkeys(("a", "o", "v"), Decoder._array),
    **dict.fromkeys(("l", "t", "s", "fs", "dq", "dk", "dv", "di"), _sequence),
    **dict.fromkeys(("d", "b", "od", "co", "dd", "mp"), _mapping),
    **{tag: _of_parts(decode) for tag, decode in scalars.DECODERS.items()},
    **dict.fromkeys(frames.TAGS, _long_way(frames.decode_frame)),
    **dict.fromkeys(("pat", "aty"), _long_way(arrow.decode_table)),
    **dict.fromkeys(("pl", "pls"), _expanding(polars_frames.decode_polars)),
    **dict.fromkeys(("tt", "tdt", "tdv"), _tensor),
    "ar": _expanding(arrow.decode_arrow),
    "rng": _generator,
    "S": lambda decoder, tree, _: structured.decode_structured(tree, decoder._segments, decoder.decode),
    "T": _long_way(structured.decode_texts),
    "dt": _dtype,
    "ma": _of_parts(structured.decode_masked),
    "masked": _of_parts(structured.the_masked),
    "n": Decoder._scalar,
    "nt": _named,
    "r": lambda decoder, tree, _: decoder._referred(tree),
    "range": _of_parts(range),
    "slice": _of_parts(slice),
    "sp": _expanding(sparse.decode_sparse),
    "sub": _of_parts(structured.decode_subclass),
    "ty": _of_parts(_type_named),
}
