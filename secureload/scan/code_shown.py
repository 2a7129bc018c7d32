"""Code pickled by value, as a person can read it: its names, and its instructions one a line.

The arguments of a code object are read as they were recorded. No code object is made of them, nothing is
unmarshalled, nothing runs. Which Python wrote the bytes they do not say; they are read as this one would.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Final

from secureload.pickles.trace import Collection, Const, Operation, Value
from secureload.printable import printable
from secureload.values import dataclass

__all__ = ["CodeShown", "code_of"]

_MOST_LINES: Final = 400
_NAME_CHARS: Final = 80
_VALUE_CHARS: Final = 120
_HEX_BYTES: Final = 256
# How many arguments a code object has, and which of them its bytes are: CPython 3.7, 3.8 to 3.10, 3.11 and later.
_LAYOUTS: Final = {15: 5, 16: 6, 18: 6}
_NEWEST: Final = 18
_EXTENDED_ARG: Final = "EXTENDED_ARG"
# Instructions whose argument is a name's number shifted by some flags, from the version on that shifts it.
_SHIFTED: Final = {"LOAD_GLOBAL": ((3, 11), 1), "LOAD_ATTR": ((3, 12), 1), "LOAD_SUPER_ATTR": ((3, 12), 2)}


@dataclass(frozen=True, slots=True)
class CodeShown:
    """One code object. ``names`` are what it looks up, ``global_names`` those of them that are not attributes.

    ``whole`` says that nothing of it was cut; ``lines`` are its instructions, or its bytes where they are not
    of this Python's version.
    """

    name: str
    names: tuple[str, ...]
    global_names: frozenset[str]
    constants: tuple[Value, ...]
    whole: bool
    lines: tuple[str, ...]


def code_of(operation: Operation) -> CodeShown | None:
    """Return what ``operation``, a call that makes a code object, makes; None where its arguments are none."""
    args = operation.args
    if args and isinstance(args[0], Const) and isinstance(args[0].value, bytes):
        args = args[1:]  # dill puts the table of lines before the rest
    start = _LAYOUTS.get(len(args))
    if start is None:
        return None
    match args[start : start + 6]:
        case (Const(bytes() | str()) as code, consts, names, variables, _, name):
            return _shown(code, consts, names, variables, name, modern=len(args) == _NEWEST)
    return None


def _shown(
    code: Const, consts: Value, names: Value, variables: Value, name: Value, *, modern: bool
) -> CodeShown:
    looked_up = tuple(_texts(names))
    data = code.value if isinstance(code.value, bytes) else str(code.value).encode("latin-1", "replace")
    constants = consts.items if isinstance(consts, Collection) else ()
    steps = list(_instructions(data)) if modern else []
    known = modern and all(opname and not opname.startswith("<") for _, opname, _ in steps)
    if known:
        lines = [
            f"{at:>6} {opname:<24} {_argument(opname, arg, looked_up, constants, tuple(_texts(variables)))}".rstrip()
            for at, opname, arg in steps
        ]
        loaded = {_name_of(opname, arg, looked_up) for _, opname, arg in steps if opname in _GLOBAL_LOADS}
    else:
        lines = [data[at : at + 32].hex(" ") for at in range(0, min(len(data), _HEX_BYTES), 32)]
        loaded = set(looked_up)
    cut = code.is_cut or not all(map(_is_whole, (consts, names)))
    if len(lines) > _MOST_LINES or (not known and len(data) > _HEX_BYTES):
        lines = [*lines[:_MOST_LINES], "…"]
    return CodeShown(
        name=printable(name.value, _NAME_CHARS) if isinstance(name, Const) else "?",
        names=looked_up,
        global_names=frozenset(loaded),
        constants=constants,
        whole=not cut,
        lines=tuple(lines),
    )


_GLOBAL_LOADS: Final = frozenset({"LOAD_GLOBAL", "LOAD_NAME", "IMPORT_NAME", "LOAD_FROM_DICT_OR_GLOBALS"})


def _instructions(data: bytes) -> Iterator[tuple[int, str, int]]:
    """Yield offset, name and argument of each instruction of the running version; caches are left out."""
    import opcode  # not needed for files without code

    names = opcode.opname
    wide = 0
    for at in range(0, len(data) - 1, 2):
        number, arg = data[at], data[at + 1] | wide
        name = names[number] if number < len(names) else ""
        wide = 0
        if name == _EXTENDED_ARG:
            wide = (arg << 8) & 0xFFFFFFFF
        elif name != "CACHE":
            yield at, name, arg


def _argument(
    opname: str, arg: int, names: tuple[str, ...], constants: tuple[Value, ...], variables: tuple[str, ...]
) -> str:
    import opcode

    number = opcode.opmap.get(opname, -1)
    if number in opcode.hasname:
        return f"{arg} ({printable(_name_of(opname, arg, names), _NAME_CHARS)})"
    if number in opcode.hasconst and arg < len(constants):
        return f"{arg} ({_constant(constants[arg])})"
    if number in opcode.haslocal and arg < len(variables):
        return f"{arg} ({printable(variables[arg], _NAME_CHARS)})"
    return str(arg)


def _name_of(opname: str, arg: int, names: tuple[str, ...]) -> str:
    since, bits = _SHIFTED.get(opname, ((9, 0), 0))
    index = arg >> bits if sys.version_info >= since else arg
    return names[index] if index < len(names) else "?"


def _constant(value: Value) -> str:
    if isinstance(value, Const):
        return printable(repr(value.value), _VALUE_CHARS)
    if isinstance(value, Collection):
        return f"{value.kind} of {value.length:,}"
    return "code or an object made before"


def _texts(value: Value) -> Iterator[str]:
    items = value.items if isinstance(value, Collection) else ()
    for item in items:
        yield item.value if isinstance(item, Const) and isinstance(item.value, str) else "?"


def _is_whole(value: Value) -> bool:
    return isinstance(value, Collection) and value.length == len(value.items)
