"""Metadata and the arrays in it: exact to the bit, and one spelling of each."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secureload.errors import SignatureFormatError
from secureload.signing.predicates.golden import Column, Golden
from secureload.signing.predicates.metadata import (
    Feature,
    Metadata,
    TrainingData,
    encode,
    parse,
)
from secureload.signing.predicates.values import Values, encode_values, parse_values

FLOATS = Values("float64", (2, 2), (0.1, -0.0, 1e300, 5e-324))
FULL = Metadata(
    estimator="sklearn.linear_model.LogisticRegression",
    features=(Feature("age", "float64"), Feature("income", "float64")),
    trained="2026-03-01T12:00:00Z",
    metrics={"cv_accuracy": 0.97},
    libraries={"scikit-learn": "1.9.0"},
    training_data=TrainingData(b"\x05" * 32, 569),
    golden=Golden(
        columns=(Column(name="", values=FLOATS),), outputs={"predict": Values("str", (2,), ("yes", "no"))}
    ),
    lineage={"from": "model-1.joblib"},
    extra={"owner": "risk", "tickets": [1, 2]},
)


def test_everything_is_read_as_it_was_written() -> None:
    assert parse(encode(FULL)) == FULL
    assert parse({"trained": "2026-03-01T12:00:00Z"}) == Metadata(trained="2026-03-01T12:00:00Z")


@given(st.lists(st.floats(), min_size=1, max_size=5))
def test_every_double_comes_back_to_the_bit(numbers: list[float]) -> None:
    values = Values("float64", (len(numbers),), tuple(numbers))
    back = parse_values(encode_values(values), "it").items
    assert [(math.copysign(1, one), repr(one)) for one in back if not math.isnan(one)] == [
        (math.copysign(1, one), repr(one)) for one in numbers if not math.isnan(one)
    ]
    assert [math.isnan(one) for one in back] == [math.isnan(one) for one in numbers]


@pytest.mark.parametrize("text", ["0.10", "1", "1e0", "+1.0", " 1.0", "1_0.0", "Infinity", "NaN", "0x1p3"])
def test_a_number_has_one_spelling(text: str) -> None:
    with pytest.raises(SignatureFormatError, match="shortest spelling"):
        parse_values({"dtype": "float64", "shape": [1], "items": [text]}, "it")


@pytest.mark.parametrize(
    ("dtype", "item"),
    [
        ("int8", "128"),
        ("uint8", "-1"),
        ("int64", str(2**63)),
        ("int64", "01"),
        ("bool", "yes"),
        ("object", "x"),
    ],
)
def test_an_item_that_its_dtype_cannot_hold_is_refused(dtype: str, item: str) -> None:
    with pytest.raises(SignatureFormatError):
        parse_values({"dtype": dtype, "shape": [1], "items": [item]}, "it")


@pytest.mark.parametrize("shape", [[3], [], [1, 1, 2], [2, 2], [-2], [2**40, 0]])
def test_a_shape_that_does_not_fit_is_refused(shape: list[int]) -> None:
    with pytest.raises(SignatureFormatError):
        parse_values({"dtype": "bool", "shape": shape, "items": ["true", "true"]}, "it")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("features", []),
        ("features", [{"name": "a", "dtype": "f"}, {"name": "a", "dtype": "f"}]),
        ("trained", "yesterday"),
        ("metrics", {"a": 0.5}),
        ("extra", {"a": 0.5}),
        ("training_data", {"sha256": "00", "rows": 1}),
        ("golden", {"columns": [], "outputs": {}}),
        ("unknown", 1),
    ],
)
def test_what_breaks_the_schema_is_refused(field: str, value: Any) -> None:
    with pytest.raises(SignatureFormatError):
        parse({field: value})


def test_golden_rows_need_one_output_for_each_row_and_known_methods() -> None:
    good = encode(FULL)["golden"]
    assert isinstance(good, dict)
    for change in (
        {"outputs": {"predict": encode_values(Values("bool", (1,), (True,)))}},
        {"outputs": {"__reduce__": encode_values(Values("bool", (2,), (True, True)))}},
        {"tolerance": "2.0"},
        {"columns": [{"name": "a", "values": encode_values(FLOATS)}]},
    ):
        with pytest.raises(SignatureFormatError):
            parse({"golden": {**good, **change}})


def test_metadata_that_says_nothing_is_refused() -> None:
    with pytest.raises(SignatureFormatError, match="says nothing"):
        parse({})
