"""Which policy counts: a value, a named profile, or a file."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

from secureload.errors import RequirementError, UsageError
from secureload.limits import DEFAULT_LIMITS, Limits
from secureload.policy.policy_toml import parse_policy_toml, profile
from secureload.policy.verdict import STANDARD, Policy, shortfalls
from secureload.policy.verification import Verification
from secureload.printable import printable
from secureload.trust.files import read_file

__all__ = ["require", "resolve_policy"]


def resolve_policy(
    policy: Policy | str | os.PathLike[str] | None,
    limits: Limits = DEFAULT_LIMITS,
    default: Policy = STANDARD,
) -> Policy:
    """Return the policy that is meant: by the name of a profile, or by a path (with a ``/`` or ``.toml``).

    A plain word is never looked for in the working directory. Raises :class:`UsageError` for anything else.
    """
    if policy is None:
        return default
    if isinstance(policy, Policy):
        return policy
    if not isinstance(policy, str | os.PathLike):
        raise UsageError(
            f"a policy is a name or the path of a file, not {printable(type(policy).__name__, 60)}"
        )
    text = os.fspath(policy)
    if isinstance(policy, str) and "/" not in text and not text.endswith(".toml"):
        return profile(text)
    path = Path(text)
    return parse_policy_toml(read_file(path, limits.policy_bytes), limits, where=printable(path, 160))


def require(policy: Policy, verification: Verification, now: datetime) -> None:
    """Raise what is missing for this policy: the signatures' own error, or :class:`RequirementError`."""
    if len(verification.signers) < policy.signers:
        verification.require()
    missing = shortfalls(policy, verification, now)
    if missing:
        more = f" (and {len(missing) - 1:,} more)" if len(missing) > 1 else ""
        raise RequirementError(
            f"{missing[0]}{more}",
            hint="'secureload policy test' lists all that is missing; 'secureload attest' makes such statements",
            missing=missing,
        )
