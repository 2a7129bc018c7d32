"""From a member's packed bytes to its content: stored as it is, expanded piece by piece, or said to be unreadable.

Whatever a header claims, the content is looked at: a member whose flags say that it is encrypted is tried
without a key, and a wrong checksum stops nobody. What was not verified is counted, never assumed.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Final

from secureload.errors import LimitError, SecureloadError
from secureload.formats.compression import Compression
from secureload.formats.expanding import ExpandingReader
from secureload.formats.expansion import SeekableReader
from secureload.formats.reading import Budget, Observation, Opener, Problem
from secureload.formats.region import Region
from secureload.formats.zip_layout import ENCRYPTED_FLAGS, Coding, Member
from secureload.formats.zip_lzma import lzma_stream
from secureload.limits import Limits

__all__ = ["Unpacker"]

_STORED: Final = 0
_LZMA: Final = 14
_AES: Final = 99
_COMPRESSIONS: Final[dict[int, Compression]] = {8: "deflate", 12: "bz2", _LZMA: "lzma", 93: "zstd", 95: "xz"}
_METHODS: Final = {1: "shrink", 6: "implode", 9: "deflate64", 96: "JPEG", 97: "WavPack", 98: "PPMd"}
_CHUNK: Final = 1 << 20

_Event = Observation | Problem


class Unpacker:
    """Unpacks the members of one archive under its limits; ``events`` collects what stands out."""

    def __init__(self, archive_size: int, limits: Limits, budget: Budget) -> None:
        self._limits = limits
        self._budget = budget
        self._unchecked: list[int] = []
        self._without_checksum = 0
        self._to_check = limits.zip_checked_bytes
        # Members that do not overlap have no more packed bytes than the archive.
        self._packed_left = archive_size + limits.expansion_floor_bytes
        self.events: list[_Event] = []

    def unpack(self, member: Member, coding: Coding) -> Region | Opener | None:
        """Return the content of ``member`` as ``coding`` says it is packed, None where nothing can read it.

        Raises :class:`LimitError` (``expansion_ratio``) where members share so many bytes that they are a bomb.
        """
        self._packed_left -= coding.data.size
        if self._packed_left < 0:
            raise _overlapping(self._limits)
        if coding.method == _AES:
            self._problem(member, "is encrypted")
            return None
        if coding.method == _STORED:
            return self._stored(member, coding)
        compression = _COMPRESSIONS.get(coding.method)
        if compression is None:
            name = _METHODS.get(coding.method, f"method {coding.method}")
            self._problem(member, f"is compressed by {name}, which has no reader here")
            return None
        return self._compressed(member, coding, compression)

    def about_checksums(self) -> Iterator[Observation]:
        """Yield what is to be said, once for all, about checksums that are not there or were not compared."""
        if self._without_checksum:
            message = f"{self._without_checksum:,} members have no checksum"
            yield Observation(code="zip.crc-missing", message=message)
        if self._unchecked:
            count, size = len(self._unchecked), sum(self._unchecked)
            message = f"the checksums of {count:,} large members ({size:,} bytes) were not compared"
            yield Observation(code="zip.crc-unchecked", message=message)

    def _stored(self, member: Member, coding: Coding) -> Region:
        claimed = bool(coding.flags & ENCRYPTED_FLAGS)
        if coding.size != coding.data.size:
            self._observe(
                member, "zip.size-wrong", f"has {coding.data.size:,} bytes, not the {coding.size:,} it claims"
            )
        if not self._may_check(coding.data.size):
            self._claimed(member, lies=False, claimed=claimed)
            return coding.data
        crc = _crc_of(coding.data)
        self._claimed(member, lies=crc == coding.crc, claimed=claimed)
        if not claimed:
            self._compare(member, coding, crc)
        return coding.data

    def _compressed(self, member: Member, coding: Coding, compression: Compression) -> Region | Opener:
        opener = self._opener(coding, compression)
        claimed = bool(coding.flags & ENCRYPTED_FLAGS)
        if not self._may_check(coding.size):
            self._claimed(member, lies=False, claimed=claimed)
            return opener
        content = self._expanded(opener, coding.size)
        if content is None:
            # It is damaged or longer than it says: whoever examines the stream meets that in turn.
            if not claimed:
                self._observe(
                    member, "zip.size-wrong", f"does not expand to the {coding.size:,} bytes it claims"
                )
            self._claimed(member, lies=False, claimed=claimed)
            return opener
        self._claimed(member, lies=True, claimed=claimed)
        self._compare(member, coding, zlib.crc32(content))
        return Region(content)

    def _expanded(self, opener: Opener, size: int) -> bytes | None:
        """Return the content where it has exactly ``size`` bytes and ends where its packed bytes do."""
        try:
            stream = opener()
            content = stream.read(size + 1)
            whole = len(content) == size and not stream.read(1)
        except SecureloadError:
            return None
        if not whole or (isinstance(stream, ExpandingReader) and stream.trailing_bytes):
            return None
        self._budget.expand(size)
        return content

    def _opener(self, coding: Coding, compression: Compression) -> Opener:
        limits = self._limits

        def opened() -> ExpandingReader:
            raw: SeekableReader = coding.data.cursor()
            if coding.method == _LZMA:
                raw = lzma_stream(coding.data, coding.size, coding.flags)
            return ExpandingReader(raw, compression, limits)

        return opened

    def _may_check(self, size: int) -> bool:
        """Whether the checksum of so many bytes is compared; small members come before large ones."""
        if size > min(self._to_check, self._limits.zip_checked_member_bytes):
            self._unchecked.append(size)
            return False
        self._to_check -= size
        return True

    def _compare(self, member: Member, coding: Coding, crc: int) -> None:
        if crc == coding.crc:
            return
        if coding.crc == 0:
            self._without_checksum += 1
        else:
            self._observe(
                member, "zip.crc-wrong", f"has the checksum {crc:08x}, not the {coding.crc:08x} it claims"
            )

    def _claimed(self, member: Member, *, lies: bool, claimed: bool) -> None:
        if not claimed:
            return
        if lies:
            self._observe(member, "zip.encryption-lies", "is marked as encrypted, and is not")
        else:
            self._problem(member, "is marked as encrypted, and cannot be read without a key")

    def _observe(self, member: Member, code: str, what: str) -> None:
        self.events.append(
            Observation(code=code, message=f"the member {member.name!r} {what}", offset=member.at)
        )

    def _problem(self, member: Member, what: str) -> None:
        self.events.append(
            Problem(kind="unsupported", message=f"the member {member.name!r} {what}", offset=member.at)
        )


def _crc_of(data: Region) -> int:
    crc = 0
    for at in range(0, data.size, _CHUNK):
        crc = zlib.crc32(data.read_at(at, _CHUNK), crc)
    return crc


def _overlapping(limits: Limits) -> LimitError:
    return LimitError(
        "expansion_ratio: the members have more packed bytes than the archive, for they share them",
        hint="this is what a decompression bomb looks like; ask the sender for the unpacked files",
        limit="expansion_ratio",
        allowed=limits.expansion_ratio,
    )
