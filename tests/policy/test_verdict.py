from __future__ import annotations

import itertools

import pytest

from secureload.errors import ExitCode, UnsignedError, UsageError
from secureload.policy.verdict import EXAMINE, STANDARD, Outcome, Policy, Reason, Verdict, decide
from secureload.policy.verification import Verification
from secureload.scan.finding import Coverage, Examination, Finding, Location, Severity

DIGEST = bytes(32)
UNSIGNED = UnsignedError("there is no signature")
NOBODY = Verification(results=(), role="signer", threshold=1)


def examination(*severities: Severity, complete: bool = True) -> Examination:
    findings = tuple(
        Finding(rule_id="SL000", severity=severity, title=f"a {severity.value} finding", location=Location())
        for severity in severities
    )
    missing = () if complete else ("the rest",)
    coverage = Coverage(bytes_total=9, bytes_examined=9, pickles=1, not_examined=missing)
    return Examination(findings=findings, coverage=coverage)


def outcome(policy: Policy, *severities: Severity, complete: bool = True) -> tuple[Outcome, ExitCode]:
    verdict = decide(policy, None, examination(*severities, complete=complete), DIGEST)
    return verdict.outcome, verdict.exit_code


def test_a_verdict_has_no_truth_value() -> None:
    with pytest.raises(TypeError, match="three values"):
        bool(decide(EXAMINE, None, examination(), DIGEST))


def test_nothing_found_in_what_was_wholly_examined_is_accepted() -> None:
    assert outcome(EXAMINE) == (Outcome.ACCEPTED, ExitCode.ACCEPTED)
    assert outcome(EXAMINE, Severity.WARNING, Severity.NOTE) == (Outcome.ACCEPTED, ExitCode.ACCEPTED)


def test_what_was_not_examined_is_undecided_even_if_no_rule_said_so() -> None:
    assert outcome(EXAMINE, complete=False) == (Outcome.UNDECIDED, ExitCode.UNDECIDED)


def test_unknown_is_undecided_and_dangerous_is_rejected() -> None:
    assert outcome(EXAMINE, Severity.UNKNOWN) == (Outcome.UNDECIDED, ExitCode.UNDECIDED)
    assert outcome(EXAMINE, Severity.DANGEROUS) == (Outcome.REJECTED, ExitCode.REJECTED)


@pytest.mark.parametrize(
    "order", list(itertools.permutations([Severity.UNKNOWN, Severity.DANGEROUS, Severity.NOTE]))
)
def test_dangerous_wins_in_whatever_order_the_findings_come(order: tuple[Severity, ...]) -> None:
    assert outcome(EXAMINE, *order, complete=False) == (Outcome.REJECTED, ExitCode.REJECTED)


@pytest.mark.parametrize("verification", [None, UNSIGNED, NOBODY])
def test_a_policy_that_asks_for_a_signer_accepts_nothing_without_one(
    verification: Verification | UnsignedError | None,
) -> None:
    verdict = decide(STANDARD, verification, examination(), DIGEST)
    assert (verdict.outcome, verdict.exit_code) == (Outcome.REJECTED, ExitCode.UNTRUSTED)


def test_a_policy_that_asks_for_nobody_says_nothing_of_a_missing_signature() -> None:
    assert decide(EXAMINE, NOBODY, examination(), DIGEST).outcome is Outcome.ACCEPTED


def test_a_signature_that_is_plainly_wrong_counts_under_every_policy() -> None:
    verdict = decide(EXAMINE, UNSIGNED, examination(), DIGEST)
    assert (verdict.outcome, verdict.exit_code) == (Outcome.REJECTED, ExitCode.UNTRUSTED)


def test_dangerous_comes_before_untrusted_and_untrusted_before_undecided() -> None:
    verdict = decide(STANDARD, UNSIGNED, examination(Severity.UNKNOWN, Severity.DANGEROUS), DIGEST)
    assert [reason.kind for reason in verdict.reasons] == ["dangerous", "untrusted", "undecided"]
    assert verdict.exit_code is ExitCode.REJECTED
    verdict = decide(STANDARD, UNSIGNED, examination(Severity.UNKNOWN), DIGEST)
    assert (verdict.outcome, verdict.exit_code) == (Outcome.REJECTED, ExitCode.UNTRUSTED)


def test_the_summary_is_one_line_that_counts_the_rest() -> None:
    reasons = (Reason("dangerous", "first"), Reason("undecided", "second"))
    verdict = Verdict(outcome=Outcome.REJECTED, policy="p", artifact_digest=DIGEST, reasons=reasons)
    assert verdict.summary == "rejected: first (and 1 more)"
    assert decide(EXAMINE, None, examination(), DIGEST).summary == "accepted by the policy 'examine'"
    assert decide(EXAMINE, None, examination(), DIGEST).artifact_digest == DIGEST


@pytest.mark.parametrize(
    "severities", itertools.chain.from_iterable(itertools.combinations(Severity, n) for n in range(5))
)
@pytest.mark.parametrize("complete", [True, False])
@pytest.mark.parametrize("policy", [EXAMINE, STANDARD])
def test_an_outcome_is_accepted_exactly_where_the_exit_code_is_zero(
    severities: tuple[Severity, ...], complete: bool, policy: Policy
) -> None:
    verdict = decide(policy, None, examination(*severities, complete=complete), DIGEST)
    assert (verdict.outcome is Outcome.ACCEPTED) == (verdict.exit_code == 0) == (not verdict.reasons)


@pytest.mark.parametrize(
    ("fail_on", "counted"),
    [
        (Severity.UNKNOWN, {Severity.DANGEROUS, Severity.UNKNOWN}),
        (Severity.WARNING, {Severity.DANGEROUS, Severity.UNKNOWN, Severity.WARNING}),
        (Severity.NOTE, set(Severity)),
    ],
)
def test_a_stricter_policy_counts_more_and_none_counts_less(
    fail_on: Severity, counted: set[Severity]
) -> None:
    policy = Policy(name="strict", signers=0, fail_on=fail_on)
    for severity in Severity:
        verdict = decide(policy, None, examination(severity), DIGEST)
        assert (verdict.exit_code != 0) == (severity in counted)
        assert (verdict.exit_code == 1) == (severity is Severity.DANGEROUS)


def test_no_policy_lets_the_unknown_pass() -> None:
    with pytest.raises(UsageError):
        Policy(name="weak", signers=0, fail_on=Severity.DANGEROUS)
