from __future__ import annotations

import struct
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secureload.formats.readers import gguf_file
from secureload.formats.reading import Event
from secureload.limits import Limits
from tests.formats.feeding import bytes_of, children, codes, feed, mutated, observation, problems

ESCAPE = "{{ ''.__class__ }}"
CHATML = "{% for m in messages %}{{ m['role'] ~ m['content'] }}{% endfor %}"


class Gguf:
    """A hand-written encoder."""

    def __init__(self, version: int = 3, order: Literal["<", ">"] = "<") -> None:
        self.version, self.order = version, order
        self.values: list[bytes] = []
        self.tensors: list[bytes] = []

    def pack(self, kind: str, *numbers: Any) -> bytes:
        return struct.pack(self.order + kind, *numbers)

    def size(self, number: int) -> bytes:
        return self.pack("I" if self.version == 1 else "Q", number)

    def text(self, value: str | bytes) -> bytes:
        raw = value.encode() if isinstance(value, str) else value
        return self.size(len(raw)) + raw

    def value(self, key: str, kind: int, raw: bytes) -> Gguf:
        self.values.append(self.text(key) + self.pack("I", kind) + raw)
        return self

    def string(self, key: str, value: str) -> Gguf:
        return self.value(key, 8, self.text(value))

    def array(self, key: str, kind: int, raw: bytes, amount: int) -> Gguf:
        return self.value(key, 9, self.pack("I", kind) + self.size(amount) + raw)

    def tensor(self, name: str, shape: tuple[int, ...], kind: int, offset: int) -> Gguf:
        dims = b"".join(map(self.size, shape))
        self.tensors.append(
            self.text(name)
            + self.pack("I", len(shape))
            + dims
            + self.pack("I", kind)
            + self.pack("Q", offset)
        )
        return self

    def encoded(self, data: bytes = b"", alignment: int = 32) -> bytes:
        head = (
            b"GGUF"
            + self.pack("I", self.version)
            + self.size(len(self.tensors))
            + self.size(len(self.values))
        )
        head += b"".join(self.values) + b"".join(self.tensors)
        return head + bytes(-len(head) % alignment if data else 0) + data


def model(version: int = 3, order: Literal["<", ">"] = "<") -> Gguf:
    file = Gguf(version, order)
    file.string("general.architecture", "llama").value("llama.block_count", 4, file.pack("I", 2))
    file.string("tokenizer.chat_template", CHATML).value("x.flag", 7, b"\x01")
    tokens = [file.text(f"token {number}") for number in range(40)]
    file.array("tokenizer.ggml.tokens", 8, b"".join(tokens), len(tokens))
    file.array("tokenizer.ggml.scores", 6, bytes(160), 40)
    inner = file.pack("I", 4) + file.size(2) + bytes(8)
    return file.array("x.nested", 9, inner * 3, 3)


def with_tensors() -> bytes:
    file = model().tensor("a", (8, 2), 0, 0).tensor("b", (32,), 2, 64)
    return file.encoded(bytes(range(1, 65)) + b"q" * 18)


VALID = with_tensors()


def read(data: bytes, **limits: int) -> list[Event]:
    return feed(gguf_file, data, limits=Limits(**limits))


@pytest.mark.parametrize("version", [1, 2, 3])
def test_a_file_of_each_version_and_byte_order_has_nothing_to_say(version: int) -> None:
    assert read(VALID) == []
    assert read(model(version).encoded()) == []
    assert read(model(version, ">").encoded()) == []


@pytest.mark.parametrize(
    "key", ["tokenizer.chat_template", "tokenizer.chat_template.tool_use", "general.description", "x.y"]
)
def test_a_template_with_a_way_out_is_found_under_every_key(key: str) -> None:
    found = observation(read(model().string(key, ESCAPE).encoded()), "template.escape")
    assert "__class__" in found.detail
    assert key in found.message
    assert found.offset > 0


def test_a_template_in_a_list_of_texts_is_found_too() -> None:
    file = model()
    assert codes(read(file.array("tokenizer.chat_templates", 8, file.text(ESCAPE), 1).encoded())) == {
        "template.escape"
    }


def test_a_text_that_is_no_template_may_have_braces() -> None:
    assert (
        codes(read(model().string("general.description", "a {{ LaTeX \\frac{1}{2} ? }} text").encoded()))
        == set()
    )
    broken = model().string("tokenizer.chat_template.x", "a {{ LaTeX \\frac{1}{2} ? }} text")
    assert codes(read(broken.encoded())) == {"template.broken"}


