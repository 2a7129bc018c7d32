"""Write pickles opcode by opcode, under their names in :mod:`pickletools`.

:func:`distill` writes its canonical pickle with it, and the tests their payloads.
"""

from __future__ import annotations

import struct

from secureload.pickles.opcodes import OPCODES

__all__ = ["Assembler"]

_CODES = {opcode.name: code for code, opcode in OPCODES.items()}
_BYTE = {name: bytes([code]) for name, code in _CODES.items()}


class Assembler:
    """Collects opcodes; every method returns the assembler itself, so that calls can be chained."""

    def __init__(self, protocol: int | None = 4) -> None:
        self._code = bytearray()
        if protocol is not None:
            self._code += _BYTE["PROTO"] + bytes([protocol])

    def raw(self, data: bytes) -> Assembler:
        """Append bytes as they are."""
        self._code += data
        return self

    def op(self, name: str, argument: bytes = b"") -> Assembler:
        """Append the opcode of this name in :mod:`pickletools`, and the bytes of its argument as they are."""
        return self.raw(bytes([_CODES[name]]) + argument)

    def counted(self, name: str, data: bytes, length: int | None = None) -> Assembler:
        """Append an opcode with ``data`` behind their length, or behind one that is not theirs."""
        code = _CODES[name]
        size = len(data) if length is None else length
        return self.op(name, size.to_bytes(OPCODES[code].counted, "little") + data)

    def line(self, name: str, *lines: str) -> Assembler:
        """Append an opcode with its lines of text: INT, LONG, FLOAT, STRING, UNICODE, PERSID, GET, PUT, INST …"""
        return self.op(name, "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogatepass"))

    def proto(self, protocol: int) -> Assembler:
        """PROTO, wherever it stands."""
        return self.raw(_BYTE["PROTO"] + bytes([protocol]))

    def frame(self, size: int) -> Assembler:
        """FRAME, which says that its frame has ``size`` bytes."""
        return self.raw(_BYTE["FRAME"] + struct.pack("<Q", size))

    def framed(self, inner: Assembler) -> Assembler:
        """FRAME around all that ``inner`` has collected."""
        return self.frame(len(inner._code)).raw(bytes(inner._code))

    def short_text(self, value: str) -> Assembler:
        """SHORT_BINUNICODE."""
        return self.counted("SHORT_BINUNICODE", value.encode("utf-8", "surrogatepass"))

    def none(self) -> Assembler:
        """NONE."""
        return self.raw(_BYTE["NONE"])

    def boolean(self, value: bool) -> Assembler:
        """NEWTRUE or NEWFALSE."""
        return self.raw(_BYTE["NEWTRUE"] if value else _BYTE["NEWFALSE"])

    def integer(self, value: int) -> Assembler:
        """BININT, or LONG1 where it does not fit."""
        if -(1 << 31) <= value < 1 << 31:
            return self.raw(_BYTE["BININT"] + struct.pack("<i", value))
        data = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
        return self.raw(_BYTE["LONG1"] + bytes([len(data)]) + data)

    def floating(self, value: float) -> Assembler:
        """BINFLOAT."""
        return self.raw(_BYTE["BINFLOAT"] + struct.pack(">d", value))

    def text(self, value: str) -> Assembler:
        """BINUNICODE."""
        data = value.encode("utf-8", "surrogatepass")
        return self.raw(_BYTE["BINUNICODE"] + struct.pack("<I", len(data)) + data)

    def binary(self, value: bytes) -> Assembler:
        """BINBYTES."""
        return self.raw(_BYTE["BINBYTES"] + struct.pack("<I", len(value)) + value)

    def mark(self) -> Assembler:
        """MARK."""
        return self.raw(_BYTE["MARK"])

    def tuple_(self) -> Assembler:
        """TUPLE, of everything since the last MARK."""
        return self.raw(_BYTE["TUPLE"])

    def list_(self) -> Assembler:
        """LIST, of everything since the last MARK."""
        return self.raw(_BYTE["LIST"])

    def dict_(self) -> Assembler:
        """DICT, of everything since the last MARK."""
        return self.raw(_BYTE["DICT"])

    def frozenset_(self) -> Assembler:
        """FROZENSET, of everything since the last MARK."""
        return self.raw(_BYTE["FROZENSET"])

    def empty_dict(self) -> Assembler:
        """EMPTY_DICT."""
        return self.raw(_BYTE["EMPTY_DICT"])

    def global_(self, module: str, name: str) -> Assembler:
        """GLOBAL, the text form."""
        return self.raw(_BYTE["GLOBAL"] + f"{module}\n{name}\n".encode())

    def stack_global(self, module: str, name: str) -> Assembler:
        """STACK_GLOBAL behind its two strings."""
        return self.text(module).text(name).raw(_BYTE["STACK_GLOBAL"])

    def reduce(self) -> Assembler:
        """REDUCE."""
        return self.raw(_BYTE["REDUCE"])

    def newobj(self) -> Assembler:
        """NEWOBJ."""
        return self.raw(_BYTE["NEWOBJ"])

    def newobj_ex(self) -> Assembler:
        """NEWOBJ_EX."""
        return self.raw(_BYTE["NEWOBJ_EX"])

    def build(self) -> Assembler:
        """BUILD."""
        return self.raw(_BYTE["BUILD"])

    def memoize(self) -> Assembler:
        """MEMOIZE: store the top of the stack under the next index."""
        return self.raw(_BYTE["MEMOIZE"])

    def put(self, index: int) -> Assembler:
        """LONG_BINPUT."""
        return self.raw(_BYTE["LONG_BINPUT"] + struct.pack("<I", index))

    def get(self, index: int) -> Assembler:
        """LONG_BINGET."""
        return self.raw(_BYTE["LONG_BINGET"] + struct.pack("<I", index))

    def pop(self) -> Assembler:
        """POP."""
        return self.raw(_BYTE["POP"])

    def code(self) -> bytes:
        """Return what was collected, without a STOP."""
        return bytes(self._code)

    def stop(self) -> bytes:
        """STOP, and the finished pickle."""
        return bytes(self._code) + _BYTE["STOP"]
