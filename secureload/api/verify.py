"""Verify who signed an artifact."""

from __future__ import annotations

import contextlib
import os
import warnings
from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from secureload.api.policies import require, resolve_policy
from secureload.artifact.artifact import Artifact, open_artifact
from secureload.artifact.sidecar import read_sidecar, sidecar_path
from secureload.errors import RequirementError, UnsignedError, UsageError
from secureload.formats.detect import HEAD_BYTES, detect
from secureload.limits import DEFAULT_LIMITS, Limits
from secureload.policy.signature_rules import NO_MEMORY, Memory
from secureload.policy.verdict import Policy
from secureload.policy.verification import Verification, paths_left_out
from secureload.policy.verification import verify as verify_envelopes
from secureload.printable import printable
from secureload.signing.dsse import Envelope
from secureload.signing.manifest import Manifest
from secureload.signing.predicates.metadata import Metadata
from secureload.signing.sidecar import parse_sidecar
from secureload.signing.truststore import TrustStore
from secureload.trust.folders import default_trust_folder
from secureload.trust.memory import read_memory, remember
from secureload.trust.store import load_trust_store
from secureload.values import dataclass

__all__ = [
    "MemoryWarning",
    "Verified",
    "check_format",
    "forgiving",
    "memory_of",
    "note_versions",
    "open_signed",
    "read_envelopes",
    "signed_metadata",
    "trusted",
    "verify",
    "verify_artifact",
    "verify_opened",
]


class MemoryWarning(UserWarning):
    """The version that was verified cannot be remembered, so that going back to an older one goes unnoticed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """A verification that satisfied its policy, the manifest that it is about, and the sidecar's path."""

    verification: Verification
    manifest: Manifest
    sidecar: Path
    policy: str = "standard"
    partial: bool = False


def verify(
    path: str | os.PathLike[str],
    *,
    trust_store: TrustStore | str | os.PathLike[str] | None = None,
    policy: Policy | str | os.PathLike[str] | None = None,
    name: str | None = None,
    threshold: int = 1,
    only: Iterable[str] | None = None,
    allow_rollback: bool = False,
    limits: Limits = DEFAULT_LIMITS,
    progress: Callable[[int, int], None] | None = None,
) -> Verified:
    """Verify that ``threshold`` trusted signers vouch for the file or folder at ``path``, and what a policy asks for.

    ``trust_store`` is a store or the path of one; by default ``SECURELOAD_TRUST_STORE`` or the user's. ``policy`` is a
    policy, the name of a profile or the path of a file, by default "standard". ``name`` is the signed name, where the
    file was renamed since. Of a folder the members ``only`` are hashed and verified, where they are given; nothing is
    said of the others. A signed version that is lower than one that was seen before is refused, unless
    ``allow_rollback`` says that this is meant.

    Raises:
        TrustError: nobody trusted vouches for these bytes, or the policy asks for more; the class says why.
        UsageError, ArtifactError: the path, the store or the policy is not usable, the artifact cannot be read.
    """
    store = trusted(trust_store, limits)
    wanted = resolve_policy(policy, limits)
    place = memory_of(trust_store, store)
    memory = read_memory(place, limits)
    names = None if only is None else _names(only)
    with open_signed(path, store, limits, progress=progress, only=names) as (artifact, envelopes):
        verification, now = verify_opened(
            artifact,
            envelopes,
            store,
            name=name,
            threshold=max(threshold, wanted.signers, 1),
            memory=forgiving(memory, allow_rollback),
            limits=limits,
        )
        manifest = artifact.manifest
        check_format(artifact, wanted)
    if wanted.signers or threshold > 1:
        verification.require()
    require(wanted, verification, now)
    note_versions(place, verification, now, wanted, lower=allow_rollback, limits=limits)
    return Verified(
        verification=verification,
        manifest=manifest,
        sidecar=sidecar_path(path),
        policy=wanted.name,
        partial=names is not None,
    )


@contextlib.contextmanager
def open_signed(
    path: str | os.PathLike[str],
    store: TrustStore,
    limits: Limits,
    *,
    progress: Callable[[int, int], None] | None = None,
    only: Collection[str] | None = None,
) -> Iterator[tuple[Artifact, tuple[Envelope, ...]]]:
    """Open an artifact with its signature file, which of a folder says what is left out; a file is only hashed.

    Raises :class:`UnsignedError` where there is none, and as :func:`open_artifact`.
    """
    sidecar = sidecar_path(path)
    if Path(path).is_dir() and not Path(path).is_symlink():
        envelopes = read_envelopes(sidecar, limits)
        ignore = paths_left_out(envelopes, store, limits)
        with open_artifact(path, limits, progress, ignore=ignore, only=only) as artifact:
            yield artifact, envelopes
        return
    with open_artifact(path, limits, progress, only=only, pin=False) as artifact:
        yield artifact, read_envelopes(sidecar, limits)


