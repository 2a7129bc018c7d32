"""The errors, their codes and their exit codes are public: this table is the contract."""

from __future__ import annotations

import inspect
import itertools

import pytest

import secureload
from secureload import errors
from secureload.errors import ExitCode, LimitError, SecureloadError

CONTRACT = {
    "SecureloadError": ("error", 5),
    "UsageError": ("usage", 2),
    "ArtifactError": ("artifact", 3),
    "MalformedError": ("artifact.malformed", 3),
    "LimitError": ("artifact.limit", 3),
    "UnsupportedError": ("artifact.unsupported", 3),
    "LoadFailedError": ("artifact.load-failed", 3),
    "TrustError": ("trust", 4),
    "UnsignedError": ("trust.unsigned", 4),
    "SignatureFormatError": ("trust.signature-format", 4),
    "BadSignatureError": ("trust.bad-signature", 4),
    "UntrustedError": ("trust.untrusted", 4),
    "ExpiredError": ("trust.expired", 4),
    "RevokedError": ("trust.revoked", 4),
    "RollbackError": ("trust.rollback", 4),
    "RequirementError": ("trust.requirement", 4),
    "SelfTestError": ("trust.self-test", 4),
    "ThresholdError": ("trust.threshold", 4),
    "ManifestMismatchError": ("trust.manifest-mismatch", 4),
    "PolicyError": ("policy", 3),
    "SandboxError": ("sandbox", 5),
    "SandboxTimeoutError": ("sandbox.timeout", 5),
    "SandboxMemoryError": ("sandbox.memory", 5),
    "CrashLoopError": ("sandbox.crash-loop", 5),
    "ConversionError": ("conversion", 1),
    "RegistryError": ("registry", 5),
}


def test_every_error_of_the_module_stands_in_the_table_and_every_one_of_the_table_exists() -> None:
    found = {
        name: (kind.code, int(kind.exit_code))
        for name, kind in inspect.getmembers(errors, inspect.isclass)
        if issubclass(kind, SecureloadError)
    }
    assert found == CONTRACT
    assert set(CONTRACT) | {"ExitCode"} == set(errors.__all__)


def test_an_error_says_what_happened_what_to_do_and_the_particulars() -> None:
    error = errors.LimitError("too large", hint="raise it", limit="x", allowed=1, seen=2)
    assert (str(error), error.message, error.hint) == ("too large", "too large", "raise it")
    assert dict(error.fields) == {"limit": "x", "allowed": 1, "seen": 2}
    with pytest.raises(TypeError):
        error.fields["limit"] = "y"  # type: ignore[index]


def test_a_policy_error_carries_its_verdict() -> None:
    verdict = object()
    error = errors.PolicyError("no", verdict=verdict, hint="h")
    assert error.verdict is verdict
    assert "verdict" not in error.fields


@pytest.mark.parametrize("codes", list(itertools.product(range(6), repeat=3)))
def test_the_worst_exit_code_wins_one_before_four_before_three_before_five(codes: tuple[int, ...]) -> None:
    order = [1, 4, 3, 5, 2, 0]
    assert ExitCode.worst(codes) == min(codes, key=order.index)


def test_nothing_that_went_wrong_is_accepted() -> None:
    assert ExitCode.worst([]) is ExitCode.ACCEPTED


def test_every_public_name_exists_and_is_documented() -> None:
    for name in secureload.__all__:
        value = getattr(secureload, name)
        assert inspect.getdoc(value), name
        assert name in dir(secureload)
    for name in ("sign", "check", "verify", "safe_load"):
        assert inspect.isfunction(getattr(secureload, name))


def test_a_name_that_is_not_public_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="unheard_of"):
        _ = secureload.unheard_of


def test_a_limit_says_its_name_once() -> None:
    assert LimitError("too much", limit="expanded_bytes").named == "expanded_bytes: too much"
    assert LimitError("expanded_bytes: too much", limit="expanded_bytes").named == "expanded_bytes: too much"
    assert LimitError("too much").named == "too much"
