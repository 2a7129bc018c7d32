from __future__ import annotations

import collections
import pickle
import pickletools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secureload.formats.opcode_steps import does_something_at
from secureload.formats.region import Region

# What stands for "the length is an argument itself" in pickletools, and how wide it is.
LENGTHS = {
    pickletools.TAKEN_FROM_ARGUMENT1: 1,
    pickletools.TAKEN_FROM_ARGUMENT4: 4,
    pickletools.TAKEN_FROM_ARGUMENT4U: 4,
    pickletools.TAKEN_FROM_ARGUMENT8U: 8,
}


def something(data: bytes, start: int = 0) -> bool:
    done, steps = does_something_at(Region(data), start)
    assert 0 < steps <= 1_000
    return done


@pytest.mark.parametrize("protocol", range(6))
def test_a_pickle_with_an_import_does_something_and_plain_data_does_not(protocol: int) -> None:
    assert something(pickle.dumps([collections.OrderedDict(a=1), {1, 2}], protocol))
    assert something(pickle.dumps(collections.OrderedDict, protocol))
    assert not something(pickle.dumps({"a": [1, 2.5, None, True, "ü", 1 << 80]}, protocol))


def test_every_opcode_of_pickletools_is_known() -> None:
    """A pickle that begins with values of all kinds, then the opcode: none may count as unknown."""
    before = b"(cos\ngetpid\nq\x00p0\nN)X\x01\x00\x00\x00aX\x01\x00\x00\x00b"
    arguments = {"c": b"os\ngetpid\n", "i": b"os\ngetpid\n", "g": b"0\n", "p": b"0\n", "S": b"'a'\n"}
    for opcode in pickletools.opcodes:
        argument: Any = arguments.get(opcode.code)
        if argument is None:
            size = LENGTHS.get(opcode.arg.n, opcode.arg.n) if opcode.arg else 0
            argument = b"1\n" if size == pickletools.UP_TO_NEWLINE else bytes(size)
        assert something(before + opcode.code.encode("latin-1") + argument + b"(t."), opcode.name


def test_a_start_that_is_not_the_beginning_is_measured_from_there() -> None:
    payload = pickle.dumps(collections.deque(), 4)
    assert something(b"garbage" + payload, 7)
    assert not something(b"garbage" + payload, 6)


@pytest.mark.parametrize(
    "data",
    [
        b"cno name\nsystem\n)R.",
        b"\x8c\x02os\x93)R.",
        b"NN\x93.",
        b"\x80\x06cos\nsystem\n)R.",
        b"cos\n",
        b"X\xff\xff\xff\x7fa",
        b"R.",
        b"t.",
        b"\xff",
        b"",
        b"h\x00.",
    ],
)
def test_what_fails_before_it_uses_an_import_does_nothing(data: bytes) -> None:
    assert not something(data)


def test_an_import_that_is_called_counts_whatever_follows() -> None:
    assert something(b"cos\nsystem\n)R\xff\xff")
    assert not something(b"cos\nsystem\n\xff\xff")


def test_a_thousand_opcodes_without_a_mistake_are_a_pickle() -> None:
    assert something(b"N0" * 2_000)


@given(st.binary(max_size=80))
@settings(deadline=None, max_examples=300)
def test_any_bytes_have_an_answer(data: bytes) -> None:
    assert something(data) in (True, False)
