"""The steps of restoring code by value, and what only looks like one."""

from __future__ import annotations

import pytest

from secureload.errors import UsageError
from secureload.pickles.trace import Const, GlobalRef, Operation, Result, Trace
from secureload.scan.allowlist import load_allow_file, load_default
from secureload.scan.by_value import is_by_value, is_explained, restores_by_value
from secureload.scan.dangerous import grade

from ..pickles.tracing import result_of, text, tuple_of

GETATTR = GlobalRef("builtins", "getattr")
SETATTR = GlobalRef("builtins", "setattr")
DILL = GlobalRef("dill", "_dill")
LOOKED_UP = Operation("call", GETATTR, (DILL, text("_setattr"), SETATTR))


def traced(*operations: Operation) -> Trace:
    return Trace(reading="pickle", operations=operations)


@pytest.mark.parametrize(
    "ref",
    [
        "cloudpickle.cloudpickle:_make_function",
        "cloudpickle:subimport",
        "joblib.externals.cloudpickle.cloudpickle:_builtin_type",
        "dill._dill:_create_function",
        "dill:_dill",
    ],
)
def test_machinery_is_no_gadget_but_cannot_be_allowed(ref: str) -> None:
    found = GlobalRef(*ref.split(":"))
    assert is_by_value(found)
    assert grade(found) is None
    with pytest.raises(UsageError, match="by value"):
        load_default().extended_by([ref])
    with pytest.raises(UsageError, match="by value"):
        load_allow_file(f"[library]\nname='x'\n[new-only]\nglobals='{ref} because'\n")


@pytest.mark.parametrize(
    "ref",
    ["cloudpickle:loads", "dill:load", "dill._dill:_eval_repr", "dill._dill:_get_attr", "types:CodeType",
     "types:FunctionType", "cloudpickle.cloudpickle:sys"],
)  # fmt: skip
def test_gadgets_in_the_same_modules_stay_gadgets(ref: str) -> None:
    found = GlobalRef(*ref.split(":"))
    assert not is_by_value(found)
    assert grade(found) is not None


def test_an_instance_of_a_class_that_was_made_is_a_step_and_a_call_of_a_made_function_is_none() -> None:
    made = Operation("new", result_of("cloudpickle.cloudpickle", "_make_skeleton_class"))
    called = Operation("call", result_of("cloudpickle.cloudpickle", "_make_function"))
    assert restores_by_value(made, traced(made))
    assert not restores_by_value(called, traced(called))
    assert not restores_by_value(Operation("call", Result("call", None)), traced())


def test_setattr_of_dill_is_a_step_only_where_nothing_else_is_looked_up() -> None:
    cell = result_of("dill._dill", "_create_cell")
    fill = Operation("call", Result("call", GETATTR), (cell, text("x"), Const(1)))
    other = Operation("call", GETATTR, (GlobalRef("builtins", "object"), text("__subclasses__")))
    assert restores_by_value(LOOKED_UP, traced(LOOKED_UP))
    assert restores_by_value(fill, traced(LOOKED_UP, fill))
    assert not restores_by_value(fill, traced(LOOKED_UP, other, fill))
    assert not restores_by_value(other, traced(other))
    on_global = Operation("call", Result("call", GETATTR), (GlobalRef("a", "B"), text("x"), Const(1)))
    assert not restores_by_value(on_global, traced(LOOKED_UP, on_global))


def test_setattr_is_explained_by_dill_alone() -> None:
    call = Operation("call", SETATTR, (Const(1),))
    assert is_explained(SETATTR, traced(LOOKED_UP))
    assert not is_explained(SETATTR, traced(LOOKED_UP, call))
    made = result_of("dill._dill", "_create_type")
    named = Operation("call", SETATTR, (made, text("__qualname__"), text("Model")))
    assert is_explained(SETATTR, traced(named))
    assert not is_explained(SETATTR, traced(Operation("call", SETATTR, (made, text("__init__"), text("x")))))
    on_global = Operation("call", SETATTR, (GlobalRef("a", "B"), text("__qualname__"), text("x")))
    assert not is_explained(SETATTR, traced(on_global))
    assert not is_explained(SETATTR, traced())
    assert not is_explained(GETATTR, traced(LOOKED_UP))


def test_dill_evaluates_two_names_and_no_other_text() -> None:
    evaluate = GlobalRef("dill._dill", "_eval_repr")
    assert is_explained(evaluate, traced(Operation("call", evaluate, (text("NotImplemented"),))))
    assert not is_explained(evaluate, traced(Operation("call", evaluate, (text("print(1)"),))))


def test_a_partial_of_a_function_by_value_is_a_step_until_it_is_called() -> None:
    partial = GlobalRef("functools", "partial")
    function = result_of("cloudpickle.cloudpickle", "_make_function")
    call = Operation("call", partial, (function,))
    state = Operation(
        "build", Result("call", partial), (tuple_of(function, tuple_of(), tuple_of(), Const(None)),)
    )
    assert restores_by_value(call, traced(call))
    assert restores_by_value(state, traced(state))
    other = Operation("call", partial, (GlobalRef("os", "system"),))
    assert not restores_by_value(other, traced(other))
