"""What a node of a TensorFlow graph says besides its operator: inputs, functions, texts."""

from __future__ import annotations

import re
from collections.abc import Iterator

from secureload.formats.item_count import ItemCount
from secureload.formats.proto_walk import text_of
from secureload.formats.protobuf import BYTES, Field, fields
from secureload.formats.region import Region
from secureload.formats.tensorflow_ops import OUTSIDE
from secureload.values import dataclass

__all__ = ["Scope", "constant_text", "functions_named", "inputs_of", "text_attribute"]

_INPUT, _ATTRIBUTES = 3, 5
_MOST_INPUTS = 16
_TENSOR, _STRINGS = 8, 8  # AttrValue.tensor, TensorProto.string_val
_FUNCTION, _LIST, _FUNCTION_IN_LIST = 10, 1, 9
_SMALL_BYTES = 1 << 16
_NAMED = re.compile(b"|".join(name.encode() for name in sorted(OUTSIDE, key=len, reverse=True)))
# Operators that hand on a text that they are given, or put it in front of others.
_PASSING = frozenset(("Identity", "IdentityN", "StringJoin", "PlaceholderWithDefault", "ShardedFilename", "Const",
                      "Pack", "Reshape", "ExpandDims", "StringFormat", "Add", "AddV2"))  # fmt: skip
_MOST_STEPS = 64


def inputs_of(node: Region, count: ItemCount) -> list[str]:
    """Return the names of the nodes whose first outputs are the inputs of ``node``."""
    found: list[str] = []
    for item in fields(node, count):
        if item.number == _INPUT and item.wire == BYTES and len(found) < _MOST_INPUTS:
            found.append(text_of(node, item).removeprefix("^").split(":", 1)[0])
    return found


def text_attribute(node: Region, name: str, count: ItemCount) -> str:
    """Return the text of an attribute, "" where it has none."""
    for key, value in _attributes(node, count):
        if key == name:
            return next((text_of(value, item) for item in fields(value, count) if item.number == 2), "")
    return ""


def constant_text(node: Region, count: ItemCount) -> str:
    """Return the first text in the value of a Const node, "" where it has none."""
    for key, value in _attributes(node, count):
        for item in fields(value, count) if key == "value" else ():
            if item.number == _TENSOR and item.wire == BYTES:
                tensor = value.part(item.offset, item.value)
                strings = (text_of(tensor, one) for one in fields(tensor, count) if one.number == _STRINGS)
                return next(strings, "")
    return ""


def functions_named(node: Region, count: ItemCount) -> Iterator[str]:
    """Yield the names of functions in the attributes that are those of operators which do more than compute.

    A function that a node calls is one of the library; but nothing keeps a runtime from taking an operator.
    """
    if node.size > _SMALL_BYTES or not _NAMED.search(node.read_at(0, node.size)):
        return
    for _, value in _attributes(node, count):
        for item in fields(value, count):
            part = value.part(item.offset, item.value)
            if item.wire == BYTES and item.number == _FUNCTION:
                yield from _function_name(part, count)
            elif item.wire == BYTES and item.number == _LIST:
                for inner in fields(part, count):
                    if inner.wire == BYTES and inner.number == _FUNCTION_IN_LIST:
                        yield from _function_name(part.part(inner.offset, inner.value), count)


def _function_name(function: Region, count: ItemCount) -> Iterator[str]:
    yield from (text_of(function, item) for item in fields(function, count) if item.number == 1)


def _attributes(node: Region, count: ItemCount) -> Iterator[tuple[str, Region]]:
    """Yield name and AttrValue of each attribute: the entries of a map."""
    for item in fields(node, count):
        if item.number != _ATTRIBUTES or item.wire != BYTES:
            continue
        entry = node.part(item.offset, item.value)
        parts: dict[int, Field] = {
            inner.number: inner for inner in fields(entry, count) if inner.wire == BYTES
        }
        if 1 in parts and 2 in parts:
            yield text_of(entry, parts[1]), entry.part(parts[2].offset, parts[2].value)


@dataclass(slots=True)
class Scope:
    """The nodes of one graph or function through which a path could come to an operator that opens it."""

    nodes: dict[str, tuple[str, Region]]

    def note(self, name: str, operator: str, node: Region) -> None:
        """Keep a node whose text another one may use."""
        if operator in _PASSING and node.size <= _SMALL_BYTES:
            self.nodes[name] = (operator, node)

    def texts_behind(self, node: Region, count: ItemCount) -> Iterator[str]:
        """Yield the constant texts from which the inputs of ``node`` are made."""
        waiting = inputs_of(node, count)
        seen: set[str] = set()
        while waiting and len(seen) < _MOST_STEPS:
            name = waiting.pop()
            if name in seen or name not in self.nodes:
                continue
            seen.add(name)
            operator, found = self.nodes[name]
            if operator == "Const":
                yield constant_text(found, count)
            else:
                waiting += inputs_of(found, count)
