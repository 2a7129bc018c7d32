"""The rules that one signature goes through, in this order; the first that fails is its result.

* *key*: the trust store lists the key that the envelope names (a key found beside the model never counts);
* *signature*: that key signed these payload bytes;
* *statement*: the payload is a statement, read strictly;
* *revocation* and *validity*: the key counts at the time that was passed in, or counted when another trusted key
  saw the signature;
* *role* and *model*: the key is trusted for this role, and for the signed model name;
* *manifest*: the statement lists exactly these members, those aside that it says it leaves out;
* *name*: it is about the model that was asked for;
* *statement's time*: it has not expired, and does not come from the future;
* *rollback*: no newer version of this model was seen before.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import Enum

from secureload.errors import SignatureFormatError, UsageError
from secureload.limits import Limits
from secureload.printable import printable
from secureload.signing.attestation import Attestation
from secureload.signing.dsse import Envelope, envelope_digest, verify_envelope
from secureload.signing.instants import encode_instant
from secureload.signing.manifest import Difference, Manifest, difference
from secureload.signing.statement import Statement, is_ignored, parse_statement
from secureload.signing.truststore import TrustedKey, TrustStore
from secureload.signing.versions import compare_versions
from secureload.values import dataclass, field

__all__ = [
    "NO_MEMORY",
    "Failure",
    "Memory",
    "Question",
    "SignatureResult",
    "SignatureStatus",
    "check_key",
    "first_failure",
    "judge_signature",
    "result_of",
    "say_malformed",
]

# How far the signer's clock may be ahead of ours.
CLOCK_SKEW = timedelta(minutes=5)


class SignatureStatus(Enum):
    """The result of one signature; after GOOD in the order in which a failure is worth explaining first."""

    GOOD = "good"
    MANIFEST_MISMATCH = "manifest-mismatch"
    BAD_SIGNATURE = "bad-signature"
    KEY_REVOKED = "key-revoked"
    KEY_EXPIRED = "key-expired"
    KEY_NOT_YET_VALID = "key-not-yet-valid"
    STATEMENT_EXPIRED = "statement-expired"
    STATEMENT_NOT_YET_VALID = "statement-not-yet-valid"
    NAME_MISMATCH = "name-mismatch"
    ROLLED_BACK = "rolled-back"
    WRONG_ROLE = "wrong-role"
    WRONG_MODEL = "wrong-model"
    MALFORMED_STATEMENT = "malformed-statement"
    WEAK_KEY = "weak-key"
    UNKNOWN_KEY = "unknown-key"


@dataclass(frozen=True, slots=True)
class Memory:
    """What was verified before with this trust store: the highest version by model, and the latest time."""

    versions: Mapping[str, str] = field(default_factory=dict)
    latest: datetime | None = None


NO_MEMORY = Memory()


@dataclass(frozen=True, slots=True)
class Question:
    """What a signature is asked: does it vouch for this manifest, under this name and role, at this time?

    ``seen`` says when a trusted key saw an envelope, by its digest. Of a ``partial`` manifest the members alone
    that are in it are compared. ``ignored`` are members that exist and were not hashed.
    """

    manifest: Manifest
    store: TrustStore
    now: datetime
    name: str | None
    role: str
    limits: Limits
    seen: Mapping[bytes, datetime] = field(default_factory=dict)
    memory: Memory = NO_MEMORY
    partial: bool = False
    ignored: tuple[str, ...] = ()

    @property
    def latest(self) -> datetime:
        """The latest time known: what has expired stays so where the clock is set back."""
        return self.now if self.memory.latest is None else max(self.now, self.memory.latest)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureResult:
    """What one signature is worth. ``message`` is one printable line, ``hint`` says what to do about it.

    ``key`` is the trusted key that the envelope names, None for an unknown one; ``statement`` is there as
    soon as its signature was found good and it could be read, whatever else is wrong.
    """

    status: SignatureStatus
    key_id: str
    message: str
    hint: str = ""
    key: TrustedKey | None = None
    statement: Statement | None = None
    difference: Difference | None = None
    fields: Mapping[str, object] = field(default_factory=dict)
    kind: str = "signature"
    attestation: Attestation | None = None

    @property
    def key_name(self) -> str | None:
        """The name that the trust store gives the key, None for an unknown key."""
        return None if self.key is None else self.key.name

    @property
    def fingerprint(self) -> str | None:
        """The fingerprint of the trusted key, None for an unknown key, whose id is but a claim."""
        return None if self.key is None else self.key.public_key.fingerprint


@dataclass(frozen=True, slots=True)
class Failure:
    """Which rule failed and why; the rules return it, or None."""

    status: SignatureStatus
    message: str
    hint: str
    difference: Difference | None = None
    fields: Mapping[str, object] = field(default_factory=dict)


def judge_signature(envelope: Envelope, question: Question) -> SignatureResult:
    """Apply the rules to one envelope. Total: whatever is in the envelope, this returns."""
    key_id = printable(envelope.key_id, 80)
    key, failure = first_failure(envelope, question)
    if key is None or failure is not None:
        return result_of(failure, key_id, key)
    try:
        statement = parse_statement(envelope.payload, question.limits)
    except SignatureFormatError as error:
        return result_of(say_malformed(key, error), key_id, key)
    failure = (
        _check_revocation(envelope, key, question)
        or _check_validity(envelope, key, question)
        or _check_role(key, question.role)
        or _check_model(key, statement)
        or _check_manifest(key, statement, question)
        or _check_name(key, statement, question)
        or _check_time(key, statement, question)
        or _check_rollback(key, statement, question)
    )
    if failure is not None:
        return result_of(failure, key_id, key, statement)
    message = f"signed by {key.name} as {printable(statement.name)!r} on {encode_instant(statement.created)}"
    return SignatureResult(
        status=SignatureStatus.GOOD, key_id=key_id, message=message, key=key, statement=statement
    )


def first_failure(envelope: Envelope, question: Question) -> tuple[TrustedKey | None, Failure | None]:
    """Return the trusted key that the envelope names and made it, or why there is none."""
    key = question.store.find(envelope.key_id)
    if key is None:
        return None, _unknown_key(printable(envelope.key_id, 80), question)
    return key, _check_signature(envelope, key)


def check_key(
    envelope: Envelope, key: TrustedKey, said: Statement | Attestation, role: str, question: Question
) -> Failure | None:
    """Apply the rules that are the same for every kind of statement."""
    return (
        _check_revocation(envelope, key, question)
        or _check_validity(envelope, key, question)
        or _check_role(key, role)
        or _check_model(key, said)
        or _check_time(key, said, question)
    )


def result_of(
    failure: Failure | None,
    key_id: str,
    key: TrustedKey | None = None,
    statement: Statement | None = None,
    *,
    kind: str = "signature",
    attestation: Attestation | None = None,
) -> SignatureResult:
    """Return the result that a failure means."""
    assert failure is not None  # noqa: S101  # an unknown key is a failure too
    return SignatureResult(
        status=failure.status,
        key_id=key_id,
        message=failure.message,
        hint=failure.hint,
        key=key,
        statement=statement,
        difference=failure.difference,
        fields=failure.fields,
        kind=kind,
        attestation=attestation,
    )


def _unknown_key(key_id: str, question: Question) -> Failure:
    empty = not question.store.keys
    return Failure(
        SignatureStatus.UNKNOWN_KEY,
        f"it is signed with the key {key_id}, and the trust store "
        + ("is empty" if empty else "does not list that key"),
        "If you know whose key it is, get its .pub file from them and run 'secureload trust add'.",
    )


def _check_signature(envelope: Envelope, key: TrustedKey) -> Failure | None:
    try:
        genuine = verify_envelope(envelope, key.public_key)
    except UsageError as error:
        return Failure(
            SignatureStatus.WEAK_KEY, f"the key of {key.name} is refused: {error.message}", error.hint
        )
    if genuine:
        return None
    return Failure(
        SignatureStatus.BAD_SIGNATURE,
        f"the signature is not one that {key.name} made for this statement",
        "The signature file was damaged or forged: ask the sender for it again.",
    )


def say_malformed(key: TrustedKey, error: SignatureFormatError) -> Failure:
    """Return the failure of a payload that is no statement."""
    message = f"{key.name} signed what is not a statement about a model: {error.message}"
    return Failure(SignatureStatus.MALFORMED_STATEMENT, message, error.hint)


def _check_revocation(envelope: Envelope, key: TrustedKey, question: Question) -> Failure | None:
    if key.revoked_since is None or question.latest < key.revoked_since:
        return None
    since = encode_instant(key.revoked_since)
    seen = question.seen.get(envelope_digest(envelope)) if question.seen else None
    if seen is not None and seen < key.revoked_since:
        return None
    reason = f" ({printable(key.revoked_reason)})" if key.revoked_reason else ""
    later = f"; another key saw the signature, on {encode_instant(seen)}" if seen is not None else ""
    return Failure(
        SignatureStatus.KEY_REVOKED,
        f"the key of {key.name} is revoked since {since}{reason}{later}",
        "Ask the sender to sign it again with a new key; only what a trusted timestamper saw before still counts.",
        fields={"since": since, "reason": key.revoked_reason},
    )


def _check_validity(envelope: Envelope, key: TrustedKey, question: Question) -> Failure | None:
    if key.valid_from is not None and question.now < key.valid_from:
        begin = encode_instant(key.valid_from)
        return Failure(
            SignatureStatus.KEY_NOT_YET_VALID,
            f"the key of {key.name} is valid only from {begin} on",
            "Check the clock of this machine, or the trust store.",
            fields={"valid_from": begin},
        )
    if key.valid_until is None or question.latest < key.valid_until:
        return None
    seen = question.seen.get(envelope_digest(envelope)) if question.seen else None
    if seen is not None and seen < key.valid_until and (key.valid_from is None or key.valid_from <= seen):
        return None
    end = encode_instant(key.valid_until)
    return Failure(
        SignatureStatus.KEY_EXPIRED,
        f"the key of {key.name} expired on {end}{_clock(question, key.valid_until)}",
        "Ask the sender to sign with a valid key, or extend 'valid_until' in the trust store.",
        fields={"valid_until": end},
    )


def _check_role(key: TrustedKey, role: str) -> Failure | None:
    if role in key.roles:
        return None
    roles = ", ".join(sorted(key.roles))
    return Failure(
        SignatureStatus.WRONG_ROLE,
        f"the key of {key.name} is trusted as {roles}, not as {role}",
        f"Let {'an' if role[0] in 'aeiou' else 'a'} {role} sign it, or add the role in the trust store.",
        fields={"role": role, "roles": tuple(sorted(key.roles))},
    )


def _check_model(key: TrustedKey, statement: Statement | Attestation) -> Failure | None:
    if key.covers(statement.name):
        return None
    patterns = printable(", ".join(key.models), 80)
    return Failure(
        SignatureStatus.WRONG_MODEL,
        f"the key of {key.name} is trusted for the models {patterns}, not for {printable(statement.name)!r}",
        "Let somebody sign it who is trusted for this model, or change 'models' in the trust store.",
        fields={"models": key.models, "name": statement.name},
    )


def _check_manifest(key: TrustedKey, statement: Statement, question: Question) -> Failure | None:
    found = question.manifest
    if found.kind == "file" and len(statement.manifest.members) == 1:
        # The name of a single file is the next rule's business: here only its bytes count.
        signed, member = statement.manifest.members[0], found.members[0]
        same = (signed.digest, signed.size) == (member.digest, member.size)
        diff = Difference() if same else Difference(changed=(member.name,))
    else:
        diff = _folder_difference(statement, question)
    if diff.is_empty:
        return None
    return Failure(
        SignatureStatus.MANIFEST_MISMATCH,
        f"{key.name} signed other bytes, as {printable(statement.name, 80)!r}: {diff.describe()}",
        "It was changed after it was signed, or the signature belongs to something else: ask the sender.",
        difference=diff,
        fields={"changed": diff.changed, "missing": diff.missing, "added": diff.added},
    )


def _folder_difference(statement: Statement, question: Question) -> Difference:
    found = difference(statement.manifest, question.manifest)
    if question.partial:
        # Who asks for a member by its name wants it vouched for: what the signer leaves out is not.
        return Difference(changed=found.changed, added=found.added)
    added = found.added
    if (
        question.ignored
    ):  # they are there, and were not hashed because every genuine signature leaves them out
        added = tuple(sorted({*added, *question.ignored}))
    left_out = frozenset(statement.ignore_paths)
    return Difference(
        found.changed, found.missing, tuple(name for name in added if not is_ignored(name, left_out))
    )


def _check_name(key: TrustedKey, statement: Statement, question: Question) -> Failure | None:
    signed = {statement.name}
    asked = question.name
    if question.manifest.kind == "file":
        signed.add(statement.manifest.members[0].name)
        asked = question.manifest.members[0].name if asked is None else asked
    if asked is None or asked in signed:
        return None
    return Failure(
        SignatureStatus.NAME_MISMATCH,
        f"{key.name} signed this as {printable(statement.name, 80)!r}, not as {printable(asked, 80)!r}",
        "If it was renamed on purpose, ask for it by the signed name (--name), or rename it back.",
        difference=Difference(),
        fields={"signed_name": statement.name, "name": asked, "changed": (), "missing": (), "added": ()},
    )


def _check_time(key: TrustedKey, statement: Statement | Attestation, question: Question) -> Failure | None:
    if statement.expires is not None and question.latest >= statement.expires:
        end = encode_instant(statement.expires)
        return Failure(
            SignatureStatus.STATEMENT_EXPIRED,
            f"the signature of {key.name} expired on {end}{_clock(question, statement.expires)}",
            "Ask the sender to sign it again.",
            fields={"expires": end},
        )
    if statement.created - question.now > CLOCK_SKEW:
        created = encode_instant(statement.created)
        return Failure(
            SignatureStatus.STATEMENT_NOT_YET_VALID,
            f"the signature of {key.name} is dated {created}, which is in the future",
            "Check the clocks of this machine and of the sender's.",
            fields={"created": created},
        )
    return None


def _clock(question: Question, end: datetime) -> str:
    """Say so where only the time that was seen before shows that ``end`` is over."""
    if question.now >= end or question.memory.latest is None:
        return ""
    now, seen = encode_instant(question.now), encode_instant(question.memory.latest)
    return f" (the clock says {now}, but it has said {seen} before)"


def _check_rollback(key: TrustedKey, statement: Statement, question: Question) -> Failure | None:
    seen = question.memory.versions.get(statement.name)
    if seen is None or (statement.version is not None and compare_versions(statement.version, seen) >= 0):
        return None
    version = "no version" if statement.version is None else f"version {printable(statement.version, 60)}"
    return Failure(
        SignatureStatus.ROLLED_BACK,
        f"{key.name} signed {printable(statement.name, 80)!r} as {version}, and version {printable(seen, 60)} "
        "was seen before",
        "Get the newer one; if you go back on purpose: 'secureload verify --allow-rollback'.",
        fields={"version": statement.version, "seen": seen, "name": statement.name},
    )
