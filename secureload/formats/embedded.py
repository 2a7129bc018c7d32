"""Where in bytes of no known format a pickle could begin: behind garbage, in padding, at the end of anything.

Three kinds of places are looked for, each by its rarest byte: the PROTO opcode of protocols 2 to 5; a global as
two lines of text, in front of what usually follows one; and STACK_GLOBAL behind two texts. Of those, only the
ones are given from which the opcodes go on to import something and use it, or end: weights do not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from secureload.errors import LimitError
from secureload.formats.opcode_steps import does_something_at
from secureload.formats.region import Region
from secureload.limits import DEFAULT_LIMITS, Limits

__all__ = ["PickleSearch"]

_PIECE_BYTES = 1 << 20
# Each begins with one plain byte: that is searched for at the speed of memory.
_PROTO = re.compile(rb"\x80[\x02-\x05]")
_AFTER_GLOBAL = re.compile(rb"\n[()\x8cX}pqSVU\x94N\]0.]")
_AFTER_STACK_GLOBAL = re.compile(rb"\x93[()\x8c\x94Xqpr}N\]h]")
_LONGEST_NAME = 128
_NAME_BYTES = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.")
# The text before a STACK_GLOBAL may have been memoized: MEMOIZE, or BINPUT and an index.
_BEFORE_STACK_GLOBAL = _NAME_BYTES | {0x94}
# Random bytes have one place that looks like a beginning in 1,000, and fail there after two opcodes.
_BYTES_A_STEP = 128
_MOST_LETTERS = 4


class PickleSearch:
    """One search of ``data``, from its beginning to its end.

    The work is bounded: ``embedded_steps`` opcodes in all, more for more bytes.
    """

    def __init__(self, data: Region, limits: Limits = DEFAULT_LIMITS) -> None:
        self._data = data
        self._allowed = limits.embedded_steps + data.size // _BYTES_A_STEP
        self._steps = 0
        self._next_piece = 0
        # The places of the piece that is being searched, the next one last.
        self._waiting: list[tuple[int, ...]] = []

    def after(self, at: int) -> tuple[int, ...]:
        """Return where the first pickle at ``at`` or behind it may begin, () where there is none.

        ``at`` never goes back from one call to the next.

        Several offsets are of one pickle: which letter in front of a name is an opcode, it does not say.

        Raises:
            LimitError: the bytes look like the beginnings of pickles everywhere (``embedded_steps``).
        """
        while True:
            while self._waiting:
                starts = self._waiting.pop()
                found = tuple(start for start in starts if start >= at and self._does_something(start))
                if found:
                    return found
            if self._next_piece >= self._data.size:
                return ()
            begin = self._next_piece = max(self._next_piece, at // _PIECE_BYTES * _PIECE_BYTES)
            self._next_piece += _PIECE_BYTES
            self._waiting = sorted(self._places(begin), reverse=True)

    def _does_something(self, start: int) -> bool:
        done, steps = does_something_at(self._data, start)
        self._count(steps)
        return done

    def _count(self, steps: int) -> None:
        self._steps += steps
        if self._steps > self._allowed:
            raise LimitError(
                "embedded_steps: too much of it looks like the beginning of a pickle",
                hint="ask the sender what this file is",
                limit="embedded_steps",
                allowed=self._allowed,
                seen=self._steps,
            )

    def _places(self, begin: int) -> Iterator[tuple[int, ...]]:
        """Yield the places of the piece at ``begin``, in no order, each with the starts that it may belong to."""
        before = begin > 0
        piece = self._data.read_at(begin - before, _PIECE_BYTES + 1 + before)
        origin = begin - before
        for match in _PROTO.finditer(piece):
            self._count(1)
            yield (origin + match.start(),)
        for match in _AFTER_GLOBAL.finditer(piece):
            self._count(1)
            if piece[match.start() - 1] in _NAME_BYTES:
                yield _text_global(self._data, origin + match.start())
        for match in _AFTER_STACK_GLOBAL.finditer(piece):
            self._count(1)
            at = match.start()
            if piece[at - 1] in _BEFORE_STACK_GLOBAL or piece[at - 2 : at - 1] == b"q":
                yield _stack_global(self._data, origin + at)


def _text_global(data: Region, end: int) -> tuple[int, ...]:
    """Return where a GLOBAL or INST could begin whose second line ends at ``end``."""
    before = data.read_at(max(end - 2 * _LONGEST_NAME, 0), min(end, 2 * _LONGEST_NAME))
    middle = before.rfind(b"\n")
    if middle <= 0 or not all(byte in _NAME_BYTES for byte in before[middle + 1 :]):
        return ()
    first = middle
    while first > 0 and before[first - 1] in _NAME_BYTES:
        first -= 1
    letters = [at for at in range(first, middle - 1) if before[at] in b"ci"]
    # The first and the last letters are the likely ones.
    found: dict[int, None] = {}
    for at in (*letters[: _MOST_LETTERS // 2], *letters[-_MOST_LETTERS // 2 :]):
        # The arguments of OBJ stand behind the global, those of INST before it; the mark before both.
        mark = before.rfind(b"(", 0, at)
        if mark >= 0 and (mark == at - 1 or before[at] == ord("i")):
            found[end - len(before) + mark] = None
        found[end - len(before) + at] = None
    return tuple(found)


def _stack_global(data: Region, end: int) -> tuple[int, ...]:
    """Return where the first of two texts could begin that a STACK_GLOBAL at ``end`` takes."""
    before = data.read_at(max(end - 2 * _LONGEST_NAME, 0), min(end, 2 * _LONGEST_NAME))
    second = _text_before(before, len(before))
    first = None if second is None else _text_before(before, second)
    return () if first is None else (end - len(before) + first,)


def _text_before(data: bytes, end: int) -> int | None:
    """Return where the opcode stands of a text that ends at ``end``, or before what memoizes it."""
    for memoized in (0, 1, 2):  # nothing, MEMOIZE, BINPUT and its index
        stop = end - memoized
        if memoized == 1 and data[stop : stop + 1] != b"\x94":
            continue
        if memoized == 2 and data[stop : stop + 1] != b"q":
            continue
        start = stop
        while start > 0 and data[start - 1] in _NAME_BYTES:
            start -= 1
        # The length stands right before the text, and may look like a part of it.
        for length in range(stop - start, 0, -1):
            at = stop - length
            if at >= 2 and data[at - 2] == 0x8C and data[at - 1] == length:
                return at - 2
            if at >= 5 and data[at - 5 : at] == b"X" + length.to_bytes(4, "little"):
                return at - 5
    return None
