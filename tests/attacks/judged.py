"""What the scanner finds in a payload by the allow-list that is shipped."""

from __future__ import annotations

from secureload.scan.allowlist import load_default
from secureload.scan.examine import examine
from secureload.scan.finding import Severity

from ..pickles.tracing import trace


def objections(data: bytes) -> list[str]:
    """Return the titles of what keeps ``data`` from being accepted; none means that it is."""
    found = examine(trace(data), load_default(), {}).findings
    return [item.title for item in found if item.severity in {Severity.DANGEROUS, Severity.UNKNOWN}]


def judged(data: bytes) -> dict[str, str]:
    """Return the rules that object to ``data``, each with the severity of what it finds."""
    found = examine(trace(data), load_default(), {}).findings
    return {
        item.rule_id: item.severity.name
        for item in found
        if item.severity in {Severity.DANGEROUS, Severity.UNKNOWN}
    }
