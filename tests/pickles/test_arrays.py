"""joblib's arrays are stepped over exactly, and a wrapper that says something impossible is a problem."""

from __future__ import annotations

import io
import pickle
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secureload.limits import Limits
from secureload.pickles.arrays import ArrayBytes, ArrayLayoutError, array_bytes, dtype_layout
from secureload.pickles.assembler import Assembler

from .tracing import OS_SYSTEM, refs, trace

SYSTEM = Assembler(4).global_("os", "system").mark().text("echo").tuple_().reduce().stop()
STRUCTURED = np.zeros(3, dtype=[("a", "<i4"), ("b", "<f8"), ("c", "S7")])

ARRAYS: dict[str, Any] = {
    "float64": np.arange(50.0),
    "float32": np.arange(50, dtype=np.float32),
    "int8": np.arange(7, dtype=np.int8),
    "bool": np.ones(9, dtype=bool),
    "complex": np.ones((2, 2), dtype=complex),
    "half": np.ones(5, dtype=np.float16),
    "long-double": np.ones(3, dtype=np.longdouble),
    "fortran": np.asfortranarray(np.arange(12.0).reshape(3, 4)),
    "strided": np.arange(100.0).reshape(10, 10)[::2, ::3],
    "no-dimension": np.array(3.5),
    "empty": np.empty((0, 5)),
    "five-dimensions": np.zeros((2, 1, 3, 1, 2)),
    "big-endian": np.arange(9, dtype=">f8"),
    "datetime": np.array(["2024-01-15", "2024-02-01"], dtype="M8[D]"),
    "timedelta": np.arange(4).astype("m8[ns]"),
    "bytes": np.array([b"abc", b"d"]),
    "text": np.array(["alpha", "ü", ""]),
    "void": np.zeros(3, dtype="V5"),
    "structured": STRUCTURED,
    "nested-structured": np.zeros(2, dtype=[("x", "<i2", (2, 3)), ("y", [("z", "<f4")])]),
    "structured-with-objects": np.array([(1, "x")], dtype=[("a", "<i4"), ("o", "O")]),
    "objects": np.array([1, "two", None], dtype=object),
    "objects-holding-arrays": np.array([{"inner": 1}, [2]], dtype=object),
    "record-array": STRUCTURED.view(np.recarray),
}


def dumped(value: object, protocol: int | None = None) -> bytes:
    buffer = io.BytesIO()
    joblib.dump(value, buffer, protocol=protocol)
    return buffer.getvalue()


@pytest.mark.parametrize("protocol", [2, 4, 5])
@pytest.mark.parametrize("name", ARRAYS)
def test_the_bytes_of_an_array_are_stepped_over_to_the_last_one(name: str, protocol: int) -> None:
    """Whatever follows the array is read from exactly the right place: two of them, then a word."""
    data = dumped([ARRAYS[name], "between", ARRAYS[name], "after"], protocol)
    found = trace(data)
    assert found.problems == ()
    assert found.bytes_examined == found.bytes_total == len(data)
    # joblib leaves subclasses of ndarray to pickle.
    assert found.reading == ("pickle" if name == "record-array" else "joblib")
    assert found.sections[-1].end == len(data)


def test_an_array_inside_an_object_array_is_traced_in_its_nested_pickle() -> None:
    inner = np.empty(2, dtype=object)
    inner[0], inner[1] = np.arange(3.0), np.arange(4.0)
    found = trace(dumped([inner, "after"]))
    assert found.problems == ()
    assert found.pickles == 2


def test_a_call_in_the_nested_pickle_of_an_object_array_is_reported() -> None:
    class Evil:
        def __reduce__(self) -> Any:
            return (eval, ("1",))

    found = trace(dumped(np.array([Evil()], dtype=object)))
    assert "builtins:eval" in refs(found)


def test_a_payload_behind_the_bytes_of_an_array_is_reported() -> None:
    class Evil:
        def __reduce__(self) -> Any:
            return (eval, ("1",))

    assert "builtins:eval" in refs(trace(dumped([np.arange(1_000.0), Evil()])))


