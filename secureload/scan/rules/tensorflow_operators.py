"""A TensorFlow graph uses operators that do more than compute.

A SavedModel is a program that TensorFlow runs. Most of its operators compute; some write and read files, connect
to other processes, or call a Python function of the program that loaded the model. They run when the function
that holds them is called, some when the model is loaded. A checkpoint that is saved to a path which stands in
the graph itself is a way to write any file. An operator that TensorFlow does not have is a library that must be
loaded for it; programs compiled for an accelerator cannot be examined here.

Example: a node ``WriteFile`` in the function that a model serves.

What to do: ask for the weights, and build the graph from code that you trust.
"""

from __future__ import annotations

from collections.abc import Iterator

from secureload.scan.case import Case
from secureload.scan.finding import Finding, Severity
from secureload.scan.observed import Grade, findings_of

RULE_ID = "SL471"
TITLE = "TensorFlow operator that does more than compute"

_NEVER = "do not load this model; ask its sender what the operator is for"
_WHY = "ask its sender what the model needs it for; a model for predictions has no use for it"
GRADES = {
    **{
        f"tensorflow.{code}": Grade(Severity.DANGEROUS, _NEVER)
        for code in ("python-operator", "reads-files", "writes-files", "network")
    },
    **{f"tensorflow.{code}": Grade(Severity.UNKNOWN, _WHY) for code in ("input-files", "output-files")},
    "tensorflow.compiled-operator": Grade(Severity.UNKNOWN, "ask for the model that it was compiled from"),
    "tensorflow.custom-operators": Grade(
        Severity.UNKNOWN, "it runs only with a library for these operators; examine that library"
    ),
}


def check(case: Case) -> Iterator[Finding]:
    """Yield a finding for each operator that does more than compute."""
    yield from findings_of(case, RULE_ID, GRADES)
