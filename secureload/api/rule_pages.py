"""The rules as pages of a report: what their ids mean, how bad what they find is, and where they stand."""

from __future__ import annotations

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
    severities = sorted(
        {grade.severity for grade in rule.grades.values()} | set(rule.severities), key=order.index
    )
    return RulePage(
        id=rule.rule_id,
        name=rule.check.__module__.rpartition(".")[2],
        title=rule.title,
        explanation=rule.explanation,
        severities=tuple(severity.value for severity in severities),
        source=rule.check.__module__.replace(".", "/") + ".py",
        codes=tuple(
            (code, grade.severity.value, grade.confidence.value, grade.hint)
            for code, grade in sorted(rule.grades.items())
        ),
    )
