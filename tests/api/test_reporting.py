"""The values of the stages as reports: nothing accepted that was not examined, each signature in its words."""

from __future__ import annotations

import itertools

import pytest

from secureload.api.reporting import entry_of_error, report_of_error, report_of_many, signature_lines
from secureload.errors import (
    ArtifactError,
    BadSignatureError,
    ExitCode,
    SandboxError,
    SignatureFormatError,
    UnsignedError,
    UntrustedError,
    UsageError,
)
from secureload.policy.verification import Verification
from secureload.report.report import NOTHING_FOUND, conclusion

ERRORS = (
    UsageError("there is no file", hint="Check the path."),
    ArtifactError("cut off"),
    BadSignatureError("forged"),
    SandboxError("no seccomp"),
)


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.code)
def test_an_error_keeps_its_words_and_its_exit_code(error: UsageError) -> None:
    report = report_of_error("m.pkl", error)
    assert (report.exit_code, report.summary, report.hint) == (error.exit_code, error.message, error.hint)
    assert conclusion(report) != NOTHING_FOUND


def test_nothing_examined_is_never_accepted() -> None:
    report = report_of_many("folder", [], [("README.md", "text")])
    assert report.exit_code == ExitCode.UNDECIDED
    assert "nothing was examined" in report.summary
    assert conclusion(report) != NOTHING_FOUND


def test_the_worst_file_decides_in_whatever_order() -> None:
    for errors in itertools.permutations(ERRORS):
        entries = [entry_of_error(str(number), error) for number, error in enumerate(errors)]
        assert report_of_many("folder", entries, []).exit_code == ExitCode.UNTRUSTED


def test_a_wrong_signature_of_the_whole_counts() -> None:
    report = report_of_many("folder", [], [], trust_error=BadSignatureError("forged", hint="ask"))
    assert (report.exit_code, report.hint) == (4, "ask")
    assert report.summary.startswith("forged")


def test_each_reason_for_no_signer_has_its_own_words() -> None:
    assert signature_lines(None) == ()
    assert signature_lines(UnsignedError("there is none")) == ("not signed",)
    assert "not readable" in signature_lines(SignatureFormatError("no JSON"))[0]
    assert "no trust store" in signature_lines(UntrustedError("nobody is trusted yet"))[0]
    assert "no trust store" in signature_lines(UsageError("not an absolute path"))[0]
    empty = Verification(results=(), role="signer", threshold=1)
    assert signature_lines(empty) == ("the signature file holds no signature",)
