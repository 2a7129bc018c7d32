"""The report about one artifact as a plain value, made from the values of the other stages."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

from secureload.values import dataclass

__all__ = [
    "NOTHING_FOUND",
    "SEVERITIES",
    "Report",
    "ReportConfinement",
    "ReportCoverage",
    "ReportFinding",
    "ReportPart",
    "ReportSignature",
    "Severity",
    "conclusion",
    "conclusion_of",
    "exit_rank",
    "has_serious",
    "ordered_findings",
]

Severity: TypeAlias = Literal["dangerous", "unknown", "warning", "note"]

# The worst first. "unknown" is what nobody has vouched for, and what could not be examined.
SEVERITIES: Final[tuple[Severity, ...]] = ("dangerous", "unknown", "warning", "note")

NOTHING_FOUND: Final = "Nothing found in what was examined"

# Which exit code is worse, as errors.ExitCode.worst has it; what was interrupted says little of the rest.
_EXIT_CODE_ORDER: Final = (1, 4, 3, 5, 2, 130, 0)
_CONCLUSIONS: Final = {
    0: "Accepted, with the findings above",
    1: "Rejected: it holds something dangerous; do not load it",
    2: "Not examined: what was asked for cannot be done",
    3: "Undecided: not all of it is known or could be examined",
    4: "Untrusted: those whom you trust do not vouch for these bytes as the policy asks",
    5: "Not examined to the end: secureload or its environment failed",
    130: "Interrupted: not everything was looked at",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportFinding:
    """One finding: its rule's ``id``, how bad and how sure, where it is, and what to do about it.

    ``member`` is the path inside the artifact, "" for the artifact itself; ``offset`` is in bytes of the
    member, -1 where it is not known. ``opcodes`` is a listing of what stands around it, a line each.
    """

    id: str
    severity: Severity
    title: str
    confidence: str = "high"
    member: str = ""
    offset: int = -1
    opcode: str = ""
    detail: str = ""
    hint: str = ""
    opcodes: tuple[str, ...] = ()

    @property
    def location(self) -> str:
        """Where it is, in words: member, offset and opcode, as far as they are known."""
        parts = [self.member] if self.member else []
        parts += [f"offset {self.offset:,}"] if self.offset >= 0 else []
        return ", ".join(parts + ([self.opcode] if self.opcode else []))


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportPart:
    """What one member is, or the artifact itself, whose ``path`` is "".

    Behind "!/" in a path follows a name inside that member. ``format`` is a name of the catalog, ``loader``
    what would load it; ``protocol`` is -1 where it is no pickle. ``imports`` and ``operations`` count what
    loading it would do. ``data_members`` counts its members that are raw data and have nothing to say.
    """

    path: str
    format: str
    description: str
    reason: str = ""
    loader: str = ""
    compression: str = ""
    protocol: int = -1
    imports: int = 0
    operations: int = 0
    versions: tuple[tuple[str, str], ...] = ()
    data_members: int = 0
    bytes_total: int = 0
    bytes_examined: int = 0
    name_disagrees: str = ""
    worst: str = ""  # the severity of its worst finding


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportSignature:
    """One signature, or why there is none: ``text`` is the line for a reader, ``status`` for a program.

    Moments are RFC 3339; what is not known is "".
    """

    status: str
    text: str
    signer: str = ""
    fingerprint: str = ""
    name: str = ""
    version: str = ""
    created: str = ""
    expires: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportCoverage:
    """What was looked at, in members and in bytes; ``skipped`` names what was not, and why.

    Of one artifact the members are its own; of a run they are the files. ``members_undecided`` counts those
    that were looked at and hold something unknown.
    """

    members_examined: int
    members_skipped: int = 0
    members_undecided: int = 0
    bytes_total: int
    bytes_examined: int
    bytes_unreadable: int = 0
    skipped: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportConfinement:
    """In which sandbox it was examined: the level, and of each layer (name, state, what it enforced or why not)."""

    level: str
    layers: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Everything that is said about one artifact.

    ``locator`` is how it is called, ``path`` where it is. ``outcome`` is the verdict's word, ``exit_code`` what
    the command would end with for it alone. ``reasons`` are (kind, text) pairs that say why it is not accepted.
    ``decompiled`` is source text of many lines, ``admission`` says by which policy it is admitted or why not.
    ``unknown_globals`` can be allowed by name. ``confinement`` is None where nothing was examined.
    Text may come from an artifact as it is: the renderers make it printable.
    """

    locator: str
    outcome: str
    exit_code: int
    path: str = ""
    summary: str = ""
    policy: str = ""
    reasons: tuple[tuple[str, str], ...] = ()
    error: str = ""  # the code of the error that ended the examination
    digest: str = ""
    size: int = 0
    parts: tuple[ReportPart, ...] = ()
    findings: tuple[ReportFinding, ...] = ()
    coverage: ReportCoverage | None = None
    signatures: tuple[ReportSignature, ...] = ()
    decompiled: str = ""
    fickling_severity: str = ""
    fickling_messages: tuple[str, ...] = ()
    unknown_globals: tuple[str, ...] = ()
    admission: str = ""
    hint: str = ""
    confinement: ReportConfinement | None = None


def ordered_findings(report: Report) -> tuple[ReportFinding, ...]:
    """Return the findings, the worst first; equal ones by place, id and title."""
    return tuple(
        sorted(
            report.findings,
            key=lambda found: (_rank(found.severity), found.member, found.offset, found.id, found.title),
        )
    )


def has_serious(report: Report) -> bool:
    """Whether a finding is dangerous or unknown, or of a severity that nobody here knows."""
    return any(finding.severity not in ("warning", "note") for finding in report.findings)


def conclusion(report: Report) -> str:
    """Return the sentence that the report about one artifact ends with."""
    examined = report.coverage is not None and report.coverage.members_examined > 0
    return conclusion_of(report.exit_code, clean=examined and not has_serious(report))


def conclusion_of(exit_code: int, *, clean: bool) -> str:
    """Return the sentence that goes with an exit code.

    :data:`NOTHING_FOUND` is said with exit code 0 alone, and only where ``clean``: something was examined, and
    nothing in it is dangerous or unknown.
    """
    if exit_code == 0 and clean:
        return NOTHING_FOUND
    return _CONCLUSIONS.get(exit_code, _CONCLUSIONS[5])


def exit_rank(code: int) -> int:
    """Return 0 for the worst exit code, more for better ones; one that is not known counts as the worst."""
    return _EXIT_CODE_ORDER.index(code) if code in _EXIT_CODE_ORDER else 0


def _rank(severity: str) -> int:
    # A word that is not known is not taken for a harmless one.
    return SEVERITIES.index(severity) if severity in SEVERITIES else 0
