from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secureload.formats.proto_walk import PLAIN
from secureload.formats.readers import tensorflow_model
from secureload.formats.reading import Event, Identified, Reference, Versions
from secureload.formats.tensorflow_ops import COMPUTING, OUTSIDE, RESTORERS, SAVERS
from secureload.formats.tensorflow_schema import TENSORFLOW
from secureload.limits import Limits
from tests.formats.feeding import bytes_of, children, codes, feed, mutated, observation, problems
from tests.formats.wire import message


def attributes(**values: bytes) -> list[tuple[int, bytes]]:
    return [(5, message((1, name), (2, value))) for name, value in values.items()]


def node(operator: str, name: str = "n", *inputs: str, **values: bytes) -> bytes:
    return message((1, name), (2, operator), *((3, one) for one in inputs), *attributes(**values))


def constant(name: str, text: str) -> bytes:
    return node("Const", name, value=message((8, message((1, 7), (8, text)))))


def function(name: str, *nodes: bytes) -> bytes:
    return message((1, message((1, name))), *((3, one) for one in nodes))


def graph(*nodes: bytes, functions: tuple[bytes, ...] = ()) -> bytes:
    library = [(2, message(*((1, one) for one in functions)))] if functions else []
    return message(*((1, one) for one in nodes), *library, (4, message((1, 1_882))))


def saved_model(body: bytes, *objects: bytes) -> bytes:
    info = message((4, "serve"), (5, "2.21.0"))
    known = [(7, message(*((1, one) for one in objects)))] if objects else []
    return message((1, 1), (2, message((1, info), (2, body), *known)))


def keras_metadata(*layers: tuple[str, object]) -> bytes:
    return message(
        *(
            (1, message((2, number), (3, "root"), (4, identifier), (5, json.dumps(config))))
            for number, (identifier, config) in enumerate(layers)
        )
    )


MATMUL = graph(
    node("Placeholder", "x"), node("MatMul", "y", "x", "x"), functions=(function("f", node("Relu")),)
)
VALID = saved_model(MATMUL)
LAMBDA = {"class_name": "Lambda", "config": {"function": "evil"}}


def read(data: bytes, **limits: int) -> list[Event]:
    return feed(tensorflow_model, data, limits=Limits(**limits))


def test_a_model_tells_its_version_and_nothing_else() -> None:
    assert read(VALID) == [
        Identified(format="tensorflow", loader="tf.saved_model.load"),
        Versions(library="tensorflow", version="2.21.0"),
    ]


@pytest.mark.parametrize(
    ("data", "loader"),
    [
        (MATMUL, "tf.import_graph_def"),
        (
            message((1, message((2, message((1, message((1, "MatMul"))))))), (2, MATMUL)),
            "tf.train.import_meta_graph",
        ),
        (keras_metadata(("_tf_keras_sequential", {"class_name": "Sequential"})), "keras.models.load_model"),
    ],
)
def test_the_other_kinds_of_files_are_told_apart(data: bytes, loader: str) -> None:
    assert read(data)[0] == Identified(format="tensorflow", loader=loader)
    assert codes(read(data)) == set()
    assert problems(read(data)) == []


def test_a_fingerprint_is_five_numbers() -> None:
    assert read(message(*((number, -number) for number in range(1, 6)), (6, message((2, 1))))) == []


@pytest.mark.parametrize(
    ("operator", "code"),
    [
        ("PyFunc", "python-operator"),
        ("EagerPyFunc", "python-operator"),
        ("PyFuncStateless", "python-operator"),
        ("ReadFile", "reads-files"),
        ("MatchingFiles", "reads-files"),
        ("WriteFile", "writes-files"),
        ("DebugIdentityV2", "writes-files"),
        ("TextLineDataset", "input-files"),
        ("CreateSummaryFileWriter", "output-files"),
        ("RpcServer", "network"),
        ("TPUExecute", "compiled-operator"),
    ],
)
def test_an_operator_that_does_more_than_compute_is_found_in_graphs_and_functions(
    operator: str, code: str
) -> None:
    evil = node(operator, "evil")
    for data in (
        saved_model(graph(evil)),
        saved_model(graph(functions=(function("a"), function("b", node("Relu"), evil)))),
        graph(node("Relu", "r"), evil),
        message((1, 1), (2, message((2, MATMUL))), (2, message((2, graph(evil))))),
    ):
        found = observation(read(data), f"tensorflow.{code}")
        assert operator in found.message
        assert found.detail == "evil"


def test_an_operator_that_is_called_as_a_function_is_found() -> None:
    called = message((10, message((1, "PyFunc"))))
    assert codes(read(graph(node("PartitionedCall", "p", f=called)))) == {"tensorflow.python-operator"}
    several = message((1, message((9, message((1, "f"))), (9, message((1, "WriteFile"))))))
    assert codes(read(graph(node("Case", "c", branches=several)))) == {"tensorflow.writes-files"}
    harmless = message((10, message((1, "__inference_PyFunc_7"))))
    assert codes(read(graph(node("PartitionedCall", "p", f=harmless)))) == set()


