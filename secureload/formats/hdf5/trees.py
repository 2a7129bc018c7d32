"""B-trees: version 1 holds the names of a group, version 2 the ids of what lies in a fractal heap.

Blocks are visited once each, whatever they point to.
"""

from __future__ import annotations

from collections.abc import Iterator

from secureload.formats.hdf5.file import Hdf5File

__all__ = ["group_nodes", "records"]

_HEADER_BYTES = 6  # the signature, the version and the type of a version 2 node
_CHECKSUM_BYTES = 4
_MOST_DEPTH = 32


def group_nodes(file: Hdf5File, address: int) -> Iterator[int]:
    """Yield the addresses of the symbol table nodes under the B-tree at ``address``."""
    waiting = [address]
    seen = set()
    while waiting:
        node = waiting.pop()
        if node in seen:
            continue
        seen.add(node)
        file.count.add()
        if file.data.read_at(node, 4) == b"SNOD":
            yield node
            continue
        cursor = file.at(node)
        file.expect(cursor, b"TREE")
        if cursor.number(1):
            raise cursor.malformed("a group has a tree of chunks")
        cursor.skip(1)
        entries = cursor.number(2)
        cursor.skip(2 * file.address_bytes)
        below = []
        for _ in range(entries):
            file.length(cursor)
            if (child := file.address(cursor)) is not None:
                below.append(child)
        waiting += reversed(below)


def records(file: Hdf5File, address: int) -> Iterator[bytes]:
    """Yield the records of the version 2 B-tree whose header is at ``address``."""
    cursor = file.at(address)
    file.expect(cursor, b"BTHD")
    cursor.skip(2)
    node_bytes, record_bytes, depth = cursor.number(4), cursor.number(2), cursor.number(2)
    cursor.skip(2)
    root = file.address(cursor)
    amount = cursor.number(2)
    if depth > _MOST_DEPTH or not record_bytes:
        raise cursor.malformed("a B-tree has an impossible depth or record size")
    widths = _Widths(node_bytes, record_bytes, file.address_bytes, depth)
    waiting = [] if root is None else [(root, amount, depth)]
    seen = set()
    while waiting:
        node, amount, depth = waiting.pop()
        if node in seen:
            continue
        seen.add(node)
        cursor = file.at(node)
        file.expect(cursor, b"BTIN" if depth else b"BTLF")
        cursor.skip(2)
        file.count.add(amount + 1)
        for _ in range(amount):
            yield cursor.take(record_bytes)
        for _ in range(amount + 1 if depth else 0):
            child = file.address(cursor)
            below = cursor.number(widths.count)
            cursor.skip(widths.total[depth - 1])
            if child is not None:
                waiting.append((child, below, depth - 1))


class _Widths:
    """How many bytes the counts beside a child's address have, as H5B2 computes them."""

    def __init__(self, node_bytes: int, record_bytes: int, address_bytes: int, depth: int) -> None:
        room = node_bytes - _HEADER_BYTES - _CHECKSUM_BYTES
        most = max(room // record_bytes, 1)
        self.count = _bytes_for(most)
        # By depth: the bytes of the number of records in a node and below; a leaf needs none.
        self.total = [0]
        total = most
        for level in range(1, depth + 1):
            pointer = address_bytes + self.count + self.total[level - 1]
            most = max((room - pointer) // (record_bytes + pointer), 1)
            total = (most + 1) * total + most
            self.total.append(_bytes_for(total))


def _bytes_for(largest: int) -> int:
    return max((largest.bit_length() + 7) // 8, 1)
