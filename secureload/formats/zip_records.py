"""The records of a zip archive as they stand in the bytes: ends, central directory, local headers, descriptors.

Nothing is believed here and nothing judged; what two records say about one member is compared by
:mod:`secureload.formats.zip_layout`. Source: APPNOTE.TXT 6.3.10, sections 4.3 to 4.5.
"""

from __future__ import annotations

import struct
import zlib
from typing import Final

from secureload.formats.region import Region
from secureload.limits import DEFAULT_LIMITS
from secureload.values import dataclass

__all__ = [
    "CENTRAL_SIGNATURE",
    "END_SIGNATURE",
    "LOCAL_SIGNATURE",
    "CentralEntry",
    "DirectoryPlace",
    "EndRecord",
    "LocalHeader",
    "descriptor_after",
    "read_central_entry",
    "read_end",
    "read_local_header",
]

LOCAL_SIGNATURE: Final = b"PK\x03\x04"
CENTRAL_SIGNATURE: Final = b"PK\x01\x02"
END_SIGNATURE: Final = b"PK\x05\x06"
_END64_SIGNATURE: Final = b"PK\x06\x06"
_LOCATOR_SIGNATURE: Final = b"PK\x06\x07"
_DESCRIPTOR_SIGNATURE: Final = b"PK\x07\x08"

_END = struct.Struct("<4s4H2LH")
_END64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR = struct.Struct("<4sLQL")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")
# Values that stand for "see the zip64 field".
_FULL16: Final = 0xFFFF
_FULL32: Final = 0xFFFFFFFF
_ZIP64_FIELD: Final = 0x0001
_UNICODE_PATH_FIELD: Final = 0x7075
_UTF8_FLAG: Final = 0x800
# Fifty thousand entries may share one header with a name of 64 KiB, so names are cut; no library writes one that is
# longer than a path.
_LONGEST_NAME: Final = DEFAULT_LIMITS.member_name_bytes


@dataclass(frozen=True, slots=True)
class DirectoryPlace:
    """Where a central directory is said to be: ``size`` bytes at ``offset``, ``count`` entries."""

    offset: int
    size: int
    count: int


@dataclass(frozen=True, slots=True)
class EndRecord:
    """One end-of-central-directory record and, where there is one, its zip64 sibling.

    ``places`` holds what each of them says (one, or two that differ). ``start`` is where the first of these
    records begins, ``comment_at`` where the comment does and ``end`` where it ends, all in bytes of the archive;
    ``comment_fits`` says whether that is the end of the archive. ``disks`` is the highest number of a disk in it.
    """

    at: int
    start: int
    comment_at: int
    end: int
    places: tuple[DirectoryPlace, ...]
    comment_fits: bool
    disks: int


@dataclass(frozen=True, slots=True)
class CentralEntry:
    """One entry of the central directory. ``other_name`` is the name that a Unicode Path field gives, if any."""

    at: int
    end: int
    raw_name: bytes
    name: str
    name_is_cut: bool
    other_name: str | None
    flags: int
    method: int
    crc: int
    packed_size: int
    size: int
    local_offset: int
    disk: int
    made_by: int
    attributes: int


@dataclass(frozen=True, slots=True)
class LocalHeader:
    """The header in front of a member's data, which begin at ``data_at``."""

    at: int
    raw_name: bytes
    name: str
    name_is_cut: bool
    flags: int
    method: int
    crc: int
    packed_size: int
    size: int
    data_at: int


def read_end(data: Region, at: int) -> EndRecord | None:
    """Return the end record at ``at``, with its zip64 records where their locator stands in front of it."""
    head = data.read_at(at, _END.size)
    if len(head) < _END.size or head[:4] != END_SIGNATURE:
        return None
    _, disk, directory_disk, _, count, size, offset, comment = _END.unpack(head)
    disks = max(disk, directory_disk) if max(disk, directory_disk) != _FULL16 else 0
    places = []
    if count != _FULL16 and _FULL32 not in (size, offset):
        places.append(DirectoryPlace(offset, size, count))
    start = at
    for start64, place, disk64 in _ends64(data, at):
        start = min(start, start64)
        disks = max(disks, disk64)
        if place not in places:
            places.append(place)
    if not places:
        places.append(DirectoryPlace(offset, size, count))
    comment_at = at + _END.size
    end = comment_at + comment
    return EndRecord(at, start, comment_at, min(end, data.size), tuple(places), end == data.size, disks)


def _ends64(data: Region, at: int) -> list[tuple[int, DirectoryPlace, int]]:
    """Return (start, place, disk) of the zip64 end records that a reader might take for the one at ``at``."""
    locator_at = at - _LOCATOR.size
    head = data.read_at(locator_at, _LOCATOR.size)
    if len(head) < _LOCATOR.size or head[:4] != _LOCATOR_SIGNATURE:
        return []
    _, disk, offset, _ = _LOCATOR.unpack(head)
    found = []
    # By the locator, and right in front of it, where zipfile looks whatever the locator says.
    for start in dict.fromkeys((offset, locator_at - _END64.size)):
        record = data.read_at(start, _END64.size)
        if len(record) == _END64.size and record[:4] == _END64_SIGNATURE:
            _, _, _, _, disk64, directory_disk, _, count, size, directory = _END64.unpack(record)
            found.append((start, DirectoryPlace(directory, size, count), max(disk, disk64, directory_disk)))
    return found


