"""Check many files, each on its own: one bad file never stops the rest."""

from __future__ import annotations

import gc
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from secureload.cli.loop import Stopped, each
from secureload.cli.progress import files_progress, progress_of
from secureload.cli.walk import Found, walk
from secureload.errors import (
    BadSignatureError,
    ManifestMismatchError,
    SandboxError,
    SecureloadError,
    SignatureFormatError,
    TrustError,
    UsageError,
)
from secureload.limits import DEFAULT_LIMITS, Limits
from secureload.printable import printable
from secureload.values import dataclass, field, replace

if TYPE_CHECKING:
    from secureload.api.check import Checked
    from secureload.api.examiner import Examiner
    from secureload.cli.begun import Begun
    from secureload.cli.examiners import Examiners
    from secureload.policy.verdict import Policy
    from secureload.report.report import Report, ReportSignature
    from secureload.report.run import Run
    from secureload.scan.allowlist import AllowList
    from secureload.signing.manifest import Manifest
    from secureload.signing.truststore import TrustStore

__all__ = ["CheckOptions", "check_many", "check_one", "check_single", "is_folder"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckOptions:
    """What every file is checked with, ``jobs`` of them at a time."""

    allow: AllowList
    trust_store: TrustStore | None = None
    require_signature: bool = False
    policy: Policy | None = None  # says instead of the two around it what is asked for
    fail_on: str = "unknown"
    explain: bool = False
    begun: Begun | None = None  # what traces the one file
    brief: bool = False  # of accepted files, what a table needs
    jobs: int = 1
    limits: Limits = field(default=DEFAULT_LIMITS)


@dataclass(frozen=True, slots=True)
class _Whole:
    """What a folder's own signature says: its manifest where somebody trusted vouches for it."""

    signatures: tuple[ReportSignature, ...] = ()
    manifest: Manifest | None = None
    ignored: tuple[str, ...] = ()
    error: TrustError | None = None


@dataclass(frozen=True, slots=True)
class _Work:
    """One file to check: where it was found, below which of the paths, and what vouches for that."""

    found: Found
    root: Path
    whole: _Whole


def check_one(
    path: Path,
    options: CheckOptions,
    *,
    require_signature: bool | None = None,
    progress: Callable[[int, int], None] | None = None,
    examiner: Examiner | None = None,
) -> Checked:
    """Check one file, in a worker of its own or by the ``examiner`` of many."""
    from secureload.api.check import check

    return check(
        path,
        allow=options.allow,
        trust_store=options.trust_store,
        require_signature=options.require_signature if require_signature is None else require_signature,
        policy=_unsigned(options.policy) if require_signature is False else options.policy,
        fail_on=options.fail_on,
        limits=options.limits,
        explain=options.explain,
        progress=progress,
        examiner=examiner,
    )


def _unsigned(policy: Policy | None) -> Policy | None:
    """Return what a policy asks of a member of a folder, for which the folder's own signatures speak."""
    if policy is None:
        return None
    return replace(policy, signers=0, requirements=(), require_version=False)


def check_single(path: Path, options: CheckOptions, locator: str | None = None) -> Run:
    """Check the one file that was asked for, and return the run; UsageError where it is not there."""
    from secureload.api.reporting import report_of_check, report_of_error
    from secureload.api.run_report import run_of_one
    from secureload.cli.examiners import Examiners

    shown, place = (str(path), str(path)) if locator is None else (locator, "")
    try:
        with (
            progress_of(path) as progress,
            Examiners(options.allow, options.limits, options.begun, alone=True) as examiners,
        ):
            checked = check_one(path, options, progress=progress, examiner=examiners.mine())
    except UsageError:
        raise
    except SecureloadError as error:
        return run_of_one(report_of_error(shown, error, path=place), fail_on=options.fail_on)
    report = report_of_check(checked, explain=options.explain, locator=shown, path=place)
    return run_of_one(report, fail_on=options.fail_on)


def check_many(paths: Sequence[Path], options: CheckOptions) -> Run:
    """Check files and folders; return the run, with the report of each file that was not skipped."""
    from secureload.api.run_report import run_of_many

    gc.enable()  # the command line turned it off
    gc.freeze()
    work: list[_Work] = []
    skipped: list[tuple[str, str]] = []
    wholes: list[_Whole] = []
    for path in paths:
        whole = _whole_folder(path, options) if is_folder(path) else _Whole()
        wholes.append(whole)
        for found in _below(path, options.limits, several=len(paths) > 1):
            if found.skipped:
                skipped.append((found.name, found.skipped))
            else:
                work.append(_Work(found, path, whole))
    reports = _reports(work, options)
    return run_of_many(
        str(paths[0]) if len(paths) == 1 else f"{len(paths):,} paths",
        reports,
        skipped,
        signatures=[signature for whole in wholes for signature in whole.signatures],
        trust_error=next((whole.error for whole in wholes if whole.error is not None), None),
        fail_on=options.fail_on,
        not_reached=len(work) - len(reports),
        paths=[str(path) for path in paths],
    )


def is_folder(path: Path) -> bool:
    """Whether ``path`` is a folder itself, not a link to one."""
    try:
        return path.is_dir() and not path.is_symlink()
    except (OSError, ValueError):
        return False


def _reports(work: Sequence[_Work], options: CheckOptions) -> list[Report]:
    """Return the reports of all files in their order; after Ctrl-C, of those that were done."""
    from secureload.cli.examiners import Examiners
    from secureload.cli.kinds import of_one_kind

    stop = threading.Event()
    with Examiners(options.allow, options.limits) as examiners, files_progress(len(work)) as progress:

        def one(piece: _Work) -> Report:
            return _report(piece, options, stop, examiners)

        together = of_one_kind([str(piece.found.path) for piece in work])
        done = each(work, one, jobs=options.jobs, progress=progress, stop=stop, together=together)
        if stop.is_set():
            from secureload.sandbox.zygotes import close_zygotes

            close_zygotes()  # threads may still wait for their workers
    return [done[place] for place in sorted(done)]


def _below(path: Path, limits: Limits, *, several: bool) -> Iterator[Found]:
    if not is_folder(path):
        yield Found(path=path, name=str(path))
        return
    for found in walk(path, limits):
        name = f"{path}/{found.name}" if several else found.name
        yield Found(path=found.path, name=name, skipped=found.skipped, error=found.error)


def _report(work: _Work, options: CheckOptions, stop: threading.Event, examiners: Examiners) -> Report:
    from secureload.api.reporting import report_of_check, report_of_error

    found, whole = work.found, work.whole
    if found.error is not None:
        return report_of_error(found.name, found.error, path=str(found.path))

    def look_up(_done: int, _total: int) -> None:
        if stop.is_set():
            raise Stopped

    from secureload.signing.statement import is_ignored

    try:
        member = found.path.relative_to(work.root).as_posix() if whole.manifest is not None else ""
        # What its signer leaves out of a folder is as a file that nobody signed.
        vouched = whole.manifest is not None and not is_ignored(member, whole.ignored)
        required = False if vouched else None
        checked = check_one(
            found.path, options, require_signature=required, progress=look_up, examiner=examiners.mine()
        )
        if whole.manifest is not None and vouched:
            _require_member(whole.manifest, member, checked.digest)
        return report_of_check(
            checked, explain=options.explain, locator=found.name, path=str(found.path), brief=options.brief
        )
    except SecureloadError as error:
        return report_of_error(found.name, error, path=str(found.path))
    except Stopped:
        raise
    except Exception as error:
        # Nobody thought of it, and it is about this file alone: the others are still examined.
        return report_of_error(found.name, _internal(error), path=str(found.path))


def _internal(error: Exception) -> SecureloadError:
    if os.environ.get("SECURELOAD_DEBUG") == "1":
        import traceback

        traceback.print_exception(error)
    return SandboxError(
        f"internal: {type(error).__name__}: {printable(error)}",
        hint="please report this; SECURELOAD_DEBUG=1 shows where it happened",
    )


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
    from secureload.artifact.sidecar import sidecar_path

    if not os.path.isfile(sidecar_path(path)):  # noqa: PTH113  # Path.is_file would raise where it may not look
        return _Whole()
    from secureload.api.reporting import signatures_of
    from secureload.api.verify import verify

    try:
        verified = verify(path, trust_store=options.trust_store, policy=options.policy, limits=options.limits)
    except (BadSignatureError, ManifestMismatchError, SignatureFormatError) as error:
        told = _told(error, f"the folder's signature does not count: {error.message}")
        return _Whole((told,), error=error)
    except (TrustError, UsageError) as error:
        return _Whole((_told(error, f"the folder's signature is not verified: {error.message}"),))
    except SecureloadError as error:
        # Such as a link in it: its members are examined, and each says what is wrong.
        return _Whole((_told(error, f"the folder's signature cannot be verified: {error.message}"),))
    found = signatures_of(verified.verification)
    told_of = tuple(replace(signature, text=f"the folder: {signature.text}") for signature in found)
    return _Whole(told_of, manifest=verified.manifest, ignored=verified.verification.ignored)


def _told(error: SecureloadError, text: str) -> ReportSignature:
    from secureload.report.report import ReportSignature

    return ReportSignature(status=error.code, text=text)
