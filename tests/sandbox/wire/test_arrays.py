"""Every array arrives as it was: dtype, shape, layout in memory, and each bit."""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from secureload.limits import DEFAULT_LIMITS, Limits
from secureload.sandbox.wire.errors import Unencodable, WireValueError
from secureload.sandbox.wire.values import Decoder, Encoder

from .crossing import assert_same, crossed

UNITS = ["Y", "M", "W", "D", "h", "m", "s", "ms", "us", "ns", "ps", "fs", "as", "25s"]
CUBE = np.arange(24.0).reshape(2, 3, 4)
LAID_OUT = {
    "backwards": np.arange(10.0)[::-2],
    "backwards both ways": CUBE[0, ::-1, ::-1],
    "every third row": np.arange(90.0).reshape(30, 3)[::3],
    "some columns": np.arange(90.0).reshape(30, 3)[:, :2],
    "repeated rows": np.broadcast_to(np.arange(3.0), (4, 3)),
    "one value": np.broadcast_to(np.float64(7), (4, 3)),
    "windows": np.lib.stride_tricks.sliding_window_view(np.arange(9.0), 4),
    "axes in another order": CUBE.transpose(1, 0, 2),
    "Fortran": np.asfortranarray(CUBE),
    "a field of records": np.zeros(5, [("a", "i1"), ("b", "f8")])["b"],
    "strings backwards": np.array(["a", "bcd", "ef"])[::-1],
    "strings in Fortran order": np.asfortranarray(np.array([["a", "b"], ["c", "d"]])),
    "nothing": np.empty((0, 4)),
    "nothing, Fortran": np.empty((4, 0), order="F"),
    "no dimensions": np.array(1.5),
}


@pytest.mark.parametrize("array", LAID_OUT.values(), ids=LAID_OUT)
def test_an_array_lies_on_the_other_side_as_it_lay_here(array: Any) -> None:
    assert_same(crossed(array), array)


def test_a_slice_that_leaves_nearly_everything_out_arrives_without_its_gaps() -> None:
    sparse = np.zeros(1 << 20)[:: 1 << 10]
    found = crossed(sparse)
    assert found.tobytes() == sparse.tobytes()
    assert found.flags.c_contiguous


@pytest.mark.parametrize("kind", ["M8", "m8"])
@pytest.mark.parametrize("unit", UNITS)
def test_times_of_every_unit_cross(kind: str, unit: str) -> None:
    for order in "<>":
        array = np.array([1, "NaT"], f"{order}{kind}[{unit}]")
        assert_same(crossed(array), array)


@pytest.mark.parametrize("code", "?bBhHiIlLqQefdgFDG")
def test_numbers_of_every_size_and_byte_order_cross(code: str) -> None:
    for order in "<>":
        array = np.array([0, 1, 2]).astype(code).astype(np.dtype(code).newbyteorder(order))
        assert_same(crossed(array), array)
        if code not in "qQ":  # a second class for numbers of the same dtype
            assert_same(crossed(array[1]), array[1])


@pytest.mark.parametrize(
    "array",
    [np.array(["é\U0001f600", "", "a\x00b"]), np.array(["ab"], ">U3"), np.array("x"), np.array(["\ud800x"]),
     np.array([b"ab", b"c\x00d"]), np.zeros(2, "V7"), np.array([np.nan, -np.nan, -0.0, np.inf])],
    ids=lambda array: f"{array.dtype}",
)  # fmt: skip
def test_strings_bytes_and_odd_numbers_cross_bit_for_bit(array: Any) -> None:
    assert_same(crossed(array), array)


PLAIN = st.one_of(
    hnp.boolean_dtypes(), hnp.integer_dtypes(endianness="?"), hnp.unsigned_integer_dtypes(endianness="?"),
    hnp.floating_dtypes(endianness="?", sizes=(16, 32, 64)), hnp.complex_number_dtypes(endianness="?", sizes=(64, 128)),
    hnp.datetime64_dtypes(endianness="?"), hnp.timedelta64_dtypes(endianness="?"),
    hnp.byte_string_dtypes(min_len=1), hnp.unicode_string_dtypes(min_len=1, endianness="?"),
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_any_array_seen_through_any_slice_arrives_the_same(data: Any) -> None:
    shape = data.draw(hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5))
    array = data.draw(hnp.arrays(data.draw(PLAIN), shape))
    if array.ndim:
        array = array.transpose(data.draw(st.permutations(range(array.ndim))))
        array = array[data.draw(hnp.basic_indices(array.shape, allow_newaxis=True, allow_ellipsis=True))]
    array = np.asarray(array)
    found = crossed(array)
    assert (found.dtype, found.shape, found.tobytes()) == (array.dtype, array.shape, array.tobytes())
    assert (found.flags.c_contiguous, found.flags.f_contiguous) == (
        array.flags.c_contiguous,
        array.flags.f_contiguous,
    )


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.integers(-2, 1 << 34), max_size=3),
    st.lists(st.integers(-64, 64) | st.integers(), max_size=3),
    st.integers(-8, 256) | st.integers(),
    st.integers(-8, 256) | st.integers(),
)
def test_forged_strides_never_reach_outside_of_their_memory(
    shape: list[int], strides: list[int], offset: int, span: int
) -> None:
    limits = Limits(message_payload_bytes=1 << 16)
    with contextlib.suppress(WireValueError):
        decoder = Decoder((bytes(64),), limits)
        found = decoder.decode(["v", "<f8", shape, strides, offset, span, 0])
        assert not found.any()


def test_an_array_of_another_library_s_class_is_refused_by_its_name() -> None:
    class Quantity(np.ndarray):
        pass

    with pytest.raises(Unencodable, match="Quantity"):
        Encoder(DEFAULT_LIMITS).encode(np.zeros(2).view(Quantity))
