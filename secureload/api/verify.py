"""Verify who signed an artifact."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from secureload.artifact.artifact import Artifact, open_artifact
from secureload.artifact.sidecar import read_sidecar, sidecar_path
from secureload.errors import UnsignedError, UsageError
from secureload.limits import DEFAULT_LIMITS, Limits
from secureload.policy.verification import Verification
from secureload.policy.verification import verify as verify_envelopes
from secureload.printable import printable
from secureload.signing.manifest import Manifest
from secureload.signing.sidecar import parse_sidecar
from secureload.signing.truststore import TrustStore
from secureload.trust.store import load_trust_store
from secureload.values import dataclass

__all__ = ["Verified", "verify", "verify_artifact"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """A verification that reached its threshold, the manifest that it is about, and the sidecar's path."""

    verification: Verification
    manifest: Manifest
    sidecar: Path


def verify(
    path: str | os.PathLike[str],
    *,
    trust_store: TrustStore | str | os.PathLike[str] | None = None,
    name: str | None = None,
    threshold: int = 1,
    limits: Limits = DEFAULT_LIMITS,
    progress: Callable[[int, int], None] | None = None,
) -> Verified:
    """Verify that ``threshold`` trusted signers vouch for the file or folder at ``path``.

    ``trust_store`` is a store or the path of one; by default ``SECURELOAD_TRUST_STORE`` or the user's. ``name``
    is the signed name, where the file was renamed since.

    Raises:
        TrustError: nobody trusted vouches for these bytes; the class says why.
        UsageError, ArtifactError: the path or the store is not usable, the artifact cannot be read.
    """
    store = trusted(trust_store, limits)
    with open_artifact(path, limits, progress) as artifact:
        verification = verify_artifact(artifact, store, name=name, threshold=threshold, limits=limits)
        manifest = artifact.manifest
    verification.require()
    return Verified(verification=verification, manifest=manifest, sidecar=sidecar_path(path))


def verify_artifact(
    artifact: Artifact, store: TrustStore, *, name: str | None, threshold: int, limits: Limits
) -> Verification:
    """Verify an artifact that is open, with one reading of the clock.

    Raises:
        UnsignedError: there is no sidecar.
        SignatureFormatError: there is one that is not a sidecar.
    """
    sidecar = sidecar_path(artifact.locator)
    data = read_sidecar(sidecar, limits)
    if data is None:
        raise UnsignedError(
            f"there is no signature: {printable(str(sidecar))} is missing",
            hint="ask the sender to sign it with 'secureload sign', and for the .sig file",
        )
    envelopes = parse_sidecar(data, limits)
    return verify_envelopes(
        envelopes,
        artifact.manifest,
        store,
        now=datetime.now(UTC),
        name=name,
        threshold=threshold,
        limits=limits,
    )


def trusted(store: TrustStore | str | os.PathLike[str] | None, limits: Limits) -> TrustStore:
    """Return the trust store that ``store`` stands for; UsageError for what is neither store nor path."""
    if isinstance(store, TrustStore):
        return store
    if store is not None and not isinstance(store, str | os.PathLike):
        raise UsageError(
            f"a trust store is a TrustStore or the path of one, not {printable(type(store).__name__, 60)}"
        )
    return load_trust_store(None if store is None else Path(store), limits)
