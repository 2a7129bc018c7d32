"""The messages of TensorFlow's models that hold graphs, functions and configurations.

Sources: saved_model.proto, meta_graph.proto, graph.proto, function.proto, node_def.proto,
saved_object_graph.proto of TensorFlow 2.21, saved_metadata.proto of Keras 2.15.
"""

from __future__ import annotations

from secureload.formats.proto_walk import PLAIN, Kind, Schema

__all__ = ["TENSORFLOW"]


def _plain(*numbers: int) -> dict[int, Kind]:
    return dict.fromkeys(numbers, PLAIN)


TENSORFLOW = Schema(
    messages={
        "saved model": _plain(1) | {2: "meta graph"},
        "meta graph": _plain(3, 4, 5, 6) | {1: "info", 2: "graph", 7: "objects"},
        "info": _plain(1, 2, 3, 4, 5, 6, 7, 8),
        "graph": _plain(3, 4, 5) | {1: "node", 2: "library"},
        "library": _plain(2, 3) | {1: "function"},
        "function": _plain(2, 4, 5, 6, 7, 8) | {1: "signature", 3: "node"},
        "signature": _plain(*range(1, 22)),
        # The attributes of a node are read where its operator asks for it.
        "node": _plain(1, 2, 3, 4, 5, 6, 7),
        "objects": _plain(2) | {1: "object"},
        "object": _plain(1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15) | {4: "user object"},
        "user object": _plain(1, 2, 3),
        # keras_metadata.pb
        "keras metadata": {1: "keras object"},
        "keras object": _plain(1, 2, 3, 4, 5, 6),
    },
    wanted={
        "info": frozenset((5,)),
        "signature": frozenset((1,)),
        "node": frozenset((1, 2)),
    },
)
