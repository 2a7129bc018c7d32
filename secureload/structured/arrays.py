"""numpy arrays and scalars ⇄ tensors and JSON.

A tensor has the bytes of the array in C order, little-endian; an array in Fortran order is the tensor's
transpose. What safetensors has no type for is written as what it consists of: complex numbers as pairs, text as
UTF-32 code units, times as integers, records as bytes. Objects are never written as bytes.
"""

from __future__ import annotations

import math
from functools import cache, lru_cache
from typing import Any

from secureload.errors import ConversionError
from secureload.structured.container import Buffer, forged

__all__ = [
    "SMALL",
    "Tensor",
    "alignment",
    "array_of",
    "dtype_of",
    "inline",
    "inline_array",
    "scalar",
    "scalar_of",
    "tensor_of",
]

# Arrays of no more elements are written as numbers in the JSON: an entry of the header takes more.
SMALL = 4
_TYPES = {
    "<f8": "F64", "<f4": "F32", "<f2": "F16", "<i8": "I64", "<i4": "I32", "<i2": "I16", "|i1": "I8", "<u8": "U64",
    "<u4": "U32", "<u2": "U16", "|u1": "U8", "|b1": "BOOL",
}  # fmt: skip
_NAMES = {kind: name for name, kind in _TYPES.items()}
_WANTED = {"b": bool, "i": int, "u": int, "f": float}
_PARTS = {"c8": "F32", "c16": "F64"}
# (safetensors type, shape of the tensor, bytes, what the JSON says of the type, order)
Tensor = tuple[str, tuple[int, ...], Buffer, str, str]
_MAX_FIELDS = 64
_MAX_ITEM_BYTES = 1 << 20


def tensor_of(array: Any) -> Tensor:
    """Return the tensor of a numpy array that holds no objects.

    Raises:
        ConversionError: its type has no portable form (long double).
    """
    import numpy as np

    order = "F" if array.ndim > 1 and array.flags.f_contiguous and not array.flags.c_contiguous else ""
    flat = array.T if order else np.ascontiguousarray(array).reshape(array.shape)
    said = array.dtype.str
    if array.dtype.names is not None:
        return "U8", (*flat.shape, array.dtype.itemsize), _clean(flat).tobytes(), _descr(array.dtype), order
    little = flat.astype(flat.dtype.newbyteorder("<"), copy=False)
    kind = _TYPES.get(little.dtype.str)
    said = "" if kind is not None and said == little.dtype.str else said
    if kind is not None:
        return kind, flat.shape, _bytes(little), said, order
    return _in_parts(little, said, order)


