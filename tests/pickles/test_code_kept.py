"""What code is made of is kept whole, under a budget."""

from __future__ import annotations

import pickle
from typing import Any

import cloudpickle
import pytest

from secureload.limits import Limits
from secureload.pickles.code_makers import makes_classes, makes_code
from secureload.pickles.trace import Collection, Const, GlobalRef, Operation, Result

from .tracing import of_kind, result_of, trace


def code_calls(data: bytes, limits: Limits | None = None) -> list[Operation]:
    found = trace(data, limits or Limits())
    return [each for each in of_kind(found, "call") if makes_code(each.target) and len(each.args) > 10]


def long_function() -> Any:
    source = "def f(x):\n" + "".join(f"    x = name{number}(x)\n" for number in range(300))
    space: dict[str, Any] = {"__name__": "__main__"}
    exec(source, space)  # our own text
    return space["f"]


def test_long_code_and_all_of_its_names_are_kept() -> None:
    function = long_function()
    (call,) = code_calls(cloudpickle.dumps(function))
    assert Const(function.__code__.co_code, len(function.__code__.co_code)) in call.args
    (names,) = [each for each in call.args if isinstance(each, Collection) and each.length == 300]
    assert len(names.items) == 300


def test_code_over_the_limits_is_cut_and_says_so() -> None:
    (call,) = code_calls(
        cloudpickle.dumps(long_function()), Limits(trace_code_bytes=1_000, trace_code_items=20)
    )
    assert (
        max(
            len(each.value) for each in call.args if isinstance(each, Const) and isinstance(each.value, bytes)
        )
        == 1_000
    )
    assert any(each.is_cut for each in call.args if isinstance(each, Const))
    assert max(len(each.items) for each in call.args if isinstance(each, Collection)) == 20


def test_when_the_budget_is_used_up_code_is_kept_as_short_as_everything_else() -> None:
    two = [long_function(), long_function()]
    two[1].__code__ = two[1].__code__.replace(co_name="g")
    first, second = code_calls(cloudpickle.dumps(two), Limits(trace_codes_bytes=1))
    assert not any(each.is_cut for each in first.args if isinstance(each, Const))
    assert any(each.is_cut for each in second.args if isinstance(each, Const))


def test_two_codes_that_differ_in_their_bytes_alone_are_two() -> None:
    def one(x: int) -> int:
        return x + x

    def two(x: int) -> int:
        return x - x

    two.__code__ = two.__code__.replace(co_name="one", co_qualname=one.__code__.co_qualname)
    for each in (one, two):
        each.__module__ = "__main__"
    assert len(code_calls(cloudpickle.dumps([one, two]))) == 2


def test_an_instance_of_a_class_that_was_restored_is_traced_to_its_end() -> None:
    class Model:
        pass

    Model.__module__ = "__main__"
    found = trace(cloudpickle.dumps([Model(), Model()]))
    assert found.problems == ()
    maker = result_of("cloudpickle.cloudpickle", "_make_skeleton_class")
    assert [each.target for each in of_kind(found, "new")] == [maker]


@pytest.mark.parametrize(
    ("target", "makes"),
    [
        (GlobalRef("types", "CodeType"), True),
        (GlobalRef("dill._dill", "_create_code"), True),
        (result_of("cloudpickle.cloudpickle", "_builtin_type"), True),
        (result_of("ours", "_builtin_type"), False),
        (Result("call", None), False),
        (Const(1), False),
        (GlobalRef("types", "FunctionType"), False),
    ],
)
def test_what_makes_code(target: Any, makes: bool) -> None:
    assert makes_code(target) is makes


def test_only_the_makers_of_classes_make_classes() -> None:
    assert makes_classes(GlobalRef("dill._dill", "_create_type"))
    assert not makes_classes(GlobalRef("ours", "_create_type"))
    assert not makes_classes(None)
    assert trace(pickle.dumps(1)).problems == ()
