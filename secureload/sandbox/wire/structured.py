"""Arrays with a structure of their own: fields, masks, strings of any length, and numpy's subclasses.

A structured array travels field by field, so that each field obeys the rules for an array of its dtype; the bytes
between its fields do not travel. dtypes are values too.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from secureload.sandbox.wire.arrays import decode_dtype, decode_shape, is_plain
from secureload.sandbox.wire.errors import Unencodable, WireValueError

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

    from secureload.sandbox.wire.arrays import Segments

    Encode = Callable[[Any], Any]

__all__ = [
    "decode_masked",
    "decode_structured",
    "decode_subclass",
    "decode_texts",
    "decoded_dtype",
    "encode_dtype",
    "encode_masked",
    "encode_structured",
    "encode_subclass",
    "encode_texts",
    "is_texts",
    "the_masked",
]

_MAX_NESTING = 8
_MAX_FIELDS = 10_000
_MAX_RECORD_BYTES = 1 << 24


# -- dtypes --------------------------------------------------------------------------------------------------


def is_texts(dtype: np.dtype[Any]) -> bool:
    """Whether it is numpy's dtype for strings of any length, which came with numpy 2."""
    return dtype.kind == "T"


def encode_dtype(dtype: np.dtype[Any], encode: Encode) -> Any:
    """Return a type string, or the tree of a dtype that has none.

    Raises:
        Unencodable: a dtype of another library.
    """
    import numpy as np

    if is_texts(dtype):
        options: Any = dtype
        missing = [encode(options.na_object)] if hasattr(dtype, "na_object") else []
        return ["texts", bool(options.coerce), missing]
    if dtype.fields is not None:
        fields = [_field(name, dtype, encode) for name in dtype.names or ()]
        return ["fields", dtype.type is np.record, dtype.itemsize, dtype.isalignedstruct, fields]
    if dtype.names is not None:
        return ["fields", dtype.type is np.record, dtype.itemsize, dtype.isalignedstruct, []]
    if dtype.kind == "O" or is_plain(dtype.str) or dtype.str in {"<U0", "|S0", "|V0"}:
        return dtype.str
    raise Unencodable(f"an array of dtype {dtype}")


def _field(name: str, dtype: np.dtype[Any], encode: Encode) -> list[Any]:
    assert dtype.fields is not None  # noqa: S101  # for the type checker: the caller has looked
    inner, offset, *title = dtype.fields[name]
    shape: tuple[int, ...] = ()
    if inner.subdtype is not None:
        inner, shape = inner.subdtype
    if title and not isinstance(title[0], str):
        raise Unencodable("a dtype whose title is no text")
    return [name, encode_dtype(inner, encode), list(shape), offset, title[0] if title else None]


def decoded_dtype(tree: Any, decode: Callable[[Any], Any], nesting: int = 0) -> np.dtype[Any]:
    """Return the dtype of a tree.

    Raises:
        WireValueError: it is none that an encoder makes.
    """
    import numpy as np

    if isinstance(tree, str):
        if tree == "|O" or tree in {"<U0", "|S0", "|V0"}:
            return np.dtype(tree[1:])
        return decode_dtype(tree)
    if not isinstance(tree, list) or nesting > _MAX_NESTING:
        raise WireValueError("a dtype that does not cross the wire")
    decode(None)  # counts it
    if tree[0] == "texts":
        return _texts_dtype(tree, decode)
    word, is_record, size, aligned, fields = tree
    flags = isinstance(is_record, bool) and isinstance(aligned, bool) and type(size) is int
    if word != "fields" or not flags or not isinstance(fields, list) or len(fields) > _MAX_FIELDS:
        raise WireValueError("a dtype that does not cross the wire")
    if not 0 <= size <= _MAX_RECORD_BYTES:
        raise WireValueError("a record that is too large")
    if not fields:
        return np.dtype({"names": [], "formats": [], "offsets": [], "itemsize": size})
    names, trees, shapes, offsets, titles = zip(*fields, strict=True)
    inner = [decoded_dtype(each, decode, nesting + 1) for each in trees]
    built = np.dtype(
        {
            "names": [_name(name) for name in names],
            "formats": [(each, decode_shape(shape)) for each, shape in zip(inner, shapes, strict=True)],
            "offsets": [_offset(offset) for offset in offsets],
            "titles": [None if title is None else _name(title) for title in titles],
            "itemsize": size,
        },
        align=aligned,
    )
    return np.dtype((np.record, built)) if is_record else built


def _name(value: object) -> str:
    if not isinstance(value, str):
        raise WireValueError("a field without a name")
    return value


def _offset(value: object) -> int:
    if type(value) is not int or not 0 <= value <= _MAX_RECORD_BYTES:
        raise WireValueError("a field outside of its record")
    return value


def _texts_dtype(tree: list[Any], decode: Callable[[Any], Any]) -> np.dtype[Any]:
    import numpy as np

    _, coerce, missing = tree
    if not isinstance(coerce, bool) or not isinstance(missing, list) or len(missing) > 1:
        raise WireValueError("a dtype that does not cross the wire")
    kind: Any = np.dtypes.StringDType
    built: np.dtype[Any] = (
        kind(coerce=coerce, na_object=decode(missing[0])) if missing else kind(coerce=coerce)
    )
    return built


# -- strings of any length -----------------------------------------------------------------------------------


def encode_texts(array: np.ndarray[Any, Any], encode: Encode) -> list[Any]:
    """Encode an array of strings of any length: a text an item, None where one is missing."""
    dtype: Any = array.dtype
    missing = getattr(dtype, "na_object", None)
    fortran = array.flags.f_contiguous and not array.flags.c_contiguous
    items = array.ravel(order="F" if fortran else "C").tolist()
    if not isinstance(missing, str):
        items = [item if isinstance(item, str) else None for item in items]
    return ["T", encode_dtype(dtype, encode), list(array.shape), items, fortran]