def test_printing_into_a_file_is_writing_one() -> None:
    assert codes(read(graph(node("PrintV2", "p", output_stream=message((2, "file:///tmp/x")))))) == {
        "tensorflow.writes-files"
    }
    assert codes(read(graph(node("PrintV2", "p", output_stream=message((2, "stderr")))))) == set()


@pytest.mark.parametrize(
    ("operator", "expected"),
    [("SaveV2", "writes-files"), ("Save", "writes-files"), ("RestoreV2", "input-files")],
)
def test_a_checkpoint_at_a_path_of_its_own_is_found_through_what_puts_it_together(
    operator: str, expected: str
) -> None:
    evil = (
        constant("c", "/home/u/.ssh/authorized_keys"),
        node("Identity", "i", "c:0"),
        node("StringJoin", "j", "i", "x"),
        node(operator, "s", "j", "^other"),
    )
    for data in (graph(*evil), graph(*reversed(evil)), saved_model(graph(functions=(function("f", *evil),)))):
        assert observation(read(data), f"tensorflow.{expected}").detail == "/home/u/.ssh/authorized_keys"


def test_a_checkpoint_at_a_path_that_is_given_is_ordinary_and_scopes_are_kept_apart() -> None:
    given_path = graph(
        node("Placeholder", "path"),
        constant("part", "part"),
        node("StringJoin", "j", "path", "part"),
        node("SaveV2", "s", "j"),
    )
    assert codes(read(given_path)) == set()
    apart = graph(constant("c", "/etc/x"), functions=(function("f", node("SaveV2", "s", "c")),))
    assert codes(read(apart)) == set()


def test_nodes_in_a_circle_end() -> None:
    assert (
        codes(read(graph(node("Identity", "a", "b"), node("Identity", "b", "a"), node("SaveV2", "s", "a"))))
        == set()
    )


def test_foreign_operators_are_named_and_functions_of_the_model_are_not() -> None:
    body = graph(
        node("Evil>Op", "a"), node("f", "b"), node("ZipMap", "c"), functions=(function("f", node("Relu")),)
    )
    assert observation(read(body), "tensorflow.custom-operators").detail == "Evil>Op, ZipMap"


def test_the_configuration_of_keras_is_walked_where_each_version_keeps_it() -> None:
    old = message((4, message((1, "_tf_keras_layer"), (3, json.dumps(LAMBDA)))))
    assert codes(read(saved_model(MATMUL, old))) == {"keras.lambda"}
    assert codes(read(keras_metadata(("_tf_keras_layer", LAMBDA)))) == {"keras.lambda"}
    dense = {"class_name": "Dense", "config": {"units": 3}}
    found = read(keras_metadata(("_tf_keras_layer", dense)))
    assert codes(found) == set()
    assert [event.name for event in found if isinstance(event, Reference)] == ["Dense"]
    other = message((4, message((1, "trackable_list_wrapper"), (3, ""))))
    assert codes(read(saved_model(MATMUL, other))) == set()


def test_a_field_that_no_version_has_is_told_and_handed_on() -> None:
    found = read(VALID + message((99, b"\x80\x04N.")))
    assert codes(found) == {"tensorflow.unknown-field"}
    assert [bytes_of(child) for child in children(found).values()] == [b"\x80\x04N."]


def test_what_is_no_model_is_a_problem() -> None:
    assert problems(read(b"")) == ["this is no model of TensorFlow"]
    assert problems(read(message((1, 8), (2, "onnx"))))
    assert problems(read(VALID + b"\0"))
    assert "structure_items" in problems(read(VALID, structure_items=5))[0]


def test_every_message_that_a_field_names_is_described() -> None:
    named = {kind for numbers in TENSORFLOW.messages.values() for kind in numbers.values()} - {PLAIN}
    assert named == set(TENSORFLOW.messages) - {"saved model", "keras metadata"}


def test_the_tables_of_operators_do_not_overlap_and_hold_what_models_are_made_of() -> None:
    assert not COMPUTING & set(OUTSIDE)
    assert (
        SAVERS | RESTORERS | {"MatMul", "Const", "StatefulPartitionedCall", "LookupTableFindV2", "PrintV2"}
        <= COMPUTING
    )
    assert len(COMPUTING) > 1_800


RICH = saved_model(
    graph(
        node("PyFunc"),
        constant("c", "/x"),
        node("SaveV2", "s", "c"),
        functions=(function("f", node("Relu")),),
    ),
    message((4, message((1, "_tf_keras_layer"), (3, json.dumps(LAMBDA))))),
)


@given(st.binary(max_size=80).map(lambda tail: VALID[:30] + tail) | mutated(VALID) | mutated(RICH))
def test_any_bytes_give_events_or_an_error_of_ours(data: bytes) -> None:
    read(data)


def test_more_kinds_of_operators_than_there_are_is_a_problem_told_once() -> None:
    assert problems(read(graph(*(node(f"A{number}") for number in range(10_050))))) == [
        "it uses more than 10,000 kinds of operators"
    ]
