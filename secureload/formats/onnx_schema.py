"""The messages of an ONNX model: which fields there are, and which of them hold messages in turn.

Source: onnx.proto of onnx 1.23 (IR version 14). What has no message named is text, numbers or a type, in which
nothing can hide but more of the same.
"""

from __future__ import annotations

from secureload.formats.proto_walk import PLAIN, Kind, Schema

__all__ = ["ONNX"]


def _plain(*numbers: int) -> dict[int, Kind]:
    return dict.fromkeys(numbers, PLAIN)


_MESSAGES: dict[Kind, dict[int, Kind]] = {
    "model": _plain(1, 2, 3, 4, 5, 6, 26)
    | {7: "graph", 8: "opset", 14: "metadata", 20: "training", 25: "function"},
    "graph": _plain(2, 10, 11, 12, 13, 14, 16) | {1: "node", 5: "tensor", 15: "sparse"},
    "node": _plain(1, 2, 3, 4, 6, 7, 8, 9, 10) | {5: "attribute"},
    "attribute": _plain(1, 2, 3, 4, 7, 8, 9, 13, 14, 15, 20, 21)
    | {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "function": _plain(1, 2, 3, 4, 5, 6, 8, 10, 12, 13, 14) | {7: "node", 9: "opset", 11: "attribute"},
    "training": _plain(3, 4) | {1: "graph", 2: "graph"},
    "sparse": _plain(3) | {1: "tensor", 2: "tensor"},
    "opset": _plain(1, 2),
    "metadata": _plain(1, 2),
}

ONNX = Schema(
    messages=_MESSAGES,
    # Names and versions, operators and domains, keys and values.
    wanted={
        "model": frozenset((1, 2, 3)),
        "node": frozenset((4, 7)),
        "opset": frozenset((1, 2)),
        "function": frozenset((1, 10)),
        "metadata": frozenset((1, 2)),
    },
    # AttributeProto.ints and .strings: nobody asks for their values, and a forest has millions of them.
    runs={"attribute": frozenset((8, 9))},
)
