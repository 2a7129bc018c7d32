"""The values of the stages as the report about one file: each signature in its words, each error with its code."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from secureload.api.check import check
from secureload.api.reporting import report_of_check, report_of_error, signatures_of
from secureload.errors import (
    ArtifactError,
    BadSignatureError,
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
    assert report.error == error.code
    assert conclusion(report) != NOTHING_FOUND


def test_each_reason_for_no_signer_has_its_own_words_and_status() -> None:
    def told(error: object) -> tuple[str, str]:
        (found,) = signatures_of(error)  # type: ignore[arg-type]  # one of the errors below
        return found.status, found.text

    assert signatures_of(None) == ()
    assert told(UnsignedError("there is none")) == ("unsigned", "not signed")
    assert told(SignatureFormatError("no JSON"))[0] == "unreadable"
    assert told(UntrustedError("nobody is trusted yet"))[0] == "no-trust-store"
    assert "no trust store" in told(UsageError("not an absolute path"))[1]
    empty = Verification(results=(), role="signer", threshold=1)
    assert told(empty) == ("empty", "the signature file holds no signature")


def test_a_report_holds_what_a_program_wants_to_know(tmp_path: Path) -> None:
    path = tmp_path / "own.pkl"
    path.write_bytes(b"\x80\x04cmypackage.scaling\nScaler\n)\x81.")
    report = report_of_check(check(path))
    assert (report.outcome, report.exit_code, report.path) == ("undecided", 3, str(path))
    assert report.unknown_globals == ("mypackage.scaling:Scaler",)
    assert report.reasons[0][0] == "undecided"
    (part,) = report.parts
    assert (part.format, part.loader, part.protocol, part.imports) == ("pickle", "pickle.load", 4, 1)
    assert (part.worst, part.bytes_examined) == ("unknown", path.stat().st_size)
    assert report.coverage is not None
    assert (report.coverage.members_examined, report.coverage.members_undecided) == (1, 1)
    assert "Scaler" in report.decompiled


def test_an_accepted_file_is_decompiled_on_request_alone(tmp_path: Path) -> None:
    path = tmp_path / "m.pkl"
    path.write_bytes(pickle.dumps({"a": [1.5]}))
    checked = check(path)
    assert report_of_check(checked).decompiled == ""
    explained = report_of_check(checked, explain=True, locator="m", path="")
    assert explained.decompiled
    assert (explained.locator, explained.path) == ("m", "")


def test_what_no_reader_knows_is_described_by_its_first_bytes(tmp_path: Path) -> None:
    path = tmp_path / "m.pkl"
    path.write_bytes(bytes(range(250, 130, -1)))
    report = report_of_check(check(path))
    assert report.parts[0].format == "unknown"
    assert report.parts[0].reason
    assert report.coverage is not None
    assert (report.coverage.members_examined, report.coverage.members_skipped) == (0, 1)
