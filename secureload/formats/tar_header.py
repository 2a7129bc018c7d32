"""One block of a tar archive's headers, read as Python's ``tarfile`` does: PyTorch and pandas open tar with it.

Sources: POSIX.1-2017 pax (ustar and pax), the GNU tar manual (base-256 numbers, old sparse format), and
``Lib/tarfile.py`` for what is taken besides: checksums of signed bytes, numbers in any text that ``int``
reads to the base of eight.
"""

from __future__ import annotations

from secureload.errors import MalformedError
from secureload.values import dataclass

__all__ = ["BLOCK_BYTES", "TarHeader", "has_checksum", "number", "padded", "parse_header", "text"]

BLOCK_BYTES = 512
_ASCII = bytes(range(128))
# What a program writes there: magic and version of POSIX and of GNU. Old archives have neither.
_USTAR = b"ustar\x0000"
_GNU = b"ustar  \x00"


@dataclass(frozen=True, slots=True)
class TarHeader:
    """The fields of one header, before any extended header changes them; ``size`` is never negative.

    ``name`` has its ustar prefix in front where Python puts it there; ``short_name`` is without it.
    """

    name: str
    short_name: str
    size: int
    kind: bytes
    link: str
    magic: bytes
    block: bytes

    @property
    def is_gnu(self) -> bool:
        """Whether GNU tar wrote it: its bytes 345 to 500 are no prefix then."""
        return self.magic == _GNU


def has_checksum(block: bytes) -> bool:
    """Whether ``block`` is a header by its checksum, as ``tarfile`` tests it."""
    if len(block) != BLOCK_BYTES or not any(block):
        return False
    try:
        stated = number(block[148:156])
    except MalformedError:
        return False
    summed = block[:148] + block[156:]
    unsigned = 256 + sum(summed)
    return stated == unsigned or stated == unsigned - 256 * len(summed.translate(None, _ASCII))


def parse_header(block: bytes) -> TarHeader:
    """Return what a header with a good checksum says.

    Raises:
        MalformedError: a number in it is none, or its size is negative.
    """
    for start, end in ((100, 108), (108, 116), (116, 124), (136, 148), (329, 337), (337, 345)):
        number(block[start:end])  # tarfile gives up at a mode, an owner or a time that is no number
    size = number(block[124:136])
    if size < 0:
        raise MalformedError("a member of the tar archive has a negative size", format="tar")
    name, kind, prefix = text(block[:100]), block[156:157], text(block[345:500])
    if kind == b"\0" and name.endswith("/"):
        kind = b"5"  # how the oldest archives write a directory
    whole = f"{prefix}/{name}" if prefix and kind not in (b"L", b"K", b"S") else name
    return TarHeader(whole, name, size, kind, text(block[157:257]), block[257:265], block)


def number(field: bytes) -> int:
    """Return a number field: octal text, or base 256 where the first byte is 0x80 or 0xFF.

    Raises:
        MalformedError: it is neither.
    """
    if field[:1] == b"\x80":
        return int.from_bytes(field[1:], "big")
    if field[:1] == b"\xff":
        return int.from_bytes(field[1:], "big") - (1 << 8 * (len(field) - 1))
    try:
        return int(field.split(b"\0", 1)[0].decode("ascii").strip() or "0", 8)
    except ValueError as error:
        raise MalformedError("a number in a header of the tar archive is none", format="tar") from error


def text(field: bytes) -> str:
    """Return the text up to the first zero byte; bytes that are not UTF-8 become their escapes."""
    return field.split(b"\0", 1)[0].decode("utf-8", "backslashreplace")


def padded(size: int) -> int:
    """Return ``size`` rounded up to whole blocks."""
    return -(-size // BLOCK_BYTES) * BLOCK_BYTES
