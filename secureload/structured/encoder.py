"""A model as loaded → the structured file. The same state gives the same bytes, so its hash is the model's name.

Objects are taken apart as pickle would take them apart; what is written is what was found, not how to build it.
"""

from __future__ import annotations

import base64
import copyreg
import hashlib
import importlib
import json
import types
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from secureload.errors import ConversionError
from secureload.limits import DEFAULT_LIMITS, Limits
from secureload.structured import arrays, container
from secureload.structured.containers import CONTAINERS, is_named_tuple
from secureload.structured.known import Known
from secureload.structured.number_runs import packed
from secureload.structured.special import SPECIAL
from secureload.values import dataclass

__all__ = ["Encoded", "encode", "state_hash"]

_NEW: Any = copyreg.__newobj__  # type: ignore[attr-defined]  # what protocol 2 says for cls.__new__
_SCALARS = (bool, int, str)
_MAX_INT_BITS = 3_000


@dataclass(frozen=True, slots=True)
class Encoded:
    """The pieces of the file, their SHA-256 apart from versions and checksum, and the globals that they name."""

    pieces: list[container.Buffer]
    state_hash: str
    globals: tuple[str, ...]

    @property
    def size(self) -> int:
        """The file's size in bytes."""
        return sum(memoryview(piece).nbytes for piece in self.pieces)


def encode(model: Any, known: Known, versions: Mapping[str, str], limits: Limits = DEFAULT_LIMITS) -> Encoded:
    """Encode ``model``; ``versions`` are those of the libraries that it belongs to.

    Raises:
        ConversionError: it holds something that has no form here; the message names it and where it stands.
    """
    encoder = _Encoder(known, limits)
    root = encoder.encode_root(model)
    tensors = encoder.sorted_tensors()
    names = tuple(encoder.globals)
    side = json.dumps(
        [names, encoder.shapes, root],
        separators=(",", ":"),
        ensure_ascii=False,
        allow_nan=False,
        check_circular=False,
    )
    try:
        text = side.encode("utf-8")
    except UnicodeEncodeError:
        raise ConversionError(
            "it holds text that is no Unicode (half of a surrogate pair)", hint="repair that text"
        ) from None
    modules = sorted({name.partition(":")[0] for name in names if not name.startswith("{")})
    metadata = {"format": container.FORMAT, "version": container.VERSION, "modules": ",".join(modules),
                **{f"library.{name}": version for name, version in sorted(versions.items())}}  # fmt: skip
    pieces = container.build(text, tensors, metadata)
    return Encoded(pieces, _hash(text, tensors), names)


def state_hash(model: Any, known: Known, limits: Limits = DEFAULT_LIMITS) -> str:
    """Return the canonical hash of a model's state: equal for two models that no method can tell apart."""
    return encode(model, known, {}, limits).state_hash


def _hash(text: bytes, tensors: Iterable[tuple[str, str, tuple[int, ...], container.Buffer]]) -> str:
    digest = hashlib.sha256(b"secureload state 1\n%d\n" % len(text))
    digest.update(text)
    for _, kind, shape, data in tensors:
        digest.update(f"{kind} {shape}\n".encode())
        digest.update(data)
    return digest.hexdigest()


