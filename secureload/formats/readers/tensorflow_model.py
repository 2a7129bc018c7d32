"""TensorFlow: SavedModels, frozen graphs, and the metadata of Keras beside them, as protocol buffers.

A graph runs in TensorFlow's own runtime: it is data but for operators that do more than compute, and those that
a library must bring. They are looked for in the graph and in every function, whichever of them a signature
calls. Constants are stepped over; only the texts from which the path of a checkpoint is made are read.
"""

from __future__ import annotations

from collections.abc import Iterator

from secureload.formats.item_count import ItemCount
from secureload.formats.keras_config import walk_config
from secureload.formats.outside import why_outside
from secureload.formats.proto_walk import Met, text_of, unknown_fields, walk
from secureload.formats.protobuf import BYTES, fields
from secureload.formats.protobuf_head import root_of
from secureload.formats.reading import Event, Identified, Observation, Problem, ReadContext, Versions
from secureload.formats.region import Region
from secureload.formats.repeated import first_of_each_code
from secureload.formats.tensorflow_nodes import Scope, functions_named, text_attribute
from secureload.formats.tensorflow_ops import COMPUTING, OUTSIDE, RESTORERS, SAVERS
from secureload.formats.tensorflow_schema import TENSORFLOW
from secureload.values import dataclass, field

__all__ = ["read"]

_LOADERS = {
    "saved model": "tf.saved_model.load",
    "meta graph": "tf.train.import_meta_graph",
    "graph": "tf.import_graph_def",
    "keras metadata": "keras.models.load_model",
}
_SAYS = {
    "python-operator": "calls a Python function of the program that loads the model",
    "reads-files": "reads the file of a computed name",
    "input-files": "reads data sets from files or a database",
    "writes-files": "writes files",
    "output-files": "writes events, a cache or settings",
    "network": "connects to another process",
    "compiled-operator": "runs a compiled program",
}
# Where the JSON of a Keras layer stands: in the object itself before TensorFlow 2.5, then in a file beside it.
_CONFIGURATIONS = {"user object": (1, 3), "keras object": (4, 5)}
_MOST_NAMES = 10_000


@dataclass(slots=True)
class _Graph:
    """What was met so far: operators, functions of the library, and the nodes of the scope that is being read."""

    context: ReadContext
    count: ItemCount
    operators: dict[str, int] = field(default_factory=dict)
    functions: set[str] = field(default_factory=set)
    scope: Scope = field(default_factory=lambda: Scope({}))
    openers: list[tuple[str, Region, int]] = field(default_factory=list)
    unknown: list[int] = field(default_factory=lambda: [0])
    too_many: bool = False


def read(data: Region, context: ReadContext) -> Iterator[Event]:
    """Yield operators that do more than compute, those of foreign libraries, and what Keras would make."""
    return first_of_each_code(_read(data, context))


def _read(data: Region, context: ReadContext) -> Iterator[Event]:
    root = root_of(data.head(4096), data.size)
    if root == "fingerprint":
        return  # five numbers that say what a SavedModel was
    if root not in _LOADERS:
        yield Problem(kind="malformed", message="this is no model of TensorFlow", offset=0)
        return
    yield Identified(format="tensorflow", loader=_LOADERS[root])
    graph = _Graph(context, ItemCount(context.limits))
    for met in walk(data, root, TENSORFLOW, graph.count, context.limits):
        yield from unknown_fields(met, "tensorflow.unknown-field", graph.unknown)
        if met.message.kind in ("graph", "function"):
            yield from _paths(graph)
        yield from _message(met, graph)
    yield from _paths(graph)
    yield from _foreign(graph)


def _observed(code: str, message: str, offset: int = -1, detail: str = "") -> Observation:
    return Observation(code=f"tensorflow.{code}", message=message, detail=detail, offset=offset)


def _message(met: Met, graph: _Graph) -> Iterator[Event]:
    kind = met.message.kind
    if kind == "node":
        yield from _node(met, graph)
    elif kind == "signature":
        if len(graph.functions) < _MOST_NAMES:
            graph.functions.add(met.texts.get(1, ""))
    elif kind == "info" and met.texts.get(5):
        yield Versions(library="tensorflow", version=met.texts[5])
    elif kind in _CONFIGURATIONS:
        yield from _configuration(met, graph)


def _node(met: Met, graph: _Graph) -> Iterator[Event]:
    message = met.message
    name, operator = met.texts.get(1, ""), met.texts.get(2, "")
    if operator in OUTSIDE:
        yield from _outside(operator, name, message.offset)
    elif operator in SAVERS or operator in RESTORERS:
        if len(graph.openers) < _MOST_NAMES:
            graph.openers.append((operator, message.data, message.offset))
    elif operator == "PrintV2":
        target = text_attribute(message.data, "output_stream", graph.count)
        if target.startswith("file:"):
            yield _observed(
                "writes-files", f"the operator PrintV2 ({name}) writes a file", message.offset, target
            )
    elif len(graph.operators) < _MOST_NAMES:
        graph.operators.setdefault(operator, message.offset)
    elif operator not in graph.operators and not graph.too_many:
        graph.too_many = True
        yield Problem(kind="limit", message=f"it uses more than {_MOST_NAMES:,} kinds of operators")
    for function in functions_named(message.data, graph.count):
        if function in OUTSIDE:
            yield from _outside(function, name, message.offset)
    graph.scope.note(name, operator, message.data)


def _outside(operator: str, name: str, offset: int) -> Iterator[Event]:
    code = OUTSIDE[operator]
    yield _observed(code, f"the operator {operator} {_SAYS[code]}", offset, name)


def _paths(graph: _Graph) -> Iterator[Event]:
    """Yield where a checkpoint is written or read, as far as the graph says it in constants; begin a new scope."""
    for operator, node, offset in graph.openers:
        for text in graph.scope.texts_behind(node, graph.count):
            if text and (why := why_outside(text)):
                code = "writes-files" if operator in SAVERS else "input-files"
                yield _observed(code, f"the operator {operator} opens a path of its own: {why}", offset, text)
    graph.openers.clear()
    graph.scope.nodes.clear()


def _configuration(met: Met, graph: _Graph) -> Iterator[Event]:
    """Yield what the configuration of a Keras layer says."""
    identifier, metadata = _CONFIGURATIONS[met.message.kind]
    data, texts = met.message.data, {}
    for item in fields(data, graph.count):
        if item.wire == BYTES and item.number == metadata:
            texts[metadata] = data.read_at(item.offset, item.value)
        elif item.wire == BYTES and item.number == identifier:
            texts[identifier] = text_of(data, item).encode()
    if texts.get(metadata, b"").lstrip()[:1] == b"{" and b"keras" in texts.get(identifier, b"keras"):
        yield from walk_config(texts[metadata], graph.context)


def _foreign(graph: _Graph) -> Iterator[Event]:
    """Yield the operators that neither TensorFlow nor the model's own functions bring."""
    foreign = sorted(
        name for name in graph.operators if name not in COMPUTING and name not in graph.functions
    )
    if foreign:
        text = (
            f"it needs {len(foreign):,} operators that are code outside TensorFlow: {', '.join(foreign[:5])}"
        )
        yield _observed("custom-operators", text, graph.operators[foreign[0]], ", ".join(foreign[:100]))
