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

__all__ = ["pickle_starts"]

_PIECE_BYTES = 1 << 20
# Each begins with one plain byte: that is searched for at the speed of memory.
_PROTO = re.compile(rb"\x80[\x02-\x05]")
_AFTER_GLOBAL = re.compile(rb"\n[()\x8cX}pqSVU\x94N\]0.]")
_AFTER_STACK_GLOBAL = re.compile(rb"\x93[()\x8c\x94Xqpr}N\]h]")
_LONGEST_NAME = 128
_NAME_BYTES = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.")
# Random bytes have one such place in 2,000; of a file with many more nothing can be said.
_PLACES = 100_000
_BYTES_A_PLACE = 512
_MOST_BEFORE = 4


def pickle_starts(data: Region, limits: Limits = DEFAULT_LIMITS) -> Iterator[int]:
    """Yield the offsets in ``data`` at which a pickle that does something may begin, each once, in no order.

    Several may belong to one pickle: a global in the middle of one, or letters in front of one that could
    belong to its first name.

    Raises:
        LimitError: there are too many of them (``embedded_pickles``), or too many places that look like one.
    """
    seen: set[int] = set()
    for start in _places(data):
        if start in seen or not does_something_at(data, start):
            continue
        if len(seen) >= limits.embedded_pickles:
            raise _too_many("embedded_pickles", limits.embedded_pickles)
        seen.add(start)
        yield start


def _places(data: Region) -> Iterator[int]:
    looked_at, allowed = 0, _PLACES + data.size // _BYTES_A_PLACE
    for at in range(0, data.size, _PIECE_BYTES):
        piece = data.read_at(at, _PIECE_BYTES + 1)
        for pattern in (_PROTO, _AFTER_GLOBAL, _AFTER_STACK_GLOBAL):
            for match in pattern.finditer(piece):
                looked_at += 1
                if looked_at > allowed:
                    raise _too_many("embedded_places", allowed)
                place = at + match.start()
                if pattern is _PROTO:
                    yield place
                elif pattern is _AFTER_GLOBAL:
                    yield from _text_global(data, place)
                else:
                    yield from _stack_global(data, place)


def _text_global(data: Region, end: int) -> Iterator[int]:
    """Yield where a GLOBAL or INST could begin whose second line ends at ``end``."""
    before = data.read_at(max(end - 2 * _LONGEST_NAME, 0), min(end, 2 * _LONGEST_NAME))
    if not before or before[-1] not in _NAME_BYTES:
        return
    middle = before.rfind(b"\n")
    if middle <= 0 or not all(byte in _NAME_BYTES for byte in before[middle + 1 :]):
        return
    first = middle
    while first > 0 and before[first - 1] in _NAME_BYTES:
        first -= 1
    # Which letter is the opcode, letters in front of it do not tell: the first and the last are the likely ones.
    places = [at for at in range(first, middle - 1) if before[at] in b"ci"]
    for at in dict.fromkeys((*places[: _MOST_BEFORE // 2], *places[-_MOST_BEFORE // 2 :])):
        # The arguments of OBJ stand behind the global, those of INST before it; the mark before both.
        mark = before.rfind(b"(", 0, at)
        if mark >= 0 and (mark == at - 1 or before[at] == ord("i")):
            yield end - len(before) + mark
        yield end - len(before) + at


def _stack_global(data: Region, end: int) -> Iterator[int]:
    """Yield where the first of two texts could begin that a STACK_GLOBAL at ``end`` takes."""
    before = data.read_at(max(end - 2 * _LONGEST_NAME, 0), min(end, 2 * _LONGEST_NAME))
    second = _text_before(before, len(before))
    if second is None:
        return
    first = _text_before(before, second)
    if first is not None:
        yield end - len(before) + first


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


def _too_many(limit: str, allowed: int) -> LimitError:
    return LimitError(
        f"{limit}: more than {allowed:,} places in it look like the beginning of a pickle",
        hint="ask the sender what this file is",
        limit=limit,
        allowed=allowed,
        seen=allowed + 1,
    )
