from __future__ import annotations

import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secureload.pickles.numbers import odd_number
from secureload.pickles.symbols import WalkStop


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.integers(-(1 << 200), 1 << 200), st.floats(), st.booleans()))
def test_numbers_as_pickle_writes_them_are_not_odd(value: float) -> None:
    data = pickle.dumps(value, 0)
    kind = {b"I": "INT", b"L": "LONG", b"F": "FLOAT"}[data[:1]]
    assert not odd_number(kind, data[1 : data.index(b"\n")])


@pytest.mark.parametrize("line", [b"0", b"-7", b"00", b"01", b"9223372036854775807"])
def test_numbers_as_python_2_wrote_them_are_not_odd(line: bytes) -> None:
    assert not odd_number("INT", line)
    if line not in {b"00", b"01"}:
        assert not odd_number("LONG", line + b"L")


@pytest.mark.parametrize(
    ("kind", "line"),
    [
        ("INT", b"0x10"), ("INT", b"1_0"), ("INT", b" 7"), ("INT", b"+7"), ("INT", b"010"), ("INT", b""),
        ("INT", b"0b1"), ("INT", b"7\r"), ("LONG", b"0x10L"), ("LONG", b"7"), ("LONG", b"1_0L"),
        ("LONG", b"9" * 5_000 + b"_1L"), ("FLOAT", b"1_0.5"), ("FLOAT", b" 1.5"), ("FLOAT", b".5"),
        ("FLOAT", b"infinity"), ("FLOAT", b"1E5"),
    ],
)  # fmt: skip
def test_numbers_that_only_a_person_writes_are_odd(kind: str, line: bytes) -> None:
    assert odd_number(kind, line)


@pytest.mark.parametrize(
    ("kind", "line"),
    [
        ("INT", b"x"),
        ("INT", b"1.5"),
        ("INT", b"089"),
        ("LONG", b""),
        ("LONG", b"L"),
        ("FLOAT", b""),
        ("FLOAT", b"x"),
    ],
)
def test_what_no_unpickler_takes_for_a_number_stops_the_walk(kind: str, line: bytes) -> None:
    with pytest.raises(WalkStop):
        odd_number(kind, line)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(["INT", "LONG", "FLOAT"]), st.text("0123456789xXeE.+-_abLnif \r", max_size=12))
def test_a_number_that_python_s_unpickler_reads_is_read(kind: str, text: str) -> None:
    data = {"INT": b"I", "LONG": b"L", "FLOAT": b"F"}[kind] + text.encode() + b"\n."
    try:
        pickle._loads(data)  # type: ignore[attr-defined]  # a number, nothing else
    except ValueError:
        return
    odd_number(kind, text.encode())
