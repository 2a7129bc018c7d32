"""The pickle names files beside it, which its loader opens.

joblib before 0.10 kept each array in a file of its own; ``joblib.load`` of today still opens them, by the name
that stands in the pickle, and unpickles what it finds there. A name with a folder in it, or one that no file
of joblib's has, makes it open something else: that is dangerous, whatever it is. A plain name is that of a
file beside this one: it was examined as a part of this artifact, or the verdict stays open.

Example: an ``NDArrayWrapper`` with the name ``/tmp/other.npy``.

What to do: keep the files together in one folder, or have the model saved again by a current joblib, which
writes a single file.
"""

from __future__ import annotations

from collections.abc import Iterator

from secureload.pickles.trace import SideFile
from secureload.printable import printable
from secureload.scan.case import Case
from secureload.scan.finding import Finding, Location, Severity

RULE_ID = "SL412"
TITLE = "Files beside it"
SEVERITIES = (Severity.DANGEROUS, Severity.UNKNOWN)


def check(case: Case) -> Iterator[Finding]:
    """Yield a finding for each file that the pickle names and that was not examined with it."""
    for file in case.trace.side_files:
        if not file.is_plain:
            yield _finding(
                file,
                Severity.DANGEROUS,
                f"joblib.load of it would open {printable(file.name, 120)!r} and unpickle what it finds there",
                "do not load this file: joblib writes the name of a file beside it, and nothing else",
            )
        elif not file.examined:
            yield _finding(
                file,
                Severity.UNKNOWN,
                f"the file {printable(file.name, 120)!r}, which it keeps an array in, was not examined",
                "put the file beside it, or ask for a model that was saved by a joblib of today",
            )


def _finding(file: SideFile, severity: Severity, title: str, hint: str) -> Finding:
    return Finding(
        rule_id=RULE_ID,
        severity=severity,
        title=title,
        location=Location(file.offset, "BUILD"),
        detail=f"numpy.load({printable(file.name)!r}, allow_pickle=True)"
        if file.kind == "npy"
        else f"open({printable(file.name)!r}, 'rb')",
        hint=hint,
    )
