"""Plain safetensors files: a dictionary of arrays, as ``safetensors.numpy.load_file`` returns it."""

from __future__ import annotations

import json
from typing import Any

from secureload.errors import MalformedError
from secureload.limits import Limits
from secureload.printable import printable

__all__ = ["DTYPES", "NARROW", "parse_tensors", "read_tensors", "widened"]

DTYPES = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "|i1", "U64": "<u8",
    "U32": "<u4", "U16": "<u2", "U8": "|u1", "BOOL": "|b1", "C64": "<c8",
}  # fmt: skip
# Floats that numpy has no type for, by the type of their bits. float32 holds each of their values.
NARROW = {"BF16": "<u2", "F8_E4M3": "|u1", "F8_E5M2": "|u1"}


def read_tensors(data: memoryview, limits: Limits) -> dict[str, Any]:
    """Return the arrays of a file by name, lying where they lie in ``data``.

    bfloat16 and the floats of eight bits become float32, which holds each of their values.

    Raises:
        MalformedError: it breaks a rule of the format, or has a type that numpy has not.
    """
    return {name: _array(name, kind, shape, data) for name, kind, shape, data in parse_tensors(data, limits)}


def parse_tensors(data: memoryview, limits: Limits) -> list[tuple[str, str, tuple[int, ...], memoryview]]:
    """Return (name, type, shape, bytes) of each tensor; raises as :func:`read_tensors` does."""
    length = int.from_bytes(data[:8], "little")
    if len(data) < 8 or length > min(len(data) - 8, limits.json_text_bytes):
        raise _malformed("the header does not end in the file")
    try:
        header = json.loads(bytes(data[8 : 8 + length]))
        entries = [(name, entry) for name, entry in header.items() if name != "__metadata__"]
        found = [
            (name, entry["dtype"], tuple(entry["shape"]), *entry["data_offsets"]) for name, entry in entries
        ]
    except (ValueError, RecursionError, AttributeError, KeyError, TypeError) as error:
        raise _malformed(f"the header is none ({type(error).__name__})") from None
    body = data[8 + length :]
    result = []
    for name, kind, shape, begin, end in found:
        sizes = (*shape, begin, end)
        if not all(type(size) is int and size >= 0 for size in sizes) or not begin <= end <= len(body):
            raise _malformed(f"tensor {printable(name, 60)!r} does not lie in the file")
        result.append((name, kind, shape, body[begin:end]))
    return result


def _array(name: str, kind: object, shape: tuple[int, ...], data: memoryview) -> Any:
    import numpy as np

    if not isinstance(kind, str) or (kind not in NARROW and kind not in DTYPES):
        raise _malformed(
            f"tensor {printable(name, 60)!r} is of type {printable(kind, 20)}, which numpy has not"
        )
    dtype = np.dtype(DTYPES.get(kind) or NARROW[kind])
    count = 1
    for size in shape:
        count *= size
    if count * dtype.itemsize != len(data):
        raise _malformed(f"tensor {printable(name, 60)!r} has another size than its shape")
    flat = np.frombuffer(data, dtype) if len(data) else np.empty(0, dtype)
    if kind == "BOOL" and bool((flat.view("u1") > 1).any()):
        raise _malformed(f"tensor {printable(name, 60)!r} has a truth value that is neither 0 nor 1")
    try:
        return (widened(kind, flat) if kind in NARROW else flat).reshape(shape)
    except ValueError:
        raise _malformed(
            f"tensor {printable(name, 60)!r} has {len(shape)} dimensions, or lengths, that numpy has not"
        ) from None


def widened(kind: str, bits: Any) -> Any:
    """Return as float32 what an array of bits says in one of the types of :data:`NARROW`.

    Source of the floats of eight bits: Micikevicius and others, "FP8 Formats for Deep Learning" (arXiv 2209.05433).
    """
    import numpy as np

    if kind == "BF16":
        return (bits.astype("<u4") << 16).view("<f4")
    if kind == "F8_E5M2":
        return (bits.astype("<u2") << 8).view("<f2").astype("<f4")  # the upper half of a float16
    sign = np.where(bits & 0x80, np.float32(-1), np.float32(1))
    power, rest = ((bits >> 3) & 15).astype(np.int32), (bits & 7).astype("<f4")
    # Seven is the bias, and a power of zero means a number that is not normal. There is no infinity.
    size = np.where(power == 0, np.ldexp(rest, -9), np.ldexp(8 + rest, power - 10))
    return np.where((bits & 0x7F) == 0x7F, np.float32(np.nan), sign * size).astype("<f4")


def _malformed(message: str) -> MalformedError:
    return MalformedError(f"the safetensors file is malformed: {message}", format="safetensors")
