from __future__ import annotations

import contextlib
import datetime
import enum
import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st

from secureload.limits import DEFAULT_LIMITS
from secureload.sandbox.wire.errors import Unencodable, WireValueError
from secureload.sandbox.wire.values import _DECODERS, AttributeDict, Decoder, Encoder

from .crossing import crossed

PLAIN = [
    None, True, False, 0, -1, 1 << 63, -(1 << 500), 1.5, -0.0, math.inf, "", "Größe", "\ud800", b"\x00\xff",
    [], [1, [2, [3]]], (), (1, (2,)), {}, {"a": {"b": 1}}, {(1, "x"): None}, set(), {1, 2}, frozenset({"a"}),
    1j, complex(-0.0, math.inf), bytearray(b"abc"), slice(1, None, 2), range(2, 9, 3), datetime.date(2024, 1, 15),
    datetime.datetime(2024, 1, 15, 12, 30, 1, 5), datetime.datetime(2024, 1, 15, tzinfo=datetime.UTC),
    int, float, str, object, np.float64, np.int32, ...,
]  # fmt: skip


@pytest.mark.parametrize(
    "value", [value for value in PLAIN if value is not ...], ids=lambda value: repr(value)[:40]
)
def test_python_data_comes_back_equal_and_of_the_same_type(value: object) -> None:
    found = crossed(value)
    assert found == value
    assert type(found) is type(value)
    assert repr(found) == repr(value)


def test_nan_comes_back_as_nan() -> None:
    assert math.isnan(crossed(math.nan))


def test_a_list_that_looks_like_an_encoding_is_a_list() -> None:
    for value in (["a", "|u1", [1], False, 0], ["r", 0, "m", "q", []], ["d", []], ("t", [])):
        assert crossed(value) == value


def test_a_bunch_comes_back_with_its_keys_as_attributes() -> None:
    from sklearn.utils import Bunch

    found = crossed(Bunch(data=np.arange(3), name="x"))
    assert isinstance(found, AttributeDict)
    assert found.name == "x"
    assert found.data.tolist() == [0, 1, 2]
    with pytest.raises(AttributeError):
        _ = found.missing


ARRAYS = [
    *(np.array([0, 1, 2], dtype=code) for code in "?bBhHiIlLqQefdgFDG"),
    *(np.arange(3).astype(code) for code in (">i2", ">u4", ">f8", ">c16")),
    np.array(["alpha", "", "Größe"]),
    np.array([], dtype="U5"),
    np.array([["x"], ["y"]], dtype="U3"),
    np.array([b"abc", b"d"]),
    np.array(["2024-01-15", "NaT"], dtype="M8[D]"),
    np.array([1, 2], dtype="m8[25us]"),
    np.array(3.5),
    np.empty((0, 4)),
    np.zeros((2, 0, 3), order="F"),
    np.asfortranarray(np.arange(12.0).reshape(3, 4)),
    np.arange(100.0).reshape(10, 10)[::2, ::-3],
    np.broadcast_to(np.arange(3), (4, 3)),
    np.arange(24).reshape(2, 3, 4).transpose(1, 0, 2),
    np.array([1, "two", None, [3], {"a": 4}, np.arange(2)], dtype=object),
    np.array([], dtype=object),
    np.zeros(100_000),
]


@pytest.mark.parametrize("array", ARRAYS, ids=lambda array: f"{array.dtype.str}-{array.shape}")
def test_arrays_come_back_equal_with_dtype_shape_and_order(array: Any) -> None:
    found = crossed(array)
    assert found.dtype == array.dtype
    assert found.shape == array.shape
    assert found.flags.writeable == (
        not array.size or 0 not in array.strides
    )  # what is repeated cannot be written to
    if array.dtype != object:
        assert np.array_equal(found, array, equal_nan=array.dtype.kind in "fcMm")
        assert found.tobytes() == array.tobytes()
        assert found.flags.f_contiguous or not array.flags.f_contiguous
    else:
        assert repr(found.tolist()) == repr(array.tolist())


@pytest.mark.parametrize(
    "value",
    [np.float64(1.5), np.int8(-3), np.bool_(True), np.str_("abc"), np.bytes_(b"x"), np.datetime64("2024-01-15"),
     np.complex64(1j), np.timedelta64(3, "h")],
)  # fmt: skip
def test_numpy_scalars_stay_numpy_scalars(value: Any) -> None:
    found = crossed(value)
    assert type(found) is type(value)
    assert found == value


@pytest.mark.parametrize("kind", ["matrix", "array"])
@pytest.mark.parametrize("name", ["csr", "csc", "coo", "lil", "dok", "dia", "bsr"])
def test_sparse_containers_of_each_format_come_back(name: str, kind: str) -> None:
    dense = np.zeros((5, 7))
    dense[1, 2], dense[4, 6], dense[0, 0] = 3.5, -1.0, 2.0
    value = getattr(scipy.sparse, f"{name}_{kind}")(dense)
    found = crossed(value)
    assert type(found) is type(value)
    assert found.format == name
    assert np.array_equal(found.toarray(), dense)


