"""An ONNX model uses operators that are not plain computations of its runtime.

The operators of onnx and onnxruntime compute. An operator of another domain is a library that must be loaded
for it: whoever asks you to register it asks you to run code. ``PyOp`` and ``PythonOp`` import or call Python
code by the names that stand in the model. ``EPContext`` holds or names a program that was compiled for an
accelerator, which nobody can examine here. Functions that the model defines by itself are none of this.

Example: a node ``PyOp`` with the module and the class that it imports.

What to do: do not register libraries for a model of unknown origin; ask for one of standard operators.
"""

from __future__ import annotations

from collections.abc import Iterator

from secureload.scan.case import Case
from secureload.scan.finding import Finding, Severity
from secureload.scan.observed import Grade, findings_of

RULE_ID = "SL452"
TITLE = "ONNX operator that is code"

GRADES = {
    "onnx.python-operator": Grade(Severity.DANGEROUS, "do not load this file; ask its sender what it is for"),
    "onnx.custom-operators": Grade(
        Severity.UNKNOWN, "it runs only with a library for these operators; examine that library"
    ),
    "onnx.compiled-operator": Grade(
        Severity.UNKNOWN, "ask for the model that it was compiled from, and compile it yourself"
    ),
    "onnx.session-options": Grade(
        Severity.NOTE, "leave ORT_LOAD_CONFIG_FROM_MODEL unset where the model is loaded"
    ),
}


def check(case: Case) -> Iterator[Finding]:
    """Yield a finding for each kind of operator that is code."""
    yield from findings_of(case, RULE_ID, GRADES)
