"""Tar archives of the tests: by Python's own writer, and block by block for what it does not write."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterable

END = bytes(1024)


def archive(members: Iterable[tuple[str, bytes]], form: int = tarfile.PAX_FORMAT) -> bytes:
    """An archive as Python writes it."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=form) as tar:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return file.getvalue()


def header(
    name: bytes = b"m",
    size: int | bytes = 0,
    kind: bytes = b"0",
    *,
    link: bytes = b"",
    magic: bytes = b"",
    **at: bytes,
) -> bytes:
    """One header; ``at`` writes bytes at an offset (``_345=b"prefix"``)."""
    block = bytearray(512)
    block[: len(name)] = name
    block[124:136] = size if isinstance(size, bytes) else b"%011o\0" % size
    block[156:157] = kind
    block[157 : 157 + len(link)] = link
    block[257 : 257 + len(magic)] = magic
    for offset, data in at.items():
        start = int(offset[1:])
        block[start : start + len(data)] = data
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def member(
    content: bytes, name: bytes = b"m", kind: bytes = b"0", padding: bytes = b"\0", **at: bytes
) -> bytes:
    """A header and its content, padded to whole blocks."""
    return header(name, len(content), kind, **at) + content + padding * (-len(content) % 512)


def pax(*records: tuple[str, str], kind: bytes = b"x") -> bytes:
    """An extended header."""
    return member(b"".join(record(keyword, value) for keyword, value in records), b"pax", kind)


def record(keyword: str, value: str) -> bytes:
    rest = f" {keyword}={value}\n".encode()
    length = len(rest) + 1
    while len(str(length)) + len(rest) != length:
        length += 1
    return str(length).encode() + rest
