"""Records, masks, strings of any length and numpy's subclasses arrive as they were, dtypes too."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra import numpy as hnp

from secureload.limits import DEFAULT_LIMITS, Limits
from secureload.sandbox.wire.errors import Unencodable, WireValueError
from secureload.sandbox.wire.values import Decoder, Encoder

from .crossing import assert_same, crossed

NESTED = np.dtype(
    [("a", "i4"), ("b", [("c", ">f4", (2,)), ("d", "S3")]), ("t", "M8[s]"), ("u", "U2"), ("q", "?")]
)
RECORDS = {
    "plain": np.array([(1, 2.5, "ab")], [("a", "<i4"), ("b", "<f8"), ("c", "U3")]),
    "nested": np.zeros((2, 3), NESTED),
    "aligned": np.ones(2, np.dtype([("a", "i1"), ("b", "f8")], align=True)),
    "titled": np.zeros(1, [(("a title", "a"), "i4")]),
    "with objects": np.array([(1, "x"), (2, None)], [("a", "i4"), ("o", "O")]),
    "with gaps": np.ones(2, np.dtype({"names": ["a"], "formats": ["i4"], "offsets": [4], "itemsize": 12})),
    "without fields": np.zeros(2, []),
    "no dimensions": np.zeros((), NESTED),
    "recarray": np.rec.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")]),
    "matrix": np.matrix([[1, 2], [3, 4]]),
}


@pytest.mark.parametrize("array", RECORDS.values(), ids=RECORDS)
def test_a_record_arrives_with_all_its_fields(array: Any) -> None:
    assert_same(crossed(array), array)
    assert crossed(array.dtype) == array.dtype
    assert crossed(array.dtype).isalignedstruct == array.dtype.isalignedstruct


def test_a_record_alone_is_a_record() -> None:
    for value in (RECORDS["plain"][0], RECORDS["recarray"][0], np.void(b"abc")):
        found = crossed(value)
        assert type(found) is type(value)
        assert found == value


@settings(max_examples=80, deadline=None)
@given(
    hnp.arrays(hnp.array_dtypes(allow_subarrays=True, max_size=3), hnp.array_shapes(max_dims=2, max_side=3))
)
def test_any_structure_arrives(array: Any) -> None:
    try:
        found = crossed(array)
    except Unencodable:  # a field of no size
        return
    assert found.dtype == array.dtype
    assert found.shape == array.shape
    for name in array.dtype.names:
        assert found[name].tobytes() == array[name].tobytes()


MASKED = {
    "numbers": np.ma.MaskedArray([1.5, 2.5], mask=[False, True]),
    "without a mask": np.ma.MaskedArray([1.5, 2.5]),
    "hard": np.ma.MaskedArray([1], mask=[True], hard_mask=True),
    "filled": np.ma.MaskedArray(np.arange(6).reshape(2, 3), fill_value=-1),
    "texts": np.ma.MaskedArray(["a", "b"], mask=[True, False]),
    "times": np.ma.MaskedArray(np.array([1, 2], "M8[s]"), mask=[True, False]),
    "objects": np.ma.MaskedArray(["rbf", 1], mask=[True, False], dtype=object),
    "records": np.ma.MaskedArray(np.zeros(2, [("a", "i4"), ("b", "f4")]), mask=[(1, 0), (0, 0)]),
    "Fortran": np.ma.MaskedArray(np.asfortranarray(np.ones((2, 3))), mask=np.eye(2, 3, dtype=bool)),
    "no dimensions": np.ma.MaskedArray(1.5),
}


@pytest.mark.parametrize("value", MASKED.values(), ids=MASKED)
def test_a_mask_and_what_fills_it_arrive(value: Any) -> None:
    assert_same(crossed(value), value)


def test_what_is_masked_is_the_one_value_for_it_and_a_masked_record_stays_one() -> None:
    assert crossed(np.ma.masked) is np.ma.masked
    record = MASKED["records"][0]
    found = crossed(record)
    assert type(found) is type(record)
    assert repr(found) == repr(record)


@pytest.mark.skipif(not hasattr(np.dtypes, "StringDType"), reason="numpy 2 brought strings of any length")
def test_strings_of_any_length_arrive_with_what_is_missing() -> None:
    kind = np.dtypes.StringDType
    for array in (
        np.array(["a", "b" * 1_000], kind()),
        np.array([["a", ""], ["c", "d"]], kind()),
        np.array(["a", np.nan], kind(na_object=np.nan)),
        np.array(["a", None], kind(na_object=None)),
        np.array(["a"], kind(coerce=False)),
        np.array("x", kind()),
    ):
        assert_same(crossed(array), array)
        assert crossed(array.dtype) == array.dtype


@pytest.mark.parametrize(
    "tree",
    [
        ["S", ["fields", False, 8, False, [["a", "<i4", [], 0, None]]], [1 << 40],
         [["a", "<i4", [1], False, 0]], False],
        ["S", ["fields", False, 4, False, [["a", "<i4", [], 8, None]]], [1], [["a", "<i4", [1], False, 0]], False],
        ["S", ["fields", False, 4, False, [["a", "|O", [], 0, None]]], [1], [1], False],
        ["S", ["fields", False, 4, False, [["a", "<i4", [], 0, None]]], [1], [["a", "<f4", [1], False, 0]], False],
        ["S", ["fields", False, 4, False, [["a", "<i4", [], 0, None]]], [2], [["a", "<i4", [1], False, 0]], False],
        ["S", ["fields", False, 1 << 40, False, []], [1], [], False],
        ["S", "<i4", [1], [], False],
        ["dt", ["fields", False, 4, False, [["a", "|O8", [], 0, None]]]],
        ["dt", ["texts", 5, []]],
        ["dt", "no dtype"],
        ["sub", "ndarray", ["a", "<i4", [1], False, 0]],
        ["sub", "recarray", 5],
        ["T", ["texts", True, []], [2], ["a"], False],
        ["T", ["texts", True, []], [1], [5], False],
        ["T", ["texts", True, []], [1], [None], False],
    ],
    ids=repr,
)  # fmt: skip
def test_a_forged_structure_is_a_wire_error(tree: Any) -> None:
    with pytest.raises(WireValueError):
        Decoder((bytes(4),), DEFAULT_LIMITS).decode(tree)


def test_a_small_message_never_becomes_a_large_record() -> None:
    array = np.zeros(1000, np.dtype({"names": ["a"], "formats": ["i1"], "offsets": [0], "itemsize": 10_000}))
    encoder = Encoder(DEFAULT_LIMITS)
    tree = encoder.encode(array)
    with pytest.raises(WireValueError):
        Decoder([bytes(s) for s in encoder.segments], Limits(message_payload_bytes=1 << 20)).decode(tree)
