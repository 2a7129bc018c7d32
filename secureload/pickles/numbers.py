"""Numbers written as text, the opcodes INT, LONG and FLOAT: what a pickler writes, and what is read all the same."""

from __future__ import annotations

import re

from secureload.pickles.symbols import WalkStop

__all__ = ["odd_number"]

_DIGITS = rb"-?(?:0|[1-9][0-9]*+)"
_WRITTEN = {
    "INT": re.compile(rb"00|01|" + _DIGITS),
    "LONG": re.compile(_DIGITS + rb"L"),
    "FLOAT": re.compile(rb"-?(?:inf|nan|[0-9]++(?:\.[0-9]++)?+(?:e[+-]?+[0-9]++)?+)"),
}
# What strtol takes and Python's int does not: nothing at all, and octal numbers.
_C_NUMBER = re.compile(rb"\s*+(?:[+-]?+0[0-7]++)?+")
# Python refuses longer decimal numbers; others are read in time that grows with their length.
_MOST_DIGITS = 4_300


def odd_number(kind: str, line: bytes) -> bool:
    """Return whether ``line``, the argument of the opcode ``kind``, is a number, but not as picklers write it.

    Raises:
        WalkStop: it is no number.
    """
    if _WRITTEN[kind].fullmatch(line):
        return False
    if kind == "LONG":
        line = line.removesuffix(b"L")
    if len(line) > _MOST_DIGITS:
        return True
    if kind == "INT" and _C_NUMBER.fullmatch(line):
        return True
    try:
        if kind == "FLOAT":
            float(line)
        else:
            int(line, 0)
    except ValueError as error:
        raise WalkStop(f"{kind} is followed by something that is no number") from error
    return True
