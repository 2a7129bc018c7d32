"""ONNX: a graph of operators with its weights, as a protocol buffer.

A model is data to its runtime, with these exceptions, which are looked for in every graph, nested ones and
those of functions too: weights that lie in other files, operators that are code outside the model, and
operators that run Python. Weights themselves are stepped over by their length.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from secureload.errors import LimitError
from secureload.formats.item_count import ItemCount
from secureload.formats.onnx_schema import MESSAGES, PLAIN, RUNS, Kind
from secureload.formats.onnx_tensor import read_tensor
from secureload.formats.protobuf import BYTES, Field, fields
from secureload.formats.reading import Child, Event, Observation, Problem, ReadContext, Versions
from secureload.formats.region import Region
from secureload.formats.repeated import first_of_each_code

__all__ = ["read"]

# Domains whose operators are part of onnx or onnxruntime themselves.
_KNOWN_DOMAINS = frozenset((
    "", "ai.onnx", "ai.onnx.ml", "ai.onnx.training", "ai.onnx.preview", "ai.onnx.preview.training",
    "com.microsoft", "com.microsoft.nchwc", "com.microsoft.experimental", "com.ms.internal.nhwc",
))  # fmt: skip
# Operators of onnxruntime that import or call what the model names, in whatever domain they claim to be.
_PYTHON_OPERATORS = frozenset(("PyOp", "PythonOp", "PythonOpGrad", "PyCustomOp", "PyFunc"))
# A compiled program for an accelerator, inside the node or in a file that the node names.
_COMPILED_OPERATORS = frozenset(("EPContext", "Snpe", "SNPE"))
# Read by onnxruntime as options of the session, where the environment asks for it.
_SESSION_OPTIONS = "ort_config"
# What is said of a message by its own fields: names and versions, operators and domains, keys and values.
_WANTED: dict[Kind, frozenset[int]] = {
    "model": frozenset((1, 2, 3)),
    "node": frozenset((4, 7)),
    "opset": frozenset((1, 2)),
    "function": frozenset((1, 10)),
    "metadata": frozenset((1, 2)),
}
_TEXT_BYTES = 1_000
_MOST_NAMES = 10_000
_MOST_UNKNOWN = 100


@dataclass(slots=True)
class _Message:
    """A message to be read: its kind, its bytes, where they begin in the file, how deep it lies."""

    kind: Kind
    data: Region
    offset: int
    depth: int


@dataclass(slots=True)
class _Names:
    """What was met so far: operators in use, operators that the model defines itself, versions, graphs."""

    used: dict[tuple[str, str], int] = field(default_factory=dict)
    defined: set[tuple[str, str]] = field(default_factory=set)
    told: set[str] = field(default_factory=set)
    graphs: int = 0
    unknown_fields: int = 0


def read(data: Region, context: ReadContext) -> Iterator[Event]:
    """Yield external files, operators that are code, tensors that do not fit, and what is no part of a model."""
    return first_of_each_code(_read(data, context))


def _read(data: Region, context: ReadContext) -> Iterator[Event]:
    count = ItemCount(context.limits)
    names = _Names()
    waiting = [_Message("model", data, 0, 0)]
    while waiting:
        message = waiting.pop()
        if message.depth > context.limits.structure_depth:
            raise _too_deep(context.limits.structure_depth)
        if message.kind == "tensor":
            yield from _tensor(message, count, names)
            continue
        inside: list[_Message] = []
        yield from _fields(message, count, names, inside)
        waiting += reversed(inside)
    if not names.graphs:
        yield Problem(kind="malformed", message="there is no graph in this model", offset=0)
    yield from _foreign(names)


def _fields(message: _Message, count: ItemCount, names: _Names, inside: list[_Message]) -> Iterator[Event]:
    """Yield what the fields of one message say, and put the messages in it into ``inside``."""
    known = MESSAGES[message.kind]
    wanted = _WANTED.get(message.kind, frozenset())
    found: dict[int, str] = {}
    for item in fields(message.data, count, runs=RUNS.get(message.kind, frozenset())):
        kind = known.get(item.number)
        if kind is None or (kind != PLAIN and item.wire != BYTES):
            yield from _unknown(message, item, names)
        elif kind != PLAIN:
            part = message.data.part(item.offset, item.value)
            inside.append(_Message(kind, part, message.offset + item.offset, message.depth + 1))
        elif item.number in wanted:
            found[item.number] = _text(message.data, item)
    if message.kind == "model":
        yield from _model(found, inside, names)
    elif message.kind == "node":
        yield from _node(found, message, inside, names, count)
    elif message.kind == "opset":
        yield Versions(library=f"opset {found.get(1) or 'ai.onnx'}", version=found.get(2, "?"))
    elif message.kind == "function":
        if len(names.defined) < _MOST_NAMES:
            names.defined.add((found.get(10, ""), found.get(1, "")))
    elif message.kind == "metadata" and found.get(1) == _SESSION_OPTIONS:
        text = "the model brings options for the session of onnxruntime"
        yield _observed("session-options", text, message.offset, found.get(2, ""))


def _text(data: Region, item: Field) -> str:
    if item.wire != BYTES:
        return str(item.value)
    return data.read_at(item.offset, min(item.value, _TEXT_BYTES)).decode("utf-8", "replace")


def _observed(code: str, message: str, offset: int, detail: str = "") -> Observation:
    return Observation(code=f"onnx.{code}", message=message, detail=detail, offset=offset)


def _tensor(message: _Message, count: ItemCount, names: _Names) -> Iterator[Event]:
    for event in read_tensor(message.data, message.offset, count):
        # A thousand tensors in one external file are one thing to tell.
        if isinstance(event, Observation) and event.code == "onnx.external-data":
            if event.message in names.told:
                continue
            if len(names.told) < _MOST_NAMES:
                names.told.add(event.message)
        yield event


def _unknown(message: _Message, item: Field, names: _Names) -> Iterator[Event]:
    names.unknown_fields += 1
    where = f"field {item.number} of a {message.kind}"
    offset = message.offset + item.offset
    yield _observed("unknown-field", f"{where} is not known; runtimes step over it", offset)
    if item.wire == BYTES and names.unknown_fields <= _MOST_UNKNOWN:
        part = message.data.part(item.offset, item.value)
        yield Child(name=f"field-{item.number}@{offset}", data=part, expect="data")


def _model(found: dict[int, str], inside: list[_Message], names: _Names) -> Iterator[Event]:
    yield Versions(library="ONNX IR", version=found.get(1, "?"))
    if found.get(2) and found.get(3):
        yield Versions(library=found[2], version=found[3])
    graphs = [message for message in inside if message.kind == "graph"]
    names.graphs += len(graphs)
    for message in graphs[1:2]:
        text = "the model has two graphs: some programs join them, others take the last one"
        yield _observed("two-graphs", text, message.offset)


def _node(
    found: dict[int, str], message: _Message, inside: list[_Message], names: _Names, count: ItemCount
) -> Iterator[Event]:
    operator, domain = found.get(4, ""), found.get(7, "")
    if len(names.used) < _MOST_NAMES:
        names.used.setdefault((domain, operator), message.offset)
    elif (domain, operator) not in names.used:
        yield Problem(kind="limit", message=f"it uses more than {_MOST_NAMES:,} kinds of operators")
    shown = f"{domain}.{operator}" if domain else operator
    if operator in _PYTHON_OPERATORS:
        text = f"the operator {shown} imports or calls Python code that the model names"
        yield _observed("python-operator", text, message.offset, _shown_attributes(inside, count))
    elif operator in _COMPILED_OPERATORS:
        text = f"the operator {shown} holds or names a compiled program for an accelerator"
        yield _observed("compiled-operator", text, message.offset, _shown_attributes(inside, count))


def _shown_attributes(inside: list[_Message], count: ItemCount) -> str:
    """Return name and text of the attributes of a node, as evidence."""
    shown = []
    for message in inside[:20]:
        texts = {1: "", 4: ""}
        for item in fields(message.data, count):
            if item.wire == BYTES and item.number in texts:
                texts[item.number] = _text(message.data, item)
        shown.append(f"{texts[1]}={texts[4]!r}")
    return ", ".join(shown)


def _foreign(names: _Names) -> Iterator[Event]:
    """Yield the domains whose operators neither the runtime nor the model brings, with their operators."""
    foreign: dict[str, list[str]] = {}
    for domain, operator in names.used:
        if domain not in _KNOWN_DOMAINS and (domain, operator) not in names.defined:
            foreign.setdefault(domain, []).append(operator)
    for domain, operators in foreign.items():
        text = f"it needs the operators of {domain!r}, which are code outside the model"
        offset = names.used[domain, operators[0]]
        yield _observed("custom-operators", text, offset, ", ".join(sorted(operators)[:50]))


def _too_deep(depth: int) -> LimitError:
    return LimitError(
        f"structure_depth: graphs are nested deeper than {depth} messages",
        hint="no runtime reads this",
        limit="structure_depth",
        allowed=depth,
    )
