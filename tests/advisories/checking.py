"""Write a payload, check it by the public function, and say what was found."""

from __future__ import annotations

from pathlib import Path

import secureload
from secureload.pickles.assembler import Assembler
from secureload.policy.verdict import Outcome
from secureload.scan.finding import Finding, Severity


def call(module: str, name: str, protocol: int = 4) -> bytes:
    """A pickle that calls the global with one text, which does nothing."""
    return Assembler(protocol).stack_global(module, name).mark().text("echo hello").tuple_().reduce().stop()


EVIL = call("os", "system")


def dangerous(folder: Path, data: bytes, name: str = "model.pkl") -> list[Finding]:
    """Return what makes ``check`` reject the file; fail if it does not."""
    outcome, findings = checked(folder, data, name)
    assert outcome is Outcome.REJECTED, findings
    return [item for item in findings if item.severity is Severity.DANGEROUS]


def not_accepted(folder: Path, data: bytes, name: str = "model.pkl") -> list[Finding]:
    """Return what keeps ``check`` from accepting the file; fail if it accepts it."""
    outcome, findings = checked(folder, data, name)
    assert outcome is not Outcome.ACCEPTED
    return [item for item in findings if item.severity in {Severity.DANGEROUS, Severity.UNKNOWN}]


def checked(folder: Path, data: bytes, name: str = "model.pkl") -> tuple[Outcome, list[Finding]]:
    path = folder / name
    path.write_bytes(data)
    found = secureload.check(path)
    return found.verdict.outcome, list(found.examination.findings)


def names(findings: list[Finding], text: str) -> bool:
    """Whether one of the findings says ``text``, in its title or in what it shows."""
    return any(text in item.title or text in item.detail for item in findings)
