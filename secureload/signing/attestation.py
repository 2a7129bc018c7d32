"""Attestations: in-toto statements about the same subject as the signature, by whoever has something to say.

The subject names the model and the digest over all its members, as the signed statement does; its annotations
have the version and the times. Which predicate it carries says what is stated. Source: in-toto attestation v1.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from secureload.errors import SignatureFormatError
from secureload.limits import DEFAULT_LIMITS, Limits
from secureload.printable import printable
from secureload.signing.instants import encode_instant, parse_instant, require_aware
from secureload.signing.predicates.catalog import PREDICATES, Predicate, predicate_of_type
from secureload.signing.predicates.fields import refused, take_digest, take_label
from secureload.signing.statement import STATEMENT_TYPE
from secureload.signing.strict_json import encode_json, parse_json, take_list, take_object, take_string
from secureload.values import dataclass

__all__ = ["Attestation", "claimed_kind", "encode_attestation", "parse_attestation"]

_WHERE = "the attestation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attestation:
    """What is stated about which model: ``predicate`` is the value of the kind's module in ``predicates``.

    ``subject_digest`` is :attr:`Manifest.subject_digest`. ``created`` and ``expires`` are aware, in UTC, and no
    more than the signer's own word.
    """

    kind: str
    name: str
    version: str | None
    subject_digest: bytes
    created: datetime
    expires: datetime | None
    predicate: Any

    @property
    def role(self) -> str:
        """The role of the keys that may state this."""
        return PREDICATES[self.kind].role


def encode_attestation(attestation: Attestation) -> bytes:
    """Encode as canonical JSON. Raises :class:`SignatureFormatError` for what :func:`parse_attestation` refuses."""
    annotations = {"created": encode_instant(attestation.created), "name": attestation.name}
    if attestation.version is not None:
        annotations["version"] = attestation.version
    if attestation.expires is not None:
        annotations["expires"] = encode_instant(require_aware(attestation.expires))
    known = PREDICATES[attestation.kind]
    payload = encode_json(
        {
            "_type": STATEMENT_TYPE,
            "predicate": known.encode(attestation.predicate),
            "predicateType": known.type,
            "subject": [
                {
                    "annotations": annotations,
                    "digest": {"sha256": attestation.subject_digest.hex()},
                    "name": attestation.name,
                }
            ],
        }
    )
    parse_attestation(payload)
    return payload


def parse_attestation(payload: bytes, limits: Limits = DEFAULT_LIMITS) -> Attestation:
    """Parse an attestation. Raises :class:`SignatureFormatError` for anything else, down to unknown fields."""
    outer = take_object(
        parse_json(payload, where=_WHERE, limits=limits),
        _WHERE,
        ("_type", "subject", "predicateType", "predicate"),
    )
    if outer["_type"] != STATEMENT_TYPE:
        raise refused(f"{_WHERE} is of another type than {STATEMENT_TYPE!r}")
    known = _known(outer["predicateType"])
    subjects = take_list(outer["subject"], f"{_WHERE}: subject")
    if len(subjects) != 1:
        raise refused(f"{_WHERE} has {len(subjects):,} subjects instead of one")
    subject = take_object(subjects[0], f"{_WHERE}: subject", ("name", "digest", "annotations"))
    where = f"{_WHERE}: annotations"
    said = take_object(subject["annotations"], where, ("name", "created"), ("version", "expires"))
    name = take_label(subject["name"], f"{_WHERE}: subject name", 256)
    if said["name"] != name:
        raise refused(f"{_WHERE} has two different names")
    created, expires = _instant(said["created"]), said.get("expires")
    until = None if expires is None else _instant(expires)
    if until is not None and until <= created:
        raise refused(f"{_WHERE} expires before it was made")
    return Attestation(
        kind=known.kind,
        name=name,
        version=None if "version" not in said else take_label(said["version"], f"{where}: version", 128),
        subject_digest=take_digest(subject["digest"], f"{_WHERE}: subject digest"),
        created=created,
        expires=until,
        predicate=known.parse(outer["predicate"]),
    )


def claimed_kind(payload: bytes, limits: Limits = DEFAULT_LIMITS) -> str | None:
    """Return which kind of attestation ``payload`` says that it is, None where it is none.

    It sorts envelopes before their signatures are verified: what is said here is covered by them.
    """
    if not any(known.type.encode() in payload for known in PREDICATES.values()):
        return None  # a manifest of thousands of members is not parsed twice
    try:
        value = parse_json(payload, where=_WHERE, limits=limits)
    except SignatureFormatError:
        return None
    known = predicate_of_type(value.get("predicateType")) if isinstance(value, dict) else None
    return None if known is None else known.kind


def _known(value: object) -> Predicate:
    known = predicate_of_type(take_string(value, f"{_WHERE}: predicateType"))
    if known is None:
        raise refused(f"{_WHERE} is of the unknown kind {printable(value, 80)!r}")
    return known


def _instant(value: object) -> datetime:
    moment = parse_instant(take_string(value, f"{_WHERE}: time"))
    if moment is None:
        raise refused(f"{_WHERE} has a time that is not as 2026-03-01T12:00:00Z")
    return moment
