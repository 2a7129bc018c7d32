"""``safe_load()``: verify, examine, decide, admit, and only then load, in a sandbox."""

from __future__ import annotations

import contextlib
import os
import warnings
from collections.abc import Iterable
from typing import Any, Literal

from secureload.api.check import allow_list
from secureload.api.examiner import Examiner
from secureload.api.verify import trusted, verify_artifact
from secureload.artifact.admitted import Admitted, admit
from secureload.artifact.artifact import Artifact, open_artifact
from secureload.errors import LoadFailedError, PolicyError, UnsupportedError
from secureload.limits import DEFAULT_LIMITS, Limits
from secureload.pickles.trace import Trace
from secureload.policy.verdict import STANDARD, decide
from secureload.policy.verification import Verification
from secureload.printable import printable
from secureload.sandbox.call_limits import CallLimits
from secureload.sandbox.host import Spawned
from secureload.sandbox.loading import load_confined, spawn_loader
from secureload.sandbox.model import ModelOptions
from secureload.sandbox.opinions import NoOpinions
from secureload.sandbox.proof import MissingModuleError
from secureload.sandbox.terms import Terms, terms_of
from secureload.scan.allowlist import AllowList
from secureload.scan.by_value import is_by_value
from secureload.scan.finding import Examination, Severity
from secureload.signing.truststore import TrustStore
from secureload.values import dataclass

__all__ = ["ModelVersionWarning", "safe_load"]

_MOST_NAMES = 20


class ModelVersionWarning(UserWarning):
    """The model was saved under another version of its library than the one that is installed here."""


def safe_load(
    path: str | os.PathLike[str],
    mmap_mode: str | None = None,
    *,
    trust_store: TrustStore | str | os.PathLike[str] | None = None,
    allow: Iterable[str] | AllowList = (),
    name: str | None = None,
    limits: Limits = DEFAULT_LIMITS,
    filter: Literal["strict", "relaxed"] = "strict",  # noqa: A002  # the word of the field
    readable: Iterable[str | os.PathLike[str]] = (),
    level: Literal["required", "standard", "full"] | None = None,
    accept_reduced_confinement_at_my_own_risk: bool = False,
    replicas: int = 1,
    restarts: int | None = None,
    call_timeout_seconds: float | None = None,
    memory_bytes: int | None = None,
) -> Any:
    """Load the signed model at ``path`` in a sandboxed process; a drop-in for ``joblib.load()``.

    The bytes are pinned and hashed once; a key of the trust store must have signed them, the examination must
    find nothing that is not on the allow-list, and only then a confined worker unpickles them. What comes
    back is data (dictionaries, arrays, numbers), with a proxy in the place of each estimator: its methods
    run in the worker, which ends with the proxy's ``close()``, its ``with`` block, or its last reference.

    ``trust_store`` is a store or the path of one, by default ``SECURELOAD_TRUST_STORE`` or the user's.
    ``allow`` adds exact names to the allow-list. ``name`` is the signed name of a file that was renamed.
    ``replicas`` workers answer calls in parallel. A worker that crashed is started again by the next call, from the
    same bytes, up to ``restarts`` times a minute (10; 0: never). ``call_timeout_seconds`` bounds a call (300 s), and
    ``memory_bytes`` what a worker may take beyond its libraries and the file; ``with model.limits(…)`` does so for
    single calls. ``mmap_mode`` is accepted for joblib's sake and does nothing: the arrays never leave the worker.

    The confinement is the strictest by default, and less is never taken silently. ``filter="relaxed"`` is for a model
    that imports or reads files while it predicts: it may read libraries, and the files and folders that are named as
    ``readable``. ``level`` asks for "standard" or "full" at least. Where a required layer is missing, nothing is
    loaded, unless ``accept_reduced_confinement_at_my_own_risk``. Both of these warn each time
    (:class:`ReducedConfinementWarning`), and ``model.confinement`` and its verdict say so.

    Raises:
        TrustError: nobody trusted vouches for these bytes; the class says why.
        PolicyError: it holds something that is dangerous, unknown, or could not be examined.
        LoadFailedError: it was admitted, and loading it raised an exception.
        SandboxError: a layer of the sandbox that is required or asked for is missing, or the worker died.
        UsageError, ArtifactError: there is no such file, or it cannot be read.
    """
    del mmap_mode
    options = ModelOptions(
        replicas=replicas,
        restarts=restarts,
        calls=None if call_timeout_seconds is None else CallLimits(timeout_seconds=call_timeout_seconds),
        memory_bytes=memory_bytes,
    )
    allowed = allow if isinstance(allow, AllowList) else allow_list(allow)
    terms = terms_of(filter, readable, level, accept_reduced=accept_reduced_confinement_at_my_own_risk)
    store = trusted(trust_store, limits)
    with open_artifact(path, limits, expect="file") as artifact:
        verification = verify_artifact(artifact, store, name=name, threshold=STANDARD.signers, limits=limits)
        verification.require()
        with contextlib.closing(spawn_loader()) as spawned:  # it is forked while the payload is traced
            accepted = _admitted(artifact, verification, allowed, limits, terms)
            return _load(accepted, allowed, limits, spawned, terms, options)


