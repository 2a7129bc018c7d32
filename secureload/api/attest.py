"""State something about a model: its metadata, an approval, a scan result, its lineage, or when a signature was seen.

A statement goes into the model's signature file, or into a file of its own, which is merged later: approvers sign on
different machines at different times.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from secureload.api.sign import signer_of
from secureload.artifact.artifact import Artifact, open_artifact
from secureload.artifact.sidecar import read_sidecar, sidecar_path, update_sidecar, write_sidecar
from secureload.errors import ManifestMismatchError, SignatureFormatError, UsageError
from secureload.limits import DEFAULT_LIMITS, Limits
from secureload.printable import printable
from secureload.signing.attestation import Attestation, claimed_kind, encode_attestation, parse_attestation
from secureload.signing.dsse import Envelope, envelope_digest, sign_payload
from secureload.signing.keys import Signer
from secureload.signing.manifest import difference
from secureload.signing.predicates.catalog import PREDICATES
from secureload.signing.predicates.timestamp import Timestamp
from secureload.signing.sidecar import encode_sidecar, parse_sidecar
from secureload.signing.statement import Statement, parse_statement
from secureload.values import dataclass

__all__ = ["Attested", "attest", "merge"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Attested:
    """What was stated, about which model, by which key, and the file that it was written to."""

    kind: str
    name: str
    version: str | None
    subject_digest: bytes
    fingerprint: str
    written: Path
    count: int


def attest(
    path: str | os.PathLike[str],
    statement: object,
    *,
    key: Signer | str | os.PathLike[str] | None = None,
    password: bytes | None = None,
    name: str | None = None,
    version: str | None = None,
    expires: datetime | timedelta | None = None,
    output: str | os.PathLike[str] | None = None,
    limits: Limits = DEFAULT_LIMITS,
    progress: Callable[[int, int], None] | None = None,
) -> Attested:
    """Sign a statement about the file or folder at ``path``.

    ``statement`` is a value of one of the modules in ``secureload.signing.predicates`` (``Approval()``,
    ``Metadata(…)``, ``Scan(…)``, ``Lineage(…)``); "scan" examines the very bytes that it is then about, and
    "timestamp" countersigns every statement that is there. It is about the name and version that the model was
    signed under; ``name`` and ``version`` choose, where several are there. With ``output`` it goes into that file and
    not beside the model.

    Raises:
        UsageError: the path, the key, the statement or the file to write is not usable, or there is a choice to make.
        ManifestMismatchError: the model was changed since it was signed.
        PolicyError, SandboxError: "scan" found something, or could not look.
        ArtifactError, SignatureFormatError: the artifact or its signature file cannot be read.
    """
    signer = signer_of(key, password, limits)
    _require_replaceable(output, limits)
    created = datetime.now(UTC).replace(microsecond=0)
    until = created + expires if isinstance(expires, timedelta) else expires
    target = sidecar_path(path)
    data = read_sidecar(target, limits)
    envelopes = () if data is None else parse_sidecar(data, limits)
    is_scan = statement == "scan"
    with _opened(path, envelopes, (name, version), limits, progress, pin=is_scan) as (artifact, signed):
        if is_scan:
            from secureload.api.scanned import scan_of  # what examines is imported where it is asked for

            statement = scan_of(artifact, limits)
        subject = artifact.manifest.subject_digest
        about = name or (signed.name if signed is not None else artifact.name)
        of_version = version if version is not None else (signed.version if signed is not None else None)
    predicates = _predicates(statement, envelopes, signer.public.key_id, limits)
    ours = []
    for kind, predicate in predicates:
        attestation = Attestation(
            kind=kind,
            name=about,
            version=of_version,
            subject_digest=subject,
            created=created,
            expires=until,
            predicate=predicate,
        )
        ours.append(sign_payload(_encoded(attestation), signer))
    written = target if output is None else Path(output)
    if output is None:
        update_sidecar(target, lambda before: _joined(before, ours, limits), limits)
    else:
        write_sidecar(written, encode_sidecar(ours))
    return Attested(
        kind=predicates[0][0],
        name=about,
        version=of_version,
        subject_digest=subject,
        fingerprint=signer.public.fingerprint,
        written=written,
        count=len(ours),
    )


def merge(
    path: str | os.PathLike[str],
    files: Iterable[str | os.PathLike[str]],
    *,
    limits: Limits = DEFAULT_LIMITS,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Path, int, int]:
    """Put the statements in ``files`` into the signature file of the model at ``path``.

    Only those that are about its bytes; each once. Returns the file, how many were added, and how many were there
    already. Raises :class:`ManifestMismatchError` for a statement about something else, and as :func:`attest`; nothing
    is verified here: whoever verifies decides whom to trust.
    """
    target = sidecar_path(path)
    data = read_sidecar(target, limits)
    before = () if data is None else parse_sidecar(data, limits)
    found: list[tuple[str, Envelope]] = []
    for file in files:
        more = read_sidecar(file, limits)
        if more is None:
            raise UsageError(f"there is no file {printable(os.fspath(file), 160)}", hint="Check the path.")
        found += [(printable(os.fspath(file), 160), envelope) for envelope in parse_sidecar(more, limits)]
    if not found:
        raise UsageError("no file to merge was named", hint="Name the files that the others sent you.")
    signed = [envelope for _, envelope in found if claimed_kind(envelope.payload, limits) is None]
    with _opened(path, (*before, *signed), (None, None), limits, progress, choose=False) as (artifact, _):
        subject = artifact.manifest.subject_digest
    for shown, envelope in found:
        if _subject(envelope, limits) != subject:
            raise ManifestMismatchError(
                f"{shown} holds a statement about another model than {printable(os.fspath(path), 160)}",
                hint="Ask for a statement about exactly this file.",
                changed=(),
                missing=(),
                added=(),
            )
    new: list[Envelope] = []

    def joined(now: bytes | None) -> bytes:
        there = [] if now is None else list(parse_sidecar(now, limits))
        new[:] = [one for one in dict.fromkeys(envelope for _, envelope in found) if one not in there]
        return encode_sidecar([*there, *new])

    update_sidecar(target, joined, limits)
    return target, len(new), len(found) - len(new)


@contextlib.contextmanager
def _opened(
    path: str | os.PathLike[str],
    envelopes: tuple[Envelope, ...],
    wanted: tuple[str | None, str | None],
    limits: Limits,
    progress: Callable[[int, int], None] | None,
    *,
    choose: bool = True,
    pin: bool = False,
) -> Iterator[tuple[Artifact, Statement | None]]:
    """Open the model and find the signed statement that is meant; where there is none, whatever is there counts."""
    signed = [_statement(one, limits) for one in envelopes if claimed_kind(one.payload, limits) is None]
    names = {(one.name, one.version): one for one in signed if one is not None}
    fit = [
        one
        for (name, version), one in names.items()
        if wanted[0] in (None, name) and wanted[1] in (None, version)
    ]
    if choose and len(fit) > 1:
        shown = ", ".join(
            f"{printable(one.name, 80)} {printable(one.version or '', 40)}".strip() for one in fit
        )
        raise UsageError(
            f"it is signed under several names or versions: {shown}", hint="Say which: --name and --version."
        )
    if choose and names and not fit:
        raise UsageError(
            "it is not signed under this name and version",
            hint=f"It is signed as {', '.join(printable(name, 80) for name, _ in names)}.",
        )
    one = fit[0] if fit else None
    ignore = one.ignore_paths if one is not None and Path(path).is_dir() else ()
    with open_artifact(path, limits, progress, ignore=ignore, pin=pin) as artifact:
        if choose and one is not None and one.manifest.subject_digest != artifact.manifest.subject_digest:
            changed = difference(one.manifest, artifact.manifest)
            raise ManifestMismatchError(
                f"{printable(artifact.locator)} is not what was signed: {changed.describe()}",
                hint="Ask for the signed file; a statement about other bytes would count for nothing.",
                changed=changed.changed,
                missing=changed.missing,
                added=changed.added,
            )
        yield artifact, one


def _statement(envelope: Envelope, limits: Limits) -> Statement | None:
    try:
        return parse_statement(envelope.payload, limits)
    except SignatureFormatError:
        return None


def _predicates(
    statement: object, envelopes: tuple[Envelope, ...], key_id: str, limits: Limits
) -> list[tuple[str, Any]]:
    """Return what is stated, by kind: one value, or a timestamp of everything that this key has not seen yet."""
    if statement == "timestamp":
        stamps = [one for one in envelopes if claimed_kind(one.payload, limits) == "timestamp"]
        seen = {_identity(one, limits)[2:3] for one in stamps if one.key_id == key_id}
        others = [one for one in envelopes if one not in stamps]
        if not others:
            raise UsageError("there is no signature to countersign", hint="Sign the model first.")
        new = [("timestamp", Timestamp(envelope_digest(one))) for one in others]
        new = [(kind, stamp) for kind, stamp in new if (stamp,) not in seen]
        if not new:
            raise UsageError(
                "this key has countersigned all of it already", hint="The earlier time is what counts."
            )
        return new
    kind = type(statement).__name__.lower()
    if kind not in PREDICATES or not type(statement).__module__.startswith("secureload.signing.predicates."):
        raise UsageError(
            f"a statement is a Metadata, Approval, Scan, Lineage, 'scan' or 'timestamp', not {printable(kind, 60)}",
            hint="secureload.signing.predicates has them.",
        )
    return [(kind, statement)]


def _require_replaceable(output: str | os.PathLike[str] | None, limits: Limits) -> None:
    """Raise unless nothing would be lost at ``output``: another signature file, or nothing at all, may be there."""
    if output is None:
        return
    try:
        before = read_sidecar(output, limits)
        if before:
            parse_sidecar(before, limits)
    except SignatureFormatError:
        raise UsageError(
            f"{printable(os.fspath(output), 160)} is there, and is no signature file; it is not replaced",
            hint="Name another file for the statement.",
        ) from None


def _encoded(attestation: Attestation) -> bytes:
    try:
        return encode_attestation(attestation)
    except SignatureFormatError as error:
        raise UsageError(f"this cannot be stated: {error.message}", hint=error.hint) from None


def _joined(data: bytes | None, ours: list[Envelope], limits: Limits) -> bytes:
    """Add our statements; an earlier one of the same key and kind about the same model is replaced."""
    before = [] if data is None else list(parse_sidecar(data, limits))
    mine = {_identity(envelope, limits) for envelope in ours}
    return encode_sidecar([*(one for one in before if _identity(one, limits) not in mine), *ours])


def _identity(envelope: Envelope, limits: Limits) -> tuple[object, ...]:
    kind = claimed_kind(envelope.payload, limits)
    if kind is None:
        return (envelope,)
    try:
        said = parse_attestation(envelope.payload, limits)
    except SignatureFormatError:
        return (envelope,)
    if kind == "timestamp":
        return (
            (envelope,) if said.predicate is None else (kind, envelope.key_id, said.predicate, said.created)
        )
    return (kind, envelope.key_id, said.name, said.version, said.subject_digest)


def _subject(envelope: Envelope, limits: Limits) -> bytes:
    if claimed_kind(envelope.payload, limits) is None:
        return parse_statement(envelope.payload, limits).manifest.subject_digest
    return parse_attestation(envelope.payload, limits).subject_digest
