"""A TorchScript model holds code, which ``torch.jit.load`` compiles.

TorchScript is a small language of its own: it cannot import, open or call Python. Its methods run when the model
is called, ``__setstate__`` already while it is loaded. All that it can do besides goes through operators. Those that
PyTorch ships for models (``aten``, ``prim``, ``quantized`` and the like) compute, and a model that uses nothing else is
accepted. A few of them reach outside: ``aten::save`` writes a file, ``aten::from_file`` maps one, ``rpc`` runs
functions on other machines; no model needs them. Operators and classes of other libraries do what these do.

Example: ``ops.aten.save(x, "file")`` in the method ``__setstate__``.

What to do: load a model of unknown origin from its weights (safetensors) and the code of a library that you
trust. Where an operator is unknown, look it up in the library that it is from.
"""

from __future__ import annotations

from collections.abc import Iterator

from secureload.scan.case import Case
from secureload.scan.finding import Confidence, Finding, Severity
from secureload.scan.observed import Grade, findings_of

RULE_ID = "SL421"
TITLE = "TorchScript code"
GRADES = {
    "torchscript.outside": Grade(
        Severity.DANGEROUS, "no model needs this to predict; do not load the file", Confidence.MEDIUM
    ),
    "torchscript.unknown-operator": Grade(
        Severity.UNKNOWN, "find out which library it is from, and what it does", Confidence.MEDIUM
    ),
    "torchscript.runs-on-load": Grade(Severity.NOTE, "quantized models restore their weights like this"),
    "torchscript.code": Grade(Severity.NOTE, "its operators were listed; the weights alone need no code"),
}


def check(case: Case) -> Iterator[Finding]:
    """Yield a finding for each observation about TorchScript code."""
    yield from findings_of(case, RULE_ID, GRADES)
