"""``safe_load()``: verify, examine, decide, admit, and only then load, in a sandbox."""

from __future__ import annotations

import contextlib
import importlib.metadata
import os
import platform
import warnings
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, Literal

from secureload.api.check import allow_list
from secureload.api.examiner import Examiner
from secureload.api.golden import replay
from secureload.api.golden_rows import rows_of
from secureload.api.in_process import load_here, own_refs
from secureload.api.inputs import input_guard
from secureload.api.policies import require, resolve_policy
from secureload.api.readings import reading_of
from secureload.api.telling import tell_verdict, told_load
from secureload.api.verify import (
    forgiving,
    memory_of,
    note_versions,
    open_signed,
    read_envelopes,
    signed_metadata,
    trusted,
    verify_opened,
)
from secureload.artifact.admitted import Admitted, admit
from secureload.artifact.artifact import Artifact, open_artifact
from secureload.artifact.sidecar import sidecar_path
from secureload.errors import (
    LoadFailedError,
    PolicyError,
    SelfTestError,
    UnsignedError,
    UsageError,
)
from secureload.limits import DEFAULT_LIMITS, Limits
from secureload.pickles.trace import Trace
from secureload.policy.verdict import Policy, decide
from secureload.policy.verification import Verification
from secureload.printable import printable
from secureload.sandbox.call_limits import CallLimits
from secureload.sandbox.callers import callers_level
from secureload.sandbox.host import Spawned
from secureload.sandbox.loading import load_confined, spawn_loader
from secureload.sandbox.model import ModelOptions
from secureload.sandbox.opinions import NoOpinions
from secureload.sandbox.proof import MissingModuleError
from secureload.sandbox.proxy import reference_of
from secureload.sandbox.terms import Terms, terms_of
from secureload.scan.allowlist import AllowList
from secureload.scan.by_value import is_by_value
from secureload.scan.finding import Examination, Severity
from secureload.signing.dsse import Envelope
from secureload.signing.predicates.golden import Golden
from secureload.signing.predicates.metadata import Metadata
from secureload.signing.truststore import TrustStore
from secureload.trust.memory import read_memory
from secureload.values import dataclass

__all__ = ["ModelVersionWarning", "safe_load", "warn_of_versions"]

_MOST_NAMES = 20


class ModelVersionWarning(UserWarning):
    """The model was saved under another version of its library than the one that is installed here."""