def test_array_bytes_that_look_like_a_payload_are_not_taken_for_one_by_this_reading() -> None:
    hidden = np.frombuffer(SYSTEM.ljust(64, b"."), dtype=np.uint8)
    found = trace(dumped(hidden))
    assert "os:system" not in refs(found)
    # Which reader the trace holds for is part of it: pickle.load would read those bytes as opcodes.
    assert found.reading == "joblib"


def test_an_array_file_of_many_megabytes_is_examined_by_stepping_over_it(tmp_path: Path) -> None:
    data = dumped(np.zeros(1 << 20))
    found = trace(data)
    assert found.bytes_examined == len(data)
    assert sum(section.end - section.start for section in found.sections if section.kind == "array") > 8 << 20


def wrapper(state: dict[str, Any], dtype: str = "f8") -> Assembler:
    """A forged NumpyArrayWrapper with this state; "dtype" is filled in where it says so."""
    code = Assembler(4).global_("joblib.numpy_pickle", "NumpyArrayWrapper").mark().tuple_().newobj().mark()
    for key, value in state.items():
        code.text(key)
        if key == "dtype":
            code.global_("numpy", "dtype").mark().text(dtype).tuple_().reduce()
        elif isinstance(value, tuple):
            code.mark()
            for extent in value:
                code.text(extent) if isinstance(extent, str) else code.integer(extent)
            code.tuple_()
        elif isinstance(value, int):
            code.integer(value)
        else:
            code.text(str(value))
    return code.dict_().build()


@pytest.mark.parametrize(
    ("state", "dtype"),
    [
        ({"dtype": 1, "shape": (-1,)}, "f8"),
        ({"dtype": 1, "shape": ("8",)}, "f8"),
        ({"dtype": 1, "shape": "8"}, "f8"),
        ({"dtype": 1, "shape": (1,) * 65}, "f8"),
        ({"dtype": 1}, "f8"),
        ({"shape": (1,)}, "f8"),
        ({"dtype": 1, "shape": (1 << 60, 1 << 60)}, "f8"),
        ({"dtype": 1, "shape": (1_000,)}, "f8"),
        ({"dtype": 1, "shape": (1,)}, "f"),
        ({"dtype": 1, "shape": (1,)}, "q8"),
        ({"dtype": 1, "shape": (1,)}, "f٣"),
        ({"dtype": 1, "shape": (1,)}, "f9999999999999"),
        ({"dtype": 1, "shape": (1,), "numpy_array_alignment_bytes": 0}, "f8"),
        ({"dtype": 1, "shape": (1,), "numpy_array_alignment_bytes": 300}, "f8"),
    ],
)
def test_a_forged_array_wrapper_is_a_problem_and_never_a_guess(state: dict[str, Any], dtype: str) -> None:
    found = trace(wrapper(state, dtype).raw(b"\0" * 64).stop())
    assert [problem.kind for problem in found.problems] == ["malformed"]


def test_a_wrapper_whose_state_is_no_dictionary_is_a_problem() -> None:
    code = Assembler(4).global_("joblib.numpy_pickle", "NumpyArrayWrapper").mark().tuple_().newobj()
    assert trace(code.text("state").build().stop()).problems[0].kind == "malformed"


def test_the_forged_wrapper_of_the_tests_is_read_where_it_says_the_truth() -> None:
    code = wrapper({"dtype": 1, "shape": (2, 3)}).raw(b"\xff" * 48).pop().raw(SYSTEM[2:-1])
    found = trace(code.stop())
    assert found.problems == ()
    assert OS_SYSTEM in [item.ref for item in found.imports]


def test_object_arrays_nested_beyond_the_limit_end_in_the_limit() -> None:
    layer = wrapper({"dtype": 1, "shape": (1,)}, "O").stop()[:-1]
    found = trace(layer * 40 + pickle.NONE + b"." * 41)
    assert [problem.kind for problem in found.problems] == ["limit"]
    assert found.problems[0].message.startswith("nesting_depth")


def old_wrapper(name: str, state: dict[str, Any], module: str = "joblib.numpy_pickle_compat") -> bytes:
    """A wrapper of joblib before 0.10, then a call: what comes behind it is traced as well."""
    code = Assembler(2).global_(module, name).mark().tuple_().newobj().mark()
    for key, value in state.items():
        code.text(key)
        if isinstance(value, str):
            code.text(value)
        elif isinstance(value, bytes):
            code.raw(value)
        else:
            code.integer(value)
    return code.dict_().build().pop().raw(SYSTEM[2:-1]).stop()


