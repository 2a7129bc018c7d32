"""Metadata as a person writes it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secureload.errors import UsageError
from secureload.signing.metadata_toml import metadata_of_fields, parse_metadata_toml
from secureload.signing.predicates.metadata import Feature

TEXT = """
trained = 2026-03-01T12:00:00Z
features = [{ name = "age", dtype = "float64" }]
[metrics]
accuracy = 0.97
folds = 5
[libraries]
scikit-learn = "1.9.0"
[extra]
owner = "credit risk"
ticket = 81
[golden.outputs.predict]
dtype = "int64"
shape = [1]
items = [1]
[[golden.columns]]
name = ""
values = { dtype = "float64", shape = [1, 1], items = [0.5] }
"""


def test_numbers_and_times_are_written_as_toml_has_them() -> None:
    found = parse_metadata_toml(TEXT)
    assert found.trained == "2026-03-01T12:00:00Z"
    assert found.metrics == {"accuracy": 0.97, "folds": 5.0}
    assert found.features == (Feature("age", "float64"),)
    assert found.extra == {"owner": "credit risk", "ticket": 81}
    assert found.golden is not None
    assert found.golden.columns[0].values.items == (0.5,)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("metric = 1", "unknown field 'metric'"),
        ("trained = 12:00:00", "trained"),
        ("[metrics]\na = 'high'", "shortest spelling"),
        ("= 1", "is not TOML"),
        ("", "says nothing"),
        ("a" + ".a" * 300 + " = 1", "dots"),
    ],
)
def test_what_does_not_fit_is_one_error_that_says_what(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parse_metadata_toml(text)


def test_a_dictionary_of_the_same_fields_is_metadata_too() -> None:
    found = metadata_of_fields({"metrics": {"f1": 1}, "trained": datetime(2026, 3, 1, tzinfo=UTC)})
    assert (found.metrics, found.trained) == ({"f1": 1.0}, "2026-03-01T00:00:00Z")
    with pytest.raises(UsageError):
        metadata_of_fields([])


@given(
    st.dictionaries(
        st.sampled_from(["extra", "metrics", "golden", "x"]),
        st.recursive(
            st.none() | st.floats() | st.integers() | st.text(max_size=3),
            lambda inner: (
                st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2)
            ),
        ),
    )
)
def test_any_dictionary_is_metadata_or_a_usage_error(fields: dict[str, object]) -> None:
    try:
        metadata_of_fields(fields)
    except UsageError as error:
        assert error.message
