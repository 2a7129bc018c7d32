"""A walk through nested protocol buffers by a table of their fields, to the last message, without recursion."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from secureload.errors import LimitError
from secureload.formats.item_count import ItemCount
from secureload.formats.protobuf import BYTES, Field, fields
from secureload.formats.reading import Child, Observation
from secureload.formats.region import Region
from secureload.limits import Limits
from secureload.values import dataclass, field

__all__ = ["PLAIN", "Kind", "Message", "Met", "Schema", "text_of", "unknown_fields", "walk"]

# The name that a table gives to a message.
Kind = str
# A field that is text, a number, or a small message in which nothing is looked for.
PLAIN = ""
_TEXT_BYTES = 1_000
_MOST_UNKNOWN = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Schema:
    """Kind of message → number of a field → kind of message that stands in it.

    ``wanted`` are the fields whose texts or numbers are kept, ``runs`` those of which rows are stepped over.
    Kinds without an entry in ``messages`` are given whole, and not read.
    """

    messages: Mapping[Kind, Mapping[int, Kind]]
    wanted: Mapping[Kind, frozenset[int]] = field(default_factory=dict)
    runs: Mapping[Kind, frozenset[int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Message:
    """A message: its kind, its bytes, where they begin in the file, how deep it lies."""

    kind: Kind
    data: Region
    offset: int
    depth: int


@dataclass(frozen=True, slots=True)
class Met:
    """A message that was read: texts of its wanted fields (the last one counts), messages in it, other fields."""

    message: Message
    texts: dict[int, str]
    inside: list[Message]
    unknown: list[Field]


def walk(data: Region, root: Kind, schema: Schema, count: ItemCount, limits: Limits) -> Iterator[Met]:
    """Yield every message from ``data`` on, each before those in it, in the order of the file.

    Raises :class:`MalformedError` and :class:`LimitError` as :func:`~secureload.formats.protobuf.fields` does,
    and :class:`LimitError` for nesting beyond ``limits.structure_depth``.
    """
    waiting = [Message(root, data, 0, 0)]
    while waiting:
        message = waiting.pop()
        if message.depth > limits.structure_depth:
            raise LimitError(
                f"structure_depth: messages are nested deeper than {limits.structure_depth} levels",
                hint="no program reads this",
                limit="structure_depth",
                allowed=limits.structure_depth,
            )
        met = Met(message, {}, [], [])
        if message.kind in schema.messages:
            _read(met, schema, count)
        yield met
        waiting += reversed(met.inside)


def _read(met: Met, schema: Schema, count: ItemCount) -> None:
    message = met.message
    known = schema.messages[message.kind]
    wanted = schema.wanted.get(message.kind, frozenset())
    for item in fields(message.data, count, runs=schema.runs.get(message.kind, frozenset())):
        kind = known.get(item.number)
        if kind is None or (kind != PLAIN and item.wire != BYTES):
            met.unknown.append(item)
        elif kind != PLAIN:
            part = message.data.part(item.offset, item.value)
            met.inside.append(Message(kind, part, message.offset + item.offset, message.depth + 1))
        elif item.number in wanted:
            met.texts[item.number] = text_of(message.data, item)


def text_of(data: Region, item: Field) -> str:
    """Return the text of a field, cut at 1,000 bytes, or its number."""
    if item.wire != BYTES:
        return str(item.value)
    return data.read_at(item.offset, min(item.value, _TEXT_BYTES)).decode("utf-8", "replace")


def unknown_fields(met: Met, code: str, told: list[int]) -> Iterator[Observation | Child]:
    """Yield the fields that no version of the format has, and hand them on; ``told`` counts them."""
    for item in met.unknown:
        told[0] += 1
        offset = met.message.offset + item.offset
        yield Observation(
            code=code,
            message=f"field {item.number} of a {met.message.kind} is not known; programs step over it",
            offset=offset,
        )
        if item.wire == BYTES and told[0] <= _MOST_UNKNOWN:
            part = met.message.data.part(item.offset, item.value)
            yield Child(name=f"field-{item.number}@{offset}", data=part, expect="data")
