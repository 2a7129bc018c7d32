"""Argument rules: what benign pickles pass fits, what an attacker would pass in the same place does not."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secureload.pickles.trace import (
    Collection,
    Const,
    Elided,
    GlobalRef,
    Operation,
    OperationKind,
    Result,
    Value,
)
from secureload.scan.arguments import CALL_ONLY, RULES, passed_globals, why_unfit

SYSTEM = GlobalRef("os", "system")
EVAL = GlobalRef("builtins", "eval")
INTERP1D = GlobalRef("scipy.interpolate._interpolate", "interp1d")
RANDINT = GlobalRef("scipy.stats._discrete_distns", "randint_gen")
SCALER = GlobalRef("sklearn.preprocessing._data", "StandardScaler")
ENCODED = Result("call", GlobalRef("_codecs", "encode"))


def text(value: str) -> Const:
    return Const(value, len(value))


def group(*items: Value) -> Collection:
    return Collection("tuple", items, len(items))


def why(rule: str, *args: Value, target: GlobalRef = SCALER, kind: OperationKind = "call") -> str | None:
    return why_unfit(rule, Operation(kind, target, args))


@pytest.mark.parametrize(
    ("rule", "args"),
    [
        ("any", (SYSTEM, Elided())),
        ("data", ()),
        ("data", (Const(1), text("a"), group(Const(2), ENCODED))),
        ("latin1", (text("\xff"), text("latin1"))),
        ("latin1", (Const("cut", 10_000), text("latin1"))),
        ("reconstructor", (SCALER, GlobalRef("builtins", "object"), Const(None))),
        ("reconstructor", (SCALER, GlobalRef("__builtin__", "object"), Const(None))),
        ("reconstructor", (SCALER, GlobalRef("builtins", "dict"), Collection("dict", (), 0))),
        ("default-factory", ()),
        ("default-factory", (Const(None),)),
        ("default-factory", (GlobalRef("builtins", "list"),)),
        ("default-factory", (GlobalRef("__builtin__", "long"),)),
        ("partial-of-import", (GlobalRef("numpy", "clip"),)),
        ("default-factory", (Result("call", GlobalRef("functools", "partial")),)),
        ("listed-attribute", (Result("new", RANDINT), text("_entropy"))),
        ("type-of-none", (Const(None),)),
        ("pattern", (text("a+"), Const(32))),
        ("own-class", (GlobalRef(SCALER.module, "MinMaxScaler"),)),
    ],
)
def test_what_benign_pickles_pass_fits(rule: str, args: tuple[Value, ...]) -> None:
    assert why(rule, *args) is None


@pytest.mark.parametrize(
    ("rule", "args"),
    [
        ("data", (SYSTEM,)),
        ("data", (group(Const(1), group(SYSTEM)),)),
        ("data", (Elided(),)),
        ("latin1", (text("x"), text("rot13"))),
        ("latin1", (text("x"), text("zlib_codec"))),
        ("latin1", (text("x"),)),
        ("latin1", (SYSTEM, text("latin1"))),
        ("latin1", (text("x"), Elided())),
        ("reconstructor", (SCALER, SYSTEM, Const(None))),
        ("reconstructor", (SCALER, GlobalRef("subprocess", "Popen"), text("id"))),
        ("reconstructor", (SCALER, GlobalRef("builtins", "object"), SYSTEM)),
        ("reconstructor", (Result("call", SYSTEM), GlobalRef("builtins", "object"), Const(None))),
        ("reconstructor", (RANDINT, GlobalRef("builtins", "object"), Const(None))),
        (
            "reconstructor",
            (GlobalRef("statsmodels.base.data", "PandasData"), GlobalRef("builtins", "object"), Const(None)),
        ),
        ("reconstructor", (SCALER, GlobalRef("builtins", "eval"), text("1"))),
        ("default-factory", (SYSTEM,)),
        ("default-factory", (EVAL,)),
        ("default-factory", (Result("call", SYSTEM),)),
        ("default-factory", (Result("call", GlobalRef("builtins", "getattr")),)),
        ("default-factory", (GlobalRef("builtins", "list"), SYSTEM)),
        ("partial-of-import", (GlobalRef("builtins", "getattr"),)),
        ("partial-of-import", (GlobalRef("functools", "partial"),)),
        ("partial-of-import", (GlobalRef("operator", "methodcaller"), text("to_pickle"))),
        ("partial-of-import", (Result("call", SYSTEM),)),
        ("partial-of-import", ()),
        ("listed-attribute", (GlobalRef("builtins", "__dict__"), text("eval"))),
        ("listed-attribute", (INTERP1D, text("__init__"))),
        ("listed-attribute", (INTERP1D, text("_entropy"))),
        ("listed-attribute", (SCALER, text("_call_spline"))),
        ("listed-attribute", (Result("new", RANDINT), text("__class__"))),
        ("listed-attribute", (Result("call", None), text("_entropy"))),
        ("listed-attribute", (INTERP1D, Const("_call_spline", 4_000))),
        ("listed-attribute", (INTERP1D, Elided())),
        ("listed-attribute", (INTERP1D, text("_call_spline"), SYSTEM)),
        ("type-of-none", (text("X"), group(), Collection("dict", (), 0))),
        ("type-of-none", (SCALER,)),
        ("pattern", (text("a" * 257), Const(0))),
        ("pattern", (Const("a", 257), Const(0))),
        ("pattern", (Elided(), Const(0))),
        ("own-class", (SYSTEM,)),
        ("own-class", ()),
        ("cython-class", (SYSTEM, Const(1), Const(None))),
    ],
)
def test_what_an_attacker_would_pass_does_not_fit(rule: str, args: tuple[Value, ...]) -> None:
    reason = why(rule, *args)
    assert reason
    assert "\n" not in reason


ON_THE_LIST = {
    ("scipy.interpolate._interpolate", "interp1d._call_spline"),
    ("numpy", "exp"),
    ("scipy.special", "expit"),
    ("sklearn.preprocessing._data", "scale"),
}


def named(rule: str, *args: Value) -> str | None:
    return why_unfit(rule, Operation("call", SCALER, args), lambda ref: (ref.module, ref.name) in ON_THE_LIST)


def test_an_attribute_that_is_named_by_text_fits_where_the_list_has_it() -> None:
    assert named("listed-attribute", INTERP1D, text("_call_spline")) is None
    assert named("listed-attribute", Result("new", INTERP1D), text("_call_spline")) is None
    for args in (
        (INTERP1D, text("__init__")),
        (INTERP1D, Const("_call_spline", 4_000)),
        (INTERP1D, text("_call_spline"), SYSTEM),
        (Result("call", INTERP1D), text("_call_spline")),
        (GlobalRef("builtins", "interp1d"), text("_call_spline")),
    ):
        assert named("listed-attribute", *args) is not None


def test_a_ufunc_that_is_named_by_text_fits_where_the_list_has_it() -> None:
    assert named("ufunc", text("numpy"), text("exp")) is None
    assert named("ufunc", text("scipy.special"), text("expit")) is None
    for args in (
        (text("os"), text("system")),
        (text("numpy"), text("load")),
        (text("sklearn.preprocessing._data"), text("scale")),
        (text("numpy"), Const("exp", 900)),
        (GlobalRef("numpy", "exp"), text("exp")),
        (text("numpy"), Result("call", None)),
        (text("numpy"),),
        (),
    ):
        assert named("ufunc", *args) is not None


def test_what_returns_a_global_is_not_to_be_changed() -> None:
    found = Result("call", GlobalRef("numpy.core", "_ufunc_reconstruct"))
    assert why_unfit("ufunc", Operation("build", found, (Const(None),))) is not None


def test_a_cython_function_restores_its_own_class_only() -> None:
    target = GlobalRef("sklearn._loss._loss", "__pyx_unpickle_CyHuberLoss")
    own, other = (GlobalRef(target.module, name) for name in ("CyHuberLoss", "CyPinballLoss"))
    assert why("cython-class", own, Const(7), Const(None), target=target) is None
    assert why("cython-class", own, Const(7), group(SYSTEM), target=target) is not None
    assert why("cython-class", other, Const(7), Const(None), target=target) is not None
    assert (
        why("cython-class", GlobalRef("os", "CyHuberLoss"), Const(7), Const(None), target=target) is not None
    )


def test_the_state_of_a_partial_cannot_smuggle_in_another_function() -> None:
    partial = Result("call", GlobalRef("functools", "partial"))

    def build(*items: Value) -> str | None:
        return why_unfit("partial-of-import", Operation("build", partial, (group(*items),)))

    empty = Collection("dict", (), 0)
    assert build(GlobalRef("numpy", "clip"), group(), empty, Const(None)) is None
    assert build(GlobalRef("builtins", "getattr"), group(), empty, Const(None)) is not None
    assert build(Result("call", None), group(), empty, Const(None)) is not None
    assert build(Elided(), group(), empty, Const(None)) is not None
    assert why_unfit("partial-of-import", Operation("build", partial, (Elided(),))) is not None


def test_instantiating_a_callable_is_held_to_the_same_rule_as_calling_it() -> None:
    assert why("partial-of-import", GlobalRef("builtins", "getattr"), kind="new") is not None
    assert why("default-factory", SYSTEM, kind="new") is not None


def test_an_unknown_rule_fits_nothing() -> None:
    assert why("no such rule") is not None
    assert set(RULES) >= CALL_ONLY


def test_globals_among_the_arguments_are_found_at_any_depth() -> None:
    operation = Operation("call", SCALER, (group(Const(1), group(SYSTEM)),), (("func", EVAL),))
    assert list(passed_globals(operation)) == [SYSTEM, EVAL]


def test_an_attribute_of_a_global_is_handed_on_like_a_global() -> None:
    method = Result("attribute", GlobalRef("zoneinfo", "ZoneInfo._unpickle"))
    assert list(passed_globals(Operation("call", SCALER, (group(method),)))) == [method.of]
    assert list(passed_globals(Operation("call", SCALER, (Result("call", SYSTEM),)))) == []


NAMES = st.sampled_from(
    ["os", "system", "builtins", "object", "numpy", "ndarray", "functools", "partial", "x"]
)
REFS = st.builds(GlobalRef, NAMES, NAMES)
LEAVES = (
    st.builds(
        Const,
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9) | st.binary(max_size=9),
    )
    | REFS
    | st.builds(Result, st.sampled_from(["call", "new", "persid"]), st.none() | REFS)
    | st.just(Elided())
)
KINDS = st.sampled_from(["tuple", "list", "dict", "set", "frozenset"])
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.builds(Collection, KINDS, st.lists(inner, max_size=4).map(tuple), st.integers(0, 9)),
    max_leaves=8,
)


@settings(deadline=None, max_examples=300)
@given(
    st.sampled_from(sorted(RULES)),
    st.sampled_from(["call", "new", "build", "append", "setitem", "additem", "persid"]),
    VALUES,
    st.lists(VALUES, max_size=5).map(tuple),
)
def test_a_rule_answers_for_any_operation_whatever(
    rule: str, kind: OperationKind, target: Value, args: tuple[Value, ...]
) -> None:
    reason = why_unfit(rule, Operation(kind, target, args))
    assert reason is None or (reason and reason.isprintable())


# The first argument of these is an import by design, and imports are judged by themselves.
IMPORT_FIRST = {"partial-of-import", "own-class", "own-class-data", "reconstructor", "cython-class"}


@settings(deadline=None, max_examples=200)
@given(
    st.sampled_from(sorted(set(RULES) - IMPORT_FIRST - {"any"})),
    st.lists(VALUES, max_size=4),
    st.lists(VALUES, max_size=2),
)
def test_no_rule_lets_a_dangerous_function_stand_where_data_belongs(
    rule: str, before: list[Value], after: list[Value]
) -> None:
    assert why(rule, *before, SYSTEM, *after) is not None
