"""A part of the artifact could not be examined, or a limit was reached.

What it finds: damaged or truncated bytes, formats that have no reader here, encrypted members, members nested too deep,
and whatever is larger, longer or more than a limit allows. It names the limit.

Why it matters: what was not looked at is never clean. The verdict is undecided, whatever was found in the rest; what
comes before the damage counts.

Example: a pickle that breaks off, or an archive that expands to more than ``expanded_bytes``.

What to do: get the file again from its sender. Raise a limit only for a file whose size you expect.
"""

from __future__ import annotations

from collections.abc import Iterator

from secureload.formats.reading import Problem
from secureload.pickles.trace import TraceProblem
from secureload.scan.case import Case
from secureload.scan.finding import Finding, Location, Severity

RULE_ID = "SL201"
TITLE = "Not examined"
SEVERITIES = (Severity.UNKNOWN,)

_TITLES = {
    "malformed": "it cannot be read to its end",
    "limit": "a limit was reached",
    "trailing": "something follows the pickle",
    "unsupported": "not examined",
}
_HINTS = {
    "malformed": "the file is damaged, cut off, or not a pickle; get it again from its sender",
    "limit": "raise the limit only for a file whose size you expect",
    "trailing": "a loader ignores these bytes; a file that was saved by joblib or pickle has none",
    "unsupported": "save it again with a current version of its library",
}


def check(case: Case) -> Iterator[Finding]:
    """Yield a finding for each problem of the trace, and one where there was nothing to trace."""
    problems: tuple[Problem | TraceProblem, ...] = (*case.part.problems, *case.trace.problems)
    for problem in problems:
        if problem.kind in _TITLES:
            yield Finding(
                rule_id=RULE_ID,
                severity=Severity.UNKNOWN,
                title=f"{_TITLES[problem.kind]}: {problem.message}",
                location=Location(problem.offset),
                hint=_HINTS[problem.kind],
            )
    if not problems and not case.part.examined and case.trace.pickles == 0:
        yield Finding(
            rule_id=RULE_ID,
            severity=Severity.UNKNOWN,
            title="there is nothing in it to examine",
            location=Location(0),
            hint="the file is empty; get it again from its sender",
        )
