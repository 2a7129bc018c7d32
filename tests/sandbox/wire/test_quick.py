"""The short way of a call with one array is the long way, remembered: the same bytes, the same arrays, or nothing."""

from __future__ import annotations

import contextlib
import pickle
import string
from typing import Any

import msgpack
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from secureload.errors import SandboxError
from secureload.limits import DEFAULT_LIMITS
from secureload.sandbox.wire.errors import WireValueError
from secureload.sandbox.wire.frame import ALIGNMENT, Header, Kind, Message, encode_control, parse_control
from secureload.sandbox.wire.quick import (
    Kept,
    Layout,
    Packed,
    and_kept,
    answer_in,
    answer_with,
    asked_in,
    asked_with,
)
from secureload.sandbox.wire.values import Decoder, Encoder

DTYPES = st.sampled_from(["?", "i1", "u2", "i4", "u8", "i8", "f2", "f4", "f8", "g", "c8", "c16", "G"])
ARRAYS = npst.arrays(dtype=DTYPES, shape=npst.array_shapes(min_dims=0, max_dims=4, min_side=1, max_side=4))


def payload_of(flat: Any) -> bytes:
    data = flat.tobytes("C")
    return data + bytes(-len(data) % ALIGNMENT)


def message_of(control: bytes, payload: bytes) -> Message:
    header = Header(Kind.REPLY, 1, len(control), len(payload))
    return parse_control(header, control, bytearray(payload), DEFAULT_LIMITS)


def same(first: Any, second: Any) -> bool:
    return (first.dtype, first.shape, first.strides, first.tobytes()) == (
        second.dtype,
        second.shape,
        second.strides,
        second.tobytes(),
    )


@settings(max_examples=200, deadline=None)
@given(ARRAYS, st.booleans())
def test_what_is_packed_is_what_the_encoder_would_send_and_comes_back_as_the_decoder_would_say(
    array: Any, fortran: bool
) -> None:
    if fortran:
        array = np.asfortranarray(array)
    packed, answers = Packed(), Kept(answer_in)
    part = packed.part(None, array, answer_with)
    assert part is not None
    control, flat = part
    encoder = Encoder(DEFAULT_LIMITS)
    tree = encoder.encode(array)
    assert control == encode_control({"value": tree}, [len(segment) for segment in encoder.segments])
    payload = payload_of(flat)
    message = message_of(control, payload)
    answers.learn(control, message)
    layout = answers.get(control)
    assert layout is not None
    assert layout.lies_in(len(payload))
    found = layout.copied(payload)
    assert same(found, array)
    assert found.flags.writeable
    assert same(found, Decoder(message.segments, DEFAULT_LIMITS).decode(message.body["value"]))


@settings(max_examples=60, deadline=None)
@given(ARRAYS, st.integers(0, 9), st.none() | st.text(string.ascii_letters, min_size=1))
def test_a_question_is_remembered_with_its_object_and_its_method(
    array: Any, number: int, name: str | None
) -> None:
    asked = Kept(asked_in)
    part = Packed().part((number, name), array, asked_with)
    assert part is not None
    control, flat = part
    asked.learn(control, message_of(control, payload_of(flat)))
    found = asked.get(control)
    assert found is not None
    assert found[:2] == (number, name)
    assert same(found.layout.turned(found.layout.over(payload_of(flat))), array)


def test_what_was_packed_before_is_not_packed_again_and_another_layout_is_another_part() -> None:
    packed = Packed()

    def never(_word: object, _tree: list[Any]) -> dict[str, Any]:
        raise AssertionError("packed again")

    arrays = [np.zeros((3, 2)), np.zeros((2, 3)), np.zeros((3, 2), order="F"), np.zeros((3, 2), dtype="f4")]
    first = [packed.part(None, array, answer_with) for array in arrays]
    again = [packed.part(None, array, never) for array in arrays]
    assert all(part is not None for part in first)
    assert [part and part[0] for part in first] == [part and part[0] for part in again]
    assert len({part[0] for part in first if part}) == 4
    other = packed.part((1, "predict"), arrays[0], asked_with)
    assert other is not None
    assert first[0] is not None
    assert other[0] != first[0][0]


def test_an_array_whose_dtype_came_from_a_pickle_takes_the_short_way_like_any_other() -> None:
    unpickled = np.zeros(3, dtype=pickle.loads(pickle.dumps(np.dtype("f8"))))
    assert not unpickled.dtype.isbuiltin  # as that of whatever a model has learned
    part, plain = (Packed().part(None, array, answer_with) for array in (unpickled, np.zeros(3)))
    assert part is not None
    assert plain is not None
    assert part[0] == plain[0]
    assert part[1] is unpickled


@pytest.mark.parametrize(
    "value",
    [
        np.zeros((4, 4))[::2, ::2],
        np.zeros((0, 3)),
        np.array(["a"]),
        np.array([b"a"]),
        np.array([None]),
        np.zeros(2, dtype=">f8"),
        np.zeros(2, dtype="M8[s]"),
        np.zeros(2, dtype=[("a", "f8")]),
        np.ma.MaskedArray([1.0], mask=[True]),
        np.float64(1.0),
        [1.0],
        1.0,
    ],
    ids=repr,
)
def test_whatever_is_no_plain_array_takes_the_long_way(value: Any) -> None:
    assert Packed().part(None, value, answer_with) is None


