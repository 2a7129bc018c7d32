"""The manifest of an artifact: every member by name, SHA-256 and size, and one digest over all of them.

Names are the attack surface here: a name that two file systems read differently lets one signature cover two
contents. So only names that mean the same everywhere are admitted: relative, ``/`` between the parts, Unicode
NFC, no control characters, and no two that differ by case alone.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable
from typing import Literal, TypeAlias

from secureload.errors import MalformedError
from secureload.limits import DEFAULT_LIMITS, Limits
from secureload.printable import printable
from secureload.values import dataclass

__all__ = [
    "DIGEST_BYTES",
    "Difference",
    "Manifest",
    "ManifestKind",
    "Member",
    "difference",
    "make_manifest",
    "validate_member_name",
]

DIGEST_BYTES = 32
ManifestKind: TypeAlias = Literal["file", "folder"]

_DRIVE = re.compile(r"[A-Za-z]:")
# Control characters, lone surrogates (file names that are not UTF-8), and the two Unicode line breaks.
_FORBIDDEN_CATEGORIES = frozenset({"Cc", "Cs", "Zl", "Zp"})


@dataclass(frozen=True, slots=True)
class Member:
    """One file of an artifact: its relative name, its SHA-256 (32 bytes) and its size in bytes."""

    name: str
    digest: bytes
    size: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """The members of an artifact, sorted by name; a file has exactly one, named by its basename.

    Raises :class:`MalformedError` for no members, members out of order, names that
    :func:`validate_member_name` refuses, names that collide, digests of another length and negative sizes.
    """

    kind: ManifestKind
    members: tuple[Member, ...]

    def __post_init__(self) -> None:
        if not self.members:
            raise _malformed("a manifest without members says nothing", "An empty folder cannot be signed.")
        if self.kind == "file" and len(self.members) != 1:
            raise _malformed(f"a single file has one member, not {len(self.members):,}")
        previous = ""
        for member in self.members:
            _check_member(member)
            if member.name < previous:
                raise _malformed(f"member {printable(member.name)!r} is out of order", member=member.name)
            previous = member.name
        _check_collisions(self.members)

    @property
    def subject_digest(self) -> bytes:
        """The SHA-256 (32 bytes) of the concatenated raw member digests, in the order of the names."""
        return hashlib.sha256(b"".join(member.digest for member in self.members)).digest()

    @property
    def shown_digest(self) -> str:
        """What a person compares, in hexadecimal: a file's own SHA-256, of a folder the subject's."""
        return (self.members[0].digest if self.kind == "file" else self.subject_digest).hex()

    @property
    def size(self) -> int:
        """The sum of the members' sizes in bytes."""
        return sum(member.size for member in self.members)

    def find(self, name: str) -> Member | None:
        """Return the member with exactly this name."""
        return next((member for member in self.members if member.name == name), None)


@dataclass(frozen=True, slots=True)
class Difference:
    """Which names differ between two manifests, each list sorted."""

    changed: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    added: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether the two manifests list the same members."""
        return not (self.changed or self.missing or self.added)

    def describe(self, most: int = 3) -> str:
        """Return one printable line that names at most ``most`` members of each kind."""
        parts = []
        for word, names in (("changed", self.changed), ("missing", self.missing), ("added", self.added)):
            if names:
                rest = f" and {len(names) - most:,} more" if len(names) > most else ""
                parts.append(f"{word}: {', '.join(printable(name, 80) for name in names[:most])}{rest}")
        return "; ".join(parts) or "no difference"


def make_manifest(kind: ManifestKind, members: Iterable[Member]) -> Manifest:
    """Sort the members by name and return the :class:`Manifest`, which validates them."""
    return Manifest(kind, tuple(sorted(members, key=lambda member: member.name)))


def difference(expected: Manifest, found: Manifest) -> Difference:
    """Return what changed, is missing and was added in ``found`` against what was ``expected``."""
    before = {member.name: member for member in expected.members}
    after = {member.name: member for member in found.members}
    return Difference(
        changed=tuple(sorted(name for name in before.keys() & after.keys() if before[name] != after[name])),
        missing=tuple(sorted(before.keys() - after.keys())),
        added=tuple(sorted(after.keys() - before.keys())),
    )


def validate_member_name(name: str, limits: Limits = DEFAULT_LIMITS) -> None:
    """Raise :class:`MalformedError` unless ``name`` means the same member on every file system."""
    problem = _problem_of_name(name, limits)
    if problem:
        raise _malformed(
            f"member name {printable(name)!r} {problem}",
            "Rename the file; names are relative, in Unicode NFC, with '/' between folders.",
            member=name,
        )


def _problem_of_name(name: str, limits: Limits) -> str:
    if not name:
        return "is empty"
    if not name.isprintable() and any(unicodedata.category(char) in _FORBIDDEN_CATEGORIES for char in name):
        return "holds a control character or is not valid UTF-8"
    if len(name.encode("utf-8")) > limits.member_name_bytes:
        return f"is longer than {limits.member_name_bytes:,} bytes"
    if name.startswith("/"):
        return "is absolute"
    if "\\" in name:
        return "holds a backslash"
    if _DRIVE.match(name):
        return "begins like a drive letter"
    if any(part in ("", ".", "..") for part in name.split("/")):
        return "has an empty, '.' or '..' part"
    if not unicodedata.is_normalized("NFC", name):
        return "is not in Unicode normalization form C"
    return ""


def _check_member(member: Member) -> None:
    validate_member_name(member.name)
    if len(member.digest) != DIGEST_BYTES:
        raise _malformed(f"the digest of {printable(member.name)!r} is not {DIGEST_BYTES} bytes long")
    if member.size < 0:
        raise _malformed(f"the size of {printable(member.name)!r} is negative")


def _check_collisions(members: tuple[Member, ...]) -> None:
    """Refuse two names that are one without regard to case, and a file that is also a folder."""
    files: dict[str, str] = {}
    for member in members:
        key = _caseless(member.name)
        if key in files:
            raise _collision(files[key], member.name)
        files[key] = member.name
    for key, name in files.items():
        cut = key.find("/")
        while cut != -1:
            if key[:cut] in files:
                raise _collision(files[key[:cut]], name)
            cut = key.find("/", cut + 1)


def _caseless(name: str) -> str:
    """Canonical caseless matching, Unicode section 3.13 (D145)."""
    return unicodedata.normalize("NFD", unicodedata.normalize("NFD", name).casefold())


def _collision(first: str, second: str) -> MalformedError:
    return _malformed(
        f"member names {printable(first)!r} and {printable(second)!r} collide",
        "Rename one of them: some file systems hold both names for the same file.",
        member=second,
        collides_with=first,
    )


def _malformed(message: str, hint: str = "", **fields: object) -> MalformedError:
    return MalformedError(message, hint=hint, format="manifest", **fields)
