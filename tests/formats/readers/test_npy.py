from __future__ import annotations

import io
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secureload.errors import LimitError, MalformedError
from secureload.formats.readers import npy
from secureload.limits import Limits

from .reading import run


def saved(*arrays: np.ndarray) -> bytes:
    file = io.BytesIO()
    for array in arrays:
        np.save(file, array)
    return file.getvalue()


def npy_file(header: str, body: bytes = b"", version: tuple[int, int] = (1, 0)) -> bytes:
    text = header.encode("utf-8" if version == (3, 0) else "latin-1")
    length = len(text).to_bytes(2 if version == (1, 0) else 4, "little")
    return npy.MAGIC + bytes(version) + length + text + body


@pytest.mark.parametrize(
    "array",
    [
        np.arange(12.0).reshape(3, 4),
        np.asfortranarray(np.ones((5, 2), ">f4")),
        np.array(7),
        np.zeros((0, 3)),
        np.array(["x", "yy"]),
        np.array([b"raw"]),
        np.zeros(3, [("a", "<f8", (2,)), ("b", "S3")]),
        np.zeros(3, np.dtype([("a", "i1"), ("b", "f8")], align=True)),
        np.array(["2024-01-01"], "M8[ns]"),
        np.zeros(2, [("µ", "f8")]),
    ],
    ids=lambda array: str(array.dtype)[:30],
)
def test_an_array_is_raw_data_and_every_byte_of_it_is_accounted_for(array: np.ndarray) -> None:
    data = saved(array)
    read = run(npy, data)
    assert read.names == ["array"]
    assert read.content("array") == array.tobytes("F" if array.flags.f_contiguous else "C")
    assert read.children[0].expect == "data"
    assert (read.codes, read.problems, read.error, read.formats) == ([], [], None, ["npy"])


def test_an_array_of_objects_is_a_pickle_and_says_so() -> None:
    data = saved(np.array([{"a": 1}, None], dtype=object))
    read = run(npy, data)
    (child,) = read.children
    assert (child.name, child.expect, child.reading) == ("objects", "pickle", "numpy")
    assert read.content("objects").startswith(pickle.PROTO)
    assert read.codes == ["npy.objects"]
    assert read.problems == []


def test_objects_in_one_field_of_many_make_the_whole_array_a_pickle() -> None:
    read = run(npy, saved(np.zeros(2, [("a", "f8"), ("b", [("c", "O")], (2,))])))
    assert [child.expect for child in read.children] == ["pickle"]


@pytest.mark.filterwarnings("ignore:Stored array in format 3.0")
def test_names_of_fields_in_any_script_are_read() -> None:
    read = run(npy, saved(np.zeros(2, [("名", "f8")])))
    assert (read.names, read.problems, read.error) == (["array"], [], None)


def test_several_arrays_in_one_file_are_all_looked_at() -> None:
    read = run(npy, saved(np.arange(3.0), np.array([1, 2]), np.array([None])))
    assert [(child.name, child.expect) for child in read.children] == [
        ("array", "data"),
        ("array-2", "data"),
        ("objects-3", "pickle"),
    ]
    assert read.codes == ["npy.several-arrays", "npy.objects"]
    assert read.problems == []


def test_a_payload_behind_the_array_is_handed_on_and_reported() -> None:
    read = run(npy, saved(np.arange(3.0)) + b"cos\nsystem\n.")
    assert [problem.kind for problem in read.problems] == ["trailing"]
    assert read.content("trailing") == b"cos\nsystem\n."
    assert read.children[1].expect == "any"


def test_an_array_that_is_cut_off_is_malformed() -> None:
    read = run(npy, saved(np.arange(3.0))[:-1])
    assert [problem.kind for problem in read.problems] == ["malformed"]
    assert len(read.content("array")) == 23


GOOD = "{'descr': '<f8', 'fortran_order': False, 'shape': (1,), }\n"


@pytest.mark.parametrize(
    "header",
    [
        GOOD.replace("(1,)", "(-1,)"),
        GOOD.replace("(1,)", "1"),
        GOOD.replace("(1,)", "(True,)"),
        GOOD.replace("(1,)", "(1,)*9"),
        GOOD.replace("(1,)", str((1,) * 65)),
        GOOD.replace("False", "0"),
        GOOD.replace("'<f8'", "'object'"),
        GOOD.replace("'<f8'", "'f8,O'"),
        GOOD.replace("'shape'", "'shapes'"),
        GOOD.replace("'<f8'", "'<f8', 'x': 1"),
        GOOD.replace("'<f8'", "'<f8', 'descr': '|O'"),
        "(1,)\n",
        "\n",
        "__import__('os').system('echo hello')\n",
    ],
)
def test_a_header_that_numpy_does_not_write_leaves_the_rest_to_be_read_as_a_pickle(header: str) -> None:
    read = run(npy, npy_file(header, b"cos\nsystem\n."))
    assert [problem.kind for problem in read.problems] == ["malformed"]
    assert [(child.expect, child.reading) for child in read.children] == [("pickle", "numpy")]
    assert read.content("objects") == b"cos\nsystem\n."


def test_the_headers_of_python_2_are_read() -> None:
    header = "{'descr': [(u'a', '<i4')], 'fortran_order': False, 'shape': (2L, 3L), }          \n"
    read = run(npy, npy_file(header, bytes(24)))
    assert (read.names, read.problems, read.error) == (["array"], [], None)


def test_a_shape_of_more_bytes_than_there_are_is_malformed_whatever_its_size() -> None:
    header = GOOD.replace("(1,)", f"({10**39}, {10**39})")
    read = run(npy, npy_file(header, bytes(8)))
    assert [problem.kind for problem in read.problems] == ["malformed"]


def test_a_header_that_lies_about_its_length_or_version_is_malformed() -> None:
    for data in (npy_file(GOOD)[:30], npy.MAGIC, npy.MAGIC + b"\1\0\xff", npy_file(GOOD, version=(4, 0))):
        assert isinstance(run(npy, data).error, MalformedError)


def test_a_header_of_two_megabytes_ends_in_a_limit() -> None:
    error = run(npy, npy_file(" " * (2 << 20) + GOOD, version=(2, 0))).error
    assert isinstance(error, LimitError)
    assert error.fields["limit"] == "npy_header_bytes"


def test_a_file_of_very_many_arrays_ends_in_a_limit() -> None:
    error = run(npy, saved(*[np.array(1)] * 9), Limits(archive_members=5)).error
    assert isinstance(error, LimitError)
    assert error.fields["limit"] == "archive_members"


@given(data=st.data())
@settings(deadline=None)
def test_mutated_files_end_in_events_or_a_secureload_error(data: st.DataObject) -> None:
    whole = bytearray(saved(np.zeros(2, [("a", "f8"), ("b", "O")]), np.arange(4)))
    for _ in range(data.draw(st.integers(0, 4))):
        whole[data.draw(st.integers(6, len(whole) - 1))] = data.draw(st.integers(0, 255))
    read = run(npy, bytes(whole[: data.draw(st.integers(0, len(whole)))]))
    assert read.events


@given(st.binary(max_size=80))
@settings(deadline=None)
def test_arbitrary_bytes_behind_the_magic_end_in_events_or_a_secureload_error(tail: bytes) -> None:
    assert run(npy, npy.MAGIC + b"\1\0" + tail).events
