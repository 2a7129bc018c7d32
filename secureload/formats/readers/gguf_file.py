"""GGUF: what llama.cpp loads. Metadata by name, a table of tensors, then their data.

Specification: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md, versions 1 to 3, either byte order.
The file is data to its loader but for one thing: the chat template among the metadata is a Jinja template,
a program that llama-cpp-python ran outside a sandbox until 0.2.72 (CVE-2024-34359).
"""

from __future__ import annotations

import struct
from collections.abc import Generator, Iterator

from secureload.formats.binary import BinaryCursor
from secureload.formats.chat_template import is_template, template_events
from secureload.formats.gguf_types import BLOCKS, VALUE_BYTES
from secureload.formats.item_count import ItemCount
from secureload.formats.reading import Child, Event, Observation, ReadContext
from secureload.formats.region import Region
from secureload.formats.repeated import first_of_each_code
from secureload.formats.zeros import first_nonzero
from secureload.values import dataclass, field

__all__ = ["read"]

_STRING, _ARRAY, _BOOL = 8, 9, 7
_TEMPLATE_KEY = "tokenizer.chat_template"
_ALIGNMENT_KEY = "general.alignment"
_DEFAULT_ALIGNMENT = 32
_LARGEST_ALIGNMENT = 1 << 20
# ggml's GGML_MAX_DIMS, and the longest key that its specification allows; builds of ggml differ about names.
_MOST_DIMENSIONS = 4
_KEY_BYTES = 65_535
# More than is judged of a template.
_TEMPLATE_BYTES = 4 << 20
_SHORTEST_TEMPLATE_BYTES = 12
_PIECE_BYTES = 1 << 16
_LARGEST = 1 << 62


@dataclass(frozen=True, slots=True)
class _Tensor:
    """Where the table says that a tensor lies: bytes of the data."""

    name: str
    begin: int
    end: int


@dataclass(slots=True)
class _File:
    """A file that is being read: where, in which version, and what was met so far."""

    cursor: BinaryCursor
    count: ItemCount
    context: ReadContext
    version: int = 3
    alignment: int = _DEFAULT_ALIGNMENT
    keys: set[str] = field(default_factory=set)

    def size(self) -> int:
        """Read a length or an amount: 4 bytes in the first version, 8 since."""
        return self.cursor.number(4 if self.version == 1 else 8)

    def text(self, most: int) -> str:
        """Read a counted string of at most ``most`` bytes."""
        length = self.size()
        if length > most:
            raise self.cursor.malformed(f"a name has {length:,} bytes")
        return self.cursor.take(length).decode("utf-8", "replace")


def read(data: Region, context: ReadContext) -> Iterator[Event]:
    """Yield what the chat templates would do, and what does not fit between the table and the data."""
    return first_of_each_code(_read(data, context))


