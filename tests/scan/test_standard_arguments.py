"""What the standard library calls when its values are restored: data fits, what acts later does not."""

from __future__ import annotations

import pytest

from secureload.pickles.trace import Collection, Const, Elided, GlobalRef, Operation, Result, Value
from secureload.scan.arguments import why_unfit

SYSTEM = GlobalRef("os", "system")


def text(value: str) -> Const:
    return Const(value, len(value))


def why(rule: str, *args: Value, **kwargs: Value) -> str | None:
    return why_unfit(rule, Operation("call", GlobalRef("a", "b"), args, tuple(kwargs.items())))


@pytest.mark.parametrize(
    ("rule", "args"),
    [
        ("array", (GlobalRef("array", "array"), text("d"), Const(18), Const(b"12345678", 8))),
        ("array", (GlobalRef("array", "array"), text("d"), Const(18), Result("call", None))),
        ("attribute-names", (text("shape"),)),
        ("attribute-names", (text("a"), text("b.c_1.D"))),
        ("method-call", (text("lower"),)),
        ("method-call", (text("split"), text(","))),
        ("method-call", (text("astype"), Result("call", GlobalRef("numpy", "dtype")))),
        ("enum-member", (Const(2),)),
        ("enum-member", (text("matrix_exp"),)),
    ],
)
def test_what_benign_pickles_pass_fits(rule: str, args: tuple[Value, ...]) -> None:
    assert why(rule, *args) is None


@pytest.mark.parametrize(
    ("rule", "args"),
    [
        ("array", (SYSTEM, text("d"), Const(18), Const(b"1", 1))),
        ("array", (GlobalRef("array", "array"), text("d"), Const(18), SYSTEM)),
        ("array", ()),
        ("attribute-names", ()),
        ("attribute-names", (text("__class__"),)),
        ("attribute-names", (text("a.__init__.__globals__"),)),
        ("attribute-names", (text("a..b"),)),
        ("attribute-names", (text("a"), SYSTEM)),
        ("attribute-names", (Const("a", 900),)),
        ("attribute-names", (text(".".join("abcdef")),)),
        ("method-call", ()),
        ("method-call", (text("eval"),)),
        ("method-call", (text("query"), text("@os.system('id')"))),
        ("method-call", (text("to_pickle"), text("/tmp/x"))),
        ("method-call", (text("pipe"), SYSTEM)),
        ("method-call", (text("__reduce__"),)),
        ("method-call", (text("astype"), SYSTEM)),
        ("method-call", (Const("lower", 900),)),
        ("method-call", (Elided(),)),
        ("enum-member", ()),
        ("enum-member", (Const(1), Const(2))),
        ("enum-member", (text("Name"), Collection("list", (), 0))),
        ("enum-member", (Collection("tuple", (), 0),)),
        ("enum-member", (SYSTEM,)),
        ("enum-member", (Const("a", 900),)),
    ],
)
def test_what_an_attacker_would_pass_does_not_fit(rule: str, args: tuple[Value, ...]) -> None:
    assert why(rule, *args) is not None


def test_named_arguments_count_as_well() -> None:
    assert why("method-call", text("split"), maxsplit=Const(1)) is None
    assert why("method-call", text("fillna"), value=SYSTEM) is not None
    assert why("attribute-names", text("a"), key=text("b")) is not None
    assert why("enum-member", Const(1), names=text("b")) is not None
