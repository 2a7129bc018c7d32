"""Whether a pickle that does something could begin at a place: its opcodes are stepped over with a rough stack.

This finds places that are worth a trace and decides nothing: what a pickle does, the inert VM says. The stack
holds one letter for each object. Source: ``Lib/pickletools.py``.
"""

from __future__ import annotations

from secureload.formats.region import Region

__all__ = ["does_something_at"]

# So many opcodes without a mistake are a pickle, whether it has imported by then or not.
_MOST_STEPS = 1_000
_WINDOW_BYTES = 4_096
_LONGEST_LINE = 1_024
_TEXT, _GLOBAL, _OTHER, _MARK = "t", "g", "o", "("

# Opcode → bytes of its argument, what it takes, what it puts there.
_FIXED: dict[int, tuple[int, int, str]] = {
    0x80: (1, 0, ""),  # PROTO
    0x95: (8, 0, ""),  # FRAME
    **dict.fromkeys(b"()]}N\x88\x89\x8f", (0, 0, _OTHER)),
    ord("J"): (4, 0, _OTHER),
    ord("K"): (1, 0, _OTHER),
    ord("M"): (2, 0, _OTHER),
    ord("G"): (8, 0, _OTHER),
    **dict.fromkeys(b"\x82", (1, 0, _GLOBAL)),  # EXT1, EXT2, EXT4
    0x83: (2, 0, _GLOBAL),
    0x84: (4, 0, _GLOBAL),
    0x85: (0, 1, _OTHER),  # TUPLE1, 2, 3
    0x86: (0, 2, _OTHER),
    0x87: (0, 3, _OTHER),
    ord("0"): (0, 1, ""),  # POP
    ord("a"): (0, 2, _OTHER),  # APPEND
    ord("s"): (0, 3, _OTHER),  # SETITEM
    ord("Q"): (0, 1, _OTHER),  # BINPERSID
    0x97: (0, 0, _OTHER),  # NEXT_BUFFER
    0x98: (0, 1, _OTHER),  # READONLY_BUFFER
}
_COUNTED: dict[int, tuple[int, str]] = {
    **dict.fromkeys(b"TX", (4, _TEXT)),  # BINSTRING, BINUNICODE
    **dict.fromkeys(b"U\x8c", (1, _TEXT)),
    0x8D: (8, _TEXT),
    ord("B"): (4, _OTHER),
    ord("C"): (1, _OTHER),
    0x8E: (8, _OTHER),
    0x96: (8, _OTHER),
    0x8A: (1, _OTHER),
    0x8B: (4, _OTHER),
}
_LINES: dict[int, str] = {**dict.fromkeys(b"ILFP", _OTHER), **dict.fromkeys(b"SV", _TEXT)}
# What takes everything down to the last mark, and what it leaves.
_TO_MARK: dict[int, str] = {**dict.fromkeys(b"tld\x91", _OTHER), ord("1"): "", **dict.fromkeys(b"eu\x90", "")}
_PUTS = {ord("q"): 1, ord("r"): 4, ord("p"): 0}
_GETS = {ord("h"): 1, ord("j"): 4, ord("g"): 0}
# REDUCE, NEWOBJ, NEWOBJ_EX, BUILD: how deep the object lies that is used.
_USES = {ord("R"): 2, 0x81: 2, 0x92: 3, ord("b"): 2}


def does_something_at(data: Region, start: int) -> tuple[bool, int]:
    """Return whether the opcodes from ``start`` on import something and then use it or end, and how many there are.

    Of many opcodes without a mistake only the first thousand are stepped over: they are a pickle.
    """
    steps = _Steps(data, start)
    for count in range(1, _MOST_STEPS):
        try:
            if steps.step():
                return steps.imported, count
        except (IndexError, ValueError):
            return steps.used, count
        if steps.used:
            return True, count
    return True, _MOST_STEPS


