"""7z archives: the header is parsed under limits, each folder is expanded once and cut into its files.

Source: ``7zFormat.txt`` of the 7-Zip and LZMA SDK. An archive with a password, and coders that have no decoder
here (PPMd, BCJ2, deflate64 …), cannot be examined, and say so.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from secureload.errors import ArtifactError, LimitError, MalformedError, UnsupportedError
from secureload.formats.member_paths import link_leads_outside, outside, plain_path
from secureload.formats.reading import Child, Event, Observation, Problem, ReadContext
from secureload.formats.region import Region
from secureload.formats.sevenzip_coders import expand_folder
from secureload.formats.sevenzip_fields import Fields, malformed
from secureload.formats.sevenzip_header import FileEntry, Folder, Streams, parse_files, parse_streams

__all__ = ["read"]

_SIGNATURE_BYTES = 32
_END, _HEADER, _PROPERTIES, _ADDITIONAL, _MAIN, _FILES, _ENCODED = 0, 1, 2, 3, 4, 5, 0x17
# 7-Zip packs a header once.
_MOST_ENCODED = 4
# The upper half of the attributes is a file's mode on Unix, where this bit says so.
_UNIX = 0x8000
_LINK, _KIND_MASK, _KINDS_WITH_BYTES = 0o120000, 0o170000, (0, 0o100000, 0o040000)
_LONGEST_TARGET = 4096


def read(data: Region, context: ReadContext) -> Iterator[Event]:
    """Yield the files of the archive, and what stands out about them."""
    archive = _Archive(data, context)
    yield from archive.header()
    yield from archive.files()
    yield from archive.left_over()


class _Archive:
    def __init__(self, data: Region, context: ReadContext) -> None:
        self._data = data
        self._context = context
        self._streams = Streams()
        self._entries: list[FileEntry] = []
        self._covered: list[tuple[int, int]] = [(0, _SIGNATURE_BYTES)]
        self._seen: set[tuple[str, ...]] = set()
        self._links: list[str] = []  # those inside the archive

    # -- the header ------------------------------------------------------------------------------------

    def header(self) -> Iterator[Event]:
        head = self._data.read_at(0, _SIGNATURE_BYTES)
        if len(head) < _SIGNATURE_BYTES:
            raise malformed("the 7z archive is cut off in its first 32 bytes")
        if zlib.crc32(head[12:32]) != int.from_bytes(head[8:12], "little"):
            yield Problem(
                kind="malformed", message="the checksum of the 7z archive's beginning is wrong", offset=8
            )
        offset, size = (int.from_bytes(head[at : at + 8], "little") for at in (12, 20))
        start = _SIGNATURE_BYTES + offset
        self._covered.append((start, start + size))
        if not size:
            return
        header = self._bounded(self._data.read_at(start, self._allowed(size)), size)
        if zlib.crc32(header) != int.from_bytes(head[28:32], "little"):
            yield Problem(
                kind="malformed", message="the checksum of the 7z archive's header is wrong", offset=start
            )
        fields = self._fields(header)
        for _ in range(_MOST_ENCODED):
            kind = fields.byte()
            if kind == _HEADER:
                self._plain_header(fields)
                return
            if kind != _ENCODED:
                break
            fields = self._fields(self._unpacked(parse_streams(fields)))
        raise malformed("the 7z archive's header is none")

    def _fields(self, header: bytes) -> Fields:
        return Fields(header, self._context.limits.archive_members)

    def _allowed(self, size: int) -> int:
        limit = self._context.limits.sevenzip_header_bytes
        if size > limit:
            raise LimitError(
                f"sevenzip_header_bytes: the header of the 7z archive has {size:,} bytes",
                hint="unpack it, and check the folder",
                limit="sevenzip_header_bytes",
                allowed=limit,
                seen=size,
            )
        return size

    def _bounded(self, found: bytes, size: int) -> bytes:
        if len(found) < size:
            raise malformed("the header of the 7z archive is cut off")
        return found

    def _unpacked(self, streams: Streams) -> bytes:
        """Return a header that is packed itself."""
        if len(streams.folders) != 1:
            raise malformed("the packed header of the 7z archive is not in one folder")
        folder = streams.folders[0]
        self._cover(streams)
        self._allowed(folder.size)
        found = b"".join(expand_folder(self._part(folder), folder, self._context.limits))
        self._context.budget.expand(len(found))
        if folder.checksum is not None and zlib.crc32(found) != folder.checksum:
            raise malformed("the checksum of the 7z archive's packed header is wrong")
        return found

    def _plain_header(self, fields: Fields) -> None:
        kind = fields.byte()
        if kind == _PROPERTIES:
            while fields.number() != _END:
                fields.take(fields.number())
            kind = fields.byte()
        if kind == _ADDITIONAL:
            raise UnsupportedError("the 7z archive has additional streams, which nothing writes", format="7z")
        if kind == _MAIN:
            self._streams = parse_streams(fields)
            self._cover(self._streams)
            kind = fields.byte()
        if kind == _FILES:
            self._entries = parse_files(fields)
            kind = fields.byte()
        if kind != _END or fields.left:
            raise malformed("the header of the 7z archive does not end where it should")

    def _cover(self, streams: Streams) -> None:
        self._covered += [(_SIGNATURE_BYTES + at, _SIGNATURE_BYTES + at + size) for at, size in streams.packs]

    def _part(self, folder: Folder) -> Region:
        return self._data.part(_SIGNATURE_BYTES + folder.start, folder.packed)

    # -- the files -------------------------------------------------------------------------------------

    def files(self) -> Iterator[Event]:
        with_stream = iter([entry for entry in self._entries if entry.has_stream])
        for entry in self._entries:
            yield from self._about(entry)
        for folder, sizes, checksums in zip(
            self._streams.folders, self._streams.sizes, self._streams.checksums, strict=True
        ):
            entries = [next(with_stream, FileEntry("")) for _ in sizes]
            whole, problem = self._whole(folder)
            at = 0
            for entry, size, checksum in zip(entries, sizes, checksums, strict=True):
                yield from self._file(
                    entry, whole.part(at, size), size, checksum, damaged=problem is not None
                )
                at += size
            if problem is not None:
                yield problem
        if self._links:
            more = f" (and {len(self._links) - 1:,} more)" if len(self._links) > 1 else ""
            yield Observation(
                code="sevenzip.link", message=f"a link to another member{more}", detail=self._links[0]
            )
        if next(with_stream, None) is not None:
            yield Problem(kind="malformed", message="the 7z archive names files that it does not hold")

    def _whole(self, folder: Folder) -> tuple[Region, Problem | None]:
        """Return what a folder expands to, as far as it does, and why not further."""
        limit = self._context.limits.spooled_bytes
        pieces = bytearray()
        try:
            if folder.size > limit:
                raise LimitError(
                    f"spooled_bytes: a folder of the 7z archive expands to {folder.size:,} bytes",
                    hint="unpack it, and check the folder",
                    limit="spooled_bytes",
                    allowed=limit,
                    seen=folder.size,
                )
            for piece in expand_folder(self._part(folder), folder, self._context.limits):
                self._context.budget.expand(len(piece))
                pieces += piece
        except ArtifactError as error:
            kind = _KINDS.get(type(error), "malformed")
            problem = Problem(kind=kind, message=error.message, offset=_SIGNATURE_BYTES + folder.start)  # type: ignore[arg-type]  # one of _KINDS
            return Region(pieces), problem
        return Region(pieces), None

    def _file(
        self, entry: FileEntry, content: Region, size: int, checksum: int | None, *, damaged: bool
    ) -> Iterator[Event]:
        mode = entry.attributes >> 16 if entry.attributes & _UNIX else 0
        is_link = mode & _KIND_MASK == _LINK
        if is_link:
            target = content.head(_LONGEST_TARGET).decode("utf-8", "backslashreplace")
            shown = f"{entry.name} -> {target}"
            if link_leads_outside(entry.name, target) or size > _LONGEST_TARGET:
                yield Observation(
                    code="sevenzip.link-outside", message="a link out of the archive", detail=shown
                )
            else:
                self._links.append(shown)
        elif mode & _KIND_MASK not in _KINDS_WITH_BYTES:
            yield Observation(
                code="sevenzip.device",
                message="a device or a pipe would be made by whoever unpacks it",
                detail=entry.name,
            )
        if content.size or not damaged:
            name = entry.name or "(without a name)"
            yield Child(name=name, data=content, expect="data" if is_link else "any")
        if not damaged and checksum is not None and not _has_checksum(content, checksum):
            yield Problem(
                kind="malformed", message=f"the checksum of a file in the 7z archive is wrong: {entry.name}"
            )

    def _about(self, entry: FileEntry) -> Iterator[Observation]:
        path = plain_path(entry.name)
        if danger := outside(entry.name):
            yield Observation(
                code="sevenzip.outside", message=f"the name of a member {danger}", detail=entry.name
            )
        if path in self._seen and not entry.is_folder:
            yield Observation(
                code="sevenzip.repeated",
                message="two members have the same name: the later replaces the earlier",
                detail=entry.name,
            )
        self._seen.add(path)
        if entry.is_anti:
            yield Observation(
                code="sevenzip.anti",
                message="whoever unpacks the archive would have a file deleted",
                detail=entry.name,
            )

    # -- the rest --------------------------------------------------------------------------------------

    def left_over(self) -> Iterator[Event]:
        """Yield the bytes of the archive that belong to no stream and to no header."""
        at = 0
        for start, end in [*sorted(self._covered), (self._data.size, self._data.size)]:
            if start > at:
                yield Problem(
                    kind="trailing",
                    message=f"{min(start, self._data.size) - at:,} bytes of the 7z archive belong to nothing",
                    offset=at,
                )
                yield Child(name=f"bytes at {at:,}", data=self._data.part(at, start - at))
            at = max(at, end)
            if at >= self._data.size:
                return


_KINDS = {LimitError: "limit", UnsupportedError: "unsupported", MalformedError: "malformed"}


def _has_checksum(content: Region, expected: int) -> bool:
    found = 0
    for at in range(0, content.size, 1 << 20):
        found = zlib.crc32(content.read_at(at, 1 << 20), found)
    return found == expected
