"""Long runs of numbers: small in the file, the same when they are read, and refused where they were forged."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer

from secureload.errors import MalformedError
from secureload.structured.number_runs import LONG, packed, unpacked
from tests.structured.forging import Forgery, read, written

MANY = {"vocabulary": {f"term{number}": number for number in range(100)}, "curve": [0.5] * 100}
_ANY = st.integers(0, 9) | st.booleans() | st.floats(allow_nan=False)
_NUMBERS = (
    st.lists(st.integers(), min_size=LONG - 2, max_size=LONG + 9)
    | st.lists(st.integers(-(2**63), 2**63 - 1), min_size=LONG, max_size=LONG + 9)
    | st.lists(st.floats(), min_size=LONG, max_size=LONG + 9)
    | st.lists(
        st.one_of(st.integers(0, 9), st.booleans(), st.floats(allow_nan=False)),
        min_size=LONG,
        max_size=LONG + 9,
    )
)


@given(_NUMBERS)
def test_numbers_are_the_same_with_their_types_to_the_last_bit(values: list[Any]) -> None:
    assert pickle.dumps(read(written(values))) == pickle.dumps(values)
    by_key = {f"k{place}": value for place, value in enumerate(values)}
    assert pickle.dumps(read(written(by_key))) == pickle.dumps(by_key)
    assert written(read(written(by_key))) == written(by_key)


def test_a_vocabulary_of_many_terms_takes_no_more_than_a_pickle_of_it() -> None:
    words = [
        " ".join(f"w{number}" for number in range(start, start + 100)) for start in range(0, 20_000, 100)
    ]
    model = TfidfVectorizer().fit(words)
    data = written(model)
    assert len(data) < 1.05 * len(pickle.dumps(model, 5))
    again = read(data)
    assert list(again.vocabulary_.items()) == list(model.vocabulary_.items())
    assert {type(value) for value in again.vocabulary_.values()} == {
        type(next(iter(model.vocabulary_.values())))
    }


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([2**31 - 1, -(2**31)] * LONG, "<i4"),
        ([2**31] * LONG, "<i8"),
        ([-1] * LONG, "<i4"),
        ([65_536] * LONG, "<i4"),
        ([65_535, 0] * LONG, "<u2"),
        ([255, 0] * LONG, "|u1"),
        ([2**63] * LONG, None),
        ([True] * LONG, None),
        ([1, 1.0] * LONG, None),
        ([1] * (LONG - 1), None),
        ([-0.0] * LONG, "<f8"),
    ],
)
def test_the_narrowest_type_that_holds_all_of_them(values: list[Any], kind: str | None) -> None:
    array = packed(values)
    assert (None if array is None else array.dtype.str) == kind


def test_a_run_that_is_met_again_is_one_object() -> None:
    shared = {f"term{number}": number for number in range(100)}
    again = read(written([shared, shared, MANY]))
    assert again[0] is again[1]
    assert again[0] is not again[2]["vocabulary"]


def _fewer_keys(forgery: Forgery) -> None:
    forgery.nodes("k")[0].pop()


def _the_same_key_twice(forgery: Forgery) -> None:
    forgery.nodes("k")[0][2] = "term7"


def _a_key_that_is_no_text(forgery: Forgery) -> None:
    forgery.nodes("k")[0][2] = 7


def _no_array(forgery: Forgery) -> None:
    forgery.nodes("k")[0][1] = 7


def _nothing(forgery: Forgery) -> None:
    del forgery.nodes("k")[0][1:]


def _other_numbers(forgery: Forgery) -> None:
    forgery.nodes("ln")[0][1].append("<u8")


def _two_dimensions(forgery: Forgery) -> None:
    number = forgery.nodes("ln")[0][1][1]
    forgery.tensors[number][1] = (10, 10)


def _a_small_array(forgery: Forgery) -> None:
    forgery.nodes("ln")[0].append(["v", "<i8", [1], [1]])


@pytest.mark.parametrize(
    "change",
    [
        _fewer_keys,
        _the_same_key_twice,
        _a_key_that_is_no_text,
        _no_array,
        _nothing,
        _other_numbers,
        _two_dimensions,
        _a_small_array,
    ],
)
def test_forged_runs_are_refused(change: Any) -> None:
    forgery = Forgery(MANY)
    assert read(forgery.bytes()) == MANY
    change(forgery)
    with pytest.raises(MalformedError):
        read(forgery.bytes())


@pytest.mark.parametrize(
    "array", [7, np.zeros(LONG, "<u4"), np.zeros(LONG, bool), np.zeros(3, "<i4"), np.zeros((LONG, 1), "<i4")]
)
def test_an_array_that_is_no_run_is_refused(array: Any) -> None:
    with pytest.raises(MalformedError):
        unpacked(array)
