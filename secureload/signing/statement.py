"""The signed statement: an in-toto Statement v1 with the predicate of OpenSSF Model Signing (OMS) v1.0.

It lists every member of the artifact. Its one subject carries the digest over all of them, and the model's
name, version and times as annotations. Sources: the in-toto attestation framework v1, OMS v1.0.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime

from secureload.errors import MalformedError, SignatureFormatError, UsageError
from secureload.limits import DEFAULT_LIMITS, Limits
from secureload.printable import printable
from secureload.signing.instants import encode_instant, parse_instant, require_aware
from secureload.signing.manifest import Manifest, Member, validate_member_name
from secureload.signing.strict_json import (
    encode_json,
    parse_json,
    take_list,
    take_object,
    take_size,
    take_string,
)
from secureload.values import dataclass

__all__ = [
    "PREDICATE_TYPE",
    "STATEMENT_TYPE",
    "Statement",
    "encode_statement",
    "is_ignored",
    "parse_statement",
]

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://model_signing/signature/v1.0"
_LEGACY_TYPES = frozenset({"https://in-toto.io/Statement/v0.1", "https://model_signing/Digests/v0.1"})

_WHERE = "the signed statement"
_NAME_CHARS = 256
_VERSION_CHARS = 128
_HEX_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What a signer says: these members, under this name, in this version, at this time, until that one.

    ``created`` and ``expires`` are aware datetimes in UTC, and no more than the signer's own word.
    """

    manifest: Manifest
    name: str
    version: str | None
    created: datetime
    expires: datetime | None
    ignore_paths: tuple[str, ...] = ()


def encode_statement(
    manifest: Manifest,
    *,
    created: datetime,
    name: str | None = None,
    version: str | None = None,
    expires: datetime | None = None,
    ignore_paths: Sequence[str] = (),
) -> bytes:
    """Encode the statement about ``manifest`` as canonical JSON; the same arguments give the same bytes.

    ``name`` defaults to the member's name for a single file, and is required for a folder. ``ignore_paths``
    says what of a folder was left out, such as the signature file. Raises :class:`UsageError` for a name or
    version that is empty, too long or not printable, and for times without a zone or in the wrong order, and
    :class:`MalformedError` for an ignored path that is no member name.
    """
    if name is None:
        if manifest.kind != "file":
            raise UsageError("a folder is signed under a name, and none was given", hint="Pass a name.")
        name = manifest.members[0].name
    for path in ignore_paths:
        validate_member_name(path)
    annotations = {"name": _checked_label(name, "name", _NAME_CHARS), "created": encode_instant(created)}
    if version is not None:
        annotations["version"] = _checked_label(version, "version", _VERSION_CHARS)
    if expires is not None:
        if require_aware(expires) <= require_aware(created):
            raise UsageError("the statement would expire before it is made", hint="Choose a later expiry.")
        annotations["expires"] = encode_instant(expires)
    subject = {
        "annotations": annotations,
        "digest": {"sha256": manifest.subject_digest.hex()},
        "name": name,
    }
    return encode_json(
        {
            "_type": STATEMENT_TYPE,
            "predicate": _predicate(manifest, ignore_paths),
            "predicateType": PREDICATE_TYPE,
            "subject": [subject],
        }
    )


def parse_statement(payload: bytes, limits: Limits = DEFAULT_LIMITS) -> Statement:
    """Parse a statement.

    Raises :class:`SignatureFormatError` for what is not strict JSON, unknown or legacy types, unknown fields,
    more than one subject, no members, member names that :mod:`secureload.signing.manifest` refuses, members
    out of order, and a subject digest that is not the one of the members.
    """
    outer = take_object(
        parse_json(payload, where=_WHERE, limits=limits),
        _WHERE,
        ("_type", "subject", "predicateType", "predicate"),
    )
    _check_type(take_string(outer["_type"], f"{_WHERE}: _type"), STATEMENT_TYPE)
    _check_type(take_string(outer["predicateType"], f"{_WHERE}: predicateType"), PREDICATE_TYPE)
    subjects = take_list(outer["subject"], f"{_WHERE}: subject")
    if len(subjects) != 1:
        raise _refused(f"has {len(subjects):,} subjects instead of one")
    subject = take_object(subjects[0], f"{_WHERE}: subject", ("name", "digest", "annotations"))
    name = take_string(subject["name"], f"{_WHERE}: subject name")
    members, ignored = _parse_predicate(outer["predicate"], limits)
    manifest = _manifest(members, name)
    if _parse_digest_set(subject["digest"]) != manifest.subject_digest:
        raise _refused("has a subject digest that is not the digest of its members")
    return _annotated(subject["annotations"], name, manifest, ignored)


def is_ignored(name: str, ignore_paths: Collection[str]) -> bool:
    """Whether a member of this name is one of ``ignore_paths``, or lies in a folder that is."""
    return any(prefix in ignore_paths for prefix in _prefixes(name))


def _prefixes(name: str) -> Iterator[str]:
    """Yield ``a``, ``a/b`` and ``a/b/c`` of the name ``a/b/c``."""
    cut = name.find("/")
    while cut != -1:
        yield name[:cut]
        cut = name.find("/", cut + 1)
    yield name


def _predicate(manifest: Manifest, ignore_paths: Sequence[str]) -> dict[str, object]:
    return {
        "resources": [
            {"algorithm": "sha256", "digest": member.digest.hex(), "name": member.name, "size": member.size}
            for member in manifest.members
        ],
        "serialization": {
            "allow_symlinks": False,
            "hash_type": "sha256",
            "ignore_paths": sorted(ignore_paths),
            "method": "files",
        },
    }


