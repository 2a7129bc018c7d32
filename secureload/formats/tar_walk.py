"""The members of a tar archive, in the order and with the names and bytes that Python's ``tarfile`` gives them.

What other readers would see besides is handed on as well and observed: ``tarfile`` ends at the first block of
zeros, and without a word at a header that is damaged.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from itertools import pairwise
from typing import TypeAlias

from secureload.errors import LimitError, MalformedError
from secureload.formats.pieces import PieceReader
from secureload.formats.reading import Observation, Opener, Problem
from secureload.formats.region import Region
from secureload.formats.tar_extended import (
    Extent,
    PaxRecords,
    pax_number,
    pax_records,
    pax_sparse,
    sparse_in_data,
    sparse_in_header,
)
from secureload.formats.tar_header import BLOCK_BYTES, TarHeader, has_checksum, padded, parse_header, text
from secureload.formats.zeros import first_nonzero
from secureload.limits import Limits
from secureload.values import dataclass

__all__ = ["TarLeftover", "TarMember", "TarWalk"]

REGULAR = frozenset((b"0", b"\0", b"7", b"S"))
# Links, devices, directories, pipes: whatever their size says, tarfile takes the next block for a header.
WITHOUT_DATA = frozenset((b"1", b"2", b"3", b"4", b"5", b"6"))
_ZEROS = bytes(64 * 1024)
# The largest size that eleven octal digits hold: above it a pax header has to say it.
_LARGEST_OCTAL = 8**11
# What a long name stands for in the records of pax.
_NAMES = {b"L": frozenset(("GNU.sparse.name", "path")), b"K": frozenset(("linkpath",))}
# What a global header may say of every member without changing which members there are.
_PER_MEMBER = frozenset(("path", "linkpath", "size", "GNU.sparse.name", "GNU.sparse.size", "GNU.sparse.map"))


@dataclass(frozen=True, slots=True)
class TarMember:
    """One member; ``data`` is what it unpacks to, and ``size`` the length of that in bytes."""

    name: str
    kind: bytes
    link: str
    data: Region | Opener
    size: int
    offset: int


@dataclass(frozen=True, slots=True)
class TarLeftover:
    """Bytes of the archive that belong to no member."""

    name: str
    data: Region


TarItem: TypeAlias = TarMember | TarLeftover | Observation | Problem


class TarWalk:
    """One walk over one archive."""

    def __init__(self, data: Region, limits: Limits) -> None:
        self._data = data
        self._limits = limits
        self._at = 0
        self._headers = 0
        self._global: PaxRecords = {}
        self._records: PaxRecords = {}
        self._long: dict[bytes, str] = {}
        self._resumed = False

    def items(self) -> Iterator[TarItem]:
        """Yield every member, what stands out, and what could not be read.

        Raises:
            MalformedError, LimitError: the rest of the archive cannot be read.
        """
        while self._at < self._data.size:
            block = self._data.read_at(self._at, BLOCK_BYTES)
            if has_checksum(block):
                self._count()
                yield from self._entry(parse_header(block))
            elif any(block):
                yield from self._damaged()
            else:
                yield from self._after_end()
        if self._records or self._long:
            yield Problem(
                kind="malformed", message="the member that an extended header belongs to is missing"
            )

    # -- headers ---------------------------------------------------------------------------------------

    def _count(self) -> None:
        self._headers += 1
        if self._headers > self._limits.archive_members:
            raise LimitError(
                f"archive_members: more than {self._limits.archive_members:,} headers in a tar archive",
                hint="unpack it, and check the folder",
                limit="archive_members",
                allowed=self._limits.archive_members,
                seen=self._headers,
            )

    def _entry(self, header: TarHeader) -> Iterator[TarItem]:
        if header.kind in (b"L", b"K"):
            yield from self._long_name(header)
        elif header.kind in (b"x", b"X", b"g"):
            yield from self._extended(header)
        else:
            yield from self._member(header)
            self._records = {}
            self._long = {}

    def _long_name(self, header: TarHeader) -> Iterator[TarItem]:
        name = text(self._extension(header, "member_name_bytes", self._limits.member_name_bytes))
        # As tarfile has it: of several headers about one name, the first wins.
        if header.kind in self._long or not _NAMES[header.kind].isdisjoint(self._records):
            yield self._readers_differ("two headers name one member")
        else:
            self._long[header.kind] = name

    def _extended(self, header: TarHeader) -> Iterator[TarItem]:
        offset = self._at
        records = pax_records(self._extension(header, "tar_header_bytes", self._limits.tar_header_bytes))
        if header.kind == b"g":
            if not _PER_MEMBER.isdisjoint(records):
                yield Observation(
                    code="tar.global-name",
                    message="a global header gives every member of the tar archive one name or size",
                    offset=offset,
                )
            self._global |= records
            return
        if self._records:
            yield self._readers_differ("two extended headers for one member")
        for kind in self._long:
            if not _NAMES[kind].isdisjoint(records):
                yield self._readers_differ("two headers name one member")
                records = {
                    keyword: values for keyword, values in records.items() if keyword not in _NAMES[kind]
                }
        self._records = records | self._records

    def _extension(self, header: TarHeader, limit: str, allowed: int) -> bytes:
        """Return what stands behind a header about the next one, and step over it."""
        if header.size > allowed:
            raise LimitError(
                f"{limit}: an extended header of the tar archive has {header.size:,} bytes",
                hint="an honest one holds a name and a few times",
                limit=limit,
                allowed=allowed,
                seen=header.size,
            )
        found = self._data.read_at(self._at + BLOCK_BYTES, header.size)
        if len(found) < header.size:
            raise MalformedError("an extended header of the tar archive is cut off", format="tar")
        self._at += BLOCK_BYTES + padded(header.size)
        return found

    def _readers_differ(self, what: str) -> Observation:
        return Observation(
            code="tar.readers-differ",
            message=f"{what}: programs that read tar differ in what they make of that",
            offset=self._at,
        )

    # -- members ---------------------------------------------------------------------------------------

    def _member(self, header: TarHeader) -> Iterator[TarItem]:
        offset = self._at
        records = self._global | self._records
        name = self._named(b"L", header.name)
        link = self._named(b"K", header.link)
        if len(name) > self._limits.member_name_bytes or len(link) > self._limits.member_name_bytes:
            raise LimitError(
                f"member_name_bytes: a name in the tar archive has {max(len(name), len(link)):,} characters",
                hint="no file system takes such a name",
                limit="member_name_bytes",
                allowed=self._limits.member_name_bytes,
                seen=max(len(name), len(link)),
            )
        if header.kind in WITHOUT_DATA:
            self._at += BLOCK_BYTES
            if header.size:
                yield Observation(
                    code="tar.size-of-nothing",
                    message=f"a member without data says that it has {header.size:,} bytes",
                    detail=name,
                    offset=offset,
                )
            yield TarMember(name, header.kind, link, self._data.part(0, 0), 0, offset)
            return
        stated = pax_number(records, "size")
        if stated is not None and stated != header.size and stated < _LARGEST_OCTAL:
            yield Observation(
                code="tar.sizes-differ",
                message=f"the member has {header.size:,} bytes by one header and {stated:,} by the other",
                detail=name,
                offset=offset,
            )
        stored = header.size if stated is None else stated
        yield from self._with_data(header, records, name, link, stored)

    def _named(self, kind: bytes, short: str) -> str:
        keywords = sorted(_NAMES[kind])  # GNU.sparse.name, then path: the latter is a name made up by tar
        for records in (self._records, self._global):
            for keyword in keywords:
                if keyword in records:
                    return records[keyword][-1]
            if kind in self._long:
                return self._long[kind]
        return short

    def _with_data(
        self, header: TarHeader, records: PaxRecords, name: str, link: str, stored: int
    ) -> Iterator[TarItem]:
        offset, start = self._at, self._at + BLOCK_BYTES
        extents: list[Extent] | None = None
        size, skipped = stored, 0
        if header.kind == b"S":
            extents, size, start = sparse_in_header(header, self._data, start, self._limits)
        elif (extents := pax_sparse(records)) is not None:
            size = _first(pax_number(records, "GNU.sparse.size"), pax_number(records, "GNU.sparse.realsize"))
        elif (
            records.get("GNU.sparse.major", [""])[-1] == "1"
            and records.get("GNU.sparse.minor", [""])[-1] == "0"
        ):
            extents, skipped = sparse_in_data(self._data, start, stored, self._limits)
            size = _first(pax_number(records, "GNU.sparse.realsize"), pax_number(records, "GNU.sparse.size"))
        self._at = start + padded(stored)
        there = self._data.part(start + skipped, stored - skipped)
        if self._data.size < start + stored:
            yield Problem(
                kind="malformed",
                message=f"the tar archive is cut off: a member of {stored:,} bytes ends behind it",
                offset=start,
            )
        if extents is None:
            yield TarMember(name, header.kind, link, there, there.size, offset)
        else:
            opener = _sparse(there, extents, size, self._limits)
            yield TarMember(name, header.kind, link, opener, size, offset)
        padding = self._data.part(start + stored, padded(stored) - stored)
        if first_nonzero(padding) >= 0:
            yield Observation(
                code="tar.padding",
                message="the padding behind a member is not zeros",
                detail=name,
                offset=start + stored,
            )
            yield TarLeftover(f"{name} (padding)", padding)

    # -- what is no member -----------------------------------------------------------------------------

    def _after_end(self) -> Iterator[TarItem]:
        """Step over the zeros of the end; another archive may follow, or what nobody reads."""
        rest = self._data.part(self._at, self._data.size - self._at)
        found = first_nonzero(rest)
        if found < 0:
            self._at = self._data.size
            return
        self._at += found // BLOCK_BYTES * BLOCK_BYTES
        if has_checksum(self._data.read_at(self._at, BLOCK_BYTES)):
            yield Observation(
                code="tar.after-end",
                message="members follow the end of the tar archive: not every program sees them",
                offset=self._at,
            )
            return
        yield from self._left_over("bytes follow the end of the tar archive")

    def _damaged(self) -> Iterator[TarItem]:
        """Go on at the next header, as GNU tar does, but once: Python's reader ends here and says nothing."""
        start = self._at
        if not self._resumed:
            self._resumed = True
            last = min(self._data.size, start + self._limits.archive_members * BLOCK_BYTES)
            for at in range(start + BLOCK_BYTES, last, BLOCK_BYTES):
                if has_checksum(self._data.read_at(at, BLOCK_BYTES)):
                    self._at = at
                    self._records, self._long = {}, {}
                    yield Problem(
                        kind="malformed", message="a header of the tar archive is damaged", offset=start
                    )
                    yield TarLeftover("damaged", self._data.part(start, at - start))
                    return
        yield from self._left_over("bytes of the tar archive belong to no member")

    def _left_over(self, message: str) -> Iterator[TarItem]:
        rest = self._data.part(self._at, self._data.size - self._at)
        yield Problem(kind="trailing", message=f"{rest.size:,} {message}", offset=self._at)
        yield TarLeftover("trailing", rest)
        self._at = self._data.size


