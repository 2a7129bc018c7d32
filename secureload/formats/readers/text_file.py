"""Text beside a model: data, but for templates, programs, and documents that read other files."""

from __future__ import annotations

from collections.abc import Iterator

from secureload.formats.chat_template import is_template, template_events
from secureload.formats.item_count import ItemCount
from secureload.formats.reading import Event, Observation, ReadContext
from secureload.formats.region import Region
from secureload.formats.repeated import first_of_each_code

__all__ = ["read"]

_PROGRAMS = {
    ".py": "Python source: it runs only if somebody imports it, or trusts remote code",
    ".pyi": "Python source: it runs only if somebody imports it",
    ".sh": "a shell script: it runs only if somebody starts it",
    ".bash": "a shell script: it runs only if somebody starts it",
    ".bat": "a script: it runs only if somebody starts it",
    ".ps1": "a script: it runs only if somebody starts it",
    ".js": "a script: it runs only if somebody starts it",
}
_TEMPLATES = frozenset((".jinja", ".jinja2", ".j2"))
_LOOKED_AT_BYTES = 1 << 20
_TEMPLATE_BYTES = 4 << 20  # more than is judged of one


def read(data: Region, context: ReadContext) -> Iterator[Event]:
    """Yield what the text is besides text."""
    return first_of_each_code(_read(data, context))


def _read(data: Region, context: ReadContext) -> Iterator[Event]:
    suffix = "." + context.name.rpartition(".")[2].lower()
    begin = data.head(_LOOKED_AT_BYTES)
    if suffix in _PROGRAMS:
        yield Observation(code="text.program", message=_PROGRAMS[suffix], offset=0)
    elif begin.startswith(b"#!"):
        yield Observation(
            code="text.program", message="a script: it runs only if somebody starts it", offset=0
        )
    if suffix in _TEMPLATES and is_template(begin):
        text = data.head(_TEMPLATE_BYTES).decode("utf-8", "replace")
        yield from template_events(text, context.name, ItemCount(context.limits))
    if begin.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<") and (at := begin.find(b"<!ENTITY")) >= 0:
        message = "the document defines entities: programs that read XML may open other files for them"
        yield Observation(code="text.entity", message=message, detail=repr(begin[at : at + 120]), offset=at)
