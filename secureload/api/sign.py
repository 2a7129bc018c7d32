"""Sign a model: who, which bytes, under which name and version, until when."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from secureload.artifact.artifact import open_artifact
from secureload.artifact.digest_cache import digest_cache
from secureload.artifact.sidecar import sidecar_path, update_sidecar
from secureload.errors import SignatureFormatError, UsageError
from secureload.limits import DEFAULT_LIMITS, Limits
from secureload.printable import printable
from secureload.signing.attestation import Attestation, claimed_kind, encode_attestation, parse_attestation
from secureload.signing.dsse import Envelope, envelope_digest, sign_payload
from secureload.signing.keys import PublicKey, Signer
from secureload.signing.manifest import Manifest
from secureload.signing.metadata_toml import metadata_of_fields, parse_metadata_toml
from secureload.signing.predicates.metadata import Metadata
from secureload.signing.sidecar import encode_sidecar, parse_sidecar
from secureload.signing.statement import encode_statement, parse_statement
from secureload.trust.files import read_file
from secureload.trust.keyfiles import environment_passphrase, read_private_key
from secureload.trust.own_files import only_private_key
from secureload.values import dataclass

__all__ = ["Signed", "read_metadata", "sign", "signer_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """What was signed: the sidecar's path, the signed name, the manifest, and the key's fingerprint.

    ``kept`` counts statements about the same model that stay in the sidecar, ``dropped`` those that were about
    other bytes or another version, or by this key, and were replaced. ``ignored`` are members that are there and
    were left out, ``reused`` counts members whose digest was known.
    """

    sidecar: Path
    name: str
    manifest: Manifest
    fingerprint: str
    kept: int
    dropped: int
    ignored: tuple[str, ...] = ()
    reused: int = 0


def sign(
    path: str | os.PathLike[str],
    *,
    key: Signer | str | os.PathLike[str] | None = None,
    password: bytes | None = None,
    name: str | None = None,
    version: str | None = None,
    expires: datetime | timedelta | None = None,
    metadata: Metadata | Mapping[str, object] | str | os.PathLike[str] | None = None,
    ignore: Iterable[str] = (),
    incremental: bool = False,
    limits: Limits = DEFAULT_LIMITS,
    progress: Callable[[int, int], None] | None = None,
) -> Signed:
    """Sign the file or folder at ``path`` and write its sidecar (``NAME.sig``, in a folder ``model.sig``).

    ``key`` is a signer or the path of a private key file, by default the only one in the configuration folder;
    ``password`` (bytes), or else ``SECURELOAD_PASSWORD``, decrypts it. ``name`` is the model's name, by default that
    of the file. ``expires`` is an aware datetime or a timedelta from now.
    ``metadata`` is signed with it: what :func:`secureload.describe` returns, a dictionary of the same fields, or the
    path of a TOML file. Of a folder the paths ``ignore`` are left out; that is part of what is signed, and nobody
    who verifies will load them. ``incremental`` takes the digests of files that have not changed since from a cache
    in the user's cache folder; whoever verifies reads every byte.

    Raises:
        UsageError: the path, the key, the name, the version or the expiry is not usable.
        ArtifactError: the artifact cannot be read.
        SignatureFormatError: there is a sidecar that is not one; it is not overwritten.
    """
    signer = signer_of(key, password, limits)
    created = datetime.now(UTC).replace(microsecond=0)
    until = created + expires if isinstance(expires, timedelta) else expires
    if until is not None and until.tzinfo is not None and until <= created:
        raise UsageError("the expiry is not in the future", hint="name a time after now, such as 90d")
    described = None if metadata is None else read_metadata(metadata, limits)
    left_out = tuple(sorted(set(ignore)))
    target = sidecar_path(path)
    with (
        digest_cache(limits) if incremental else contextlib.nullcontext() as cache,
        open_artifact(path, limits, progress, ignore=left_out, cache=cache, pin=False) as artifact,
    ):
        manifest, ignored = artifact.manifest, artifact.ignored
        signed_name = name if name is not None else artifact.name
    payload = encode_statement(
        manifest, name=signed_name, version=version, created=created, expires=until, ignore_paths=left_out
    )
    ours = [sign_payload(payload, signer)]
    if described is not None:
        attestation = Attestation(
            kind="metadata",
            name=signed_name,
            version=version,
            subject_digest=manifest.subject_digest,
            created=created,
            expires=until,
            predicate=described,
        )
        ours.append(sign_payload(encode_attestation(attestation), signer))
    counts = [0, 0]

    def with_ours(before: bytes | None) -> bytes:
        kept, counts[1] = _others(before, manifest, (signed_name, version), ours, limits)
        counts[0] = len(kept)
        return encode_sidecar([*kept, *ours])

    update_sidecar(target, with_ours, limits)
    return Signed(
        sidecar=target,
        name=signed_name,
        manifest=manifest,
        fingerprint=signer.public.fingerprint,
        kept=counts[0],
        dropped=counts[1],
        ignored=ignored,
        reused=0 if cache is None else cache.hits,
    )


def signer_of(key: Signer | str | os.PathLike[str] | None, password: bytes | None, limits: Limits) -> Signer:
    """Return the signer that ``key`` stands for; UsageError for what is neither signer nor path."""
    if key is None or isinstance(key, str | os.PathLike):
        path = only_private_key() if key is None else Path(key)
        return read_private_key(path, environment_passphrase() if password is None else password, limits)
    if callable(getattr(key, "sign", None)) and isinstance(getattr(key, "public", None), PublicKey):
        return key
    raise UsageError(f"a key is a signer or the path of a key file, not {printable(type(key).__name__, 60)}")


def read_metadata(
    metadata: Metadata | Mapping[str, object] | str | os.PathLike[str], limits: Limits
) -> Metadata:
    """Return the metadata that the argument stands for: itself, the fields of a dictionary, or a TOML file."""
    if isinstance(metadata, Metadata):
        return metadata
    if isinstance(metadata, str | os.PathLike):
        path = Path(metadata)
        data = read_file(path, limits.metadata_bytes)
        return parse_metadata_toml(data, limits, where=printable(path, 160))
    return metadata_of_fields(metadata)


def _others(
    data: bytes | None,
    manifest: Manifest,
    model: tuple[str, str | None],
    ours: list[Envelope],
    limits: Limits,
) -> tuple[list[Envelope], int]:
    """Return the envelopes that stay valid beside new ones, and how many do not."""
    if data is None:
        return [], 0
    envelopes = parse_sidecar(data, limits)
    key, kinds = ours[0].key_id, {claimed_kind(envelope.payload, limits) for envelope in ours}
    kept = [
        envelope
        for envelope in envelopes
        if _is_about(envelope, manifest, model, limits)
        and not (envelope.key_id == key and claimed_kind(envelope.payload, limits) in kinds)
    ]
    there = {envelope_digest(envelope) for envelope in kept}
    kept = [one for one in kept if _seen_by(one, limits) in (None, *there)]
    return kept, len(envelopes) - len(kept)


def _is_about(envelope: Envelope, manifest: Manifest, model: tuple[str, str | None], limits: Limits) -> bool:
    """Whether it is about these bytes; what is no signature also about this name and version."""
    try:
        if claimed_kind(envelope.payload, limits) is None:
            return (
                parse_statement(envelope.payload, limits).manifest.subject_digest == manifest.subject_digest
            )
        said = parse_attestation(envelope.payload, limits)
    except SignatureFormatError:
        return False
    return said.subject_digest == manifest.subject_digest and (said.name, said.version) == model


def _seen_by(envelope: Envelope, limits: Limits) -> bytes | None:
    """Return which envelope a timestamp is about, None for anything else."""
    if claimed_kind(envelope.payload, limits) != "timestamp":
        return None
    digest: bytes = parse_attestation(envelope.payload, limits).predicate.envelope
    return digest
