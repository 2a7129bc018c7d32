"""A zip writer that can tell every lie: each field of each record may be given instead of computed."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field

STORED, DEFLATED, BZIP2, LZMA, ZSTD, XZ = 0, 8, 12, 14, 93, 95
UNIX = 3


def deflated(data: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()


@dataclass
class Entry:
    """One member. What is None is computed; ``local_*`` differ from the central ones only where they are given."""

    name: str | bytes
    data: bytes = b""
    method: int = STORED
    packed: bytes | None = None
    flags: int = 0
    crc: int | None = None
    size: int | None = None
    packed_size: int | None = None
    local_name: str | bytes | None = None
    local_method: int | None = None
    local_flags: int | None = None
    local_crc: int | None = None
    local_size: int | None = None
    local_packed_size: int | None = None
    extra: bytes = b""
    local_extra: bytes = b""
    descriptor: bytes = b""
    made_by: int = 0
    mode: int = 0
    attributes: int = 0
    offset: int | None = None
    listed: bool = True
    before: bytes = b""

    def packed_bytes(self) -> bytes:
        if self.packed is not None:
            return self.packed
        return deflated(self.data) if self.method == DEFLATED else self.data


@dataclass
class Archive:
    """An archive of entries, and what stands around them."""

    entries: Sequence[Entry]
    prefix: bytes = b""
    shifted: bool = True
    comment: bytes = b""
    trailing: bytes = b""
    before_directory: bytes = b""
    count: int | None = None
    directory_size: int | None = None
    directory_offset: int | None = None
    disk: int = 0
    zip64: bool = False
    offsets: list[int] = field(default_factory=list)

    def build(self) -> bytes:
        out = bytearray(self.prefix)
        base = len(self.prefix) if not self.shifted else 0
        directory = b""
        for entry in self.entries:
            out += entry.before
            at = len(out)
            self.offsets.append(at)
            out += local_record(entry)
            if entry.listed:
                directory += central_record(entry, at - base)
        out += self.before_directory
        start = len(out)
        out += directory
        listed = sum(entry.listed for entry in self.entries) if self.count is None else self.count
        size = len(directory) if self.directory_size is None else self.directory_size
        offset = start - base if self.directory_offset is None else self.directory_offset
        out += end_records(listed, size, offset, self.comment, disk=self.disk, at=len(out), zip64=self.zip64)
        return bytes(out) + self.trailing


def raw(name: str | bytes) -> bytes:
    return name.encode() if isinstance(name, str) else name


def first(*values: int | None) -> int:
    return next(value for value in values if value is not None)


def local_record(entry: Entry) -> bytes:
    packed = entry.packed_bytes()
    name = raw(entry.name if entry.local_name is None else entry.local_name)
    header = struct.pack(
        "<4s5H3L2H",
        b"PK\x03\x04",
        20,
        first(entry.local_flags, entry.flags),
        first(entry.local_method, entry.method),
        0,
        0,
        first(entry.local_crc, entry.crc, zlib.crc32(entry.data)),
        first(entry.local_packed_size, entry.packed_size, len(packed)),
        first(entry.local_size, entry.size, len(entry.data)),
        len(name),
        len(entry.local_extra),
    )
    return header + name + entry.local_extra + packed + entry.descriptor


def central_record(entry: Entry, at: int) -> bytes:
    name = raw(entry.name)
    return (
        struct.pack(
            "<4s6H3L5H2L",
            b"PK\x01\x02",
            entry.made_by << 8 | 20,
            20,
            entry.flags,
            entry.method,
            0,
            0,
            first(entry.crc, zlib.crc32(entry.data)),
            first(entry.packed_size, len(entry.packed_bytes())),
            first(entry.size, len(entry.data)),
            len(name),
            len(entry.extra),
            0,
            0,
            0,
            entry.mode << 16 | entry.attributes,
            first(entry.offset, at),
        )
        + name
        + entry.extra
    )


def end_records(
    count: int,
    size: int,
    offset: int,
    comment: bytes = b"",
    *,
    disk: int = 0,
    at: int = 0,
    zip64: bool = False,
) -> bytes:
    out = b""
    if zip64:
        out += struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, size, offset)
        out += struct.pack("<4sLQL", b"PK\x06\x07", 0, at, 1)
        count, size, offset = 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF
    return (
        out
        + struct.pack("<4s4H2LH", b"PK\x05\x06", disk, disk, count, count, size, offset, len(comment))
        + comment
    )


def archive(*entries: Entry, **fields: object) -> bytes:
    """The bytes of an archive with these members."""
    return Archive(entries, **fields).build()  # type: ignore[arg-type]  # the fields of Archive
