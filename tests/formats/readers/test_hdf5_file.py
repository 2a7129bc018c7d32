from __future__ import annotations

import json
import pickle
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secureload.formats.readers import hdf5_file
from secureload.formats.reading import Event, Identified, Reference, Versions
from secureload.limits import Limits
from tests.formats.feeding import bytes_of, children, codes, feed, mutated, observation, problems
from tests.formats.hdf5.building import (
    UNDEFINED,
    Builder,
    attribute,
    contiguous,
    integer_type,
    opaque_type,
    pipeline,
    space,
    string_type,
    text,
)
from tests.formats.hdf5.vectors import DEEP, DENSE

SYSTEM = b"cos\nsystem\n(S'echo hello'\ntR."


def read(data: bytes, **limits: int) -> list[Event]:
    return feed(hdf5_file, data, limits=Limits(**limits))


def with_root(*messages: tuple[int, bytes]) -> bytes:
    builder = Builder()
    return builder.encoded(builder.group({}, *messages))


def ordinary() -> bytes:
    """Groups, datasets, texts of both kinds, links in a circle, a compressed dataset."""
    builder = Builder()
    weights = builder.dataset(integer_type(), bytes(range(64)), pipeline(1, 2))
    inner = builder.group(
        {"w": weights}, text("note", b"A sentence."), builder.variable("names", b"a", b"bc")
    )
    root = builder.group(
        {"model_weights": inner, "again": inner},
        text("backend", b"tensorflow"),
        attribute("numbers", integer_type(4), struct.pack("<3i", 1, 2, 3), 3),
        soft={"alias": "/model_weights"},
    )
    return builder.encoded(root)


VALID = ordinary()


def test_an_ordinary_file_has_nothing_to_say() -> None:
    assert read(VALID) == []


def test_a_file_of_keras_says_so_and_which_version_wrote_it() -> None:
    found = read(with_root(text("keras_version", b"2.15.0\0\0"), text("backend", b"jax")))
    assert found == [
        Identified(format="keras-hdf5", loader="keras.models.load_model"),
        Versions(library="keras", version="2.15.0"),
    ]


DENSE_LAYER = json.dumps(
    {"class_name": "Sequential", "config": {"layers": [{"class_name": "Dense", "config": {"units": 3}}]}}
).encode()


def test_ordinary_layers_are_references_for_the_allow_list() -> None:
    found = read(with_root(text("model_config", DENSE_LAYER), text("keras_version", b"2.15.0")))
    assert codes(found) == set()
    assert {event.name for event in found if isinstance(event, Reference)} == {"Sequential", "Dense"}


def test_a_configuration_that_cannot_be_read_is_a_problem() -> None:
    empty = attribute("model_config", string_type(0), b"")
    assert "model_config" in problems(read(with_root(empty)))[0]


# -- values that are unpickled ---------------------------------------------------------------------------


def pickled(events: list[Event]) -> dict[str, bytes]:
    assert all(child.expect == "pickle" for child in children(events).values())
    return {name: bytes_of(child) for name, child in children(events).items()}


@pytest.mark.parametrize("protocol", range(6))
def test_a_pickle_in_an_attribute_is_handed_on_as_one(protocol: int) -> None:
    value = pickle.dumps({"a": len}, protocol)
    assert pickled(read(with_root(text("info", value)))) == {"@info[0]": value}
    assert pickled(read(with_root(attribute("info", opaque_type(len(value)), value)))) == {"@info[0]": value}


def test_a_pickle_of_variable_length_or_deep_in_the_file_is_found_too() -> None:
    builder = Builder()
    inner = builder.group({}, builder.variable("many", b"text", SYSTEM))
    assert pickled(read(builder.encoded(builder.group({"a": builder.group({"b": inner})})))) == {
        "a/b@many[1]": SYSTEM
    }


def test_an_object_that_pytables_keeps_in_a_heap_is_found_though_its_dataset_is_not_read() -> None:
    builder = Builder()
    sequence = struct.pack("<BB2xI", 0x19, 0, 16) + integer_type()
    rows = builder.header((1, space(1)), (3, sequence), (8, struct.pack("<BBBQ", 3, 2, 2, UNDEFINED)))
    at = builder.collection(b"text", SYSTEM)
    data = builder.encoded(builder.group({"rows": rows}, text("PYTABLES_FORMAT_VERSION", b"2.1")))
    found = read(data)
    assert pickled(found) == {f"heap@{at}": SYSTEM}
    assert Identified(format="pytables", loader="pandas.read_hdf") in found


