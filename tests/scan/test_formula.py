"""A formula that its library evaluates: what statisticians write passes, what programs need does not."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secureload.pickles.trace import Const, GlobalRef
from secureload.scan.formula import why_not_formula


def text(value: str) -> Const:
    return Const(value, len(value))


@pytest.mark.parametrize(
    "formula",
    [
        "y ~ a + b",
        "y ~ a:b + a*b - 1",
        "y ~ np.log(b) + I(a ** 2) + C(group)",
        "log(price) ~ bs(age, df=4, degree=3) + center(size)",
        "two ~ C(group, Treatment(reference=0)) + (a + b) ** 2",
        "y ~ 0 + größe_1 + scale(x) | z",
        "y ~ a\n  + b",
        "y ~ (a > 0.5) + 1e-5 * (b <= 1) + (c == 2) + (d != 3)",
        "y ~ a and not b",
        "",
    ],
)
def test_what_a_statistician_writes_passes(formula: str) -> None:
    assert why_not_formula(text(formula)) is None


@pytest.mark.parametrize(
    "formula",
    [
        "y ~ I(__import__('os').system('echo hello'))",
        "y ~ eval(a)",
        "y ~ open(a)",
        "y ~ a.b",
        "y ~ np.load(a)",
        "y ~ a.__class__",
        "y ~ __builtins__",
        "y ~ np.log.__self__",
        "y ~ a [0]",
        "y ~ 'text'",
        'y ~ "text"',
        "y ~ {a}",
        "y ~ (lambda: 0)()",
        "y ~ C(group, levels=[1])",
        "y ~ (a)(b)",
        "y ~ eval (a)",
        "y ~ eval\n(a)",
        "y ~ I(a := 1)",
        "y ~ a = 1",
        "y ~ f`a`",
        "y ~ Q(a)",
        "y ~ a; b",
        "y ~ a # b",
        "y ~ a\\b",
        "y ~ @a",
        "y ~ 1.real",
        "y ~ 1 .real",
        "y ~ a . b",
        "y ~ (a).b",
        "y ~ a..b",
        "y ~ log(a)(b)",
        "y ~ \uff45val(a)",
        "y ~ 1(a)",
        "y ~ None(a)",
        "y ~ a if b else c",
        "y ~ 1.2.3",
    ],
)
def test_what_a_program_needs_does_not(formula: str) -> None:
    assert why_not_formula(text(formula)) is not None


def test_a_formula_that_is_cut_or_no_text_is_not_known() -> None:
    assert why_not_formula(None) is not None
    assert why_not_formula(Const("y ~ a", 900)) is not None
    assert why_not_formula(Const(b"y ~ a", 5)) is not None
    assert why_not_formula(GlobalRef("a", "b")) is not None


@settings(deadline=None, max_examples=300)
@given(st.text(max_size=60) | st.text(alphabet="ab.~+ ()np_log*=<>!,CI1", max_size=60))
def test_a_formula_that_passes_calls_nothing_but_the_functions_of_numbers(formula: str) -> None:
    if why_not_formula(text(formula)) is not None:
        return
    flat = "".join(formula.split())
    for index, character in enumerate(flat):
        if character == "(" and index:
            before = flat[:index]
            name = before[
                len(before.rstrip("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.")) :
            ]
            assert (
                name == ""
                or name[0].isdigit()
                or "log" in name
                or name in {"C", "I", "not", "and", "or", "in"}
            ), name
    assert "__" not in formula
    assert not set(formula) & set("'\"[]{}@;#\\`")