def read_central_entry(data: Region, at: int) -> CentralEntry | None:
    """Return the entry at ``at``, None where there is none.

    The last one may be cut off behind its fixed fields: zipfile takes it all the same.
    """
    head = data.read_at(at, _CENTRAL.size)
    if len(head) < _CENTRAL.size or head[:4] != CENTRAL_SIGNATURE:
        return None
    (_, made_by, _, flags, method, _, _, crc, packed, size, name_size, extra_size, comment_size, disk, _,
     attributes, offset) = _CENTRAL.unpack(head)  # fmt: skip
    end = at + _CENTRAL.size + name_size + extra_size + comment_size
    variable = data.read_at(at + _CENTRAL.size, name_size + extra_size)
    raw_name, extra = variable[: min(name_size, _LONGEST_NAME)], variable[name_size:]
    wide = iter(_zip64_values(extra))
    size = next(wide, size) if size == _FULL32 else size
    packed = next(wide, packed) if packed == _FULL32 else packed
    offset = next(wide, offset) if offset == _FULL32 else offset
    return CentralEntry(
        at=at,
        end=min(end, data.size),
        raw_name=raw_name,
        name=_decoded(raw_name, flags),
        name_is_cut=name_size > _LONGEST_NAME,
        other_name=_unicode_path(extra, raw_name),
        flags=flags,
        method=method,
        crc=crc,
        packed_size=packed,
        size=size,
        local_offset=offset,
        disk=0 if disk == _FULL16 else disk,
        made_by=made_by >> 8,
        attributes=attributes,
    )


def read_local_header(data: Region, at: int) -> LocalHeader | None:
    """Return the local header at ``at``, None where there is none or it is cut off."""
    head = data.read_at(at, _LOCAL.size)
    if len(head) < _LOCAL.size or head[:4] != LOCAL_SIGNATURE:
        return None
    _, _, flags, method, _, _, crc, packed, size, name_size, extra_size = _LOCAL.unpack(head)
    variable = data.read_at(at + _LOCAL.size, name_size + extra_size)
    if len(variable) < name_size + extra_size:
        return None
    raw_name, extra = variable[: min(name_size, _LONGEST_NAME)], variable[name_size:]
    wide = iter(_zip64_values(extra))
    size = next(wide, size) if size == _FULL32 else size
    packed = next(wide, packed) if packed == _FULL32 else packed
    return LocalHeader(
        at=at,
        raw_name=raw_name,
        name=_decoded(raw_name, flags),
        name_is_cut=name_size > _LONGEST_NAME,
        flags=flags,
        method=method,
        crc=crc,
        packed_size=packed,
        size=size,
        data_at=at + _LOCAL.size + name_size + extra_size,
    )


def descriptor_after(data: Region, at: int, crc: int, packed_size: int, size: int) -> tuple[int, bool]:
    """Return how many bytes the data descriptor at ``at`` has, 0 for none, and whether it agrees.

    The signature is optional and the sizes have 4 or 8 bytes, and nothing says which: it is the form that fits
    the member (APPNOTE 4.3.9), else, with a signature, the one whose packed size fits.
    """
    head = data.read_at(at, 24)
    for signature in (_DESCRIPTOR_SIGNATURE, b""):
        if not head.startswith(signature):
            continue
        for form in (struct.Struct("<LLL"), struct.Struct("<LQQ")):
            rest = head[len(signature) : len(signature) + form.size]
            if len(rest) == form.size and form.unpack(rest) == (crc, packed_size, size):
                return len(signature) + form.size, True
    if head.startswith(_DESCRIPTOR_SIGNATURE) and len(head) >= 16:
        wide = len(head) == 24 and int.from_bytes(head[8:16], "little") == packed_size
        return 24 if wide else 16, False
    return 0, True


def _zip64_values(extra: bytes) -> tuple[int, ...]:
    """Return the 8-byte values of the zip64 field, in their order."""
    value = _field(extra, _ZIP64_FIELD)
    return struct.unpack(f"<{len(value) // 8}Q", value[: len(value) // 8 * 8])


def _unicode_path(extra: bytes, raw_name: bytes) -> str | None:
    """Return the name in a Unicode Path field that was made for this very name (APPNOTE 4.6.9)."""
    value = _field(extra, _UNICODE_PATH_FIELD)
    if len(value) < 5 or value[0] != 1 or int.from_bytes(value[1:5], "little") != zlib.crc32(raw_name):
        return None
    return value[5:].decode("utf-8", "backslashreplace")


def _field(extra: bytes, wanted: int) -> bytes:
    """Return the value of the first extra field with this id, b"" for none."""
    at = 0
    while at + 4 <= len(extra):
        kind, size = struct.unpack_from("<HH", extra, at)
        if kind == wanted:
            return extra[at + 4 : at + 4 + size]
        at += 4 + size
    return b""


def _decoded(raw_name: bytes, flags: int) -> str:
    if flags & _UTF8_FLAG or raw_name.isascii():
        return raw_name.decode("utf-8", "backslashreplace")
    return raw_name.decode("cp437")
