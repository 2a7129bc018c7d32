"""What stands out in a numpy array file (``.npy``).

An array of numbers is raw bytes. An array of objects is a pickle, which ``numpy.load`` runs where the caller
sets ``allow_pickle=True``: it is traced and judged as any other pickle. Several arrays one behind the other
are what ``numpy.save`` leaves that is called again on an open file; a loader that calls ``numpy.load`` once
sees the first.

Example: ``numpy.save`` of an array of strings as objects.

What to do: prefer arrays of numbers or of fixed-length text, and load them without ``allow_pickle``.
"""

from __future__ import annotations

from collections.abc import Iterator

from secureload.scan.case import Case
from secureload.scan.finding import Finding, Severity
from secureload.scan.observed import Grade, findings_of

RULE_ID = "SL411"
TITLE = "numpy array file"
GRADES = {
    "npy.objects": Grade(
        Severity.NOTE, "the pickle in it was traced; load it with allow_pickle=True only if you trust it"
    ),
    "npy.several-arrays": Grade(Severity.NOTE, "call numpy.load once for each array"),
}


def check(case: Case) -> Iterator[Finding]:
    """Yield a finding for each observation about a numpy array file."""
    yield from findings_of(case, RULE_ID, GRADES)
