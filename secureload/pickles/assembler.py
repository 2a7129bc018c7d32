"""Write pickles opcode by opcode, under their names in :mod:`pickletools`.

:func:`distill` writes its canonical pickle with it, and the tests their payloads.
"""

from __future__ import annotations

import pickle
import struct

__all__ = ["Assembler"]


class Assembler:
    """Collects opcodes; every method returns the assembler itself, so that calls can be chained."""

    def __init__(self, protocol: int | None = 4) -> None:
        self._code = bytearray()
        if protocol is not None:
            self._code += pickle.PROTO + bytes([protocol])

    def raw(self, data: bytes) -> Assembler:
        """Append bytes as they are."""
        self._code += data
        return self

    def none(self) -> Assembler:
        """NONE."""
        return self.raw(pickle.NONE)

    def boolean(self, value: bool) -> Assembler:
        """NEWTRUE or NEWFALSE."""
        return self.raw(pickle.NEWTRUE if value else pickle.NEWFALSE)

    def integer(self, value: int) -> Assembler:
        """BININT, or LONG1 where it does not fit."""
        if -(1 << 31) <= value < 1 << 31:
            return self.raw(pickle.BININT + struct.pack("<i", value))
        data = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
        return self.raw(pickle.LONG1 + bytes([len(data)]) + data)

    def floating(self, value: float) -> Assembler:
        """BINFLOAT."""
        return self.raw(pickle.BINFLOAT + struct.pack(">d", value))

    def text(self, value: str) -> Assembler:
        """BINUNICODE."""
        data = value.encode("utf-8", "surrogatepass")
        return self.raw(pickle.BINUNICODE + struct.pack("<I", len(data)) + data)

    def binary(self, value: bytes) -> Assembler:
        """BINBYTES."""
        return self.raw(pickle.BINBYTES + struct.pack("<I", len(value)) + value)

    def mark(self) -> Assembler:
        """MARK."""
        return self.raw(pickle.MARK)

    def tuple_(self) -> Assembler:
        """TUPLE, of everything since the last MARK."""
        return self.raw(pickle.TUPLE)

    def list_(self) -> Assembler:
        """LIST, of everything since the last MARK."""
        return self.raw(pickle.LIST)

    def dict_(self) -> Assembler:
        """DICT, of everything since the last MARK."""
        return self.raw(pickle.DICT)

    def frozenset_(self) -> Assembler:
        """FROZENSET, of everything since the last MARK."""
        return self.raw(pickle.FROZENSET)

    def empty_dict(self) -> Assembler:
        """EMPTY_DICT."""
        return self.raw(pickle.EMPTY_DICT)

    def global_(self, module: str, name: str) -> Assembler:
        """GLOBAL, the text form."""
        return self.raw(pickle.GLOBAL + f"{module}\n{name}\n".encode())

    def stack_global(self, module: str, name: str) -> Assembler:
        """STACK_GLOBAL behind its two strings."""
        return self.text(module).text(name).raw(pickle.STACK_GLOBAL)

    def reduce(self) -> Assembler:
        """REDUCE."""
        return self.raw(pickle.REDUCE)

    def newobj(self) -> Assembler:
        """NEWOBJ."""
        return self.raw(pickle.NEWOBJ)

    def newobj_ex(self) -> Assembler:
        """NEWOBJ_EX."""
        return self.raw(pickle.NEWOBJ_EX)

    def build(self) -> Assembler:
        """BUILD."""
        return self.raw(pickle.BUILD)

    def memoize(self) -> Assembler:
        """MEMOIZE: store the top of the stack under the next index."""
        return self.raw(pickle.MEMOIZE)

    def put(self, index: int) -> Assembler:
        """LONG_BINPUT."""
        return self.raw(pickle.LONG_BINPUT + struct.pack("<I", index))

    def get(self, index: int) -> Assembler:
        """LONG_BINGET."""
        return self.raw(pickle.LONG_BINGET + struct.pack("<I", index))

    def pop(self) -> Assembler:
        """POP."""
        return self.raw(pickle.POP)

    def stop(self) -> bytes:
        """STOP, and the finished pickle."""
        return bytes(self._code) + pickle.STOP
