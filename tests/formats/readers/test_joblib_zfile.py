from __future__ import annotations

import pickle
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joblib.numpy_pickle_compat import write_zfile

from secureload.errors import LimitError, MalformedError
from secureload.formats.readers import joblib_zfile
from secureload.limits import Limits

from .reading import run

PICKLE = pickle.dumps({"a": [1, 2]}, 2)


def zfile(content: bytes, *, length: str | None = None, space: bytes = b"") -> bytes:
    stated = hex(len(content)) if length is None else length
    return b"ZF" + stated.ljust(19).encode() + space + zlib.compress(content)


def test_what_joblib_itself_writes_as_a_zfile_is_a_pickle(tmp_path: object) -> None:
    class File:
        data = b""

        def write(self, data: bytes) -> None:
            self.data += data

    file = File()
    write_zfile(file, PICKLE)
    assert file.data == zfile(PICKLE)[: len(file.data) - len(zlib.compress(PICKLE))] + zlib.compress(
        PICKLE, 1
    )
    read = run(joblib_zfile, file.data)
    assert read.content("pickle") == PICKLE
    assert [child.expect for child in read.children] == ["pickle"]
    assert (read.problems, read.error, read.formats) == ([], None, ["joblib-zfile"])


def test_the_longer_header_of_python_2_is_read() -> None:
    read = run(joblib_zfile, zfile(PICKLE, space=b" "))
    assert read.content("pickle") == PICKLE
    assert read.problems == []


def test_an_array_beside_a_model_is_data() -> None:
    read = run(joblib_zfile, zfile(bytes(80)), name="model.pkl_01.npy.z")
    assert [(child.name, child.expect) for child in read.children] == [("array", "data")]


def test_a_length_that_lies_is_malformed_and_the_pickle_is_still_handed_on() -> None:
    read = run(joblib_zfile, zfile(PICKLE, length="0x5"))
    assert read.content("pickle") == PICKLE
    assert [problem.kind for problem in read.problems] == ["malformed"]


@pytest.mark.parametrize("length", ["", "0x", "0xzz", "-0x5", "0x-5", "0x__1"])
def test_a_header_without_a_length_is_malformed(length: str) -> None:
    assert isinstance(run(joblib_zfile, zfile(PICKLE, length=length)).error, MalformedError)
    assert isinstance(run(joblib_zfile, b"ZF0x5").error, MalformedError)


def test_bytes_behind_the_stream_are_handed_on() -> None:
    read = run(joblib_zfile, zfile(PICKLE) + b"cos\nsystem\n.")
    assert read.content("trailing") == b"cos\nsystem\n."
    assert [problem.kind for problem in read.problems] == ["trailing"]


def test_a_stream_that_is_damaged_or_a_bomb_ends_in_an_error() -> None:
    assert isinstance(run(joblib_zfile, zfile(PICKLE)[:-3]).error, MalformedError)
    error = run(
        joblib_zfile, zfile(bytes(1 << 20)), Limits(expansion_floor_bytes=1_000, expansion_ratio=5)
    ).error
    assert isinstance(error, LimitError)
    assert error.fields["limit"] == "expansion_ratio"


@given(st.binary(max_size=60))
@settings(deadline=None)
def test_arbitrary_bytes_behind_the_mark_end_in_events_or_an_error(tail: bytes) -> None:
    assert run(joblib_zfile, b"ZF0x" + tail).events
