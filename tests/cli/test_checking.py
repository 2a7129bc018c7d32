"""Folders: every file on its own, nothing left out unsaid."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from secureload.cli import checking
from secureload.errors import SandboxError

from .conftest import ForbiddenCall, Shell


def fill(shell: Shell) -> None:
    shell.write("folder/good.pkl", {"a": 1})
    shell.write("folder/deep/er/evil.pkl", ForbiddenCall())
    shell.write("folder/deep/README.md", b"about the model\n")
    shell.write("folder/text.pkl", b"no pickle\n")
    shell.write("folder/empty.joblib", b"")
    (shell.folder / "folder/link.pkl").symlink_to("good.pkl")
    os.mkfifo(shell.folder / "folder/fifo")


def test_one_bad_file_never_stops_the_rest(shell: Shell) -> None:
    fill(shell)
    report = json.loads(shell("check", "folder", "--format", "json").failed(1).out)
    codes = {file["locator"]: file["exit_code"] for file in report["files"]}
    assert codes == {
        "deep/er/evil.pkl": 1,
        "empty.joblib": 3,
        "fifo": 3,
        "good.pkl": 0,
        "link.pkl": 3,
        "text.pkl": 3,
    }
    assert [skipped["name"] for skipped in report["skipped"]] == ["deep/README.md"]
    assert "deep/README.md" in [one["name"] for one in report["coverage"]["not_examined"]]
    assert report["coverage"]["members_examined"] == 3
    assert report["summary"] == "3 examined, 1 skipped, 4 undecided, 1 rejected"
    assert report["counts"]["files"] == 7


def test_the_text_report_tells_of_each_that_is_not_accepted_and_then_of_all(shell: Shell) -> None:
    fill(shell)
    out = shell("check", "folder").failed(1).out
    assert "system('true never-runs')" in out
    assert "3 examined, 1 skipped, 4 undecided, 1 rejected" in out
    assert "Nothing found" not in out


def test_a_folder_of_good_files_is_accepted(shell: Shell) -> None:
    shell.write("folder/a.pkl", [1])
    shell.write("folder/b/c.pkl", {"x": 2.5})
    assert "Nothing found in what was examined." in shell("check", "folder").succeeded().out


@pytest.mark.parametrize("files", [[], ["notes.txt"]])
def test_a_folder_in_which_nothing_is_examined_is_undecided(shell: Shell, files: list[str]) -> None:
    (shell.folder / "folder").mkdir()
    for name in files:
        shell.write(f"folder/{name}", b"some words\n")
    assert "nothing was examined" in shell("check", "folder").failed(3).err


def test_several_paths_are_told_apart(shell: Shell, plain: Path, evil: Path) -> None:
    out = shell("check", plain, evil, "missing.pkl", "--format", "json").failed(1).out
    assert [file["exit_code"] for file in json.loads(out)["files"]] == [1, 2, 0]


def test_a_signature_of_the_folder_vouches_for_its_members(shell: Shell) -> None:
    shell.make_key()
    path = shell.write("folder/a.pkl", [1])
    shell("check", "folder", "--require-signature").failed(4)
    shell("sign", "folder").succeeded()
    out = shell("check", "folder", "--require-signature").succeeded().out
    assert "the folder: signed by alice" in out
    path.write_bytes(shell.write("other", [2]).read_bytes())
    shell("check", "folder").failed(4)


def test_a_failing_sandbox_is_told_of_each_file(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    shell.write("folder/a.pkl", [1])

    def broken(*_arguments: object, **_options: object) -> None:
        raise SandboxError("the layer is missing", hint="see doctor")

    monkeypatch.setattr(checking, "check_one", broken)
    answer = shell("check", "folder").failed(3)
    assert "the layer is missing" in answer.out


def test_an_error_that_nobody_thought_of_is_told_of_its_file_and_the_rest_is_examined(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b", "c"):
        shell.write(f"folder/{name}.pkl", [1])
    real = checking.check_one

    def broken(path: Path, *arguments: object, **options: object) -> object:
        if path.name == "b.pkl":
            raise RuntimeError("boom\n\x1b[2J")
        return real(path, *arguments, **options)  # type: ignore[arg-type]  # what came in

    monkeypatch.setattr(checking, "check_one", broken)
    report = json.loads(shell("check", "folder", "--format", "json").failed(5).out)
    assert [file["exit_code"] for file in report["files"]] == [5, 0, 0]
    assert report["files"][0]["summary"].startswith("internal: RuntimeError: boom")


@pytest.mark.parametrize("jobs", ["1", "2", "7"])
def test_the_report_is_the_same_however_many_are_examined_at_a_time(shell: Shell, jobs: str) -> None:
    fill(shell)
    for number in range(12):
        shell.write(f"folder/many/{number}.pkl", {"n": number})
    out = shell("check", "folder", "--format", "json", "--jobs", jobs).failed(1).out
    assert out == shell("check", "folder", "--format", "json").out


def test_ctrl_c_reports_what_was_done_by_then(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(5):
        shell.write(f"folder/{number}.pkl", [number])
    real = checking.check_one

    def interrupted(path: Path, *arguments: object, **options: object) -> object:
        if path.name == "2.pkl":
            raise KeyboardInterrupt
        return real(path, *arguments, **options)  # type: ignore[arg-type]  # what came in

    monkeypatch.setattr(checking, "check_one", interrupted)
    answer = shell("check", "folder", "--jobs", "1").failed(130)
    assert "2 examined" in answer.out
    assert "3 not reached" in answer.err
    assert "Nothing found" not in answer.out
    report = json.loads(shell("check", "folder", "--jobs", "1", "--format", "json").out)
    assert (report["exit_code"], report["counts"]["not_reached"], len(report["files"])) == (130, 3, 2)


def test_ctrl_c_at_a_single_file_says_that_nothing_is_decided(
    shell: Shell, plain: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_arguments: object, **_options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(checking, "check_one", interrupted)
    answer = shell("check", plain)
    assert (answer.code, answer.out) == (130, "")
    assert "nothing is decided" in answer.err
