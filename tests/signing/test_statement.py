from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secureload.errors import MalformedError, SecureloadError, SignatureFormatError, UsageError
from secureload.limits import Limits
from secureload.signing.manifest import Manifest, Member, make_manifest
from secureload.signing.statement import encode_statement, parse_statement

CREATED = datetime(2026, 3, 1, 12, tzinfo=UTC)
FILE = make_manifest("file", [Member("model.joblib", b"\x01" * 32, 7)])
FOLDER = make_manifest("folder", [Member("a.bin", b"\x01" * 32, 1), Member("sub/b.bin", b"\x02" * 32, 2)])


def statement(manifest: Manifest = FOLDER, **options: Any) -> dict[str, Any]:
    encoded = encode_statement(manifest, created=CREATED, name=options.pop("name", "fraud"), **options)
    value: dict[str, Any] = json.loads(encoded)
    return value


def refusal(value: object) -> str:
    with pytest.raises(SignatureFormatError) as caught:
        parse_statement(json.dumps(value).encode())
    assert caught.value.message.isprintable()
    assert caught.value.hint
    return caught.value.message


def test_the_statement_is_an_in_toto_statement_with_the_predicate_of_oms_v1() -> None:
    value = statement(version="1.2", expires=CREATED + timedelta(days=30), ignore_paths=["model.sig"])
    assert value == {
        "_type": "https://in-toto.io/Statement/v1",
        "predicateType": "https://model_signing/signature/v1.0",
        "subject": [
            {
                "name": "fraud",
                "digest": {"sha256": FOLDER.subject_digest.hex()},
                "annotations": {
                    "name": "fraud",
                    "version": "1.2",
                    "created": "2026-03-01T12:00:00Z",
                    "expires": "2026-03-31T12:00:00Z",
                },
            }
        ],
        "predicate": {
            "serialization": {
                "method": "files",
                "hash_type": "sha256",
                "allow_symlinks": False,
                "ignore_paths": ["model.sig"],
            },
            "resources": [
                {"name": "a.bin", "algorithm": "sha256", "digest": "01" * 32, "size": 1},
                {"name": "sub/b.bin", "algorithm": "sha256", "digest": "02" * 32, "size": 2},
            ],
        },
    }


def test_a_statement_comes_back_as_it_was_made_and_the_same_arguments_give_the_same_bytes() -> None:
    expires = CREATED + timedelta(days=1)
    options: dict[str, Any] = {"created": CREATED, "name": "fraud", "version": "2", "expires": expires}
    encoded = encode_statement(FOLDER, **options, ignore_paths=["model.sig"])
    assert encode_statement(FOLDER, **options, ignore_paths=["model.sig"]) == encoded
    parsed = parse_statement(encoded)
    assert parsed.manifest == FOLDER
    assert (parsed.name, parsed.version, parsed.created, parsed.expires) == ("fraud", "2", CREATED, expires)
    assert parsed.ignore_paths == ("model.sig",)


def test_a_single_file_is_signed_under_its_own_name_unless_another_is_given() -> None:
    assert parse_statement(encode_statement(FILE, created=CREATED)).name == "model.joblib"
    assert parse_statement(encode_statement(FILE, created=CREATED)).manifest == FILE
    named = parse_statement(encode_statement(FILE, created=CREATED, name="fraud"))
    assert (named.name, named.manifest.members) == ("fraud", FILE.members)
    with pytest.raises(UsageError, match="none was given"):
        encode_statement(FOLDER, created=CREATED)


