"""``secureload sign`` without its parser: sign, and say what was signed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from secureload.cli.moments import parse_moment
from secureload.cli.output import emit, note
from secureload.cli.progress import progress_of
from secureload.cli.signers import choose_signer
from secureload.errors import UsageError
from secureload.limits import DEFAULT_LIMITS
from secureload.printable import printable

if TYPE_CHECKING:
    from secureload.api.sign import Signed

__all__ = ["run_sign"]


def run_sign(
    path: Path,
    *,
    key: Path | None = None,
    agent: bool = False,
    pkcs11: str | None = None,
    name: str | None = None,
    model_version: str | None = None,
    expires: str | None = None,
    metadata: Path | None = None,
    ignore: Sequence[str] = (),
    incremental: bool = False,
    passphrase_fd: int | None = None,
) -> None:
    """Sign the file or folder at ``path`` with the key that the options mean. Raises as :func:`secureload.sign`."""
    from secureload.api.sign import read_metadata
    from secureload.api.sign import sign as sign_artifact
    from secureload.artifact.opening import os_failure

    until = None if expires is None else parse_moment(expires, "--expires", datetime.now(UTC))
    try:
        path.lstat()  # before anybody is asked for a passphrase
    except OSError as error:
        raise os_failure(error, printable(path)) from None
    except ValueError:
        raise UsageError(f"{printable(path)!r} is not a path") from None
    described = None if metadata is None else read_metadata(metadata, DEFAULT_LIMITS)
    signer = choose_signer(key, passphrase_fd, agent=agent, pkcs11=pkcs11)
    with progress_of(path) as progress:
        signed = sign_artifact(
            path,
            key=signer,
            name=name,
            version=model_version,
            expires=until,
            metadata=described,
            ignore=ignore,
            incremental=incremental,
            progress=progress,
        )
    for absent in sorted(set(ignore) - set(signed.ignored)):
        note(f"warning: --ignore {printable(absent, 200)}: there is no such path in it")
    emit(_text(signed, model_version, until, metadata=metadata))


def _statements(count: int, which: str = "") -> str:
    return f"{count:,} {which}{'statement' if count == 1 else 'statements'}"


def _text(signed: Signed, version: str | None, until: datetime | None, *, metadata: Path | None) -> str:
    from secureload.signing.instants import encode_instant

    manifest = signed.manifest
    digest = manifest.shown_digest
    rows = [
        ("signed", printable(signed.name, 400)),
        ("version", printable(version, 400) if version is not None else ""),
        ("expires", encode_instant(until) if until is not None else ""),
        ("sha256", digest),
        ("members", f"{len(manifest.members):,}" if manifest.kind == "folder" else ""),
        (
            "reused",
            f"{signed.reused:,} {'digest' if signed.reused == 1 else 'digests'} of unchanged files"
            if signed.reused
            else "",
        ),
        ("ignored", printable(", ".join(signed.ignored), 400)),
        ("metadata", printable(metadata, 400) if metadata is not None else ""),
        ("key", signed.fingerprint),
        ("written", printable(signed.sidecar, 400)),
        ("kept", f"{_statements(signed.kept, 'other ')} about it" if signed.kept else ""),
        (
            "dropped",
            f"{_statements(signed.dropped)} replaced, or about something else" if signed.dropped else "",
        ),
    ]
    return "\n".join(f"{label + ':':9} {value}" for label, value in rows if value)
