"""The unpickler resolves what was admitted and nothing else; only data of this test's own is loaded here."""

from __future__ import annotations

import collections
import io
import pickle
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest

from secureload.pickles.assembler import Assembler
from secureload.pickles.source import MappedSource
from secureload.sandbox.roles.loader import AdmittedGlobals, ArrayWrapper, NotAdmittedError, load_payload
from secureload.sandbox.roles.pinned import LoadedSource

ARRAYS = [
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    ("joblib.numpy_pickle", "NumpyArrayWrapper"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy._core.numeric", "_frombuffer"),
    ("numpy.core.numeric", "_frombuffer"),
]


def load(data: bytes, reading: str, admitted: list[tuple[str, str]], folder: Path) -> Any:
    path = folder / "payload"
    path.write_bytes(data)
    with path.open("rb") as file:
        source = MappedSource(file.fileno(), len(data))
        try:
            return load_payload(source, reading, AdmittedGlobals(admitted))
        finally:
            source.close()


@pytest.mark.parametrize("reading", ["pickle", "joblib"])
@pytest.mark.parametrize("protocol", range(6))
def test_a_global_that_was_not_admitted_is_not_resolved(reading: str, protocol: int, tmp_path: Path) -> None:
    data = pickle.dumps(collections.OrderedDict(a=1), protocol)
    with pytest.raises(NotAdmittedError, match="collections:OrderedDict"):
        load(data, reading, [("collections", "Counter")], tmp_path)
    assert load(data, reading, [("collections", "OrderedDict")], tmp_path) == {"a": 1}


def test_the_python_2_name_of_an_admitted_global_is_that_global_in_old_protocols_only(tmp_path: Path) -> None:
    old = Assembler(2).global_("__builtin__", "xrange").stop()
    assert load(old, "pickle", [("builtins", "range")], tmp_path) is range
    new = Assembler(4).global_("__builtin__", "xrange").stop()
    with pytest.raises(NotAdmittedError):
        load(new, "pickle", [("builtins", "range")], tmp_path)


def test_a_dotted_name_is_not_walked_because_its_parts_were_admitted(tmp_path: Path) -> None:
    data = Assembler(4).stack_global("collections", "OrderedDict.fromkeys").stop()
    with pytest.raises(NotAdmittedError):
        load(data, "pickle", [("collections", "OrderedDict"), ("collections", "fromkeys")], tmp_path)


@pytest.mark.parametrize(
    "array",
    [
        np.arange(12.0).reshape(3, 4),
        np.asfortranarray(np.arange(12).reshape(3, 4)),
        np.arange(6, dtype=">i4"),
        np.zeros((0, 3)),
        np.array(7),
        np.array(["a", None, 1.5], dtype=object),
        np.array(["x", "yy"]),
        np.array(["2024-01-15"], dtype="M8[D]"),
        np.zeros(2, dtype=[("a", "i4"), ("b", "f8")]),
    ],
    ids=["c", "fortran", "big-endian", "empty", "scalar", "object", "text", "dates", "structured"],
)
def test_the_arrays_of_a_joblib_file_are_those_that_joblib_wrote(array: Any, tmp_path: Path) -> None:
    buffer = io.BytesIO()
    joblib.dump({"array": array, "behind": 1}, buffer)
    loaded = load(buffer.getvalue(), "joblib", ARRAYS, tmp_path)
    assert loaded["behind"] == 1
    assert np.array_equal(loaded["array"], array)
    assert (loaded["array"].shape, loaded["array"].flags.f_contiguous) == (
        array.shape,
        array.flags.f_contiguous,
    )
    assert loaded["array"].dtype.isnative


def test_an_array_that_is_cut_off_is_an_error_and_not_a_shorter_array(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    joblib.dump(np.arange(1000.0), buffer)
    with pytest.raises(EOFError):
        load(buffer.getvalue()[:-500], "joblib", ARRAYS, tmp_path)


def test_joblibs_own_wrapper_is_never_used() -> None:
    admitted = AdmittedGlobals([("joblib.numpy_pickle", "NumpyArrayWrapper")])
    assert admitted.resolve("joblib.numpy_pickle", "NumpyArrayWrapper", 4) is ArrayWrapper


def test_a_large_array_is_used_where_it_lies_and_may_be_written_to_without_changing_the_file(
    tmp_path: Path,
) -> None:
    whole = np.arange(50_000.0)
    path = tmp_path / "arrays.joblib"
    joblib.dump(
        {"large": whole, "small": whole[:10], "turned": np.asfortranarray(whole.reshape(500, 100))}, path
    )
    before = path.read_bytes()
    with path.open("rb") as file:
        found = load_payload(LoadedSource(file.fileno(), len(before)), "joblib", AdmittedGlobals(ARRAYS))
    assert np.array_equal(found["large"], whole)
    assert np.array_equal(found["turned"], whole.reshape(500, 100))
    assert found["turned"].flags.f_contiguous
    assert found["large"].flags.writeable
    found["large"][0] = found["small"][0] = -1.0
    assert path.read_bytes() == before
    assert not found["large"].flags.owndata
    assert found["small"].base is not found["large"].base


def test_an_array_that_is_cut_off_is_an_error_where_it_lies_too(tmp_path: Path) -> None:
    path = tmp_path / "cut.joblib"
    joblib.dump(np.arange(50_000.0), path)
    path.write_bytes(path.read_bytes()[:200_000])
    with path.open("rb") as file, pytest.raises(EOFError):
        load_payload(LoadedSource(file.fileno(), 200_000), "joblib", AdmittedGlobals(ARRAYS))


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("collections", "OrderedDict.__init__.__globals__"),
        ("collections", "OrderedDict.fromkeys.__func__"),
        ("collections", "_sys.modules"),
        ("collections.OrderedDict", "fromkeys"),
        ("collections", ""),
        ("", "OrderedDict"),
        ("collections", "ordereddict"),
        ("collections ", "OrderedDict"),
        ("collections", "OrderedDict "),
        ("collections", "OrderedDict."),
        ("collections", ".OrderedDict"),
        ("_collections", "OrderedDict"),
        ("builtins", "getattr"),
        ("os", "system"),
    ],
)
@pytest.mark.parametrize("reading", ["pickle", "joblib"])
def test_no_walk_and_no_other_spelling_reaches_beyond_the_exact_pair(
    module: str, name: str, reading: str, tmp_path: Path
) -> None:
    admitted = [("collections", "OrderedDict"), ("collections", "OrderedDict.fromkeys")]
    with pytest.raises(NotAdmittedError, match="was not admitted"):
        load(Assembler(4).stack_global(module, name).stop(), reading, admitted, tmp_path)


def test_an_admitted_method_is_that_method_alone(tmp_path: Path) -> None:
    data = Assembler(4).stack_global("collections", "OrderedDict.fromkeys").stop()
    found = load(data, "pickle", [("collections", "OrderedDict.fromkeys")], tmp_path)
    assert found == collections.OrderedDict.fromkeys
    with pytest.raises(NotAdmittedError):
        load(data, "pickle", [("collections", "OrderedDict")], tmp_path)