def test_a_dataset_of_bytes_that_is_a_pickle_is_handed_on() -> None:
    builder = Builder()
    stored = builder.dataset(integer_type(), SYSTEM)
    numbers = builder.dataset(integer_type(), bytes(range(64)))
    assert pickled(read(builder.encoded(builder.group({"stored": stored, "numbers": numbers})))) == {
        "stored": SYSTEM
    }


def test_a_compact_dataset_and_one_of_an_old_layout_are_read_too() -> None:
    builder = Builder()
    compact = (8, struct.pack("<BBH", 3, 0, len(SYSTEM)) + SYSTEM)
    at = builder.put(SYSTEM)
    old = (8, struct.pack("<BBB5xQI", 1, 1, 1, at, len(SYSTEM)))
    older = (8, struct.pack("<BBB5xII", 1, 1, 0, 1, len(SYSTEM)) + SYSTEM)
    kind = (3, string_type(1))
    group = builder.group(
        {name: builder.header(kind, layout) for name, layout in (("a", compact), ("b", old), ("c", older))}
    )
    assert pickled(read(builder.encoded(group))) == dict.fromkeys("abc", SYSTEM)


@pytest.mark.parametrize("filters", [(), (1,), (2, 1), (3,)])
@pytest.mark.parametrize("chunk", [7, 16, 1_000])
def test_a_pickle_in_chunks_is_put_together_however_they_are_compressed(
    chunk: int, filters: tuple[int, ...]
) -> None:
    builder = Builder()
    stored = builder.chunked(SYSTEM, chunk, *filters)
    numbers = builder.chunked(bytes(range(256)) * 9, 100, *filters)
    data = builder.encoded(builder.group({"stored": stored, "numbers": numbers}))
    assert pickled(read(data)) == {"stored": SYSTEM}


def test_one_chunk_of_the_newer_layout_is_read_too() -> None:
    builder = Builder()
    at = builder.put(zlib.compress(SYSTEM))
    size = len(zlib.compress(SYSTEM))
    layout = (8, struct.pack("<BBBBBHHBQIQ", 4, 2, 2, 2, 2, len(SYSTEM), 1, 1, size, 0, at))
    stored = builder.header((1, space(len(SYSTEM))), (3, integer_type()), layout, pipeline(1))
    assert pickled(read(builder.encoded(builder.group({"stored": stored})))) == {"stored": SYSTEM}


def test_chunks_that_expand_without_end_are_a_limit_and_damaged_ones_are_data() -> None:
    builder = Builder()
    bomb = zlib.compress(b"N" * (60 << 20))
    at = builder.put(bomb)
    layout = (8, struct.pack("<BBBBBIIBQIQ", 4, 2, 2, 2, 4, 60 << 20, 1, 1, len(bomb), 0, at))
    dataset = ((1, space(60 << 20)), (3, integer_type()), layout, pipeline(1))
    many = builder.group({str(number): builder.header(*dataset) for number in range(20)})
    assert "structure_items" in problems(read(builder.encoded(many), structure_items=200_000))[0]
    builder = Builder()
    data = builder.encoded(builder.group({"damaged": builder.chunked(SYSTEM, 100, 1)}))
    assert pickled(read(data)) == {"damaged": SYSTEM}
    whole = zlib.compress(SYSTEM.ljust(100, b"\0"))
    assert pickled(read(data.replace(whole, bytes(len(whole))))) == {}


def test_chunks_behind_a_filter_that_is_not_read_here_are_data() -> None:
    builder = Builder()
    other = builder.chunked(SYSTEM, 100, 32_000)
    assert read(builder.encoded(builder.group({"other": other}))) == []


# -- other files -------------------------------------------------------------------------------------------


