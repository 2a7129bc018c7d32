from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secureload.errors import MalformedError
from secureload.formats.literal import Literal
from secureload.formats.numpy_descr import descr_layout

NUMBERS = ["?", "i1", "<i2", ">i4", "<i8", "u1", ">u8", "f2", "f4", ">f8", "g", "F", "D"]
PLAIN = st.sampled_from([*NUMBERS, "S3", "U4", "V7", "O", "M8[ns]", "m8[25s]", "M8", "<M8[D]"])
NAMES = st.text("abcdef", min_size=1, max_size=4)
DTYPES = st.recursive(
    PLAIN,
    lambda inner: (
        st.tuples(inner, st.lists(st.integers(1, 3), min_size=1, max_size=2).map(tuple))
        | st.dictionaries(NAMES, inner, min_size=1, max_size=4).map(lambda fields: list(fields.items()))
    ),
    max_leaves=6,
)


# No array has a repeated type by itself: it becomes further dimensions.
@given(DTYPES.filter(lambda spec: not isinstance(spec, tuple)), st.booleans())
@settings(deadline=None)
def test_every_type_has_the_size_that_numpy_gives_it_and_its_objects_are_seen(
    spec: object, aligned: bool
) -> None:
    dtype = np.dtype(spec, align=aligned and isinstance(spec, list))  # type: ignore[call-overload]  # built above
    descr = np.lib.format.dtype_to_descr(dtype)
    assert descr_layout(descr) == (dtype.itemsize, dtype.hasobject)


@pytest.mark.parametrize(
    "descr",
    [
        "object",
        "f8,O",
        "(2,)O",
        "O16",
        "float64",
        "<f3",
        "c2",
        "S",
        "S99999999999",
        "f8[ns]",
        "M8[xs]",
        "f٨",
        7,
        None,
        {"names": ("a",), "formats": ("O",)},
        ["f8"],
        [("a",)],
        [("a", "f8", -1)],
        [("a", "f8", (True,))],
        [("a", "f8", "O")],
        [(("t", "a", "b"), "f8")],
        [(3, "f8")],
        ("f8", (1,) * 65),
        ("f8", (1 << 62, 1 << 62)),
        [("a", "V9999999999", (1 << 40,)), ("b", "O")],
    ],
    ids=repr,
)
def test_what_numpy_does_not_write_is_refused(descr: Literal) -> None:
    with pytest.raises(MalformedError):
        descr_layout(descr)


def test_a_field_with_a_title_and_the_names_of_old_object_types_are_read() -> None:
    assert descr_layout([(("title", "a"), "<f8", (2, 3)), ("", "|V4")]) == (52, False)
    assert descr_layout("|O4") == (8, True)
    assert descr_layout("|S0") == (0, False)


_LITERALS = st.recursive(
    st.none() | st.text("fOiSUV89<>|[]ns,()", max_size=6) | st.integers(-2, 1 << 70),
    lambda inner: st.lists(inner, max_size=4) | st.lists(inner, max_size=4).map(tuple),
)


@given(_LITERALS)
@settings(deadline=None)
def test_any_literal_has_a_layout_or_is_malformed(descr: Literal) -> None:
    try:
        size, objects = descr_layout(descr)
    except MalformedError:
        return
    assert 0 <= size < 1 << 63
    assert isinstance(objects, bool)
