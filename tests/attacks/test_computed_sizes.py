"""A small payload that asks for much: what is not held to be data before it is made."""

from __future__ import annotations

import collections
import fractions
import pickle
from typing import Any

import pytest

from secureload.pickles.assembler import Assembler

from .judged import objections


@pytest.mark.parametrize("name", ["bytes", "bytearray"])
def test_a_byte_string_that_is_asked_for_by_its_length(name: str) -> None:
    call = Assembler(2).global_("builtins", name).mark().integer(1 << 40).tuple_().reduce()
    assert objections(call.stop())


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("builtins", "set"),
        ("builtins", "frozenset"),
        ("collections", "deque"),
        ("collections", "Counter"),
        ("collections", "OrderedDict"),
    ],
)
def test_a_collection_that_is_filled_from_a_range_without_an_end_in_sight(module: str, name: str) -> None:
    code = Assembler(2).global_(module, name).mark()
    code = code.global_("builtins", "range").mark().integer(1 << 40).tuple_().reduce().tuple_().reduce()
    assert objections(code.stop())


@pytest.mark.parametrize("text", ["1e999999999", "1/1e9", "nan"])
def test_a_fraction_that_is_written_with_an_exponent_of_nine_digits(text: str) -> None:
    call = Assembler(2).global_("fractions", "Fraction").mark().text(text).tuple_().reduce()
    assert objections(call.stop())


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"abc" * 99,
        bytearray(),
        bytearray(b"\x00\xff"),
        {1, 2},
        frozenset("a"),
        collections.deque([1, "two"], maxlen=3),
        collections.Counter("hello"),
        collections.OrderedDict(a=1),
        fractions.Fraction(-22, 7),
        fractions.Fraction(5),
    ],
    ids=repr,
)
def test_what_python_itself_writes_is_accepted(value: Any, protocol: int) -> None:
    assert objections(pickle.dumps(value, protocol)) == []