# (numpy.ndarray, (0,), b"b") and (1, (3,), dtype("f8"), False), as joblib 0.9 writes them.
INIT_ARGS = b"cnumpy\nndarray\nK\x00\x85C\x01b\x87"
FILLED = b"(K\x01K\x03\x85cnumpy\ndtype\nX\x02\x00\x00\x00f8\x89\x88\x87R\x89t"


@pytest.mark.parametrize(
    "module", ["joblib.numpy_pickle", "joblib.numpy_pickle_compat", "sklearn.externals.joblib.numpy_pickle"]
)
def test_arrays_in_files_beside_the_pickle_are_named_and_the_rest_is_traced(module: str) -> None:
    found = trace(old_wrapper("NDArrayWrapper", {"filename": "m.pkl_01.npy"}, module))
    assert [(file.name, file.kind, file.examined) for file in found.side_files] == [
        ("m.pkl_01.npy", "npy", False)
    ]
    assert (found.problems, found.reading) == ((), "joblib")
    assert OS_SYSTEM in [item.ref for item in found.imports]


def test_a_compressed_array_beside_the_pickle_is_made_as_joblib_makes_it_or_a_problem() -> None:
    state = {"filename": "m.pkl_01.npy.z", "init_args": INIT_ARGS, "state": FILLED}
    found = trace(old_wrapper("ZNDArrayWrapper", state))
    assert [(file.name, file.kind) for file in found.side_files] == [("m.pkl_01.npy.z", "zfile")]
    assert found.problems == ()
    for key, value in (("init_args", 1), ("state", b"cos\ngetpid\n)R"), ("state", b"(K\x01K\x03\x85NNt")):
        found = trace(old_wrapper("ZNDArrayWrapper", state | {key: value}))
        assert [problem.kind for problem in found.problems] == ["unsupported"]
        assert len(found.side_files) == 1


@pytest.mark.parametrize("state", [{}, {"filename": 1}, {"filename": b"cos\ngetpid\n)R"}])
def test_an_old_wrapper_that_names_no_file_is_malformed(state: dict[str, Any]) -> None:
    found = trace(old_wrapper("NDArrayWrapper", state))
    assert [problem.kind for problem in found.problems] == ["malformed"]
    assert found.side_files == ()


def test_one_file_named_often_is_one_and_very_many_files_end_in_a_limit() -> None:
    one = old_wrapper("NDArrayWrapper", {"filename": "a.npy"})[:-1]
    assert len(trace(one * 3 + b".").side_files) == 1
    other = old_wrapper("NDArrayWrapper", {"filename": "b.npy"})[:-1]
    found = trace(one + other + b".", Limits(trace_side_files=1))
    assert found.problems[0].message.startswith("trace_side_files")


_STATES = st.one_of(
    st.none(),
    st.lists(st.one_of(st.integers(-4, 1 << 65), st.none(), st.text(max_size=3)), max_size=10).map(tuple),
)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.one_of(st.text(max_size=6), st.integers(), st.none()), max_size=3).map(tuple),
    _STATES,
)
def test_any_dtype_has_a_size_or_is_refused(args: tuple[object, ...], state: object) -> None:
    try:
        size, holds_objects = dtype_layout(args, state)
    except ArrayLayoutError:
        return
    assert size >= 0
    assert isinstance(holds_objects, bool)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from("?bBhHiIlLqQefdgFDGSUV"), st.integers(1, 9))
def test_the_size_of_every_real_dtype_is_the_one_that_numpy_says(char: str, length: int) -> None:
    dtype = np.dtype(f"{char}{length}" if char in "SUV" else char)
    _, args, state = dtype.__reduce__()
    assert dtype_layout(args, state)[0] == dtype.itemsize


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from(["shape", "numpy_array_alignment_bytes", "x"]), _STATES))
def test_any_wrapper_state_has_a_layout_or_is_refused(state: dict[str, object]) -> None:
    try:
        layout = array_bytes(state, 8, False)
    except ArrayLayoutError:
        return
    assert isinstance(layout, ArrayBytes)
    assert layout.size >= 0
