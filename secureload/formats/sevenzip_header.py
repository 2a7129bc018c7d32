"""The headers of a 7z archive as values: packed streams, folders with their coders, files.

A *folder* is one chain of coders over packed bytes; what it expands to is cut into files. Source:
``7zFormat.txt`` of the 7-Zip and LZMA SDK.
"""

from __future__ import annotations

from secureload.errors import UnsupportedError
from secureload.formats.sevenzip_fields import Fields, malformed
from secureload.values import dataclass, field

__all__ = ["Coder", "FileEntry", "Folder", "Streams", "parse_files", "parse_streams"]

_END, _PACK, _UNPACK, _SUBSTREAMS, _SIZE, _CRC = 0x00, 0x06, 0x07, 0x08, 0x09, 0x0A
_FOLDER, _UNPACK_SIZE, _NUMBER_OF_STREAMS = 0x0B, 0x0C, 0x0D
_EMPTY_STREAM, _EMPTY_FILE, _ANTI, _NAMES, _ATTRIBUTES = 0x0E, 0x0F, 0x10, 0x11, 0x15
# Four coders are the most that 7-Zip itself writes (BCJ2 with its three streams).
_MOST_CODERS = 32
_LONGEST_ID = 15


@dataclass(frozen=True, slots=True)
class Coder:
    """One step: its method's id, its properties, the size in bytes of what it gives."""

    method: bytes
    properties: bytes
    size: int


@dataclass(frozen=True, slots=True)
class Folder:
    """A chain of coders, in the order in which they expand, over the packed bytes at ``start``.

    ``coders`` is empty, and ``unsupported`` says why, where it is no plain chain.
    """

    coders: tuple[Coder, ...]
    start: int
    packed: int
    size: int
    checksum: int | None
    unsupported: str = ""


@dataclass(frozen=True, slots=True)
class Streams:
    """``sizes`` and ``checksums`` are those of the files in each folder; ``packs`` are (offset, size)."""

    folders: tuple[Folder, ...] = ()
    sizes: tuple[tuple[int, ...], ...] = ()
    checksums: tuple[tuple[int | None, ...], ...] = ()
    packs: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class FileEntry:
    """One file: ``has_stream`` is False for folders and for empty files."""

    name: str
    has_stream: bool = True
    is_folder: bool = False
    is_anti: bool = False
    attributes: int = 0


@dataclass(slots=True)
class _Raw:
    """A folder while it is being read."""

    methods: list[tuple[bytes, bytes]]
    inputs: list[int]
    outputs: list[int]
    pairs: list[tuple[int, int]]
    packed: list[int]
    sizes: list[int] = field(default_factory=list)
    checksum: int | None = None

    @property
    def main(self) -> int:
        """Which output is that of the folder: the one that no coder takes."""
        taken = {output for _, output in self.pairs}
        for output in range(sum(self.outputs)):
            if output not in taken:
                return output
        raise malformed("a folder of the 7z archive gives nothing")


def parse_streams(fields: Fields) -> Streams:
    """Return the streams that follow the mark of a StreamsInfo.

    Raises:
        MalformedError, LimitError: they break the rules of the format, or are too many.
    """
    packs: list[tuple[int, int]] = []
    raws: list[_Raw] = []
    kind = fields.byte()
    if kind == _PACK:
        packs = _packs(fields)
        kind = fields.byte()
    if kind == _UNPACK:
        raws = _folders(fields)
        kind = fields.byte()
    folders = _placed(raws, packs)
    sizes: list[tuple[int, ...]] = [(folder.size,) for folder in folders]
    checksums: list[tuple[int | None, ...]] = [(folder.checksum,) for folder in folders]
    if kind == _SUBSTREAMS:
        sizes, checksums = _substreams(fields, folders)
        kind = fields.byte()
    if kind != _END:
        raise malformed("the streams of the 7z archive do not end")
    return Streams(tuple(folders), tuple(sizes), tuple(checksums), tuple(packs))


def _packs(fields: Fields) -> list[tuple[int, int]]:
    start = fields.number()
    count = fields.count("packed streams")
    sizes: list[int] = []
    while (kind := fields.byte()) != _END:
        if kind == _SIZE:
            sizes = [fields.number() for _ in range(count)]
        elif kind == _CRC:
            fields.checksums(count)
        else:
            raise malformed("a part of the packed streams is of no kind that is known")
    if len(sizes) != count:
        raise malformed("the packed streams have no sizes")
    found = []
    for size in sizes:
        found.append((start, size))
        start += size
    return found


def _folders(fields: Fields) -> list[_Raw]:
    fields.expect(_FOLDER)
    count = fields.count("folders")
    fields.internal()
    raws = [_folder(fields) for _ in range(count)]
    fields.expect(_UNPACK_SIZE)
    for raw in raws:
        raw.sizes = [fields.number() for _ in range(sum(raw.outputs))]
    while (kind := fields.byte()) != _END:
        if kind != _CRC:
            raise malformed("a part of the folders is of no kind that is known")
        for raw, checksum in zip(raws, fields.checksums(count), strict=True):
            raw.checksum = checksum
    return raws


