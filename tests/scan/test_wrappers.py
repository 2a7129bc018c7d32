"""Compressed files, archives in archives, and files of other libraries, from their bytes to the verdict."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import pickle
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import lz4.frame
import numpy as np
import pandas as pd
import pytest
from backports import zstd

from secureload.formats.region import Region
from secureload.limits import DEFAULT_LIMITS, Limits
from secureload.pickles.assembler import Assembler
from secureload.scan.allowlist import load_default
from secureload.scan.examine import examine
from secureload.scan.finding import Examination, Severity
from secureload.scan.survey import survey
from tests.formats.sevenzips import archive as sevenzip
from tests.formats.tars import archive as tar
from tests.formats.tars import member as tar_member

HOSTILE = Assembler(4).global_("os", "system").mark().text("echo hello").tuple_().reduce().stop()


def npy(array: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def zipped(data: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inner", data)
    return file.getvalue()


WRAPPERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "lzma": lambda data: lzma.compress(data, format=lzma.FORMAT_ALONE),
    "lz4": lz4.frame.compress,
    "zstd": zstd.compress,
    "zip": zipped,
    "tar": lambda data: tar([("inner", data)]),
    "7z": lambda data: sevenzip([("inner", data)]),
}


def examined(data: bytes, name: str = "model", limits: Limits = DEFAULT_LIMITS) -> Examination:
    return examine(survey(Region(data), name, limits), load_default(), {})


@pytest.mark.parametrize("outer", WRAPPERS)
@pytest.mark.parametrize("inner", WRAPPERS)
def test_a_payload_in_any_wrapper_in_any_wrapper_is_rejected_by_name(outer: str, inner: str) -> None:
    found = examined(WRAPPERS[outer](WRAPPERS[inner](HOSTILE)))
    assert any(finding.severity is Severity.DANGEROUS for finding in found.findings)
    assert any("os.system" in finding.title for finding in found.findings)


@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_an_honest_model_in_a_wrapper_is_accepted(wrapper: str) -> None:
    found = examined(WRAPPERS[wrapper](pickle.dumps({"weights": [1.0, 2.0]})))
    assert (found.worst(), found.coverage.not_examined) == (None, ())
    assert found.coverage.complete


@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_wrappers_nested_beyond_the_limit_end_in_it(wrapper: str) -> None:
    data = HOSTILE
    for _ in range(DEFAULT_LIMITS.nesting_depth + 2):
        data = WRAPPERS[wrapper](data)
    found = examined(data)
    assert found.worst() is Severity.UNKNOWN
    assert any("nesting_depth" in why for why in found.coverage.not_examined)


@pytest.mark.parametrize("wrapper", ["bz2", "xz", "zstd", "gzip"])
def test_a_bomb_in_a_bomb_ends_in_a_limit_with_its_name(wrapper: str) -> None:
    limits = replace(
        DEFAULT_LIMITS, expansion_floor_bytes=1 << 20, expansion_ratio=50, expanded_bytes=4 << 20
    )
    wrap = WRAPPERS[wrapper]
    found = examined(wrap(wrap(bytes(8 << 20))), limits=limits)
    assert found.worst() is Severity.UNKNOWN
    assert any("expand" in why for why in found.coverage.not_examined)


FRAMES = {
    "numbers": pd.DataFrame({"a": [1.5, 2.5], "b": [1, 2]}),
    "texts": pd.DataFrame({"c": ["x", "y"]}, index=pd.Index(["i", "j"], name="key")),
    "series": pd.Series([1, 2], name="s"),
    "times": pd.Series(pd.date_range("2024-01-15", periods=3, tz="UTC")),
}


@pytest.mark.parametrize("compression", ["gzip", "bz2", "xz", "zip", "tar", None])
@pytest.mark.parametrize("name", FRAMES)
def test_what_pandas_pickles_with_any_compression_is_accepted(
    name: str, compression: Any, tmp_path: Path
) -> None:
    path = tmp_path / "frame.pkl"
    FRAMES[name].to_pickle(path, compression=compression)
    found = examined(path.read_bytes(), "frame")
    assert (found.worst(), found.coverage.not_examined) == (None, ())


def test_what_pandas_pickles_with_zstd_is_accepted() -> None:
    file = io.BytesIO()
    FRAMES["numbers"].to_pickle(file, compression=None)
    found = examined(zstd.compress(file.getvalue()), "frame.pkl.zst")
    assert (found.worst(), found.findings) == (None, ())


@pytest.mark.parametrize("mode", ["w:gz", "w:bz2", "w:xz"])
def test_a_compressed_tar_is_read_like_the_tar_in_it(mode: Any) -> None:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=mode) as archive:
        info = tarfile.TarInfo("model.pkl")
        info.size = len(HOSTILE)
        archive.addfile(info, io.BytesIO(HOSTILE))
    found = examined(file.getvalue(), "model.tar.gz")
    assert found.worst() is Severity.DANGEROUS
    assert found.findings[0].location.member == "model.tar!/model.pkl"


def test_a_tar_archive_that_begins_as_a_stream_is_read_as_both() -> None:
    """joblib.load expands it, torch.load opens it with tarfile."""
    data = tar_member(HOSTILE, b"\x1f\x8b\x08name") + bytes(1024)
    found = examined(data)
    assert found.worst() is Severity.DANGEROUS


ARRAYS: dict[str, Any] = {
    "numbers": np.arange(6.0),
    "texts": np.array(["a", "b"]),
    "records": np.zeros(2, [("a", "f8"), ("b", "U3")]),
    "objects": np.array([{"a": 1}, None], dtype=object),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_a_numpy_file_is_accepted_and_an_array_of_objects_is_told(name: str) -> None:
    found = examined(npy(ARRAYS[name]), "weights.npy")
    assert found.worst() is (Severity.NOTE if name == "objects" else None)
    assert found.coverage.complete


def test_masked_arrays_and_mapped_arrays_in_a_pickle_are_accepted(tmp_path: Path) -> None:
    mapped = np.memmap(tmp_path / "m", dtype="f8", mode="w+", shape=(3,))
    for value in (np.ma.masked_array([1.0, 2.0], [True, False]), np.array([1, 2]), np.asarray(mapped)):
        for protocol in (2, 4, 5):
            assert examined(pickle.dumps(value, protocol)).worst() is None


def test_a_payload_in_an_array_of_objects_is_rejected_by_name() -> None:
    header = npy(np.array([None]))
    data = header[: header.index(b"\x80")] + HOSTILE
    found = examined(data, "weights.npy")
    assert found.worst() is Severity.DANGEROUS
    assert any(finding.location.member == "objects" for finding in found.findings)


def test_arrays_of_objects_one_behind_the_other_are_all_read() -> None:
    objects = npy(ARRAYS["objects"])
    found = examined(objects + npy(ARRAYS["numbers"]) + objects, "several.npy")
    assert found.worst() is Severity.NOTE
    assert found.coverage.not_examined == ()
    found = examined(objects + objects[: objects.index(b"\x80")] + HOSTILE, "several.npy")
    assert found.worst() is Severity.DANGEROUS
    assert examined(objects + b"\xff\xfe" * 9, "several.npy").worst() is Severity.UNKNOWN


@pytest.mark.parametrize("wrapper", ["gzip", "bz2", "xz", "zstd", "lz4"])
def test_a_payload_behind_a_pickle_in_a_stream_or_behind_the_stream_is_rejected_by_name(wrapper: str) -> None:
    wrap = WRAPPERS[wrapper]
    honest = pickle.dumps([1, 2])
    for data in (
        wrap(honest + b"\xff\xfe" * 50 + HOSTILE),
        wrap(honest[:-1] + b"\xff" + HOSTILE),
        wrap(honest + tar([("inner", HOSTILE)])),
        wrap(honest) + b"\xff\xfe" * 50 + HOSTILE,
        wrap(honest) + b"\xff" + tar([("inner", HOSTILE)]),
    ):
        assert examined(data).worst() is Severity.DANGEROUS
    assert examined(wrap(honest) + b"\xff\xfe" * 50).worst() is Severity.UNKNOWN


@pytest.mark.parametrize("mark", [b"Rar!\x1a\x07\x01\0", b"!<arch>\n", b"\x1f\x9d\x90"])
def test_an_archive_without_a_reader_is_undecided_and_named(mark: bytes) -> None:
    found = examined(mark + bytes(60))
    assert found.worst() is Severity.UNKNOWN
    assert not found.coverage.complete
