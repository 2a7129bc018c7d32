"""skops files: a zip archive with a schema, and the arrays that it refers to.

skops reads members by the names in the schema alone. They are array files (``numpy.load`` without pickles), scipy's
``.npz``, or raw bytes; whatever else lies in the archive is looked at for what it is.
"""

from __future__ import annotations

from collections.abc import Iterator

from secureload.errors import LimitError, SecureloadError
from secureload.formats.json_text import parse_json_text
from secureload.formats.reading import Event, Observation, Problem, ReadContext, Versions
from secureload.formats.skops_schema import SchemaFiles, walk_schema
from secureload.formats.zip_dialect import ANY, DATA, Contents, Role
from secureload.values import dataclass, field

__all__ = ["recognise"]

_SCHEMA = "schema.json"


def recognise(contents: Contents, _file_name: str) -> SkopsArchive | None:
    """Return the archive as skops sees it, None where it has no schema."""
    return SkopsArchive(contents) if _SCHEMA in contents.by_name else None


@dataclass(frozen=True, slots=True)
class SkopsArchive:
    """The archive as ``skops.io.load`` sees it."""

    contents: Contents = field(repr=False)
    format: str = "skops"
    loader: str = "skops.io.load"
    files: SchemaFiles = field(default_factory=SchemaFiles, repr=False)

    def role(self, name: str) -> Role:
        """Return what skops takes a member for; the schema must have been read."""
        if name == _SCHEMA or (name in self.files.raw and name not in self.files.others):
            return DATA
        return ANY

    def events(self, context: ReadContext) -> Iterator[Event]:
        """Yield what skops would import, make and call, and which members fit the schema or do not."""
        for text in self.contents.read(_SCHEMA, context.limits.json_text_bytes):
            if isinstance(text, Problem):
                yield text
                continue
            yield from self._about_schema(text, context)
        yield from self._about_members()

    def _about_schema(self, text: bytes, context: ReadContext) -> Iterator[Event]:
        try:
            found = parse_json_text(text, where="the skops schema", limits=context.limits)
        except SecureloadError as error:
            yield Problem(
                kind="limit" if isinstance(error, LimitError) else "malformed", message=error.message
            )
            return
        if found.repeated:
            message = f"the skops schema has the key {found.repeated[0]!r} twice: readers differ in which one counts"
            yield Observation(code="skops.repeated-key", message=message)
        if not isinstance(found.value, dict) or "__loader__" not in found.value:
            yield Problem(kind="malformed", message="the skops schema is no node")
        elif isinstance(version := found.value.get("_skops_version"), str):
            yield Versions(library="skops", version=version)
        yield from walk_schema(found.value, self.files)

    def _about_members(self) -> Iterator[Observation]:
        named = self.files.raw | self.files.others
        missing = sorted(named - self.contents.by_name.keys())
        if missing:
            message = f"the schema refers to {len(missing):,} members that are not there, the first is {missing[0]!r}"
            yield Observation(code="skops.missing-member", message=message)
        unnamed = sorted(self.contents.by_name.keys() - named - {_SCHEMA})
        if unnamed:
            message = f"the schema does not refer to {len(unnamed):,} members, the first is {unnamed[0]!r}"
            yield Observation(code="skops.unnamed-member", message=message)
