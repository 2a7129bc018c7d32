from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secureload.json_values import is_nested_deeper, is_unicode_text, kind_of, repeated_keys, walk_values

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=12,
)


def test_a_key_is_named_each_time_that_it_is_repeated() -> None:
    assert repeated_keys([("a", 1), ("b", 2)]) == []
    assert repeated_keys([("a", 1), ("b", 2), ("a", 3), ("a", 4), ("b", 5)]) == ["a", "a", "b"]


def test_nesting_is_counted_in_objects_and_lists() -> None:
    assert not is_nested_deeper("text", 0)
    assert is_nested_deeper([], 0)
    assert not is_nested_deeper({"a": [1, {"b": 2}]}, 3)
    assert is_nested_deeper({"a": [1, {"b": 2}]}, 2)


def test_a_value_nested_beyond_every_recursion_is_measured() -> None:
    value: object = 1
    for _ in range(100_000):
        value = [value]
    assert is_nested_deeper(value, 99_999)
    assert not is_nested_deeper(value, 100_000)


@given(JSON)
def test_the_walk_meets_every_key_and_value(value: object) -> None:
    met = list(walk_values(value))
    text = json.dumps(value)
    assert all(json.dumps(item) in text for item in met)
    assert sum(isinstance(item, dict | list) for item in met) == containers_in(value)


def containers_in(value: object) -> int:
    if isinstance(value, dict):
        return 1 + sum(map(containers_in, value.values()))
    if isinstance(value, list):
        return 1 + sum(map(containers_in, value))
    return 0


def test_a_lone_surrogate_is_no_text() -> None:
    assert is_unicode_text("Größe 😀")
    assert not is_unicode_text("a\udc00")


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (None, "null"),
        (True, "a boolean"),
        (1.5, "a number"),
        ("", "a string"),
        ([], "a list"),
        ({}, "an object"),
    ],
)
def test_each_kind_has_its_name(value: object, name: str) -> None:
    assert kind_of(value) == name