def test_a_template_too_long_to_be_one_is_not_passed_over() -> None:
    found = codes(read(model().string("tokenizer.chat_template.x", "{{ x }}" + "a" * (1 << 20)).encoded()))
    assert found == {"template.too-long"}


def tensors(*entries: tuple[str, tuple[int, ...], int, int], data: bytes, alignment: int = 32) -> set[str]:
    file = Gguf()
    if alignment != 32:
        file.value("general.alignment", 4, file.pack("I", alignment))
    for entry in entries:
        file.tensor(*entry)
    return codes(read(file.encoded(data, alignment if alignment & (alignment - 1) == 0 else 32)))


@pytest.mark.parametrize(
    ("entries", "data", "code"),
    [
        ((("a", (8,), 0, 0), ("b", (8,), 0, 0)), bytes(32), "overlap"),
        ((("a", (8,), 0, 0), ("b", (8,), 0, 64)), bytes(31) + b"a" + b"evil" + bytes(60), "stray-bytes"),
        ((("a", (8,), 0, 0),), bytes(32) + b"PK\x03\x04", "stray-bytes"),
        ((("a", (8,), 0, 0),), bytes(32 + (2 << 20)), "zeros"),
        ((("a", (9,), 0, 0),), bytes(32), "beyond-file"),
        ((("a", (8,), 0, 1 << 40),), bytes(32), "beyond-file"),
        ((("a", (8,), 99, 0),), bytes(32), "tensor-type"),
        ((("a", (33,), 2, 0),), bytes(36), "tensor"),
        ((("a", (8,), 0, 7),), bytes(39), "tensor"),
        ((("a", (1 << 40, 1 << 40), 0, 0),), bytes(32), "tensor"),
        ((("a", (8,), 0, 0), ("a", (8,), 0, 32)), bytes(64), "repeated-tensor"),
    ],
)
def test_a_table_that_does_not_fit_the_data_stands_out(entries: Any, data: bytes, code: str) -> None:
    assert f"gguf.{code}" in tensors(*entries, data=data)


def test_padding_up_to_the_alignment_is_none_of_it() -> None:
    two = (("a", (3,), 0, 0), ("b", (3,), 0, 64))
    assert tensors(*two, data=bytes(76) + bytes(52), alignment=64) == set()
    assert tensors(*two, data=bytes(76), alignment=48) == {"gguf.alignment"}


def test_bytes_of_no_tensor_are_handed_on() -> None:
    file = model().tensor("a", (8,), 0, 0)
    assert [
        bytes_of(child) for child in children(read(file.encoded(bytes(32) + b"\x80\x04N."))).values()
    ] == [b"\x80\x04N."]


def test_what_stands_twice_has_two_readings() -> None:
    file = model().string("general.architecture", "other")
    assert codes(read(file.encoded())) == {"gguf.repeated-key"}
    assert codes(read(model().value("y", 7, b"\x07").encoded())) == {"gguf.metadata"}


@pytest.mark.parametrize(
    "data",
    [
        b"GGUF",
        b"GGUF" + struct.pack("<IQQ", 4, 0, 0),
        b"GGUF" + struct.pack("<IQQ", 3, 0, 1 << 60),
        b"GGUF" + struct.pack("<IQQ", 3, 1 << 60, 0),
        Gguf().value("a", 99, b"").encoded(),
        Gguf().value("a", 9, struct.pack("<IQ", 99, 1)).encoded(),
        Gguf().value("a", 9, struct.pack("<IQ", 8, 1 << 60)).encoded(),
        Gguf().value("a", 9, struct.pack("<IQ", 10, 1 << 62)).encoded(),
        Gguf().value("a", 9, struct.pack("<IQ", 9, 1) * 500).encoded(),
        Gguf().tensor("a", (1,) * 5, 0, 0).encoded(),
        Gguf().string("a" * 70_000, "x").encoded(),
    ],
)
def test_what_is_no_such_file_is_a_problem(data: bytes) -> None:
    assert problems(read(data))


def test_too_many_entries_are_a_limit_with_its_name() -> None:
    assert "structure_items" in problems(read(VALID, structure_items=20))[0]
    empty = Gguf().value("a", 9, struct.pack("<IQ", 9, 1 << 40) + struct.pack("<IQ", 0, 0) * 500)
    assert "structure_items" in problems(read(empty.encoded(), structure_items=300))[0]


@given(
    st.binary(max_size=80).map(lambda tail: b"GGUF\x03\0\0\0" + tail)
    | mutated(VALID)
    | mutated(model(1).encoded())
)
def test_any_bytes_give_events_or_an_error_of_ours(data: bytes) -> None:
    read(data)
