"""What goes where, and when there are colours."""

from __future__ import annotations

import json

import pytest

from secureload.cli.output import emit_json, note_failure, use_color, width


@pytest.mark.parametrize(("variable", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_nobody_gets_colours_who_does_not_want_them(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert use_color()
    assert not use_color(wanted=False)
    monkeypatch.setenv(variable, value)
    assert not use_color()


def test_what_is_no_terminal_has_no_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: False, raising=False)
    assert not use_color()


def test_json_is_ascii(capsys: pytest.CaptureFixture[str]) -> None:
    emit_json({"name": "é\x1b"})
    out = capsys.readouterr().out
    assert out.isascii()
    assert "\x1b" not in out
    assert json.loads(out) == {"name": "é\x1b"}


def test_a_failure_is_one_line_and_its_hint_another(capsys: pytest.CaptureFixture[str]) -> None:
    note_failure("a\nb\x1b]0;title\x07", "")
    note_failure("x" * 5_000, "hint")
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "error: a\\nb\\x1b]0;title\\x07"
    assert len(lines) == 3
    assert len(lines[1]) < 2_100


def test_the_width_is_known_without_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "77")
    assert width() == 77


def test_a_hint_that_is_a_sentence_is_written_as_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    note_failure("it is missing", "Check the path.")
    note_failure("it is missing", "SECURELOAD_DEBUG=1 shows more")
    assert capsys.readouterr().err.splitlines() == [
        "error: it is missing",
        "hint: check the path",
        "error: it is missing",
        "hint: SECURELOAD_DEBUG=1 shows more",
    ]
