from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secureload.formats.reading import Observation, Problem
from secureload.pickles.checked import TraceFormatError
from secureload.pickles.trace import GlobalRef, Import, Trace
from secureload.scan.part import Part
from secureload.scan.part_codec import decode_parts, encode_parts

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


@pytest.mark.parametrize("index", range(11))
def test_a_forged_part_is_refused(index: int) -> None:
    for wrong in (object(), {"a": 1}, 3.5, [[1]], b"x"):
        forged: Any = encode_parts(PARTS)
        forged[1][index] = wrong
        with pytest.raises(TraceFormatError):
            decode_parts(forged)


def test_an_answer_without_the_artifact_itself_is_refused() -> None:
    for forged in ([], encode_parts(PARTS[1:]), None, "parts", [[]]):
        with pytest.raises(TraceFormatError):
            decode_parts(forged)


@given(
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5), st.binary(max_size=5)),
        lambda inner: st.lists(inner, max_size=12) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
        max_leaves=40,
    )
)
def test_whatever_a_worker_answers_is_parts_or_refused(data: object) -> None:
    with contextlib.suppress(TraceFormatError):
        assert decode_parts(data)[0].path == ""
