from __future__ import annotations

import io
import pickle
import pickletools
import tarfile
import zipfile
import zlib

import joblib
import numpy as np
import pytest
from backports import zstd
from hypothesis import example, given, settings
from hypothesis import strategies as st

from secureload.formats.catalog import DESCRIPTIONS
from secureload.formats.detect import HEAD_BYTES, Detected, detect
from secureload.formats.pickle_start import may_be_pickle

from .test_compression import ENCODERS


def detected(data: bytes, name: str = "model") -> Detected:
    return detect(data[:HEAD_BYTES], len(data), name)


def zip_bytes() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("data.pkl", b"")
    return file.getvalue()


def tar_bytes() -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("weights"))
    return file.getvalue()


def npy_bytes() -> bytes:
    file = io.BytesIO()
    np.save(file, np.zeros(3))
    return file.getvalue()


SAMPLES = {
    "empty": b"",
    "zip": zip_bytes(),
    "tar": tar_bytes(),
    "npy": npy_bytes(),
    "hdf5": b"\x89HDF\r\n\x1a\n" + bytes(90),
    "safetensors": (40).to_bytes(8, "little") + b'{"a":{"dtype":"F32"}}'.ljust(40) + bytes(9),
    "onnx": b"\x08\x09\x12\x07skl2onnx",
    "gguf": b"GGUF\x03\0\0\0" + bytes(40),
    "tensorflow": b"\x0a\x0d\x0a\x01x\x12\x08Identity" + bytes(9),
    "tf-checkpoint": b"\0\0\x06\x08\x01\x1a\x02\x08\x01" + bytes(40),
    "catboost": b"CBM1\x10\0\0\0" + bytes(40),
    "lightgbm": b"tree\nversion=v4\nnum_class=1\n",
    "ubjson": b"{L\0\0\0\0\0\0\0\x07learner{L" + bytes(40),
    "xgboost-binary": b"binf\0\0\0?" + bytes(40),
    "json": b' {"a": [1, 2]}',
    "tflite": b"\x1c\0\0\0TFL3" + bytes(40),
    "7z": b"7z\xbc\xaf\x27\x1c\0\x04" + bytes(40),
    "rar": b"Rar!\x1a\x07\x01\0" + bytes(40),
    "cab": b"MSCF\0\0\0\0" + bytes(40),
    "ar": b"!<arch>\nmodel.o/        0           0     0     644     0         `\n",
    "cpio": b"070701" + b"0" * 104,
    "unix-compress": b"\x1f\x9d\x90" + bytes(40),
    "snappy": b"\xff\x06\0\0sNaPpY" + bytes(40),
    "lzip": b"LZIP\x01\x17" + bytes(40),
    "lzop": b"\x89LZO\0\r\n\x1a\n" + bytes(40),
    "joblib-zfile": b"ZF0x1f".ljust(21) + zlib.compress(b"data"),
    "text": "Größe, Preis\n".encode() * 40,
    "unknown": b"\x00\x01\xff\xfe" * 30,
}


@pytest.mark.parametrize("name", SAMPLES)
def test_each_format_has_its_own_name_and_description(name: str) -> None:
    found = detected(SAMPLES[name])
    assert found.format == name
    assert found.description == DESCRIPTIONS[found.format]
    assert not found.may_be_pickle or name in ("tar", "text")
    assert found.compression is None


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize(
    "value",
    [
        None,
        1,
        -1,
        2**70,
        1.5,
        float("inf"),
        True,
        "text",
        "",
        b"",
        b"x" * 999,
        [],
        {},
        (),
        set(),
        len,
        [1, "a"],
    ],
    ids=lambda value: repr(value)[:20],
)
def test_a_pickle_of_every_protocol_is_one(value: object, protocol: int) -> None:
    found = detected(pickle.dumps(value, protocol))
    assert found.format == "pickle"
    assert found.may_be_pickle


