"""What the rules say of one operation, for the tests of the lists that the rules go by."""

from __future__ import annotations

from secureload.pickles.trace import GlobalRef, Import, Operation, Result, Trace
from secureload.scan.allowlist import AllowList
from secureload.scan.examine import examine
from secureload.scan.finding import Severity


def why_not(allow: AllowList, operation: Operation) -> str | None:
    """Return None where no rule objects to the operation and its target, else the title of the first that does."""
    target = operation.target
    ref = target if isinstance(target, GlobalRef) else target.of if isinstance(target, Result) else None
    imports = () if ref is None else (Import(ref),)
    trace = Trace(reading="pickle", imports=imports, operations=(operation,), pickles=1)
    serious = {Severity.DANGEROUS, Severity.UNKNOWN}
    titles = [found.title for found in examine(trace, allow, {}).findings if found.severity in serious]
    return titles[0] if titles else None
