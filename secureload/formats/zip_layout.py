"""The layout of a zip archive: every byte is a member's, a record's, or nobody's.

The central directory and the local headers are read both and compared, because loaders differ in which of
them they believe. Local entries that no directory lists are found by their position. What belongs to nobody
(before, between and behind the members) is kept as loose bytes, to be examined as what they are.
"""

from __future__ import annotations

import stat
from collections.abc import Iterator

from secureload.formats.reading import Observation, Problem
from secureload.formats.region import Region
from secureload.formats.zeros import first_nonzero
from secureload.formats.zip_directory import Directories, Listed, read_directories
from secureload.formats.zip_records import (
    END_SIGNATURE,
    LOCAL_SIGNATURE,
    CentralEntry,
    LocalHeader,
    descriptor_after,
    read_local_header,
)
from secureload.limits import Limits
from secureload.values import dataclass, field, replace

__all__ = ["ENCRYPTED_FLAGS", "Archive", "Coding", "Member", "read_archive"]

DESCRIPTOR_FLAG = 0x8
# Encrypted, strongly encrypted, headers masked (APPNOTE 4.4.4).
ENCRYPTED_FLAGS = 0x1 | 0x40 | 0x2000
# Besides these: how hard deflate tried, a data descriptor behind the data, names in UTF-8.
_USUAL_FLAGS = ENCRYPTED_FLAGS | 0x2 | 0x4 | DESCRIPTOR_FLAG | 0x800
_UNIX = 3
_DOS_FOLDER = 0x10
# The compressions that APPNOTE 4.4.5 knows, AES among them.
_METHODS = frozenset((*range(11), 12, 14, 16, 18, 19, 20, 93, 94, 95, 96, 97, 98, 99))


@dataclass(frozen=True, slots=True)
class Coding:
    """How a member's data are packed, as one of its two headers says: its bytes from ``data`` on."""

    method: int
    flags: int
    crc: int
    size: int
    data: Region


@dataclass(frozen=True, slots=True)
class Member:
    """One member. ``name`` is that of the central directory, or the local one where no directory lists it.

    ``names`` holds every name that a reader might give it, ``at`` is the position of its local header,
    ``entry_at`` that of its entry in the directory. ``other`` is how the local header would have the
    data read, where that differs. ``mode`` is the Unix file mode, 0 where there is none; ``is_folder`` says whether
    the name, the mode or the attribute of MS-DOS make it a folder.
    """

    name: str
    names: tuple[str, ...]
    at: int
    entry_at: int
    coding: Coding
    other: Coding | None = None
    mode: int = 0
    is_folder: bool = False
    listed: bool = True
    is_cut: bool = False


@dataclass(slots=True)
class Archive:
    """All of an archive. ``loose`` are the bytes that belong to no member, by a name for each piece."""

    data: Region
    members: list[Member] = field(default_factory=list)
    events: list[Observation | Problem] = field(default_factory=list)
    loose: list[tuple[str, Region]] = field(default_factory=list)
    comments: list[Region] = field(default_factory=list)
    # Signatures in loose bytes that turned out to be no header: a file of nothing else must not cost hours.
    false_headers: int = 0


def read_archive(data: Region, limits: Limits) -> Archive:
    """Read the layout of ``data``; what is over a limit is left out, and said among the events."""
    directories = read_directories(data, limits)
    comments = [data.part(start, end - start) for start, end in directories.comments]
    archive = Archive(data, events=directories.events, comments=comments)
    spans = [(start, end, -1) for start, end in directories.spans]
    for listed in sorted(directories.listed, key=lambda item: item.local_at):
        span = _listed_member(archive, listed)
        if span is not None:
            spans.append((*span, len(archive.members) - 1))
    spans.sort()
    _report_overlaps(archive, spans)
    _report_other_ends(archive, directories, spans)
    for start, end in _gaps(spans, data.size):
        _read_gap(archive, start, end, limits, listed=directories.found_end)
    return archive


def _listed_member(archive: Archive, listed: Listed) -> tuple[int, int] | None:
    """Add the member that a directory lists; return its span from its local header to its end."""
    entry = listed.entry
    local = read_local_header(archive.data, listed.local_at)
    if local is None:
        message = f"the member {entry.name!r} is not where the central directory says"
        archive.events.append(Problem(kind="malformed", message=message, offset=listed.local_at))
        return None
    end = local.data_at + entry.packed_size
    if end > archive.data.size:
        message = f"the member {entry.name!r} is cut off"
        archive.events.append(Problem(kind="malformed", message=message, offset=local.data_at))
        end = archive.data.size
    if entry.flags & DESCRIPTOR_FLAG or local.flags & DESCRIPTOR_FLAG:
        size, agrees = descriptor_after(archive.data, end, entry.crc, entry.packed_size, entry.size)
        if not agrees:
            archive.events.append(_differs(entry.name, "descriptor", "its data descriptor", end))
        end += size
    if entry.name_is_cut or local.name_is_cut:
        message = f"member_name_bytes: a member has a name that is longer than any path, {entry.name[:80]!r}…"
        archive.events.append(Problem(kind="limit", message=message, offset=listed.local_at))
    archive.events.extend(_disagreements(entry, local))
    archive.members.append(_member(archive.data, entry, local))
    return listed.local_at, end


