"""Check many files, each on its own: one bad file never stops the rest."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from secureload.cli.progress import progress_of
from secureload.cli.walk import Found, walk
from secureload.errors import (
    BadSignatureError,
    ManifestMismatchError,
    SecureloadError,
    SignatureFormatError,
    TrustError,
    UsageError,
)
from secureload.limits import DEFAULT_LIMITS, Limits
from secureload.printable import printable

if TYPE_CHECKING:
    from secureload.api.check import Checked
    from secureload.api.reporting import Entry
    from secureload.report.report import Report
    from secureload.scan.allowlist import AllowList
    from secureload.signing.manifest import Manifest
    from secureload.signing.truststore import TrustStore

__all__ = ["CheckOptions", "check_many", "check_one", "is_folder"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckOptions:
    """What every file is checked with."""

    allow: AllowList
    trust_store: TrustStore | None = None
    require_signature: bool = False
    explain: bool = False
    limits: Limits = field(default=DEFAULT_LIMITS)


@dataclass(frozen=True, slots=True)
class _Whole:
    """What a folder's own signature says: its manifest where somebody trusted vouches for it."""

    lines: tuple[str, ...] = ()
    manifest: Manifest | None = None
    error: TrustError | None = None


def check_one(path: Path, options: CheckOptions, *, require_signature: bool | None = None) -> Checked:
    """Check one file."""
    from secureload.api.check import check

    required = options.require_signature if require_signature is None else require_signature
    with progress_of(path) as progress:
        return check(
            path,
            allow=options.allow,
            trust_store=options.trust_store,
            require_signature=required,
            limits=options.limits,
            progress=progress,
        )


def check_many(paths: Sequence[Path], options: CheckOptions) -> tuple[Report, tuple[Report, ...]]:
    """Check files and folders; return the summary, and the report of each file that was not skipped."""
    from secureload.api.reporting import report_of_many

    entries: list[Entry] = []
    skipped: list[tuple[str, str]] = []
    lines: list[str] = []
    trust_error: TrustError | None = None
    for path in paths:
        whole = _whole_folder(path, options) if is_folder(path) else _Whole()
        lines += whole.lines
        trust_error = trust_error or whole.error
        for found in _below(path, options.limits, several=len(paths) > 1):
            if found.skipped:
                skipped.append((found.name, found.skipped))
            else:
                entries.append(_entry(found, path, whole, options))
    shown = str(paths[0]) if len(paths) == 1 else f"{len(paths):,} paths"
    summary = report_of_many(shown, entries, skipped, signatures=lines, trust_error=trust_error)
    return summary, tuple(entry.report for entry in entries)


def is_folder(path: Path) -> bool:
    """Whether ``path`` is a folder itself, not a link to one."""
    try:
        return path.is_dir() and not path.is_symlink()
    except (OSError, ValueError):
        return False


def _below(path: Path, limits: Limits, *, several: bool) -> Iterator[Found]:
    if not is_folder(path):
        yield Found(path=path, name=str(path))
        return
    for found in walk(path, limits):
        name = f"{path}/{found.name}" if several else found.name
        yield Found(path=found.path, name=name, skipped=found.skipped, error=found.error)


def _entry(found: Found, root: Path, whole: _Whole, options: CheckOptions) -> Entry:
    from secureload.api.reporting import entry_of_check, entry_of_error

    if found.error is not None:
        return entry_of_error(found.name, found.error)
    try:
        vouched = whole.manifest is not None
        checked = check_one(found.path, options, require_signature=False if vouched else None)
        if whole.manifest is not None:
            _require_member(whole.manifest, found.path.relative_to(root).as_posix(), checked.digest)
    except SecureloadError as error:
        return entry_of_error(found.name, error)
    return entry_of_check(found.name, checked, explain=options.explain)


def _require_member(manifest: Manifest, name: str, digest: str) -> None:
    """Raise unless the bytes that were examined are those that the folder's signature lists."""
    member = manifest.find(name)
    if member is None or member.digest.hex() != digest:
        raise ManifestMismatchError(
            f"{printable(name)} is not what the folder's signature lists",
            hint="it was changed while it was checked; check it again",
        )


def _whole_folder(path: Path, options: CheckOptions) -> _Whole:
    """Verify the folder's own signature, where there is one."""
    from secureload.api.reporting import signature_lines
    from secureload.api.verify import verify
    from secureload.artifact.sidecar import sidecar_path

    if not os.path.isfile(sidecar_path(path)):  # noqa: PTH113  # Path.is_file would raise where it may not look
        return _Whole()
    try:
        verified = verify(path, trust_store=options.trust_store, limits=options.limits)
    except (BadSignatureError, ManifestMismatchError, SignatureFormatError) as error:
        return _Whole((f"the folder's signature does not count: {error.message}",), error=error)
    except (TrustError, UsageError) as error:
        return _Whole((f"the folder's signature is not verified: {error.message}",))
    except SecureloadError as error:
        # Such as a link in it: its members are examined, and each says what is wrong.
        return _Whole((f"the folder's signature cannot be verified: {error.message}",))
    lines = signature_lines(verified.verification)
    return _Whole(tuple(f"the folder: {line}" for line in lines), manifest=verified.manifest)
