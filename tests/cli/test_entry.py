"""Whatever happens, an exit code of the contract and at most two lines."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import typer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from secureload.cli import entry, main, parsing
from secureload.cli.rules import explain
from secureload.errors import PolicyError, SecureloadError

from .conftest import Shell


def fail_with(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def run(_arguments: list[str]) -> int:
        raise error

    monkeypatch.setattr(entry, "_run", run)


def test_an_exception_that_nobody_thought_of_is_exit_code_5_and_never_1(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail_with(monkeypatch, RuntimeError("boom\n\x1b[31mforged"))
    answer = shell("rules").failed(5)
    assert answer.err.startswith("error: internal: RuntimeError: boom\\n\\x1b[31mforged\n")


def test_the_traceback_is_shown_on_request_alone(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    fail_with(monkeypatch, RuntimeError("boom"))
    monkeypatch.setenv("SECURELOAD_DEBUG", "1")
    answer = shell("rules")
    assert answer.code == 5
    assert "Traceback" in answer.err


def test_an_interrupt_is_quiet(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    fail_with(monkeypatch, KeyboardInterrupt())
    answer = shell("rules")
    assert (answer.code, answer.out, answer.err) == (130, "", "")


def test_a_broken_pipe_of_our_own_machinery_is_not_a_reader_that_went_away(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail_with(monkeypatch, BrokenPipeError(32, "Broken pipe"))
    shell("rules").failed(5)


def test_markup_in_a_message_is_text(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    fail_with(monkeypatch, SecureloadError("[bold red]accepted[/] :smile:", hint="none"))
    assert "error: [bold red]accepted[/] :smile:" in shell("rules").failed(5).err


def test_a_message_is_one_line_whatever_is_in_it(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    fail_with(monkeypatch, PolicyError("a\nhint: load it\u2028b", verdict=None, hint="c\r\nd"))
    assert shell("rules").failed(3).err == "error: a\\nhint: load it\\u2028b\nhint: c\\r\\nd\n"


@pytest.mark.parametrize(
    "words",
    [
        ["chekc"],
        ["check"],
        ["check", "--no-such-flag", "x"],
        ["check", "x", "--format", "yaml"],
        ["trust"],
        ["trust", "add", "x.pub"],
        ["keygen"],
        ["sign", "x", "--passphrase-fd", "minus"],
        ["explain", "SL999"],
        ["--nothing"],
    ],
)
def test_a_wrong_flag_or_a_missing_argument_is_exit_code_2(shell: Shell, words: list[str]) -> None:
    assert shell(*words).failed(2).out == ""


def test_without_a_command_the_help_is_shown(shell: Shell) -> None:
    answer = shell()
    assert answer.code == 2
    assert answer.out.startswith("Usage: secureload")


def test_the_help_has_the_exit_codes_and_names_every_command(shell: Shell) -> None:
    out = shell("--help").succeeded().out
    for word in ("check", "doctor", "explain", "keygen", "rules", "sign", "trust", "verify", "3  undecided"):
        assert word in out


def test_the_parsers_error_class_is_that_of_every_usage_error() -> None:
    assert issubclass(typer.BadParameter, parsing._ParserError)
    assert callable(explain)


def test_a_reader_that_goes_away_is_no_error(shell: Shell) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "secureload", "rules"],
        stdout=writing,
        stderr=subprocess.PIPE,
        env=shell.environment(),
        timeout=120,
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")


def test_an_ascii_terminal_shows_escapes_and_does_not_fail(shell: Shell) -> None:
    path = shell.write("modèle.pkl", {"a": 1})
    done = subprocess.run(
        [sys.executable, "-m", "secureload", "check", path],
        capture_output=True,
        env={**shell.environment(), "PYTHONIOENCODING": "ascii"},
        timeout=120,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"mod\\xe8le.pkl" in done.stdout


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.text(max_size=8).filter(lambda word: word not in {"-", "--output"}), max_size=3))
def test_any_words_end_with_an_exit_code(capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    code = main(words)
    assert code in {0, 2, 3}
    assert "Traceback" not in capsys.readouterr().err


def test_an_empty_argument_is_not_taken_for_the_working_directory(shell: Shell) -> None:
    assert "empty" in shell("check", "").failed(2).err
