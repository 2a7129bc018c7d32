"""What a model lacks for a policy: every rule answered, nothing loaded, nothing remembered."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime

from secureload.api.policies import resolve_policy
from secureload.api.verify import check_format, memory_of, open_signed, trusted, verify_opened
from secureload.errors import TrustError
from secureload.limits import DEFAULT_LIMITS, Limits
from secureload.policy.requirement import Answer, Requirement, answers
from secureload.policy.verdict import Policy
from secureload.policy.verification import Verification
from secureload.signing.truststore import TrustStore
from secureload.trust.memory import read_memory
from secureload.values import dataclass

__all__ = ["PolicyAnswers", "policy_answers"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyAnswers:
    """The rules with their answers, and a line for everything that is missing."""

    policy: Policy
    answers: tuple[Answer, ...]
    missing: tuple[str, ...]
    verification: Verification | None
    error: TrustError | None = None


def policy_answers(
    path: str | os.PathLike[str],
    *,
    policy: Policy | str | os.PathLike[str] | None = None,
    trust_store: TrustStore | str | os.PathLike[str] | None = None,
    name: str | None = None,
    limits: Limits = DEFAULT_LIMITS,
    progress: Callable[[int, int], None] | None = None,
) -> PolicyAnswers:
    """Ask the file or folder at ``path`` for everything that a policy requires.

    Raises :class:`UsageError` and :class:`ArtifactError` for what cannot be read; that nobody signed it is an answer.
    """
    wanted = resolve_policy(policy, limits)
    verification: Verification | None = None
    now = datetime.now(UTC)
    failure: TrustError | None = None
    try:
        store = trusted(trust_store, limits)
        memory = read_memory(memory_of(trust_store, store), limits)
        with open_signed(path, store, limits, progress=progress) as (artifact, envelopes):
            verification, now = verify_opened(
                artifact,
                envelopes,
                store,
                name=name,
                threshold=max(1, wanted.signers),
                memory=memory,
                limits=limits,
            )
            check_format(artifact, wanted)
    except TrustError as error:
        if verification is not None or wanted.signers:
            failure = error
    rules = wanted.requirements
    if wanted.signers and all(rule.statement != "signature" for rule in rules):
        rules = (Requirement(statement="signature", keys=wanted.signers), *rules)
    found = answers(rules, verification, now)
    missing = [answer.missing for answer in found if not answer.is_met]
    if wanted.require_version and not (
        verification is not None and any(one.version is not None for one in verification.statements)
    ):
        missing.append("a signed version")
    if failure is not None:
        missing.append(failure.message)
    return PolicyAnswers(
        policy=wanted, answers=found, missing=tuple(missing), verification=verification, error=failure
    )
