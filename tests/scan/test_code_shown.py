"""Code objects are shown from their recorded arguments: right for this Python, as bytes for others."""

from __future__ import annotations

import dis
import types
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secureload.pickles.trace import Const, GlobalRef, Operation, Value
from secureload.scan.code_shown import code_of

from ..pickles.tracing import text, tuple_of

MAKER = GlobalRef("types", "CodeType")


def value(constant: Any) -> Value:
    if isinstance(constant, str | bytes):
        return Const(constant, len(constant))
    if isinstance(constant, tuple):
        return tuple_of(*map(value, constant))
    return Const(constant if constant is None or isinstance(constant, int | float) else "code", -1)


def operation(code: types.CodeType) -> Operation:
    args = (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_nlocals, code.co_stacksize,
            code.co_flags, code.co_code, code.co_consts, code.co_names, code.co_varnames, code.co_filename,
            code.co_name, code.co_qualname, code.co_firstlineno, code.co_linetable, code.co_exceptiontable,
            code.co_freevars, code.co_cellvars)  # fmt: skip
    return Operation("call", MAKER, tuple(map(value, args)))


def sample(items: list[Any]) -> Any:
    import math

    total = 0
    for item in items:
        if isinstance(item, str) and item.startswith("x"):
            total += math.floor(float(item)) + len(items)
    return [total for _ in items] or eval("1")


def test_the_instructions_are_those_that_dis_reads() -> None:
    found = code_of(operation(sample.__code__))
    assert found is not None
    expected = [
        step.opname for step in dis.get_instructions(sample) if step.opname not in {"CACHE", "EXTENDED_ARG"}
    ]
    assert [line.split()[1] for line in found.lines] == expected
    loaded = {
        step.argval for step in dis.get_instructions(sample) if step.opname in {"LOAD_GLOBAL", "IMPORT_NAME"}
    }
    assert found.global_names == loaded >= {"math", "eval", "isinstance"}
    assert "startswith" in found.names
    assert "startswith" not in found.global_names
    assert found.name == "sample"
    assert found.whole


def test_what_was_cut_is_not_called_whole() -> None:
    whole = operation(sample.__code__)
    cut = (*whole.args[:6], Const(sample.__code__.co_code[:8], len(sample.__code__.co_code)), *whole.args[7:])
    found = code_of(Operation("call", MAKER, cut))
    assert found is not None
    assert not found.whole


def test_code_of_another_version_is_shown_as_bytes_and_all_its_names_count() -> None:
    names = tuple_of(text("os"), text("eval"))
    counts = tuple(Const(0) for _ in range(6))
    tail = (tuple_of(), text("f.py"), text("f"), Const(1), Const(b"", 0), tuple_of(), tuple_of())
    old = Operation("call", MAKER, (*counts, Const(b"\x01\x02", 2), tuple_of(), names, *tail))
    found = code_of(old)
    assert found is not None
    assert found.lines == ("01 02",)
    assert found.global_names == {"os", "eval"}


def test_dill_puts_the_table_of_lines_first() -> None:
    plain = operation(sample.__code__)
    found = code_of(Operation("call", GlobalRef("dill._dill", "_create_code"), (Const(b"", 0), *plain.args)))
    assert found == code_of(plain)


@pytest.mark.parametrize("count", [0, 1, 14, 15, 16, 17, 18, 30])
def test_other_arguments_are_no_code(count: int) -> None:
    assert code_of(Operation("call", MAKER, tuple(Const(1) for _ in range(count)))) is None


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=400), st.lists(st.text(max_size=8), max_size=8), st.text(max_size=12))
def test_arbitrary_bytes_are_shown_without_an_error(data: bytes, names: list[str], name: str) -> None:
    counts = tuple(Const(0) for _ in range(6))
    tail = (tuple_of(), text("f"), text(name), text("f"), Const(1), Const(b"", 0), Const(b"", 0))
    args = (*counts, Const(data, len(data)), tuple_of(Const(None)), tuple_of(*map(text, names)), *tail)
    found = code_of(Operation("call", MAKER, (*args, tuple_of(), tuple_of())))
    assert found is not None
    assert all(line.isprintable() for line in found.lines)


def test_long_code_is_cut() -> None:
    counts = tuple(Const(0) for _ in range(6))
    data = b"\x09\x00" * 30_000
    tail = (
        tuple_of(),
        text("f"),
        text("f"),
        text("f"),
        Const(1),
        Const(b"", 0),
        Const(b"", 0),
        tuple_of(),
        tuple_of(),
    )
    found = code_of(
        Operation("call", MAKER, (*counts, Const(data, len(data)), tuple_of(), tuple_of(), *tail))
    )
    assert found is not None
    assert found.lines[-1] == "…"
    assert len(found.lines) < 500
