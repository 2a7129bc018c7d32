"""Bundles and statements of OpenSSF Model Signing (OMS) v1.0 as other signers write them.

What is accepted is wider than what secureload writes itself (no sizes, shards, ECDSA keys, certificates), and
as strict in everything else: one reading of the JSON, one signature, names that mean the same everywhere,
SHA-256, no symbolic links. Sources: the OMS v1.0 specification and its JSON schemas; ``sigstore_bundle.proto``.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Literal, TypeAlias

from secureload.errors import MalformedError, SignatureFormatError
from secureload.limits import DEFAULT_LIMITS, Limits
from secureload.printable import printable
from secureload.signing.bundle_parts import (
    BundleParts,
    decode_base64,
    encode_base64,
    encode_parts,
    parse_parts,
)
from secureload.signing.manifest import Manifest, Member, make_manifest
from secureload.signing.statement import PREDICATE_TYPE, STATEMENT_TYPE
from secureload.signing.strict_json import encode_json, parse_json, take_list, take_object, take_string

__all__ = [
    "OmsBundle",
    "OmsStatement",
    "Shard",
    "encode_oms_bundle",
    "encode_oms_statement",
    "parse_oms_bundle",
    "parse_oms_statement",
]

SINGLE_FILE = "."  # what OMS calls the member of a model that is one file
_HEX = re.compile(r"[0-9a-f]{64}", re.ASCII)
_DECIMAL = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)
_WHERE = "the signed statement"
_CERTIFICATES = 16
_SIGNATURE_BYTES = 1_024
_NAME_CHARS = 256
Method: TypeAlias = Literal["files", "shards"]


@dataclass(frozen=True, slots=True)
class OmsBundle:
    """One signature: the payload as it came, the signature (DER), and how its key is found.

    Either ``hint`` names a public key, or ``certificates`` (DER, the signer's first) lead to one. Both are
    claims until the signature was verified.
    """

    payload: bytes
    signature: bytes
    hint: str = ""
    certificates: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Shard:
    """The bytes ``start`` to ``end`` (not included) of a member, and their SHA-256 (32 bytes)."""

    start: int
    end: int
    digest: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class OmsStatement:
    """What was signed. ``files`` maps each member's name to its digest, ``shards`` to its shards in order.

    The member of a model that is a single file is called ``"."``. ``ignore_paths`` were left out.
    """

    name: str
    method: Method
    files: dict[str, bytes]
    shards: dict[str, tuple[Shard, ...]]
    shard_bytes: int = 0
    ignore_paths: tuple[str, ...] = ()

    @property
    def is_single_file(self) -> bool:
        """Whether it is about one file and not about a folder."""
        return SINGLE_FILE in self.files or SINGLE_FILE in self.shards


def parse_oms_bundle(
    data: bytes, limits: Limits = DEFAULT_LIMITS, *, where: str = "the signature"
) -> OmsBundle:
    """Parse one bundle that names a public key or carries a chain of certificates.

    Raises :class:`SignatureFormatError` for anything else, transparency-log entries included: they are not
    verified here, so they are not passed over.
    """
    if len(data) > limits.sidecar_bytes:
        raise _refused(where, f"is larger than {limits.sidecar_bytes:,} bytes", limit="sidecar_bytes")
    parts = parse_parts(data, limits, where=where)
    hint, certificates = _parse_material(parts.material, f"{where}: verificationMaterial")
    if not 8 <= len(parts.signature) <= _SIGNATURE_BYTES:
        raise _refused(where, f"holds a signature of {len(parts.signature):,} bytes, which is none of ECDSA")
    return OmsBundle(parts.payload, parts.signature, hint, certificates)


def encode_oms_bundle(bundle: OmsBundle) -> bytes:
    """Encode a bundle as OpenSSF's model signer reads it."""
    material: dict[str, object] = {"tlogEntries": []}
    if bundle.certificates:
        material["x509CertificateChain"] = {
            "certificates": [{"rawBytes": encode_base64(one)} for one in bundle.certificates]
        }
    else:
        material["publicKey"] = {"hint": bundle.hint}
    return encode_parts(BundleParts(bundle.payload, bundle.signature, "", material))


def encode_oms_statement(
    manifest: Manifest, *, name: str, annotations: dict[str, str], ignore_paths: tuple[str, ...] = ()
) -> bytes:
    """Encode a statement that OpenSSF's model signer accepts: a single file's member is called ``"."``."""
    is_file = manifest.kind == "file"
    resources = [
        {
            "algorithm": "sha256",
            "digest": member.digest.hex(),
            "name": SINGLE_FILE if is_file else member.name,
            "size": member.size,
        }
        for member in manifest.members
    ]
    return encode_json(
        {
            "_type": STATEMENT_TYPE,
            "predicate": {
                "resources": resources,
                "serialization": {
                    "allow_symlinks": False,
                    "hash_type": "sha256",
                    "ignore_paths": sorted(ignore_paths),
                    "method": "files",
                },
            },
            "predicateType": PREDICATE_TYPE,
            "subject": [
                {
                    "annotations": annotations,
                    "digest": {"sha256": manifest.subject_digest.hex()},
                    "name": name,
                }
            ],
        }
    )


def parse_oms_statement(payload: bytes, limits: Limits = DEFAULT_LIMITS) -> OmsStatement:
    """Parse a statement of files or of shards.

    Raises :class:`SignatureFormatError` for what is not strict JSON, legacy and unknown types, no resources,
    other hashes than SHA-256, symbolic links that were followed, names that
    :func:`~secureload.signing.manifest.validate_member_name` refuses or that collide, shards that are not
    exactly one after the other, and a subject digest that is not the digest of the resources.
    """
    outer = take_object(
        parse_json(payload, where=_WHERE, limits=limits),
        _WHERE,
        ("_type", "subject", "predicateType", "predicate"),
    )
    for key, expected in (("_type", STATEMENT_TYPE), ("predicateType", PREDICATE_TYPE)):
        found = take_string(outer[key], f"{_WHERE}: {key}")
        if found != expected:
            raise _refused(_WHERE, f"has the {key} {printable(found, 80)!r}; only {expected!r} is verified")
    subjects = take_list(outer["subject"], f"{_WHERE}: subject")
    if len(subjects) != 1:
        raise _refused(_WHERE, f"has {len(subjects):,} subjects instead of one")
    subject = take_object(subjects[0], f"{_WHERE}: subject", ("name", "digest"), ("annotations",))
    name = take_string(subject["name"], f"{_WHERE}: subject name")
    if not name or len(name) > _NAME_CHARS or not name.isprintable():
        raise _refused(
            _WHERE, f"has the name {printable(name, 60)!r}, which is empty, too long or not printable"
        )
    predicate = take_object(outer["predicate"], f"{_WHERE}: predicate", ("resources", "serialization"))
    method, shard_bytes, ignored = _parse_serialization(predicate["serialization"])
    resources = take_list(predicate["resources"], f"{_WHERE}: resources")
    if not resources:
        raise _refused(_WHERE, "lists no members, so it says nothing")
    if len(resources) > limits.folder_members:
        raise _refused(_WHERE, f"lists more than {limits.folder_members:,} resources", limit="folder_members")
    algorithm = "sha256" if method == "files" else f"sha256-sharded-{shard_bytes}"
    named = [_parse_resource(resource, algorithm) for resource in resources]
    whole = hashlib.sha256(b"".join(digest for _, digest in named)).hexdigest()
    digests = take_object(subject["digest"], f"{_WHERE}: subject digest", ("sha256",))
    if digests["sha256"] != whole:
        raise _refused(_WHERE, "has a subject digest that is not the digest of its members")
    files = _files(named) if method == "files" else {}
    shards = _shards(named, shard_bytes) if method == "shards" else {}
    _check_names(files or shards)
    return OmsStatement(
        name=name, method=method, files=files, shards=shards, shard_bytes=shard_bytes, ignore_paths=ignored
    )


def _parse_material(value: object, where: str) -> tuple[str, tuple[bytes, ...]]:
    material = take_object(value, where, (), ("publicKey", "x509CertificateChain", "tlogEntries"))
    if take_list(material.get("tlogEntries", []), f"{where}: tlogEntries"):
        raise _refused(where, "carries transparency-log entries, which are not verified here")
    if ("publicKey" in material) == ("x509CertificateChain" in material):
        raise _refused(where, "names neither or both of a public key and a chain of certificates")
    if "publicKey" in material:
        key = take_object(material["publicKey"], f"{where}: publicKey", ("hint",))
        hint = take_string(key["hint"], f"{where}: hint")
        if _HEX.fullmatch(hint) is None:
            raise _refused(where, f"names its key {printable(hint, 70)!r}, not by a SHA-256")
        return hint, ()
    chain = take_object(material["x509CertificateChain"], f"{where}: x509CertificateChain", ("certificates",))
    found = take_list(chain["certificates"], f"{where}: certificates")
    if not 1 <= len(found) <= _CERTIFICATES:
        raise _refused(where, f"carries {len(found):,} certificates; 1 to {_CERTIFICATES} are read")
    return "", tuple(
        decode_base64(
            take_object(one, f"{where}: certificate", ("rawBytes",))["rawBytes"], f"{where}: rawBytes"
        )
        for one in found
    )


def _parse_serialization(value: object) -> tuple[Method, int, tuple[str, ...]]:
    where = f"{_WHERE}: serialization"
    serialization = take_object(
        value, where, ("method", "hash_type", "allow_symlinks"), ("ignore_paths", "shard_size")
    )
    if serialization["hash_type"] != "sha256":
        raise _refused(
            _WHERE, f"has the hash {printable(serialization['hash_type'], 40)!r}; only 'sha256' is verified"
        )
    if serialization["allow_symlinks"] is not False:
        raise _refused(_WHERE, "follows symbolic links, which are not followed here")
    ignored = take_list(serialization.get("ignore_paths", []), f"{_WHERE}: ignore_paths")
    paths = tuple(take_string(path, f"{_WHERE}: ignore_paths") for path in ignored)
    method = serialization["method"]
    if method == "files" and "shard_size" not in serialization:
        return "files", 0, paths
    if method == "shards" and "shard_size" in serialization:
        return "shards", _whole(serialization["shard_size"], f"{where}: shard_size"), paths
    raise _refused(_WHERE, f"has the method {printable(method, 40)!r}; 'files' and 'shards' are verified")


def _whole(value: object, where: str) -> int:
    """A number from 1 to 2**53 - 1; protobuf's JSON writes every number as a double."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 1 <= value < 1 << 53:
        raise _refused(where, "is not a number of bytes")
    if value != int(value):
        raise _refused(where, "is not a whole number of bytes")
    return int(value)


def _parse_resource(value: object, algorithm: str) -> tuple[str, bytes]:
    where = f"{_WHERE}: resource"
    resource = take_object(value, where, ("name", "algorithm", "digest"), ("size",))
    if resource["algorithm"] != algorithm:
        raise _refused(
            _WHERE, f"has the algorithm {printable(resource['algorithm'], 40)!r} instead of {algorithm!r}"
        )
    digest = take_string(resource["digest"], f"{where} digest")
    if _HEX.fullmatch(digest) is None:
        raise _refused(_WHERE, f"has the digest {printable(digest, 70)!r}, which is not one of SHA-256")
    return take_string(resource["name"], f"{where} name"), bytes.fromhex(digest)


def _files(named: list[tuple[str, bytes]]) -> dict[str, bytes]:
    files = dict(named)
    if len(files) != len(named):
        raise _refused(_WHERE, "lists a member twice")
    return files


def _shards(named: list[tuple[str, bytes]], size: int) -> dict[str, tuple[Shard, ...]]:
    """Group the shards by member; those of a member are whole, in order and without a gap."""
    found: dict[str, list[Shard]] = {}
    for text, digest in named:
        name, *numbers = text.rsplit(":", 2)
        if len(numbers) != 2 or any(_DECIMAL.fullmatch(number) is None for number in numbers):
            raise _refused(_WHERE, f"lists {printable(text, 80)!r}, which is not NAME:START:END")
        start, end = map(int, numbers)
        before = found.setdefault(name, [])
        expected = before[-1].end if before else 0
        if start != expected or start % size or not start < end <= start + size:
            raise _refused(_WHERE, f"lists the shard {printable(text, 80)!r} out of order")
        before.append(Shard(start, end, digest))
    return {name: tuple(shards) for name, shards in found.items()}


def _check_names(names: dict[str, bytes] | dict[str, tuple[Shard, ...]]) -> None:
    if SINGLE_FILE in names:
        if len(names) > 1:
            raise _refused(_WHERE, "is about a single file and about others too")
        return
    try:
        make_manifest("folder", (Member(name, bytes(32), 0) for name in names))
    except MalformedError as error:
        raise _refused(f"{_WHERE} is malformed:", error.message, **error.fields) from None


def _refused(where: str, what: str, **fields: object) -> SignatureFormatError:
    return SignatureFormatError(
        f"{where} {what}",
        hint="Ask the signer for a signature by OMS v1.0, or by 'secureload sign'.",
        **fields,
    )
