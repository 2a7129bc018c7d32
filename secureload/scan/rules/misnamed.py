"""The file's name promises another format than its content has.

Content decides how a file is read here; its name is a hint that people and other programs go by. A program
(a pickle) under the name of a format that is only data, such as ``weights.safetensors``, is made to get past
somebody: undecided. So is text or nothing known under the name of a model. Formats of one family under each other's
names, such as a plain pickle called ``.pt``, are only told.

Example: a pickle that is called ``weights.safetensors``.

What to do: ask the sender why the file is called so, or rename it to what it is.
"""

from __future__ import annotations

from collections.abc import Iterator

from secureload.scan.case import Case
from secureload.scan.finding import Confidence, Finding, Location, Severity

RULE_ID = "SL202"
TITLE = "Misnamed"
SEVERITIES = (Severity.UNKNOWN, Severity.WARNING)

_PROGRAMS = frozenset({"pickle", "compressed", "joblib-zfile", "zip", "tar", "7z"})
_NOT_MODELS = frozenset({"text", "unknown"})
_DATA_ENDINGS = (".npy", ".safetensors", ".onnx", ".gguf", ".h5", ".hdf5", ".txt", ".md", ".csv", ".json", ".toml",
                 ".yaml", ".yml")  # fmt: skip


def check(case: Case) -> Iterator[Finding]:
    """Yield a finding where the name and the content disagree."""
    said = case.part.extension_disagrees
    if said:
        program = case.part.format in _PROGRAMS and any(f"ends in {e}," in said for e in _DATA_ENDINGS)
        serious = program or case.part.format in _NOT_MODELS
        yield Finding(
            rule_id=RULE_ID,
            severity=Severity.UNKNOWN if serious else Severity.WARNING,
            confidence=Confidence.HIGH if serious else Confidence.MEDIUM,
            title=said,
            location=Location(0),
            hint="ask the sender why it is called so, or rename it to what it is",
        )
