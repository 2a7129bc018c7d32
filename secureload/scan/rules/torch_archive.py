"""What stands out in an archive that PyTorch would load.

``torch.load`` reads one pickle of the archive, ``data.pkl`` in the folder that the first name gives, and finds it
without regard to case. Where there are several, which one it reads depends on its release; all of them were
examined. A ``torch.package`` holds Python sources, which run when something is imported from it, and a compiled
package native code: nothing here can say what they do. An exported program (``.pt2``) is a graph of operators; the
sizes in it are texts that ``torch.export.load`` evaluates as Python, so that any text which is not a size is code.
A storage that is larger in the pickle than in the archive makes PyTorch before 2.10 read and write behind its bytes,
with ``weights_only=True`` as well (CVE-2026-24747).

Example: two members called ``archive/data.pkl``.

What to do: save the weights alone (``torch.save(model.state_dict(), …)``, or safetensors) and load them with
``weights_only=True``.
"""

from __future__ import annotations

from collections.abc import Iterator

from secureload.scan.case import Case
from secureload.scan.finding import Finding, Severity
from secureload.scan.observed import Grade, findings_of

RULE_ID = "SL420"
TITLE = "PyTorch archive"
GRADES = {
    "torch.several-pickles": Grade(Severity.UNKNOWN, "torch.save writes one; ask its sender for that"),
    "torch.storage-size": Grade(
        Severity.DANGEROUS, "PyTorch before 2.10 would read behind the bytes; do not load the file"
    ),
    "torch.storage-compressed": Grade(
        Severity.UNKNOWN, "torch.save stores them; pack the archive again without"
    ),
    "torch.package": Grade(Severity.UNKNOWN, "read its sources, or ask for the weights alone"),
    "torch.evaluated-text": Grade(
        Severity.DANGEROUS, "torch.export does not write this; do not load the file"
    ),
    "torch.repeated-key": Grade(Severity.DANGEROUS, "torch.export does not write this; do not load the file"),
    "torch.unknown-expression": Grade(Severity.UNKNOWN, "look the function up in sympy and in PyTorch"),
    "torch.unknown-target": Grade(Severity.UNKNOWN, "find out which library it is from, and what it does"),
    "torch.compiled": Grade(Severity.UNKNOWN, "build it yourself from the exported program"),
    "torch.outside-root": Grade(Severity.NOTE, "PyTorch does not look there; it was examined all the same"),
}


def check(case: Case) -> Iterator[Finding]:
    """Yield a finding for each observation about a PyTorch archive."""
    yield from findings_of(case, RULE_ID, GRADES)
