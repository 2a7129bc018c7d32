from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secureload.formats.onnx_schema import ONNX
from secureload.formats.proto_walk import PLAIN
from secureload.formats.readers import onnx_model
from secureload.formats.reading import Event, Versions
from secureload.limits import Limits
from tests.formats.feeding import bytes_of, children, codes, feed, mutated, observation, problems
from tests.formats.wire import message


def node(operator: str, domain: str = "", *attributes: bytes) -> bytes:
    fields: list[tuple[int, bytes | str]] = [(1, "x"), (2, "y"), (4, operator)]
    return message(*fields, *((5, attribute) for attribute in attributes), *([(7, domain)] if domain else []))


def tensor(
    *dims: int, data: bytes | None = None, dtype: int = 1, external: dict[str, str] | None = None
) -> bytes:
    entries = [(13, message((1, name), (2, text))) for name, text in (external or {}).items()]
    raw = [] if data is None else [(9, data)]
    return message(
        *((1, dim) for dim in dims), (2, dtype), (8, "W"), *raw, *entries, *([(14, 1)] if entries else [])
    )


def graph(*nodes: bytes, initializers: tuple[bytes, ...] = ()) -> bytes:
    return message(
        *((1, item) for item in nodes), (2, "main"), *((5, item) for item in initializers), (11, b"\x0a\x01x")
    )


def model(body: bytes, *more: tuple[int, bytes | str]) -> bytes:
    opset = message((1, ""), (2, 21))
    return message((1, 10), (2, "skl2onnx"), (3, "1.20.0"), (7, body), (8, opset), *more)


def read(data: bytes, **limits: int) -> list[Event]:
    return feed(onnx_model, data, limits=Limits(**limits))


MATMUL = graph(node("MatMul"), initializers=(tensor(2, 3, data=bytes(24)),))
VALID = model(MATMUL)

# Where a graph can stand in a model.
PLACES: dict[str, Callable[[bytes], bytes]] = {
    "the graph": model,
    "a branch": lambda body: model(graph(node("If", "", message((1, "then_branch"), (6, body))))),
    "a list of graphs": lambda body: model(graph(node("X", "", message((1, "all"), (11, body))))),
    "a branch in a branch": lambda body: model(
        graph(node("If", "", message((6, graph(node("Loop", "", message((6, body))))))))
    ),
    "training": lambda body: model(MATMUL, (20, message((2, body)))),
    "initialization of training": lambda body: model(MATMUL, (20, message((1, body)))),
    "a function": lambda body: model(
        MATMUL, (25, message((1, "f"), (10, "d"), (7, node("If", "", message((6, body))))))
    ),
}


def test_a_model_of_an_ordinary_converter_tells_its_versions_and_nothing_else() -> None:
    assert read(VALID) == [
        Versions(library="ONNX IR", version="10"),
        Versions(library="skl2onnx", version="1.20.0"),
        Versions(library="opset ai.onnx", version="21"),
    ]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("operator", ["PyOp", "PythonOp", "PyFunc"])
def test_an_operator_that_runs_python_is_found_wherever_a_graph_can_stand(place: str, operator: str) -> None:
    payload = node(operator, "com.microsoft", message((1, "module"), (4, "evil_module")))
    found = observation(read(PLACES[place](graph(payload))), "onnx.python-operator")
    assert found.detail == "module='evil_module'"
    assert operator in found.message


@pytest.mark.parametrize("place", PLACES)
def test_a_weight_read_from_outside_the_folder_is_found_wherever_a_tensor_can_stand(place: str) -> None:
    weights = tensor(2, external={"location": "../../etc/passwd"})
    for body in (graph(initializers=(weights,)), graph(node("Constant", "", message((5, weights))))):
        assert observation(read(PLACES[place](body)), "onnx.external-outside").detail == "../../etc/passwd"


@pytest.mark.parametrize("where", ["sparse values", "sparse indices", "sparse attribute", "list"])
def test_a_weight_in_a_sparse_tensor_or_a_list_counts_too(where: str) -> None:
    weights = tensor(2, external={"location": "/dev/zero"})
    body = {
        "sparse values": message((15, message((1, weights)))),
        "sparse indices": message((15, message((2, weights)))),
        "sparse attribute": graph(node("Constant", "", message((22, message((1, weights)))))),
        "list": graph(node("Constant", "", message((10, weights)))),
    }[where]
    assert "onnx.external-outside" in codes(read(model(body)))


def test_an_address_in_the_memory_of_the_loader_is_no_file() -> None:
    weights = tensor(2, external={"location": "*/_ORT_MEM_ADDR_/*", "offset": "94000000000000"})
    assert codes(read(model(graph(initializers=(weights,))))) == {"onnx.external-memory"}


def test_many_weights_in_one_file_beside_the_model_are_one_line() -> None:
    weights = tensor(9, external={"location": "model.data", "offset": "64", "length": "36"})
    found = read(model(graph(initializers=(weights,) * 500)))
    assert "'model.data'" in observation(found, "onnx.external-data").message


@pytest.mark.parametrize("value", ["-1", "0x10", "", "1e3", "²"])
def test_a_place_in_a_file_that_is_no_number_stands_out(value: str) -> None:
    weights = tensor(2, external={"location": "a", "offset": value})
    assert "onnx.external-place" in codes(read(model(graph(initializers=(weights,)))))


def test_operators_of_a_foreign_domain_are_named_once_for_each_domain() -> None:
    body = graph(node("A", "my.ops"), node("B", "my.ops"), node("A", "my.ops"), node("Gelu", "com.microsoft"))
    found = observation(read(model(body)), "onnx.custom-operators")
    assert "'my.ops'" in found.message
    assert found.detail == "A, B"


