"""Attestations: in-toto statements about the signed subject, strict in both directions."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secureload.errors import SignatureFormatError
from secureload.signing.attestation import Attestation, claimed_kind, encode_attestation, parse_attestation
from secureload.signing.manifest import Member, make_manifest
from secureload.signing.predicates.approval import Approval
from secureload.signing.statement import encode_statement

NOW = datetime(2026, 6, 1, tzinfo=UTC)
APPROVAL = Attestation(
    kind="approval",
    name="fraud",
    version="1.4",
    subject_digest=b"\x02" * 32,
    created=NOW,
    expires=NOW + timedelta(days=1),
    predicate=Approval("ok"),
)


def changed(path: str, value: Any) -> bytes:
    statement = json.loads(encode_attestation(APPROVAL))
    *parents, last = path.split(".")
    inner = statement
    for key in parents:
        inner = inner[int(key)] if isinstance(inner, list) else inner[key]
    inner[last] = value
    return json.dumps(statement).encode()


def test_an_attestation_is_read_as_it_was_written() -> None:
    assert parse_attestation(encode_attestation(APPROVAL)) == APPROVAL
    bare = replace(APPROVAL, version=None, expires=None)
    assert parse_attestation(encode_attestation(bare)) == bare
    assert (APPROVAL.role, claimed_kind(encode_attestation(APPROVAL))) == ("approver", "approval")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("_type", "https://in-toto.io/Statement/v0.1"),
        ("predicateType", "https://example.org/other"),
        ("subject", []),
        ("subject.0.digest", {"sha512": "00"}),
        ("subject.0.annotations.name", "another"),
        ("subject.0.annotations.created", "2026-06-01"),
        ("subject.0.annotations.expires", "2026-05-01T00:00:00Z"),
        ("subject.0.annotations.unknown", 1),
        ("predicate.unknown", 1),
        ("unknown", 1),
    ],
)
def test_what_breaks_the_form_is_refused(path: str, value: Any) -> None:
    with pytest.raises(SignatureFormatError):
        parse_attestation(changed(path, value))


def test_a_signed_manifest_is_no_attestation_and_the_other_way_round() -> None:
    manifest = make_manifest("file", [Member("model.joblib", b"\x01" * 32, 7)])
    payload = encode_statement(manifest, created=NOW)
    assert claimed_kind(payload) is None
    with pytest.raises(SignatureFormatError):
        parse_attestation(payload)


@given(st.binary(max_size=200) | st.text().map(str.encode))
def test_any_bytes_raise_nothing_but_a_signature_format_error(data: bytes) -> None:
    claimed_kind(data)
    with pytest.raises(SignatureFormatError):
        parse_attestation(data)
