"""Parts → Examination: every rule over every member."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache

import secureload.scan.rules
from secureload.formats.reading import Observation
from secureload.package_data import module_names
from secureload.pickles.trace import Trace
from secureload.printable import printable
from secureload.scan.allowlist import AllowList
from secureload.scan.case import Case
from secureload.scan.finding import Coverage, Examination, Finding, Location, Severity
from secureload.scan.loader_lists import allow_for
from secureload.scan.observed import Grade
from secureload.scan.part import Part, part_of_trace
from secureload.values import dataclass, replace

__all__ = ["ON_OBSERVATIONS", "Rule", "all_rules", "examine", "import_rules", "not_examinable"]


# The rules that only grade what readers observe, and of anything else say nothing.
ON_OBSERVATIONS = frozenset(
    {
        *(
            "boosted_trees",
            "chat_template",
            "code_beside",
            "embedded_pickle",
            "gguf_structure",
            "hdf5_external",
        ),
        *("hdf5_structure", "keras_config", "numpy_file", "onnx_external_files", "onnx_operators"),
        *(
            "onnx_structure",
            "safetensors_rules",
            "safetensors_two_readings",
            "sevenzip_rules",
            "shards_outside",
        ),
        *("skops_schema", "tar_rules", "tensorflow_operators", "tensorflow_structure", "third_opinion"),
        *(
            "torch_archive",
            "torchscript_code",
            "zip_checksums",
            "zip_headers",
            "zip_loose_bytes",
            "zip_names",
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule, as its module in :mod:`secureload.scan.rules` defines it.

    ``grades`` is there for a rule about what readers observe: the codes that it judges, and how. Of any other
    rule ``severities`` (the module's SEVERITIES) are those that its findings can have.
    """

    rule_id: str
    title: str
    explanation: str
    check: Callable[[Case], Iterable[Finding]]
    grades: Mapping[str, Grade]
    severities: tuple[Severity, ...] = ()


@cache
def all_rules() -> tuple[Rule, ...]:
    """Return every rule, by id: the modules of :mod:`secureload.scan.rules` are the catalog."""
    return _rules(module_names(secureload.scan.rules))


@cache
def _rules_without_observations() -> tuple[Rule, ...]:
    """Return the rules that may find something where no reader has observed anything."""
    names = module_names(secureload.scan.rules)
    return _rules(tuple(name for name in names if name not in ON_OBSERVATIONS))


def import_rules() -> None:
    """Import now what every examination needs."""
    _rules_without_observations()


def _rules(names: tuple[str, ...]) -> tuple[Rule, ...]:
    rules = []
    for name in names:
        module = importlib.import_module(f"secureload.scan.rules.{name}")
        grades = getattr(module, "GRADES", {})
        severities = getattr(module, "SEVERITIES", ())
        explanation = (module.__doc__ or "").strip()
        rules.append(Rule(module.RULE_ID, module.TITLE, explanation, module.check, grades, tuple(severities)))
    return tuple(sorted(rules, key=lambda rule: rule.rule_id))


def examine(
    read: Trace | Sequence[Part],
    allow: AllowList,
    installed: Mapping[str, str],
    *,
    most_findings: int = 1_000,
) -> Examination:
    """Return what the rules find in the parts of an artifact, or in the one trace that is all of it.

    Findings are bounded; what is cut off is itself a finding.
    """
    parts = (part_of_trace(read),) if isinstance(read, Trace) else tuple(read)
    findings: list[Finding] = []
    for finding in _findings(parts, allow, installed):
        if len(findings) == most_findings:
            findings.append(_too_many(most_findings))
            break
        findings.append(finding)
    return Examination(findings=tuple(findings), coverage=_coverage(parts), parts=parts)


def _coverage(parts: Sequence[Part]) -> Coverage:
    missing = [(part.path, why) for part in parts for why in _not_examined(part)]
    root = parts[0] if parts else None
    return Coverage(
        bytes_total=root.bytes_total if root is not None else 0,
        bytes_examined=root.bytes_examined if root is not None else 0,
        pickles=sum(part.trace.pickles for part in parts if part.trace is not None),
        members=sum(1 + part.data_members for part in parts if part.examined),
        not_examined=tuple(f"{path}: {why}" if path else why for path, why in missing),
    )


def _not_examined(part: Part) -> Iterator[str]:
    yield from (problem.message for problem in part.problems)
    if part.trace is not None:
        yield from (problem.message for problem in part.trace.problems)


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


def _findings(parts: Sequence[Part], allow: AllowList, installed: Mapping[str, str]) -> Iterator[Finding]:
    # To import the others takes as long as to judge a small file by these.
    rules = all_rules() if any(part.observations for part in parts) else _rules_without_observations()
    judged = {code for rule in rules for code in rule.grades}
    for part in parts:
        case = Case(part, allow_for(part, allow), installed)
        for rule in rules:
            yield from (_in_member(finding, part.path) for finding in rule.check(case))
        # A reader may come to know more than the rules do: what nobody judges is not harmless.
        for observation in part.observations:
            if observation.code not in judged:
                yield _nobody_judges(observation, part.path)


def _in_member(finding: Finding, path: str) -> Finding:
    if not path or finding.location.member:
        return finding
    return replace(finding, location=replace(finding.location, member=path))


def _nobody_judges(observation: Observation, path: str) -> Finding:
    return Finding(
        rule_id="SL201",
        severity=Severity.UNKNOWN,
        title=f"no rule judges this: {printable(observation.message)} ({printable(observation.code, 60)})",
        location=Location(observation.offset, member=path),
        hint="please report this file",
    )


def _too_many(shown: int) -> Finding:
    return Finding(
        rule_id="SL201",
        severity=Severity.UNKNOWN,
        title=f"more than {shown:,} findings; the rest is not listed",
        location=Location(-1),
    )
