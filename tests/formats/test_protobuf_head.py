from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secureload.formats.protobuf_head import root_of
from tests.formats.wire import message


def root(data: bytes) -> str:
    return root_of(data[:4096], len(data))


GRAPH = message((1, message((1, "scope/x_1"), (2, "Placeholder"))))


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (message((1, 8), (2, "skl2onnx"), (7, b"x")), "onnx"),
        (message((1, 3), (7, b"\x0a" * 5_000)), "onnx"),
        (message((1, 1), (2, "pytorch")), "onnx"),
        (message((1, 9), (5, 1)), "onnx"),
        (message((1, 1), (2, message((1, message((5, "2.21")))))), "saved model"),
        (message((1, 1), (2, message((2, GRAPH)))), "saved model"),
        (GRAPH, "graph"),
        (message((1, message((1, "a"), (2, "_Arg"), (5, bytes(5_000))))), "graph"),
        (message((1, message((2, message((1, message((1, "Add")))))))), "meta graph"),
        (message((1, message((3, "root"), (4, "_tf_keras_network"), (5, "{}")))), "keras metadata"),
        (message((1, -1), (2, -1), (3, 5), (4, -1), (5, -1), (6, message((2, 1)))), "fingerprint"),
    ],
)
def test_each_kind_of_model_is_told_by_its_first_fields(data: bytes, name: str) -> None:
    assert root(data) == name


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x08",
        b"\n",
        b"\n\n\n\n",
        b"\nA text that begins with an empty line.\nAnd goes on.\n",
        b"\x08\x03\x12\xff\xff\x7f",
        message((1, 8), (2, b"\xff\xfe")),
        message((1, 0), (2, "x")),
        message((1, 1), (2, b"\x80\x04N.")),
        message((1, message((1, "a b"), (2, "Op")))),
        message((1, message((1, "a"), (2, "not an operator")))),
        GRAPH[:-4],
    ],
)
def test_other_bytes_are_none(data: bytes) -> None:
    assert root(data) == ""


@given(
    st.binary(max_size=60).map(lambda tail: b"\x0a" + tail)
    | st.binary(max_size=60).map(lambda tail: b"\x08" + tail)
)
def test_any_bytes_are_told_apart(data: bytes) -> None:
    assert isinstance(root(data), str)


@given(st.recursive(st.none() | st.text() | st.integers(), st.lists), st.integers(0, 5))
def test_no_pickle_is_taken_for_a_model(value: object, protocol: int) -> None:
    assert root(pickle.dumps(value, protocol)) == ""
