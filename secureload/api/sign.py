"""Sign a model: who, which bytes, under which name and version, until when."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from secureload.artifact.artifact import open_artifact
from secureload.artifact.sidecar import sidecar_path, update_sidecar
from secureload.errors import SignatureFormatError, UsageError
from secureload.limits import DEFAULT_LIMITS, Limits
from secureload.printable import printable
from secureload.signing.dsse import Envelope, sign_payload
from secureload.signing.keys import PublicKey, Signer
from secureload.signing.manifest import Manifest
from secureload.signing.sidecar import encode_sidecar, parse_sidecar
from secureload.signing.statement import encode_statement, parse_statement
from secureload.trust.keyfiles import read_private_key
from secureload.values import dataclass

__all__ = ["Signed", "sign"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """What was signed: the sidecar's path, the signed name, the manifest, and the key's fingerprint.

    ``kept`` counts signatures of other keys about the same bytes that stay in the sidecar, ``dropped`` those
    that were about other bytes, or by this key, and were replaced.
    """

    sidecar: Path
    name: str
    manifest: Manifest
    fingerprint: str
    kept: int
    dropped: int


def sign(
    path: str | os.PathLike[str],
    *,
    key: Signer | str | os.PathLike[str],
    password: bytes | None = None,
    name: str | None = None,
    version: str | None = None,
    expires: datetime | timedelta | None = None,
    limits: Limits = DEFAULT_LIMITS,
    progress: Callable[[int, int], None] | None = None,
) -> Signed:
    """Sign the file or folder at ``path`` and write its sidecar (``NAME.sig``, in a folder ``model.sig``).

    ``key`` is a signer or the path of a private key file, which ``password`` (bytes) decrypts. ``name`` is the
    model's name, by default that of the file. ``expires`` is an aware datetime or a timedelta from now.

    Raises:
        UsageError: the path, the key, the name, the version or the expiry is not usable.
        ArtifactError: the artifact cannot be read.
        SignatureFormatError: there is a sidecar that is not one; it is not overwritten.
    """
    signer = _signer(key, password, limits)
    created = datetime.now(UTC).replace(microsecond=0)
    until = created + expires if isinstance(expires, timedelta) else expires
    if until is not None and until.tzinfo is not None and until <= created:
        raise UsageError("the expiry is not in the future", hint="name a time after now, such as 90d")
    target = sidecar_path(path)
    with open_artifact(path, limits, progress) as artifact:
        manifest = artifact.manifest
        signed_name = name if name is not None else artifact.name
    payload = encode_statement(manifest, name=signed_name, version=version, created=created, expires=until)
    envelope = sign_payload(payload, signer)
    counts = [0, 0]

    def with_ours(before: bytes | None) -> bytes:
        kept, counts[1] = _other_signatures(before, manifest, signer, limits)
        counts[0] = len(kept)
        return encode_sidecar([*kept, envelope])

    update_sidecar(target, with_ours, limits)
    return Signed(
        sidecar=target,
        name=signed_name,
        manifest=manifest,
        fingerprint=signer.public.fingerprint,
        kept=counts[0],
        dropped=counts[1],
    )


def _signer(key: Signer | str | os.PathLike[str], password: bytes | None, limits: Limits) -> Signer:
    if isinstance(key, str | os.PathLike):
        return read_private_key(Path(key), password, limits)
    if callable(getattr(key, "sign", None)) and isinstance(getattr(key, "public", None), PublicKey):
        return key
    raise UsageError(f"a key is a signer or the path of a key file, not {printable(type(key).__name__, 60)}")


def _other_signatures(
    data: bytes | None, manifest: Manifest, signer: Signer, limits: Limits
) -> tuple[list[Envelope], int]:
    """Return the envelopes that stay valid beside a new signature, and how many do not."""
    if data is None:
        return [], 0
    envelopes = parse_sidecar(data, limits)
    kept = [
        envelope
        for envelope in envelopes
        if envelope.key_id != signer.public.key_id and _is_about(envelope, manifest, limits)
    ]
    return kept, len(envelopes) - len(kept)


def _is_about(envelope: Envelope, manifest: Manifest, limits: Limits) -> bool:
    try:
        statement = parse_statement(envelope.payload, limits)
    except SignatureFormatError:
        return False
    return statement.manifest.subject_digest == manifest.subject_digest
