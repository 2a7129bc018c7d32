"""Universal Binary JSON (https://ubjson.org, draft 12), as XGBoost writes its models in it.

A value is walked, not built: strings and arrays of numbers are stepped over by their length.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from secureload.errors import LimitError
from secureload.formats.binary import BinaryCursor
from secureload.formats.item_count import ItemCount
from secureload.formats.region import Region
from secureload.limits import Limits
from secureload.values import dataclass

__all__ = ["Text", "begins_as_ubjson", "texts"]

# Markers of values of a fixed size; numbers are big-endian.
_SIZES = {
    b"Z": 0, b"N": 0, b"T": 0, b"F": 0, b"i": 1, b"U": 1, b"C": 1, b"I": 2, b"l": 4, b"d": 4, b"L": 8, b"D": 8,
}  # fmt: skip
_INTEGERS = frozenset((b"i", b"U", b"I", b"l", b"L"))
_SIGNED = frozenset((b"i", b"I", b"l", b"L"))
_KEY_BYTES = 65_536


class Text(NamedTuple):
    """A string of the value: the key that it stands under, and its bytes."""

    key: str
    data: Region
    offset: int


@dataclass(slots=True)
class _Open:
    """A container that is being read.

    ``left`` values are still to come, -1 where it ends with a marker; ``kind`` is the marker of all its values.
    """

    is_object: bool
    left: int
    kind: bytes
    key: str


def begins_as_ubjson(head: bytes, size: int) -> bool:
    """Whether ``head`` begins an object with a key of printable characters."""
    marker = head[1:2]
    if head[:1] != b"{" or marker not in _INTEGERS:
        return False
    width = _SIZES[marker]
    length = int.from_bytes(head[2 : 2 + width], "big")
    key = head[2 + width : 2 + width + length]
    return 0 < length <= min(256, size) and key.isascii() and key.decode("ascii").isprintable()


def texts(data: Region, count: ItemCount, limits: Limits) -> Iterator[Text | int]:
    """Yield the strings of the value that ``data`` begins with, and at last where it ends.

    Raises :class:`MalformedError` for what is no value and :class:`LimitError` for one that is nested beyond
    ``limits.structure_depth``.
    """
    cursor = BinaryCursor(data, "UBJSON", byteorder="big")
    stack: list[_Open] = []
    marker, key = _marker(cursor), ""
    while True:
        count.add()
        if marker in (b"{", b"["):
            if len(stack) >= limits.structure_depth:
                raise LimitError(
                    f"structure_depth: values are nested deeper than {limits.structure_depth} levels",
                    hint="no program reads this",
                    limit="structure_depth",
                    allowed=limits.structure_depth,
                )
            stack.append(_container(cursor, marker == b"{", key))
        elif marker in (b"S", b"H"):
            length = _length(cursor)
            cursor.need(length)
            yield Text(key, data.part(cursor.at, length), cursor.at)
            cursor.skip(length)
        elif marker in _SIZES:
            cursor.skip(_SIZES[marker])
        else:
            cursor.at -= 1
            raise cursor.malformed(f"{marker!r} begins no value")
        following = _next(cursor, stack)
        if following is None:
            yield cursor.at
            return
        marker, key = following


def _next(cursor: BinaryCursor, stack: list[_Open]) -> tuple[bytes, str] | None:
    """Return the marker and the key of the next value, None where there is none; close what has ended."""
    while stack:
        top = stack[-1]
        if top.left == 0 or (top.left < 0 and _ends(cursor, top)):
            stack.pop()
            continue
        if top.left > 0 and not top.is_object and top.kind in _SIZES:
            cursor.skip(top.left * _SIZES[top.kind])  # an array of numbers
            top.left = 0
            continue
        top.left -= top.left > 0
        key = top.key
        if top.is_object:
            length = _length(cursor)
            if length > _KEY_BYTES:
                raise cursor.malformed(f"a key has {length:,} bytes")
            key = cursor.take(length).decode("utf-8", "replace")
        return top.kind or _marker(cursor), key
    return None


def _ends(cursor: BinaryCursor, top: _Open) -> bool:
    """Step over the marker that ends a container, where it stands here."""
    end = b"}" if top.is_object else b"]"
    if cursor.data.read_at(cursor.at, 1) != end:
        return False
    cursor.skip(1)
    return True


def _container(cursor: BinaryCursor, is_object: bool, key: str) -> _Open:
    """Read the kind and the count that may follow the opening marker."""
    kind, left = b"", -1
    if cursor.data.read_at(cursor.at, 1) == b"$":
        cursor.skip(1)
        kind = _marker(cursor)
        if cursor.data.read_at(cursor.at, 1) != b"#":
            raise cursor.malformed("a container has a kind and no count")
    if cursor.data.read_at(cursor.at, 1) == b"#":
        cursor.skip(1)
        left = _length(cursor)
    if left > 0 and kind in _SIZES and not _SIZES[kind] and not is_object:
        left = 0  # a billion times nothing
    return _Open(is_object, left, kind, key)


def _marker(cursor: BinaryCursor) -> bytes:
    return cursor.take(1)


def _length(cursor: BinaryCursor) -> int:
    marker = _marker(cursor)
    if marker not in _INTEGERS:
        cursor.at -= 1
        raise cursor.malformed(f"{marker!r} is no kind of length")
    width = _SIZES[marker]
    value = cursor.number(width)
    if marker in _SIGNED and value >> (8 * width - 1):
        raise cursor.malformed("a length is negative")
    return value
