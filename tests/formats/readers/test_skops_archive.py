"""skops files, as archives: the schema, and the members that it refers to."""

from __future__ import annotations

import json
from pathlib import Path

from secureload.formats.readers import zip_archive
from secureload.formats.reading import Reference, Versions
from secureload.limits import Limits
from tests.formats.zips import DEFLATED, Entry, archive

from .reading import Read, run

FILES = Path(__file__).parent / "files"
SCHEMA = {
    "__class__": "dict",
    "__module__": "builtins",
    "__loader__": "DictNode",
    "key_types": {"__class__": "list", "__module__": "builtins", "__loader__": "ListNode", "content": []},
    "content": {
        "a": {
            "__class__": "ndarray",
            "__module__": "numpy",
            "__loader__": "NdArrayNode",
            "type": "numpy",
            "file": "1.npy",
        },
        "b": {"__class__": "bytes", "__module__": "builtins", "__loader__": "BytesNode", "file": "2.bin"},
    },
    "protocol": 2,
    "_skops_version": "0.16.0",
}


def read(schema: object, *members: Entry, limits: Limits | None = None) -> Read:
    text = schema if isinstance(schema, bytes) else json.dumps(schema).encode()
    whole = archive(*members, Entry("schema.json", text, method=DEFLATED))
    return run(zip_archive, whole, limits or Limits(), name="model.skops")


def test_a_pipeline_that_skops_wrote() -> None:
    """Made with skops 0.16: dump(make_pipeline(StandardScaler(), LogisticRegression()), compression=ZIP_DEFLATED)."""
    found = run(zip_archive, (FILES / "pipeline.skops").read_bytes(), name="pipeline.skops")
    assert (found.codes, found.problems, found.formats) == ([], [], ["skops"])
    names = {f"{event.module}.{event.name}" for event in found.events if isinstance(event, Reference)}
    assert names == {
        "sklearn.pipeline.Pipeline",
        "sklearn.preprocessing._data.StandardScaler",
        "sklearn.linear_model._logistic.LogisticRegression",
    }
    assert Versions(library="skops", version="0.16.0") in found.events


def test_arrays_are_looked_at_and_bytes_are_data() -> None:
    found = read(SCHEMA, Entry("1.npy", b"\x93NUMPY"), Entry("2.bin", b"\x80\x04N."))
    assert found.codes == []
    assert [child.expect for child in found.children] == ["any", "data", "data"]


def test_members_that_are_missing_and_members_that_nobody_refers_to() -> None:
    found = read(SCHEMA, Entry("1.npy", b"\x93NUMPY"), Entry("hidden.pkl", b"\x80\x04N."))
    assert found.codes == ["skops.missing-member", "skops.unnamed-member"]
    assert [child.expect for child in found.children if child.name == "hidden.pkl"] == ["any"]


def test_two_values_for_one_key() -> None:
    text = b'{"__loader__": "TypeNode", "__module__": "builtins", "__class__": "str", "__class__": "eval"}'
    assert "skops.repeated-key" in read(text).codes


def test_two_schemas_are_both_read() -> None:
    evil = {"__class__": "system", "__module__": "os", "__loader__": "TypeNode"}
    found = read(SCHEMA, Entry("1.npy"), Entry("2.bin"), Entry("schema.json", json.dumps(evil).encode()))
    assert "zip.duplicate-name" in found.codes
    assert Reference(module="os", name="system") in found.events


def test_a_schema_that_cannot_be_read_is_a_problem() -> None:
    assert read(b"{]").problems[0].kind == "malformed"
    assert read(b"[]").problems[0].kind == "malformed"
    assert read(b'{"a": ' * 300 + b"1" + b"}" * 300).problems[0].kind == "limit"
    assert read(json.dumps(SCHEMA).encode(), limits=Limits(json_text_bytes=50)).problems[0].kind == "limit"
    damaged = archive(Entry("schema.json", b"{}", method=DEFLATED, packed=b"\xff\xff"))
    assert run(zip_archive, damaged).problems[0].kind == "malformed"
