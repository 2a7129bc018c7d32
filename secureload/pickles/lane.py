"""The fast lane: runs of opcodes that only push plain data, matched at the speed of the regex engine.

A walk in Python costs about 0.1 µs an opcode, and a vocabulary has millions of them. All that matters of such
a run is where it ends and what it adds to the memo; so the patterns match only runs in which the byte of
MEMOIZE stands for nothing else, and counting that byte counts the memo. What a run pushed is looked at if an
opcode reaches into it, what it stored if a GET asks for it.

All patterns are possessive: no byte is tried twice, however hostile.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Sequence

from secureload.pickles.symbols import PUSHED, SCALAR, SIZES, TUPLE, Value

__all__ = ["lane_for", "puts_in_order", "replay"]

# Longer texts are rare enough to be walked over one by one.
_LONGEST = 64
_MEMOIZE = 0x94


def _texts(opcode: bytes, width: int, byte: bytes) -> bytes:
    """Return a pattern of a text with its length in front: one alternative each, common lengths first."""
    lengths = [n for n in (*range(3, 17), 1, 2, 0, *range(17, _LONGEST + 1)) if byte == b"." or n != _MEMOIZE]
    each = (re.escape(n.to_bytes(width, "little")) + byte + b"{%d}" % n for n in lengths)
    return opcode + b"(?:" + b"|".join(each) + b")"


def _numbers(byte: bytes) -> bytes:
    fixed = {b"K": 1, b"M": 2, b"J": 4, b"G": 8}
    alternatives = [opcode + byte + b"{%d}" % size for opcode, size in fixed.items()]
    long = b"|".join(re.escape(bytes([n])) + byte + b"{%d}" % n for n in range(1, 10))
    return b"|".join([*alternatives, rb"\x8a(?:" + long + b")", rb"[N\x88\x89)\]}\x8f]"])


_NO_MEMOIZE = rb"[^\x94]"
_PLAIN = _texts(rb"\x8c", 1, _NO_MEMOIZE) + b"|" + _numbers(_NO_MEMOIZE)
# TUPLE1 takes one value and gives one, so it fits anywhere behind a first one.
_RUN = rb"(?:(?:%b)\x94?+(?:\x85\x94?+)*+)*+"
# Once the memo has 256 entries, every BINGET finds one.
_MEMOIZED = re.compile(_RUN % _PLAIN, re.DOTALL)
_WITH_GETS = re.compile(_RUN % (_PLAIN + rb"|h[^\x94]"), re.DOTALL)
_OLD = _texts(b"X", 4, b".") + b"|" + _numbers(b".")
# Protocols 1 to 3 name the index that they store under; below 256 by another opcode, which is not worth it.
_PUT = re.compile(rb"(?:(?:%b)(?:r....)?+)*+" % _OLD, re.DOTALL)
_PUTS = re.compile(rb"(?:%b)(?:r(....))?+" % _OLD, re.DOTALL)


def lane_for(protocol: int, memo_size: int) -> re.Pattern[bytes]:
    """Return the pattern that fits a pickle of this protocol whose memo has this many entries."""
    if protocol < 4:
        return _PUT
    return _WITH_GETS if memo_size > 0xFF else _MEMOIZED


def puts_in_order(run: bytes, first: int) -> int:
    """Return how many values a run of an old protocol stores, -1 unless under ``first`` and what follows it."""
    indexes = b"".join(_PUTS.findall(run))
    count = len(indexes) // 4
    expected = array("I", range(first, first + count)) if first + count <= 0xFFFFFFFF else array("I")
    return count if expected == array("I", indexes) else -1


def replay(data: bytes, first: int, older: Sequence[Value]) -> tuple[list[Value], list[Value]]:
    """Return what a run pushes, and what it stores in the memo from index ``first`` on.

    ``older`` is the memo; what a GET takes from it is a text or plain data where it matters.
    """
    values: list[Value] = []
    memo: list[Value] = []
    position = 0
    while position < len(data):
        code = data[position]
        size = SIZES[code]
        if size:
            values.append(PUSHED[code])
            position += size
        elif code == _MEMOIZE:
            memo.append(values[-1])
            position += 1
        elif code == 0x72:  # LONG_BINPUT
            memo.append(values[-1])
            position += 5
        elif code == 0x85:  # TUPLE1
            values[-1] = TUPLE
            position += 1
        elif code == 0x68:  # BINGET
            index = data[position + 1]
            values.append(older[index] if index < first else memo[index - first])
            position += 2
        elif code == 0x8A:  # LONG1
            values.append(SCALAR)
            position += 2 + data[position + 1]
        else:  # SHORT_BINUNICODE or BINUNICODE
            start = position + (2 if code == 0x8C else 5)
            position = start + data[position + 1]
            values.append(data[start:position])
    return values, memo