FRAMES = [
    pd.DataFrame({"a": [1.5, None], "b": ["x", "y"], "c": [True, False]}),
    pd.DataFrame({"a": pd.Categorical(["u", None, "v"], ordered=True)}),
    pd.DataFrame({"a": pd.array([1, None], dtype="Int64"), "b": pd.array([True, None], dtype="boolean")}),
    pd.DataFrame({"a": pd.array(["x", None], dtype="string")}, index=["first", "second"]),
    pd.DataFrame({"a": pd.to_datetime(["2024-01-15", None]).tz_localize("Europe/Berlin")}),
    pd.DataFrame({"a": pd.to_datetime(["2024-01-15"]), "t": pd.to_timedelta(["1h"])}),
    pd.DataFrame(
        np.arange(6).reshape(2, 3), columns=pd.MultiIndex.from_tuples([("a", 1), ("a", 2), ("b", 1)])
    ),
    pd.DataFrame([[1, 2]], columns=["same", "same"]),
    pd.DataFrame({"a": []}),
    pd.DataFrame(index=[1, 2]),
]


@pytest.mark.parametrize("frame", FRAMES, ids=lambda frame: str(list(frame.dtypes))[:40])
def test_frames_come_back_with_names_dtypes_and_index(frame: Any) -> None:
    pd.testing.assert_frame_equal(crossed(frame), frame)


@pytest.mark.parametrize("order", ["C", "F"])
def test_a_frame_of_one_dtype_keeps_its_layout_because_sums_depend_on_it(order: Any) -> None:
    block = np.array(np.arange(12.0).reshape(4, 3), order=order)
    frame = pd.DataFrame(block, columns=["a", "b", "c"], copy=False)
    back = crossed(frame)
    assert back.columns.tolist() == ["a", "b", "c"]
    assert back.to_numpy().flags.c_contiguous == frame.to_numpy().flags.c_contiguous
    assert np.array_equal(back.to_numpy(), block)


def test_series_and_indexes_come_back() -> None:
    series = pd.Series([1, 2], index=["a", "b"], name="price")
    pd.testing.assert_series_equal(crossed(series), series)
    for index in (pd.Index(["a", "b"], name="n"), pd.RangeIndex(2, 9, 3, name="r"), pd.Index([1.5, 2.5])):
        pd.testing.assert_index_equal(crossed(index), index)
    assert crossed(pd.NA) is pd.NA
    assert crossed(pd.Timestamp("2024-01-15 12:00", tz="UTC")) == pd.Timestamp("2024-01-15 12:00", tz="UTC")


class Colour(enum.Enum):
    RED = 1


