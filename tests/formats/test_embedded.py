from __future__ import annotations

import fractions
import pickle
import random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secureload.errors import LimitError
from secureload.formats.embedded import PickleSearch
from secureload.formats.region import Region
from secureload.limits import DEFAULT_LIMITS, Limits


class Reduced:
    """Restored by a call."""

    def __reduce__(self) -> Any:
        return (fractions.Fraction, (1, 3))


def starts(data: bytes, limits: Limits = DEFAULT_LIMITS) -> list[int]:
    """Every start of every place, in the order in which they are found."""
    search = PickleSearch(Region(data), limits)
    found: list[int] = []
    while places := search.after(found[-1] + 1 if found else 0):
        found += [place for place in places if place not in found]
    return found


def noise(length: int, seed: int = 1) -> bytes:
    return random.Random(seed).randbytes(length)


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("before", [0, 1, 999, (1 << 20) - 1, (1 << 20) + 7])
def test_a_pickle_behind_any_number_of_garbage_is_found_where_it_begins(protocol: int, before: int) -> None:
    data = noise(before) + pickle.dumps(Reduced(), protocol) + noise(500, 2)
    assert before in starts(data)


PAYLOADS = {
    "global": b"cos\nsystem\n(S'echo hello'\ntR.",
    "global and memo": b"cos\nsystem\np0\n(S'echo hello'\np1\ntp2\nRp3\n.",
    "global and one tuple": b"cos\nsystem\nX\x05\x00\x00\x00hello\x85R.",
    "global and empty tuple": b"cos\ngetpid\n)R.",
    "inst": b"(S'echo hello'\nios\nsystem\n.",
    "obj": b"(cos\nsystem\nS'echo hello'\no.",
    "stack global": b"\x8c\x02os\x8c\x06system\x93\x8c\x02hi\x85R.",
    "memoized stack global": b"\x8c\x02os\x94\x8c\x06system\x94\x93\x94\x8c\x02hi\x94\x85\x94R.",
    "long texts": b"X\x02\x00\x00\x00osq\x00X\x06\x00\x00\x00systemq\x01\x93q\x02)R.",
    "framed": b"\x80\x04\x95\x10\x00\x00\x00\x00\x00\x00\x00cos\nsystem\n)R.",
}


@pytest.mark.parametrize("name", PAYLOADS)
@pytest.mark.parametrize(
    "before", [b"\xff garbage ", b"\x00\x01", b"text that ends in letters like basic", b"\n\n"]
)
def test_a_payload_without_any_mark_is_found_where_its_global_begins(name: str, before: bytes) -> None:
    payload = PAYLOADS[name]
    assert len(before) in starts(before + payload + b"\xff\xff")


@pytest.mark.parametrize(
    "data",
    [
        noise(4 << 20),
        np.random.default_rng(1).normal(size=300_000).tobytes(),
        np.random.default_rng(1).normal(size=300_000).astype("f4").tobytes(),
        np.arange(300_000).tobytes(),
        np.random.default_rng(1).integers(0, 255, 600_000, "u1").tobytes(),
        b"The cosine of it\nis a name\n(see below)\nclassic\nsystem\n(and more)\n" * 50,
        b"import os\nos.system('x')\n",
        pickle.dumps({"plain": [1, 2.5, "text", None]}),
        b"",
    ],
    ids=["random", "doubles", "floats", "integers", "bytes", "prose", "source", "plain pickle", "nothing"],
)
def test_weights_prose_and_plain_data_are_no_pickle_that_does_something(data: bytes) -> None:
    assert starts(data) == []


def test_a_global_that_is_only_mentioned_is_not_one() -> None:
    assert starts(b"\xffcos\nsystem\n(") == []


@pytest.mark.parametrize(
    "data",
    [b"\n(" * 300_000, b"\x80\x04" * 300_000, (b"\x80\x04" * 450 + b"\xff") * 500],
    ids=["ends of names", "marks", "long runs that fail"],
)
def test_a_file_full_of_beginnings_ends_in_a_limit(data: bytes) -> None:
    with pytest.raises(LimitError) as raised:
        starts(data)
    assert raised.value.fields["limit"] == "embedded_steps"


def test_the_search_goes_on_where_it_is_told_to() -> None:
    search = PickleSearch(Region(PAYLOADS["global"] * 3))
    size = len(PAYLOADS["global"])
    assert search.after(0) == (0,)
    assert search.after(2 * size) == (2 * size,)
    assert search.after(3 * size) == ()


OPCODES = st.lists(
    st.sampled_from(
        [bytes([code]) for code in range(256)] + [b"cos\nsystem\n", b"\x80\x04", b"S'x'\n", b"\x8c\x01a"]
    ),
    max_size=40,
).map(b"".join)


@given(OPCODES)
@settings(deadline=None, max_examples=300)
def test_any_bytes_have_starts_inside_of_them(data: bytes) -> None:
    assert all(0 <= at < len(data) for at in starts(data))
