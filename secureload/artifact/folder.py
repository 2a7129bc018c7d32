"""Hash every file of a folder, through directory descriptors: nothing is followed, nothing is left out."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection
from typing import Protocol

from secureload.artifact.hashing import Hashing, Pending
from secureload.artifact.opening import open_folder, open_regular, os_failure
from secureload.artifact.pinning import Hashed, Progress
from secureload.errors import LimitError, MalformedError, ManifestMismatchError, SecureloadError, UsageError
from secureload.limits import Limits
from secureload.printable import printable
from secureload.signing.manifest import Manifest, Member, make_manifest, validate_member_name
from secureload.values import dataclass

__all__ = ["FOLDER_SIDECAR", "DigestCache", "HashedFolder", "hash_folder", "hash_members", "open_beneath"]

# The signature file of a folder. Only this name, and only directly inside, is left out of the manifest.
FOLDER_SIDECAR = "model.sig"


class DigestCache(Protocol):
    """Digests of files that have not changed since. For signing alone: what is verified is always read."""

    def find(self, found: os.stat_result) -> bytes | None:
        """Return the SHA-256 (32 bytes) of the file with this stat, where it is known."""

    def keep(self, found: os.stat_result, digest: bytes) -> None:
        """Note the SHA-256 of the file with this stat."""


@dataclass(frozen=True, slots=True)
class HashedFolder:
    """The manifest of a folder, and the members and folders that were left out of it on request."""

    manifest: Manifest
    ignored: tuple[str, ...] = ()


def hash_folder(
    fd: int,
    *,
    shown: str,
    limits: Limits,
    progress: Progress | None = None,
    ignore: Collection[str] = (),
    cache: DigestCache | None = None,
) -> HashedFolder:
    """Return the manifest of the folder open as ``fd``, called ``shown`` in messages.

    Empty folders hold no bytes and are no members. The paths ``ignore`` are not looked into, and named in the
    result where they are there. Raises :class:`UnsupportedError` for links and special files,
    :class:`MalformedError` for an empty folder and for names that are not the same everywhere,
    :class:`LimitError` (``folder_members``, ``folder_depth``, ``artifact_bytes``); ``fields`` has ``member``.
    """
    with contextlib.closing(Hashing(progress)) as hashing:
        hasher = _FolderHasher(shown, limits, hashing, frozenset(ignore), cache)
        hasher.visit(fd, "", 1)
        members = hasher.finish()
    if not members:
        raise MalformedError(
            f"the folder {shown} holds no files", hint="Give the folder of the model.", format="empty"
        )
    return HashedFolder(make_manifest("folder", members), tuple(sorted(hasher.ignored)))


def hash_members(
    fd: int, names: Collection[str], *, shown: str, limits: Limits, progress: Progress | None = None
) -> Manifest:
    """Return a manifest of these members alone of the folder open as ``fd``.

    Raises as :func:`hash_folder`, and :class:`UsageError` for a name that no member can have.
    """
    pending = []
    total = 0
    with contextlib.closing(Hashing(progress)) as hashing:
        for name in sorted(set(names)):
            try:
                validate_member_name(name, limits)
            except MalformedError as error:
                raise UsageError(error.message, hint="Give the member's name as it was signed.") from None
            path = f"{shown}/{printable(name)}"
            try:
                file, found = open_beneath(fd, name, shown=path)
            except UsageError as error:
                if error.fields.get("reason") != "missing":
                    raise
                raise ManifestMismatchError(
                    f"{path} was asked for, and is not there",
                    hint="Check its name; if it was signed, somebody removed it.",
                    changed=(),
                    missing=(name,),
                    added=(),
                ) from None
            pending.append((name, hashing.start(file, found, path, limits.artifact_bytes - total)))
            total += found.st_size
        hashed = [(name, result()) for name, result in pending]
    return make_manifest("folder", [Member(name, one.digest, one.size) for name, one in hashed])


def open_beneath(root: int, member: str, *, shown: str) -> tuple[int, os.stat_result]:
    """Return a descriptor and the stat of ``member``, a valid name, beneath the folder ``root``."""
    *folders, name = member.split("/")
    opened: list[int] = []
    try:
        for folder in folders:
            opened.append(open_folder(folder, shown=shown, dir_fd=opened[-1] if opened else root))
        return open_regular(name, shown=shown, dir_fd=opened[-1] if opened else root)
    finally:
        for fd in opened:
            os.close(fd)


class _FolderHasher:
    """The walk: what is left of the limits, and the members, whose digests may still be on their way."""

    def __init__(
        self,
        shown: str,
        limits: Limits,
        hashing: Hashing,
        ignore: frozenset[str],
        cache: DigestCache | None,
    ) -> None:
        self.ignored: list[str] = []
        self._pending: list[tuple[str, os.stat_result, Pending]] = []
        self._shown = shown
        self._limits = limits
        self._hashing = hashing
        self._ignore = ignore
        self._cache = cache
        self._entries = 0
        self._bytes = 0

    def visit(self, fd: int, prefix: str, depth: int) -> None:
        """Hash what the folder ``fd`` holds; ``prefix`` is its name with a slash behind, "" at the top."""
        if depth > self._limits.folder_depth:
            raise self._limit("folder_depth", self._limits.folder_depth, depth, "is nested deeper than")
        for name, is_folder in self._list(fd, prefix):
            member = prefix + name
            if member in self._ignore:
                self.ignored.append(member)
                continue
            validate_member_name(member, self._limits)
            try:
                if is_folder:
                    self._visit_folder(fd, name, member, depth)
                else:
                    self._hash(fd, name, member)
            except SecureloadError as error:
                raise _with_member(error, member) from None

    def finish(self) -> list[Member]:
        """Return the members when every digest is there."""
        members = []
        for member, found, pending in self._pending:
            try:
                hashed = pending()
            except SecureloadError as error:
                raise _with_member(error, member) from None
            if self._cache is not None:
                self._cache.keep(found, hashed.digest)
            members.append(Member(member, hashed.digest, hashed.size))
        return members

    def _visit_folder(self, fd: int, name: str, member: str, depth: int) -> None:
        inner = open_folder(name, shown=self._shown_member(member), dir_fd=fd)
        try:
            self.visit(inner, member + "/", depth + 1)
        finally:
            os.close(inner)

    def _hash(self, fd: int, name: str, member: str) -> None:
        shown = self._shown_member(member)
        file, found = open_regular(name, shown=shown, dir_fd=fd)
        if member == FOLDER_SIDECAR:
            os.close(file)
            return
        known = None if self._cache is None else self._cache.find(found)
        if known is not None:
            os.close(file)
            hashed = Hashed(known, found.st_size)
            self._pending.append((member, found, lambda: hashed))
        else:
            allowed = self._limits.artifact_bytes - self._bytes
            self._pending.append((member, found, self._hashing.start(file, found, shown, allowed)))
        self._bytes += found.st_size  # a file that has another size when it was read is refused

    def _list(self, fd: int, prefix: str) -> list[tuple[str, bool]]:
        """Return the entries by name, with whether each is a folder."""
        entries: list[tuple[str, bool]] = []
        try:
            with os.scandir(fd) as found:
                for entry in found:
                    self._entries += 1
                    if self._entries > self._limits.folder_members:
                        raise self._limit(
                            "folder_members",
                            self._limits.folder_members,
                            self._entries,
                            "has more entries than",
                        )
                    entries.append((entry.name, entry.is_dir(follow_symlinks=False)))
        except OSError as error:
            raise os_failure(error, self._shown_member(prefix.rstrip("/"))) from None
        return sorted(entries)

    def _shown_member(self, member: str) -> str:
        return f"{self._shown}/{printable(member)}" if member else self._shown

    def _limit(self, limit: str, allowed: int, seen: int, words: str) -> LimitError:
        return LimitError(
            f"the folder {self._shown} {words} {allowed:,}",
            hint=f"Give a smaller folder, or raise the limit {limit}.",
            limit=limit,
            allowed=allowed,
            seen=seen,
        )


def _with_member(error: SecureloadError, member: str) -> SecureloadError:
    """Return ``error`` with the field ``member``, where it does not name one yet."""
    if "member" in error.fields:
        return error
    return type(error)(error.message, hint=error.hint, **{**error.fields, "member": member})
