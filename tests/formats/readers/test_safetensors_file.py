from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secureload.formats.readers import safetensors_file
from secureload.formats.reading import Event
from tests.formats.feeding import bytes_of, children, codes, feed, mutated, observation, problems


def entry(dtype: str, shape: list[int], begin: int, end: int) -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def encoded(header: object, data: bytes = b"", padding: bytes = b"") -> bytes:
    raw = (header if isinstance(header, bytes) else json.dumps(header).encode()) + padding
    return len(raw).to_bytes(8, "little") + raw + data


def read(data: bytes) -> list[Event]:
    return feed(safetensors_file, data)


def codes_of(header: object, data: bytes = b"", padding: bytes = b"") -> set[str]:
    return codes(read(encoded(header, data, padding)))


VALID = encoded(
    {
        "__metadata__": {"format": "pt"},
        "b": entry("F32", [2, 3], 0, 24),
        "empty": entry("I64", [0, 7], 24, 24),
        "a": entry("F6_E2M3", [4], 24, 27),
        "scalar": entry("F4", [2], 27, 28),
    },
    bytes(range(28)),
    b"   ",
)


def test_a_file_as_the_library_writes_it_has_nothing_to_say() -> None:
    assert read(VALID) == []


@pytest.mark.parametrize(
    "dtype", ["BOOL", "F8_E4M3", "F8_E8M0", "F8_E5M2FNUZ", "I16", "BF16", "U32", "C64", "F64"]
)
def test_every_type_is_known_with_its_size(dtype: str) -> None:
    size = {"BOOL": 1, "F8": 1, "I16": 2, "BF16": 2, "U32": 4, "C64": 8, "F64": 8}[dtype.split("_")[0]]
    assert codes_of({"a": entry(dtype, [3], 0, 3 * size)}, bytes(3 * size)) == set()
    assert codes_of({"a": entry(dtype, [3], 0, 3 * size + 1)}, bytes(3 * size + 1)) == {"safetensors.size"}


@pytest.mark.parametrize(
    ("code", "header", "data"),
    [
        ("dtype", {"a": entry("F128", [1], 0, 16)}, bytes(16)),
        ("size", {"a": entry("F32", [2], 0, 4)}, bytes(4)),
        ("shape", {"a": entry("U8", [1 << 40, 1 << 40], 0, 1)}, bytes(1)),
        ("misaligned", {"a": entry("F4", [3], 0, 2)}, bytes(2)),
        ("offsets", {"a": entry("U8", [1], 0, 1), "b": entry("U8", [0], 1, 0)}, bytes(1)),
        ("beyond-file", {"a": entry("U8", [9], 0, 9)}, bytes(4)),
        ("overlap", {"a": entry("U8", [4], 0, 4), "b": entry("U8", [4], 2, 6)}, bytes(6)),
        ("gap", {"a": entry("U8", [1], 0, 1), "b": entry("U8", [1], 3, 4)}, b"a\0xb"),
        ("gap", {"b": entry("U8", [1], 3, 4)}, b"\0\0xb"),
        ("zero-gap", {"a": entry("U8", [1], 0, 1), "b": entry("U8", [1], 3, 4)}, b"a\0\0b"),
        ("tail", {"a": entry("U8", [1], 0, 1)}, b"aPK\x03\x04"),
        ("zero-tail", {"a": entry("U8", [1], 0, 1)}, b"a\0\0"),
        ("no-tensors", {}, b""),
        ("metadata", {"__metadata__": {"a": 1}, "a": entry("U8", [1], 0, 1)}, b"a"),
        ("metadata", {"__metadata__": ["a"], "a": entry("U8", [1], 0, 1)}, b"a"),
        ("extra-keys", {"a": entry("U8", [1], 0, 1) | {"code": "x"}}, b"a"),
        ("header-start", b' {"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}', b"a"),
        ("repeated-key", b'{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"\\u0061":{}}', b""),
        ("repeated-key", b'{"__metadata__":{"x":"1","x":"2"}}', b""),
    ],
)  # fmt: skip
def test_each_broken_rule_has_its_own_code(code: str, header: object, data: bytes) -> None:
    assert f"safetensors.{code}" in codes_of(header, data)


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        [],
        {"dtype": "U8", "shape": [1]},
        {"dtype": 7, "shape": [1], "data_offsets": [0, 1]},
        {"dtype": "U8", "shape": [True], "data_offsets": [0, 1]},
        {"dtype": "U8", "shape": [-1], "data_offsets": [0, 1]},
        {"dtype": "U8", "shape": {"0": 1}, "data_offsets": [0, 1]},
        {"dtype": "U8", "shape": [1], "data_offsets": [0, 1, 2]},
        {"dtype": "U8", "shape": [1], "data_offsets": [0, 1.5]},
        {"dtype": "U8", "shape": [1], "data_offsets": [0, 1 << 64]},
    ],
)
def test_an_entry_of_another_form_is_no_tensor(wrong: object) -> None:
    assert codes_of({"a": wrong}) == {"safetensors.entry"}


