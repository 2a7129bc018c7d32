"""An HDF5 file holds what the library does not write by itself.

Bytes behind the end of the file belong to nothing: it may be another file as well. A user block before it is
allowed by the format, and used by MATLAB; what stands in it is examined in turn. Links of a kind that a program
defines, and messages that no version of the format has, are not understood here.

Example: a zip archive behind the end of the HDF5 file.

What to do: ask its sender how the file was made, or save the model again.
"""

from __future__ import annotations

from collections.abc import Iterator

from secureload.scan.case import Case
from secureload.scan.finding import Finding, Severity
from secureload.scan.observed import Grade, findings_of

RULE_ID = "SL466"
TITLE = "HDF5 structure"

GRADES = {
    "hdf5.tail": Grade(Severity.UNKNOWN, "get the file from its original source"),
    "hdf5.user-link": Grade(Severity.UNKNOWN, "ask which program defines this link"),
    "hdf5.unknown-message": Grade(Severity.UNKNOWN, "check with a newer secureload"),
    "hdf5.user-block": Grade(Severity.NOTE, "what stands before the file is examined as a member of its own"),
}


def check(case: Case) -> Iterator[Finding]:
    """Yield a finding for each thing that is not understood."""
    yield from findings_of(case, RULE_ID, GRADES)