def _first(*sizes: int | None) -> int:
    for size in sizes:
        if size is not None:
            return size
    raise MalformedError("a sparse file in the tar archive has no size", format="tar")


def _sparse(stored: Region, extents: list[Extent], size: int, limits: Limits) -> Opener:
    """Return what opens a sparse file: its extents out of ``stored``, and zeros between them.

    Raises:
        MalformedError: the map does not fit the bytes or the size.
        LimitError: the holes are larger than a compressed stream's bytes may expand to.
    """
    extents = [extent for extent in extents if extent[1]]
    ends_in_order = all(first[0] + first[1] <= second[0] for first, second in pairwise(extents))
    inside = all(offset >= 0 and length >= 0 and offset + length <= size for offset, length in extents)
    if not ends_in_order or not inside or sum(length for _, length in extents) > stored.size:
        raise MalformedError("the map of a sparse file does not fit its bytes", format="tar")
    if size > limits.expanded_bytes or size > max(
        limits.expansion_floor_bytes, limits.expansion_ratio * stored.size
    ):
        raise LimitError(
            f"expansion_ratio: a sparse file of {stored.size:,} bytes unpacks to {size:,}",
            hint="unpack it where there is room, and check the file itself",
            limit="expansion_ratio",
            allowed=limits.expansion_ratio,
            seen=size // max(stored.size, 1),
        )
    return lambda: PieceReader(_sparse_pieces(stored, extents, size))


def _sparse_pieces(stored: Region, extents: list[Extent], size: int) -> Generator[bytes, None, int]:
    at = taken = 0
    for offset, length in [*extents, (size, 0)]:
        while at < offset:
            yield _ZEROS[: offset - at]
            at += min(len(_ZEROS), offset - at)
        end = at + length
        while at < end:
            piece = stored.read_at(taken, min(len(_ZEROS), end - at))
            yield piece
            at += len(piece)
            taken += len(piece)
    return 0
