"""Arrow's columns and tables, and polars' frames, as values of the wire.

No reader of Arrow's own formats runs over what the other side sent: numbers are arrays of numpy with a mask, and
everything else is made of the Python values of its items.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from secureload.sandbox.wire.errors import Unencodable, WireValueError

__all__ = ["arrow_array", "decode_arrow", "decode_table", "encode_arrow", "encode_table"]

Encode = Callable[[Any], Any]
Expand = Callable[[int], None]

_MAX_NESTING = 16
_MAX_COLUMNS = 1 << 20
_MAX_ITEM_BYTES = 1 << 24
_PLAIN_ITEM_BYTES = 8
_NUMBERS = {
    "int8",
    "int16",
    "int32",
    "int64",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "halffloat",
    "float",
    "double",
}
_TIMES = {"date32", "date64", "time32", "time64", "timestamp", "duration"}
_TEXTS = {"string", "large_string", "binary", "large_binary"}
_ALIASES = {"string_view": "large_string", "binary_view": "large_binary"}
_NESTED = {"list": "list_", "large_list": "large_list"}
_MAKERS = {"bool": "bool_", "halffloat": "float16", "float": "float32", "double": "float64"}
_UNITS = frozenset({"s", "ms", "us", "ns"})


# -- types ---------------------------------------------------------------------------------------------------


def _encode_type(kind: Any, nesting: int = 0) -> Any:
    import pyarrow as pa

    name = _name(kind)
    if nesting > _MAX_NESTING:
        raise Unencodable("an arrow type nested too deep")
    if name in _NUMBERS | _TEXTS | {"bool", "null", "date32", "date64"}:
        return [name]
    if name in {"time32", "time64", "duration"}:
        return [name, kind.unit]
    if name == "timestamp":
        return [name, kind.unit, kind.tz]
    if name in _NESTED:
        return [name, _encode_type(kind.value_type, nesting + 1)]
    if pa.types.is_fixed_size_list(kind):
        return ["fixed_list", _encode_type(kind.value_type, nesting + 1), kind.list_size]
    if pa.types.is_struct(kind):
        return ["struct", [[field.name, _encode_type(field.type, nesting + 1)] for field in kind]]
    if pa.types.is_decimal128(kind) or pa.types.is_decimal256(kind):
        return [name.partition("(")[0], kind.precision, kind.scale]
    if pa.types.is_fixed_size_binary(kind):
        return ["fixed_binary", kind.byte_width]
    if pa.types.is_dictionary(kind):
        value = _encode_type(kind.value_type, nesting + 1)
        return ["dictionary", _encode_type(kind.index_type), value, kind.ordered]
    raise Unencodable(f"an arrow column of type {kind}")


def _name(kind: Any) -> str:
    text = str(kind)
    for end in "[<(":
        text = text.partition(end)[0]
    return _ALIASES.get(text, text)


def _decode_type(tree: Any, nesting: int = 0) -> Any:
    import pyarrow as pa

    if not isinstance(tree, list) or not tree or nesting > _MAX_NESTING:
        raise WireValueError("an arrow type that is none")
    name, *rest = tree
    if name in _NUMBERS | _TEXTS | {"bool", "null", "date32", "date64"} and not rest:
        return getattr(pa, _MAKERS.get(str(name), str(name)))()
    if name in {"time32", "time64", "duration", "timestamp"} and rest[0] in _UNITS:
        return getattr(pa, name)(*rest)
    if name in _NESTED:
        return getattr(pa, _NESTED[name])(_decode_type(rest[0], nesting + 1))
    if name == "fixed_list":
        return pa.list_(_decode_type(rest[0], nesting + 1), _size(rest[1]))
    if name == "struct":
        return pa.struct([(field, _decode_type(inner, nesting + 1)) for field, inner in rest[0]])
    if name in {"decimal128", "decimal256"}:
        return getattr(pa, name)(*rest)
    if name == "fixed_binary":
        return pa.binary(_size(rest[0]))
    if name == "dictionary":
        return pa.dictionary(
            _decode_type(rest[0]), _decode_type(rest[1], nesting + 1), ordered=rest[2] is True
        )
    raise WireValueError("an arrow type that is none")


def _size(value: object) -> int:
    if type(value) is not int or not 0 <= value <= _MAX_ITEM_BYTES:
        raise WireValueError("an arrow type of an unknown size")
    return value


def _item_bytes(kind: Any) -> int:
    """Return what an item of a type takes at least, even where it is missing."""
    import pyarrow as pa

    if pa.types.is_fixed_size_list(kind):
        return int(kind.list_size) * _item_bytes(kind.value_type)
    if pa.types.is_struct(kind):
        return 1 + sum(_item_bytes(field.type) for field in kind)
    if pa.types.is_fixed_size_binary(kind):
        return int(kind.byte_width)
    return _PLAIN_ITEM_BYTES


# -- columns -------------------------------------------------------------------------------------------------


def encode_arrow(value: Any, encode: Encode) -> list[Any]:
    """Encode an array or chunked array of Arrow; the borders of chunks are not kept."""
    import pyarrow as pa

    chunked = isinstance(value, pa.ChunkedArray)
    array = value.combine_chunks() if chunked else value
    if isinstance(array, pa.ChunkedArray):  # combining what is too large for one array
        raise Unencodable("an arrow column of more than 2 GiB")
    if _name(array.type) != str(array.type).partition("[")[0].partition("(")[0].partition("<")[0]:
        array = array.cast(getattr(pa, _name(array.type))())  # a view's buffers may lie anywhere
    return ["ar", chunked, _encode_type(array.type), *_items(array, encode)]


def _items(array: Any, encode: Encode) -> list[Any]:
    import pyarrow as pa

    name = _name(array.type)
    if name in _NUMBERS | _TIMES | {"bool"}:
        missing = array.is_null().to_numpy(zero_copy_only=False) if array.null_count else None
        return ["numbers", encode(_filled(array)), encode(missing)]
    if pa.types.is_dictionary(array.type):
        return ["codes", encode_arrow(array.indices, encode), encode_arrow(array.dictionary, encode)]
    return ["items", [encode(item) for item in array.to_pylist()]]


def _filled(array: Any) -> Any:
    """Return the items as an array of numpy, zeros where they are missing."""
    import pyarrow as pa

    wide = {1: pa.bool_, 8: pa.int8, 16: pa.int16, 32: pa.int32, 64: pa.int64}
    if _name(array.type) in _TIMES:
        array = array.view(wide[array.type.bit_width]())
    if array.null_count:
        zero = pa.scalar(0).cast(array.type) if not pa.types.is_boolean(array.type) else pa.scalar(False)
        array = array.fill_null(zero)
    return array.to_numpy(zero_copy_only=False)


def decode_arrow(tree: list[Any], decode: Callable[[Any], Any], expand: Expand) -> Any:
    """Rebuild an array or chunked array of Arrow; ``expand`` accounts for what takes more than came for it."""
    import pyarrow as pa

    _, chunked, type_tree, way, *parts = tree
    kind = _decode_type(type_tree)
    if way == "numbers":
        array = _numbers(kind, *(decode(part) for part in parts))
    elif way == "codes":
        indices, values = (arrow_array(decode(part)) for part in parts)
        array = pa.DictionaryArray.from_arrays(indices, values, ordered=kind.ordered, safe=True)
    elif way == "items" and isinstance(parts[0], list):
        expand(len(parts[0]) * _item_bytes(kind))
        array = pa.array([decode(item) for item in parts[0]], type=kind)
    else:
        raise WireValueError("an arrow column that is none")
    array.validate(full=True)
    return pa.chunked_array([array], type=kind) if chunked is True else array


def _numbers(kind: Any, values: Any, missing: Any) -> Any:
    import numpy as np
    import pyarrow as pa

    if type(values) is not np.ndarray or values.ndim != 1 or values.dtype.kind not in "biuf":
        raise WireValueError("an arrow column of no numbers")
    if missing is not None and (type(missing) is not np.ndarray or missing.dtype != bool):
        raise WireValueError("an arrow column whose mask is none")
    array = pa.array(values, mask=missing, from_pandas=False)
    return array if array.type == kind else array.view(kind)


def arrow_array(value: Any) -> Any:
    """Return what was decoded, if it is an array of Arrow."""
    import pyarrow as pa

    if not isinstance(value, pa.Array | pa.ChunkedArray):
        raise WireValueError("an arrow column that is none")
    return value


# -- tables and frames ---------------------------------------------------------------------------------------


def encode_table(value: Any, encode: Encode) -> list[Any]:
    """Encode a Table, RecordBatch, array or scalar of Arrow.

    Raises:
        Unencodable: something else of Arrow's, or a type that has no encoding here.
    """
    import pyarrow as pa

    if isinstance(value, pa.Table | pa.RecordBatch):
        metadata = dict(value.schema.metadata) if value.schema.metadata else None
        cells = [encode_arrow(column, encode) for column in value.columns]
        return ["pat", isinstance(value, pa.Table), list(value.schema.names), cells, encode(metadata)]
    if isinstance(value, pa.ChunkedArray | pa.Array):
        return encode_arrow(value, encode)
    if isinstance(value, pa.DataType):
        return ["aty", _encode_type(value)]
    raise Unencodable(f"an object of type {type(value).__qualname__}")


def decode_table(tree: list[Any], decode: Callable[[Any], Any]) -> Any:
    """Rebuild a table of Arrow, or a type."""
    import pyarrow as pa

    if tree[0] == "aty":
        return _decode_type(tree[1])
    _, is_table, names, cells, metadata = tree
    if not isinstance(names, list) or not isinstance(cells, list) or len(names) != len(cells):
        raise WireValueError("a table that is none")
    columns = [arrow_array(decode(cell)) for cell in cells]
    built = (pa.table if is_table is True else pa.record_batch)(columns, names=names)
    built.validate(full=True)
    return built.replace_schema_metadata(decode(metadata))
