"""The few instructions of classic BPF that a system call filter is made of (bpf(4), seccomp(2)).

A program reads ``struct seccomp_data``: the call's number, the architecture, and six arguments of 64 bits, of
which an instruction loads one half at a time.
"""

from __future__ import annotations

import struct
from typing import Final

__all__ = [
    "ALLOW",
    "ARCH_OFFSET",
    "JEQ",
    "JGE",
    "KILL",
    "LD_ABS",
    "NR_OFFSET",
    "all_of",
    "equals",
    "is_none",
    "none_of",
    "one_of",
    "op",
    "refuse",
    "unless_any_of",
]

LD_ABS, JEQ, JGE, _JSET, _AND, _RET = 0x20, 0x15, 0x35, 0x45, 0x54, 0x06
NR_OFFSET, ARCH_OFFSET, _ARGS_OFFSET = 0, 4, 16
_RET_ALLOW: Final = 0x7FFF0000
_RET_ERRNO: Final = 0x00050000
_RET_KILL_PROCESS: Final = 0x80000000


def op(code: int, k: int, if_true: int = 0, if_false: int = 0) -> bytes:
    """Return one instruction; jumps count from the next one."""
    return struct.pack("=HBBI", code, if_true, if_false, k)


ALLOW: Final = op(_RET, _RET_ALLOW)
KILL: Final = op(_RET, _RET_KILL_PROCESS)


def refuse(number: int) -> bytes:
    """Answer the call with the error ``number``."""
    return op(_RET, _RET_ERRNO | number)


def _load(index: int, *, high: bool = False) -> bytes:
    return op(LD_ABS, _ARGS_OFFSET + 8 * index + (4 if high else 0))


def none_of(index: int, bits: int, refused: int) -> bytes:
    """Go on if no bit of ``bits`` is set in the low word of the argument, else answer ``refused``."""
    return _load(index) + op(_JSET, bits, 0, 1) + refuse(refused)


def all_of(index: int, bits: int, refused: int) -> bytes:
    """Go on if every bit of ``bits`` is set in the low word of the argument, else answer ``refused``."""
    return _load(index) + op(_AND, bits) + op(JEQ, bits, 1, 0) + refuse(refused)


def equals(index: int, value: int, refused: int) -> bytes:
    """Go on if the argument, all 64 bits of it, is ``value``, else answer ``refused``."""
    low = _load(index) + op(JEQ, value & 0xFFFFFFFF, 1, 0) + refuse(refused)
    return low + _load(index, high=True) + op(JEQ, value >> 32, 1, 0) + refuse(refused)


def is_none(index: int, values: tuple[int, ...], refused: int) -> bytes:
    """Go on if the low word of the argument is none of ``values``, else answer ``refused``."""
    code = _load(index)
    for value in values:
        code += op(JEQ, value, 0, 1) + refuse(refused)
    return code


def one_of(index: int, values: tuple[int, ...], refused: int) -> bytes:
    """Allow the call if the low word of the argument is one of ``values``, else answer ``refused``."""
    code = _load(index)
    for value in values:
        code += op(JEQ, value, 0, 1) + ALLOW
    return code + refuse(refused)


def unless_any_of(index: int, bits: int, then: bytes) -> bytes:
    """Run ``then`` if a bit of ``bits`` is set in the low word of the argument; what follows it is the other case."""
    return _load(index) + op(_JSET, bits, 0, len(then) // 8) + then
