"""The texts in an exported program that PyTorch evaluates or looks up."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secureload.formats.reading import Event, Observation, Problem, ReadContext, Reference
from secureload.formats.torch_export import walk_program
from secureload.formats.torchscript import CodeUse


def walked(value: object, found: CodeUse | None = None) -> list[Event]:
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    return list(walk_program(text, ReadContext(), found or CodeUse()))


def sizes(text: object) -> list[str]:
    events = walked({"graph": {"sizes": [{"as_expr": {"expr_str": text, "hint": {"as_int": 4}}}]}})
    return [event.code for event in events if isinstance(event, Observation)]


@pytest.mark.parametrize(
    "text",
    ["Symbol('s77', positive=True, integer=True)", "Mul(Integer(2), Symbol('s77', positive=True, integer=True))",
     "2*s0 + 1", "s0", "u3", "FloorDiv(s0, 2)", "Max(1, s0 // 2)", "Eq(s0, s1)", "-(s0 + 1)", "3.5"],
)  # fmt: skip
def test_the_sizes_that_pytorch_writes(text: str) -> None:
    assert sizes(text) == []


@pytest.mark.parametrize(
    "text",
    ["__import__('os').system('echo hello')", "().__class__", "[x for x in ()]", "s0.__class__", "'a b'", '"s0"',
     "lambda: 0;", "exec('')\n", "s0[0]", "{}", "s0 if s0 else", "\\", "Symbol('s0', x=open('f').read())"],
)  # fmt: skip
def test_a_text_that_is_no_size_is_code(text: str) -> None:
    assert sizes(text) in (["torch.evaluated-text"], ["torch.unknown-expression"])


def test_a_function_that_is_not_known_and_a_number_in_the_place_of_a_text() -> None:
    assert sizes("eval(s0)") == ["torch.unknown-expression"]
    assert sizes(5) == []
    assert sizes("__import__('os')") == ["torch.evaluated-text"]


def test_operators_are_listed_and_walks_through_a_module_are_references() -> None:
    found = CodeUse()
    nodes = ["torch.ops.aten.mul.Tensor", "_operator.add", "math.floor", "torch.sym_max", "torch.ops.mine.run.default",
             "torch.ops.aten.from_file.default", "torch.os.system", "_operator.methodcaller", "elsewhere"]  # fmt: skip
    events = walked({"nodes": [{"target": node} for node in nodes]}, found)
    assert {(event.module, event.name) for event in events if isinstance(event, Reference)} == {
        ("torch", "os.system"),
        ("_operator", "methodcaller"),
    }
    assert [event.code for event in events if isinstance(event, Observation)] == ["torch.unknown-target"]
    assert list(found.unknown) == ["mine::run"]
    assert list(found.outside) == ["aten::from_file (maps a file)"]


def test_what_cannot_be_read_and_keys_that_are_repeated() -> None:
    assert isinstance(walked(b"{")[0], Problem)
    (event,) = walked(b'{"target": "a", "target": "math.floor"}')
    assert isinstance(event, Observation)
    assert event.code == "torch.repeated-key"


@given(st.text(max_size=60))
def test_any_text_is_a_size_or_is_told(text: str) -> None:
    sizes(text)
    walked({"target": text})