def _read(data: Region, context: ReadContext) -> Iterator[Event]:
    file = _File(BinaryCursor(data, "GGUF", at=4), ItemCount(context.limits), context)
    _version(file)
    tensors, values = file.size(), file.size()
    for _ in range(values):
        file.count.add()
        yield from _value(file)
    table: list[_Tensor] = []
    for _ in range(tensors):
        file.count.add()
        tensor = yield from _tensor(file)
        if tensor is not None:
            table.append(tensor)
    # Without tensors there need be no data, and no padding before it.
    start = -(-file.cursor.at // file.alignment) * file.alignment
    if not tensors:
        start = min(start, data.size)
    yield from _stray(data, file.cursor.at, start, "padding")
    yield from _layout(table, data, start, file.alignment)


def _observed(code: str, message: str, offset: int, detail: str = "") -> Observation:
    return Observation(code=f"gguf.{code}", message=message, detail=detail, offset=offset)


def _version(file: _File) -> None:
    raw = file.cursor.take(4)
    little = int.from_bytes(raw, "little")
    if not little & 0xFFFF:
        file.cursor.byteorder = "big"
    file.version = int.from_bytes(raw, file.cursor.byteorder)
    if not 1 <= file.version <= 3:
        raise file.cursor.malformed(f"its version is {file.version:,}")


# -- metadata ------------------------------------------------------------------------------------------


def _value(file: _File) -> Iterator[Event]:
    """Read one key and its value."""
    cursor = file.cursor
    start = cursor.at
    key = file.text(_KEY_BYTES)
    if key in file.keys:
        yield _observed("repeated-key", f"the metadata has the key {key!r} twice", start)
    file.keys.add(key)
    kind = cursor.number(4)
    if kind == _STRING:
        yield from _string(file, key)
    elif kind == _ARRAY:
        yield from _array(file, key)
    elif kind in VALUE_BYTES:
        value = cursor.number(VALUE_BYTES[kind])
        if kind == _BOOL and value > 1:
            yield _observed("metadata", f"the truth value of {key!r} is {value}", start)
        if key == _ALIGNMENT_KEY:
            yield from _alignment(file, value, start)
    else:
        raise cursor.malformed(f"the value of {key[:80]!r} has the unknown type {kind}")


def _alignment(file: _File, value: int, offset: int) -> Iterator[Event]:
    if not 0 < value <= _LARGEST_ALIGNMENT or value & (value - 1):
        yield _observed("alignment", f"the alignment {value:,} is no power of two", offset)
        return
    file.alignment = value


def _array(file: _File, key: str) -> Iterator[Event]:
    """Read an array; of arrays in it, only the levels that are open are kept."""
    cursor = file.cursor
    open_arrays: list[int] = [1]  # how many arrays are still to be read at each level
    while open_arrays:
        if not open_arrays[-1]:
            open_arrays.pop()
            continue
        open_arrays[-1] -= 1
        file.count.add()
        kind, amount = cursor.number(4), file.size()
        if kind == _ARRAY:
            if len(open_arrays) >= file.context.limits.structure_depth:
                raise cursor.malformed(f"the arrays of {key[:80]!r} are nested without end")
            open_arrays.append(amount)
        elif kind == _STRING:
            yield from _strings(file, key, amount)
        elif kind in VALUE_BYTES:
            cursor.skip(amount * VALUE_BYTES[kind])
        else:
            raise cursor.malformed(f"the array {key[:80]!r} has the unknown type {kind}")


def _strings(file: _File, key: str, amount: int) -> Iterator[Event]:
    """Step over ``amount`` strings, a piece of the file at a time: a vocabulary has 100,000 and more."""
    cursor = file.cursor
    width = 4 if file.version == 1 else 8
    order = "<" if cursor.byteorder == "little" else ">"
    length_at = struct.Struct(order + ("I" if width == 4 else "Q")).unpack_from
    while amount:
        piece = cursor.data.read_at(cursor.at, _PIECE_BYTES)
        at = passed = 0
        while passed < amount and at + width <= len(piece):
            (length,) = length_at(piece, at)
            end = at + width + length
            if end > len(piece):
                break
            if length >= _SHORTEST_TEMPLATE_BYTES and is_template(piece[at + width : end]):
                yield from _template(file, key, cursor.at + at + width, length)
            at = end
            passed += 1
        cursor.at += at
        amount -= passed
        file.count.add(passed)
        if not passed:
            yield from _string(file, key)  # longer than a piece, or cut off
            amount -= 1


def _string(file: _File, key: str) -> Iterator[Event]:
    """Step over a string, and look at it where it is a template, or could be taken for one."""
    file.count.add()
    length = file.size()
    start = file.cursor.at
    file.cursor.skip(length)
    if length >= _SHORTEST_TEMPLATE_BYTES:
        yield from _template(file, key, start, length)


def _template(file: _File, key: str, start: int, length: int) -> Iterator[Event]:
    raw = file.cursor.data.read_at(start, min(length, _TEMPLATE_BYTES))
    if not is_template(raw):
        return
    chat = key.startswith(_TEMPLATE_KEY)
    for event in template_events(raw.decode("utf-8", "replace"), key, file.count, start):
        # What no loader takes for a template may be any text; only an escape is no accident.
        if chat or event.code == "template.escape":
            yield event


# -- tensors -------------------------------------------------------------------------------------------


def _tensor(file: _File) -> Generator[Event, None, _Tensor | None]:
    """Read one entry of the table."""
    cursor = file.cursor
    start = cursor.at
    name = file.text(_KEY_BYTES)
    if f"tensor {name}" in file.keys:
        yield _observed("repeated-tensor", f"two tensors are called {name!r}", start)
    file.keys.add(f"tensor {name}")
    dimensions = cursor.number(4)
    if dimensions > _MOST_DIMENSIONS:
        raise cursor.malformed(f"tensor {name[:80]!r} has {dimensions:,} dimensions")
    elements = 1
    for _ in range(dimensions):
        elements *= file.size()
    kind, begin = cursor.number(4), cursor.number(8)
    block = BLOCKS.get(kind)
    if block is None:
        yield _observed("tensor-type", f"tensor {name!r} has the unknown type {kind}", start)
        return None
    if elements > _LARGEST or elements % block[0]:
        yield _observed(
            "tensor", f"tensor {name!r} has {elements:,} elements, which is no number of blocks", start
        )
        return None
    if begin % file.alignment:
        yield _observed("tensor", f"tensor {name!r} begins at {begin:,}, which is not aligned", start)
    return _Tensor(name, begin, begin + elements // block[0] * block[1])


def _layout(table: list[_Tensor], data: Region, start: int, alignment: int) -> Iterator[Event]:
    """Yield overlaps, holes and what follows the last tensor."""
    covered = 0
    room = max(data.size - start, 0)
    for tensor in sorted(table, key=lambda tensor: (tensor.begin, tensor.end)):
        if tensor.end > room:
            message = f"tensor {tensor.name!r} ends at {tensor.end:,}, but there are {room:,} bytes of data"
            yield _observed("beyond-file", message, start + min(tensor.begin, room))
        if tensor.begin < covered and tensor.end > tensor.begin:
            message = f"tensor {tensor.name!r} begins inside the one before it"
            yield _observed("overlap", message, start + tensor.begin)
        if tensor.begin > covered:
            yield from _stray(data, start + covered, start + tensor.begin, "gap")
        # A tensor ends with the padding of the next one.
        covered = max(covered, tensor.end)
    yield from _stray(data, start + covered, data.size, "tail", alignment)


def _stray(data: Region, begin: int, end: int, where: str, allowed: int = 0) -> Iterator[Event]:
    """Yield bytes that belong to nothing; zeros are padding, a whole alignment of them at the end too."""
    part = data.part(begin, end - begin)
    if not part.size:
        return
    name = {
        "gap": "between two tensors",
        "tail": "after the last tensor",
        "padding": "before the first tensor",
    }[where]
    if first_nonzero(part) >= 0:
        yield _observed(
            "stray-bytes", f"{part.size:,} bytes {name} belong to none", begin, repr(part.head(40))
        )
        yield Child(name=f"{where}@{begin}", data=part)
    elif part.size > max(allowed, _LARGEST_ALIGNMENT):
        yield _observed("zeros", f"{part.size:,} zero bytes {name}", begin)
