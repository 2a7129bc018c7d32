"""tar archives: ustar, pax, GNU and the older ones without a mark, as Python's ``tarfile`` reads them.

The structure is walked by :mod:`secureload.formats.tar_walk`. An archive that PyTorch wrote before 0.1.10 is a
dialect (:mod:`secureload.formats.readers.torch_tar`).
"""

from __future__ import annotations

from collections.abc import Iterator

from secureload.errors import ArtifactError
from secureload.formats.member_paths import link_leads_outside, outside, plain_path
from secureload.formats.readers import torch_tar
from secureload.formats.reading import Child, Event, Observation, ReadContext
from secureload.formats.region import Region
from secureload.formats.tar_walk import REGULAR, WITHOUT_DATA, TarItem, TarLeftover, TarMember, TarWalk

__all__ = ["read"]

_MOST_PARTS = 64
_SPECIAL = {b"3": "a character device", b"4": "a block device", b"6": "a named pipe"}


def read(data: Region, context: ReadContext) -> Iterator[Event]:
    """Yield the members of the archive, and what stands out about them."""
    items: list[TarItem] = []
    failure: ArtifactError | None = None
    try:
        items.extend(TarWalk(data, context.limits).items())
    except ArtifactError as error:
        failure = error
    members = [item for item in items if isinstance(item, TarMember)]
    dialect = torch_tar.children(members)
    if dialect:
        yield torch_tar.IDENTIFIED
    seen = _Seen()
    for item in items:
        if isinstance(item, TarMember):
            yield from seen.observe(item)
            if item.kind not in WITHOUT_DATA:
                yield dialect.get(id(item)) or Child(name=item.name, data=item.data)
        elif isinstance(item, TarLeftover):
            yield Child(name=item.name, data=item.data, expect="any" if item.name == "trailing" else "data")
        else:
            yield item
    yield from seen.links_inside()
    if failure is not None:
        raise failure


class _Seen:
    """What earlier members mean for a later one."""

    def __init__(self) -> None:
        self._paths: set[tuple[str, ...]] = set()
        self._links: set[tuple[str, ...]] = set()
        self._inside: list[TarMember] = []

    def observe(self, member: TarMember) -> Iterator[Observation]:
        """Yield what stands out about a member's name, its kind, and where it leads."""
        path = plain_path(member.name)
        if danger := outside(member.name):
            yield _about(member, "tar.outside", f"the name of a member {danger}")
        if self._links and any(
            path[:length] in self._links for length in range(1, min(len(path), _MOST_PARTS))
        ):
            yield _about(
                member, "tar.through-link", "a member is unpacked through a link that came before it"
            )
        if path in self._paths and member.kind != b"5":
            yield _about(
                member, "tar.repeated", "two members have the same name: the later replaces the earlier"
            )
        self._paths.add(path)
        if member.kind == b"2":
            self._links.add(path)
        if member.kind in (b"1", b"2"):
            if outside(member.link) if member.kind == b"1" else link_leads_outside(member.name, member.link):
                yield _about(member, "tar.link-outside", "a link out of the archive", _arrow(member))
            else:
                self._inside.append(member)
        yield from _about_kind(member)

    def links_inside(self) -> Iterator[Observation]:
        """Yield one observation for all links from member to member: some archives have thousands."""
        if self._inside:
            first = self._inside[0]
            more = f" (and {len(self._inside) - 1:,} more)" if len(self._inside) > 1 else ""
            yield _about(first, "tar.link", f"a link to another member{more}", _arrow(first))


def _arrow(member: TarMember) -> str:
    return f"{member.name} -> {member.link}"


def _about_kind(member: TarMember) -> Iterator[Observation]:
    if member.kind in _SPECIAL:
        yield _about(member, "tar.device", f"{_SPECIAL[member.kind]} would be made by whoever unpacks it")
    elif member.kind not in REGULAR and member.kind not in WITHOUT_DATA:
        kind = member.kind.decode("latin-1")
        yield _about(member, "tar.unknown-kind", f"a member is of a kind that few programs know ({kind!r})")


def _about(member: TarMember, code: str, message: str, detail: str = "") -> Observation:
    return Observation(code=code, message=message, detail=detail or member.name, offset=member.offset)
