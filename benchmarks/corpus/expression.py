"""Expressions that a pickle can hold, and the pickles that hold them, opcode by opcode.

A payload is written as a small tree (``Call(Name("os", "system"), ("echo hello",))``) and can then be put into
every form that the pickle machine knows. Nothing here is ever evaluated or unpickled.
"""

from __future__ import annotations

import pickle
import struct
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from secureload.pickles.assembler import Assembler

__all__ = ["Built", "Call", "Name", "Style", "bare", "encode", "write"]

Form: TypeAlias = Literal["reduce", "obj", "inst", "newobj", "newobj_ex"]


@dataclass(frozen=True, slots=True)
class Name:
    """A global; ``name`` may be dotted."""

    module: str
    name: str


@dataclass(frozen=True, slots=True)
class Call:
    """A callable, itself any expression, called with arguments."""

    target: Any
    arguments: tuple[Any, ...] = ()
    form: Form | None = None


@dataclass(frozen=True, slots=True)
class Built:
    """An expression that is given a state (BUILD)."""

    value: Any
    state: Any


@dataclass(frozen=True, slots=True)
class Style:
    """How an expression is written: protocol (None: no PROTO), how globals are named, how calls are made."""

    protocol: int | None = 4
    text_globals: bool = False
    form: Form = "reduce"


DEFAULT = Style()


def encode(expression: Any, style: Style = DEFAULT) -> bytes:
    """Return the whole pickle of ``expression``."""
    return write(Assembler(style.protocol), expression, style).stop()


def bare(expression: Any, style: Style = DEFAULT) -> bytes:
    """Return the opcodes that leave ``expression`` on the stack: no PROTO, no STOP."""
    return write(Assembler(None), expression, style).stop()[:-1]


def write(out: Assembler, value: Any, style: Style = DEFAULT) -> Assembler:
    """Append the opcodes of ``value``."""
    match value:
        case Name():
            return _name(out, value, style)
        case Call():
            return _call(out, value, style)
        case Built():
            write(out, value.value, style)
            return write(out, value.state, style).build()
        case tuple():
            return _items(out, value, style).tuple_()
        case list():
            return _items(out, value, style).list_()
        case dict():
            return _items(out, [part for pair in value.items() for part in pair], style).dict_()
        case _:
            return _plain(out, value, style)


def _items(out: Assembler, items: Any, style: Style) -> Assembler:
    out.mark()
    for item in items:
        write(out, item, style)
    return out


def _name(out: Assembler, name: Name, style: Style) -> Assembler:
    if style.text_globals or (style.protocol or 0) < 4:
        return out.global_(name.module, name.name)
    return out.stack_global(name.module, name.name)


def _call(out: Assembler, call: Call, style: Style) -> Assembler:
    form = call.form or style.form
    if form == "inst" and isinstance(call.target, Name):
        _items(out, call.arguments, style)
        return out.raw(pickle.INST + f"{call.target.module}\n{call.target.name}\n".encode())
    if form == "obj":
        out.mark()
        write(out, call.target, style)
        for argument in call.arguments:
            write(out, argument, style)
        return out.raw(pickle.OBJ)
    write(out, call.target, style)
    write(out, call.arguments, style)
    if form == "newobj":
        return out.newobj()
    if form == "newobj_ex":
        return out.empty_dict().newobj_ex()
    return out.reduce()


def _plain(out: Assembler, value: Any, style: Style) -> Assembler:
    text = style.protocol == 0
    match value:
        case None:
            return out.none()
        case bool():
            return out.raw(b"I01\n" if value else b"I00\n") if text else out.boolean(value)
        case int():
            return out.raw(f"I{value}\n".encode()) if text else out.integer(value)
        case float():
            return out.floating(value)
        case str():
            return out.raw(b"V" + _escaped(value) + b"\n") if text else out.text(value)
        case bytes():
            return out.raw(b"C" + bytes([len(value)]) + value) if len(value) < 256 else out.binary(value)
        case bytearray():
            return out.raw(pickle.BYTEARRAY8 + struct.pack("<Q", len(value)) + bytes(value))
    raise TypeError(f"no opcodes for {type(value).__name__}")


def _escaped(text: str) -> bytes:
    return text.replace("\\", "\\u005c").replace("\n", "\\u000a").encode("raw-unicode-escape")