@told_load
def safe_load(
    path: str | os.PathLike[str],
    mmap_mode: str | None = None,
    *,
    trust_store: TrustStore | str | os.PathLike[str] | None = None,
    policy: Policy | str | os.PathLike[str] | None = None,
    allow: Iterable[str] | AllowList = (),
    name: str | None = None,
    member: str | None = None,
    self_test: bool = False,
    allow_rollback: bool = False,
    limits: Limits = DEFAULT_LIMITS,
    isolation: Literal["process", "none"] = "process",
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
    ``policy`` is a policy, the name of a profile or the path of a file; by default one trusted signer is enough.
    ``allow`` adds exact names to the allow-list. ``name`` is the signed name of a file that was renamed. ``member`` is
    the file to load of a signed folder; the others are not read. ``self_test`` lets the model answer the signed golden
    rows before you get it. ``allow_rollback`` takes a version that is lower than one that was seen before. Where the
    signed metadata names the columns, calls with other columns or in another order are refused.

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
        SelfTestError: it does not answer the golden rows as it should, or there are none.
        PolicyError: it holds something that is dangerous, unknown, or could not be examined.
        LoadFailedError: it was admitted, and loading it raised an exception.
        SandboxError: a layer of the sandbox that is required or asked for is missing, or the worker died.
        UsageError, ArtifactError: there is no such file, or it cannot be read.
    """
    del mmap_mode
    if isolation not in ("process", "none"):
        raise UsageError(f"there is no isolation {printable(isolation, 40)!r}", hint='"process" or "none"')
    options = ModelOptions(
        replicas=replicas,
        restarts=restarts,
        calls=None if call_timeout_seconds is None else CallLimits(timeout_seconds=call_timeout_seconds),
        memory_bytes=memory_bytes,
    )
    terms = terms_of(filter, readable, level, accept_reduced=accept_reduced_confinement_at_my_own_risk)
    wanted = resolve_policy(policy, limits)
    allowed = allow if isinstance(allow, AllowList) else allow_list((*_listed(allow), *wanted.allow))
    if isinstance(allow, AllowList) and wanted.allow:
        allowed = allowed.extended_by(wanted.allow)
    store = _NOBODY if not wanted.signers and trust_store is None else trusted(trust_store, limits)
    place = memory_of(trust_store, store)
    memory = forgiving(read_memory(place, limits), allow_rollback)
    with _opened(path, member, store, limits, wanted) as (artifact, about, envelopes):
        verification, now = verify_opened(
            about,
            envelopes,
            store,
            name=name,
            threshold=max(1, wanted.signers),
            memory=memory,
            limits=limits,
        )
        require(wanted, verification, now)
        metadata = signed_metadata(verification)
        golden = _golden_of(metadata) if self_test else None
        # Made before the worker starts, which imports the libraries of inputs that are imported here.
        rows = None if golden is None else rows_of(golden)
        if isolation == "none":
            accepted = _admitted(artifact, verification, wanted, allowed, limits, terms, now)
            note_versions(place, verification, now, wanted, lower=allow_rollback, limits=limits)
            _warn_of_libraries(metadata, accepted.examination)
            warn_of_versions(accepted.examination)
            reading = reading_of(accepted.examination)
            loaded = load_here(artifact, reading, own_refs(reading.trace, allowed), limits)
            if golden is not None:
                replay(loaded, golden, rows)
            return loaded
        with contextlib.closing(spawn_loader()) as spawned:  # it is forked while the payload is traced
            accepted = _admitted(artifact, verification, wanted, allowed, limits, terms, now)
            note_versions(place, verification, now, wanted, lower=allow_rollback, limits=limits)
            _warn_of_libraries(metadata, accepted.examination)
            model = _load(accepted, allowed, limits, spawned, terms, options)
    return _described(model, metadata, golden, rows)


# For a policy that asks for no signature, and a user who has no trust store.
_NOBODY = TrustStore()


def _listed(allow: Iterable[str]) -> tuple[str, ...]:
    try:
        return tuple(allow)
    except TypeError as error:
        raise UsageError(
            "allow is not a list of names", hint='write allow=["package.module.Class"], or leave it out'
        ) from error


@contextlib.contextmanager
def _opened(
    path: str | os.PathLike[str], member: str | None, store: TrustStore, limits: Limits, policy: Policy
) -> Iterator[tuple[Artifact, Artifact, tuple[Envelope, ...]]]:
    """Give the file to load, what the signatures are about (itself, or its folder), and the signatures."""
    if member is None:
        with open_artifact(path, limits, expect="file") as artifact:
            try:
                envelopes = read_envelopes(sidecar_path(path), limits)
            except UnsignedError:
                if policy.signers:
                    raise
                envelopes = ()
            yield artifact, artifact, envelopes
        return
    with (
        open_signed(path, store, limits, only=(member,)) as (folder, envelopes),
        folder.open_member(member) as artifact,
    ):
        yield artifact, folder, envelopes


@dataclass(frozen=True, slots=True)
class _Accepted:
    admitted: Admitted
    examination: Examination


def _admitted(
    artifact: Artifact,
    verification: Verification,
    policy: Policy,
    allowed: AllowList,
    limits: Limits,
    terms: Terms,
    now: datetime,
) -> _Accepted:
    """Examine, decide and admit: without fickling, whose opinion is for a person who reads a report."""
    tracing = Terms(accept_reduced=terms.accept_reduced)
    with Examiner(allowed, limits, opinions=NoOpinions(limits), terms=tracing) as examiner:
        examination = examiner.examine(artifact)
    verdict = decide(policy, verification, examination, artifact.manifest.subject_digest, now=now)
    tell_verdict(artifact.name, verdict)
    try:
        admitted = admit(artifact, verdict)
    except PolicyError as error:
        raise _with_names(error, examination.trace, allowed) from None
    return _Accepted(admitted, examination)


def _golden_of(metadata: Metadata | None) -> Golden:
    if metadata is None or metadata.golden is None:
        raise SelfTestError(
            "a self-test was asked for, and no golden rows were signed with this model",
            hint="Ask its sender to sign it with metadata=describe(model, X, y), or load it without.",
        )
    return metadata.golden


def _described(model: Any, metadata: Metadata | None, golden: Golden | None, rows: Any) -> Any:
    """Give the model its guard for inputs, and let it pass its self-test; a model that fails is closed."""
    reference = reference_of(model)
    if golden is not None:
        try:
            if reference is None:
                raise SelfTestError(
                    "what was loaded is no estimator, so that it cannot answer the golden rows",
                    hint="Load it without self_test.",
                )
            replay(model, golden, rows)
        except BaseException:
            if reference is not None:
                reference.session.close()
            raise
    if reference is not None and metadata is not None and metadata.features:
        reference.session.guard = input_guard(metadata.features)
    return model


def _load(
    accepted: _Accepted,
    allowed: AllowList,
    limits: Limits,
    spawned: Spawned,
    terms: Terms,
    options: ModelOptions,
) -> Any:
    warn_of_versions(accepted.examination)
    reading = reading_of(accepted.examination)
    artifact = accepted.admitted.artifact
    try:
        return load_confined(
            artifact.fileno(),
            artifact.size,
            reading.trace,
            limits,
            own_modules={ref.module for ref in own_refs(reading.trace, allowed)},
            spawned=spawned,
            terms=terms,
            verdict=accepted.admitted.verdict,
            options=options,
            name=artifact.name,
            reading=reading.name,
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


def warn_of_versions(examination: Examination) -> None:
    """Tell the caller of libraries that are here in another version than the one that saved the model."""
    for finding in examination.findings:
        if finding.severity is Severity.WARNING:
            text = f"{finding.title}; {finding.detail} ({finding.hint})"
            warnings.warn(text, ModelVersionWarning, stacklevel=callers_level())


def _warn_of_libraries(metadata: Metadata | None, examination: Examination) -> None:
    """Tell before loading which libraries are here in another version than the signed metadata names."""
    if metadata is None:
        return
    told = {library for part in examination.parts if part.trace for library, _ in part.trace.versions}
    for library, wanted in metadata.libraries.items():
        here = _installed(library)
        if library in told or here == wanted:
            continue
        is_there = f"{here} is installed" if here else "it is not installed"
        warnings.warn(
            f"the model was trained with {printable(library, 60)} {printable(wanted, 60)}, and {is_there} here "
            f"(install {printable(library, 60)}=={printable(wanted, 60)}, or test its predictions)",
            ModelVersionWarning,
            stacklevel=callers_level(),
        )


def _installed(library: str) -> str:
    """Return the version of a library that is installed, "" where it is not."""
    if library == "python":
        return platform.python_version()
    try:
        return importlib.metadata.version(library)
    except (importlib.metadata.PackageNotFoundError, ValueError):
        return ""
