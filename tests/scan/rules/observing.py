"""From the bytes of a member over its reader to what a rule says of it."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType

from secureload.formats.reading import Observation, Problem
from secureload.scan.allowlist import load_default
from secureload.scan.case import Case
from secureload.scan.examine import all_rules
from secureload.scan.finding import Finding
from secureload.scan.part import Part
from tests.formats.feeding import feed


def case_of(reader: ModuleType, data: bytes, name: str = "model") -> Case:
    events = feed(reader, data, name)
    part = Part(
        path="",
        format="unknown",
        description="a file",
        observations=tuple(event for event in events if isinstance(event, Observation)),
        problems=tuple(event for event in events if isinstance(event, Problem)),
        bytes_total=len(data),
        bytes_examined=len(data),
    )
    return Case(part, load_default(), {})


def findings(rule: ModuleType, reader: ModuleType, data: bytes) -> list[Finding]:
    found = list(rule.check(case_of(reader, data)))
    assert all(finding.rule_id == rule.RULE_ID and finding.hint for finding in found)
    return found


def observed_codes(module: ModuleType, prefix: str) -> set[str]:
    """Every code that stands in the source of ``module`` as ``_observed("code", …)``."""
    assert module.__file__
    source = Path(module.__file__).read_text(encoding="utf-8")
    return {f"{prefix}.{code}" for code in re.findall(r"_observed\(\s*\"([a-z0-9-]+)\"", source)}


def graded_codes() -> set[str]:
    return {code for rule in all_rules() for code in rule.grades}