@pytest.mark.parametrize(
    "options",
    [
        {"name": ""},
        {"name": "x" * 300},
        {"name": "a\x1b[2J"},
        {"name": "cafe\u0301"},
        {"version": ""},
        {"expires": CREATED},
        {"expires": CREATED - timedelta(days=1)},
        {"expires": datetime(2027, 1, 1)},
    ],
)
def test_what_the_receiver_would_refuse_is_not_signed(options: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        encode_statement(FILE, created=CREATED, **options)
    with pytest.raises(MalformedError):
        encode_statement(FILE, created=CREATED, ignore_paths=["../x"])


@pytest.mark.parametrize(
    ("path", "value", "reason"),
    [
        ("_type", "https://in-toto.io/Statement/v0.1", "legacy type"),
        ("_type", "https://example.org/x", "unknown type"),
        ("_type", 1, "is a number, not a string"),
        ("predicateType", "https://model_signing/Digests/v0.1", "legacy type"),
        ("predicateType", "https://slsa.dev/provenance/v1", "unknown type"),
        ("subject", [], "0 subjects"),
        ("subject", "x", "not a list"),
        ("predicate", None, "is null"),
        ("subject.0.name", "other", "two different names"),
        ("subject.0.digest", {"sha512": "00"}, "has no 'sha256'"),
        ("subject.0.digest", {"sha256": "00" * 32, "md5": "00"}, "unknown field 'md5'"),
        ("subject.0.digest.sha256", "00" * 32, "not the digest of its members"),
        ("subject.0.digest.sha256", "AB" * 32, "lower-case"),
        ("subject.0.annotations.created", "yesterday", "not RFC 3339"),
        ("subject.0.annotations.created", "2026-03-01T12:00:00+01:00", "not RFC 3339"),
        ("subject.0.annotations.expires", 5, "not a string"),
        ("subject.0.annotations.version", "", "printable characters"),
        ("subject.0.annotations.extra", "x", "unknown field 'extra'"),
        ("extra", "x", "unknown field 'extra'"),
        ("predicate.serialization.method", "shards", "only 'files' is verified"),
        ("predicate.serialization.hash_type", "sha1", "only 'sha256' is verified"),
        ("predicate.serialization.allow_symlinks", True, "only False is verified"),
        ("predicate.serialization.allow_symlinks", 0, "only False is verified"),
        ("predicate.serialization.ignore_paths", [1], "not a string"),
        ("predicate.resources", [], "no members"),
        ("predicate.resources.0.name", "../evil", "'..' part"),
        ("predicate.resources.0.name", "/etc/passwd", "absolute"),
        ("predicate.resources.0.name", "sub/B.bin", "collide"),
        ("predicate.resources.0.name", "z.bin", "out of order"),
        ("predicate.resources.0.name", "a\0.bin", "control character"),
        ("predicate.resources.0.algorithm", "sha1", "only 'sha256' is verified"),
        ("predicate.resources.0.digest", "01" * 31, "64 lower-case"),
        ("predicate.resources.0.digest", "02" * 32, "not the digest of its members"),
        ("predicate.resources.0.size", -1, "negative"),
        ("predicate.resources.0.size", True, "not an integer"),
        ("predicate.resources.0.size", 1.0, "not an integer"),
    ],
)
def test_a_statement_that_breaks_a_rule_is_refused_with_its_own_words(
    path: str, value: object, reason: str
) -> None:
    changed = statement()
    *parents, last = path.split(".")
    place: Any = changed
    for part in parents:
        place = place[int(part)] if part.isdigit() else place[part]
    place[last] = value
    assert reason in refusal(changed)


@pytest.mark.parametrize("field", ["_type", "subject", "predicateType", "predicate"])
def test_a_statement_without_one_of_its_fields_is_refused(field: str) -> None:
    changed = statement()
    del changed[field]
    assert refusal(changed) == f"the signed statement has no '{field}'"


def test_two_subjects_and_duplicate_keys_deep_inside_are_refused() -> None:
    changed = statement()
    changed["subject"] *= 2
    assert "2 subjects" in refusal(changed)
    text = encode_statement(FILE, created=CREATED)
    for old, new in (
        (b'"size":7', b'"size":7,"size":7'),
        (b'"name":"model.joblib"', b'"name":"model.joblib","name":"model.joblib"'),
        (b'"method":"files"', b'"method":"files","method":"files"'),
    ):
        with pytest.raises(SignatureFormatError, match="twice"):
            parse_statement(text.replace(old, new))


def test_the_number_of_members_is_limited() -> None:
    with pytest.raises(SignatureFormatError, match="more than 1 members"):
        parse_statement(encode_statement(FOLDER, created=CREATED, name="x"), Limits(folder_members=1))


NAMES = st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=1, max_size=12)


@settings(deadline=None, max_examples=80)
@given(
    names=st.lists(NAMES, min_size=1, max_size=5),
    name=NAMES,
    version=st.none() | NAMES,
    days=st.integers(1, 5000),
    digest=st.binary(min_size=32, max_size=32),
)
def test_whatever_can_be_signed_parses_to_the_same_values(
    names: list[str], name: str, version: str | None, days: int, digest: bytes
) -> None:
    expires = CREATED + timedelta(days=days)
    try:
        manifest = make_manifest("folder", [Member(each, digest, days) for each in names])
        encoded = encode_statement(manifest, created=CREATED, name=name, version=version, expires=expires)
    except SecureloadError:
        return
    parsed = parse_statement(encoded)
    assert parsed.manifest.members == manifest.members
    assert (parsed.name, parsed.version, parsed.expires) == (name, version, expires)


@settings(deadline=None, max_examples=150)
@given(data=st.data())
def test_any_bytes_and_any_damage_raise_nothing_but_a_signature_format_error(data: st.DataObject) -> None:
    whole = bytearray(encode_statement(FOLDER, created=CREATED, name="fraud"))
    start = data.draw(st.integers(0, len(whole)))
    whole[start : start + data.draw(st.integers(0, 30))] = data.draw(st.binary(max_size=20))
    for payload in (bytes(whole), data.draw(st.binary(max_size=50))):
        try:
            parse_statement(payload)
        except SignatureFormatError as error:
            assert error.message.startswith("the signed statement")