def test_joblib_files_are_pickles_or_compressed() -> None:
    for compress, expected in ((0, "pickle"), (3, "compressed")):
        file = io.BytesIO()
        joblib.dump({"a": np.zeros(99)}, file, compress=compress)
        assert detected(file.getvalue(), "model.joblib").format == expected
        assert detected(file.getvalue(), "model.joblib").extension_disagrees is None


@pytest.mark.parametrize(
    "name",
    [
        "variables.data-00000-of-00001",
        "model.onnx_data",
        "model.onnx.data",
        "model.onnx.data_1",
        "group1-shard1of2.bin",
    ],
)
def test_raw_numbers_are_known_by_their_name_unless_they_are_something_else(name: str) -> None:
    assert detected(b"\x00\x01\xff\xfe" * 30, name).format == "raw-data"
    assert detected(b"(I1\n" + bytes(40), name).format == "raw-data"
    assert detected(pickle.dumps([1]), name).format == "pickle"
    assert detected(zip_bytes(), name).format == "zip"
    assert detected(b"(lp0\n.", name).may_be_pickle
    assert detected(b"\x00\x01\xff\xfe" * 30, name + ".pkl").format == "unknown"


@pytest.mark.parametrize("compression", ENCODERS)
def test_a_compressed_file_says_by_what(compression: str) -> None:
    found = detected(ENCODERS[compression](b"some data"), "model.pkl")
    assert (found.format, found.compression) == ("compressed", compression)
    assert found.description == f"a {compression} compressed file"
    assert not found.may_be_pickle


def test_a_bz2_file_long_enough_to_be_a_pickle_as_well_may_be_one() -> None:
    """ "BZh9" is also BINBYTES with a length of 825 MB: behind it a pickle may go on."""
    head = ENCODERS["bz2"](b"some data")
    length = int.from_bytes(head[1:5], "little")
    assert detect(head, len(head), "m").may_be_pickle is False
    assert detect(head, length + 6, "m").may_be_pickle is True


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n", "model.pkl"),
        (b"This is not a model.\n", "model.pkl"),
        (b'{"format": "json"}\n', "model.pkl"),
        (b"<!DOCTYPE html><html>404</html>", "model.joblib"),
        (b"File not found\n", "model.pkl"),
        (b"I am no number\n", "model.pkl"),
        (b"Some text\n", "model.pkl"),
        (b"Version 1\nof a text\n", "model.pkl"),
    ],
    ids=lambda part: repr(part)[:24],
)
def test_a_text_file_called_pkl_is_called_text(data: bytes, name: str) -> None:
    found = detected(data, name)
    assert found.format == ("json" if data.startswith(b"{") else "text")
    assert found.may_be_pickle == data.startswith(b"Version")
    assert found.extension_disagrees is not None
    assert name.rpartition(".")[2] in found.extension_disagrees


def test_a_git_lfs_pointer_is_named_as_such() -> None:
    assert "Git LFS pointer" in detected(b"version https://git-lfs.github.com/spec/v1\noid\n").description


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("weights.safetensors", pickle.dumps(1), "a pickle"),
        ("model.PKL", zip_bytes(), "a zip archive"),
        ("model.onnx", ENCODERS["xz"](b""), "a xz compressed file"),
        ("notes.txt", b"\x80\x04N.", "a pickle"),
    ],
)
def test_a_name_that_disagrees_with_the_content_is_reported(name: str, data: bytes, words: str) -> None:
    sentence = detected(data, name).extension_disagrees
    assert sentence is not None
    assert words in sentence


@pytest.mark.parametrize("name", ["model.pkl", "model", "model.bin", "model.dat", ".pkl", "a.b\0.pkl"])
def test_a_name_that_agrees_or_says_nothing_is_not_reported(name: str) -> None:
    assert detected(pickle.dumps(1), name).extension_disagrees is None