@pytest.mark.parametrize("padding", [b"\n", b"\t \r ", b" \n"])
def test_a_header_padded_with_other_white_space_than_spaces_stands_out(padding: bytes) -> None:
    assert codes_of({"a": entry("U8", [1], 0, 1)}, b"a", padding) == {"safetensors.header-padding"}


def test_bytes_of_no_tensor_are_handed_on_with_their_place() -> None:
    header = {"a": entry("U8", [1], 0, 1), "b": entry("U8", [1], 6, 7)}
    data = encoded(header, b"aaaaaabzip!")
    start = len(data) - 11
    found = read(data)
    handed_on = children(found)
    assert {name: bytes_of(child) for name, child in handed_on.items()} == {
        f"gap@{start + 1}": b"aaaaa",
        f"tail@{start + 7}": b"zip!",
    }
    assert observation(found, "safetensors.tail").offset == start + 7


def test_a_header_that_is_too_long_for_the_format_or_for_the_file_is_not_read() -> None:
    data = (1 << 40).to_bytes(8, "little") + b"{}"
    assert codes(read(data)) == {"safetensors.header-too-long", "safetensors.header-beyond-file"}
    assert problems(read(data)) == ["the header does not end in the file"]
    assert codes(read((3).to_bytes(8, "little") + b"{}")) == {"safetensors.header-beyond-file"}


@pytest.mark.parametrize("header", [b"{", b"\xff", b"{}x", b'{"a":' * 5_000, b"{\0}"])
def test_a_header_that_is_no_json_is_a_problem(header: bytes) -> None:
    assert problems(read(encoded(header)))


def test_a_hundred_thousand_broken_entries_are_told_in_a_few_lines() -> None:
    found = read(encoded({str(number): None for number in range(100_000)}))
    assert len(found) == 11
    assert "99,990 more" in found[-1].message  # type: ignore[union-attr]


@given(st.binary(max_size=60) | mutated(VALID) | mutated(VALID[8:]).map(encoded))
def test_any_bytes_give_events_or_an_error_of_ours(data: bytes) -> None:
    read(data)


@given(
    st.lists(
        st.tuples(st.sampled_from(["F32", "F4", "U8"]), st.lists(st.integers(0, 5), max_size=3)), max_size=5
    ),
    st.binary(max_size=4),
)
def test_whatever_lies_without_holes_is_silent_and_every_byte_behind_it_is_told(
    tensors: list[tuple[str, list[int]]], tail: bytes
) -> None:
    header: dict[str, object] = {}
    at = 0
    for number, (dtype, shape) in enumerate(tensors):
        elements = 1
        for size in shape:
            elements *= size
        bits = elements * {"F32": 32, "F4": 4, "U8": 8}[dtype]
        if bits % 8 == 0:
            header[f"t{number}"] = entry(dtype, shape, at, at + bits // 8)
            at += bits // 8
    found = codes_of(header, bytes(at) + tail)
    expected = {"safetensors.no-tensors"} if not header else set()
    if tail:
        expected.add("safetensors.tail" if any(tail) else "safetensors.zero-tail")
    assert found == expected
