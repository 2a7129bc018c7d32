"""Whether bytes could be a pickle, judged by their first opcodes.

The answer "no" is given only where every unpickler fails before anything is imported or called: a byte that
is no opcode, an opcode that takes from an empty stack or memo, an argument longer than the file. In all
other cases the bytes are traced. Source: ``Lib/pickletools.py``, ``Lib/pickle.py``, ``Modules/_pickle.c``.
"""

from __future__ import annotations

__all__ = ["may_be_pickle"]

_HIGHEST_PROTOCOL = 5

# Opcodes that only push (or do nothing) and have a fixed number of argument bytes.
_FIXED = {
    0x80: 1,  # PROTO
    ord("("): 0,  # MARK
    ord(")"): 0,  # EMPTY_TUPLE
    ord("]"): 0,  # EMPTY_LIST
    ord("}"): 0,  # EMPTY_DICT
    0x8F: 0,  # EMPTY_SET
    ord("N"): 0,  # NONE
    0x88: 0,  # NEWTRUE
    0x89: 0,  # NEWFALSE
    ord("J"): 4,  # BININT
    ord("K"): 1,  # BININT1
    ord("M"): 2,  # BININT2
    ord("G"): 8,  # BINFLOAT
}
# Opcodes that push an argument with its length in front: the number of length bytes.
_COUNTED = {
    ord("T"): 4,  # BINSTRING
    ord("U"): 1,  # SHORT_BINSTRING
    ord("X"): 4,  # BINUNICODE
    0x8C: 1,  # SHORT_BINUNICODE
    0x8D: 8,  # BINUNICODE8
    ord("B"): 4,  # BINBYTES
    ord("C"): 1,  # SHORT_BINBYTES
    0x8E: 8,  # BINBYTES8
    0x96: 8,  # BYTEARRAY8
    0x8A: 1,  # LONG1
    0x8B: 4,  # LONG4
}
# Opcodes that push what a text line says.
_LINES = frozenset(b"ILFSV")
# Opcodes with an effect of their own: GLOBAL, INST (Python's unpickler imports before it looks for the mark),
# PERSID (an unpickler may define persistent_load), EXT1, EXT2, EXT4 (they may import). And FRAME: where an
# argument reaches beyond its frame, unpicklers differ in where they read on.
_UNDECIDABLE = frozenset(b"ciP\x82\x83\x84\x95")
# All others that exist: they take from the stack or the memo, and fail where both are empty.
_TAKERS = frozenset(
    b"012.abdeghjlopqrstuQR" + bytes((0x81, 0x85, 0x86, 0x87, *range(0x90, 0x95), 0x97, 0x98))
)


def may_be_pickle(head: bytes, size: int) -> bool:
    """Return False only where ``head``, the beginning of ``size`` bytes, is sure to fail without effect."""
    position = 0
    pushed = False
    while position < len(head):
        opcode = head[position]
        position += 1
        if opcode in _FIXED:
            if opcode == 0x80 and head[position : position + 1] > bytes((_HIGHEST_PROTOCOL,)):
                return False
            position += _FIXED[opcode]
            pushed = pushed or opcode != 0x80
        elif opcode in _COUNTED:
            width = _COUNTED[opcode]
            position += width + int.from_bytes(head[position : position + width], "little")
            pushed = True
        elif opcode in _LINES:
            end = head.find(b"\n", position)
            if end < 0:
                return len(head) < size
            if _line_fails(opcode, head[position:end]):
                return False
            position = end + 1
            pushed = True
        elif opcode in _UNDECIDABLE:
            return True
        else:
            return opcode in _TAKERS and pushed
        if position > size:
            return False
    # All that was seen only pushes; a file that ends here has no STOP.
    return position < size


def _line_fails(opcode: int, line: bytes) -> bool:
    """Whether ``line``, the argument of ``opcode``, is certain to be refused."""
    if opcode == ord("V"):
        return False
    if opcode == ord("S"):
        return line.lstrip()[:1] not in (b"'", b'"')
    # An empty line is read as the integer 0. Any number has a digit, but for inf and nan.
    if not line or any(byte in b"0123456789" for byte in line):
        return False
    return opcode != ord("F") or not any(word in line.lower() for word in (b"inf", b"nan"))
