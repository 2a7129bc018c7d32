"""The records of a zip archive contradict each other.

Each member of a zip archive is described twice, in front of its data and in the central directory, and the end
of the archive says where that directory is. Libraries differ in which of these they believe: a member can be
called one thing to a scanner and another to PyTorch, be "encrypted" to Python and readable to everybody else,
or be listed nowhere. No library writes such an archive. All of its members were examined in each reading.

Example: ``data.pkl`` in the directory, ``data.pal`` in front of its bytes.

What to do: do not load it. An archive that was damaged on its way is fetched again; one that comes the same
again was made by hand.
"""

from __future__ import annotations

from collections.abc import Iterator

from secureload.scan.case import Case
from secureload.scan.finding import Confidence, Finding, Severity
from secureload.scan.observed import Grade, findings_of

RULE_ID = "SL401"
TITLE = "Zip archive with two readings"
_MADE = "no library writes this; do not load the file"
_DAMAGED = "get the file again from its sender; if it comes the same again, do not load it"
GRADES = {
    "zip.names-differ": Grade(Severity.DANGEROUS, _MADE),
    "zip.method-differ": Grade(Severity.DANGEROUS, _MADE),
    "zip.sizes-differ": Grade(Severity.DANGEROUS, _MADE),
    "zip.encryption-lies": Grade(Severity.DANGEROUS, _MADE),
    "zip.two-directories": Grade(Severity.DANGEROUS, _MADE),
    "zip.unlisted": Grade(Severity.DANGEROUS, _MADE),
    "zip.overlap": Grade(Severity.DANGEROUS, _MADE),
    "zip.crc-differ": Grade(Severity.UNKNOWN, _DAMAGED),
    "zip.flags-differ": Grade(Severity.UNKNOWN, _DAMAGED, Confidence.MEDIUM),
    "zip.odd-flags": Grade(Severity.UNKNOWN, _DAMAGED),
    "zip.descriptor-differ": Grade(Severity.UNKNOWN, _DAMAGED),
    "zip.several-ends": Grade(Severity.UNKNOWN, _DAMAGED),
    "zip.count-differs": Grade(Severity.UNKNOWN, _DAMAGED),
    "zip.several-dialects": Grade(
        Severity.UNKNOWN, "ask its sender which library it is for, and for a file that is nothing else"
    ),
}


def check(case: Case) -> Iterator[Finding]:
    """Yield a finding for each contradiction."""
    yield from findings_of(case, RULE_ID, GRADES)
