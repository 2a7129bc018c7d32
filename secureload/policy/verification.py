"""Who vouches for these bytes: signatures, a trust store and one reading of the clock → `Verification`.

What one signature is worth is decided by :mod:`secureload.policy.signature_rules`; here the results are
counted against the threshold, and the one that explains a failure best is chosen. Nothing here reads a file
or the clock.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import NoReturn

from secureload.errors import (
    BadSignatureError,
    ExpiredError,
    ManifestMismatchError,
    RevokedError,
    RollbackError,
    SignatureFormatError,
    ThresholdError,
    TrustError,
    UnsignedError,
    UntrustedError,
    UsageError,
)
from secureload.limits import DEFAULT_LIMITS, Limits
from secureload.policy.attestation_rules import judge_attestation, when_seen
from secureload.policy.signature_rules import (
    NO_MEMORY,
    Memory,
    Question,
    SignatureResult,
    SignatureStatus,
    judge_signature,
)
from secureload.printable import printable
from secureload.signing.attestation import claimed_kind
from secureload.signing.dsse import Envelope, verify_envelope
from secureload.signing.instants import require_aware
from secureload.signing.manifest import Manifest
from secureload.signing.statement import Statement, parse_statement
from secureload.signing.truststore import ROLES, TrustedKey, TrustStore
from secureload.values import dataclass, replace

__all__ = ["SignatureResult", "SignatureStatus", "Verification", "paths_left_out", "verify"]

_ERRORS: Mapping[SignatureStatus, type[TrustError]] = MappingProxyType(
    {
        SignatureStatus.MANIFEST_MISMATCH: ManifestMismatchError,
        SignatureStatus.BAD_SIGNATURE: BadSignatureError,
        SignatureStatus.KEY_REVOKED: RevokedError,
        SignatureStatus.KEY_EXPIRED: ExpiredError,
        SignatureStatus.KEY_NOT_YET_VALID: ExpiredError,
        SignatureStatus.STATEMENT_EXPIRED: ExpiredError,
        SignatureStatus.STATEMENT_NOT_YET_VALID: ExpiredError,
        SignatureStatus.NAME_MISMATCH: ManifestMismatchError,
        SignatureStatus.ROLLED_BACK: RollbackError,
        SignatureStatus.WRONG_ROLE: UntrustedError,
        SignatureStatus.WRONG_MODEL: UntrustedError,
        SignatureStatus.MALFORMED_STATEMENT: SignatureFormatError,
        SignatureStatus.WEAK_KEY: UntrustedError,
        SignatureStatus.UNKNOWN_KEY: UntrustedError,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """Who signed what: one result a signature, in the order of the sidecar. Never a bool.

    ``attestations`` are the results of the other statements about it: metadata, approvals, scans, lineage,
    timestamps. ``ignored`` are members that exist, and that every signature which counts leaves out.
    """

    results: tuple[SignatureResult, ...]
    role: str
    threshold: int
    attestations: tuple[SignatureResult, ...] = ()
    ignored: tuple[str, ...] = ()

    def __bool__(self) -> NoReturn:
        raise TypeError("a Verification is not a bool: look at its error(), or call require()")

    @property
    def good(self) -> tuple[SignatureResult, ...]:
        """The results that count."""
        return tuple(result for result in self.results if result.status is SignatureStatus.GOOD)

    @property
    def statements(self) -> tuple[Statement, ...]:
        """The statements of the signatures that count."""
        return tuple(result.statement for result in self.good if result.statement is not None)

    @property
    def signers(self) -> tuple[TrustedKey, ...]:
        """The distinct keys, by their raw bytes, whose signatures count; the threshold counts these."""
        keys = {result.key.public_key.raw: result.key for result in self.good if result.key is not None}
        return tuple(keys.values())

    def stated(self, kind: str) -> tuple[SignatureResult, ...]:
        """Return the attestations of this kind that count."""
        return tuple(
            one for one in self.attestations if one.kind == kind and one.status is SignatureStatus.GOOD
        )

    @property
    def is_satisfied(self) -> bool:
        """Whether as many distinct keys vouch as the threshold asks for."""
        return len(self.signers) >= self.threshold

    def require(self) -> None:
        """Raise :meth:`error` unless the threshold is reached."""
        error = self.error()
        if error is not None:
            raise error

    def error(self) -> TrustError | None:
        """Return why the threshold is not reached, or None where it is.

        Without any good signature that is the failure that says most, in the order of
        :class:`SignatureStatus`, of several alike the first in the sidecar.
        """
        if self.is_satisfied:
            return None
        if not self.results:
            return UnsignedError(
                "there is no signature",
                hint="Ask the sender to sign it with 'secureload sign', and for the .sig file.",
            )
        if self.signers:
            return self._threshold_error()
        return _error_of(_most_telling(self.results), others=len(self.results) - 1)

    def _threshold_error(self) -> ThresholdError:
        names = ", ".join(key.name for key in self.signers)
        failed = [result for result in self.results if result.status is not SignatureStatus.GOOD]
        because = f"; not counted: {_most_telling(failed).message}" if failed else ""
        return ThresholdError(
            f"{len(self.signers)} of {self.threshold} required keys vouch for it ({names}){because}",
            hint="Let another trusted person sign it too; the same key signing twice counts once.",
            threshold=self.threshold,
            found=len(self.signers),
            signers=tuple(key.name for key in self.signers),
        )


def verify(
    envelopes: Sequence[Envelope],
    manifest: Manifest,
    store: TrustStore,
    *,
    now: datetime,
    name: str | None = None,
    role: str = "signer",
    threshold: int = 1,
    memory: Memory = NO_MEMORY,
    partial: bool = False,
    ignored: Sequence[str] = (),
    limits: Limits = DEFAULT_LIMITS,
) -> Verification:
    """Verify what every envelope says about ``manifest``, and return all the results.

    ``now`` is an aware datetime. ``name`` is the model that the caller asks for: it must be the signed name,
    or for a single file the name that the file had when it was signed. Without it the name of a single file
    is the one in ``manifest``, and the name of a folder is not compared. ``memory`` is what was seen before.
    A ``partial`` manifest has only some members of the folder; ``ignored`` are those that were not hashed.

    Raises :class:`UsageError` for a naive ``now``, an unknown role and a threshold below 1; never for
    anything in the envelopes.
    """
    if role not in ROLES:
        raise UsageError(
            f"the role {printable(role, 40)!r} is unknown", hint=f"Roles are {', '.join(sorted(ROLES))}."
        )
    if threshold < 1:
        raise UsageError("a threshold below 1 would trust everybody", hint="Ask for one signature or more.")
    question = Question(
        manifest, store, require_aware(now), name, role, limits, {}, memory, partial, tuple(ignored)
    )
    kinds = [claimed_kind(envelope.payload, limits) for envelope in envelopes]
    stamps = [
        (judge_attestation(envelope, kind, question, ()), envelope)
        for envelope, kind in zip(envelopes, kinds, strict=True)
        if kind == "timestamp"
    ]
    question = replace(question, seen=when_seen(stamps, envelopes, question))
    results = tuple(
        judge_signature(envelope, question)
        for envelope, kind in zip(envelopes, kinds, strict=True)
        if kind is None
    )
    signed = [
        one.statement for one in results if one.statement is not None and one.status is SignatureStatus.GOOD
    ]
    attestations = tuple(
        judge_attestation(envelope, kind, question, signed)
        for envelope, kind in zip(envelopes, kinds, strict=True)
        if kind is not None
    )
    return Verification(
        results=results,
        role=role,
        threshold=threshold,
        attestations=attestations,
        ignored=_left_out(manifest, ignored, signed),
    )


def paths_left_out(
    envelopes: Sequence[Envelope], store: TrustStore, limits: Limits = DEFAULT_LIMITS
) -> tuple[str, ...]:
    """Return the paths that every genuine signature leaves out: these alone need not be hashed."""
    common: set[str] | None = None
    for envelope in envelopes:
        key = store.find(envelope.key_id)
        if key is None or claimed_kind(envelope.payload, limits) is not None:
            continue
        if b'"ignore_paths":[]' in envelope.payload:
            return ()  # as it is encoded here; a manifest of thousands of members is not parsed twice
        try:
            if not verify_envelope(envelope, key.public_key):
                continue
            paths = set(parse_statement(envelope.payload, limits).ignore_paths)
        except (SignatureFormatError, UsageError):
            continue
        common = paths if common is None else common & paths
    return tuple(sorted(common or ()))


def _left_out(manifest: Manifest, ignored: Sequence[str], signed: Sequence[Statement]) -> tuple[str, ...]:
    """Return the members that are there, and that no signature which counts covers."""
    listed = {member.name for one in signed for member in one.manifest.members}
    hashed = [member.name for member in manifest.members] if any(one.ignore_paths for one in signed) else []
    is_folder = manifest.kind == "folder"
    return tuple(sorted({*ignored, *(name for name in hashed if is_folder and name not in listed)}))


def _most_telling(results: Sequence[SignatureResult]) -> SignatureResult:
    order = list(SignatureStatus)
    return min(results, key=lambda result: order.index(result.status))


def _error_of(result: SignatureResult, others: int) -> TrustError:
    more = f" ({others} more {'signature does' if others == 1 else 'signatures do'} not count either)"
    return _ERRORS[result.status](
        result.message + (more if others else ""),
        hint=result.hint,
        status=result.status.value,
        key_id=result.key_id,
        key=result.key_name,
        **result.fields,
    )
