"""The state of any object, leaf by leaf: equal after a round of pickle, and different after any change."""

from __future__ import annotations

import copy
import pickle
from collections import OrderedDict
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.ensemble import RandomForestClassifier

from secureload.convert.state import digest_of, leaves_of
from secureload.errors import ConversionError
from secureload.limits import DEFAULT_LIMITS, Limits

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: (
        st.lists(inner)
        | st.tuples(inner)
        | st.dictionaries(st.text() | st.integers(), inner)
        | st.sets(st.integers())
    ),
    max_leaves=12,
)


@given(VALUES)
def test_a_copy_has_the_same_state(value: Any) -> None:
    assert digest_of(value, DEFAULT_LIMITS) == digest_of(
        pickle.loads(pickle.dumps(copy.deepcopy(value))), DEFAULT_LIMITS
    )


@given(VALUES, VALUES)
def test_what_is_written_otherwise_has_another_state(one: Any, other: Any) -> None:
    assert (digest_of(one, DEFAULT_LIMITS) == digest_of(other, DEFAULT_LIMITS)) == (repr(one) == repr(other))


@pytest.mark.parametrize(
    ("before", "after", "place"),
    [
        ({"a": np.zeros(3)}, {"a": np.array([0, 0, 1e-300])}, "model.a"),
        ({"a": np.zeros(3, ">f8")}, {"a": np.zeros(3, "<f8")}, "model.a"),
        ([1, (2, {"x": 3})], [1, (2, {"x": 4})], "model[1][1].x"),
        (np.array([1, None], object), np.array([1, 2], object), "model[1]"),
        (OrderedDict(a=1), OrderedDict(a=2), "model.a"),
        ({1: "a"}, {1: "b"}, "model[1]"),
        (np.float32(1), np.float64(1), "model"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_where_two_states_part(before: Any, after: Any, place: str) -> None:
    pairs = zip(leaves_of(before, DEFAULT_LIMITS), leaves_of(after, DEFAULT_LIMITS), strict=False)
    assert next(one[0] for one, other in pairs if one != other) == place


def test_whether_two_lists_are_one_is_state() -> None:
    shared: list[int] = [1]
    assert digest_of([shared, shared], DEFAULT_LIMITS) != digest_of([[1], [1]], DEFAULT_LIMITS)
    shared.append(shared)  # type: ignore[arg-type]  # a list that holds itself
    assert digest_of(shared, DEFAULT_LIMITS)


def test_a_fitted_model_after_pickle() -> None:
    model = RandomForestClassifier(3, random_state=np.random.RandomState(0)).fit(
        np.eye(6), [0, 1, 0, 1, 0, 1]
    )
    again = pickle.loads(pickle.dumps(model))
    assert digest_of(model, DEFAULT_LIMITS) == digest_of(again, DEFAULT_LIMITS)
    again.estimators_[1].tree_.value[0, 0, 0] += 1
    assert digest_of(model, DEFAULT_LIMITS) != digest_of(again, DEFAULT_LIMITS)


def test_what_cannot_be_taken_apart_and_what_is_too_deep() -> None:
    with pytest.raises(ConversionError, match=r"at model\.x cannot be taken apart"):
        digest_of({"x": memoryview(b"a")}, DEFAULT_LIMITS)
    deep: list[Any] = []
    for _ in range(50):
        deep = [deep]
    with pytest.raises(ConversionError, match="too deep"):
        digest_of(deep, Limits(structured_depth=20))


def test_modules_of_torch_with_weights_that_are_tied() -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed")
    net = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Linear(2, 2))
    net[1].weight = net[0].weight
    again = copy.deepcopy(net)
    assert digest_of(net, DEFAULT_LIMITS) == digest_of(again, DEFAULT_LIMITS)
    with torch.no_grad():
        again[1].bias[0] += 1
    assert digest_of(net, DEFAULT_LIMITS) != digest_of(again, DEFAULT_LIMITS)
