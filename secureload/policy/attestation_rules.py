"""The rules that one attestation goes through: those of its key, then whether it is about the model that was signed.

Metadata for another version, an approval of other bytes, or a timestamp for a name that its key may not speak of
count for nothing. What kind of statement it is decides which role may make it: no role borrows from another.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from secureload.errors import SignatureFormatError
from secureload.policy.signature_rules import (
    Failure,
    Question,
    SignatureResult,
    SignatureStatus,
    check_key,
    first_failure,
    result_of,
    say_malformed,
)
from secureload.printable import printable
from secureload.signing.attestation import Attestation, parse_attestation
from secureload.signing.dsse import Envelope, envelope_digest
from secureload.signing.instants import encode_instant
from secureload.signing.statement import Statement
from secureload.signing.truststore import TrustedKey

__all__ = ["judge_attestation", "when_seen"]


def judge_attestation(
    envelope: Envelope, kind: str, question: Question, signed: Sequence[Statement]
) -> SignatureResult:
    """Apply the rules to one envelope; ``signed`` are the statements of the signatures that count. Total."""
    key_id = printable(envelope.key_id, 80)
    key, failure = first_failure(envelope, question)
    if key is None or failure is not None:
        return result_of(failure, key_id, key, kind=kind)
    try:
        said = parse_attestation(envelope.payload, question.limits)
    except SignatureFormatError as error:
        return result_of(say_malformed(key, error), key_id, key, kind=kind)
    failure = check_key(envelope, key, said, said.role, question) or _check_subject(
        key, said, question, signed
    )
    if failure is not None:
        return result_of(failure, key_id, key, kind=kind, attestation=said)
    return SignatureResult(
        status=SignatureStatus.GOOD,
        key_id=key_id,
        message=f"{said.kind} by {key.name} about {printable(said.name)!r} on {encode_instant(said.created)}",
        key=key,
        kind=kind,
        attestation=said,
    )


def when_seen(
    timestamps: Sequence[tuple[SignatureResult, Envelope]], envelopes: Sequence[Envelope], question: Question
) -> dict[bytes, datetime]:
    """Return when the earliest trusted key saw each of ``envelopes``; a key's word about itself does not count."""
    makers: dict[bytes, set[str]] = {}
    for envelope in envelopes:
        makers.setdefault(envelope_digest(envelope), set()).add(envelope.key_id)
    seen: dict[bytes, datetime] = {}
    for result, envelope in timestamps:
        if result.status is not SignatureStatus.GOOD or result.attestation is None:
            continue
        digest = result.attestation.predicate.envelope
        if digest not in makers or makers[digest] == {envelope.key_id}:
            continue
        when = result.attestation.created
        seen[digest] = min(when, seen.get(digest, when))
    return seen


def _check_subject(
    key: TrustedKey, said: Attestation, question: Question, signed: Sequence[Statement]
) -> Failure | None:
    if said.kind == "timestamp":
        return None  # it refers to one envelope by its digest
    if signed:
        subjects = {(one.name, one.version, one.manifest.subject_digest) for one in signed}
        is_same = (said.name, said.version, said.subject_digest) in subjects
    else:
        is_same = not question.partial and said.subject_digest == question.manifest.subject_digest
    if is_same:
        return None
    version = "" if said.version is None else f" version {printable(said.version, 60)}"
    return Failure(
        SignatureStatus.MANIFEST_MISMATCH,
        f"the {said.kind} of {key.name} is about another model or version: {printable(said.name, 80)!r}{version}",
        "Ask for one that is about this model, in this version.",
        fields={"changed": (), "missing": (), "added": ()},
    )