@pytest.mark.parametrize(
    "value",
    [object(), len, Colour.RED, Colour, lambda: None,
     iter([]), memoryview(b"ab"), type("Odd", (), {})],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_what_is_no_data_is_refused_and_goes_as_a_reference_where_there_may_be_one(value: object) -> None:
    with pytest.raises(Unencodable):
        Encoder(DEFAULT_LIMITS).encode([value])
    assert Encoder(DEFAULT_LIMITS, lambda found: ["r", 7]).encode([value]) == ["l", [["r", 7]]]


def test_a_value_that_holds_itself_is_refused() -> None:
    value: list[Any] = []
    value.append(value)
    with pytest.raises(Unencodable, match="too deep"):
        Encoder(DEFAULT_LIMITS).encode(value)


HOSTILE: list[Any] = [
    [], {}, {"a": 1}, [1], [None], ["?"], ["a"], ["a", "|O8", [1], False, 0], ["a", "<f8", [1], False, 9],
    ["a", "<f8", [2], False, 0], ["a", "<f8", [-1], False, 0], ["a", "<f8", [True], False, 0],
    ["a", "<f8", [1], 1, 0], ["a", "<f8", [1 << 47, 1 << 47], False, 0], ["a", "<V8", [1], False, 0],
    ["a", "|S9999999", [1], False, 0], ["a", "<M8[xx]", [1], False, 0], ["a", "<f8", [1] * 33, False, 0],
    ["o", [3], [1], False], ["o", [1], 1, False], ["o", [1], [1], 2], ["a", "<U9999999", [1], False, 0],
    ["a", "<U-1", [1], False, 0], ["a", "<U0", [1], False, 0], ["n", ["o", [], [1], False]],
    ["n", ["a", "<f8", [1], False, 0]],
    ["n", None], ["l"], ["l", 5], ["l", [], []], ["d", [1]], ["d", [[1]]], ["d", [[["l", []], 1]]], ["s", [["l", []]]],
    ["r", 0, "m", "q", []], ["I", "0x" + "f" * 70_000], ["I", 5], ["I", "zz"], ["ba", "text"], ["c", "a", 1],
    ["slice", 1, 2, 3, 4], ["range", 1, 2, 0], ["ts", "never", 0, None], ["da", 5], ["ba", 1 << 40],
    ["ty", "os", "system"], ["ty", "builtins", "eval"],
    ["ty", "numpy", "load"], ["ty", "numpy", "no such type"], ["dt", "O"], ["sp", "csr", True, [2], 1, 2, 3],
    ["sp", "xyz", True, [2, 2], 1, 2, 3], ["sp", "csr", False, [-1, 2], 1, 2, 3], ["df"], ["df", 1, 2, 3],
    ["bl", 1, 2, 3], ["bl", ["rx", 0, 2, 1, None], ["rx", 0, 2, 1, None], 5],
    ["se", 1], ["rx", 1, 2, 0, None], ["mx", [1], [1]], ["cat", 1, 2, 3], ["nul", "object", 1, 2],
    ["str", "object", []], ["dtz", 1, "xx", "UTC"], ["tsp", "never", "ns"],
]  # fmt: skip


@pytest.mark.parametrize("tree", HOSTILE, ids=lambda tree: repr(tree)[:50])
def test_a_forged_value_is_a_wire_error_and_nothing_else(tree: object) -> None:
    with pytest.raises(WireValueError):
        Decoder((bytes(8),), DEFAULT_LIMITS).decode(tree)


def test_indices_of_a_sparse_matrix_that_reach_outside_are_refused() -> None:
    encoder = Encoder(DEFAULT_LIMITS)
    tree = encoder.encode(scipy.sparse.csr_matrix(np.eye(3)))
    segments = [bytearray(bytes(segment)) for segment in encoder.segments]
    segments[1][0] = 77  # the column of the first entry
    with pytest.raises(WireValueError):
        Decoder(segments, DEFAULT_LIMITS).decode(tree)


def test_a_string_with_a_character_that_is_none_is_refused() -> None:
    for text, order in (("<U1", "little"), (">U1", "big")):
        with pytest.raises(WireValueError, match="character"):
            Decoder(((0x110000).to_bytes(4, order),), DEFAULT_LIMITS).decode(["a", text, [1], False, 0])


def test_a_bool_that_is_neither_true_nor_false_is_made_one() -> None:
    found = Decoder((b"\x07\x00",), DEFAULT_LIMITS).decode(["a", "|b1", [2], False, 0])
    assert found.view(np.uint8).tolist() == [1, 0]


TAGS = [*_DECODERS, "<f8", "numpy", "csr", "fields", "<U1"]
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(1 << 63), 1 << 63),
    st.floats(),
    st.text(max_size=5),
    st.binary(max_size=5),
    st.sampled_from(TAGS),
)
TREES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=6), max_leaves=25)


@settings(max_examples=300, deadline=None)
@given(TREES, st.lists(st.binary(max_size=16), max_size=3))
def test_any_tree_is_a_value_or_a_wire_error(tree: object, segments: list[bytes]) -> None:
    with contextlib.suppress(WireValueError):
        Decoder(segments, DEFAULT_LIMITS).decode(tree)


def _places(tree: Any) -> list[tuple[list[Any], int]]:
    found = []
    for index, part in enumerate(tree if isinstance(tree, list) else []):
        found.append((tree, index))
        found.extend(_places(part))
    return found


SAMPLES: list[Any] = [
    *FRAMES[:6], scipy.sparse.csr_matrix(np.eye(3)), np.array(["a", "bc"]), np.arange(3), {"a": [(1,), {2}]},
]  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(range(len(SAMPLES))), st.integers(0, 10_000), TREES)
def test_a_value_with_one_part_replaced_is_a_value_or_a_wire_error(
    sample: int, where: int, part: object
) -> None:
    encoder = Encoder(DEFAULT_LIMITS)
    tree = encoder.encode(SAMPLES[sample])
    places = _places(tree)
    parent, index = places[where % len(places)]
    parent[index] = part
    with contextlib.suppress(WireValueError):
        Decoder([bytes(segment) for segment in encoder.segments], DEFAULT_LIMITS).decode(tree)


@pytest.mark.parametrize(
    "array",
    [
        np.ma.MaskedArray([1.5, 2.5, 3.5], mask=[False, True, False]),
        np.ma.MaskedArray(["rbf", "linear"], mask=[True, False], dtype=object),
        np.ma.MaskedArray(np.arange(6).reshape(2, 3), fill_value=-1),
    ],
    ids=["numbers", "objects", "nothing masked"],
)
def test_masked_arrays_come_back_with_their_masks(array: Any) -> None:
    back = crossed(array)
    assert type(back) is np.ma.MaskedArray
    assert np.array_equal(back.data, array.data)
    assert np.array_equal(np.ma.getmaskarray(back), np.ma.getmaskarray(array))
    assert back.fill_value == array.fill_value


@pytest.mark.parametrize(
    "parts",
    [[1, 2, 3], [["l", []], ["l", []], 0], [["o", [1], [1], False], ["o", [1], [1], False], 0]],
    ids=repr,
)
def test_a_masked_array_of_what_is_no_array_is_refused(parts: list[Any]) -> None:
    with pytest.raises(WireValueError):
        Decoder((), DEFAULT_LIMITS).decode(["ma", *parts, False, False])
