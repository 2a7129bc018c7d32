"""What a policy requires: which statements, by which roles, by how many distinct keys, and how old."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from secureload.printable import printable
from secureload.values import dataclass

if TYPE_CHECKING:  # what verifies signatures is imported where there is one
    from secureload.policy.signature_rules import SignatureResult
    from secureload.policy.verification import Verification

__all__ = ["STATEMENTS", "Answer", "Requirement", "answers"]

# Every kind of statement, and whether a signer's own key counts for it unless the policy says otherwise.
STATEMENTS: Final = {"signature": True, "metadata": True, "lineage": True, "scan": True, "approval": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """One rule: at least ``keys`` distinct trusted keys made such a ``statement`` about this model.

    ``role`` is a role that the keys must have beside the one that their kind of statement asks for, ``by`` names the
    only keys that count, ``max_age`` is how long ago it may have been made. ``independent`` is the rule of four
    eyes: a key that signed the model does not count.
    """

    statement: str
    keys: int = 1
    role: str = ""
    by: tuple[str, ...] = ()
    max_age: timedelta | None = None
    independent: bool = False
    reason: str = ""

    def describe(self) -> str:
        """Return the rule in one line."""
        parts = [f"{self.statement} by {self.keys:,} {'key' if self.keys == 1 else 'distinct keys'}"]
        if self.role:
            parts.append(f"trusted as {self.role}")
        if self.by:
            parts.append(f"of {', '.join(self.by)}")
        if self.independent:
            parts.append("that did not sign it")
        if self.max_age is not None:
            parts.append(f"not older than {_days(self.max_age)}")
        return " ".join(parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Whether a requirement is met: by whom, and what of the rest does not count and why."""

    requirement: Requirement
    counted: tuple[str, ...]
    not_counted: tuple[str, ...]

    @property
    def is_met(self) -> bool:
        """Whether enough distinct keys count."""
        return len(self.counted) >= self.requirement.keys

    @property
    def missing(self) -> str:
        """One line: what is missing; empty where nothing is."""
        if self.is_met:
            return ""
        found = ", ".join(self.counted) or "none"
        why = f"; not counted: {'; '.join(self.not_counted)}" if self.not_counted else ""
        return f"{self.requirement.describe()} (there: {found}){why}"


def answers(
    requirements: Sequence[Requirement], verification: Verification | None, now: datetime
) -> tuple[Answer, ...]:
    """Ask a verification for every requirement, in their order; without one nothing is met. Total."""
    return tuple(_answer(requirement, verification, now) for requirement in requirements)


def _answer(requirement: Requirement, verification: Verification | None, now: datetime) -> Answer:
    if verification is None:
        return Answer(requirement=requirement, counted=(), not_counted=())
    results = verification.results if requirement.statement == "signature" else verification.attestations
    signers = {key.public_key.raw for key in verification.signers}
    counted: dict[bytes, str] = {}
    refused: list[str] = []
    for result in results:
        if result.kind != requirement.statement:
            continue
        problem = _problem(result, requirement, signers, now)
        if problem:
            refused.append(problem)
        elif result.key is not None:
            counted[result.key.public_key.raw] = result.key.name
    return Answer(requirement=requirement, counted=tuple(counted.values()), not_counted=tuple(refused))


def _problem(result: SignatureResult, requirement: Requirement, signers: set[bytes], now: datetime) -> str:
    """Return why a result does not count for this requirement, or ""."""
    if result.status.value != "good" or result.key is None:
        return result.message
    key, said = result.key, result.statement or result.attestation
    if requirement.independent and key.public_key.raw in signers:
        return f"{key.name} also signed the model"
    if requirement.role and requirement.role not in key.roles:
        return f"{key.name} is not trusted as {requirement.role}"
    if requirement.by and key.name not in requirement.by:
        return f"{key.name} is not among {printable(', '.join(requirement.by), 80)}"
    if said is not None and requirement.max_age is not None and now - said.created > requirement.max_age:
        return f"that of {key.name} is {_days(now - said.created)} old"
    return ""


def _days(age: timedelta) -> str:
    hours = int(age.total_seconds() // 3600)
    return f"{hours // 24:,} days" if hours >= 48 else f"{hours:,} hours"