def read_envelopes(sidecar: Path, limits: Limits) -> tuple[Envelope, ...]:
    """Return what the signature file holds.

    Raises:
        UnsignedError: there is none.
        SignatureFormatError: there is one that is not a sidecar.
    """
    data = read_sidecar(sidecar, limits)
    if data is None:
        raise UnsignedError(
            f"there is no signature: {printable(str(sidecar))} is missing",
            hint="ask the sender to sign it with 'secureload sign', and for the .sig file",
        )
    return parse_sidecar(data, limits)


def verify_artifact(
    artifact: Artifact,
    store: TrustStore,
    *,
    name: str | None,
    threshold: int,
    limits: Limits,
    memory: Memory = NO_MEMORY,
    now: datetime | None = None,
) -> Verification:
    """Verify an artifact that is open, with one reading of the clock.

    Raises:
        UnsignedError: there is no sidecar.
        SignatureFormatError: there is one that is not a sidecar.
    """
    envelopes = read_envelopes(sidecar_path(artifact.locator), limits)
    verification, _ = verify_opened(
        artifact, envelopes, store, name=name, threshold=threshold, memory=memory, limits=limits, now=now
    )
    return verification


def verify_opened(
    artifact: Artifact,
    envelopes: tuple[Envelope, ...],
    store: TrustStore,
    *,
    name: str | None,
    threshold: int = 1,
    memory: Memory = NO_MEMORY,
    limits: Limits,
    now: datetime | None = None,
) -> tuple[Verification, datetime]:
    """Verify what these envelopes say about an open artifact; return the one reading of the clock too."""
    moment = datetime.now(UTC) if now is None else now
    verification = verify_envelopes(
        envelopes,
        artifact.manifest,
        store,
        now=moment,
        name=name,
        threshold=threshold,
        memory=memory,
        partial=artifact.partial,
        ignored=artifact.ignored,
        limits=limits,
    )
    return verification, moment


def signed_metadata(verification: Verification) -> Metadata | None:
    """Return the metadata that counts: of several the one that was made last."""
    found = [one.attestation for one in verification.stated("metadata") if one.attestation is not None]
    latest = max(found, key=lambda one: one.created, default=None)
    return None if latest is None else latest.predicate


def memory_of(
    trust_store: TrustStore | str | os.PathLike[str] | None, store: TrustStore
) -> TrustStore | Path:
    """Return what the memory of versions goes by: the folder of the trust store, or its keys."""
    if trust_store is None:
        return default_trust_folder()
    return Path(trust_store) if isinstance(trust_store, str | os.PathLike) else store


def forgiving(memory: Memory, allow_rollback: bool) -> Memory:
    """Return the memory without its versions where going back is meant."""
    return Memory({}, memory.latest) if allow_rollback else memory


def note_versions(
    place: TrustStore | Path,
    verification: Verification,
    now: datetime,
    policy: Policy,
    *,
    lower: bool,
    limits: Limits,
) -> None:
    """Remember what was verified; a failure is a warning, unless the policy asks for a version."""
    versions = {one.name: one.version for one in verification.statements if one.version is not None}
    try:
        remember(place, versions, now, lower=lower, limits=limits)
    except UsageError as error:
        if policy.require_version:
            raise
        if versions:
            warnings.warn(f"the version is not remembered: {error.message}", MemoryWarning, stacklevel=3)


def check_format(artifact: Artifact, policy: Policy) -> None:
    """Raise :class:`RequirementError` for a file of a format that the policy does not admit."""
    if not policy.formats or artifact.kind != "file":
        return
    found = detect(artifact.head(HEAD_BYTES), artifact.size, artifact.name).format
    if found not in policy.formats:
        text = f"the policy {policy.name!r} admits {', '.join(policy.formats)}, and this is {found}"
        raise RequirementError(text, hint="Convert it, or change the policy.", missing=(text,))


def _names(only: Iterable[str]) -> tuple[str, ...]:
    names = tuple(only) if not isinstance(only, str) else (only,)
    if not names:
        raise UsageError("no member was named", hint="Name one, or verify the whole folder.")
    return names


def trusted(store: TrustStore | str | os.PathLike[str] | None, limits: Limits) -> TrustStore:
    """Return the trust store that ``store`` stands for; UsageError for what is neither store nor path."""
    if isinstance(store, TrustStore):
        return store
    if store is not None and not isinstance(store, str | os.PathLike):
        raise UsageError(
            f"a trust store is a TrustStore or the path of one, not {printable(type(store).__name__, 60)}"
        )
    return load_trust_store(None if store is None else Path(store), limits)
