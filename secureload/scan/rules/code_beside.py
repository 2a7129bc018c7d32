"""Code comes with the model, or a configuration names some.

``auto_map`` in a configuration of Hugging Face names classes in Python files beside it, or in another repository:
with ``trust_remote_code`` they are imported, and run. The same holds of pipelines and modules that are made of
classes by name. Such code is not examined here. A Python file or a script beside a model does nothing by itself:
it is only told. An XML document that defines entities may make its reader open other files.

Example: ``"auto_map": {"AutoModel": "modeling_x.XModel"}`` in ``config.json``.

What to do: read the code before you set ``trust_remote_code``, and keep the copy that you read.
"""

from __future__ import annotations

from collections.abc import Iterator

from secureload.scan.case import Case
from secureload.scan.finding import Finding, Severity
from secureload.scan.observed import Grade, findings_of

RULE_ID = "SL495"
TITLE = "Code beside the model"

_READ_IT = "load it without trust_remote_code, or read the code that is named first"
GRADES = {
    "json.remote-code": Grade(Severity.UNKNOWN, _READ_IT),
    "json.names-class": Grade(Severity.UNKNOWN, _READ_IT),
    "text.entity": Grade(Severity.UNKNOWN, "read it with a parser that resolves no entities"),
    "text.program": Grade(Severity.NOTE, "nothing here runs it; read it before you do"),
    "json.repeated-key": Grade(Severity.NOTE, "compare what the two values say"),
}


def check(case: Case) -> Iterator[Finding]:
    """Yield a finding for each place that names or holds code."""
    yield from findings_of(case, RULE_ID, GRADES)
