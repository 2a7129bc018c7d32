"""The configuration of a Keras model names something that runs code or reads files when the model is loaded.

A Keras model is a list of layers by name, with their arguments. A Lambda layer carries Python code with it
(CVE-2024-3660); in HDF5 files Keras ran it whatever ``safe_mode`` said (CVE-2025-9905). Other layers unpickle a
module of PyTorch (CVE-2025-49655), load a SavedModel, or read a file whose path or address the configuration gives
(CVE-2025-12058). Classes and functions by name are judged by the list of those that Keras itself ships for models:
any other name is how CVE-2025-1550, CVE-2025-8747 and CVE-2025-9906 worked.

Example: a Lambda layer, or ``"module": "os", "class_name": "system"``.

What to do: do not load a model that carries code. Ask its sender for one without Lambda layers, or for the
weights, and build the layers from code that you trust. Name your own layers with ``--allow package:Class``.
"""

from __future__ import annotations

from collections.abc import Iterator

from secureload.scan.case import Case
from secureload.scan.finding import Finding, Severity
from secureload.scan.observed import Grade, findings_of

RULE_ID = "SL460"
TITLE = "Keras configuration"
_CODE = "do not load it; ask for a model without code in it"
_ASK = "find out what it is for, from whoever made the model"
GRADES = {
    "keras.lambda": Grade(Severity.DANGEROUS, _CODE),
    "keras.code": Grade(Severity.DANGEROUS, _CODE),
    "keras.no-part": Grade(Severity.DANGEROUS, "Keras itself refuses it by now; do not load the file"),
    "keras.loads-code": Grade(Severity.DANGEROUS, _CODE),
    "keras.tensorflow-function": Grade(Severity.DANGEROUS, _CODE),
    "keras.path-outside": Grade(Severity.DANGEROUS, "ask for a model that holds its vocabulary"),
    "keras.repeated-key": Grade(Severity.DANGEROUS, "Keras does not write this; do not load the file"),
    "keras.path": Grade(Severity.UNKNOWN, "ask for a model that holds its vocabulary"),
    "keras.odd-object": Grade(Severity.UNKNOWN, _ASK),
    "keras.unread-member": Grade(Severity.NOTE, "it was examined all the same"),
}


def check(case: Case) -> Iterator[Finding]:
    """Yield a finding for each observation about a Keras configuration."""
    yield from findings_of(case, RULE_ID, GRADES)
