"""What an artifact is, by its first bytes; the name is only compared with them, never believed."""

from __future__ import annotations

from pathlib import PurePosixPath

from secureload.formats.catalog import DESCRIPTIONS, EXTENSIONS, FormatName, is_raw_data, magic_format
from secureload.formats.compression import Compression, detect_compression
from secureload.formats.pickle_start import may_be_pickle
from secureload.formats.tar_header import BLOCK_BYTES, has_checksum
from secureload.printable import printable
from secureload.values import dataclass

__all__ = ["HEAD_BYTES", "Detected", "detect"]

# Enough for every magic number (tar's stands at 257) and for telling text from binary.
HEAD_BYTES = 4096
_LFS_POINTER = b"version https://git-lfs.github.com/spec/"


@dataclass(frozen=True, slots=True)
class Detected:
    """What the first bytes are.

    ``may_be_pickle`` is False only where ``pickle.load`` of these very bytes is certain to fail before it
    imports or calls anything; it is independent of ``format``, for a file can be two things at once. A
    compressed stream's expanded bytes are detected in turn. ``description`` and ``extension_disagrees`` are
    printable; the latter is a sentence, or None where the name agrees or says nothing.
    """

    format: FormatName
    compression: Compression | None
    description: str
    reason: str
    may_be_pickle: bool
    extension_disagrees: str | None


def detect(head: bytes, size: int, name: str) -> Detected:
    """Detect what ``head``, the first :data:`HEAD_BYTES` of ``size`` bytes, is; the name is the file's."""
    # "P" reads as PERSID, which pickle.load and joblib.load refuse: an archive, or a stream that begins with user
    # data, need not be traced for that.
    possible = may_be_pickle(head, size) and not head.startswith((b"PK", b"P*M\x18"))
    compression = detect_compression(head)
    found, reason = _format(head, size, compression, possible, name)
    description = f"a {compression} compressed file" if compression else DESCRIPTIONS[found]
    if head.startswith(_LFS_POINTER):
        description = "a Git LFS pointer, not the file that it stands for"
    return Detected(
        format=found,
        compression=compression,
        description=description,
        reason=reason,
        may_be_pickle=possible,
        extension_disagrees=_disagreement(name, found, description),
    )


def _format(
    head: bytes, size: int, compression: Compression | None, possible: bool, name: str
) -> tuple[FormatName, str]:
    if not size:
        return "empty", "there are no bytes"
    if compression:
        return "compressed", f"it begins as {compression} does"
    # tarfile opens what has the checksum of a header, whatever its first byte: its members are read as well.
    if head[:1] == b"\x80" and possible and not has_checksum(head[:BLOCK_BYTES]):
        return "pickle", f"it begins with the mark of pickle protocol {head[1] if len(head) > 1 else '?'}"
    if magic := magic_format(head, size):
        return magic, f"it begins as {DESCRIPTIONS[magic]} does"
    if is_raw_data(name):
        return "raw-data", "it begins like nothing that is known here, and its name is that of raw numbers"
    text = _is_text(head)
    if possible and not (text and _lacks_stop(head, size)):
        return "pickle", "its first bytes can be read as a pickle of protocol 0 or 1"
    if text and head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"["):
        return "json", "it begins as JSON does"
    if text:
        return "text", "it begins with text, and not with that of a whole pickle"
    return "unknown", "its first bytes belong to no format that is known here, and no pickle begins like this"


def _is_text(head: bytes) -> bool:
    text = head.decode("utf-8", "replace")
    if len(head) >= HEAD_BYTES:
        text = text.rstrip("\ufffd")  # a character may be cut at the end of the head
    return all((char.isprintable() and char != "\ufffd") or char in "\t\n\r\f\ufeff" for char in text)


def _lacks_stop(head: bytes, size: int) -> bool:
    """Whether all of it is seen and it does not end as a pickle of text lines does."""
    return len(head) >= size and not head.rstrip().endswith(b".")


def _disagreement(name: str, found: FormatName, description: str) -> str | None:
    extension = PurePosixPath(name.replace("\0", "")).suffix.lower()
    expected = EXTENSIONS.get(extension)
    if expected is None or found in expected or found == "empty":
        return None
    return f"the name ends in {printable(extension, 20)}, but the content is {description}"
