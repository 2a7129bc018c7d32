"""Where the C unpickler drops the rest of a frame: an argument that reaches beyond it, read from a file."""

from __future__ import annotations

from collections.abc import Iterator

from secureload.pickles.opcodes import OPCODES, Opcode

__all__ = ["broken_piece"]

# Payloads that are copied piece by piece are joined across the end of a frame.
_JOINED = frozenset({"BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"})


def broken_piece(data: bytes, position: int, frame_end: int) -> int:
    """Return where the piece begins that the opcode at ``position`` reads across ``frame_end``; -1 if none.

    The unpickler reads an argument in pieces: a length, then what it counts; each line; a fixed argument at
    once. A piece that is not wholly in the frame is read from behind it.
    """
    opcode = OPCODES.get(data[position])
    if opcode is None:
        return -1
    for start, end in _pieces(opcode, data, position + 1, frame_end):
        if start < frame_end < end:
            return start
    return -1


def _pieces(opcode: Opcode, data: bytes, start: int, frame_end: int) -> Iterator[tuple[int, int]]:
    for _ in range(opcode.lines):
        end = data.find(b"\n", start, frame_end) + 1 or frame_end + 1
        yield start, end
        start = end
    width = opcode.fixed or opcode.counted
    if not width:
        return
    yield start, start + width
    length = int.from_bytes(data[start : start + width], "little")
    if opcode.name == "FRAME" or (opcode.counted and opcode.name not in _JOINED):
        yield start + width, start + width + length
