"""Policy, Verification, Examination → Verdict: pure and total."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import Enum
from typing import TYPE_CHECKING, Literal, NoReturn

from secureload.errors import ExitCode, TrustError, UsageError
from secureload.policy.requirement import Requirement, answers
from secureload.scan.finding import Examination, Severity
from secureload.values import dataclass

if TYPE_CHECKING:
    from secureload.policy.verification import Verification

__all__ = ["EXAMINE", "STANDARD", "Outcome", "Policy", "Reason", "Verdict", "decide", "shortfalls"]


class Outcome(Enum):
    """The three answers. There is no fourth, and UNDECIDED is not a weak yes."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What has to hold before an artifact is admitted. ``signers`` is how many distinct signer keys; 0 is none.

    ``fail_on`` is the severity from which on a finding counts: UNKNOWN, or a stricter one. A weaker policy
    cannot be had: it would admit what nobody has examined. ``requirements`` are all that must be stated and by
    whom, ``formats`` all that it may be (none: whatever is examined), ``allow`` exact names beside the allow-list
    that ships. ``require_version`` asks for a signed version, so that going back to an older one is noticed.
    """

    name: str
    signers: int
    fail_on: Severity = Severity.UNKNOWN
    requirements: tuple[Requirement, ...] = ()
    formats: tuple[str, ...] = ()
    allow: tuple[str, ...] = ()
    require_version: bool = False
    reason: str = ""

    def __post_init__(self) -> None:
        if self.fail_on is Severity.DANGEROUS:
            raise UsageError(
                "a policy that lets the unknown pass cannot be had",
                hint="allow what you know by its name, or look at the findings yourself",
            )


# For a file that arrived: what it would do decides; signatures are reported, and a broken one counts.
EXAMINE = Policy(name="examine", signers=0)
# For production: one trusted signer, and nothing in it that is not on the allow-list.
STANDARD = Policy(name="standard", signers=1)


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a verdict is not ACCEPTED."""

    kind: Literal["dangerous", "untrusted", "undecided"]
    text: str


_SEVERITIES = tuple(Severity)  # the worst first
_CODES = {
    "dangerous": ExitCode.REJECTED,
    "untrusted": ExitCode.UNTRUSTED,
    "undecided": ExitCode.UNDECIDED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What was decided about the artifact with this digest, by which policy, and why.

    ``reduced_confinement`` marks a verdict that was acted upon with these required layers of the sandbox relaxed or
    missing, because the caller accepted it.
    """

    outcome: Outcome
    policy: str
    artifact_digest: bytes
    reasons: tuple[Reason, ...] = ()
    reduced_confinement: tuple[str, ...] = ()

    def __bool__(self) -> NoReturn:
        raise TypeError("a Verdict has three values: compare its outcome")

    @property
    def exit_code(self) -> ExitCode:
        """The exit code: 1 before 4 before 3; 0 only where the outcome is ACCEPTED."""
        return ExitCode.worst([_CODES[reason.kind] for reason in self.reasons])

    @property
    def summary(self) -> str:
        """One line: the outcome, and the first reason for it."""
        if not self.reasons:
            mark = f", in reduced confinement ({', '.join(self.reduced_confinement)})"
            return f"accepted by the policy {self.policy!r}{mark if self.reduced_confinement else ''}"
        more = f" (and {len(self.reasons) - 1:,} more)" if len(self.reasons) > 1 else ""
        return f"{self.outcome.value}: {self.reasons[0].text}{more}"


def decide(
    policy: Policy,
    verification: Verification | TrustError | None,
    examination: Examination,
    artifact_digest: bytes,
    *,
    now: datetime | None = None,
) -> Verdict:
    """Return the verdict. ``verification`` is an error where there was nothing to verify, None if not asked.

    ``now`` is when: how old a statement is counts from then.
    """
    found = [
        Reason("dangerous" if finding.severity is Severity.DANGEROUS else "undecided", finding.title)
        for finding in sorted(examination.findings, key=lambda finding: _SEVERITIES.index(finding.severity))
        if _SEVERITIES.index(finding.severity) <= _SEVERITIES.index(policy.fail_on)
    ]
    if not examination.coverage.complete and not any(reason.kind == "undecided" for reason in found):
        found.append(Reason("undecided", "not everything was examined"))
    found.extend(Reason("undecided", text) for text in _unfit_formats(policy, examination))
    trust = _trust(policy, verification, now)
    order = ("dangerous", "untrusted", "undecided")
    reasons = tuple(sorted([*found, *trust], key=lambda reason: order.index(reason.kind)))
    if not reasons:
        outcome = Outcome.ACCEPTED
    elif reasons[0].kind == "undecided":
        outcome = Outcome.UNDECIDED
    else:
        outcome = Outcome.REJECTED
    return Verdict(outcome=outcome, policy=policy.name, artifact_digest=artifact_digest, reasons=reasons)


def _unfit_formats(policy: Policy, examination: Examination) -> list[str]:
    """Return a line where the artifact is of a format that the policy does not admit."""
    if not policy.formats or not examination.parts or examination.parts[0].format in policy.formats:
        return []
    wanted = ", ".join(policy.formats)
    return [f"the policy {policy.name!r} admits {wanted}, and this is {examination.parts[0].format}"]


def shortfalls(policy: Policy, verification: Verification | None, now: datetime | None) -> tuple[str, ...]:
    """Return what a policy requires and a verification does not have, a line each."""
    missing = [
        f"the policy {policy.name!r} requires: {answer.missing}"
        for answer in answers(policy.requirements, verification, now or datetime.max.replace(tzinfo=UTC))
        if not answer.is_met
    ]
    if policy.require_version and not (
        verification is not None and any(one.version is not None for one in verification.statements)
    ):
        missing.append(f"the policy {policy.name!r} requires: a signed version")
    return tuple(missing)


def _trust(
    policy: Policy, verification: Verification | TrustError | None, now: datetime | None
) -> list[Reason]:
    if isinstance(verification, TrustError):
        return [Reason("untrusted", verification.message)]
    if verification is None:
        return [Reason("untrusted", "nobody was asked who signed it")] if policy.signers else []
    if policy.signers and len(verification.signers) < policy.signers:
        error = verification.error()
        text = error.message if error is not None else f"{policy.signers} signers are required"
        return [Reason("untrusted", text)]
    return [Reason("untrusted", text) for text in shortfalls(policy, verification, now)]