@dataclass(frozen=True, slots=True)
class _Accepted:
    admitted: Admitted
    examination: Examination


def _admitted(
    artifact: Artifact, verification: Verification, allowed: AllowList, limits: Limits, terms: Terms
) -> _Accepted:
    """Examine, decide and admit: without fickling, whose opinion is for a person who reads a report."""
    tracing = Terms(accept_reduced=terms.accept_reduced)
    with Examiner(allowed, limits, opinions=NoOpinions(limits), terms=tracing) as examiner:
        examination = examiner.examine(artifact)
    verdict = decide(STANDARD, verification, examination, artifact.manifest.subject_digest)
    try:
        admitted = admit(artifact, verdict)
    except PolicyError as error:
        raise _with_names(error, examination.trace, allowed) from None
    return _Accepted(admitted, examination)


def _load(
    accepted: _Accepted,
    allowed: AllowList,
    limits: Limits,
    spawned: Spawned,
    terms: Terms,
    options: ModelOptions,
) -> Any:
    _warn_of_versions(accepted.examination)
    root = accepted.examination.parts[0]
    trace = root.trace
    if trace is None or root.format != "pickle" or trace.reading not in ("pickle", "joblib"):
        raise UnsupportedError(
            f"this is {root.description}, which safe_load does not load yet",
            hint="pickle and joblib files, compressed or not, are loaded",
        )
    artifact = accepted.admitted.artifact
    entries = (allowed.find(item.ref) for item in trace.imports)
    own_modules = {entry.ref.module for entry in entries if entry is not None and entry.is_own}
    try:
        return load_confined(
            artifact.fileno(),
            artifact.size,
            trace,
            limits,
            own_modules=own_modules,
            spawned=spawned,
            terms=terms,
            verdict=accepted.admitted.verdict,
            options=options,
            name=artifact.name,
        )
    except (LoadFailedError, MissingModuleError) as error:
        raise _with_versions(error, accepted.examination) from error.__cause__


def _with_names(error: PolicyError, trace: Trace | None, allowed: AllowList) -> PolicyError:
    """Name all unknown globals at once where they are all that stands in the way."""
    reasons = {reason.kind for reason in error.verdict.reasons}
    refs = [item.ref for item in trace.imports if allowed.find(item.ref) is None] if trace is not None else []
    if reasons != {"undecided"} or any(map(is_by_value, refs)) or not refs or trace is None or trace.problems:
        return error
    names = ", ".join(repr(printable(ref)) for ref in refs[:_MOST_NAMES])
    more = f" and {len(refs) - _MOST_NAMES} more" if len(refs) > _MOST_NAMES else ""
    return PolicyError(
        error.message,
        verdict=error.verdict,
        hint=f"if you know and trust them all: safe_load(…, allow=[{names}]){more}",
        unknown=tuple(str(ref) for ref in refs),
    )


def _with_versions(
    error: LoadFailedError | MissingModuleError, examination: Examination
) -> LoadFailedError | MissingModuleError:
    """Say which version saved the model, where it is not the one that is installed."""
    told = [finding for finding in examination.findings if finding.severity is Severity.WARNING]
    if not told:
        return error
    return type(error)(f"{error.message}; it was {told[0].title}", hint=told[0].hint, **error.fields)


def _warn_of_versions(examination: Examination) -> None:
    for finding in examination.findings:
        if finding.severity is Severity.WARNING:
            text = f"{finding.title}; {finding.detail} ({finding.hint})"
            warnings.warn(text, ModelVersionWarning, stacklevel=4)