def decode_texts(tree: list[Any], decode: Callable[[Any], Any]) -> np.ndarray[Any, Any]:
    """Rebuild an array of strings of any length."""
    import numpy as np

    _, dtype_tree, extents, items, fortran = tree
    dtype: Any = decoded_dtype(dtype_tree, decode)
    shape = decode_shape(extents)
    if not is_texts(dtype) or not isinstance(items, list) or not isinstance(fortran, bool):
        raise WireValueError("an array of strings that is none")
    texts = [decode(item) for item in items]
    if math.prod(shape) != len(texts):
        raise WireValueError("an array of strings that do not fit its shape")
    if not all(isinstance(text, str) or (text is None and hasattr(dtype, "na_object")) for text in texts):
        raise WireValueError("an array of strings with something else")
    array: np.ndarray[Any, Any] = np.empty(len(texts), dtype=dtype)
    for position, text in enumerate(texts):
        array[position] = dtype.na_object if text is None else text
    return array.reshape(shape, order="F" if fortran else "C")


# -- fields --------------------------------------------------------------------------------------------------


def encode_structured(array: np.ndarray[Any, Any], encode: Encode) -> list[Any]:
    """Encode a structured array field by field."""
    fortran = array.flags.f_contiguous and not array.flags.c_contiguous
    fields = [encode(array[name].copy(order="C")) for name in array.dtype.names or ()]
    return ["S", encode_dtype(array.dtype, encode), list(array.shape), fields, fortran]


def decode_structured(
    tree: list[Any], segments: Segments, decode: Callable[[Any], Any]
) -> np.ndarray[Any, Any]:
    """Rebuild a structured array."""
    import numpy as np

    _, dtype_tree, extents, encoded, fortran = tree
    dtype, shape = decoded_dtype(dtype_tree, decode), decode_shape(extents)
    names = dtype.names
    if names is None or not isinstance(encoded, list) or len(encoded) != len(names):
        raise WireValueError("a structured array whose fields are not those of its dtype")
    segments.expand(math.prod(shape) * dtype.itemsize)
    array: np.ndarray[Any, Any] = np.zeros(shape, dtype, order="F" if fortran is True else "C")
    for name, part in zip(names, encoded, strict=True):
        field = decode(part)
        place = array[name]
        if not isinstance(field, np.ndarray) or field.shape != place.shape:
            raise WireValueError("a field that does not fit its record")
        if field.dtype != place.dtype:
            raise WireValueError("a field of another dtype than its record says")
        place[...] = field
    return array


# -- subclasses ----------------------------------------------------------------------------------------------


def _subclasses() -> dict[str, type]:
    import numpy as np

    return {"matrix": np.matrix, "recarray": np.recarray, "chararray": np.char.chararray}


def encode_subclass(value: np.ndarray[Any, Any], encode: Encode) -> list[Any] | None:
    """Encode an array of one of numpy's subclasses; None for an array, or one that lies in a file."""
    import numpy as np

    if type(value) is np.ndarray or type(value) is np.memmap:
        return None
    for name, kind in _subclasses().items():
        if type(value) is kind:
            return ["sub", name, encode(value.view(np.ndarray))]
    raise Unencodable(f"an array of type {type(value).__qualname__}")


def decode_subclass(name: object, array: object) -> np.ndarray[Any, Any]:
    """Rebuild an array of one of numpy's subclasses."""
    import numpy as np

    kind = _subclasses().get(name) if isinstance(name, str) else None
    if kind is None or type(array) is not np.ndarray:
        raise WireValueError("an array of an unknown class")
    return array.view(kind)


# -- masks ---------------------------------------------------------------------------------------------------


def encode_masked(value: np.ma.MaskedArray[Any, Any], encode: Encode) -> list[Any]:
    """Encode a masked array or record: what it is filled with is None where that is the default."""
    import numpy as np

    if value is np.ma.masked:
        return ["masked"]
    if type(value) is not np.ma.MaskedArray and type(value) is not np.ma.core.mvoid:
        raise Unencodable(f"an array of type {type(value).__qualname__}")
    mask = None if value.mask is np.ma.nomask else np.asarray(value.mask)
    fill = getattr(value, "_fill_value", None)
    # A masked record's data is a record, which has no dimension.
    data = np.asarray(value.data) if value.ndim else np.array(value.data, dtype=value.dtype)
    is_record = isinstance(value, np.ma.core.mvoid)
    parts = [encode(data), encode(mask), encode(None if fill is None else np.asarray(fill))]
    return ["ma", *parts, bool(value.hardmask), is_record]


def decode_masked(data: object, mask: object, fill: object, hard: object, is_record: object) -> Any:
    """Rebuild a masked array from its parts: arrays of one shape, and an array of no dimensions to fill with."""
    import numpy as np

    if type(data) is not np.ndarray or not (mask is None or type(mask) is np.ndarray):
        raise WireValueError("a masked array that is none")
    if type(mask) is np.ndarray and (
        mask.shape != data.shape or mask.dtype != np.ma.make_mask_descr(data.dtype)
    ):
        raise WireValueError("a masked array whose mask does not fit")
    if not (fill is None or (type(fill) is np.ndarray and fill.shape == ())):
        raise WireValueError("a masked array that is filled with something else")
    array: Any = np.ma.MaskedArray(data, mask=np.ma.nomask if mask is None else mask, hard_mask=hard is True)
    if fill is not None:
        array.fill_value = fill[()]
    return array[()] if is_record is True and data.shape == () else array


def the_masked() -> Any:
    """Return the value that stands for whatever is masked: there is one of it."""
    import numpy as np

    return np.ma.masked