def with_external_files(*names: str) -> bytes:
    builder = Builder()
    heap, places = builder.heap(*names)
    slots = b"".join(struct.pack("<QQQ", places[name], 0, 10) for name in names)
    message = (7, struct.pack("<B3xHHQ", 1, len(names), len(names), heap) + slots)
    dataset = builder.header((1, space(10)), (3, integer_type()), contiguous(UNDEFINED, 10), message)
    return builder.encoded(builder.group({"raw": dataset}))


@pytest.mark.parametrize("name", ["/etc/passwd", "../../secret", "C:\\x", "~/x"])
def test_a_dataset_whose_data_lie_outside_the_folder_is_found(name: str) -> None:
    found = observation(read(with_external_files(name)), "hdf5.external-outside")
    assert found.detail == name
    assert "/raw" in found.message


def test_a_dataset_whose_data_lie_beside_the_file_is_told() -> None:
    assert codes(read(with_external_files("a.raw", "b.raw"))) == {"hdf5.external"}


def with_link(kind: int, value: bytes) -> bytes:
    builder = Builder()
    link = (6, struct.pack("<BBBB", 1, 8, kind, 4) + b"evil" + struct.pack("<H", len(value)) + value)
    return builder.encoded(builder.header(link))


def test_a_link_to_another_file_is_found() -> None:
    assert (
        observation(read(with_link(64, b"\0../x.h5\0/data\0")), "hdf5.external-outside").detail
        == "../x.h5:/data"
    )
    assert codes(read(with_link(64, b"\0x.h5\0/data\0"))) == {"hdf5.external"}
    assert codes(read(with_link(70, b"anything"))) == {"hdf5.user-link"}
    assert codes(read(with_link(1, b"/elsewhere"))) == set()


@pytest.mark.parametrize(("name", "code"), [("/x.h5", "external-outside"), ("x.h5", "external")])
def test_a_virtual_dataset_names_the_file_that_it_reads(name: str, code: str) -> None:
    builder = Builder()
    heap = builder.collection(struct.pack("<BQ", 0, 1) + name.encode() + b"\0data\0")
    virtual = (8, struct.pack("<BBQI", 4, 3, heap, 1))
    data = builder.encoded(builder.group({"v": builder.header((3, integer_type()), virtual)}))
    assert codes(read(data)) == {f"hdf5.{code}"}


def test_a_file_kept_in_several_ones_is_told() -> None:
    builder = Builder()
    assert codes(read(builder.encoded(builder.group({}), driver=96))) == {"hdf5.driver"}


@pytest.mark.parametrize(
    ("number", "expected"),
    [(1, set()), (32000, set()), (32001, {"hdf5.plugin-filter"}), (31_337, {"hdf5.unknown-filter"})],
)
def test_a_filter_that_is_a_plug_in_is_told(number: int, expected: set[str]) -> None:
    builder = Builder()
    filtered = builder.dataset(integer_type(), bytes(8), pipeline(1, number))
    assert codes(read(builder.encoded(builder.group({"a": filtered, "b": filtered})))) == expected


def test_a_filter_of_a_newer_pipeline_is_told_too() -> None:
    builder = Builder()
    message = (11, struct.pack("<BBHHHH8s", 2, 1, 40_000, 8, 0, 0, b"plugin"))
    assert codes(read(builder.encoded(builder.group({"a": builder.header(message)})))) == {
        "hdf5.unknown-filter"
    }


# -- the frame ---------------------------------------------------------------------------------------------


def test_bytes_before_and_behind_the_file_are_handed_on() -> None:
    found = read(b"\x80\x04N.".ljust(512, b"\0") + VALID + b"PK\x03\x04")
    assert codes(found) == {"hdf5.user-block", "hdf5.tail"}
    assert [bytes_of(child) for child in children(found).values()] == [
        b"\x80\x04N.".ljust(512, b"\0"),
        b"PK\x03\x04",
    ]
    assert read(bytes(512) + VALID) == []


def test_a_file_that_is_cut_off_says_so_and_what_came_before_counts() -> None:
    builder = Builder()
    data = builder.encoded(builder.group({}, text("info", SYSTEM)))
    builder.put(bytes(100))
    longer = builder.encoded(int.from_bytes(data[64:72], "little"))
    found = read(longer[:-50])
    assert pickled(found) == {"@info[0]": SYSTEM}
    assert "cut off" in problems(found)[0]


