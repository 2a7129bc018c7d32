"""A zip archive whose members would be unpacked to places where nobody expects them.

A name with ``..``, an absolute path, a drive or a symbolic link makes a careless program write outside of the
folder that it unpacks to; a NUL or a backslash in a name is the end of it or a separator to some readers and a
plain character to others. Of two members with one name, libraries take the first or the last. Of a folder with
content, PyTorch reads nothing, and takes for the content what happens to be in its memory.

Example: a member that is called ``../../.bashrc``.

What to do: do not unpack it, and ask its sender how it was made.
"""

from __future__ import annotations

from collections.abc import Iterator

from secureload.scan.case import Case
from secureload.scan.finding import Finding, Severity
from secureload.scan.observed import Grade, findings_of

RULE_ID = "SL403"
TITLE = "Unsafe member name"
_DO_NOT = "no library writes this; do not unpack or load the file"
_ASK = "ask its sender how it was made"
GRADES = {
    "zip.unsafe-name": Grade(Severity.DANGEROUS, _DO_NOT),
    "zip.link": Grade(Severity.DANGEROUS, _DO_NOT),
    "zip.special-file": Grade(Severity.DANGEROUS, _DO_NOT),
    "zip.folder-with-data": Grade(Severity.DANGEROUS, _DO_NOT),
    "zip.odd-name": Grade(Severity.UNKNOWN, _ASK),
    "zip.duplicate-name": Grade(Severity.UNKNOWN, _ASK),
    "zip.similar-names": Grade(Severity.WARNING, "PyTorch finds members without regard to case"),
}


def check(case: Case) -> Iterator[Finding]:
    """Yield a finding for each name that stands out."""
    yield from findings_of(case, RULE_ID, GRADES)
