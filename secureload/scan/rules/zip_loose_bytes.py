"""Bytes of a zip archive that belong to none of its members.

A zip archive may begin anywhere in a file and end before its end. So a file can be a pickle to ``pickle.load``,
which reads from the front, and an archive to ``zipfile``, which reads from the back. What stands before, between
and behind the members was examined for what it is; libraries that save models leave nothing there. An archive
without members holds no model.

Example: a pickle in front of the first member.

What to do: ask its sender for the file as its library wrote it.
"""

from __future__ import annotations

from collections.abc import Iterator

from secureload.scan.case import Case
from secureload.scan.finding import Finding, Severity
from secureload.scan.observed import Grade, findings_of

RULE_ID = "SL404"
TITLE = "Bytes outside of the members"
_ASK = "no library that saves models leaves anything there; ask its sender for the file as it was written"
GRADES = {
    "zip.prefix": Grade(Severity.UNKNOWN, _ASK),
    "zip.gap": Grade(Severity.UNKNOWN, _ASK),
    "zip.trailing": Grade(Severity.UNKNOWN, _ASK),
    "zip.padding": Grade(Severity.NOTE, "zero bytes say nothing; some programs fill up blocks with them"),
    "zip.empty": Grade(Severity.UNKNOWN, "there is nothing in it; get the file again from its sender"),
    "npz.not-an-array": Grade(Severity.NOTE, "numpy gives such a member out as bytes"),
}


def check(case: Case) -> Iterator[Finding]:
    """Yield a finding for what belongs to no member."""
    yield from findings_of(case, RULE_ID, GRADES)