def test_one_damaged_object_does_not_hide_the_others() -> None:
    builder = Builder()
    damaged = builder.put(b"\x07" * 40)
    good = builder.group({}, text("info", SYSTEM))
    outside = 1 << 50
    found = read(builder.encoded(builder.group({"a": damaged, "b": good, "c": outside})))
    assert pickled(found) == {"b@info[0]": SYSTEM}
    assert len(problems(found)) == 2


def test_a_message_that_no_version_has_and_a_shared_attribute_stand_out() -> None:
    assert codes(read(with_root((99, bytes(8))))) == {"hdf5.unknown-message"}
    data = bytearray(with_root(text("info", b"x" * 40)))
    at = data.index(struct.pack("<H", 12), data.index(struct.pack("<H", 17)) + 2)
    data[at + 4] = 2
    assert "shared" in problems(read(bytes(data)))[0]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        SYSTEM,
        b"\x89HDF\r\n\x1a\n",
        b"\x89HDF\r\n\x1a\n\x09" + bytes(90),
        b"\x89HDF\r\n\x1a\n" + b"\2" * 90,
    ],
)
def test_what_is_no_such_file_is_a_problem(data: bytes) -> None:
    assert problems(read(data))


def test_a_group_that_contains_itself_is_walked_once() -> None:
    builder = Builder()
    root = builder.group({"a": 0, "b": 0})
    data = bytearray(builder.encoded(root))
    # Both entries of its symbol table node become the group itself.
    node = data.index(b"SNOD") + 8
    for entry in range(2):
        data[node + 40 * entry + 8 : node + 40 * entry + 16] = root.to_bytes(8, "little")
    assert read(bytes(data)) == []


def test_a_header_that_continues_in_itself_ends() -> None:
    builder = Builder()
    address = builder.header((16, struct.pack("<QQ", 0, 0)))
    data = bytearray(builder.encoded(address))
    data[address + 24 : address + 40] = struct.pack("<QQ", address + 16, 24)
    assert "without end" in problems(read(bytes(data)))[0]


def test_a_limit_ends_the_walk_with_its_name() -> None:
    assert "structure_items" in problems(read(DEEP, structure_items=50))[0]


# -- what newer versions write -------------------------------------------------------------------------------


def test_attributes_and_links_in_heaps_of_the_newer_format_are_read() -> None:
    found = read(DENSE)
    assert pickled(found) == {"@evil[0]": SYSTEM}
    assert observation(found, "hdf5.external-outside").detail == "../secret.h5:/x"


def test_deep_trees_and_attributes_with_a_block_of_their_own_are_read() -> None:
    found = read(DEEP)
    assert {name: len(value) for name, value in pickled(found).items()} == {
        "@huge[0]": 70_000 + len(b"cos\nsystem\n(S''\ntR.")
    }
    assert observation(found, "hdf5.external-outside").detail == "/secret.h5:/x"


@given(st.binary(max_size=80).map(lambda tail: VALID[:96] + tail) | mutated(VALID) | mutated(DENSE))
def test_any_bytes_give_events_or_an_error_of_ours(data: bytes) -> None:
    read(data)


LAMBDA = b'{"class_name": "Sequential", "config": {"layers": [{"class_name": "Lambda", "config": {"function": "f"}}]}}'


@pytest.mark.parametrize("padding", [b"", bytes(9)])
def test_cve_2025_9905_a_lambda_layer_in_the_configuration_of_an_old_model_is_found(padding: bytes) -> None:
    events = read(with_root(text("model_config", LAMBDA + padding)))
    assert "keras.lambda" in codes(events)
    assert Reference(module="keras", name="Sequential", use="new") in events


def test_a_configuration_that_is_too_long_or_no_json_is_a_problem() -> None:
    data = with_root(text("training_config", LAMBDA))
    assert "json_text_bytes" in problems(read(data, json_text_bytes=20))[0]
    assert "not JSON" in problems(read(with_root(text("model_config", b"{"))))[0]


@pytest.mark.parametrize("name", ["model_config", "training_config"])
def test_a_configuration_of_variable_length_is_walked_too(name: str) -> None:
    builder = Builder()
    assert "keras.lambda" in codes(read(builder.encoded(builder.group({}, builder.variable(name, LAMBDA)))))
