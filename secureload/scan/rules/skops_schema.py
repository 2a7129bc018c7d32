"""A skops file does something that its names do not say, or that no release of skops writes.

skops asks to trust the types that a file names. It makes each of them by a loader that the file names too, and
some pairs are traps: a method of one object under the name of another (CVE-2025-54413), a function of ``operator``
under an innocent module (CVE-2025-54412), a dictionary whose keys are "made" by calling a function with text
from the file, a random generator that is any function of ``numpy.random``. The types themselves are judged by the
allow-list, as the globals of a pickle are.

Example: a ``MethodNode`` of ``os`` that is called ``system``.

What to do: do not load a file that is accused. A partial function or a method that is called later is unknown:
look at what it is, and at who made the file.
"""

from __future__ import annotations

from collections.abc import Iterator

from secureload.scan.case import Case
from secureload.scan.finding import Finding, Severity
from secureload.scan.observed import Grade, findings_of

RULE_ID = "SL430"
TITLE = "skops schema"
_MADE = "skops does not write this; do not load the file"
_LATER = "find out what the model calls it for"
GRADES = {
    "skops.class-differs": Grade(Severity.DANGEROUS, _MADE),
    "skops.attribute": Grade(Severity.DANGEROUS, _MADE),
    "skops.bit-generator": Grade(Severity.DANGEROUS, _MADE),
    "skops.key-type": Grade(Severity.DANGEROUS, _MADE),
    "skops.repeated-key": Grade(Severity.DANGEROUS, _MADE),
    "skops.executed-state": Grade(
        Severity.UNKNOWN, "read the text; make the distribution anew where you need it"
    ),
    "skops.unknown-loader": Grade(Severity.UNKNOWN, "it may be of a newer skops; save it with a known one"),
    "skops.odd-node": Grade(Severity.UNKNOWN, _MADE),
    "skops.method": Grade(Severity.UNKNOWN, _LATER),
    "skops.partial": Grade(Severity.UNKNOWN, _LATER),
    "skops.missing-member": Grade(Severity.UNKNOWN, "the file is not whole; get it again from its sender"),
    "skops.unnamed-member": Grade(Severity.NOTE, "skops does not read them; they were examined all the same"),
}


def check(case: Case) -> Iterator[Finding]:
    """Yield a finding for each observation about a skops schema."""
    yield from findings_of(case, RULE_ID, GRADES)
