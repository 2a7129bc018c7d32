"""Zip archives: every member in every reading that a loader might take, and every byte between them.

``zipfile`` is not used. What it skips, refuses or believes (one of two names, a flag, a checksum, a comment) is
what the attacks on scanners are made of; here each of these is compared, and the members are examined all the same.
Sources: APPNOTE.TXT 6.3.10; the readers whose differences count are CPython's ``zipfile`` and miniz in PyTorch.
"""

from __future__ import annotations

import stat
from collections.abc import Iterator

from secureload.errors import LimitError
from secureload.formats.member_paths import outside
from secureload.formats.readers import keras_zip, npz, skops_archive, torch_pt2, torch_zip
from secureload.formats.reading import Child, Event, Identified, Observation, Opener, Problem, ReadContext
from secureload.formats.region import Region
from secureload.formats.repeated import first_of_each_code
from secureload.formats.zip_dialect import ANY, DATA, Contents, Dialect, joined_roles, read_all
from secureload.formats.zip_layout import Member, read_archive
from secureload.formats.zip_members import Unpacker
from secureload.values import dataclass

__all__ = ["read"]

_DIALECTS = (torch_zip, torch_pt2, skops_archive, keras_zip, npz)
_LINK_CHARS = 4_096


def read(data: Region, context: ReadContext) -> Iterator[Event]:
    """Yield the members of ``data``, what stands out about them, and what the loader of its dialect would do."""
    yield from first_of_each_code(_events(data, context))


def _events(data: Region, context: ReadContext) -> Iterator[Event]:
    archive = read_archive(data, context.limits)
    yield from archive.events
    yield from _about_names(archive.members)
    if not archive.members and not archive.loose:
        yield Observation(code="zip.empty", message="the archive holds nothing")
    unpacker = Unpacker(data.size, context.limits, context.budget)
    unpacked: list[_Unpacked] = []
    contents = Contents()
    # In the order of the directory: PyTorch goes by its first name.
    try:
        for member in sorted(archive.members, key=lambda member: member.entry_at):
            for name, content in _contents(member, unpacker):
                unpacked.append(_Unpacked(member, name, content))
                contents.add(_lookup_names(member), content)
    except LimitError as error:
        yield Problem(kind="limit", message=error.named)  # and those before it are examined
    dialects = [found for module in _DIALECTS if (found := module.recognise(contents, context.name))]
    yield from _identified(dialects)
    for dialect in dialects:
        yield from dialect.events(context)
    yield from unpacker.events
    for item in unpacked:
        yield from _about_content(item.member, item.content)
        yield _child(item, dialects)
    yield from (Child(name=name, data=region) for name, region in archive.loose)
    yield from (Child(name="<the comment>", data=region, expect="data") for region in archive.comments)
    yield from unpacker.about_checksums()


@dataclass(frozen=True, slots=True)
class _Unpacked:
    member: Member
    name: str
    content: Region | Opener


def _child(item: _Unpacked, dialects: list[Dialect]) -> Child:
    role = joined_roles(dialect.role(name) for dialect in dialects for name in _lookup_names(item.member))
    if role == ANY and _is_empty(item.content):
        role = DATA  # a folder, or an empty text
    return Child(name=item.name, data=item.content, expect=role.expect, reading=role.reading)


def _is_empty(content: Region | Opener) -> bool:
    return isinstance(content, Region) and not content.size


def _contents(member: Member, unpacker: Unpacker) -> Iterator[tuple[str, Region | Opener]]:
    """Yield the content of a member, and the other one that its local header makes of the same bytes."""
    suffix = "" if member.listed else " (unlisted)"
    content = unpacker.unpack(member, member.coding)
    if content is not None:
        yield member.name + suffix, content
    if member.other is not None:
        content = unpacker.unpack(member, member.other)
        if content is not None:
            yield f"{member.name} (by its local header)", content


def _lookup_names(member: Member) -> dict[str, None]:
    """Return the names under which a loader finds a member; some end a name at a NUL."""
    return dict.fromkeys((*member.names, *(name.partition("\0")[0] for name in member.names)))


def _identified(dialects: list[Dialect]) -> Iterator[Event]:
    first = dialects[0] if dialects else None
    yield Identified(format=first.format, loader=first.loader) if first else Identified(format="zip")
    if len(dialects) > 1:
        loaders = ", ".join(dialect.loader for dialect in dialects)
        message = f"the archive is something else to each of several loaders: {loaders}"
        yield Observation(code="zip.several-dialects", message=message)


def _about_names(members: list[Member]) -> Iterator[Observation]:
    exact: set[str] = set()
    folded: set[str] = set()
    for member in members:
        for name in member.names:
            danger = outside(name)
            if danger:
                message = f"the name of the member {name!r} {danger}"
                yield Observation(code="zip.unsafe-name", message=message, offset=member.at)
            elif not name or "\\" in name:
                what = "holds a backslash, which some readers take for a separator" if name else "is empty"
                message = f"the name of the member {name!r} {what}"
                yield Observation(code="zip.odd-name", message=message, offset=member.at)
        if member.name in exact:
            message = f"there are several members called {member.name!r}"
            yield Observation(code="zip.duplicate-name", message=message, offset=member.at)
        elif member.name.casefold() in folded:
            message = f"the name of the member {member.name!r} differs from another one only in case"
            yield Observation(code="zip.similar-names", message=message, offset=member.at)
        exact.add(member.name)
        folded.add(member.name.casefold())


def _about_content(member: Member, content: Region | Opener) -> Iterator[Observation]:
    kind = stat.S_IFMT(member.mode)
    if kind == stat.S_IFLNK:
        target = read_all(content, _LINK_CHARS, member.name)
        detail = (
            f"it points to {target.decode('utf-8', 'backslashreplace')}" if isinstance(target, bytes) else ""
        )
        message = f"the member {member.name!r} is a symbolic link"
        yield Observation(code="zip.link", message=message, detail=detail, offset=member.at)
    elif kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        message = f"the member {member.name!r} is a special file"
        yield Observation(code="zip.special-file", message=message, offset=member.at)
    if member.is_folder and not _is_empty(content):
        # miniz reads nothing of it and says that it did: PyTorch then takes what was in its memory for the content.
        message = f"the folder {member.name!r} has content"
        yield Observation(code="zip.folder-with-data", message=message, offset=member.at)
