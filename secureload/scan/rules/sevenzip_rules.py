"""What stands out in a 7z archive.

Dangerous is what only an attack needs: a name or a link that leads out of the folder, a device. A file that
unpacking would delete is what 7-Zip writes for updates and no sender of a model. Two members of one name and
links inside the archive are told; all of them were examined.

Example: a member that is called ``../../.bashrc``.

What to do: do not unpack an archive with a dangerous finding; ask the sender for the model file itself.
"""

from __future__ import annotations

from collections.abc import Iterator

from secureload.scan.case import Case
from secureload.scan.finding import Finding, Severity
from secureload.scan.observed import Grade, findings_of

RULE_ID = "SL408"
TITLE = "7z archive"
_UNPACK = "do not unpack it: it writes where it should not"
GRADES = {
    "sevenzip.outside": Grade(Severity.DANGEROUS, _UNPACK),
    "sevenzip.link-outside": Grade(Severity.DANGEROUS, _UNPACK),
    "sevenzip.device": Grade(Severity.DANGEROUS, "do not unpack it: no model is a device"),
    "sevenzip.anti": Grade(Severity.UNKNOWN, "ask the sender for an archive that is no update"),
    "sevenzip.repeated": Grade(Severity.WARNING, "know which of the two your program reads"),
    "sevenzip.link": Grade(Severity.NOTE, "what it leads to was examined under its own name"),
}


def check(case: Case) -> Iterator[Finding]:
    """Yield a finding for each observation about a 7z archive."""
    yield from findings_of(case, RULE_ID, GRADES)
