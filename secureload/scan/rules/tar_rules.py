"""What stands out in a tar archive.

Dangerous is what only an attack needs: a name or a link that leads out of the folder, a member that is
unpacked through a link, a device, two sizes of one member (one program then takes for members what another
steps over), and headers that programs read differently. The rest is told: two members of one name, members
behind the archive's end, a link, padding that is not zeros. All members were examined, under whatever name.

Example: a member behind a symbolic link to ``/etc``.

What to do: do not unpack an archive with a dangerous finding; ask the sender for the model file itself.
"""

from __future__ import annotations

from collections.abc import Iterator

from secureload.scan.case import Case
from secureload.scan.finding import Confidence, Finding, Severity
from secureload.scan.observed import Grade, findings_of

RULE_ID = "SL407"
TITLE = "tar archive"
_UNPACK = "do not unpack it: it writes where it should not"
_DIFFER = "no program writes this; do not load or unpack it"
_AGAIN = "ask the sender to write the archive again"
GRADES = {
    "tar.outside": Grade(Severity.DANGEROUS, _UNPACK),
    "tar.link-outside": Grade(Severity.DANGEROUS, _UNPACK),
    "tar.through-link": Grade(Severity.DANGEROUS, _UNPACK),
    "tar.device": Grade(Severity.DANGEROUS, "do not unpack it: no model is a device"),
    "tar.sizes-differ": Grade(Severity.DANGEROUS, _DIFFER),
    "tar.readers-differ": Grade(Severity.DANGEROUS, _DIFFER, Confidence.MEDIUM),
    "tar.global-name": Grade(Severity.UNKNOWN, _DIFFER),
    "tar.size-of-nothing": Grade(Severity.UNKNOWN, _AGAIN),
    "tar.unknown-kind": Grade(Severity.WARNING, _AGAIN),
    "tar.after-end": Grade(Severity.WARNING, "unpack it with --ignore-zeros, or ask for one archive"),
    "tar.repeated": Grade(Severity.WARNING, "know which of the two your program reads"),
    "tar.link": Grade(Severity.NOTE, "what it leads to was examined under its own name"),
    "tar.padding": Grade(Severity.NOTE, "old programs leave such bytes; they were looked at"),
}


def check(case: Case) -> Iterator[Finding]:
    """Yield a finding for each observation about a tar archive."""
    yield from findings_of(case, RULE_ID, GRADES)
