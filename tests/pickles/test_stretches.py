from __future__ import annotations

import bz2
import io
from itertools import pairwise
from typing import Any

import joblib
import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secureload.formats.expanding import ExpandingReader
from secureload.pickles.stretches import pickle_reads_on, stretches
from secureload.pickles.trace import Section

from .tracing import mapped, trace


def test_arrays_and_pickles_inside_of_pickles_are_stepped_over_and_pickles_behind_each_other_are_not() -> (
    None
):
    sections = [
        Section("array", 20, 30), Section("pickle", 40, 60), Section("pickle", 0, 100),
        Section("pickle", 100, 150), Section("array", 150, 170), Section("trailing", 170, 180),
    ]  # fmt: skip
    assert stretches(sections) == [sections[0], sections[1], sections[4]]


def test_an_array_inside_of_a_pickle_inside_of_a_pickle_is_stepped_over_too() -> None:
    sections = [Section("array", 50, 60), Section("pickle", 40, 70), Section("pickle", 0, 100)]
    assert stretches(sections) == [sections[1], sections[0]]


def test_what_holds_nothing_and_what_stands_in_an_array_is_left_out() -> None:
    sections = [
        Section("array", 20, 20),
        Section("array", 30, 50),
        Section("array", 40, 60),
        Section("pickle", 0, 99),
    ]
    assert stretches(sections) == [sections[1]]


_SECTIONS = st.builds(
    Section, st.sampled_from(["pickle", "array", "trailing"]), st.integers(0, 50), st.integers(0, 60)
)


@settings(max_examples=200, deadline=None)
@given(st.lists(_SECTIONS, max_size=12), st.integers(0, 20))
def test_whatever_the_sections_the_stretches_stand_one_behind_the_other(
    sections: list[Section], begin: int
) -> None:
    found = stretches(sections, begin)
    starts = [section.start for section in found]
    assert starts == sorted(set(starts))
    for before, after in pairwise(found):
        assert before.kind == "pickle" or after.start >= before.end


def dumped(value: Any) -> bytes:
    file = io.BytesIO()
    joblib.dump(value, file)
    return file.getvalue()


@pytest.mark.parametrize("value", [numpy.arange(5), [numpy.zeros((3, 3)), "x"]], ids=["one", "several"])
def test_pickle_does_not_read_on_behind_the_padding_of_an_honest_array(value: Any) -> None:
    data = dumped(value)
    assert not pickle_reads_on(trace(data), mapped(data))
    assert not pickle_reads_on(trace(data), ExpandingReader(io.BytesIO(bz2.compress(data)), "bz2"))


def test_pickle_reads_on_where_an_opcode_follows_and_nothing_is_stepped_over_elsewhere() -> None:
    nested = dumped(numpy.array(["a", None], dtype=object))
    assert pickle_reads_on(trace(nested), mapped(nested))
    plain = dumped(["no arrays"])
    assert not pickle_reads_on(trace(plain), mapped(plain))


def test_a_stream_that_cannot_be_read_so_far_is_read_on() -> None:
    data = dumped(numpy.arange(5_000))
    cut = ExpandingReader(io.BytesIO(bz2.compress(data)[:40]), "bz2")
    assert pickle_reads_on(trace(data), cut)
