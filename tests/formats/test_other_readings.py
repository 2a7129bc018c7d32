"""A file that is one thing by its beginning, and another to who reads it from its end or behind a block."""

from __future__ import annotations

import io
import pickle
import tarfile
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secureload.formats.detect import HEAD_BYTES, detect
from secureload.formats.other_readings import other_readings
from secureload.formats.region import Region
from tests.formats.tars import header
from tests.formats.zips import Archive, Entry

SIGNATURE = b"\x89HDF\r\n\x1a\n"


def readings(data: bytes) -> tuple[str, list[str]]:
    """What the head shows, and what else it is."""
    found = detect(data[:HEAD_BYTES], len(data), "model").format
    return found, list(other_readings(Region(data), found))


def zipped() -> bytes:
    return Archive([Entry("data.pkl", b"payload")]).build()


@pytest.mark.parametrize("protocol", [3, 4, 5])
def test_an_archive_among_the_bytes_of_a_pickle_is_an_archive_to_zipfile(protocol: int) -> None:
    data = pickle.dumps([zipped(), 7], protocol=protocol)
    assert zipfile.is_zipfile(io.BytesIO(data))
    assert readings(data) == ("pickle", ["zip"])


def test_an_archive_among_the_numbers_of_an_array_is_an_archive_too() -> None:
    head = b"{'descr': '|u1', 'fortran_order': False, 'shape': (1,), }"
    data = b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head + zipped()
    assert readings(data) == ("npy", ["zip"])


def test_what_h5py_finds_behind_a_user_block_is_found() -> None:
    data = pickle.dumps({"a": b"-" * 600})
    start = data.index(b"-" * 600)
    data = data[:start] + (b"-" * (512 - start) + SIGNATURE).ljust(600, b"-") + data[start + 600 :]
    assert readings(data) == ("pickle", ["hdf5"])


def test_an_array_whose_first_block_has_the_checksum_of_a_header_is_a_tar_archive_to_torch_load() -> None:
    data = header(b"\x93NUMPY\x01\x00") + bytes(1024)
    assert tarfile.is_tarfile(io.BytesIO(data))
    assert readings(data) == ("npy", ["tar"])


def test_an_archive_is_not_read_as_one_twice() -> None:
    assert readings(zipped()) == ("zip", [])
    assert readings(header(b"name") + bytes(1024)) == ("tar", [])
    assert readings(SIGNATURE + bytes(1024)) == ("hdf5", [])


def test_the_mark_of_an_end_record_without_a_directory_is_no_archive() -> None:
    for end in (b"PK\x05\x06", b"PK\x05\x06" + bytes(18), b"PK\x05\x06" + b"\xff" * 18):
        assert readings(pickle.dumps([end, 1])) == ("pickle", [])


@given(st.binary(max_size=1200), st.sampled_from(["pickle", "npy", "unknown", "compressed"]))
def test_arbitrary_bytes_have_readings_without_an_error(data: bytes, found: str) -> None:
    assert set(other_readings(Region(data), found)) <= {"zip", "hdf5", "tar"}