def _parse_predicate(value: object, limits: Limits) -> tuple[tuple[Member, ...], tuple[str, ...]]:
    predicate = take_object(value, f"{_WHERE}: predicate", ("resources", "serialization"))
    serialization = take_object(
        predicate["serialization"],
        f"{_WHERE}: serialization",
        ("method", "hash_type", "allow_symlinks", "ignore_paths"),
    )
    for key, expected in (("method", "files"), ("hash_type", "sha256"), ("allow_symlinks", False)):
        # By type too: in Python 0 == False.
        if type(serialization[key]) is not type(expected) or serialization[key] != expected:
            raise _refused(
                f"has the {key} {printable(serialization[key], 40)!r}; only {expected!r} is verified"
            )
    ignored = take_list(serialization["ignore_paths"], f"{_WHERE}: ignore_paths")
    resources = take_list(predicate["resources"], f"{_WHERE}: resources")
    if not resources:
        raise _refused("lists no members, so it says nothing")
    if len(resources) > limits.folder_members:
        raise _refused(f"lists more than {limits.folder_members:,} members", limit="folder_members")
    members = tuple(_parse_resource(resource) for resource in resources)
    if len(ignored) > limits.folder_members:
        raise _refused(f"leaves out more than {limits.folder_members:,} paths", limit="folder_members")
    paths = tuple(take_string(path, f"{_WHERE}: ignore_paths") for path in ignored)
    if paths:
        _check_ignored(paths, members)
    return members, paths


def _check_ignored(paths: tuple[str, ...], members: tuple[Member, ...]) -> None:
    listed = {prefix for member in members for prefix in _prefixes(member.name)}
    listed |= {member.name for member in members if is_ignored(member.name, frozenset(paths))}
    for path in paths:
        try:
            validate_member_name(path)
        except MalformedError as error:
            raise _refused(f"leaves out what is no member name: {error.message}") from None
        if path in listed:
            raise _refused(f"leaves out {printable(path, 80)!r}, which it also lists")


def _parse_resource(value: object) -> Member:
    where = f"{_WHERE}: resource"
    resource = take_object(value, where, ("name", "algorithm", "digest", "size"))
    if resource["algorithm"] != "sha256":
        raise _refused(
            f"has the algorithm {printable(resource['algorithm'], 40)!r}; only 'sha256' is verified"
        )
    return Member(
        take_string(resource["name"], f"{where} name"),
        _parse_digest(resource["digest"]),
        take_size(resource["size"], f"{where} size"),
    )


def _parse_digest_set(value: object) -> bytes:
    digests = take_object(value, f"{_WHERE}: subject digest", ("sha256",))
    return _parse_digest(digests["sha256"])


def _parse_digest(value: object) -> bytes:
    text = take_string(value, f"{_WHERE}: digest")
    if _HEX_DIGEST.fullmatch(text) is None:
        raise _refused(
            f"has the digest {printable(text, 70)!r}, which is not 64 lower-case hexadecimal digits"
        )
    return bytes.fromhex(text)


def _manifest(members: tuple[Member, ...], name: str) -> Manifest:
    """Build the manifest; a statement about one member of the subject's own name is about a single file."""
    is_file = len(members) == 1 and "/" not in members[0].name and members[0].name == name
    try:
        return Manifest("file" if is_file else "folder", members)
    except MalformedError as error:
        raise _refused(f"is malformed: {error.message}", **error.fields) from None


def _annotated(value: object, name: str, manifest: Manifest, ignored: tuple[str, ...]) -> Statement:
    where = f"{_WHERE}: annotations"
    annotations = take_object(value, where, ("name", "created"), ("version", "expires"))
    if take_string(annotations["name"], where) != name:
        raise _refused("has two different names")
    version = annotations.get("version")
    try:
        _checked_label(name, "name", _NAME_CHARS)
        if version is not None:
            version = _checked_label(take_string(version, where), "version", _VERSION_CHARS)
    except UsageError as error:
        raise _refused(f"is malformed: {error.message}") from None
    expires = annotations.get("expires")
    return Statement(
        manifest=manifest,
        name=name,
        version=version,
        created=_instant(annotations["created"], "created"),
        expires=None if expires is None else _instant(expires, "expires"),
        ignore_paths=ignored,
    )


def _instant(value: object, which: str) -> datetime:
    text = take_string(value, f"{_WHERE}: {which}")
    moment = parse_instant(text)
    if moment is None:
        raise _refused(f"has a time {which!r} that is not RFC 3339 in UTC: {printable(text, 40)!r}")
    return moment


def _checked_label(text: str, what: str, most: int) -> str:
    if not text or len(text) > most or not text.isprintable() or not unicodedata.is_normalized("NFC", text):
        raise UsageError(
            f"the {what} {printable(text, 60)!r} is not 1 to {most} printable characters",
            hint=f"Choose another {what}.",
        )
    return text


def _check_type(found: str, expected: str) -> None:
    if found in _LEGACY_TYPES:
        raise _refused(f"is of the legacy type {printable(found, 80)!r}; only {expected!r} is verified")
    if found != expected:
        raise _refused(f"is of the unknown type {printable(found, 80)!r}; only {expected!r} is verified")


def _refused(what: str, **fields: object) -> SignatureFormatError:
    return SignatureFormatError(
        f"{_WHERE} {what}", hint="Ask the sender for a new signature, made with 'secureload sign'.", **fields
    )
