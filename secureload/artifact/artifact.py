"""The artifact: opened and hashed once; every later stage reads the pinned bytes, never the path again.

Who hands no bytes on, such as ``verify``, hashes alone: a copy of 20 GB that nobody reads is memory and time.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Collection
from types import TracebackType
from typing import Literal, TypeAlias

from secureload.artifact.folder import DigestCache, HashedFolder, hash_folder, hash_members, open_beneath
from secureload.artifact.opening import name_of, open_folder, open_regular, os_failure, text_path
from secureload.artifact.pinning import Pinning, Progress, hash_file, pin_file
from secureload.errors import MalformedError, ManifestMismatchError, UsageError
from secureload.formats.detect import HEAD_BYTES
from secureload.limits import DEFAULT_LIMITS, Limits
from secureload.printable import printable
from secureload.signing.manifest import Manifest, ManifestKind, Member, make_manifest
from secureload.signing.statement import is_ignored

__all__ = ["Artifact", "Expected", "open_artifact"]

Expected: TypeAlias = Literal["file", "folder", "any"]


class Artifact:
    """A file whose bytes are pinned, or a folder whose members are hashed. Made by :func:`open_artifact`.

    A context manager. ``locator`` is the path as it was given, ``name`` its last part; ``manifest`` lists
    every member with its digest; ``pinning`` says how the bytes of a file are kept: "" for a file that was only
    hashed, of which nothing but its head can be read, and for a folder, whose members are pinned one by one with
    :meth:`open_member`. A folder's own signature file is no member.
    ``ignored`` are members and folders that were left out on request, and can never be opened; the manifest of a
    ``partial`` one has only the members that were asked for.
    """

    __slots__ = (
        "_fd",
        "_head",
        "_limits",
        "ignored",
        "kind",
        "locator",
        "manifest",
        "name",
        "partial",
        "pinning",
    )

    def __init__(
        self,
        *,
        locator: str,
        name: str,
        kind: ManifestKind,
        manifest: Manifest,
        fd: int,
        pinning: Pinning | Literal[""],
        limits: Limits,
        ignored: tuple[str, ...] = (),
        partial: bool = False,
        head: bytes = b"",
    ) -> None:
        self.ignored = ignored
        self.partial = partial
        self.locator = locator
        self.name = name
        self.kind: ManifestKind = kind
        self.manifest = manifest
        self.pinning = pinning
        self._fd = fd
        self._head = head
        self._limits = limits

    @property
    def size(self) -> int:
        """The bytes of all members."""
        return self.manifest.size

    @property
    def closed(self) -> bool:
        """Whether :meth:`close` was called; a file that was only hashed has nothing to close."""
        return self._fd < 0

    def fileno(self) -> int:
        """Return the descriptor of a file's pinned bytes; it stays ours to close."""
        if self.kind != "file":
            raise UsageError(
                f"{printable(self.locator)} is a folder; only its members have bytes",
                hint="Open one of its members.",
            )
        if not self.pinning:
            raise UsageError(f"{printable(self.locator)} was only hashed: its bytes were not kept")
        return self._descriptor()

    def head(self, size: int) -> bytes:
        """Return the first ``size`` pinned bytes of a file, fewer where it is shorter.

        Of a file that was only hashed these are what was hashed, :data:`HEAD_BYTES` at most.
        """
        if self._head:
            return self._head[: max(size, 0)]
        try:
            return os.pread(self.fileno(), max(size, 0), 0)
        except OSError as error:
            raise os_failure(error, printable(self.locator)) from None

    def open_member(self, name: str, progress: Progress | None = None) -> Artifact:
        """Pin one member of a folder and return it as an artifact of its own, named by its last part.

        Raises :class:`ManifestMismatchError` where it is not what the manifest says any more, and
        :class:`UsageError` where there is no member of this name.
        """
        expected = self.manifest.find(name) if self.kind == "folder" else None
        if expected is None and is_ignored(name, self.ignored):
            raise UsageError(
                f"{printable(self.locator)}: the member {printable(name)!r} is left out by its signer",
                hint="Nobody vouches for its bytes; ask the signer to sign it too.",
            )
        if expected is None:
            raise UsageError(
                f"{printable(self.locator)} has no member {printable(name)!r}",
                hint="The manifest lists the members.",
            )
        shown = f"{printable(self.locator)}/{printable(name)}"
        try:
            fd, found = open_beneath(self._descriptor(), name, shown=shown)
        except UsageError as error:
            raise _mismatch(shown, missing=(name,)) from error
        try:
            member = _pin(
                fd, found, f"{self.locator}/{name}", name.rpartition("/")[2], self._limits, progress
            )
        finally:
            os.close(fd)
        if member.manifest.members[0].digest != expected.digest:
            member.close()
            raise _mismatch(shown, changed=(name,))
        return member

    def close(self) -> None:
        """Give the pinned bytes up. Calling it again does nothing."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def __enter__(self) -> Artifact:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        if getattr(self, "_fd", -1) >= 0:
            self.close()

    def __repr__(self) -> str:
        hashed_only = self.kind == "file" and not self.pinning
        state = "only hashed" if hashed_only else "closed" if self.closed else self.pinning or "open"
        return f"<Artifact {self.kind} {printable(self.locator)!r}, {self.size:,} bytes, {state}>"

    def _descriptor(self) -> int:
        if self._fd < 0:
            raise UsageError(
                f"the artifact {printable(self.locator)} is closed", hint="Use it inside its `with` block."
            )
        return self._fd


def open_artifact(
    locator: str | os.PathLike[str],
    limits: Limits = DEFAULT_LIMITS,
    progress: Progress | None = None,
    *,
    expect: Expected = "any",
    ignore: Collection[str] = (),
    only: Collection[str] | None = None,
    cache: DigestCache | None = None,
    pin: bool = True,
) -> Artifact:
    """Open the file or folder at ``locator``, hash it, and pin a file's bytes. The input is never changed.

    Without ``pin`` a file is hashed alone, for who hands none of its bytes on.

    ``progress`` is called with the bytes done and the bytes in all (0: not known) after every MiB. Of a folder
    the paths ``ignore`` are left out, and of the rest the members ``only`` are looked at, where these are given;
    ``cache`` knows digests, and is for signing alone.

    Raises :class:`UsageError` (missing, not what is expected, no path), :class:`UnsupportedError` (link or
    special file), :class:`MalformedError` (empty; a name that is not the same everywhere),
    :class:`LimitError`, :class:`ArtifactError` (unreadable, changed while it was read, input/output) and
    :class:`SandboxError` (no room for the private copy).
    """
    path = text_path(locator)
    if _is_folder(path, expect):
        return _open_folder(path, limits, progress, ignore, only, cache)
    if only is not None or ignore:
        raise UsageError(
            f"{printable(path)} is a file, and only a folder has members", hint="Give the path of the folder."
        )
    fd, found = open_regular(path, shown=printable(path))
    try:
        artifact = (_pin if pin else _hash)(fd, found, path, name_of(path), limits, progress)
    finally:
        os.close(fd)
    if not artifact.size:
        artifact.close()
        raise MalformedError(
            f"{printable(path)} is empty",
            hint="Fetch or save the file again: it has no bytes.",
            format="empty",
            offset=0,
        )
    return artifact


def _is_folder(path: str, expect: Expected) -> bool:
    """Whether to go on with a folder; where that is not what is there, opening it says so."""
    if expect != "any":
        return expect == "folder"
    try:
        return stat.S_ISDIR(os.lstat(path).st_mode)
    except OSError as error:
        raise os_failure(error, printable(path)) from None


def _open_folder(
    path: str,
    limits: Limits,
    progress: Progress | None,
    ignore: Collection[str],
    only: Collection[str] | None,
    cache: DigestCache | None,
) -> Artifact:
    shown = printable(path)
    fd = open_folder(path, shown=shown)
    try:
        if only is None:
            hashed = hash_folder(
                fd, shown=shown, limits=limits, progress=progress, ignore=ignore, cache=cache
            )
        else:
            hashed = HashedFolder(hash_members(fd, only, shown=shown, limits=limits, progress=progress))
        return Artifact(
            locator=path,
            name=name_of(path),
            kind="folder",
            manifest=hashed.manifest,
            fd=fd,
            pinning="",
            limits=limits,
            ignored=hashed.ignored,
            partial=only is not None,
        )
    except BaseException:
        os.close(fd)
        raise


def _pin(
    fd: int, found: os.stat_result, locator: str, name: str, limits: Limits, progress: Progress | None
) -> Artifact:
    """Return the artifact of one file that is open as ``fd``."""
    pinned = pin_file(fd, found, shown=printable(locator), allowed=limits.artifact_bytes, progress=progress)
    try:
        manifest = make_manifest("file", [Member(name, pinned.hashed.digest, pinned.hashed.size)])
    except BaseException:
        os.close(pinned.fd)
        raise
    return Artifact(
        locator=locator,
        name=name,
        kind="file",
        manifest=manifest,
        fd=pinned.fd,
        pinning=pinned.pinning,
        limits=limits,
    )


def _hash(
    fd: int, found: os.stat_result, locator: str, name: str, limits: Limits, progress: Progress | None
) -> Artifact:
    """Return the artifact of one file that is open as ``fd``, without its bytes."""
    hashed = hash_file(
        fd,
        found,
        shown=printable(locator),
        allowed=limits.artifact_bytes,
        progress=progress,
        head_bytes=HEAD_BYTES,
    )
    return Artifact(
        locator=locator,
        name=name,
        kind="file",
        manifest=make_manifest("file", [Member(name, hashed.digest, hashed.size)]),
        fd=-1,
        pinning="",
        limits=limits,
        head=hashed.head,
    )


def _mismatch(
    shown: str, *, changed: tuple[str, ...] = (), missing: tuple[str, ...] = ()
) -> ManifestMismatchError:
    what = "changed" if changed else "was removed or replaced"
    return ManifestMismatchError(
        f"{shown} {what} after the folder was hashed",
        hint="Something writes to this folder; check it again when that is done.",
        changed=changed,
        missing=missing,
        added=(),
    )
