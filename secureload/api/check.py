"""Check an artifact: say what it would do, run none of it, and decide."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from secureload.api.examiner import Examiner
from secureload.artifact.artifact import Artifact, open_artifact
from secureload.artifact.sidecar import sidecar_path
from secureload.errors import (
    BadSignatureError,
    ManifestMismatchError,
    SecureloadError,
    SignatureFormatError,
    TrustError,
    UnsignedError,
    UsageError,
)
from secureload.formats.detect import HEAD_BYTES, Detected, detect
from secureload.limits import DEFAULT_LIMITS, Limits
from secureload.policy.verdict import EXAMINE, Policy, Verdict, decide
from secureload.printable import printable
from secureload.scan.allowlist import AllowList, load_default
from secureload.scan.finding import Examination, Severity
from secureload.values import dataclass, field

if TYPE_CHECKING:  # what verifies signatures is imported where there is one
    from secureload.policy.verification import Verification
    from secureload.sandbox.proof import Confinement
    from secureload.sandbox.tracing import Excerpts
    from secureload.signing.truststore import TrustStore

__all__ = ["Checked", "allow_list", "check", "counted", "examination_policy", "verification_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """Everything that is known about one file: what it is, what it would do, who signed it, the verdict.

    ``verification`` is a :class:`Verification`, the error that says why there is none (no sidecar, no trust
    store), or None where it was not asked for. ``excerpts`` are the opcodes around findings, a line each, by member
    and offset; they are there on request. ``confinement`` is what was enforced around its tracer.
    """

    locator: str
    size: int
    digest: str
    detected: Detected
    examination: Examination
    verification: Verification | TrustError | UsageError | None
    verdict: Verdict
    excerpts: Excerpts = field(default_factory=dict)
    confinement: Confinement | None = None


def check(
    path: str | os.PathLike[str],
    *,
    allow: Iterable[str] | AllowList = (),
    trust_store: TrustStore | str | os.PathLike[str] | None = None,
    require_signature: bool = False,
    policy: Policy | str | os.PathLike[str] | None = None,
    fail_on: str = "unknown",
    name: str | None = None,
    limits: Limits = DEFAULT_LIMITS,
    explain: bool = False,
    progress: Callable[[int, int], None] | None = None,
    examiner: Examiner | None = None,
) -> Checked:
    """Examine the file at ``path`` in a confined process, decide, and return all of it; nothing is loaded.

    ``allow`` adds exact names (``package.module.Class``) to the allow-list. If a sidecar lies beside the file
    its signatures are verified and reported; one that was made for other bytes makes the verdict untrusted,
    a missing or unknown signer does only with ``require_signature``. Findings that are dangerous or unknown
    always count; with ``fail_on`` "warning" or "note" these leave it undecided too. A ``policy`` (a value, the name of
    a profile, the path of a file) says all of it instead:
    signatures and other statements, formats, names. Who checks many files passes
    one ``examiner``, whose allow-list counts. To ``explain`` adds the opcodes around the findings.

    Raises:
        UsageError, ArtifactError: there is no such file, or it cannot be opened.
        SandboxError: the confined tracer cannot be had here.
    """
    allowed = allow if isinstance(allow, AllowList) else allow_list(allow)
    wanted = examination_policy(require_signature=require_signature, fail_on=fail_on)
    if policy is not None:
        from secureload.api.policies import resolve_policy

        wanted = resolve_policy(policy, limits)
        allowed = allowed.extended_by(wanted.allow) if wanted.allow else allowed
    with open_artifact(path, limits, progress, expect="file") as artifact:
        detected = detect(artifact.head(HEAD_BYTES), artifact.size, artifact.name)
        with contextlib.ExitStack() as stack:
            mine = examiner or stack.enter_context(Examiner(allowed, limits))
            examination = mine.examine(artifact)
            excerpts = mine.explain(artifact, examination) if explain else {}
        verification = verification_of(artifact, trust_store, name, limits)
        verdict = decide(
            wanted,
            counted(verification, wanted),
            examination,
            artifact.manifest.subject_digest,
            now=datetime.now(UTC),
        )
        return Checked(
            locator=artifact.locator,
            size=artifact.size,
            digest=artifact.manifest.members[0].digest.hex(),
            detected=detected,
            examination=examination,
            verification=verification,
            verdict=verdict,
            excerpts=excerpts,
            confinement=mine.confinement,
        )


def examination_policy(*, require_signature: bool, fail_on: str) -> Policy:
    """Return the policy for a file that arrived; UsageError where ``fail_on`` is no severity, or too weak a one."""
    severity = next((one for one in Severity if one.value == fail_on), None)
    if severity is None:
        raise UsageError(f"there is no severity {printable(fail_on, 40)!r}", hint="unknown, warning or note")
    if not require_signature and severity is EXAMINE.fail_on:
        return EXAMINE
    name = "signed" if require_signature else EXAMINE.name
    more = {Severity.WARNING: ", warnings count", Severity.NOTE: ", notes count"}.get(severity, "")
    return Policy(name=name + more, signers=int(require_signature), fail_on=severity)


def allow_list(names: Iterable[str]) -> AllowList:
    """Return the default allow-list with ``names`` added; UsageError for one that is no exact name."""
    try:
        extra = tuple(names)
    except TypeError as error:
        raise UsageError(
            "allow is not a list of names", hint='write allow=["package.module.Class"], or leave it out'
        ) from error
    return load_default().extended_by(extra) if extra else load_default()


def verification_of(
    artifact: Artifact, store: TrustStore | str | os.PathLike[str] | None, name: str | None, limits: Limits
) -> Verification | TrustError | UsageError | None:
    """Return who signed an open artifact, or the error that says why that cannot be told."""
    try:
        if store is None and not os.path.lexists(sidecar_path(artifact.locator)):
            raise UnsignedError("not signed: there is no signature file beside it")
        from secureload.api.verify import memory_of, trusted, verify_artifact
        from secureload.trust.memory import read_memory

        known = trusted(store, limits)
        memory = read_memory(memory_of(store, known), limits)
        return verify_artifact(artifact, known, name=name, threshold=1, limits=limits, memory=memory)
    except (TrustError, UsageError) as error:
        if store is not None and isinstance(error, UsageError):
            raise
        return error


def counted(
    verification: Verification | TrustError | UsageError | None, policy: Policy
) -> Verification | TrustError | None:
    """What of the verification counts for this policy: all of it, or a signature that is plainly wrong."""
    if policy.signers:
        if isinstance(verification, UsageError):
            return UnsignedError(verification.message, hint=verification.hint)
        return verification
    if isinstance(verification, SignatureFormatError):
        return verification
    if verification is not None and not isinstance(verification, SecureloadError):
        error = verification.error()
        if isinstance(error, BadSignatureError | ManifestMismatchError | SignatureFormatError):
            return error
    return None
