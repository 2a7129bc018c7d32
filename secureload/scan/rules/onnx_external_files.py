"""An ONNX model reads its weights from another file.

Large models keep their weights in a file beside the model, named in it by a relative path. That file is part
of the model: sign and check the folder, not the model alone. A path that is absolute or leads up makes the
runtime read another file of the machine that loads the model, and the contents come out in the predictions
(CVE-2022-25882, CVE-2024-27318). onnxruntime also takes one special path for an address in its own memory.

Example: a tensor whose location is ``../../etc/hostname``.

What to do: keep the model and its data in one folder, and do not load one whose paths lead out of it.
"""

from __future__ import annotations

from collections.abc import Iterator

from secureload.scan.case import Case
from secureload.scan.finding import Finding, Severity
from secureload.scan.observed import Grade, findings_of

RULE_ID = "SL451"
TITLE = "ONNX weights in another file"

_READS = "do not load this file: it reads what is not part of the model"
GRADES = {
    "onnx.external-outside": Grade(Severity.DANGEROUS, _READS),
    "onnx.external-memory": Grade(Severity.DANGEROUS, _READS),
    "onnx.external-place": Grade(Severity.UNKNOWN, "have the model written again"),
    "onnx.external-data": Grade(Severity.NOTE, "the model is complete only with this file: sign the folder"),
}


def check(case: Case) -> Iterator[Finding]:
    """Yield a finding for each file that the model reads."""
    yield from findings_of(case, RULE_ID, GRADES)
