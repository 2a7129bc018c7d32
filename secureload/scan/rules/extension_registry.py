"""The payload uses an EXT opcode: a global that is named by a number of the ``copyreg`` extension registry.

What it finds: the opcodes EXT1, EXT2 and EXT4.

Why it matters: which object that is depends on the loading process, and a cached one is returned without asking
``find_class``. No library saves models with it. The opcode came with protocol 2: bytes that begin with no protocol mark
may hit upon it by chance, and are undecided.

Example: ``copyreg.add_extension('os', 'system', 240)``, and then EXT1 240.

What to do: do not load the file; ask its sender what it is for.
"""

from __future__ import annotations

from collections.abc import Iterator

from secureload.scan.case import Case
from secureload.scan.finding import Finding, Location, Severity

RULE_ID = "SL109"
TITLE = "Extension registry"
SEVERITIES = (Severity.DANGEROUS, Severity.UNKNOWN)

_FIRST_PROTOCOL = 2


def check(case: Case) -> Iterator[Finding]:
    """Yield a finding for the EXT opcode at which the trace ended."""
    for problem in case.trace.problems:
        if problem.kind == "extension":
            yield Finding(
                rule_id=RULE_ID,
                severity=Severity.DANGEROUS if case.trace.protocol >= _FIRST_PROTOCOL else Severity.UNKNOWN,
                title=problem.message,
                location=Location(problem.offset, "EXT"),
                hint="do not load this file; ask its sender what it is for",
            )
