"""Every predicate reads what it wrote, and nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secureload.errors import SignatureFormatError
from secureload.signing.predicates.approval import Approval
from secureload.signing.predicates.catalog import PREDICATES, predicate_of_type
from secureload.signing.predicates.lineage import Lineage, Source
from secureload.signing.predicates.metadata import Metadata
from secureload.signing.predicates.scan import EXAMINED, Scan
from secureload.signing.predicates.timestamp import Timestamp

SCAN = Scan(
    verifier="https://example.org/v1",
    verified="2026-03-01T12:00:00Z",
    resource="model.joblib",
    policy="https://example.org/policy",
    levels=(EXAMINED,),
)
LINEAGE = Lineage(builder="https://example.org/b", sources=(Source("model.joblib", b"\x07" * 32),))
SAMPLES: dict[str, Any] = {
    "approval": Approval("line one\nline two"),
    "lineage": LINEAGE,
    "metadata": Metadata(trained="2026-03-01T12:00:00Z"),
    "scan": SCAN,
    "timestamp": Timestamp(b"\x01" * 32),
}
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


def test_every_predicate_has_a_sample_here() -> None:
    assert set(SAMPLES) == set(PREDICATES)
    assert len({one.type for one in PREDICATES.values()}) == len(PREDICATES)


@pytest.mark.parametrize("kind", sorted(SAMPLES))
def test_a_predicate_reads_what_it_wrote(kind: str) -> None:
    known = PREDICATES[kind]
    written = json.loads(json.dumps(known.encode(SAMPLES[kind])))
    assert known.parse(written) == SAMPLES[kind]
    assert predicate_of_type(known.type) is known


@pytest.mark.parametrize("kind", sorted(SAMPLES))
def test_an_unknown_field_is_refused_at_every_level(kind: str) -> None:
    known = PREDICATES[kind]
    value = known.encode(SAMPLES[kind])
    objects = [value, *(part for part in value.values() if isinstance(part, dict) and part)]
    if kind == "lineage":
        objects.remove(value["buildDefinition"])
        objects += [value["buildDefinition"], value["buildDefinition"]["resolvedDependencies"][0]]  # type: ignore[index]
    for inner in objects:
        inner["x-unknown"] = 1  # type: ignore[index]
        with pytest.raises(SignatureFormatError):
            known.parse(value)
        del inner["x-unknown"]  # type: ignore[attr-defined]
    assert known.parse(value) == SAMPLES[kind]


@pytest.mark.parametrize("kind", sorted(SAMPLES))
@given(value=json_values)
def test_any_value_gives_a_predicate_or_a_signature_format_error(kind: str, value: object) -> None:
    try:
        PREDICATES[kind].parse(value)
    except SignatureFormatError as error:
        assert error.message.isprintable()


def test_a_no_and_a_failed_scan_are_no_statements() -> None:
    for kind, change in (
        ("approval", {"decision": "rejected"}),
        ("scan", {**PREDICATES["scan"].encode(SCAN), "verificationResult": "FAILED"}),
    ):
        with pytest.raises(SignatureFormatError):
            PREDICATES[kind].parse(change)


def test_a_lineage_without_a_source_says_nothing() -> None:
    value = PREDICATES["lineage"].encode(LINEAGE)
    value["buildDefinition"]["resolvedDependencies"] = []  # type: ignore[index]
    with pytest.raises(SignatureFormatError, match="names 0 sources"):
        PREDICATES["lineage"].parse(value)
