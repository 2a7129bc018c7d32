"""OpenSSF Model Signing: verify what others signed, and sign again for those who verify with its tool."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from secureload.api.verify import verify
from secureload.artifact.artifact import Artifact, open_artifact
from secureload.artifact.folder import FOLDER_SIDECAR
from secureload.artifact.opening import os_failure
from secureload.artifact.sidecar import read_sidecar, sidecar_path
from secureload.errors import (
    BadSignatureError,
    MalformedError,
    ManifestMismatchError,
    UnsignedError,
    UntrustedError,
    UsageError,
)
from secureload.limits import DEFAULT_LIMITS, Limits
from secureload.printable import printable
from secureload.signing.certificates import encode_chain, key_of_chain, parse_certificates
from secureload.signing.dsse import IN_TOTO_PAYLOAD_TYPE, pae
from secureload.signing.ecdsa import EcdsaKey, EcdsaSigner, parse_ecdsa_key
from secureload.signing.instants import encode_instant
from secureload.signing.manifest import Manifest, validate_member_name
from secureload.signing.oms import (
    SINGLE_FILE,
    OmsBundle,
    OmsStatement,
    encode_oms_bundle,
    encode_oms_statement,
    parse_oms_bundle,
    parse_oms_statement,
)
from secureload.trust.files import create_file, read_file, replace_file

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

    from secureload.signing.truststore import TrustStore

__all__ = ["OmsExported", "OmsVerified", "export_oms", "read_oms_key", "verify_oms"]

_CHUNK_BYTES = 1 << 20
_SIGNATURE_MODE = 0o644


@dataclass(frozen=True, slots=True, kw_only=True)
class OmsVerified:
    """What an OMS signature vouches for: the signed name, by whom, over which members.

    ``signer`` is the SHA-256 of the public key's PEM, or the subject of the certificate. ``ignored`` are paths
    that are there and that the signer left out: nobody vouches for them.
    """

    name: str
    signer: str
    curve: str
    method: str
    manifest: Manifest
    ignored: tuple[str, ...]
    signature: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class OmsExported:
    """The bundle that was written, the signed name, and what verifiers know the key by."""

    written: Path
    name: str
    signer: str
    manifest: Manifest


def verify_oms(
    path: str | os.PathLike[str],
    *,
    public_key: EcdsaKey | str | os.PathLike[str] | None = None,
    roots: Sequence[Certificate] | str | os.PathLike[str] | None = None,
    signature: str | os.PathLike[str] | None = None,
    limits: Limits = DEFAULT_LIMITS,
    progress: Callable[[int, int], None] | None = None,
) -> OmsVerified:
    """Verify the OMS bundle about the file or folder at ``path``, by a public key or by root certificates.

    ``signature`` is by default ``model.sig`` in a folder and ``NAME.sig`` beside a file.

    Raises:
        TrustError: there is no signature, it is not by this key, or about other bytes; the class says which.
        UsageError, ArtifactError: a key, a certificate or the path is not usable.
    """
    if (public_key is None) == (roots is None):
        raise UsageError(
            "an OMS signature is verified by a public key or by root certificates, and by one of the two",
            hint="Pass the key that you have from the signer, or the root that issued its certificate.",
        )
    where = sidecar_path(path) if signature is None else Path(signature)
    data = read_sidecar(where, limits)
    if data is None:
        raise UnsignedError(
            f"there is no signature: {printable(str(where))} is missing",
            hint="Say where it is (--signature).",
        )
    bundle = parse_oms_bundle(data, limits)
    key, signer = _key_of(bundle, public_key, roots, limits)
    if not key.verify(bundle.signature, pae(IN_TOTO_PAYLOAD_TYPE, bundle.payload)):
        raise BadSignatureError(
            "the signature is not one that this key made for this statement",
            hint="The signature file was damaged or forged: ask the sender for it again.",
        )
    statement = parse_oms_statement(bundle.payload, limits)
    ignore = () if statement.is_single_file else _ignorable(statement)
    pin = statement.method != "files"  # shards are read again from the pinned bytes
    with open_artifact(path, limits, progress, ignore=ignore, pin=pin) as artifact:
        _check_kind(statement, artifact)
        changed, missing, added = _differences(statement, artifact, limits)
        manifest = artifact.manifest
        # The signature itself is left out by everybody.
        ignored = tuple(name for name in artifact.ignored if name not in (FOLDER_SIDECAR, where.name))
    if changed or missing or added:
        raise _mismatch(statement, changed, missing, added)
    return OmsVerified(
        name=statement.name,
        signer=signer,
        curve=key.curve,
        method=statement.method,
        manifest=manifest,
        ignored=ignored,
        signature=where,
    )


def export_oms(
    path: str | os.PathLike[str],
    *,
    key: EcdsaSigner | str | os.PathLike[str],
    password: bytes | None = None,
    certificate: str | os.PathLike[str] | None = None,
    chain: str | os.PathLike[str] | None = None,
    output: str | os.PathLike[str] | None = None,
    force: bool = False,
    trust_store: TrustStore | str | os.PathLike[str] | None = None,
    name: str | None = None,
    limits: Limits = DEFAULT_LIMITS,
    progress: Callable[[int, int], None] | None = None,
) -> OmsExported:
    """Write an OMS bundle about a model that somebody trusted has signed, for users of OpenSSF's model signer.

    The model is verified first, and the name, version and times are the ones that were signed. ``key`` is an
    ECDSA key (PEM); with ``certificate`` (and the ``chain`` between it and its root) the bundle is verified by
    ``verify certificate``, without by ``verify key``. ``output`` is by default ``NAME.oms.sig`` beside the model.

    Raises:
        TrustError: nobody trusted vouches for the model.
        UsageError: a key, a certificate or a path is not usable, or the output exists and ``force`` is not set.
    """
    signer = key if isinstance(key, EcdsaSigner) else read_oms_key(key, password, limits)
    certificates = _read_chain(certificate, chain, signer, limits)
    verified = verify(path, trust_store=trust_store, name=name, limits=limits, progress=progress)
    said = verified.verification.good[0].statement
    if said is None:
        raise UnsignedError("there is no statement to export", hint="Sign it with 'secureload sign'.")
    annotations = {"name": said.name, "created": encode_instant(said.created)}
    if said.version is not None:
        annotations["version"] = said.version
    if said.expires is not None:
        annotations["expires"] = encode_instant(said.expires)
    ignore = (*said.ignore_paths, FOLDER_SIDECAR) if verified.manifest.kind == "folder" else ()
    payload = encode_oms_statement(
        verified.manifest, name=said.name, annotations=annotations, ignore_paths=tuple(sorted(set(ignore)))
    )
    bundle = OmsBundle(
        payload,
        signer.sign(pae(IN_TOTO_PAYLOAD_TYPE, payload)),
        "" if certificates else signer.public.hint,
        encode_chain(certificates),
    )
    target = Path(output) if output is not None else Path(f"{os.fspath(path).rstrip('/')}.oms.sig")
    (replace_file if force else create_file)(target, encode_oms_bundle(bundle) + b"\n", _SIGNATURE_MODE)
    return OmsExported(written=target, name=said.name, signer=signer.public.hint, manifest=verified.manifest)


def read_oms_key(
    path: str | os.PathLike[str], password: bytes | None = None, limits: Limits = DEFAULT_LIMITS
) -> EcdsaSigner:
    """Read an ECDSA private key in PEM, which nobody else may be able to read. Raises :class:`UsageError`."""
    return EcdsaSigner.load(read_file(Path(path), limits.key_file_bytes, is_secret=True), password, limits)


def _key_of(
    bundle: OmsBundle,
    public_key: EcdsaKey | str | os.PathLike[str] | None,
    roots: Sequence[Certificate] | str | os.PathLike[str] | None,
    limits: Limits,
) -> tuple[EcdsaKey, str]:
    """Return the key that must have signed, and what to call it; never one that only the bundle vouches for."""
    if public_key is not None:
        key = (
            public_key
            if isinstance(public_key, EcdsaKey)
            else parse_ecdsa_key(read_file(Path(public_key), limits.key_file_bytes), limits)
        )
        if bundle.certificates:
            raise UntrustedError(
                "the signature is by a certificate, not by a public key",
                hint="Pass the root certificate of its issuer, if you trust that issuer.",
            )
        if bundle.hint != key.hint:
            raise UntrustedError(
                f"the signature is by the key {bundle.hint[:16]}…, not by this one ({key.hint[:16]}…)",
                hint="If you know whose key it is, get its public key from them.",
            )
        return key, key.hint
    if not bundle.certificates:
        raise UntrustedError(
            "the signature is by a public key, not by a certificate", hint="Pass the signer's public key."
        )
    trusted = _certificates(roots, limits)
    return key_of_chain(bundle.certificates, trusted, now=datetime.now(UTC))


def _certificates(
    roots: Sequence[Certificate] | str | os.PathLike[str] | None, limits: Limits
) -> Sequence[Certificate]:
    if isinstance(roots, str | os.PathLike):
        return parse_certificates(read_file(Path(roots), limits.key_file_bytes), limits)
    if not roots:
        raise UsageError("there is no root certificate to trust", hint="Pass at least one.")
    return roots


def _read_chain(
    certificate: str | os.PathLike[str] | None,
    chain: str | os.PathLike[str] | None,
    signer: EcdsaSigner,
    limits: Limits,
) -> tuple[Certificate, ...]:
    if certificate is None:
        if chain is not None:
            raise UsageError("a chain needs the certificate that it leads to", hint="Pass --certificate too.")
        return ()
    leaf = parse_certificates(read_file(Path(certificate), limits.key_file_bytes), limits)
    if leaf[0].public_key() != signer.public.point:
        raise UsageError(
            "the certificate is about another key than the one that signs",
            hint="Pass the certificate of this key.",
        )
    if chain is None:
        return leaf
    return (*leaf, *parse_certificates(read_file(Path(chain), limits.key_file_bytes), limits))


def _ignorable(statement: OmsStatement) -> tuple[str, ...]:
    """Return the ignored paths that can be members at all; others match nothing."""
    found = []
    for path in statement.ignore_paths:
        try:
            validate_member_name(path)
        except MalformedError:
            continue
        found.append(path)
    return tuple(found)


def _check_kind(statement: OmsStatement, artifact: Artifact) -> None:
    if statement.is_single_file != (artifact.kind == "file"):
        kind = "a single file" if statement.is_single_file else "a folder"
        raise ManifestMismatchError(
            f"the signature is about {kind}, and this is not one",
            hint="The signature belongs to something else: ask the sender.",
        )


def _differences(
    statement: OmsStatement, artifact: Artifact, limits: Limits
) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Return the names that changed, are missing and were added."""
    is_file = artifact.kind == "file"
    there = {SINGLE_FILE if is_file else one.name: one for one in artifact.manifest.members}
    signed = statement.files or statement.shards
    missing = tuple(sorted(signed.keys() - there.keys()))
    added = tuple(sorted(there.keys() - signed.keys()))
    common = sorted(signed.keys() & there.keys())
    if statement.method == "files":
        changed = [name for name in common if statement.files[name] != there[name].digest]
    else:
        changed = [
            name
            for name in common
            if statement.shards[name][-1].end != there[name].size
            or not _shards_match(statement, name, artifact)
        ]
    return tuple(changed), missing, added


