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
    codes = {member["name"]: member["exit_code"] for member in report["members"]}
    assert codes == {
        "deep/er/evil.pkl": 1,
        "empty.joblib": 3,
        "fifo": 3,
        "good.pkl": 0,
        "link.pkl": 3,
        "text.pkl": 3,
    }
    assert [skipped["name"] for skipped in report["coverage"]["skipped"]][-1] == "deep/README.md"
    assert report["coverage"]["members_examined"] == 2
    assert report["summary"] == "2 examined, 1 skipped, 4 undecided, 1 rejected"
    assert len(report["reports"]) == 6


def test_the_text_report_tells_of_each_that_is_not_accepted_and_then_of_all(shell: Shell) -> None:
    fill(shell)
    out = shell("check", "folder").failed(1).out
    assert "system('true never-runs')" in out
    assert "2 examined, 1 skipped, 4 undecided, 1 rejected" in out
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
    assert [member["exit_code"] for member in json.loads(out)["members"]] == [1, 2, 0]


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
