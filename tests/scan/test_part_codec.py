from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from secureload.formats.reading import Observation, Problem
from secureload.pickles.checked import TraceFormatError
from secureload.pickles.trace import GlobalRef, Import, Trace
from secureload.scan.part import Part
from secureload.scan.part_codec import EncodedParts, decode_parts, decode_shape, encode_parts

PARTS = (
    Part(
        path="", format="zip", description="a zip archive", data_members=3, bytes_total=90, bytes_examined=80
    ),
    Part(
        path="a!/b.pkl",
        format="pickle",
        description="a pickle",
        loader="torch.load",
        compression="zlib",
        trace=Trace(reading="torch", imports=(Import(GlobalRef("os", "system"), 2, 5),), pickles=1),
        observations=(Observation(code="zip.crc", message="odd", detail="shown", offset=7),),
        problems=(Problem(kind="limit", message="nesting_depth", offset=-1),),
        versions=(("torch", "2.13"),),
        bytes_total=5,
        bytes_examined=5,
        extension_disagrees="the name ends in .txt",
    ),
)


def test_what_is_encoded_is_what_is_decoded() -> None:
    assert decode_parts(encode_parts(PARTS)) == PARTS


def test_texts_of_an_artifact_are_printable_and_cut_on_both_sides() -> None:
    hostile = "\x1b[2J\u202e" + "x" * 10_000
    part = Part(
        path=hostile,
        format="zip",
        description="a zip archive",
        observations=(Observation(code="c", message=hostile, detail=hostile),),
    )
    encoded = encode_parts((PARTS[0], part))
    decoded = decode_parts(encoded)[1]
    for text in (decoded.path, decoded.observations[0].message, decoded.observations[0].detail):
        assert text.isprintable()
        assert len(text) < 5_000


def forged(shape: object) -> EncodedParts:
    return EncodedParts(msgpack.packb(shape), encode_parts(PARTS).numbers)


@pytest.mark.parametrize("index", range(11))
def test_a_forged_part_is_refused(index: int) -> None:
    for wrong in ({"a": 1}, 3.5, [[1]], b"x"):
        shape: Any = msgpack.unpackb(encode_parts(PARTS).shape)
        shape[1][index] = wrong
        with pytest.raises(TraceFormatError):
            decode_parts(forged(shape))


def test_an_answer_without_the_artifact_itself_is_refused() -> None:
    whole: Any = msgpack.unpackb(encode_parts(PARTS).shape)
    for shape in ([], whole[1:], None, "parts", [[]]):
        with pytest.raises(TraceFormatError):
            decode_parts(forged(shape))


def test_too_few_and_too_many_numbers_are_refused() -> None:
    encoded = encode_parts(PARTS)
    for numbers in (encoded.numbers[:-1], (*encoded.numbers, 1), ()):
        with pytest.raises(TraceFormatError):
            decode_parts(EncodedParts(encoded.shape, numbers))


def test_artifacts_that_differ_in_sizes_and_offsets_have_one_shape() -> None:
    first, second = PARTS
    other = replace(first, bytes_total=1_000, bytes_examined=999)
    one, two = encode_parts(PARTS), encode_parts((other, second))
    assert (one.shape, one.numbers != two.numbers) == (two.shape, True)
    assert decode_shape(one.shape)[1].observations[0].message == "odd"
    assert decode_shape(one.shape)[0].examined


def test_lists_without_end_are_refused() -> None:
    with pytest.raises(TraceFormatError):
        decode_shape(msgpack.packb([[]] * 2_100_000))


@given(st.binary(max_size=200), st.lists(st.integers(-(1 << 70), 1 << 70), max_size=9))
def test_whatever_a_worker_answers_is_parts_or_refused(shape: bytes, numbers: list[int]) -> None:
    with contextlib.suppress(TraceFormatError):
        assert decode_parts(EncodedParts(shape, tuple(numbers)))[0].path == ""


@given(
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(0, 99), st.text(max_size=5), st.binary(max_size=5)),
        lambda inner: st.lists(inner, max_size=12) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
        max_leaves=40,
    )
)
def test_whatever_shape_a_worker_answers_is_parts_or_refused(data: object) -> None:
    with contextlib.suppress(TraceFormatError):
        assert decode_parts(forged(data))[0].path == ""