def layout(tree: Any, *payload: bytes, **body: Any) -> Layout | None:
    control = encode_control({"value": tree, **body}, [len(part) for part in payload])
    return answer_in(message_of(control, b"".join(part + bytes(-len(part) % ALIGNMENT) for part in payload)))


FLOATS = ["a", "<f8", [2], False, 0]


def test_an_answer_that_says_that_the_array_was_kept_is_remembered_as_that() -> None:
    control = encode_control({"value": FLOATS}, [16])
    plain, kept = (
        answer_in(message_of(control, bytes(64))),
        answer_in(message_of(and_kept(control), bytes(64))),
    )
    assert plain is not None
    assert kept is not None
    assert (plain.kept, kept.kept) == (False, True)
    assert plain._replace(kept=True) == kept


@pytest.mark.parametrize(
    ("tree", "payload", "body"),
    [
        (FLOATS, (bytes(24),), {}),
        (FLOATS, (bytes(8),), {}),
        (FLOATS, (), {}),
        (FLOATS, (bytes(16), b""), {}),
        (FLOATS, (bytes(16),), {"warnings": []}),
        (["a", "<f8", [2], False, 1], (bytes(16),), {}),
        (["a", "<f8", [2], False, True], (bytes(16),), {}),
        (["a", "<f8", [2], 0, 0], (bytes(16),), {}),
        (["a", "<f8", [-2], False, 0], (bytes(16),), {}),
        (["a", "<f8", [1 << 62, 1 << 62], False, 0], (bytes(16),), {}),
        (["a", "|O8", [2], False, 0], (bytes(16),), {}),
        (["a", "<M8[s]", [2], False, 0], (bytes(16),), {}),
        (["a", "|S8", [2], False, 0], (bytes(16),), {}),
        (["a", "<f8", [0], False, 0], (b"",), {}),
        (["l", [FLOATS]], (bytes(16),), {}),
        (["ma", FLOATS, FLOATS, 0], (bytes(16),), {}),
        (None, (bytes(16),), {}),
    ],
)
def test_an_answer_that_is_not_one_array_is_not_remembered(tree: Any, payload: Any, body: Any) -> None:
    assert layout(tree, *payload, **body) is None


def test_a_payload_of_another_size_is_not_that_of_the_layout() -> None:
    found = layout(FLOATS, bytes(16))
    assert found is not None
    assert [size for size in range(0, 200, 4) if found.lies_in(size)] == [64]


def test_a_byte_that_is_no_bool_becomes_one() -> None:
    found = layout(["a", "|b1", [3], False, 0], b"\x00\x01\x02")
    assert found is not None
    assert found.copied(bytearray(b"\x00\x01\x02")).view("u1").tolist() == [0, 1, 1]


@settings(max_examples=300, deadline=None)
@given(ARRAYS, st.integers(0, 400), st.integers(1, 255), st.integers(0, 3))
def test_a_control_part_with_changed_bytes_is_remembered_as_what_the_decoder_makes_of_it_or_not_at_all(
    array: Any, where: int, flip: int, cut: int
) -> None:
    part = Packed().part(None, array, answer_with)
    assert part is not None
    changed = bytearray(part[0])
    changed[where % len(changed)] ^= flip
    control, payload = bytes(changed[: len(changed) - cut]), payload_of(part[1])
    with contextlib.suppress(SandboxError, WireValueError):
        message = message_of(control, payload)
        found = answer_in(message)
        if found is not None:
            assert found.lies_in(len(payload))
            assert same(
                found.copied(payload),
                Decoder(message.segments, DEFAULT_LIMITS).decode(message.body["value"]),
            )


@settings(max_examples=200, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(["a", "<f8", "call", "value"]),
        lambda inner: (
            st.lists(inner, max_size=5)
            | st.dictionaries(
                st.sampled_from(["value", "kept", "op", "ref", "name", "args", "kwargs"]), inner
            )
        ),
        max_leaves=15,
    )
)
def test_any_body_is_one_of_these_or_not(body: Any) -> None:
    message = message_of(encode_control(body, [16]), bytes(64))
    assert answer_in(message) is None or isinstance(answer_in(message), Layout)
    assert asked_in(message) is None or msgpack.packb(body) is not None


def test_what_is_kept_is_bounded_whatever_comes() -> None:
    kept, packed = Kept(answer_in), Packed()
    for number in range(1, 1_000):
        array = np.zeros(number, dtype="i1")
        part = packed.part(None, array, answer_with)
        assert part is not None
        kept.learn(part[0], message_of(part[0], payload_of(array)))
        assert kept.get(part[0]) is not None
    assert len(kept) <= 256
    assert len(packed) <= 256
    wide = np.zeros((1,) * 20)
    part = packed.part("x" * 2_000, wide, lambda _, tree: {"value": tree, "kept": "x" * 2_000})
    assert part is not None
    kept.learn(part[0], message_of(part[0], payload_of(wide)))
    assert kept.get(part[0]) is None