def _shards_match(statement: OmsStatement, name: str, artifact: Artifact) -> bool:
    if artifact.kind == "file":
        return _matches(statement, name, artifact)
    with artifact.open_member(name) as member:
        return _matches(statement, name, member)


def _matches(statement: OmsStatement, name: str, member: Artifact) -> bool:
    return all(_digest(member, shard.start, shard.end) == shard.digest for shard in statement.shards[name])


def _digest(member: Artifact, start: int, end: int) -> bytes:
    hasher = hashlib.sha256()
    for piece in _pieces(member, start, end):
        hasher.update(piece)
    return hasher.digest()


def _pieces(member: Artifact, start: int, end: int) -> Iterator[bytes]:
    at = start
    while at < end:
        try:
            piece = os.pread(member.fileno(), min(_CHUNK_BYTES, end - at), at)
        except OSError as error:
            raise os_failure(error, printable(member.locator)) from None
        if not piece:
            return
        at += len(piece)
        yield piece


def _mismatch(
    statement: OmsStatement, changed: tuple[str, ...], missing: tuple[str, ...], added: tuple[str, ...]
) -> ManifestMismatchError:
    said = "; ".join(
        f"{word}: {', '.join(printable(one, 80) for one in names[:3])}"
        + (f" and {len(names) - 3:,} more" if len(names) > 3 else "")
        for word, names in (("changed", changed), ("missing", missing), ("added", added))
        if names
    )
    return ManifestMismatchError(
        f"other bytes were signed, as {printable(statement.name, 80)!r}: {said}",
        hint="It was changed after it was signed, or the signature belongs to something else: ask the sender.",
        changed=changed,
        missing=missing,
        added=added,
    )