class _Encoder:
    """One walk over one model."""

    def __init__(self, known: Known, limits: Limits) -> None:
        self._known = known
        self._limits = limits
        self.globals: dict[str, int] = {}
        # Which attributes the objects of a class have, in order: said once for all objects that have the same.
        self.shapes: list[list[Any]] = []
        self._shape_numbers: dict[tuple[Any, ...], int] = {}
        self._tensors: list[tuple[str, arrays.Tensor, list[Any]]] = []
        self._numbers: dict[int, int] = {}
        self._nodes: dict[int, list[Any]] = {}
        self._kept: list[Any] = []
        self._path: list[str] = []

    def encode_root(self, model: Any) -> Any:
        node = self.encode(model)
        # What was met once needs no number; numbers are given in the order of the walk.
        return _numbered(node, self._limits)

    def sorted_tensors(self) -> list[tuple[str, str, tuple[int, ...], container.Buffer]]:
        """Return the tensors, those with the widest elements first, and tell the JSON where each one is."""
        ordered = sorted(self._tensors, key=lambda entry: -arrays.alignment(entry[1]))
        found = []
        for position, (name, tensor, node) in enumerate(ordered):
            node[1] = position
            found.append((f"{position}.{name}", tensor[0], tuple(tensor[1]), tensor[2]))
        return found

    # ------------------------------------------------------------------------------------------------

    def encode(self, value: Any) -> Any:
        """Return the node of ``value``."""
        kind = type(value)
        if value is None or kind is bool or kind is str:
            return value
        if kind is int:
            return (
                value
                if value.bit_length() < _MAX_INT_BITS
                else self._refuse("an integer of more digits than JSON carries")
            )
        if kind is float:
            return arrays.number(value)
        atom = self._atom(value, kind)
        return self._shared(value, kind) if atom is None else atom

    def _atom(self, value: Any, kind: type) -> Any:
        """Return the node of what has no identity: numbers, bytes, tuples, globals."""
        if kind is tuple:
            return ["t", *self._items(value)]
        if kind is bytes:
            return ["b", base64.b64encode(value).decode("ascii")]
        if kind is complex:
            return ["c", arrays.number(value.real), arrays.number(value.imag)]
        if kind is slice:
            return ["sl", self.encode(value.start), self.encode(value.stop), self.encode(value.step)]
        if kind is range:
            return ["ra", value.start, value.stop, value.step]
        if kind is frozenset:
            return ["fs", *self._sorted(value)]
        if isinstance(
            value, type | types.FunctionType | types.BuiltinFunctionType | types.MethodType
        ) or kind.__name__ in ("ufunc", "_ArrayFunctionDispatcher"):
            return ["g", self._global(self._name_of(value), self._known.has_reference)]
        if kind.__module__ == "numpy" or kind.__module__.startswith("numpy."):
            return self._numpy_atom(value)
        if is_named_tuple(kind):
            return ["nt", self._class(kind), *self._items(value)]
        return None

    def _numpy_atom(self, value: Any) -> Any:
        import numpy as np

        if isinstance(value, np.generic) and not isinstance(value, np.void):
            node = arrays.scalar(value)
            return ["n0", *self._tensor(np.asarray(value))[1:]] if node is None else node
        if isinstance(value, np.dtype):
            if value.hasobject and value.names is None:
                return ["dt", "O"]
            return ["dt", arrays._descr(value) if value.names is not None else value.str]
        return None

    def _shared(self, value: Any, kind: type) -> Any:
        """Return the node of what has identity; the second time a reference to the first."""
        number = self._numbers.get(id(value))
        if number is not None:
            return ["r", number]
        if len(self._path) > self._limits.structured_depth:
            self._refuse("something nested too deep")
        number = len(self._numbers)
        if number > self._limits.structured_nodes_items:
            self._refuse("more objects than a structured model may have")
        self._numbers[id(value)] = number
        self._kept.append(value)
        return ["#", number, self._whole(value, kind)]

    def _whole(self, value: Any, kind: type) -> Any:
        if kind is dict:
            return self._mapping(value)
        if kind is list:
            numbers = packed(value)
            return ["l", *self._items(value)] if numbers is None else ["ln", self._tensor(numbers)]
        if kind is set:
            return ["s", *self._sorted(value)]
        if kind is bytearray:
            return ["ba", base64.b64encode(value).decode("ascii")]
        if kind.__module__.startswith("numpy"):
            import numpy as np

            if isinstance(value, np.ndarray):
                return self._array(value, kind)
        name = f"{kind.__module__}:{kind.__qualname__}"
        if name in SPECIAL:
            parts = SPECIAL[name].take_apart(value)
            return ["x", self._global(name, self._known.has_class), *self._named_items(parts)]
        if name in CONTAINERS:
            return [
                "m",
                self._global(name, self._known.has_class),
                *(self.encode(part) for part in CONTAINERS[name].take_apart(value)),
            ]
        return self._object(value, kind)

    def _array(self, value: Any, kind: type) -> Any:
        import numpy as np

        if kind is np.ma.MaskedArray:
            return [
                "ma",
                self._array(value.data, np.ndarray),
                self._array(np.ma.getmaskarray(value), np.ndarray),
                self.encode(value.fill_value),
            ]
        if kind is np.memmap:
            value, kind = np.asarray(value), np.ndarray
        if kind is not np.ndarray:
            self._refuse(f"an array of the class {kind.__name__}")
        if value.dtype.hasobject:
            if value.dtype.names is not None:
                self._refuse("an array of records that hold objects")
            return ["o", list(value.shape), *self._items(value.ravel().tolist())]
        node = arrays.inline(value)
        return self._tensor(value) if node is None else node

    def _tensor(self, value: Any) -> list[Any]:
        tensor = arrays.tensor_of(value)
        node: list[Any] = ["a", 0]
        if tensor[3] or tensor[4]:
            # Types of records are long, and those of all trees are one.
            node.append(
                self.globals.setdefault(tensor[3], len(self.globals))
                if tensor[3].startswith("{")
                else tensor[3]
            )
        if tensor[4]:
            node.append(tensor[4])
        self._tensors.append((self._path[-1][:60] if self._path else "array", tensor, node))
        return node

    def _object(self, value: Any, kind: type) -> Any:
        try:
            reduced = value.__reduce_ex__(2)
        except (TypeError, AttributeError, NotImplementedError) as error:
            self._refuse(f"{_shown(kind)}, which cannot be taken apart ({error})")
        if (
            isinstance(reduced, str)
            or reduced[0] is not _NEW
            or reduced[1] != (kind,)
            or any(part is not None for part in reduced[3:])
        ):
            self._refuse(_shown(kind))
        state = reduced[2] if len(reduced) > 2 else None
        if isinstance(state, tuple):
            first, slots = state
            state = {**(first or {}), **slots}
        if state is None:
            state = {}
        if not isinstance(state, dict) or not all(type(key) is str for key in state):
            self._refuse(f"{_shown(kind)}, whose state is no dictionary")
        shape = (self._class(kind), *state)
        number = self._shape_numbers.get(shape)
        if number is None:
            number = self._shape_numbers[shape] = len(self.shapes)
            self.shapes.append(list(shape))
        return ["i", number, *self._named_items(state)]

    def _mapping(self, value: dict[Any, Any]) -> Any:
        if all(type(key) is str for key in value):
            numbers = packed(value.values())
            if numbers is not None:
                return ["k", self._tensor(numbers), *value]
            return {key: self._at(key, item) for key, item in value.items()}
        return [
            "d",
            *(part for key, item in value.items() for part in (self.encode(key), self._at(str(key), item))),
        ]

    def _items(self, values: Iterable[Any]) -> list[Any]:
        return [
            value if type(value) is str or type(value) is int else self._at(None, value) for value in values
        ]

    def _named_items(self, parts: Mapping[str, Any]) -> list[Any]:
        return [self._at(name, value) for name, value in parts.items()]

    def _at(self, name: str | None, value: Any) -> Any:
        self._path.append(name if name is not None else self._path[-1] if self._path else "item")
        node = self.encode(value)
        self._path.pop()
        return node

    def _sorted(self, values: Iterable[Any]) -> list[Any]:
        return sorted(
            (self.encode(value) for value in values), key=lambda node: json.dumps(node, sort_keys=True)
        )

    def _class(self, kind: type) -> int:
        return self._global(self._name_of(kind), self._known.has_class)

    def _name_of(self, value: Any) -> str:
        module, name = (
            getattr(value, "__module__", None),
            getattr(value, "__qualname__", getattr(value, "__name__", "")),
        )
        if type(value).__name__ in ("ufunc", "_ArrayFunctionDispatcher"):
            module, name = "numpy" if module is None or module.startswith("numpy") else module, value.__name__
            if not hasattr(importlib.import_module("numpy"), name):
                module = "scipy.special"
        return f"{module}:{name}"

    def _global(self, name: str, allowed: Callable[[str], bool]) -> int:
        if not allowed(name):
            self._refuse(name.replace(":", "."))
        return self.globals.setdefault(name, len(self.globals))

    def _refuse(self, what: str) -> Any:
        where = ".".join(self._path[-6:])
        raise ConversionError(
            f"it holds {what}{f' (at {where})' if where else ''}, which has no structured form",
            hint=_hint(what),
            unsupported=what,
            where=where,
        )


