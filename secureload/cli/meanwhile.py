"""What the judgement of one file will need, read while its worker starts: it waits for that anyway.

Nothing is decided here: what is not read now is read when it is needed.
"""

from __future__ import annotations

import importlib
from typing import Final

from secureload.scan.allowlist import read_ahead
from secureload.scan.examine import import_rules

__all__ = ["read_meanwhile"]

_LATE: Final = ("secureload.api.run_report", "secureload.pickles.distill", "encodings.ascii")
_LATE_TEXT: Final = ("secureload.report.terminal", "shutil")


def read_meanwhile(head: bytes, *, text: bool) -> None:
    """Import the rules, what renders the report as ``text``, and the allow-lists of what a file's ``head`` names."""
    import_rules()
    for module in (*_LATE, *(_LATE_TEXT if text else ())):
        importlib.import_module(module)
    read_ahead(head)
