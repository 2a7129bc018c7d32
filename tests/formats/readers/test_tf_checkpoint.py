from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from secureload.formats.readers import tf_checkpoint
from secureload.formats.reading import Problem
from secureload.formats.tables import TABLE_MAGIC
from tests.formats.feeding import feed, mutated, problems

# The first entry of an index: an empty key, and how many files there are.
VALID = b"\0\0\x06\x08\x01\x1a\x02\x08\x01" + bytes(60) + TABLE_MAGIC


def test_a_whole_index_has_nothing_to_say() -> None:
    assert feed(tf_checkpoint, VALID) == []


def test_an_index_that_is_cut_off_or_none_is_a_problem() -> None:
    assert problems(feed(tf_checkpoint, VALID[:-1])) == ["the index does not end as a table does"]
    assert problems(feed(tf_checkpoint, VALID + b"PK"))
    assert problems(feed(tf_checkpoint, VALID[:9]))
    assert problems(feed(tf_checkpoint, b"")) == ["this is no index of a checkpoint"]


@given(st.binary(max_size=80) | mutated(VALID))
def test_any_bytes_are_whole_or_a_problem(data: bytes) -> None:
    assert all(isinstance(event, Problem) for event in feed(tf_checkpoint, data))