EFFECTIVE = [
    b"cos\nsystem\n(S'inert'\ntR.",
    b"(cos\nsystem\n.",
    b"(ios\nsystem\n.",
    b"ios\nsystem\n.",
    b"I\ncos\nsystem\n.",
    b"I0x10\nN.",
    b"L1\n0N.",
    b"Finf\n.",
    b"F1.5\0x\n.",
    b"V\n.",
    b"S''\n.",
    b"S 'a' \n.",
    b"\x80\x00N.",
    b"\x80\x05\x80\x02N.",
    b"K\x00\x82\x01.",
    b"\x82\x01.",
    b"\x95\xff\xff\xff\xff\xff\xff\xff\xffN.",
    b"\x80\x04\x95\x02\0\0\0\0\0\0\0X\xff\0\0\0\0",
    b"U\x03abc.",
    b"\x8a\x00.",
]


@pytest.mark.parametrize("data", EFFECTIVE, ids=repr)
def test_bytes_that_an_unpickler_would_act_on_are_never_called_impossible(data: bytes) -> None:
    assert may_be_pickle(data, len(data))


class _Touched(Exception):
    """Something had an effect."""


class _InertC(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> object:
        raise _Touched

    def persistent_load(self, pid: object) -> object:
        raise _Touched


class _InertPython(pickle._Unpickler):  # type: ignore[name-defined,misc]  # the one that joblib derives from
    def find_class(self, module: str, name: str) -> object:
        raise _Touched

    def persistent_load(self, pid: object) -> object:
        raise _Touched

    def get_extension(self, code: int) -> object:
        raise _Touched


_OPCODES = [opcode.code.encode("latin-1") for opcode in pickletools.opcodes]
_PIECES = st.one_of(
    st.sampled_from(_OPCODES),
    st.sampled_from([b"\n", b"os\n", b"1\n", b"'a'\n", b"inf\n", b"\0\0\0\0", b"\x01", b"x\n", b"."]),
    st.binary(max_size=3),
)


@given(data=st.lists(_PIECES, max_size=7).map(b"".join))
@example(data=b"PK\n.")
@settings(deadline=None, max_examples=300)
def test_what_either_unpickler_loads_or_acts_on_may_be_a_pickle(data: bytes) -> None:
    """The promise itself, against C's and Python's parser with every import and reference cut off."""
    if b"\x8d" in data or b"\x8e" in data or b"\x96" in data or b"r" in data:
        return  # lengths and memo indices that make the unpickler itself allocate
    for unpickler in (_InertC, _InertPython):
        try:
            unpickler(io.BytesIO(data)).load()
        except _Touched:
            pass
        except Exception:
            continue
        assert may_be_pickle(data, len(data))


@given(head=st.binary(max_size=60), size=st.integers(0, 1 << 40), name=st.text(max_size=20))
@settings(deadline=None, max_examples=150)
def test_any_bytes_and_any_name_are_detected_as_something(head: bytes, size: int, name: str) -> None:
    found = detect(head, max(size, len(head)), name)
    assert found.format in DESCRIPTIONS
    assert found.reason
    assert found.description.isprintable()
    assert (found.extension_disagrees or "").isprintable()


def test_every_length_that_joblib_reads_in_an_old_compressed_file_makes_it_one() -> None:
    for length in (b"0x1f", b"1F", b" 1_f", b"+0x1f"):
        data = b"ZF" + length.ljust(19) + zlib.compress(b"data")
        assert detected(data).format == "joblib-zfile"
    for length in (b"-1", b"", b"x1"):
        assert detected(b"ZF" + length.ljust(19) + bytes(9)).format != "joblib-zfile"


def test_a_stream_that_begins_with_user_data_is_no_pickle_of_a_persistent_id() -> None:
    """pzstd begins its files so."""
    notes = (0x184D2A50).to_bytes(4, "little") + (4).to_bytes(4, "little") + b"\0\n\0\0"
    assert not detected(notes + zstd.compress(b"data")).may_be_pickle
