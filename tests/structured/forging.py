"""Structured files, taken apart, changed, and put together again with a good checksum: as a forger would."""

from __future__ import annotations

import builtins
import json
from collections.abc import Callable
from typing import Any

import numpy as np

from secureload.limits import DEFAULT_LIMITS
from secureload.structured import container
from secureload.structured.decoder import decode
from secureload.structured.encoder import encode
from secureload.structured.known import default_known

KNOWN = default_known()
VERSIONS = {"scikit-learn": "1.9"}


def written(model: Any) -> bytes:
    """The file of a model."""
    return b"".join(encode(model, KNOWN, VERSIONS).pieces)


def read(data: bytes | bytearray) -> Any:
    """The model of a file."""
    return decode(bytearray(data), KNOWN)


class Forgery:
    """A file in parts that may be changed."""

    def __init__(self, model: Any) -> None:
        parsed = container.parse(bytearray(written(model)), DEFAULT_LIMITS)
        self.metadata = dict(parsed.metadata)
        self.metadata.pop("crc32")
        self.names, self.shapes, self.root = json.loads(bytes(parsed.side))
        self.tensors: list[list[Any]] = [
            [kind, shape, bytearray(data)] for kind, shape, data in parsed.tensors
        ]

    def nodes(self, tag: str) -> list[list[Any]]:
        """Every node of the JSON with this tag."""
        found, waiting = [], [self.root]
        while waiting:
            node = waiting.pop()
            if isinstance(node, dict):
                waiting.extend(node.values())
            elif isinstance(node, list):
                if node and node[0] == tag:
                    found.append(node)
                waiting.extend(node)
        return found

    def instances(self, class_name: str) -> list[tuple[list[Any], list[str]]]:
        """The nodes of the instances of a class, each with the names of its attributes."""
        found = []
        for node in self.nodes("i"):
            name, *keys = self.shapes[node[1]]
            if self.names[name].endswith(f":{class_name}"):
                found.append((node, keys))
        assert found, class_name
        return found

    def set(self, class_name: str, attribute: str, value: Any) -> None:
        """Give the attribute of the first instance another node."""
        node, keys = self.instances(class_name)[-1]
        node[2 + keys.index(attribute)] = value

    def get(self, class_name: str, attribute: str) -> Any:
        """The node of an attribute of the first instance."""
        node, keys = self.instances(class_name)[-1]
        return node[2 + keys.index(attribute)]

    def remove(self, class_name: str, attribute: str) -> None:
        """Leave an attribute out of the class's shape and of all its instances."""
        for node, keys in self.instances(class_name):
            del node[2 + keys.index(attribute)]
        for node, _ in self.instances(class_name)[:1]:
            shape = self.shapes[node[1]]
            shape.remove(attribute)

    def special(self, class_name: str) -> list[Any]:
        """The parts of the first object whose state lies in C."""
        for node in self.nodes("x"):
            if self.names[node[1]].endswith(f":{class_name}"):
                return node
        raise AssertionError(class_name)

    def array(self, node: list[Any]) -> Any:
        """The array of a node, in place."""
        kind, _, data = self.tensors[node[1]]
        said = node[2] if len(node) > 2 else ""
        said = self.names[said] if isinstance(said, int) else said
        from secureload.structured import arrays

        dtype = arrays.dtype_of(said) if said else np.dtype(arrays._NAMES[kind])
        return np.frombuffer(data, dtype)

    def replace(self, node: list[Any], array: Any) -> None:
        """Give the node of an array another one."""
        from secureload.structured import arrays

        kind, shape, data, said, order = arrays.tensor_of(np.asarray(array))
        self.tensors.append([kind, shape, bytearray(data)])
        self.tensors[node[1]] = ["U8", (0,), bytearray()]
        unused = node[1]
        node[:] = ["a", len(self.tensors) - 1, said, order]
        # Every tensor has to be used: the old place is filled with the new one.
        self.tensors[unused] = self.tensors.pop()
        node[1] = unused

    def bytes(self) -> builtins.bytes:
        """The changed file, with a good checksum."""
        side = json.dumps(
            [self.names, self.shapes, self.root], separators=(",", ":"), ensure_ascii=False
        ).encode()
        entries = [
            (f"{number}", kind, tuple(shape), builtins.bytes(data))
            for number, (kind, shape, data) in enumerate(self.tensors)
        ]
        return b"".join(builtins.bytes(piece) for piece in container.build(side, entries, self.metadata))


def forged(model: Any, change: Callable[[Forgery], object]) -> bytes:
    """The file of a model after a change."""
    forgery = Forgery(model)
    change(forgery)
    return forgery.bytes()
