"""The extended headers of tar: pax records, GNU's long names, and the maps of sparse files.

Sources: POSIX.1-2017 pax ("Extended Header"), the GNU tar manual ("Storing Sparse Files").
"""

from __future__ import annotations

from secureload.errors import MalformedError
from secureload.formats.region import Region
from secureload.formats.tar_header import BLOCK_BYTES, TarHeader, number
from secureload.limits import Limits

__all__ = [
    "Extent",
    "PaxRecords",
    "pax_number",
    "pax_records",
    "pax_sparse",
    "sparse_in_data",
    "sparse_in_header",
]

# Keyword → values in their order: the oldest form of a sparse map repeats its keywords.
PaxRecords = dict[str, list[str]]
# Where in the file, and how many bytes.
Extent = tuple[int, int]
_LONGEST_NUMBER = 20


def pax_records(data: bytes) -> PaxRecords:
    """Return the records ``"%d %s=%s\\n" % (length, keyword, value)`` of an extended header.

    Raises:
        MalformedError: one of them is not whole, or bytes are left that belong to none.
    """
    found: PaxRecords = {}
    at = 0
    while at < len(data):
        space = data.find(b" ", at, at + _LONGEST_NUMBER)
        length = data[at:space]
        if space < 0 or not length.isdigit():
            raise _malformed("a record of an extended header has no length")
        end = at + int(length)
        keyword, equals, value = data[space + 1 : end - 1].partition(b"=")
        if end > len(data) or end <= space + 1 or data[end - 1 : end] != b"\n" or not equals or not keyword:
            raise _malformed("a record of an extended header is not whole")
        name = keyword.decode("utf-8", "backslashreplace")
        found.setdefault(name, []).append(value.decode("utf-8", "backslashreplace"))
        at = end
    return found


def pax_number(records: PaxRecords, keyword: str) -> int | None:
    """Return the last value of ``keyword``, None where it has none.

    Raises:
        MalformedError: it is not a decimal number.
    """
    values = records.get(keyword)
    return None if values is None else _decimal(values[-1])


def pax_sparse(records: PaxRecords) -> list[Extent] | None:
    """Return the map of a sparse file that stands in its extended header (GNU 0.0 and 0.1), None without one.

    Raises:
        MalformedError: it is no map.
    """
    if "GNU.sparse.map" in records:
        numbers = [_decimal(item) for item in records["GNU.sparse.map"][-1].split(",")]
        return _pairs(numbers)
    if "GNU.sparse.size" in records:
        offsets = records.get("GNU.sparse.offset", [])
        lengths = records.get("GNU.sparse.numbytes", [])
        if len(offsets) != len(lengths):
            raise _malformed("the map of a sparse file has offsets without lengths")
        return [(_decimal(offset), _decimal(length)) for offset, length in zip(offsets, lengths, strict=True)]
    return None


def sparse_in_data(data: Region, start: int, size: int, limits: Limits) -> tuple[list[Extent], int]:
    """Return the map that stands before the bytes of a sparse file (GNU 1.0), and how long it is with padding.

    Raises:
        MalformedError: it is no map, or it is longer than any that tar writes.
    """
    head = data.read_at(start, min(size, limits.tar_header_bytes))
    numbers: list[int] = []
    at = 0
    wanted = 1
    while len(numbers) < wanted:
        end = head.find(b"\n", at, at + _LONGEST_NUMBER)
        if end < 0:
            raise _malformed("the map of a sparse file is cut off")
        numbers.append(_decimal(head[at:end].decode("ascii", "backslashreplace")))
        wanted = 1 + 2 * numbers[0]
        at = end + 1
    return _pairs(numbers[1:]), -(-at // BLOCK_BYTES) * BLOCK_BYTES


def sparse_in_header(
    header: TarHeader, data: Region, start: int, limits: Limits
) -> tuple[list[Extent], int, int]:
    """Return the map of an old GNU sparse file, the size of the file, and where its bytes begin.

    ``start`` is behind the header's block; blocks with more of the map may follow.

    Raises:
        MalformedError: it is no map, or it is longer than any that tar writes.
    """
    extents = _structures(header.block[386:482])
    more, size = header.block[482], number(header.block[483:495])
    while more:
        block = data.read_at(start, BLOCK_BYTES)
        start += BLOCK_BYTES
        if len(block) < BLOCK_BYTES or len(extents) * 24 > limits.tar_header_bytes:
            raise _malformed("the map of a sparse file is cut off")
        extents += _structures(block[:504])
        more = block[504]
    return extents, size, start


def _structures(field: bytes) -> list[Extent]:
    found = []
    for at in range(0, len(field), 24):
        offset, length = number(field[at : at + 12]), number(field[at + 12 : at + 24])
        if offset or length:
            found.append((offset, length))
    return found


def _pairs(numbers: list[int]) -> list[Extent]:
    if len(numbers) % 2:
        raise _malformed("the map of a sparse file has an offset without a length")
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def _decimal(value: str) -> int:
    if not (value.isascii() and value.isdigit() and len(value) <= _LONGEST_NUMBER):
        raise _malformed("a number in an extended header is none")
    return int(value)


def _malformed(message: str) -> MalformedError:
    return MalformedError(message, format="tar")
