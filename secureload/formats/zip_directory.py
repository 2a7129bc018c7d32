"""Where the central directories of a zip archive are, in every reading that a loader might take.

``zipfile`` takes the directory that stands right in front of the end record, miniz (which PyTorch uses) the one at
the recorded offset; a zip64 record may say something else again, and so may a second end record. All of them
are walked: who lists a member in one of them does not hide it in another.
"""

from __future__ import annotations

from collections.abc import Iterator

from secureload.formats.reading import Observation, Problem
from secureload.formats.region import Region
from secureload.formats.zip_records import (
    CENTRAL_SIGNATURE,
    END_SIGNATURE,
    CentralEntry,
    DirectoryPlace,
    EndRecord,
    read_central_entry,
    read_end,
)
from secureload.limits import Limits
from secureload.values import dataclass, field

__all__ = ["Directories", "Listed", "has_zip_end", "lists_members", "read_directories"]

# An end record and the longest comment.
_TAIL_BYTES = 22 + 0xFFFF
# A comment has room for 3,000 end records; a reader takes one of the last.
_MOST_ENDS = 16


@dataclass(frozen=True, slots=True)
class Listed:
    """An entry of a central directory, and where its local header is (bytes of the archive)."""

    entry: CentralEntry
    local_at: int


@dataclass(slots=True)
class Directories:
    """What the central directories list, each entry once; ``spans`` are the bytes that these records take."""

    listed: list[Listed] = field(default_factory=list)
    spans: list[tuple[int, int]] = field(default_factory=list)
    # Those of the bytes that are the archive's comment: what it says, nobody reads.
    comments: list[tuple[int, int]] = field(default_factory=list)
    events: list[Observation | Problem] = field(default_factory=list)
    # Positions of end records that may be those of a member: the layout knows.
    other_ends: list[int] = field(default_factory=list)
    found_end: bool = False


def has_zip_end(data: Region) -> bool:
    """Whether ``zipfile`` would take this for an archive: an end record in its last 64 KiB."""
    return data.rfind(END_SIGNATURE, max(data.size - _TAIL_BYTES, 0)) >= 0


def lists_members(data: Region) -> bool:
    """Whether an end record in the last 64 KiB leads to a central directory with something in it."""
    return any(walk for end in _ends(data) for place in end.places for walk in _walks(data, end, place))


def read_directories(data: Region, limits: Limits) -> Directories:
    """Walk every central directory that an end record of ``data`` leads to.

    Members beyond the limit ``archive_members`` are not listed, which is a problem among the events.
    """
    found = Directories()
    ends = list(_ends(data))
    if not ends:
        found.events.append(Problem(kind="malformed", message="the zip archive has no central directory"))
        return found
    found.found_end = True
    for number, end in enumerate(ends):
        # Behind the first, which every reader takes, count those whose comment ends where the archive does.
        if number == 0 or end.comment_fits:
            _read_end(data, end, found, limits, first=number == 0)
        else:
            found.other_ends.append(end.at)
    return found


def _ends(data: Region) -> Iterator[EndRecord]:
    """Yield the end records in the tail, the last one first."""
    lowest = max(data.size - _TAIL_BYTES, 0)
    stop = data.size
    for _ in range(_MOST_ENDS):
        at = data.rfind(END_SIGNATURE, lowest, stop)
        if at < 0:
            return
        end = read_end(data, at)
        if end is not None:
            yield end
        stop = at + 3


def _read_end(data: Region, end: EndRecord, found: Directories, limits: Limits, *, first: bool) -> None:
    if not first:
        message = "the archive has a second end record whose comment fits: readers differ in which they take"
        found.events.append(Observation(code="zip.two-directories", message=message, offset=end.at))
    if end.disks:
        found.events.append(Problem(kind="unsupported", message="the archive is one part of several"))
    found.spans.append((end.start, end.end))
    if end.comment_at < end.end:
        found.comments.append((end.comment_at, end.end))
    walked = [walk for place in end.places for walk in _walks(data, end, place)]
    seen: dict[int, int] = {}
    for at, shift, place in walked:
        if at in seen:
            continue
        seen[at] = shift
        _walk(data, at, shift, place, found, limits)
    if len(seen) > 1:
        message = (
            f"the end record leads to {len(seen)} central directories: readers differ in which they take"
        )
        found.events.append(Observation(code="zip.two-directories", message=message, offset=end.at))
    if not seen and any(place.count or place.size for place in end.places):
        found.events.append(
            Problem(kind="malformed", message="the central directory is not where the end record says", offset=end.at)
        )  # fmt: skip


def _walks(data: Region, end: EndRecord, place: DirectoryPlace) -> Iterator[tuple[int, int, DirectoryPlace]]:
    """Yield (position, shift of all offsets, place) of the directories that this place may mean."""
    if not place.size and not place.count:
        return
    before = end.start - place.size
    for at, shift in ((place.offset, 0), (before, before - place.offset)):
        if data.read_at(at, 4) == CENTRAL_SIGNATURE:
            yield at, shift, place


def _walk(
    data: Region, start: int, shift: int, place: DirectoryPlace, found: Directories, limits: Limits
) -> None:
    at = start
    count = 0
    known = {listed.entry.at for listed in found.listed}
    # zipfile goes by the size, miniz by the count: whichever goes further.
    while at < start + place.size or count < place.count:
        entry = read_central_entry(data, at)
        if entry is None:
            break
        count += 1
        if entry.at not in known:
            if len(found.listed) >= limits.archive_members:
                message = f"archive_members: there are more than {limits.archive_members:,} members in it"
                found.events.append(Problem(kind="limit", message=message, offset=entry.at))
                found.spans.append((start, max(at, start + place.size)))
                return
            found.listed.append(Listed(entry, entry.local_offset + shift))
        at = entry.end
    found.spans.append((start, at))
    if at < start + place.size:
        message = f"the central directory cannot be read behind its entry {count:,}"
        found.events.append(Problem(kind="malformed", message=message, offset=at))
    elif count != place.count or at != start + place.size:
        message = (
            f"the end record tells of {place.count:,} members in {place.size:,} bytes of central directory, "
            f"which has {count:,} in {at - start:,}"
        )
        found.events.append(Observation(code="zip.count-differs", message=message, offset=start))
