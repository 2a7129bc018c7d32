"""What a user allows: by flag, by file, by an absolute path in the environment; by nothing that lies around."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from secureload.cli.allowing import allowed_by
from secureload.errors import UsageError
from secureload.limits import DEFAULT_LIMITS, Limits

from .conftest import Shell

PAYLOAD = b"\x80\x04cmypackage.scaling\nScaler\n)\x81cother.mod\nThing\n)\x81\x86."
FILE = """
[library]
name = "ours"

[new-only]
globals = '''
mypackage.scaling:Scaler  reviewed by us, 2026-01
other.mod:Thing  reviewed by us, 2026-01
'''
"""


@pytest.fixture
def own(shell: Shell) -> Path:
    return shell.write("own.pkl", PAYLOAD)


def test_a_file_of_names_is_taken_from_the_flag(shell: Shell, own: Path) -> None:
    shell.write("allowed.toml", FILE.encode())
    shell("check", own).failed(3)
    shell("check", own, "--allow-file", "allowed.toml").succeeded()


def test_a_file_of_names_is_taken_from_the_environment(
    shell: Shell, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = shell.write("allowed.toml", FILE.encode())
    monkeypatch.setenv("SECURELOAD_ALLOW_FILE", str(path))
    shell("check", own).succeeded()
    monkeypatch.setenv("SECURELOAD_ALLOW_FILE", "allowed.toml")
    assert "not an absolute path" in shell("check", own).failed(2).err
    monkeypatch.setenv("SECURELOAD_ALLOW_FILE", "")
    shell("check", own).failed(2)


@pytest.mark.parametrize(
    "name",
    ["allow.toml", "secureload.toml", "own.pkl.allow", "own.pkl.toml", ".secureload.toml", "allowed.toml"],
)
def test_no_file_in_the_working_directory_or_beside_the_model_is_looked_for(
    shell: Shell, own: Path, name: str
) -> None:
    shell.write(name, FILE.encode())
    shell("check", own).failed(3)


def test_the_hint_is_a_command_that_works_as_it_stands(shell: Shell, own: Path) -> None:
    err = shell("check", own).failed(3).err
    command = err.strip().rpartition("secureload ")[2]
    assert command == f"check {own} --allow mypackage.scaling:Scaler --allow other.mod:Thing"
    shell(*command.split()).succeeded()


def test_a_name_that_is_no_plain_one_is_not_offered_for_it_cannot_be_allowed(shell: Shell) -> None:
    path = shell.write("odd.pkl", b"cown\nnot plain\n.")
    answer = shell("check", path).failed(3)
    assert "--allow own" not in answer.err + answer.out
    assert "cannot be allowed" in answer.err


BAD = {
    "not TOML": b"[library\n",
    "no library": b"[new-only]\nglobals = ''\n",
    "dangerous": b"[library]\nname='x'\n[callable]\nglobals='''\nos:system  any  because\n'''\n",
    "no evidence": b"[library]\nname='x'\n[new-only]\nglobals='''\na:B\n'''\n",
    "not UTF-8": b"\xff\xfe",
    "nested": b"[library]\nname = " + b"[" * 10_000,
}


@pytest.mark.parametrize("kind", BAD)
def test_a_file_that_cannot_be_taken_is_a_usage_error_that_names_it(
    shell: Shell, plain: Path, kind: str
) -> None:
    path = shell.write("bad.toml", BAD[kind])
    assert "bad.toml: " in shell("check", plain, "--allow-file", path).failed(2).err


def test_a_missing_file_a_folder_a_pipe_and_a_loop_are_usage_errors(shell: Shell, plain: Path) -> None:
    os.mkfifo(shell.folder / "fifo")
    (shell.folder / "loop").symlink_to("loop")
    for path in ("missing.toml", ".", "fifo", "loop", "x" * 5_000):
        shell("check", plain, "--allow-file", path).failed(2)


def test_the_file_is_bounded(tmp_path: Path) -> None:
    path = tmp_path / "allowed.toml"
    path.write_text(FILE)
    with pytest.raises(UsageError, match="longer than 10 bytes"):
        allowed_by([], [path], Limits(allow_file_bytes=10), {})


def test_a_link_to_the_users_own_file_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real.toml").write_text(FILE)
    (tmp_path / "link.toml").symlink_to("real.toml")
    before, after = (allowed_by([], files, DEFAULT_LIMITS, {}) for files in ([], [tmp_path / "link.toml"]))
    assert len(after) == len(before) + 2
