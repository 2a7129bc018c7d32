"""The rules that one signature goes through, in this order; the first that fails is its result.

* *key*: the trust store lists the key that the envelope names (a key found beside the model never counts);
* *signature*: that key signed these payload bytes;
* *statement*: the payload is a statement, read strictly;
* *revocation* and *validity*: the key counts at the time that was passed in;
* *role* and *model*: the key is trusted for this role, and for the signed model name;
* *manifest*: the statement lists exactly these members;
* *name*: it is about the model that was asked for;
* *statement's time*: it has not expired, and does not come from the future.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import Enum

from secureload.errors import SignatureFormatError, UsageError
from secureload.limits import Limits
from secureload.printable import printable
from secureload.signing.dsse import Envelope, verify_envelope
from secureload.signing.instants import encode_instant
from secureload.signing.manifest import Difference, Manifest, difference
from secureload.signing.statement import Statement, parse_statement
from secureload.signing.truststore import TrustedKey, TrustStore
from secureload.values import dataclass, field

__all__ = ["Question", "SignatureResult", "SignatureStatus", "judge_signature"]

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
    WRONG_ROLE = "wrong-role"
    WRONG_MODEL = "wrong-model"
    MALFORMED_STATEMENT = "malformed-statement"
    WEAK_KEY = "weak-key"
    UNKNOWN_KEY = "unknown-key"


@dataclass(frozen=True, slots=True)
class Question:
    """What a signature is asked: does it vouch for this manifest, under this name and role, at this time?"""

    manifest: Manifest
    store: TrustStore
    now: datetime
    name: str | None
    role: str
    limits: Limits


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

    @property
    def key_name(self) -> str | None:
        """The name that the trust store gives the key, None for an unknown key."""
        return None if self.key is None else self.key.name

    @property
    def fingerprint(self) -> str | None:
        """The fingerprint of the trusted key, None for an unknown key, whose id is but a claim."""
        return None if self.key is None else self.key.public_key.fingerprint


@dataclass(frozen=True, slots=True)
class _Failure:
    """Which rule failed and why; the rules return it, or None."""

    status: SignatureStatus
    message: str
    hint: str
    difference: Difference | None = None
    fields: Mapping[str, object] = field(default_factory=dict)


def judge_signature(envelope: Envelope, question: Question) -> SignatureResult:
    """Apply the rules to one envelope. Total: whatever is in the envelope, this returns."""
    key_id = printable(envelope.key_id, 80)
    key = question.store.find(envelope.key_id)
    if key is None:
        return _result(_unknown_key(key_id, question), key_id)
    failure = _check_signature(envelope, key)
    if failure is not None:
        return _result(failure, key_id, key)
    try:
        statement = parse_statement(envelope.payload, question.limits)
    except SignatureFormatError as error:
        return _result(_malformed(key, error), key_id, key)
    failure = (
        _check_revocation(key, question)
        or _check_validity(key, question)
        or _check_role(key, question)
        or _check_model(key, statement)
        or _check_manifest(key, statement, question)
        or _check_name(key, statement, question)
        or _check_time(key, statement, question)
    )
    if failure is not None:
        return _result(failure, key_id, key, statement)
    message = f"signed by {key.name} as {printable(statement.name)!r} on {encode_instant(statement.created)}"
    return SignatureResult(
        status=SignatureStatus.GOOD, key_id=key_id, message=message, key=key, statement=statement
    )


def _result(
    failure: _Failure, key_id: str, key: TrustedKey | None = None, statement: Statement | None = None
) -> SignatureResult:
    return SignatureResult(
        status=failure.status,
        key_id=key_id,
        message=failure.message,
        hint=failure.hint,
        key=key,
        statement=statement,
        difference=failure.difference,
        fields=failure.fields,
    )


def _unknown_key(key_id: str, question: Question) -> _Failure:
    empty = not question.store.keys
    return _Failure(
        SignatureStatus.UNKNOWN_KEY,
        f"it is signed with the key {key_id}, and the trust store "
        + ("is empty" if empty else "does not list that key"),
        "If you know whose key it is, get its .pub file from them and run 'secureload trust add'.",
    )


def _check_signature(envelope: Envelope, key: TrustedKey) -> _Failure | None:
    try:
        genuine = verify_envelope(envelope, key.public_key)
    except UsageError as error:
        return _Failure(
            SignatureStatus.WEAK_KEY, f"the key of {key.name} is refused: {error.message}", error.hint
        )
    if genuine:
        return None
    return _Failure(
        SignatureStatus.BAD_SIGNATURE,
        f"the signature is not one that {key.name} made for this statement",
        "The signature file was damaged or forged: ask the sender for it again.",
    )


def _malformed(key: TrustedKey, error: SignatureFormatError) -> _Failure:
    message = f"{key.name} signed what is not a statement about a model: {error.message}"
    return _Failure(SignatureStatus.MALFORMED_STATEMENT, message, error.hint)


def _check_revocation(key: TrustedKey, question: Question) -> _Failure | None:
    if key.revoked_since is None or question.now < key.revoked_since:
        return None
    since = encode_instant(key.revoked_since)
    reason = f" ({printable(key.revoked_reason)})" if key.revoked_reason else ""
    return _Failure(
        SignatureStatus.KEY_REVOKED,
        f"the key of {key.name} is revoked since {since}{reason}",
        "Ask the sender to sign it again with a new key.",
        fields={"since": since, "reason": key.revoked_reason},
    )


def _check_validity(key: TrustedKey, question: Question) -> _Failure | None:
    if key.valid_from is not None and question.now < key.valid_from:
        begin = encode_instant(key.valid_from)
        return _Failure(
            SignatureStatus.KEY_NOT_YET_VALID,
            f"the key of {key.name} is valid only from {begin} on",
            "Check the clock of this machine, or the trust store.",
            fields={"valid_from": begin},
        )
    if key.valid_until is not None and question.now >= key.valid_until:
        end = encode_instant(key.valid_until)
        return _Failure(
            SignatureStatus.KEY_EXPIRED,
            f"the key of {key.name} expired on {end}",
            "Ask the sender to sign with a valid key, or extend 'valid_until' in the trust store.",
            fields={"valid_until": end},
        )
    return None


def _check_role(key: TrustedKey, question: Question) -> _Failure | None:
    if question.role in key.roles:
        return None
    roles = ", ".join(sorted(key.roles))
    return _Failure(
        SignatureStatus.WRONG_ROLE,
        f"the key of {key.name} is trusted as {roles}, not as {question.role}",
        f"Let a {question.role} sign it, or add the role in the trust store.",
        fields={"role": question.role, "roles": tuple(sorted(key.roles))},
    )


def _check_model(key: TrustedKey, statement: Statement) -> _Failure | None:
    if key.covers(statement.name):
        return None
    patterns = printable(", ".join(key.models), 80)
    return _Failure(
        SignatureStatus.WRONG_MODEL,
        f"the key of {key.name} is trusted for the models {patterns}, not for {printable(statement.name)!r}",
        "Let somebody sign it who is trusted for this model, or change 'models' in the trust store.",
        fields={"models": key.models, "name": statement.name},
    )


def _check_manifest(key: TrustedKey, statement: Statement, question: Question) -> _Failure | None:
    found = question.manifest
    if found.kind == "file" and len(statement.manifest.members) == 1:
        # The name of a single file is the next rule's business: here only its bytes count.
        signed, member = statement.manifest.members[0], found.members[0]
        same = (signed.digest, signed.size) == (member.digest, member.size)
        diff = Difference() if same else Difference(changed=(member.name,))
    else:
        diff = difference(statement.manifest, found)
    if diff.is_empty:
        return None
    return _Failure(
        SignatureStatus.MANIFEST_MISMATCH,
        f"{key.name} signed other bytes, as {printable(statement.name, 80)!r}: {diff.describe()}",
        "It was changed after it was signed, or the signature belongs to something else: ask the sender.",
        difference=diff,
        fields={"changed": diff.changed, "missing": diff.missing, "added": diff.added},
    )


def _check_name(key: TrustedKey, statement: Statement, question: Question) -> _Failure | None:
    signed = {statement.name}
    asked = question.name
    if question.manifest.kind == "file":
        signed.add(statement.manifest.members[0].name)
        asked = question.manifest.members[0].name if asked is None else asked
    if asked is None or asked in signed:
        return None
    return _Failure(
        SignatureStatus.NAME_MISMATCH,
        f"{key.name} signed this as {printable(statement.name, 80)!r}, not as {printable(asked, 80)!r}",
        "If it was renamed on purpose, ask for it by the signed name (--name), or rename it back.",
        difference=Difference(),
        fields={"signed_name": statement.name, "name": asked, "changed": (), "missing": (), "added": ()},
    )


def _check_time(key: TrustedKey, statement: Statement, question: Question) -> _Failure | None:
    if statement.expires is not None and question.now >= statement.expires:
        end = encode_instant(statement.expires)
        return _Failure(
            SignatureStatus.STATEMENT_EXPIRED,
            f"the signature of {key.name} expired on {end}",
            "Ask the sender to sign it again.",
            fields={"expires": end},
        )
    if statement.created - question.now > CLOCK_SKEW:
        created = encode_instant(statement.created)
        return _Failure(
            SignatureStatus.STATEMENT_NOT_YET_VALID,
            f"the signature of {key.name} is dated {created}, which is in the future",
            "Check the clocks of this machine and of the sender's.",
            fields={"created": created},
        )
    return None
