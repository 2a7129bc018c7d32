"""Hash every file of a folder, through directory descriptors: nothing is followed, nothing is left out."""

from __future__ import annotations

import os

from secureload.artifact.opening import open_folder, open_regular, os_failure
from secureload.artifact.pinning import Hashed, Progress, hash_file
from secureload.errors import LimitError, MalformedError, SecureloadError
from secureload.limits import Limits
from secureload.printable import printable
from secureload.signing.manifest import Manifest, Member, make_manifest, validate_member_name

__all__ = ["FOLDER_SIDECAR", "hash_folder", "open_beneath"]

# The signature file of a folder. Only this name, and only directly inside, is left out of the manifest.
FOLDER_SIDECAR = "model.sig"


def hash_folder(fd: int, *, shown: str, limits: Limits, progress: Progress | None = None) -> Manifest:
    """Return the manifest of the folder open as ``fd``, called ``shown`` in messages.

    Empty folders hold no bytes and are no members. Raises :class:`UnsupportedError` for links and special
    files, :class:`MalformedError` for an empty folder and for names that are not the same everywhere,
    :class:`LimitError` (``folder_members``, ``folder_depth``, ``artifact_bytes``); ``fields`` has ``member``.
    """
    hasher = _FolderHasher(shown, limits, progress)
    hasher.visit(fd, "", 1)
    if not hasher.members:
        raise MalformedError(
            f"the folder {shown} holds no files", hint="Give the folder of the model.", format="empty"
        )
    return make_manifest("folder", hasher.members)


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
    """The walk: the members found so far, and what is left of the limits."""

    def __init__(self, shown: str, limits: Limits, progress: Progress | None) -> None:
        self.members: list[Member] = []
        self._shown = shown
        self._limits = limits
        self._progress = progress
        self._entries = 0
        self._bytes = 0

    def visit(self, fd: int, prefix: str, depth: int) -> None:
        """Hash what the folder ``fd`` holds; ``prefix`` is its name with a slash behind, "" at the top."""
        if depth > self._limits.folder_depth:
            raise self._limit("folder_depth", self._limits.folder_depth, depth, "is nested deeper than")
        for name, is_folder in self._list(fd, prefix):
            member = prefix + name
            validate_member_name(member, self._limits)
            try:
                if is_folder:
                    self._visit_folder(fd, name, member, depth)
                else:
                    self._hash(fd, name, member)
            except SecureloadError as error:
                raise _with_member(error, member) from None

    def _visit_folder(self, fd: int, name: str, member: str, depth: int) -> None:
        inner = open_folder(name, shown=self._shown_member(member), dir_fd=fd)
        try:
            self.visit(inner, member + "/", depth + 1)
        finally:
            os.close(inner)

    def _hash(self, fd: int, name: str, member: str) -> None:
        shown = self._shown_member(member)
        file, found = open_regular(name, shown=shown, dir_fd=fd)
        try:
            if member == FOLDER_SIDECAR:
                return
            hashed = self._hash_open(file, found, shown)
        finally:
            os.close(file)
        self._bytes += hashed.size
        self.members.append(Member(member, hashed.digest, hashed.size))

    def _hash_open(self, file: int, found: os.stat_result, shown: str) -> Hashed:
        before, report = self._bytes, self._progress
        return hash_file(
            file,
            found,
            shown=shown,
            allowed=self._limits.artifact_bytes - before,
            progress=None if report is None else lambda done, _total: report(before + done, 0),
        )

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
