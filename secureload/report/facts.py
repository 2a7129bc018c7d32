"""What an artifact is, in label and value pairs, and its members as a tree: the same words in every report."""

from __future__ import annotations

from secureload.report.report import Report, ReportConfinement, ReportPart
from secureload.values import dataclass

__all__ = ["MemberLine", "counted", "facts", "member_lines"]

_BEHIND = "!/"


@dataclass(frozen=True, slots=True)
class MemberLine:
    """One member of a container: how deep it lies, its name there, what it is, its worst severity or ""."""

    depth: int
    name: str
    what: str
    worst: str


def counted(number: int, what: str) -> str:
    """Return "1 file", "2 files"."""
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def facts(report: Report) -> tuple[tuple[str, str], ...]:
    """Return what the artifact itself is, as (label, value) pairs; the empty tuple where nothing is known."""
    if not report.parts:
        return ()
    part = report.parts[0]
    rows = [("format", f"{part.description}: {part.reason}" if part.reason else part.description)]
    rows.append(("size", f"{report.size:,} bytes"))
    if part.name_disagrees:
        rows.append(("name", part.name_disagrees))
    if part.loader:
        rows.append(("read", f"as {part.loader} reads it"))
    if part.compression:
        rows.append(("compression", f"{part.compression}, {part.bytes_total:,} bytes expanded"))
    if part.protocol >= 0:
        rows.append(("protocol", str(part.protocol)))
    if any(one.loader or one.imports or one.operations for one in report.parts):
        rows.append(("would do", _doing(report)))
    if len(report.parts) > 1 or part.data_members:
        rows.append(("members", _members(report)))
    if report.confinement is not None:
        rows.append(("examined", f"in a sandbox, {_confined(report.confinement)}"))
    rows.extend(("saved with", f"{library} {version}") for library, version in _versions(report))
    return tuple(rows)


def _confined(confinement: ReportConfinement) -> str:
    missing = [name for name, state, _ in confinement.layers if state == "unavailable"]
    return f"level {confinement.level}" + (f", without {', '.join(missing)}" if missing else "")


def member_lines(report: Report, most: int) -> tuple[tuple[MemberLine, ...], int]:
    """Return the members of a container as the lines of a tree, and how many more than ``most`` there are.

    Those with a finding come first where not all of them fit.
    """
    inner = report.parts[1:]
    if len(inner) > most:
        worst_first = sorted(range(len(inner)), key=lambda at: (not inner[at].worst, at))[:most]
        inner = tuple(inner[at] for at in sorted(worst_first))
    lines = tuple(_line(part) for part in inner)
    return lines, len(report.parts) - 1 - len(lines)


def _line(part: ReportPart) -> MemberLine:
    depth = part.path.count(_BEHIND)
    name = part.path.rsplit(_BEHIND, 1)[-1]
    what = f"{part.description}, {part.bytes_total:,} bytes"
    if part.loader:
        what += f", as {part.loader} reads it"
    if part.data_members:
        what += f", with {counted(part.data_members, 'member')} of raw data"
    return MemberLine(depth, name, what, part.worst)


def _doing(report: Report) -> str:
    imports = sum(part.imports for part in report.parts)
    operations = sum(part.operations for part in report.parts)
    return f"import {counted(imports, 'global')}, {counted(operations, 'operation')}"


def _members(report: Report) -> str:
    inner = len(report.parts) - 1
    data = sum(part.data_members for part in report.parts)
    return f"{inner:,}, and {data:,} of raw data" if data else f"{inner:,}"


def _versions(report: Report) -> tuple[tuple[str, str], ...]:
    return tuple(dict.fromkeys(pair for part in report.parts for pair in part.versions))
