from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secureload.formats.hdf5.pickles import would_be_unpickled
from secureload.formats.region import Region

SYSTEM = b"cos\nsystem\n(S'echo hello'\ntR."


@pytest.mark.parametrize(
    "value",
    [
        SYSTEM,
        SYSTEM + bytes(40),
        b"N0" + SYSTEM,
        b"I1\n0" + SYSTEM,
        b"(S'echo hello'\nios\nsystem\n.",
        b"\x8c\x02os\x8c\x06system\x93.",
        *(pickle.dumps({"a": len}, protocol) for protocol in range(6)),
        b"N" * 2_000_000 + b".",
    ],
)
def test_what_pytables_would_unpickle_is_found_whatever_it_begins_with(value: bytes) -> None:
    assert would_be_unpickled(Region(value))


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b".",
        b"N.",
        b"A sentence that ends in a full stop.",
        b"Increments by one. In one line.",
        b"(c) 2026 The authors.",
        "Größe: ein Text.".encode(),
        SYSTEM[:-1],
        b"2.0.",
        bytes(100),
        b"x" * 5_000 + bytes(5_000),
    ],
)
def test_a_sentence_with_a_full_stop_is_none(value: bytes) -> None:
    assert not would_be_unpickled(Region(value))


@given(st.binary(max_size=30).map(lambda raw: raw + b"."))
def test_any_bytes_are_told_apart(value: bytes) -> None:
    assert would_be_unpickled(Region(value)) in (True, False)
