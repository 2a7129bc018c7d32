"""What one pickle has in common with others of its kind: a second one is compared with it, instead of read.

The hundred models that one program saves differ in numbers, in the bytes of arrays and in how many there are of
them. Where a pickle was read by both readers, :mod:`secureload.pickles.loose` tells which of its bytes nothing in
the trace depends on. A pickle in which all *other* bytes are the same, each loose number is of the same sort, each
frame ends where it did, and each array has the size that its shape says, has the same trace but for the offsets;
:meth:`Template.places` tells how these moved. Whatever differs elsewhere, in a single bit, is read in full.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from operator import attrgetter, itemgetter
from typing import Final, TypeAlias

from secureload.pickles.loose import Loose, RawArray, Token, loose_values
from secureload.pickles.opcodes import OPCODES
from secureload.pickles.trace import Section

__all__ = ["Moved", "Template", "beginning"]

_FLOAT: Final = 0x47
_LONG: Final = 0x8A
_FRAME_BYTES: Final = 8
# 0 and 1 are kept as they are, and so are bytes of which there are less than two.
_LEAST: Final = 2
_LARGEST: Final = (1 << 31) - 1
# A LONG1 is one that no other opcode can write: positive, and of more bits than this.
_LONG_BITS: Final = 64

Moved: TypeAlias = Sequence[int]


def beginning(data: bytes) -> bytes:
    """Return how a pickle begins: its protocol and, behind the length of its first frame, the first names in it."""
    return data[:3] + data[11:75]


class _Span:
    """What may be longer or shorter: bytes behind a length of ``width`` bytes, or the raw bytes of an array."""

    __slots__ = ("aligned", "array", "changing", "code", "end", "item_bytes", "start", "width")

    def __init__(self, start: int, end: int, width: int, code: int, array: RawArray | None) -> None:
        self.start, self.end, self.width, self.code, self.array = start, end, width, code, array
        self.aligned = False
        self.item_bytes = 0
        self.changing: list[tuple[int, int, int]] = []


class Template:
    """One pickle that was read, without what is loose in it."""

    __slots__ = (
        "_before",
        "_ends",
        "_fields",
        "_frames",
        "_mask",
        "_size",
        "_small",
        "_spans",
        "_wanted",
        "size",
    )

    @classmethod
    def of(cls, data: bytes, sections: Sequence[Section]) -> Template | None:
        """Return the template of ``data``, a pickle that was read to its end and has these sections, if it has one."""
        found = loose_values(data, sections)
        if found is None or not all(_of_known_size(array, found.tokens, data) for array in found.arrays):
            return None
        made = cls(data, found)
        inside = any(made.is_loose(end) or end > len(data) for _, end in found.frames)
        return None if inside else made

    def __init__(self, data: bytes, found: Loose) -> None:
        tokens = found.tokens
        loose = [index for index in sorted(found.loose) if _is_free(tokens[index], data)]
        counted = [token for token in (tokens[index] for index in loose) if token.width]
        spans = [_Span(token.start, token.end, token.width, token.code, None) for token in counted]
        spans += [_Span(array.start, array.end, 0, 0, array) for array in found.arrays]
        spans.sort(key=attrgetter("start"))
        self._ends = [span.end for span in spans]
        # How many bytes of the spans there are before what follows each of them.
        self._before = [0, *accumulate(span.end - span.start for span in spans)]
        kept = set(loose)
        for span in spans:
            if span.array is not None:
                self._lay_out(span, tokens, kept, data)
        self._spans = [(span.start, span.end, span.width, span.code, span) for span in spans]
        edges = [0, *(edge for span in spans for edge in (span.start, span.end)), len(data)]
        common = b"".join([data[start:end] for start, end in zip(edges[::2], edges[1::2], strict=True)])
        mask = bytearray(b"\xff" * len(common))
        small, self._fields = [], []
        for index in loose:
            token = tokens[index]
            size = token.end - token.start
            if token.width:
                continue
            place = self._place(token.start)
            mask[place : place + size] = bytes(size)
            if size == 1:
                small.append(place)
            elif token.code != _FLOAT:
                self._fields.append((place, place + size))
        self._frames = []
        for start, end in found.frames:
            place = self._place(start - _FRAME_BYTES)
            mask[place : place + _FRAME_BYTES] = bytes(_FRAME_BYTES)
            self._frames.append((place, self.span_before(start), self.span_before(end), end - start))
        # With a place more, so that itemgetter always gives a tuple.
        self._small = itemgetter(*small, small[0]) if small else None
        self.size, self._size = len(data), len(common)
        self._mask = int.from_bytes(mask, "little")
        self._wanted = int.from_bytes(common, "little") & self._mask

    def _place(self, position: int) -> int:
        """Return where a position outside of all spans is in what is common."""
        return position - self._before[bisect_right(self._ends, position)]

    def _lay_out(self, span: _Span, tokens: Sequence[Token], loose: set[int], data: bytes) -> None:
        """Note the bytes for each of an array's changing items, and where the numbers of these stand."""
        array = span.array
        assert array is not None  # noqa: S101  # for mypy: the caller looked
        span.aligned = array.aligned
        count = 1
        for index in array.shape:
            token = tokens[index]
            if index in loose:
                count *= _number(token, data)
                span.changing.append((token.start, token.end, self.span_before(token.start)))
        span.item_bytes = _raw_bytes(array, data) // count

    def moved(self, data: bytes) -> Moved | None:
        """Return how far ``data`` is moved behind none, one, two… of the spans of this; None if it differs."""
        pieces, moved, at, more, size = [], [0], 0, 0, len(data)
        for start, end, width, code, span in self._spans:
            begin = start + more
            pieces.append(data[at:begin])
            if width:
                length = int.from_bytes(data[begin : begin + width], "little")
                at = begin + width + length
                if length < _LEAST or (code == _LONG and not _is_large(data, begin + 1, at)):
                    return None
            else:
                at = _array_end(span, begin, data, moved)
            if at > size:
                return None
            more = at - end
            moved.append(more)
        if size != self.size + more:
            return None
        pieces.append(data[at:])
        common = b"".join(pieces)
        if len(common) != self._size or int.from_bytes(common, "little") & self._mask != self._wanted:
            return None
        return moved if self._has_such_numbers(common, moved) else None

    def _has_such_numbers(self, common: bytes, moved: Moved) -> bool:
        if self._small is not None and min(self._small(common)) < _LEAST:
            return False
        for start, end in self._fields:
            if not _LEAST <= int.from_bytes(common[start:end], "little") <= _LARGEST:
                return False
        return all(
            int.from_bytes(common[place : place + _FRAME_BYTES], "little")
            == length + moved[last] - moved[first]
            for place, first, last, length in self._frames
        )

    def is_loose(self, offset: int) -> bool:
        """Whether ``offset`` lies inside of what may be longer or shorter in another pickle."""
        before = bisect_right(self._ends, offset)
        return before < len(self._spans) and self._spans[before][0] < offset

    def span_before(self, offset: int) -> int:
        """Return the place in :meth:`moved` of how far what stands at ``offset`` moves."""
        return bisect_right(self._ends, offset)


