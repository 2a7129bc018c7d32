"""The model was saved under another version of its library than the one that is installed here.

What it finds: the versions that the file states, where they are not those that are installed.

Why it matters: scikit-learn does not promise that models load, or predict the same, under another version. The payload
says which version saved it; nothing needs to be loaded to know.

Example: ``_sklearn_version`` 1.3.0, and scikit-learn 1.5.2 is installed.

What to do: load it with the version that saved it (``pip install scikit-learn==1.3.0``), or train it again.
"""

from __future__ import annotations

from collections.abc import Iterator

from secureload.scan.case import Case
from secureload.scan.finding import Finding, Location, Severity

RULE_ID = "SL301"
TITLE = "Other library version"
SEVERITIES = (Severity.WARNING,)


def check(case: Case) -> Iterator[Finding]:
    """Yield a finding for each recorded version that is not the installed one."""
    for library, saved in case.trace.versions:
        here = case.installed.get(library)
        if here != saved:
            now = f"{library} {here} is installed here" if here else f"{library} is not installed here"
            yield Finding(
                rule_id=RULE_ID,
                severity=Severity.WARNING,
                title=f"saved with {library} {saved}; {now}",
                location=Location(-1),
                detail="it may fail to load, or predict differently",
                hint=f"use the version that it was saved with: pip install {library}=={saved}",
            )