def _in_parts(array: Any, said: str, order: str) -> Tensor:
    kind, size = array.dtype.kind, array.dtype.itemsize
    if kind == "c" and f"c{size}" in _PARTS:
        return _PARTS[f"c{size}"], (*array.shape, 2), _bytes(array), said, order
    if kind == "U":
        return "U32", (*array.shape, size // 4), _bytes(array), said, order
    if kind == "S":
        return "U8", (*array.shape, size), _bytes(array), said, order
    if kind in "Mm":
        return "I64", array.shape, _bytes(array), said, order
    raise ConversionError(
        f"an array of type {array.dtype} has no portable form", hint="convert it to float64 before saving"
    )


def _bytes(array: Any) -> Buffer:
    import numpy as np

    flat: Any = np.ascontiguousarray(array)
    return memoryview(flat.reshape(-1).view("u1")) if array.size and array.itemsize else b""


def _clean(array: Any) -> Any:
    """Return the records with zeros between the fields: what lies there is whatever was in memory."""
    import numpy as np

    clean = np.zeros(array.shape, array.dtype)
    for name in array.dtype.names:
        clean[name] = array[name]
    return clean


def _descr(dtype: Any) -> str:
    fields = []
    for name in dtype.names:
        field, offset = dtype.fields[name][:2]
        base, shape = field.base, field.shape
        if base.names is not None or base.kind not in "biuf":
            raise ConversionError(
                f"records of type {dtype} have no portable form", hint="give each field an array of its own"
            )
        fields.append(f"{name}:{base.str}:{offset}:{','.join(map(str, shape))}")
    return f"{{{dtype.itemsize}}}" + ";".join(fields)


def dtype_of(text: object) -> Any:
    """Return the numpy type that a text of the JSON names; refuse objects and whatever numpy would not take."""
    import numpy as np

    found = _plain().get(text) if type(text) is str else None
    if found is not None:
        return found
    if type(text) is not str or len(text) > 4_096 or "O" in text.partition("}")[0]:
        raise forged("has an array of a type that is none")
    try:
        found = _records(text) if text.startswith("{") else np.dtype(text)
    except (TypeError, ValueError, KeyError, SyntaxError) as error:
        raise forged(f"has an array of a type that is none ({type(error).__name__})") from None
    if (
        found.hasobject
        or found.itemsize > _MAX_ITEM_BYTES
        or (found.names is None and found.kind not in "biufcUSMm")
    ):
        raise forged("has an array of a type that is none")
    if found.names is None and found.str != text:
        raise forged("has an array whose type is not spelled as numpy does")
    return found


@cache
def _plain() -> dict[str, Any]:
    import numpy as np

    return {name: np.dtype(name) for name in _TYPES}


@lru_cache(maxsize=256)
def _records(text: str) -> Any:
    import numpy as np

    size, _, rest = text[1:].partition("}")
    names, formats, offsets = [], [], []
    fields = rest.split(";")
    if len(fields) > _MAX_FIELDS or not 0 < int(size) <= _MAX_ITEM_BYTES:
        raise ValueError(text)
    for field in fields:
        name, kind, offset, shape = field.split(":")
        base = np.dtype(kind)
        if base.kind not in "biuf":
            raise ValueError(kind)
        lengths = tuple(int(n) for n in shape.split(",")) if shape else ()
        names.append(name)
        formats.append((base, lengths) if lengths else base)
        offsets.append(int(offset))
    return np.dtype({"names": names, "formats": formats, "offsets": offsets, "itemsize": int(size)})


def array_of(kind: str, shape: tuple[int, ...], data: memoryview, said: object, order: object) -> Any:
    """Return the array of a tensor, lying where the tensor lies if its byte order is this machine's."""
    import numpy as np

    if order not in ("", "F"):
        raise forged("has an array in an order that is none")
    if type(said) is not str:
        raise forged("has an array of a type that is none")
    dtype, stored, last = _form_of(kind, said)
    if last is not None:
        if not shape or shape[-1] != last:
            raise forged("has an array whose type does not fit its tensor")
        shape = shape[:-1]
    if len(data) != dtype.itemsize * math.prod(shape):
        raise forged("has an array whose type does not fit its bytes")
    array = np.frombuffer(data, stored).reshape(shape) if len(data) else np.empty(shape, stored)
    if dtype.kind == "b" and bool((array.view("u1") > 1).any()):
        raise forged("has a truth value that is neither 0 nor 1")
    if dtype.kind == "U":
        _check_text(array)
    array = array if stored is dtype else array.astype(dtype)
    return array.T if order == "F" else array


@lru_cache(maxsize=256)
def _form_of(kind: str, said: str) -> tuple[Any, Any, int | None]:
    """Return an array's type, the type that is stored (the same object where nothing differs), and the length of the
    tensor's last dimension where that belongs to the element; ``said`` is what the JSON says, "" what the tensor does.
    """
    if said == "":
        dtype = _plain()[_NAMES[kind]]
        last = None
    else:
        dtype = dtype_of(said)
        last = _last(kind, dtype)
    stored = dtype if dtype.names is not None else dtype.newbyteorder("<")
    return dtype, dtype if stored.str == dtype.str else stored, last


def _last(kind: str, dtype: Any) -> int | None:
    """Return the length of the last dimension of a tensor whose elements are written as several of ``kind``."""
    last: int | None
    if dtype.newbyteorder("<").str in _TYPES:
        wanted, last = _TYPES[dtype.newbyteorder("<").str], None
    elif dtype.names is not None or dtype.kind == "S":
        wanted, last = "U8", dtype.itemsize
    elif dtype.kind == "U":
        wanted, last = "U32", dtype.itemsize // 4
    elif dtype.kind in "Mm":
        wanted, last = "I64", None
    else:
        wanted, last = _PARTS.get(f"c{dtype.itemsize}", ""), 2
    if wanted != kind:
        raise forged("has an array whose type does not fit its tensor")
    return last


def _check_text(array: Any) -> None:
    if array.size and array.itemsize:
        codes = array.reshape(-1).view("u4")
        if bool((codes > 0x10FFFF).any()) or bool(((codes >= 0xD800) & (codes < 0xE000)).any()):
            raise forged("has text that is no Unicode")


def alignment(tensor: Tensor) -> int:
    """Return the bytes to whose multiple the tensor's address has to be."""
    return (
        8
        if tensor[3].startswith("{")
        else {"F64": 8, "I64": 8, "U64": 8, "F32": 4, "I32": 4, "U32": 4, "F16": 2, "I16": 2, "U16": 2}.get(
            tensor[0], 1
        )
    )


def inline(array: Any) -> list[Any] | None:
    """Return a small array of numbers as JSON, None for one that is larger, or of something else."""
    if (
        array.size > SMALL
        or array.dtype.kind not in "biuf"
        or array.dtype.str not in _TYPES
        or array.ndim > 2
    ):
        return None
    return ["v", array.dtype.str, list(array.shape), [number(value) for value in array.ravel().tolist()]]


def number(value: Any) -> Any:
    """Return a bool, an int or a float as JSON can carry it."""
    if isinstance(value, float) and not math.isfinite(value):
        return ["f", "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"]
    return value


def number_of(node: Any) -> Any:
    """Return the number that JSON carries."""
    if isinstance(node, list):
        if len(node) == 2 and node[0] == "f" and node[1] in ("nan", "inf", "-inf"):
            return float(node[1])
        raise forged("has a number that is none")
    if type(node) not in (bool, int, float):
        raise forged("has a number that is none")
    return node


def inline_array(said: object, shape: object, values: object) -> Any:
    """Return a small array that is written as JSON."""
    import numpy as np

    dtype = dtype_of(said)
    if (
        dtype.str not in _TYPES
        or not isinstance(values, list)
        or not isinstance(shape, list)
        or len(shape) > 2
    ):
        raise forged("has a small array that is none")
    if (
        not all(type(n) is int and n >= 0 for n in shape)
        or math.prod(shape) != len(values)
        or len(values) > SMALL
    ):
        raise forged("has a small array whose shape does not fit its values")
    try:
        if set(map(type, values)) != {_WANTED[dtype.kind]}:  # not finite, or wrong
            values = [_exactly(number_of(value), dtype) for value in values]
        return np.array(values, dtype).reshape(shape)
    except (OverflowError, ValueError, TypeError):
        raise forged("has a small array whose values do not fit its type") from None


def _exactly(value: Any, dtype: Any) -> Any:
    wanted = _WANTED[dtype.kind]
    if type(value) is not wanted:
        raise forged(f"has {type(value).__name__} in a place of type {dtype}")
    return value


def scalar(value: Any) -> list[Any] | None:
    """Return a numpy scalar as JSON, None for one that has to be a tensor of no dimension."""
    if value.dtype.kind == "U":
        return ["n", "U", str(value)]
    if value.dtype.str in _TYPES:
        return ["n", value.dtype.str, number(value.item())]
    return None


def scalar_of(said: object, value: Any) -> Any:
    """Return the numpy scalar that JSON carries."""
    import numpy as np

    if said == "U" and type(value) is str:
        return np.str_(value)
    dtype = dtype_of(said)
    if dtype.str not in _TYPES:
        raise forged("has a scalar of a type that is none")
    try:
        return dtype.type(_exactly(number_of(value), dtype))
    except (OverflowError, ValueError):
        raise forged("has a scalar whose value does not fit its type") from None
