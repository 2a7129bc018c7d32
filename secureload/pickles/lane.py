"""The fast lane: runs of opcodes that only push plain data, matched at the speed of the regex engine.

A walk in Python costs about 0.1 µs an opcode, and a vocabulary has millions of them. All that matters of such
a run is where it ends and what it adds to the memo; so the patterns match only runs in which the byte of
MEMOIZE stands for nothing else, and counting that byte counts the memo. What a run pushed is looked at if an
opcode reaches into it, what it stored if a GET asks for it.

All patterns are possessive: no byte is tried again and again, however hostile.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable
from functools import cache

from secureload.pickles.opcodes import OPCODES
from secureload.pickles.symbols import BYTES, PUSHED, SCALAR, SIZES, TUPLE, Value

__all__ = ["Lane", "replay"]

# Lengths of runs in bytes: to be worth it at first, to be so in bulk, to tell that there is bulk.
_LEAST, _LEAST_OF_BULK, _LONG_RUN = 512, 64, 4_096
# After so many that were too short there is bulk, and after so many that were reached into there is none.
_POOR_RUNS = 32
# No run begins with these, but one may begin behind them. Where there is none, the wait for it doubles so often.
_STORING = b"\x94qr"
_MARK = 0x28
_MOST_DOUBLINGS = 6
# Longer texts are rare.
_LONGEST = 64
_MEMOIZE = 0x94


def _texts(opcode: bytes, width: int, byte: bytes, longest: int = _LONGEST) -> bytes:
    """Return a pattern of a text with its length in front: one alternative each, common lengths first."""
    lengths = [n for n in (*range(3, 17), 1, 2, 0, *range(17, longest + 1)) if byte == b"." or n != _MEMOIZE]
    each = (re.escape(n.to_bytes(width, "little")) + byte + b"{%d}" % n for n in lengths)
    return opcode + b"(?:" + b"|".join(each) + b")"


def _numbers(byte: bytes) -> bytes:
    fixed = {b"K": 1, b"M": 2, b"J": 4, b"G": 8}
    alternatives = [opcode + byte + b"{%d}" % size for opcode, size in fixed.items()]
    long = b"|".join(re.escape(bytes([n])) + byte + b"{%d}" % n for n in range(1, 10))
    return b"|".join([*alternatives, rb"\x8a(?:" + long + b")", rb"[N\x88\x89)\]}\x8f]"])


_NO_MEMOIZE = rb"[^\x94]"
# Numbers are never stored, nor is again what the memo gives, so that any byte may stand in these.
_LOOSE = _numbers(b".") + b"|h."


@cache
def _plain() -> bytes:
    return _texts(rb"\x8c", 1, _NO_MEMOIZE) + b"|" + _numbers(_NO_MEMOIZE)


@cache
def _old() -> bytes:
    return _texts(b"X", 4, b".") + b"|" + _numbers(b".")


# TUPLE1 takes one value and gives one, so it fits anywhere behind a first one.
_VALUE = rb"(?:%b)\x94?+(?:\x85\x94?+)*+"
_SOURCES: dict[str, Callable[[], bytes]] = {
    "memoized": lambda: rb"(?:%b)*+" % (_VALUE % _plain()),
    # Once the memo has 256 entries, every BINGET finds one.
    "with gets": lambda: rb"(?:%b)*+" % (_VALUE % (_plain() + rb"|h[^\x94]")),
    # Protocols 1 to 3 name the index that they store under; below 256 by another opcode, which is not worth it.
    "put": lambda: rb"(?:(?:%b)(?:r....)?+)*+" % _old(),
    "puts": lambda: rb"(?:%b)(?:r(....))?+" % _old(),
    "numbers": lambda: b"(?:" + _numbers(b".") + b")*+",
    "taken": lambda: b"(?:" + _LOOSE + b"|j....)*+",
    "indexes": lambda: b"(?:" + _LOOSE + b")|j(....)",
    # Values as above, with longer texts and with bytes.
    "long": lambda: (
        b"(?:%b)*+"
        % (
            _VALUE
            % b"|".join(
                [
                    *(_texts(opcode, 1, _NO_MEMOIZE, 255) for opcode in (rb"\x8c", b"C")),
                    _numbers(_NO_MEMOIZE),
                ]
            )
        )
    ),
}


@cache
def _pattern(name: str) -> re.Pattern[bytes]:
    """Return one of the patterns. The making of each costs milliseconds, so it waits for its use."""
    return re.compile(_SOURCES[name](), re.DOTALL)


class Lane:
    """Looks for runs, and learns whether the data are such that short ones are worth it.

    A run that an opcode reaches into costs more than a walk, and in small models most would be. So at first
    only long runs count. Where there are many data, shorter ones do, and kinds that take longer to match.
    """

    __slots__ = ("_bulky", "_failed", "_least", "_poor", "_taken", "_unfolded")

    def __init__(self) -> None:
        self._bulky = False
        # How long a run must be, in bytes; how many in a row were not.
        self._least = _LEAST
        self._failed = 0
        # Runs that were too short, that were taken, and how many had been reached into before.
        self._poor = self._taken = self._unfolded = 0

    def wait(self, code: int) -> int:
        """Return after how many bytes of plain data to look again, where ``code`` is the opcode that comes next."""
        if code in _STORING or (code == _MARK and self._failed < 2):
            return 1
        return self._least << min(self._failed, _MOST_DOUBLINGS)

    def find_run(
        self, data: bytes, position: int, end: int, protocol: int, memo_size: int, unfolded: int = 0
    ) -> tuple[int, int]:
        """Return where the run at ``position`` ends, at ``end`` at the latest, and how many values it stores.

        ``memo_size`` is how many entries the memo has, all of them under the indexes from 0 on; ``unfolded`` how
        many runs were reached into so far. Where no run is worth it, it ends where it begins.
        """
        if data[position] in _STORING:
            return position, 0
        if protocol < 4:
            end, stored = _old_run(data, position, end, memo_size)
        else:
            end, stored = self._run(data, position, end, memo_size)
        if end - position < self._least:
            end, stored = position, 0
        self._learn(end - position, unfolded)
        return end, stored

    def _run(self, data: bytes, position: int, end: int, memo_size: int) -> tuple[int, int]:
        found = _matched("with gets" if memo_size > 0xFF else "memoized", data, position, end)
        if found - position < self._least and self._bulky:
            loose = _loose_run(data, position, end, memo_size)
            if loose - position >= self._least:
                return loose, 0
            found = _matched("long", data, position, end)
        return found, data.count(_MEMOIZE, position, found)

    def _learn(self, size: int, unfolded: int) -> None:
        if size:
            self._taken += 1
            self._failed = 0
        else:
            self._poor += 1
            self._failed += 1
        if not self._bulky and (self._poor >= _POOR_RUNS or size >= _LONG_RUN):
            self._bulky, self._least = True, _LEAST_OF_BULK
            self._taken, self._unfolded = 0, unfolded
        elif self._bulky and unfolded - self._unfolded > _POOR_RUNS + self._taken // 4:
            self._bulky, self._least = False, _LEAST
            self._poor = -8 * _POOR_RUNS


def _matched(name: str, data: bytes, position: int, end: int) -> int:
    found = _pattern(name).match(data, position, end)
    return found.end() if found is not None else position


def _loose_run(data: bytes, position: int, end: int, memo_size: int) -> int:
    """Return where a run of numbers ends, and of what is taken from the memo, where all of that is there."""
    if memo_size <= 0xFF:
        return _matched("numbers", data, position, end)
    end = _matched("taken", data, position, end)
    indexes = (
        b"".join(_pattern("indexes").findall(data, position, end))
        if data.find(b"j", position, end) >= 0
        else b""
    )
    return end if max(array("I", indexes), default=-1) < memo_size else position


def _old_run(data: bytes, position: int, end: int, first: int) -> tuple[int, int]:
    """The values of a run of an old protocol must be stored under ``first`` and what follows it."""
    end = _matched("put", data, position, end)
    indexes = b"".join(_pattern("puts").findall(data[position:end]))
    count = len(indexes) // 4
    expected = array("I", range(first, first + count)) if first + count <= 0xFFFFFFFF else array("I")
    return (end, count) if expected == array("I", indexes) else (position, 0)


def replay(data: bytes) -> tuple[list[Value], list[Value]]:
    """Return what a run pushes, and what it stores in the memo in its order.

    What a GET takes from the memo stands as -1 - its index.
    """
    values: list[Value] = []
    memo: list[Value] = []
    position = 0
    while position < len(data):
        code = data[position]
        size = SIZES[code]
        position += size or 1
        if size:
            values.append(PUSHED[code])
        elif code == 0x43:  # SHORT_BINBYTES
            values.append(BYTES)
            position += 1 + data[position]
        elif code == 0x8C:  # SHORT_BINUNICODE
            start, position = position + 1, position + 1 + data[position]
            values.append(data[start:position])
        elif code == _MEMOIZE:
            memo.append(values[-1])
        elif code == 0x85:  # TUPLE1
            values[-1] = TUPLE
        elif code == 0x72:  # LONG_BINPUT
            memo.append(values[-1])
            position += 4
        elif code == 0x58:  # BINUNICODE
            start, position = position + 4, position + 4 + data[position]
            values.append(data[start:position])
        elif code == 0x8A:  # LONG1
            values.append(SCALAR)
            position += 1 + data[position]
        else:  # BINGET, LONG_BINGET
            width = OPCODES[code].fixed
            values.append(-1 - int.from_bytes(data[position : position + width], "little"))
            position += width
    return values, memo
