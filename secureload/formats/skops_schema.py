"""The schema of a skops file: a tree of nodes, each with the class that it makes and the loader that makes it.

skops asks its user to trust the names in ``__module__`` and ``__class__``; what is done with them depends on
``__loader__``. Most loaders import the class and make an instance, some call it with what the file gives them,
and a few make something else than the names say: there a file can show one thing and do another (CVE-2025-54412,
CVE-2025-54413). Every node is read for what its loader does. Source: ``skops/io`` of the releases 0.6 to 0.16.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal, TypeAlias, cast

from secureload.formats.reading import Event, Observation, Reference
from secureload.values import dataclass, field

__all__ = ["SchemaFiles", "walk_schema"]

_Use: TypeAlias = Literal["import", "new", "call"]
_Node: TypeAlias = dict[str, object]

# What a loader does with the class that the node names.
_USES: Final[dict[str, _Use]] = {
    "ConstructorFromReduceNode": "call",
    "DictNode": "new",
    "FunctionNode": "import",
    "ListNode": "call",
    "LossNode": "call",
    "NdArrayNode": "new",
    "ObjectNode": "new",
    "QuantileForestNode": "call",
    "RandomGeneratorNode": "new",
    "RandomStateNode": "new",
    "SGDNode": "call",
    "SetNode": "call",
    "SparseMatrixNode": "import",
    "TreeNode": "call",
    "TupleNode": "new",
    "TypeNode": "import",
}
# Loaders that make one class alone and import nothing for it, with the names that skops writes there.
_FIXED: Final[dict[str, tuple[tuple[str, str], ...]]] = {
    "BytearrayNode": (("builtins", "bytearray"),),
    "BytesNode": (("builtins", "bytes"),),
    "DTypeNode": (("numpy", "dtype"),),
    "DefaultDictNode": (("collections", "defaultdict"),),
    "JsonNode": (("builtins", "str"),),
    "MaskedArrayNode": (("numpy.ma", "MaskedArray"), ("numpy.ma.core", "MaskedArray")),
    "PartialNode": (("functools", "partial"),),
    "SliceNode": (("builtins", "slice"),),
    "_DictWithDeprecatedKeysNode": (("sklearn.covariance._graph_lasso", "_DictWithDeprecatedKeys"),),
}
_SCALARS: Final = (
    "bool", "bool_", "bytes_", "complex128", "complex64", "datetime64", "float16", "float32", "float64", "int16",
    "int32", "int64", "int8", "longdouble", "longlong", "str_", "timedelta64", "uint16", "uint32", "uint64", "uint8",
    "ulonglong",
)  # fmt: skip
# What the others make where they are not asked for a class of their own.
_PLAIN: Final = frozenset(
    (
        ("DictNode", "builtins", "dict"),
        ("ListNode", "builtins", "list"),
        ("NdArrayNode", "numpy", "ndarray"),
        *(("NdArrayNode", "numpy", name) for name in _SCALARS),
        ("RandomGeneratorNode", "numpy.random._generator", "Generator"),
        ("RandomStateNode", "numpy.random.mtrand", "RandomState"),
        ("SetNode", "builtins", "set"),
        ("TupleNode", "builtins", "tuple"),
        *(("TypeNode", "builtins", name) for name in ("bool", "float", "int", "str")),
    )
)
_BIT_GENERATORS: Final = frozenset(("MT19937", "PCG64", "PCG64DXSM", "Philox", "SFC64"))
_INNER: Final = (dict, list)
# The fields of a JsonNode: class, module, loader, id, content and is_json.
_PLAIN_FIELDS: Final = 6
_EXECUTED: Final = ("_parse_arg_template", "parse_arg_template")
# A key is made by calling its type with the text in the file.
_KEY_TYPES: Final = frozenset(
    (
        *(("builtins", name) for name in ("bool", "float", "int", "str", "NoneType")),
        *(("numpy", name) for name in _SCALARS),
    )
)


@dataclass(slots=True)
class SchemaFiles:
    """The members that the schema refers to: those that are raw bytes to skops, and the others."""

    raw: set[str] = field(default_factory=set)
    others: set[str] = field(default_factory=set)


def walk_schema(root: object, files: SchemaFiles) -> Iterator[Event]:
    """Yield what skops would import, make and call for the schema ``root``; add the members it reads to ``files``.

    Whatever is a node by its fields counts, wherever it stands: no loader's idea of the structure is believed.
    """
    pending: list[object] = [root]
    while pending:
        item = pending.pop()
        if isinstance(item, dict):
            if _is_plain(item):
                continue
            if "__loader__" in item or "__class__" in item:
                yield from _about_node(item, files)
            pending.extend([value for value in item.values() if type(value) in _INNER])
        elif isinstance(item, list):
            pending.extend([value for value in item if type(value) in _INNER])


def _is_plain(node: _Node) -> bool:
    """Whether it is a value or a type that has nothing to say: of a vocabulary of 200,000 words each is both."""
    if node.get("__module__") != "builtins" or node.get("__class__") != "str" or len(node) > _PLAIN_FIELDS:
        return False
    loader = node.get("__loader__")
    return (loader == "JsonNode" and type(node.get("content")) is str) or (
        loader == "TypeNode" and "content" not in node
    )


def _about_node(node: _Node, files: SchemaFiles) -> Iterator[Event]:
    loader, module, name = node.get("__loader__"), node.get("__module__"), node.get("__class__")
    if loader == "CachedNode":
        return  # stands for a node that was read before
    if not isinstance(loader, str) or not isinstance(module, str) or not isinstance(name, str):
        yield Observation(
            code="skops.odd-node", message=f"a node without plain names: {module!r}, {name!r}, {loader!r}"
        )
        return
    _note_file(node, loader, files)
    if loader in _FIXED:
        if (module, name) not in _FIXED[loader]:
            yield _says(loader, module, name, _FIXED[loader][0])
    elif loader == "MethodNode":
        yield from _about_method(node, module, name)
    elif loader == "OperatorFuncNode":
        if module != "operator":
            yield _says(loader, module, name, ("operator", name))
        yield Reference(module="operator", name=name, use="call")
    elif (loader, module, name) not in _PLAIN:
        yield Reference(module=module, name=name, use=_USES.get(loader, "import"))
    yield from _special(node, loader)


def _special(node: _Node, loader: str) -> Iterator[Event]:
    """Yield what a loader does besides making its class."""
    content = node.get("content")
    if loader not in _USES and loader not in _FIXED and loader not in ("MethodNode", "OperatorFuncNode"):
        message = f"a node of the loader {loader!r}, which no release of skops has"
        yield Observation(code="skops.unknown-loader", message=message)
    elif loader == "JsonNode" and not isinstance(content, str):
        yield Observation(code="skops.odd-node", message="a JsonNode whose content is no text")
    elif loader == "PartialNode":
        yield Observation(
            code="skops.partial", message="a function with arguments, which the model calls later"
        )
    elif loader == "RandomGeneratorNode":
        yield from _about_generator(content)
    elif loader == "DictNode":
        yield from _about_keys(node.get("key_types"))
        yield from _about_template(content)
    elif loader == "FunctionNode" and isinstance(content, dict):
        # Protocol 0 kept the names of a function here.
        module, name = content.get("module_path"), content.get("function")
        if isinstance(module, str) and isinstance(name, str):
            yield Reference(module=module, name=name)
        elif module is not None or name is not None:
            yield Observation(code="skops.odd-node", message="a FunctionNode without plain names")
    elif loader == "TreeNode" and (node["__module__"], node["__class__"]) != ("sklearn.tree._tree", "Tree"):
        yield _says(loader, str(node["__module__"]), str(node["__class__"]), ("sklearn.tree._tree", "Tree"))


def _about_method(node: _Node, module: str, name: str) -> Iterator[Event]:
    content = node.get("content")
    fields = content if isinstance(content, dict) else {}
    method, owner = fields.get("func"), fields.get("obj")
    owner = owner if isinstance(owner, dict) else {}
    if (owner.get("__module__"), owner.get("__class__")) != (module, name) and owner.get(
        "__loader__"
    ) != "CachedNode":
        yield _says("MethodNode", module, name, (str(owner.get("__module__")), str(owner.get("__class__"))))
    if not isinstance(method, str) or not method.isidentifier() or method.startswith("__"):
        message = f"it takes the attribute {method!r} of an object of {module}.{name}"
        yield Observation(code="skops.attribute", message=message)
    else:
        message = f"it holds the method {module}.{name}.{method}, which the model calls later"
        yield Observation(code="skops.method", message=message)


def _about_generator(content: object) -> Iterator[Event]:
    """The name of a bit generator is looked up in numpy.random and called, and no trust is asked for it."""
    state = content.get("bit_generator") if isinstance(content, dict) else None
    inner = state.get("content", state) if isinstance(state, dict) else None
    named = inner.get("bit_generator") if isinstance(inner, dict) else None
    text = named.get("content") if isinstance(named, dict) else named
    name = text.strip('"') if isinstance(text, str) else None
    if name not in _BIT_GENERATORS:
        message = f"a random generator whose bit generator is {name!r}, which skops would look up and call"
        yield Observation(code="skops.bit-generator", message=message)


def _about_keys(key_types: object) -> Iterator[Event]:
    types = key_types.get("content") if isinstance(key_types, dict) else None
    for item in types if isinstance(types, list) else ():
        node = cast(_Node, item) if isinstance(item, dict) else {}
        module, name = node.get("__module__"), node.get("__class__")
        if node.get("__loader__") == "CachedNode":
            continue
        if not isinstance(module, str) or not isinstance(name, str) or (module, name) not in _KEY_TYPES:
            message = f"the keys of a dictionary are made by calling {module}.{name} with text from the file"
            yield Observation(code="skops.key-type", message=message)
            return


def _about_template(state: object) -> Iterator[Event]:
    """scipy's distributions execute a text of their state when they get it."""
    fields = state if isinstance(state, dict) else {}
    for key in _EXECUTED:
        if key in fields:
            node = fields[key]
            text = node.get("content") if isinstance(node, dict) else node
            message = "the state of a scipy distribution holds a text that scipy executes"
            yield Observation(code="skops.executed-state", message=message, detail=str(text))


def _note_file(node: _Node, loader: str, files: SchemaFiles) -> None:
    name = node.get("file")
    if isinstance(name, str):
        (files.raw if loader in ("BytesNode", "BytearrayNode") else files.others).add(name)


def _says(loader: str, module: str, name: str, makes: tuple[str, str]) -> Observation:
    message = f"a {loader} is called {module}.{name}, and makes {'.'.join(makes)}"
    return Observation(code="skops.class-differs", message=message)