def _shown(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def _hint(what: str) -> str:
    if "lambda" in what or "<locals>" in what:
        return (
            "use a function of numpy in its place, or a named one of a module of yours: --allow MODULE.NAME"
        )
    library = what.split(".", 1)[0]
    if library == "torch":
        return "dictionaries of tensors by name become safetensors: save model.state_dict(), and nothing else"
    if library in ("xgboost", "lightgbm"):
        return (
            "convert it --to onnx, or keep it as a signed joblib file, which secureload loads in its sandbox"
        )
    if what.startswith("scipy.sparse"):
        return (
            "call its tocsr() and save what comes out: rows, columns, coordinates and diagonals have a form"
        )
    if library in ("sklearn", "numpy", "scipy", "pandas"):
        return "keep it as a signed joblib file, which secureload loads in its sandbox"
    return (
        f"allow it by its exact name, if it is yours and its state is plain data: --allow {what}"
        if "." in what and " " not in what
        else "keep it as a signed joblib file, which secureload loads in its sandbox"
    )


def _numbered(root: Any, limits: Limits) -> Any:
    """Return the tree with numbers only where something is met again, counted in the order of the tree."""
    wanted: set[int] = set()
    _walk(root, lambda node: wanted.add(node[1]) if node[0] == "r" else None)
    numbers: dict[int, int] = {}
    return _renumbered(root, wanted, numbers) if isinstance(root, list | dict) else root


def _walk(node: Any, visit: Callable[[list[Any]], object]) -> None:
    waiting = [node]
    while waiting:
        node = waiting.pop()
        if type(node) is dict:
            waiting.extend(item for item in node.values() if type(item) is list or type(item) is dict)
        elif type(node) is list and node:
            visit(node)
            if node[0] not in ("v", "b"):
                waiting.extend(item for item in node if type(item) is list or type(item) is dict)


def _renumbered(node: Any, wanted: set[int], numbers: dict[int, int]) -> Any:
    if type(node) is dict:
        for key, item in node.items():
            if type(item) is list or type(item) is dict:
                node[key] = _renumbered(item, wanted, numbers)
        return node
    if not node:
        return node
    if node[0] == "r":
        return ["r", numbers[node[1]]]
    if node[0] == "#":
        _, number, inner = node
        if number in wanted:
            numbers[number] = len(numbers)
            return ["#", _renumbered(inner, wanted, numbers)]
        return _renumbered(inner, wanted, numbers)
    if node[0] in ("v", "b", "a", "n", "f"):
        return node
    for position, item in enumerate(node):
        if position and (type(item) is list or type(item) is dict):
            node[position] = _renumbered(item, wanted, numbers)
    return node