class _Steps:
    def __init__(self, data: Region, start: int) -> None:
        self._data = data
        self._at = start
        self._stack: list[str] = []
        self._memo: dict[int, str] = {}
        self.imported = False
        self.used = False
        self._window = b""
        self._window_at = 0

    def step(self) -> bool:
        """Step over one opcode and return whether it ends the pickle; ValueError or IndexError for none."""
        opcode = self._take(1)[0]
        if opcode == ord("("):
            self._stack.append(_MARK)
        elif opcode in _FIXED:
            size, taken, put = _FIXED[opcode]
            argument = self._take(size)
            if opcode == 0x80 and argument[0] > 5:
                raise ValueError
            self._pop(taken)
            self._stack += put
            self.imported = self.imported or put == _GLOBAL
        elif opcode in _COUNTED:
            width, put = _COUNTED[opcode]
            self._skip(int.from_bytes(self._take(width), "little"))
            self._stack += put
        elif opcode in _LINES:
            self._line()
            self._stack += _LINES[opcode]
        elif opcode in _TO_MARK:
            self._pop_to_mark()
            self._stack += _TO_MARK[opcode]
        elif opcode == ord("."):
            self._pop(1)
            return True
        else:
            self._named_or_used(opcode)
        return False

    def _named_or_used(self, opcode: int) -> None:
        if opcode in _USES:
            used = self._stack[-_USES[opcode]]
            self._pop(_USES[opcode])
            self._stack.append(_OTHER if opcode != ord("b") else used)
            self.used = self.used or used == _GLOBAL
        elif opcode in b"ci":
            self._import(self._line(), self._line())
            if opcode == ord("i"):
                self._pop_to_mark()
                self.used = True
                self._stack[-1:] = [_OTHER]
        elif opcode == 0x93:
            if self._pop(2) != [_TEXT, _TEXT]:
                raise ValueError
            self.imported = True
            self._stack.append(_GLOBAL)
        elif opcode == ord("o"):
            inside = self._pop_to_mark()
            self.used = self.used or inside[0] == _GLOBAL
            self._stack.append(_OTHER)
        elif opcode in _PUTS:
            self._memo[self._index(_PUTS[opcode])] = self._stack[-1]
        elif opcode in _GETS:
            self._stack.append(self._memo.get(self._index(_GETS[opcode]), _OTHER))
        elif opcode == 0x94:
            self._memo[len(self._memo)] = self._stack[-1]
        elif opcode == ord("2"):
            self._stack.append(self._stack[-1])
        else:
            raise ValueError

    def _import(self, module: bytes, name: bytes) -> None:
        for text in (module, name):
            if not all(part.isidentifier() for part in text.decode("utf-8").split(".")):
                raise ValueError
        self.imported = True
        self._stack.append(_GLOBAL)

    def _pop(self, count: int) -> list[str]:
        if len(self._stack) < count:
            raise IndexError
        taken = self._stack[len(self._stack) - count :]
        del self._stack[len(self._stack) - count :]
        return taken

    def _pop_to_mark(self) -> list[str]:
        at = len(self._stack) - 1
        while self._stack[at] != _MARK:
            at -= 1
            if at < 0:
                raise IndexError
        taken = self._stack[at + 1 :]
        del self._stack[at:]
        return taken

    def _index(self, width: int) -> int:
        return int.from_bytes(self._take(width), "little") if width else int(self._line())

    # -- bytes -----------------------------------------------------------------------------------------

    def _take(self, size: int) -> bytes:
        begin = self._at - self._window_at
        if begin < 0 or begin + size > len(self._window):
            self._window = self._data.read_at(self._at, _WINDOW_BYTES)
            self._window_at, begin = self._at, 0
        taken = self._window[begin : begin + size]
        if len(taken) < size:
            raise IndexError
        self._at += size
        return taken

    def _skip(self, size: int) -> None:
        if size > self._data.size - self._at:
            raise IndexError
        self._at += size

    def _line(self) -> bytes:
        end = self._data.find(b"\n", self._at, self._at + _LONGEST_LINE)
        if end < 0:
            raise IndexError
        line = self._data.read_at(self._at, end - self._at)
        self._at = end + 1
        return line
