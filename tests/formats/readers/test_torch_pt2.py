"""Exported PyTorch programs, as archives."""

from __future__ import annotations

import json

from secureload.formats.readers import zip_archive
from tests.formats.zips import Entry, archive

from .reading import Read, run

GRAPH = {"graph_module": {"graph": {"nodes": [{"target": "torch.ops.aten.add.Tensor"}]}}}


def read(graph: object, *more: Entry) -> Read:
    entries = (
        Entry("m/data/weights/weight_0", b"\0\0\x80\x3f"),
        Entry("m/data/weights/model_weights_config.json", b"{}"),
        Entry("m/models/model.json", json.dumps(graph).encode()),
        Entry("m/data/sample_inputs/model.pt", b"PK\x05\x06" + bytes(18)),
        Entry("m/archive_format", b"pt2"),
        Entry("m/byteorder", b"little"),
    )
    return run(zip_archive, archive(*entries, *more), name="model.pt2")


def test_a_program_of_plain_operators() -> None:
    found = read(GRAPH)
    assert (found.formats, found.codes, found.problems) == (["torch-export"], [], [])
    roles = {child.name: child.expect for child in found.children}
    assert roles["m/data/sample_inputs/model.pt"] == "any"
    assert [name for name, role in roles.items() if role != "data"] == ["m/data/sample_inputs/model.pt"]


def test_the_program_of_older_releases() -> None:
    found = run(
        zip_archive, archive(Entry("serialized_exported_program.json", b'{"a": {"expr_str": "[1]"}}'))
    )
    assert (found.formats, found.codes) == (["torch-export"], ["torch.evaluated-text"])


def test_operators_that_reach_outside_and_compiled_code() -> None:
    graph = {"nodes": [{"target": "torch.ops.aten.save.default"}, {"target": "torch.ops.mine.run.default"}]}
    found = read(graph, Entry("m/data/aotinductor/model/a.so", b"\x7fELF"))
    assert found.codes == ["torchscript.outside", "torchscript.unknown-operator", "torch.compiled"]
    assert [child.expect for child in found.children if child.name.endswith(".so")] == ["any"]


def test_a_program_that_cannot_be_read_is_a_problem() -> None:
    assert read(GRAPH, Entry("m/models/other.json", b"{")).problems[0].kind == "malformed"
