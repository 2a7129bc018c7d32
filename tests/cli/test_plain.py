"""What needs no parser: the plain command lines of check, verify and sign say what the parser would have said."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secureload.cli import entry, parsing
from secureload.cli.output import Format, ReportFormat
from secureload.cli.plain import plain_check, plain_sign, plain_verify

from .conftest import ForbiddenCall, Shell


@pytest.mark.parametrize(
    "words",
    [
        ["check", "good.pkl"],
        ["check", "bad.pkl"],
        ["check", "-q", "bad.pkl"],
        ["check", "missing.pkl"],
        ["check", "good.pkl", "--format", "json"],
        ["check", "--format", "sarif", "good.pkl", "bad.pkl"],
        ["check", "bad.pkl", "--explain", "--no-color"],
        ["check", "."],
    ],
)
def test_both_ways_give_the_same_report_and_exit_code(
    shell: Shell, words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shell.write("good.pkl", {"a": 1})
    shell.write("bad.pkl", ForbiddenCall())
    monkeypatch.chdir(shell.folder)
    assert plain_check(words) is not None
    plainly = shell(*words)
    monkeypatch.setattr(entry, "_run", parsing.run)
    assert shell(*words) == plainly


@pytest.mark.parametrize(
    "words",
    [
        ["plain.pkl"],
        ["plain.pkl", "--format", "json"],
        ["--name", "other", "plain.pkl"],
        ["plain.pkl", "--name", "plain.pkl", "--policy", "strict"],
        ["plain.pkl", "--policy", "absent.toml"],
        ["plain.pkl", "--trust-store", "absent"],
        ["missing.pkl"],
        ["changed.pkl"],
        ["."],
    ],
)
def test_both_ways_verify_the_same_and_end_with_the_same_exit_code(
    shell: Shell, signed: Path, words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shell.write("changed.pkl", signed.read_bytes() + b"x")
    shell.write("changed.pkl.sig", Path(f"{signed}.sig").read_bytes())
    assert plain_verify(["verify", *words]) is not None
    plainly = shell("verify", *words)
    monkeypatch.setattr(entry, "_run", parsing.run)
    assert shell("verify", *words) == plainly


@pytest.mark.parametrize(
    "words",
    [
        ["plain.pkl"],
        ["plain.pkl", "--key", "alice", "--name", "other", "--version", "1.4"],
        ["--expires", "90d", "plain.pkl", "--model-version", "2"],
        ["plain.pkl", "--expires", "yesterday"],
        ["plain.pkl", "--metadata", "meta.toml"],
        ["plain.pkl", "--metadata", "absent.toml"],
        ["plain.pkl", "--key", "absent"],
        ["missing.pkl"],
        ["folder"],
    ],
)
def test_both_ways_sign_the_same_and_end_with_the_same_exit_code(
    shell: Shell, plain: Path, words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shell.make_key()
    shell.write("meta.toml", b"[metrics]\nf1 = 0.5\n")
    shell.write("folder/a.pkl", [1])
    shell("sign", *words)  # so that each of the two replaces what is there
    assert plain_sign(["sign", *words]) is not None
    plainly = shell("sign", *words)
    monkeypatch.setattr(entry, "_run", parsing.run)
    parsed = shell("sign", *words)
    assert (_timeless(parsed.out), parsed.err, parsed.code) == (
        _timeless(plainly.out),
        plainly.err,
        plainly.code,
    )


def _timeless(text: str) -> str:
    return re.sub(r"expires: +\S+", "expires: then", text)


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["x", "--agent"],
        ["x", "--pkcs11", "pkcs11:object=a"],
        ["x", "--ignore", "y"],
        ["x", "--incremental"],
        ["x", "--passphrase-fd", "3"],
        ["x", "--version", "1", "--model-version", "2"],
        ["x", "--format", "json"],
        ["x", "--help"],
    ],
)
def test_what_of_sign_is_not_certain_is_left_to_the_parser(words: list[str]) -> None:
    assert plain_sign(["sign", *words]) is None
    assert plain_sign(["verify", "x"]) is None


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["x", "y"],
        ["x", ""],
        ["-"],
        ["--", "x"],
        ["x", "--help"],
        ["x", "--name"],
        ["x", "--name", "-y"],
        ["x", "--name", "a", "--name", "b"],
        ["x", "--format", "sarif"],
        ["x", "--policy=strict"],
        ["x", "--explain"],
        ["x", "--only", "y"],
        ["x", "--oms-key", "y"],
    ],
)
def test_what_of_verify_is_not_certain_is_left_to_the_parser(words: list[str]) -> None:
    assert plain_verify(["verify", *words]) is None
    assert plain_verify(["sign", "x"]) is None


@given(
    st.lists(st.text(max_size=3) | st.sampled_from(["--name", "--policy", "--format", *Format]), max_size=5)
)
def test_of_any_words_a_plain_verify_has_one_path_and_takes_every_word(words: list[str]) -> None:
    found = plain_verify(["verify", *words])
    if found is not None:
        assert len(words) == 1 + 2 * len(found[1])
        assert set(found[1]) <= {"name", "policy", "output_format", "trust_store"}


def test_a_plain_verify_imports_no_parser(shell: Shell, signed: Path) -> None:
    answer = shell.process("verify", signed, environment={"PYTHONPROFILEIMPORTTIME": "1"})
    assert answer.code == 0
    assert "secureload.cli.verify_run" in answer.err
    assert "typer" not in answer.err


def test_a_plain_sign_imports_no_parser(shell: Shell, plain: Path) -> None:
    shell.make_key()
    answer = shell.process("sign", plain, environment={"PYTHONPROFILEIMPORTTIME": "1"})
    assert answer.code == 0
    assert "secureload.cli.sign_run" in answer.err
    assert "typer" not in answer.err


def test_the_version_is_that_of_the_parser(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    plainly = shell("--version").succeeded()
    monkeypatch.setattr(entry, "_run", parsing.run)
    assert shell("--version") == plainly


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["check"],
        ["check", ""],
        ["check", "-"],
        ["check", "x", "--", "y"],
        ["check", "x", "--help"],
        ["check", "x", "--format"],
        ["check", "x", "--format", "yaml"],
        ["check", "x", "--format", "json", "--format", "text"],
        ["check", "x", "--format=json"],
        ["check", "x", "--allow", "a.b"],
        ["check", "x", "-qq"],
        ["sign", "x"],
    ],
)
def test_what_is_not_certain_is_left_to_the_parser(words: list[str]) -> None:
    assert plain_check(words) is None


@given(st.lists(st.text(max_size=6), max_size=4))
def test_of_any_words_only_paths_and_its_own_flags_are_plain(words: list[str]) -> None:
    found = plain_check(["check", *words])
    if found is not None:
        paths, options = found
        assert [Path(word) for word in words if not word.startswith("-") and word not in [*ReportFormat]] == [
            path for path in paths if str(path) not in [*ReportFormat]
        ]
        assert set(options) <= {"quiet", "explain", "no_color", "output_format"}


def test_a_plain_check_imports_no_parser(shell: Shell) -> None:
    path = shell.write("good.pkl", {"a": 1})
    answer = shell.process("check", path, environment={"PYTHONPROFILEIMPORTTIME": "1"})
    assert answer.code == 0
    assert "secureload.cli.check_run" in answer.err
    assert "typer" not in answer.err


def test_the_program_ends_with_its_exit_code_and_all_that_it_printed(shell: Shell) -> None:
    path = shell.write("bad.pkl", ForbiddenCall())
    answer = shell.process("check", path)
    assert answer.code == 1
    assert "rejected" in answer.out
    answer.failed(1)