def _member(data: Region, entry: CentralEntry, local: LocalHeader) -> Member:
    coding = Coding(
        method=entry.method,
        flags=entry.flags,
        crc=entry.crc,
        size=entry.size,
        data=data.part(local.data_at, entry.packed_size),
    )
    mode = entry.attributes >> 16 if entry.made_by == _UNIX else 0
    names = dict.fromkeys((entry.name, local.name, entry.other_name or entry.name))
    return Member(
        name=entry.name,
        names=tuple(names),
        at=local.at,
        entry_at=entry.at,
        coding=coding,
        other=_local_coding(data, local) if _reads_otherwise(entry, local) else None,
        mode=mode,
        is_folder=entry.name.endswith("/") or stat.S_ISDIR(mode) or bool(entry.attributes & _DOS_FOLDER),
    )


def _local_coding(data: Region, local: LocalHeader) -> Coding:
    whole = local.packed_size or data.size - local.data_at
    return Coding(local.method, local.flags, local.crc, local.size, data.part(local.data_at, whole))


def _reads_otherwise(entry: CentralEntry, local: LocalHeader) -> bool:
    if local.method != entry.method:
        return True
    return not _sizes_open(local) and local.packed_size != entry.packed_size


def _sizes_open(local: LocalHeader) -> bool:
    """Whether the local header leaves its sizes to the data descriptor."""
    return bool(local.flags & DESCRIPTOR_FLAG) and not local.packed_size and not local.size


def _disagreements(entry: CentralEntry, local: LocalHeader) -> Iterator[Observation]:
    if entry.raw_name != local.raw_name:
        message = f"the member {entry.name!r} is called {local.name!r} in its local header"
        yield Observation(code="zip.names-differ", message=message, offset=local.at)
    if entry.other_name is not None and entry.raw_name.isascii() and entry.other_name != entry.name:
        message = f"the member {entry.name!r} is called {entry.other_name!r} in its Unicode Path field"
        yield Observation(code="zip.names-differ", message=message, offset=entry.at)
    if entry.method != local.method:
        yield _differs(entry.name, "method", "its local header", local.at)
    if (entry.flags ^ local.flags) & ENCRYPTED_FLAGS:
        message = f"the member {entry.name!r} is marked as encrypted in one of its two headers alone"
        yield Observation(code="zip.encryption-lies", message=message, offset=local.at)
    elif entry.flags != local.flags:
        yield _differs(entry.name, "flags", "its local header", local.at)
    odd = (entry.flags | local.flags) & ~_USUAL_FLAGS
    if odd:
        message = f"the member {entry.name!r} has flag bits that no library sets ({odd:#06x}): some readers refuse it"
        yield Observation(code="zip.odd-flags", message=message, offset=local.at)
    if _sizes_open(local):
        return
    if (entry.packed_size, entry.size) != (local.packed_size, local.size):
        yield _differs(entry.name, "sizes", "its local header", local.at)
    if entry.crc != local.crc and not (local.flags & DESCRIPTOR_FLAG and not local.crc):
        yield _differs(entry.name, "crc", "its local header", local.at)


def _differs(name: str, what: str, where: str, offset: int) -> Observation:
    word = {"crc": "checksum", "flags": "flag bits", "method": "compression", "sizes": "sizes"}.get(
        what, "sums"
    )
    message = f"the {word} of the member {name!r} differ in the central directory and in {where}"
    return Observation(code=f"zip.{what}-differ", message=message, offset=offset)


def _report_overlaps(archive: Archive, spans: list[tuple[int, int, int]]) -> None:
    """Report overlaps: one is enough to know it, a bomb has fifty thousand."""
    reach, owner, count = 0, "", 0
    first: Observation | None = None
    for start, end, index in spans:
        name = archive.members[index].name if index >= 0 else "the central directory"
        if start < reach:
            count += 1
            message = f"{owner!r} and {name!r} share bytes"
            first = first or Observation(code="zip.overlap", message=message, offset=start)
        if end > reach:
            reach, owner = end, name
    if first is not None:
        more = f", and so do {count - 1:,} more pairs" if count > 1 else ""
        archive.events.append(replace(first, message=f"members overlap: {first.message}{more}"))


