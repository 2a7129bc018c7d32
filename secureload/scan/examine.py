"""Trace → Examination: every rule over every trace."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache

import secureload.scan.rules
from secureload.pickles.trace import Trace
from secureload.scan.allowlist import AllowList
from secureload.scan.case import Case
from secureload.scan.finding import Coverage, Examination, Finding, Location, Severity

__all__ = ["Rule", "all_rules", "examine", "not_examinable"]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule, as its module in :mod:`secureload.scan.rules` defines it."""

    rule_id: str
    title: str
    explanation: str
    check: Callable[[Case], Iterable[Finding]]


@cache
def all_rules() -> tuple[Rule, ...]:
    """Return every rule, by id: the modules of :mod:`secureload.scan.rules` are the catalog."""
    rules = []
    for info in pkgutil.iter_modules(secureload.scan.rules.__path__):
        module = importlib.import_module(f"secureload.scan.rules.{info.name}")
        rules.append(Rule(module.RULE_ID, module.TITLE, (module.__doc__ or "").strip(), module.check))
    return tuple(sorted(rules, key=lambda rule: rule.rule_id))


def examine(
    trace: Trace, allow: AllowList, installed: Mapping[str, str], *, most_findings: int = 1_000
) -> Examination:
    """Return what the rules find in ``trace``. Findings are bounded; what is cut off is itself a finding."""
    case = Case(trace, allow, installed)
    findings: list[Finding] = []
    for finding in _findings(case):
        if len(findings) == most_findings:
            findings.append(_too_many(most_findings))
            break
        findings.append(finding)
    coverage = Coverage(
        bytes_total=trace.bytes_total,
        bytes_examined=trace.bytes_examined,
        pickles=trace.pickles,
        not_examined=tuple(problem.message for problem in trace.problems),
    )
    return Examination(findings=tuple(findings), coverage=coverage, trace=trace)


def not_examinable(what: str, size: int, *, hint: str) -> Examination:
    """Return the examination of something that no reader here fits: undecided, and it says so."""
    finding = Finding(
        rule_id="SL201",
        severity=Severity.UNKNOWN,
        title=f"not examined: {what}",
        location=Location(0),
        hint=hint,
    )
    coverage = Coverage(bytes_total=size, bytes_examined=0, pickles=0, not_examined=(what,))
    return Examination(findings=(finding,), coverage=coverage)


def _findings(case: Case) -> Iterator[Finding]:
    for rule in all_rules():
        yield from rule.check(case)


def _too_many(shown: int) -> Finding:
    return Finding(
        rule_id="SL201",
        severity=Severity.UNKNOWN,
        title=f"more than {shown:,} findings; the rest is not listed",
        location=Location(-1),
    )
