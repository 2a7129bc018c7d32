"""What skops would import, make and call, and the nodes that say one thing and do another."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secureload.formats.reading import Event, Observation, Reference
from secureload.formats.skops_schema import SchemaFiles, walk_schema


def node(loader: str, module: str, name: str, **fields: Any) -> dict[str, Any]:
    return {"__class__": name, "__module__": module, "__loader__": loader, "__id__": 1, **fields}


def json_node(text: str) -> dict[str, Any]:
    return node("JsonNode", "builtins", "str", content=text, is_json=True)


def dict_node(content: dict[str, Any], *key_types: dict[str, Any]) -> dict[str, Any]:
    types = node("ListNode", "builtins", "list", content=list(key_types))
    return node("DictNode", "builtins", "dict", content=content, key_types=types)


def walked(value: object) -> list[Event]:
    return list(walk_schema(value, SchemaFiles()))


def codes(value: object) -> list[str]:
    return [event.code for event in walked(value) if isinstance(event, Observation)]


def references(value: object) -> set[tuple[str, str, str]]:
    return {(event.module, event.name, event.use) for event in walked(value) if isinstance(event, Reference)}


@pytest.mark.parametrize(
    ("loader", "use"),
    [("ObjectNode", "new"), ("ConstructorFromReduceNode", "call"), ("TypeNode", "import"), ("FunctionNode", "import"),
     ("DictNode", "new"), ("ListNode", "call"), ("SetNode", "call"), ("TupleNode", "new"), ("TreeNode", "call"),
     ("LossNode", "call"), ("SGDNode", "call"), ("QuantileForestNode", "call"), ("RandomStateNode", "new"),
     ("RandomGeneratorNode", "new"), ("NdArrayNode", "new"), ("SparseMatrixNode", "import")],
)  # fmt: skip
def test_every_loader_that_imports_names_its_class_and_what_it_does_with_it(loader: str, use: str) -> None:
    assert ("posix", "system", use) in references(node(loader, "posix", "system"))


def test_a_class_is_found_however_deep_and_in_whatever_field_it_stands() -> None:
    hidden = node("TypeNode", "os", "system")
    tree = dict_node({"a": node("TupleNode", "builtins", "tuple", content=[{"x": [hidden]}])})
    assert ("os", "system", "import") in references(tree)
    assert ("os", "system", "import") in references({"no": "loader", "extra": hidden})


def test_what_skops_writes_for_plain_values_names_nothing() -> None:
    value = dict_node(
        {
            "a": json_node("1"),
            "b": node("ListNode", "builtins", "list", content=[json_node("2")]),
            "c": node("NdArrayNode", "numpy", "ndarray", type="numpy", file="1.npy"),
            "d": node("NdArrayNode", "numpy", "float64", type="numpy", file="2.npy"),
            "e": node("SliceNode", "builtins", "slice", content={"start": 0, "stop": 1, "step": None}),
            "f": node("BytesNode", "builtins", "bytes", file="3.bin"),
            "g": node("DTypeNode", "numpy", "dtype"),
            "h": node("MaskedArrayNode", "numpy.ma", "MaskedArray"),
            "i": {"__loader__": "CachedNode", "__class__": None, "__module__": None, "__id__": 1},
        },
        node("TypeNode", "builtins", "str"),
    )
    files = SchemaFiles()
    assert list(walk_schema(value, files)) == []
    assert (files.others, files.raw) == ({"1.npy", "2.npy"}, {"3.bin"})


def test_cve_2025_54412_a_function_of_operator_under_another_module() -> None:
    trap = node("OperatorFuncNode", "builtins", "methodcaller", attrs=node("TupleNode", "builtins", "tuple"))
    assert codes(trap) == ["skops.class-differs"]
    assert ("operator", "methodcaller", "call") in references(trap)
    plain = node("OperatorFuncNode", "operator", "itemgetter")
    assert (codes(plain), references(plain)) == ([], {("operator", "itemgetter", "call")})


def test_cve_2025_54413_a_method_of_another_object_than_it_says() -> None:
    owner = node("ObjectNode", "sklearn.linear_model._base", "LinearRegression")
    trap = node("MethodNode", "builtins", "str", content={"func": "predict", "obj": owner})
    assert "skops.class-differs" in codes(trap)
    plain = node(
        "MethodNode", owner["__module__"], owner["__class__"], content={"func": "predict", "obj": owner}
    )
    assert codes(plain) == ["skops.method"]


@pytest.mark.parametrize("attribute", ["__globals__", "__init__.__globals__", "a.b", "", 5, None])
def test_an_attribute_that_is_no_method(attribute: object) -> None:
    owner = node("ObjectNode", "a", "B")
    assert codes(node("MethodNode", "a", "B", content={"func": attribute, "obj": owner})) == [
        "skops.attribute"
    ]


@pytest.mark.parametrize(
    "loader", ["JsonNode", "BytesNode", "SliceNode", "DTypeNode", "MaskedArrayNode", "PartialNode"]
)
def test_a_loader_that_makes_something_else_than_its_node_says(loader: str) -> None:
    assert "skops.class-differs" in codes(node(loader, "os", "system", content=""))


def test_a_tree_node_makes_a_tree_whatever_it_says() -> None:
    assert codes(node("TreeNode", "sklearn.tree._tree", "Tree")) == []
    assert codes(node("TreeNode", "builtins", "list")) == ["skops.class-differs"]


@pytest.mark.parametrize("name", ['"PCG64"', '"MT19937"'])
def test_the_bit_generators_of_numpy_are_expected(name: str) -> None:
    assert codes(generator(json_node(name))) == []


@pytest.mark.parametrize("state", [json_node('"seed"'), json_node('"test"'), None, {}, 5])
def test_any_other_function_of_numpy_random_is_told(state: object) -> None:
    assert codes(generator(state)) == ["skops.bit-generator"]


def generator(name: object) -> dict[str, Any]:
    state = dict_node({"bit_generator": name})
    return node(
        "RandomGeneratorNode", "numpy.random._generator", "Generator", content={"bit_generator": state}
    )


def test_keys_of_numpy_scalars_are_expected() -> None:
    plain = dict_node(
        {"1": json_node("1")}, node("TypeNode", "numpy", "int64"), node("TypeNode", "builtins", "int")
    )
    assert (codes(plain), references(plain)) == ([], {("numpy", "int64", "import")})


def test_keys_that_are_made_by_calling_a_function() -> None:
    assert codes(dict_node({"id": json_node("1")}, node("TypeNode", "os", "system"))) == ["skops.key-type"]
    assert "skops.key-type" in codes(dict_node({"id": json_node("1")}, {"__module__": [], "__class__": {}}))


def test_the_text_that_a_scipy_distribution_executes_is_shown() -> None:
    state = dict_node({"_parse_arg_template": json_node('"def f(): pass"')})
    (event,) = [event for event in walked(state) if isinstance(event, Observation)]
    assert (event.code, event.detail) == ("skops.executed-state", '"def f(): pass"')


def test_protocol_0_kept_the_names_of_a_function_in_its_content() -> None:
    old = node("FunctionNode", "builtins", "function", content={"module_path": "os", "function": "system"})
    assert ("os", "system", "import") in references(old)


def test_loaders_that_do_not_exist_and_nodes_without_names() -> None:
    assert codes(node("EvalNode", "builtins", "str")) == ["skops.unknown-loader"]
    assert codes({"__loader__": "ObjectNode", "__class__": None, "__module__": "a"}) == ["skops.odd-node"]
    assert codes({"__class__": "a", "__module__": "b"}) == ["skops.odd-node"]
    assert codes(node("JsonNode", "builtins", "str", content={"a": 1})) == ["skops.odd-node"]
    assert codes(node("PartialNode", "functools", "partial", content={})) == ["skops.partial"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["__class__", "__module__", "__loader__", "content", "func", "obj", "file", "key_types", "x"]
            ),
            inner
            | st.sampled_from(["DictNode", "MethodNode", "FunctionNode", "RandomGeneratorNode", "TreeNode"]),
            max_size=6,
        )
    ),
    max_leaves=20,
)


@given(JSON)
@settings(deadline=None)
def test_any_json_gives_events(value: object) -> None:
    for event in walked(value):
        assert isinstance(event, Observation | Reference)