def _folder(fields: Fields) -> _Raw:
    raw = _Raw([], [], [], [], [])
    coders = fields.number()
    if not 0 < coders <= _MOST_CODERS:
        raise malformed(f"a folder of the 7z archive has {coders:,} coders")
    for _ in range(coders):
        flags = fields.byte()
        method = fields.take(flags & _LONGEST_ID)
        inputs, outputs = (fields.number(), fields.number()) if flags & 0x10 else (1, 1)
        if not 0 < inputs <= _MOST_CODERS or not 0 < outputs <= _MOST_CODERS or flags & 0xC0:
            raise malformed("a coder of the 7z archive is not one that 7-Zip writes")
        properties = fields.take(fields.number()) if flags & 0x20 else b""
        raw.methods.append((method, properties))
        raw.inputs.append(inputs)
        raw.outputs.append(outputs)
    raw.pairs = [(fields.number(), fields.number()) for _ in range(sum(raw.outputs) - 1)]
    packed = sum(raw.inputs) - len(raw.pairs)
    if packed < 1:
        raise malformed("a folder of the 7z archive takes no packed stream")
    taken = {input_ for input_, _ in raw.pairs}
    free = [input_ for input_ in range(sum(raw.inputs)) if input_ not in taken]
    raw.packed = [fields.number() for _ in range(packed)] if packed > 1 else free[:1]
    return raw


def _placed(raws: list[_Raw], packs: list[tuple[int, int]]) -> list[Folder]:
    """Give each folder the packed streams that are its own, in order."""
    folders: list[Folder] = []
    at = 0
    for raw in raws:
        own = packs[at : at + len(raw.packed)]
        at += len(raw.packed)
        if len(own) != len(raw.packed):
            raise malformed("a folder of the 7z archive has no packed stream")
        folders.append(_chained(raw, *own[0]))
    return folders


def _chained(raw: _Raw, start: int, packed: int) -> Folder:
    size = raw.sizes[raw.main]
    coders: list[Coder] = []
    unsupported = ""
    if any(count != 1 for count in (*raw.inputs, *raw.outputs)):
        unsupported = "coders with several streams (BCJ2)"
    else:
        followers = {output: input_ for input_, output in raw.pairs}
        current: int | None = raw.packed[0] if raw.packed else None
        while current is not None and len(coders) <= len(raw.methods):
            if not 0 <= current < len(raw.methods):
                raise malformed("a coder of the 7z archive takes a stream that is not there")
            coders.append(Coder(*raw.methods[current], raw.sizes[current]))
            current = followers.get(current)
        if len(coders) != len(raw.methods):
            raise malformed("the coders of a folder are no chain")
    return Folder(tuple(coders), start, packed, size, raw.checksum, unsupported)


def _substreams(
    fields: Fields, folders: list[Folder]
) -> tuple[list[tuple[int, ...]], list[tuple[int | None, ...]]]:
    counts = [1] * len(folders)
    kind = fields.byte()
    if kind == _NUMBER_OF_STREAMS:
        counts = [fields.count("files in a folder") for _ in folders]
        kind = fields.byte()
    sizes: list[tuple[int, ...]] = []
    for folder, count in zip(folders, counts, strict=True):
        stated = [fields.number() for _ in range(count - 1)] if kind == _SIZE else []
        rest = folder.size - sum(stated)
        if rest < 0 or len(stated) != max(count - 1, 0):
            raise malformed("the files of a folder do not fill it")
        sizes.append((*stated, rest) if count else ())
    if kind == _SIZE:
        kind = fields.byte()
    # The checksum of a folder with one file is that of the file.
    known = [
        count == 1 and folder.checksum is not None for folder, count in zip(folders, counts, strict=True)
    ]
    found: list[int | None] = []
    while kind != _END:
        if kind != _CRC:
            raise malformed("a part of the files' streams is of no kind that is known")
        found = fields.checksums(
            sum(count for count, is_known in zip(counts, known, strict=True) if not is_known)
        )
        kind = fields.byte()
    rest_of_them = iter(found)
    checksums: list[tuple[int | None, ...]] = [
        (folder.checksum,) if is_known else tuple(next(rest_of_them, None) for _ in range(count))
        for folder, count, is_known in zip(folders, counts, known, strict=True)
    ]
    return sizes, checksums


def parse_files(fields: Fields) -> list[FileEntry]:
    """Return the files that follow the mark of a FilesInfo.

    Raises:
        MalformedError, LimitError: they break the rules of the format, or are too many.
        UnsupportedError: their names stand in another stream.
    """
    count = fields.count("files")
    parts: dict[int, Fields] = {}
    while (kind := fields.number()) != _END:
        part = Fields(fields.take(fields.number()), count)
        if kind in parts and kind in (_EMPTY_STREAM, _EMPTY_FILE, _ANTI, _NAMES, _ATTRIBUTES):
            raise malformed("a property of the files occurs twice")
        parts[kind] = part
    names = _names(parts.get(_NAMES), count)
    empty = parts[_EMPTY_STREAM].bits(count) if _EMPTY_STREAM in parts else [False] * count
    empty_files = iter(parts[_EMPTY_FILE].bits(sum(empty)) if _EMPTY_FILE in parts else [False] * sum(empty))
    anti = iter(parts[_ANTI].bits(sum(empty)) if _ANTI in parts else [False] * sum(empty))
    attributes = _attributes(parts.get(_ATTRIBUTES), count)
    return [
        FileEntry(
            name,
            has_stream=not is_empty,
            is_folder=is_empty and not next(empty_files),
            is_anti=is_empty and next(anti),
            attributes=mode,
        )
        for name, is_empty, mode in zip(names, empty, attributes, strict=True)
    ]


def _names(part: Fields | None, count: int) -> list[str]:
    if part is None:
        return [""] * count
    if part.byte():
        raise UnsupportedError("the names of the 7z archive's files stand in another stream", format="7z")
    names = part.take(part.left).decode("utf-16-le", "backslashreplace").split("\0")
    if len(names) != count + 1 or names.pop():
        raise malformed("the files of the 7z archive have not a name each")
    return names


def _attributes(part: Fields | None, count: int) -> list[int]:
    if part is None:
        return [0] * count
    defined = part.defined(count)
    part.internal()
    return [int.from_bytes(part.take(4), "little") if known else 0 for known in defined]
