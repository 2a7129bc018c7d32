"""OMS bundles and statements: what other signers write is read, and nothing that has two readings."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secureload.errors import SignatureFormatError
from secureload.limits import Limits
from secureload.signing.manifest import Member, make_manifest
from secureload.signing.oms import (
    OmsBundle,
    encode_oms_bundle,
    encode_oms_statement,
    parse_oms_bundle,
    parse_oms_statement,
)

HINT = "ab" * 32
BUNDLE = OmsBundle(b"{}", b"0123456789", HINT)
DIGEST = hashlib.sha256(b"x").digest()


def statement(resources: list[tuple[str, bytes]] | None = None, **changes: Any) -> dict[str, Any]:
    """A statement as OpenSSF's signer writes it, about these resources."""
    named = [("a.bin", DIGEST), ("sub/b.bin", DIGEST)] if resources is None else resources
    shard = changes.pop("shard", None)
    serialization: dict[str, Any] = {
        "method": "files" if shard is None else "shards",
        "hash_type": "sha256",
        "allow_symlinks": False,
        "ignore_paths": [".git", "model.sig"],
    }
    if shard is not None:
        serialization["shard_size"] = shard
    algorithm = "sha256" if shard is None else f"sha256-sharded-{int(shard)}"
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [
            {
                "name": "model",
                "digest": {"sha256": hashlib.sha256(b"".join(one for _, one in named)).hexdigest()},
            }
        ],
        "predicateType": "https://model_signing/signature/v1.0",
        "predicate": {
            "serialization": serialization | changes,
            "resources": [
                {"name": name, "algorithm": algorithm, "digest": digest.hex()} for name, digest in named
            ],
        },
    }


def encoded(value: object) -> bytes:
    return json.dumps(value).encode()


def test_a_bundle_comes_back_as_it_was_encoded() -> None:
    assert parse_oms_bundle(encode_oms_bundle(BUNDLE)) == BUNDLE
    chained = OmsBundle(b"{}", b"0123456789", certificates=(b"leaf", b"between"))
    assert parse_oms_bundle(encode_oms_bundle(chained)) == chained


def bundle_value() -> dict[str, Any]:
    value: dict[str, Any] = json.loads(encode_oms_bundle(BUNDLE))
    return value


def with_two_signatures(value: dict[str, Any]) -> None:
    value["dsseEnvelope"]["signatures"] *= 2


def with_log_entries(value: dict[str, Any]) -> None:
    value["verificationMaterial"]["tlogEntries"] = [{"logIndex": "1"}]


def with_both_materials(value: dict[str, Any]) -> None:
    value["verificationMaterial"]["x509CertificateChain"] = {"certificates": [{"rawBytes": "AA=="}]}


def without_material(value: dict[str, Any]) -> None:
    value["verificationMaterial"] = {}


def with_many_certificates(value: dict[str, Any]) -> None:
    value["verificationMaterial"] = {"x509CertificateChain": {"certificates": [{"rawBytes": "AA=="}] * 17}}


def with_another_payload_type(value: dict[str, Any]) -> None:
    value["dsseEnvelope"]["payloadType"] = "text/plain"


def with_an_unknown_field(value: dict[str, Any]) -> None:
    value["note"] = "unsigned words"


def with_malleable_base64(value: dict[str, Any]) -> None:
    value["dsseEnvelope"]["signatures"][0]["sig"] = "AAAAAAAAAAAB="


def with_another_bundle_version(value: dict[str, Any]) -> None:
    value["mediaType"] = "application/vnd.dev.sigstore.bundle+json;version=0.2"


def with_a_key_id_of_words(value: dict[str, Any]) -> None:
    value["verificationMaterial"]["publicKey"]["hint"] = "alice"


@pytest.mark.parametrize(
    "change",
    [
        with_two_signatures,
        with_log_entries,
        with_both_materials,
        without_material,
        with_many_certificates,
        with_another_payload_type,
        with_an_unknown_field,
        with_malleable_base64,
        with_another_bundle_version,
        with_a_key_id_of_words,
    ],
)
def test_a_bundle_with_something_else_in_it_is_refused(change: Callable[[dict[str, Any]], None]) -> None:
    value = bundle_value()
    change(value)
    with pytest.raises(SignatureFormatError):
        parse_oms_bundle(encoded(value))


def test_a_key_twice_in_a_bundle_is_refused() -> None:
    data = encode_oms_bundle(BUNDLE)
    with pytest.raises(SignatureFormatError, match="twice"):
        parse_oms_bundle(data.replace(b'"mediaType"', b'"mediaType":"x","mediaType"', 1))


def test_a_huge_bundle_is_refused_before_it_is_parsed() -> None:
    with pytest.raises(SignatureFormatError, match="larger than 100 bytes"):
        parse_oms_bundle(b"[" * 101, Limits(sidecar_bytes=100))


def test_files_are_read() -> None:
    found = parse_oms_statement(encoded(statement()))
    assert (found.name, found.method, found.is_single_file) == ("model", "files", False)
    assert found.files == {"a.bin": DIGEST, "sub/b.bin": DIGEST}
    assert found.ignore_paths == (".git", "model.sig")


