"""The rules as pages of a report: what their ids mean, how bad what they find is, and where they stand."""

from __future__ import annotations

import importlib
from functools import cache

from secureload.report.rule_page import RulePage
from secureload.scan.examine import Rule, all_rules
from secureload.scan.finding import Severity

__all__ = ["rule_pages"]


@cache
def rule_pages() -> tuple[RulePage, ...]:
    """Return a page for every rule, by id."""
    return tuple(_page(rule) for rule in all_rules())


def _page(rule: Rule) -> RulePage:
    order = tuple(Severity)
    # A rule about what the walk over the opcodes notices grades codes as those about readers do.
    noticed = getattr(importlib.import_module(rule.check.__module__), "GRADES_OF_ANOMALIES", {})
    grades = {**rule.grades, **noticed}
    severities = sorted({grade.severity for grade in grades.values()} | set(rule.severities), key=order.index)
    return RulePage(
        id=rule.rule_id,
        name=rule.check.__module__.rpartition(".")[2],
        title=rule.title,
        explanation=rule.explanation,
        severities=tuple(severity.value for severity in severities),
        source=rule.check.__module__.replace(".", "/") + ".py",
        codes=tuple(
            (code, grade.severity.value, grade.confidence.value, grade.hint)
            for code, grade in sorted(grades.items())
        ),
    )
