"""Names of methods that change a model, and of those that only sound like it."""

from __future__ import annotations

import pytest

from secureload.sandbox.changing import changes, sets_request, stays_on_processor


@pytest.mark.parametrize(
    "name", ["fit", "set_params", "set_score_request", "load_model", "update", "set_leaf_values"]
)
def test_what_changes_any_model_is_known(name: str) -> None:
    assert changes(name)
    assert changes(name, module=True)


@pytest.mark.parametrize("name", ["to", "float", "load_state_dict", "append", "train"])
def test_what_changes_a_module_may_be_an_everyday_name_elsewhere(name: str) -> None:
    assert changes(name, module=True)
    assert not changes(name)


@pytest.mark.parametrize("name", ["predict", "transform", "forward", "fitted", "settle", "eval", "forecast"])
def test_what_only_answers_is_not_refused(name: str) -> None:
    assert not changes(name, module=True)


def test_a_request_of_metadata_routing_is_told_from_a_parameter() -> None:
    assert sets_request("set_score_request")
    assert not sets_request("set_params")


def test_only_main_memory_is_where_a_module_stays() -> None:
    assert stays_on_processor(("cpu",), {})
    assert stays_on_processor((), {"device": "cpu"})
    for args, kwargs in ((("cuda",), {}), (("cpu", "float64"), {}), ((), {}), ((), {"dtype": "cpu"})):
        assert not stays_on_processor(args, kwargs)
