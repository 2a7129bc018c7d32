"""ONNX: a graph of operators with its weights, as a protocol buffer.

A model is data to its runtime, with these exceptions, which are looked for in every graph, nested ones and
those of functions too: weights that lie in other files, operators that are code outside the model, and
operators that run Python. Weights themselves are stepped over by their length.
"""

from __future__ import annotations

from collections.abc import Iterator

from secureload.formats.item_count import ItemCount
from secureload.formats.onnx_schema import ONNX
from secureload.formats.onnx_tensor import read_tensor
from secureload.formats.proto_walk import Message, Met, text_of, unknown_fields, walk
from secureload.formats.protobuf import BYTES, fields
from secureload.formats.reading import Event, Observation, Problem, ReadContext, Versions
from secureload.formats.region import Region
from secureload.formats.repeated import first_of_each_code
from secureload.values import dataclass, field

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
_MOST_NAMES = 10_000


@dataclass(slots=True)
class _Names:
    """What was met so far: operators in use, operators that the model defines itself, versions, graphs."""

    used: dict[tuple[str, str], int] = field(default_factory=dict)
    defined: set[tuple[str, str]] = field(default_factory=set)
    told: set[str] = field(default_factory=set)
    graphs: int = 0
    unknown: list[int] = field(default_factory=lambda: [0])


def read(data: Region, context: ReadContext) -> Iterator[Event]:
    """Yield external files, operators that are code, tensors that do not fit, and what is no part of a model."""
    return first_of_each_code(_read(data, context))


def _read(data: Region, context: ReadContext) -> Iterator[Event]:
    count = ItemCount(context.limits)
    names = _Names()
    for met in walk(data, "model", ONNX, count, context.limits):
        yield from unknown_fields(met, "onnx.unknown-field", names.unknown)
        yield from _message(met, names, count)
    if not names.graphs:
        yield Problem(kind="malformed", message="there is no graph in this model", offset=0)
    yield from _foreign(names)


def _message(met: Met, names: _Names, count: ItemCount) -> Iterator[Event]:
    """Yield what one message says."""
    kind, texts = met.message.kind, met.texts
    if kind == "tensor":
        yield from _tensor(met.message, count, names)
    elif kind == "model":
        yield from _model(met, names)
    elif kind == "node":
        yield from _node(met, names, count)
    elif kind == "opset":
        yield Versions(library=f"opset {texts.get(1) or 'ai.onnx'}", version=texts.get(2, "?"))
    elif kind == "function":
        if len(names.defined) < _MOST_NAMES:
            names.defined.add((texts.get(10, ""), texts.get(1, "")))
    elif kind == "metadata" and texts.get(1) == _SESSION_OPTIONS:
        text = "the model brings options for the session of onnxruntime"
        yield _observed("session-options", text, met.message.offset, texts.get(2, ""))


def _observed(code: str, message: str, offset: int, detail: str = "") -> Observation:
    return Observation(code=f"onnx.{code}", message=message, detail=detail, offset=offset)


def _tensor(message: Message, count: ItemCount, names: _Names) -> Iterator[Event]:
    for event in read_tensor(message.data, message.offset, count):
        # A thousand tensors in one external file are one thing to tell.
        if isinstance(event, Observation) and event.code == "onnx.external-data":
            if event.message in names.told:
                continue
            if len(names.told) < _MOST_NAMES:
                names.told.add(event.message)
        yield event


def _model(met: Met, names: _Names) -> Iterator[Event]:
    texts = met.texts
    yield Versions(library="ONNX IR", version=texts.get(1, "?"))
    if texts.get(2) and texts.get(3):
        yield Versions(library=texts[2], version=texts[3])
    graphs = [message for message in met.inside if message.kind == "graph"]
    names.graphs += len(graphs)
    for message in graphs[1:2]:
        text = "the model has two graphs: some programs join them, others take the last one"
        yield _observed("two-graphs", text, message.offset)


def _node(met: Met, names: _Names, count: ItemCount) -> Iterator[Event]:
    message = met.message
    operator, domain = met.texts.get(4, ""), met.texts.get(7, "")
    if len(names.used) < _MOST_NAMES:
        names.used.setdefault((domain, operator), message.offset)
    elif (domain, operator) not in names.used and "too many" not in names.told:
        names.told.add("too many")
        yield Problem(kind="limit", message=f"it uses more than {_MOST_NAMES:,} kinds of operators")
    shown = f"{domain}.{operator}" if domain else operator
    if operator in _PYTHON_OPERATORS:
        text = f"the operator {shown} imports or calls Python code that the model names"
        yield _observed("python-operator", text, message.offset, _shown_attributes(met.inside, count))
    elif operator in _COMPILED_OPERATORS:
        text = f"the operator {shown} holds or names a compiled program for an accelerator"
        yield _observed("compiled-operator", text, message.offset, _shown_attributes(met.inside, count))


def _shown_attributes(inside: list[Message], count: ItemCount) -> str:
    """Return name and text of the attributes of a node, as evidence."""
    shown = []
    for message in inside[:20]:
        texts = {1: "", 4: ""}
        for item in fields(message.data, count):
            if item.wire == BYTES and item.number in texts:
                texts[item.number] = text_of(message.data, item)
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
