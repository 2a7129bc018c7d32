"""numpy's ``.npy`` files: a header in text, and the raw bytes of an array, or a pickle where it holds objects.

Source: ``numpy/lib/_format_impl.py`` (format versions 1.0, 2.0 and 3.0). ``numpy.save`` called again on an
open file leaves several arrays one behind the other.
"""

from __future__ import annotations

from collections.abc import Iterator

from secureload.errors import LimitError, MalformedError
from secureload.formats.literal import parse_literal
from secureload.formats.numpy_descr import descr_layout
from secureload.formats.reading import Child, Event, Identified, Observation, Problem, ReadContext
from secureload.formats.region import Region
from secureload.limits import Limits
from secureload.values import dataclass

__all__ = ["MAGIC", "read"]

MAGIC = b"\x93NUMPY"
# Version → the number of bytes of the header's length, and the encoding of its text.
_VERSIONS = {b"\1\0": (2, "latin-1"), b"\2\0": (4, "latin-1"), b"\3\0": (4, "utf-8")}
_KEYS = frozenset({"descr", "fortran_order", "shape"})
_MOST_DIMENSIONS = 64


@dataclass(frozen=True, slots=True)
class _Header:
    """``size`` is that of the array in bytes; with ``objects`` a pickle of unknown length stands there."""

    size: int
    objects: bool


def read(data: Region, context: ReadContext) -> Iterator[Event]:
    """Yield the arrays in ``data``, and what follows them."""
    yield Identified(format="npy", loader="numpy.load")
    start = arrays = 0
    while data.read_at(start, len(MAGIC)) == MAGIC:
        if arrays >= context.limits.archive_members:
            raise _too_many(context.limits, arrays)
        arrays += 1
        body = _body(data, start, context.limits)
        try:
            header = _header(data, start, body)
        except MalformedError as error:
            # What numpy would make of it is not known: whether it unpickles the rest neither.
            yield Problem(kind="malformed", message=error.message, offset=start)
            yield _pickle(data, body, arrays)
            return
        if header.objects:
            yield Observation(
                code="npy.objects",
                message="an array of objects: numpy.load unpickles it where allow_pickle is set",
                offset=start,
            )
            yield _pickle(data, body, arrays)
            return
        found = data.size - body
        yield Child(name=_name("array", arrays), data=data.part(body, header.size), expect="data")
        if found < header.size:
            yield Problem(
                kind="malformed",
                message=f"the array is cut off: {header.size:,} bytes by its header, {found:,} in the file",
                offset=body,
            )
            return
        start = body + header.size
        if start < data.size and arrays == 1 and data.read_at(start, len(MAGIC)) == MAGIC:
            yield Observation(
                code="npy.several-arrays",
                message="several arrays, one behind the other: numpy.load of the file reads the first",
                offset=start,
            )
    if start < data.size:
        yield Problem(kind="trailing", message=f"{data.size - start:,} bytes follow the array", offset=start)
        yield Child(name="trailing", data=data.part(start, data.size - start))


def _name(what: str, number: int) -> str:
    return what if number == 1 else f"{what}-{number}"


def _pickle(data: Region, body: int, number: int) -> Child:
    part = data.part(body, data.size - body)
    return Child(name=_name("objects", number), data=part, expect="pickle", reading="numpy")


def _body(data: Region, start: int, limits: Limits) -> int:
    """Return where the bytes of the array begin whose magic stands at ``start``."""
    version = data.read_at(start + 6, 2)
    if version not in _VERSIONS:
        raise MalformedError("a .npy file of a version that numpy does not have", format="npy", offset=start)
    width = _VERSIONS[version][0]
    field = data.read_at(start + 8, width)
    length = int.from_bytes(field, "little")
    body = start + 8 + width + length
    if len(field) < width or body > data.size:
        raise MalformedError("the header of the array is cut off", format="npy", offset=start)
    if length > limits.npy_header_bytes:
        raise LimitError(
            f"the header of the array has {length:,} bytes",
            hint="a header of numpy's has some hundred bytes",
            limit="npy_header_bytes",
            allowed=limits.npy_header_bytes,
            seen=length,
        )
    return body


def _header(data: Region, start: int, body: int) -> _Header:
    width, encoding = _VERSIONS[data.read_at(start + 6, 2)]
    try:
        text = data.read_at(start + 8 + width, body - start - 8 - width).decode(encoding)
    except UnicodeDecodeError as error:
        raise MalformedError("the header of the array is not text", format="npy", offset=start) from error
    fields = parse_literal(text.rstrip("\n "))
    if not isinstance(fields, dict) or fields.keys() != _KEYS:
        raise MalformedError(
            "the header of the array has not the keys descr, fortran_order and shape", format="npy"
        )
    shape = fields["shape"]
    if not isinstance(fields["fortran_order"], bool):
        raise MalformedError("fortran_order of the array is neither True nor False", format="npy")
    if not isinstance(shape, tuple) or len(shape) > _MOST_DIMENSIONS:
        raise MalformedError("the shape of the array is not a tuple of sizes", format="npy")
    size, objects = descr_layout(fields["descr"])
    for extent in shape:
        if type(extent) is not int or extent < 0:
            raise MalformedError("the shape of the array is not a tuple of sizes", format="npy")
        size *= extent
    return _Header(size, objects)


def _too_many(limits: Limits, seen: int) -> LimitError:
    return LimitError(
        f"more than {limits.archive_members:,} arrays in one file",
        hint="save them as a .npz archive",
        limit="archive_members",
        allowed=limits.archive_members,
        seen=seen + 1,
    )