def _array_end(span: _Span, begin: int, data: bytes, moved: Moved) -> int:
    """Return where the raw bytes end that begin at ``begin``; beyond the end of ``data`` where they cannot."""
    first = data[begin : begin + 1]
    if not first or first[0] in OPCODES:  # where an unpickler that knows nothing of joblib would go on
        return len(data) + 1
    size = span.item_bytes
    for start, end, spans in span.changing:
        size *= int.from_bytes(data[start + moved[spans] : end + moved[spans]], "little")
    return begin + size + (1 + first[0] if span.aligned else 0)


def _raw_bytes(array: RawArray, data: bytes) -> int:
    """Return how many bytes there are behind the padding."""
    return array.end - array.start - (1 + data[array.start] if array.aligned else 0)


def _number(token: Token, data: bytes) -> int:
    return int.from_bytes(data[token.start : token.end], "little")


def _is_large(data: bytes, start: int, end: int) -> bool:
    return end <= len(data) and int.from_bytes(data[start:end], "little", signed=True) >> _LONG_BITS > 0


def _is_free(token: Token, data: bytes) -> bool:
    """Whether another value of the same sort may stand there."""
    if token.code == _LONG:
        return _is_large(data, token.start + 1, token.end)
    if token.width:
        return token.end - token.start - token.width >= _LEAST
    return token.code == _FLOAT or _LEAST <= _number(token, data) <= _LARGEST


def _of_known_size(array: RawArray, tokens: Sequence[Token], data: bytes) -> bool:
    """Whether the size of an array is as its shape says, and nothing but joblib reads on behind its wrapper."""
    if data[array.start] in OPCODES:
        return False
    count = 1
    for index in array.shape:
        if tokens[index].code == _FLOAT or tokens[index].width:
            return False
        count *= _number(tokens[index], data)
    size = _raw_bytes(array, data)
    return size == 0 if count == 0 else 0 < count <= size and size % count == 0
