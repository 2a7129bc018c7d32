"""The wire format of protocol buffers, read field by field without a schema, without copying what is bulk.

Encoding: https://protobuf.dev/programming-guides/encoding/. A message is a sequence of fields: a key (number
and wire type, a varint), then a varint, 4 or 8 bytes, or a length and as many bytes. Groups, which nobody has
written since proto2, are refused. Nested messages are read where the caller asks for them: there is no
recursion here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, Literal, NamedTuple

from secureload.errors import MalformedError
from secureload.formats.item_count import ItemCount
from secureload.formats.region import Region

__all__ = ["BYTES", "FIXED32", "FIXED64", "VARINT", "Field", "fields", "signed"]

VARINT: Final = 0
FIXED64: Final = 1
BYTES: Final = 2
FIXED32: Final = 5

_WINDOW_BYTES = 4096
_RUN_BYTES = 1 << 20
# Texts of which a row may consist, and how many different ones: the modes of a forest's nodes are six.
_SHORT_BYTES = 64
_MOST_SHORT = 8
# A key and a length: two varints of ten bytes.
_HEADER_BYTES = 20
_VARINT_BYTES = 10
_MASK64 = (1 << 64) - 1
_CONTINUED = bytes(range(0x80, 0x100))


class Field(NamedTuple):
    """One field, or ``times`` equal ones in a row of which the first is shown.

    ``value`` is the number of a varint or fixed field, unsigned, or the length of a counted one; ``offset``
    is where the payload begins in the message.
    """

    number: int
    wire: Literal[0, 1, 2, 5]
    value: int
    offset: int
    times: int = 1


def fields(data: Region, count: ItemCount, *, runs: frozenset[int] = frozenset()) -> Iterator[Field]:
    """Yield the fields of the message ``data`` in their order.

    A row of 4- or 8-byte fields with one number comes as one, and so does a row of varints or of a few short
    texts where the number is one of ``runs``: a forest has millions of them.

    Raises :class:`MalformedError` for what is no message, with
    the field ``offset``, and :class:`LimitError` where ``count`` is used up.
    """
    at = 0
    window = _Window(data)
    texts = _TextRuns()
    while at < data.size:
        start = at
        key, at = window.varint(at)
        number, wire = key >> 3, key & 7
        if not 0 < number < 1 << 29:
            raise _malformed(f"a field has the number {number}", start)
        if wire == VARINT:
            value, at = window.varint(at)
            field = Field(number, VARINT, value, at)
            if number in runs:
                more, at = _varint_run(data, start, at)
                field = field._replace(times=1 + more)
        elif wire == BYTES:
            value, at = window.varint(at)
            if value > data.size - at:
                raise _malformed(f"field {number} of {value:,} bytes is cut off", start)
            field = Field(number, BYTES, value, at)
            at += value
            if number in runs and at - start <= _SHORT_BYTES:
                more, at = texts.after(data, start, at)
                field = field._replace(times=1 + more)
        elif wire in (FIXED32, FIXED64):
            width = 4 if wire == FIXED32 else 8
            if width > data.size - at:
                raise _malformed(f"field {number} is cut off", start)
            value = int.from_bytes(data.read_at(at, width), "little")
            more, end = _fixed_run(data, start, at + width)
            field = Field(number, FIXED32 if wire == FIXED32 else FIXED64, value, at, 1 + more)
            at = end
        else:
            raise _malformed(f"field {number} has the wire type {wire}, which is not read here", start)
        count.add()
        yield field


def signed(value: int) -> int:
    """Return a varint as the int64 that it stands for in two's complement."""
    return value - (1 << 64) if value >> 63 else value


class _Window:
    """Reads varints from a copy of the bytes near the last one."""

    __slots__ = ("_base", "_bytes", "_data")

    def __init__(self, data: Region) -> None:
        self._data = data
        self._base = 0
        self._bytes = data.read_at(0, _WINDOW_BYTES)

    def varint(self, at: int) -> tuple[int, int]:
        """Return the varint at ``at`` and where it ends."""
        near = at - self._base
        if near < 0 or near + _HEADER_BYTES > len(self._bytes):
            self._base, near = at, 0
            self._bytes = self._data.read_at(at, _WINDOW_BYTES)
        window = self._bytes
        if near >= len(window):
            raise _malformed("it is cut off", at)
        first = window[near]
        if first < 0x80:
            return first, at + 1
        value = shift = 0
        for byte in window[near : near + _VARINT_BYTES]:
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value & _MASK64, at + shift // 7
        raise _malformed("a number does not end", at)


def _fixed_run(data: Region, start: int, end: int) -> tuple[int, int]:
    """Return how many fields with the same key follow the one from ``start`` to ``end``, and where they end."""
    key = data.read_at(start, 1)
    step = end - start
    if key[0] >= 0x80 or data.read_at(end, 1) != key:
        return 0, end  # a key of two bytes: no row is looked for
    found = 0
    while True:
        piece = data.read_at(end, _RUN_BYTES // step * step)
        keys = piece[: len(piece) // step * step : step]
        same = len(keys) - len(keys.lstrip(key))
        found += same
        end += same * step
        if same < len(keys) or not keys:
            return found, end


def _varint_run(data: Region, start: int, end: int) -> tuple[int, int]:
    """As :func:`_fixed_run`, for varints."""
    key = data.read_at(start, 1)
    if key[0] >= 0x80 or data.read_at(end, 1) != key:
        return 0, end
    # Possessive: each byte is looked at once.
    row = re.compile(b"(?:" + re.escape(key) + rb"[\x80-\xff]{0,9}+[\x00-\x7f])*+")
    found = 0
    while True:
        matched = row.match(data.read_at(end, _RUN_BYTES))
        length = matched.end() if matched is not None else 0
        if not length:
            return found, end
        # Each field has exactly one byte below 128 besides its key.
        piece = data.read_at(end, length)
        found += len(piece.translate(None, _CONTINUED)) // 2
        end += length


class _TextRuns:
    """Steps over fields that are, byte for byte, among the short ones met before."""

    __slots__ = ("_known", "_one", "_row")

    def __init__(self) -> None:
        self._known: list[bytes] = []
        self._one = self._row = re.compile(b"")

    def after(self, data: Region, start: int, end: int) -> tuple[int, int]:
        """Remember the field from ``start`` to ``end``; return how many known ones follow, and where they end."""
        field = data.read_at(start, end - start)
        if field not in self._known:
            if len(self._known) == _MOST_SHORT:
                return 0, end
            self._known.append(field)
            # Each begins with its key and its length: no two of them match at one place.
            either = b"|".join(map(re.escape, self._known))
            self._one, self._row = re.compile(either), re.compile(b"(?:" + either + b")*+")
        found = 0
        while True:
            piece = data.read_at(end, _RUN_BYTES)
            matched = self._row.match(piece)
            length = matched.end() if matched is not None else 0
            if not length:
                return found, end
            found += len(self._one.findall(piece[:length]))
            end += length


def _malformed(what: str, offset: int) -> MalformedError:
    return MalformedError(
        f"this is no protocol buffer: {what}", hint="get the file again", format="protobuf", offset=offset
    )