def test_a_function_that_the_model_defines_itself_is_not_foreign() -> None:
    function = message((1, "Swish"), (10, "local"), (7, node("Sigmoid")))
    body = graph(node("Swish", "local"))
    assert codes(read(model(body, (25, function)))) == set()
    assert codes(read(model(graph(node("Other", "local")), (25, function)))) == {"onnx.custom-operators"}


def test_a_compiled_program_of_an_accelerator_stands_out() -> None:
    attribute = message((1, "ep_cache_context"), (4, "../ctx.bin"))
    found = observation(
        read(model(graph(node("EPContext", "com.microsoft", attribute)))), "onnx.compiled-operator"
    )
    assert "../ctx.bin" in found.detail


@pytest.mark.parametrize(
    ("weights", "code"),
    [
        (tensor(2, 3, data=bytes(20)), "tensor-size"),
        (tensor(2, 3, data=bytes(99)), "tensor-size"),
        (tensor(1 << 40), "tensor-size"),
        (tensor(1 << 40, 1 << 40), "tensor-shape"),
        (tensor(-1), "tensor-shape"),
        (tensor(*[1] * 100), "tensor-shape"),
        (message((1, b"\x01" * 100), (2, 1)), "tensor-shape"),
        (tensor(1, data=b"a", dtype=99), "tensor-type"),
        (tensor(3, dtype=8), "tensor-size"),
    ],
)
def test_a_tensor_that_declares_more_or_other_data_than_it_has_stands_out(weights: bytes, code: str) -> None:
    assert codes(read(model(graph(initializers=(weights,))))) == {f"onnx.{code}"}


@pytest.mark.parametrize(
    "weights",
    [
        tensor(data=bytes(4)),
        tensor(0, 5),
        tensor(3, data=bytes(2), dtype=22),
        tensor(4, data=bytes(3), dtype=27),
        tensor(2, data=bytes(16), dtype=14),
        message((1, b"\x02\x03"), (2, 1), (4, bytes(24))),
        message((1, 2), (2, 7), (7, b"\x01\xff\xff\x03")),
        message((1, 2), (2, 8), (6, "a"), (6, "bc")),
        message((1, 3), (2, 1), (4, 0.5), (4, 0.5), (4, 0.5)),
    ],
)
def test_every_way_to_hold_the_elements_is_counted(weights: bytes) -> None:
    assert codes(read(model(graph(initializers=(weights,))))) == set()


def test_a_string_that_begins_as_pickles_do_is_handed_on_and_a_category_is_not() -> None:
    weights = message((1, 3), (2, 8), (6, "cat"), (6, b"\x80\x04N."), (6, "dog"))
    assert [bytes_of(child) for child in children(read(model(graph(initializers=(weights,))))).values()] == [
        b"\x80\x04N."
    ]


def test_a_field_that_no_model_has_is_told_and_handed_on() -> None:
    found = read(VALID + message((99, b"\x80\x04N.")))
    assert "field 99" in observation(found, "onnx.unknown-field").message
    assert [bytes_of(child) for child in children(found).values()] == [b"\x80\x04N."]


def test_a_field_that_no_tensor_has_is_told_and_handed_on() -> None:
    weights = tensor(1, data=bytes(4)) + message((99, b"\x80\x04N."))
    found = read(model(graph(initializers=(weights,))))
    assert codes(found) == {"onnx.unknown-field"}
    assert [bytes_of(child) for child in children(found).values()] == [b"\x80\x04N."]


def test_two_graphs_and_none_stand_out() -> None:
    assert codes(read(VALID + message((7, graph(node("Exp")))))) == {"onnx.two-graphs"}
    assert problems(read(message((1, 10)))) == ["there is no graph in this model"]


def test_options_for_the_session_stand_out() -> None:
    options = message((1, "ort_config"), (2, '{"session_options": {}}'))
    assert codes(read(model(MATMUL, (14, options)))) == {"onnx.session-options"}
    assert codes(read(model(MATMUL, (14, message((1, "author"), (2, "me")))))) == set()


def test_graphs_nested_without_end_are_a_limit() -> None:
    body = graph(node("Exp"))
    for _ in range(60):
        body = graph(node("If", "", message((6, body))))
    assert "structure_depth" in problems(read(model(body)))[-1]
    assert "structure_items" in problems(read(model(MATMUL), structure_items=5))[0]


@pytest.mark.parametrize("tail", [b"\0", b"PK\x03\x04", b"\x80\x04N.", b"\x0b"])
def test_bytes_behind_the_model_are_no_part_of_it(tail: bytes) -> None:
    assert problems(read(VALID + tail))


def test_a_large_weight_is_stepped_over() -> None:
    size = 8 << 20
    assert codes(read(model(graph(initializers=(tensor(size // 4, data=bytes(size)),))))) == set()


def test_every_message_that_a_field_names_is_described() -> None:
    named = {kind for numbers in ONNX.messages.values() for kind in numbers.values()} - {PLAIN}
    assert named == set(ONNX.messages) - {"model"} | {"tensor"}


RICH = PLACES["a function"](graph(node("PyOp"), initializers=(tensor(2, external={"location": "/x"}),)))


@given(st.binary(max_size=80) | mutated(VALID) | mutated(RICH))
def test_any_bytes_give_events_or_an_error_of_ours(data: bytes) -> None:
    read(data)


def test_more_kinds_of_operators_than_there_are_is_a_problem_told_once() -> None:
    body = b"".join(message((1, node(f"A{number}", "x"))) for number in range(10_050))
    assert problems(read(model(body))) == ["it uses more than 10,000 kinds of operators"]