def _report_other_ends(archive: Archive, found: Directories, spans: list[tuple[int, int, int]]) -> None:
    """Report end records that stand in no member: an archive in an archive has its own, at its own end."""
    for at in found.other_ends:
        if not any(start <= at < end for start, end, index in spans if index >= 0):
            message = "the archive has several end records: readers differ in which they take"
            archive.events.append(Observation(code="zip.several-ends", message=message, offset=at))
            return


def _gaps(spans: list[tuple[int, int, int]], size: int) -> Iterator[tuple[int, int]]:
    reach = 0
    for start, end, _ in spans:
        if start > reach:
            yield reach, start
        reach = max(reach, end)
    if reach < size:
        yield reach, size


def _read_gap(archive: Archive, start: int, end: int, limits: Limits, *, listed: bool) -> None:
    """Walk the local entries in bytes that no directory accounts for; keep what is left as loose bytes."""
    open_ended = False
    while start < end:
        at = archive.data.find(LOCAL_SIGNATURE, start, end)
        member = None
        loose_end = end
        while at >= 0 and member is None and archive.false_headers < limits.archive_members:
            member = _unlisted_member(archive.data, at, end)
            if member is None:
                archive.false_headers += 1
                at = archive.data.find(LOCAL_SIGNATURE, at + 4, end)
            else:
                loose_end = at
        if not open_ended:  # else these are the data of the member before: they end themselves
            _keep_loose(archive, start, loose_end)
        if member is None:
            return
        if len(archive.members) >= limits.archive_members:
            message = f"archive_members: there are more than {limits.archive_members:,} members in it"
            archive.events.append(Problem(kind="limit", message=message, offset=at))
            _keep_loose(archive, at, end)
            return
        archive.members.append(member)
        if member.is_cut:
            message = f"the member {member.name!r} is cut off"
            archive.events.append(Problem(kind="malformed", message=message, offset=at))
        if listed:
            message = f"the member {member.name!r} is listed in no central directory"
            archive.events.append(Observation(code="zip.unlisted", message=message, offset=at))
        start, open_ended = _unlisted_end(archive.data, member, end)


def _unlisted_member(data: Region, at: int, end: int) -> Member | None:
    local = read_local_header(data, at)
    if local is None or local.data_at > end:
        return None
    # Random bytes that look like a header have another compression, an odd name, or reach too far.
    if local.method not in _METHODS or local.name_is_cut or not local.name or not local.name.isprintable():
        return None
    room = end - local.data_at
    is_cut = local.packed_size > room
    if is_cut and end != data.size:
        return None
    size = room if is_cut or _sizes_open(local) else local.packed_size
    coding = Coding(local.method, local.flags, local.crc, local.size, data.part(local.data_at, size))
    return Member(
        name=local.name,
        names=(local.name,),
        at=at,
        entry_at=data.size,
        coding=coding,
        listed=False,
        is_cut=is_cut,
    )


def _unlisted_end(data: Region, member: Member, end: int) -> tuple[int, bool]:
    """Return where to look on behind a member, and whether its own data are still to come there."""
    local = read_local_header(data, member.at)
    if local is None:
        return end, False
    if _sizes_open(local):
        return local.data_at, True
    reach = local.data_at + local.packed_size
    if local.flags & DESCRIPTOR_FLAG:
        reach += descriptor_after(data, reach, local.crc, local.packed_size, local.size)[0]
    return reach, False


def _keep_loose(archive: Archive, start: int, end: int) -> None:
    if start >= end:
        return
    data = archive.data
    where, code = "between the members", "zip.gap"
    if start == 0:
        where, code = "before the first member", "zip.prefix"
    elif end == data.size:
        where, code = "behind the end", "zip.trailing"
    if first_nonzero(data.part(start, end - start)) < 0:
        message = f"{end - start:,} zero bytes {where} belong to nothing"
        archive.events.append(Observation(code="zip.padding", message=message, offset=start))
        return
    message = f"{end - start:,} bytes {where} belong to nothing"
    detail = "they hold an end record" if data.find(END_SIGNATURE, start, end) >= 0 else ""
    archive.events.append(Observation(code=code, message=message, detail=detail, offset=start))
    name = f"<bytes {start:,} to {end:,}, {where}>"
    if data.read_at(start, 4) == LOCAL_SIGNATURE:
        start += 4  # no header follows: these bytes are no archive, and must not be read as one again
    archive.loose.append((name, data.part(start, end - start)))