def test_shards_are_read_with_the_double_that_protobuf_writes() -> None:
    shards = [("a.bin:0:1000", DIGEST), ("a.bin:1000:1500", DIGEST), ("bb:c:0:3", DIGEST)]
    found = parse_oms_statement(encoded(statement(shards, shard=1000.0)))
    assert [(one.start, one.end) for one in found.shards["a.bin"]] == [(0, 1000), (1000, 1500)]
    assert found.shards["bb:c"][0].end == 3
    assert found.shard_bytes == 1000


def test_a_single_file_is_called_a_dot() -> None:
    assert parse_oms_statement(encoded(statement([(".", DIGEST)]))).is_single_file
    with pytest.raises(SignatureFormatError, match="and about others too"):
        parse_oms_statement(encoded(statement([(".", DIGEST), ("a", DIGEST)])))


@pytest.mark.parametrize(
    "resources",
    [
        [],
        [("a", DIGEST), ("a", DIGEST)],
        [("../a", DIGEST)],
        [("/a", DIGEST)],
        [("C:/a", DIGEST)],
        [("a\0b", DIGEST)],
        [("a\\b", DIGEST)],
        [("A", DIGEST), ("a", DIGEST)],
        [("a", DIGEST), ("a/b", DIGEST)],
        [("e\u0301", DIGEST)],
        [("a", b"short")],
    ],
)
def test_members_that_mean_two_things_are_refused(resources: list[tuple[str, bytes]]) -> None:
    with pytest.raises(SignatureFormatError):
        parse_oms_statement(encoded(statement(resources)))


@pytest.mark.parametrize(
    "names",
    [
        ["a:0:1000", "a:2000:2500"],
        ["a:1000:2000"],
        ["a:0:500", "a:500:900"],
        ["a:0:0"],
        ["a:0:1001"],
        ["a:0:1000", "a:0:1000"],
        ["a"],
        ["a:0:-1"],
        ["a:00:10"],
        ["a:0:1_0"],
        ["a:0:99999999999999999999"],
    ],
)
def test_shards_with_gaps_overlaps_or_odd_numbers_are_refused(names: list[str]) -> None:
    with pytest.raises(SignatureFormatError):
        parse_oms_statement(encoded(statement([(name, DIGEST) for name in names], shard=1000)))


@pytest.mark.parametrize(
    "change",
    [
        {"method": "other"},
        {"hash_type": "blake2b"},
        {"allow_symlinks": True},
        {"allow_symlinks": 0},
        {"allow_symlinks": "false"},
        {"ignore_paths": "model.sig"},
        {"extra": 1},
        {"shard_size": 10},
        {"shard": 0},
        {"shard": 1.5},
        {"shard": True},
    ],
)
def test_a_serialization_that_is_not_verified_here_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(SignatureFormatError):
        parse_oms_statement(encoded(statement(**change)))


def test_a_subject_digest_of_other_members_is_refused() -> None:
    value = statement()
    value["subject"][0]["digest"]["sha256"] = "0" * 64
    with pytest.raises(SignatureFormatError, match="subject digest"):
        parse_oms_statement(encoded(value))


def test_legacy_and_unknown_types_are_refused() -> None:
    for key in ("_type", "predicateType"):
        value = statement()
        value[key] = "https://model_signing/Digests/v0.1"
        with pytest.raises(SignatureFormatError, match="only"):
            parse_oms_statement(encoded(value))


def test_ten_million_resources_end_in_a_limit() -> None:
    with pytest.raises(SignatureFormatError, match="more than 1 resources") as caught:
        parse_oms_statement(encoded(statement()), Limits(folder_members=1))
    assert caught.value.fields["limit"] == "folder_members"


def test_what_is_exported_is_read_again() -> None:
    manifest = make_manifest("folder", [Member("a", DIGEST, 1), Member("b/c", DIGEST, 1)])
    found = parse_oms_statement(
        encode_oms_statement(
            manifest, name="model", annotations={"name": "model"}, ignore_paths=("model.sig",)
        )
    )
    assert set(found.files) == {"a", "b/c"}
    single = make_manifest("file", [Member("a", DIGEST, 1)])
    assert parse_oms_statement(encode_oms_statement(single, name="a", annotations={})).is_single_file


@given(st.binary(max_size=200))
def test_whatever_the_bytes_they_are_parsed_or_refused(data: bytes) -> None:
    for parse in (parse_oms_bundle, parse_oms_statement):
        with pytest.raises(SignatureFormatError):
            parse(data)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(st.data())
def test_a_statement_with_one_value_replaced_is_parsed_or_refused(data: st.DataObject) -> None:
    value = statement()
    where: Any = value
    for _ in range(5):
        key = data.draw(st.sampled_from(sorted(where) if isinstance(where, dict) else range(len(where))))
        if not isinstance(where[key], dict | list) or not where[key] or data.draw(st.booleans()):
            where[key] = data.draw(_JSON)
            break
        where = where[key]
    try:
        parse_oms_statement(encoded(value))
    except SignatureFormatError as error:
        assert error.message.isprintable()


@given(st.data())
def test_a_bundle_with_one_byte_replaced_is_parsed_or_refused(data: st.DataObject) -> None:
    raw = bytearray(encode_oms_bundle(BUNDLE))
    raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    try:
        found = parse_oms_bundle(bytes(raw))
    except SignatureFormatError:
        return
    assert base64.b64encode(found.signature)
