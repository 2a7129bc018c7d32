"""check: each kind of file, its exit code, its words."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import Shell


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_plain_pickle_is_accepted_and_the_policy_and_the_loader_are_named(
    shell: Shell, plain: Path
) -> None:
    out = shell("check", plain).succeeded().out
    assert "Nothing found in what was examined." in out
    assert "admitted by policy 'examine', as pickle.load reads it" in out
    assert "not signed" in out
    assert "decompiled" not in out
    assert "safe" not in out.replace(str(plain), "")


def test_a_hostile_pickle_is_rejected_and_its_call_is_shown_decompiled(shell: Shell, evil: Path) -> None:
    before = digest(evil)
    out = shell("check", evil).failed(1).out
    assert "system('true never-runs')" in out
    assert "SL101" in out
    assert "offset" in out
    assert "Nothing found" not in out
    assert digest(evil) == before


def test_a_payload_before_garbage_is_still_rejected(shell: Shell, evil: Path) -> None:
    path = shell.write("cut.pkl", evil.read_bytes()[:-1] + b"\xff\xff")
    assert "system" in shell("check", path).failed(1).out


def test_explain_shows_accepted_files_decompiled_with_ficklings_view(shell: Shell, plain: Path) -> None:
    out = shell("check", plain, "--explain").succeeded().out
    assert "What fickling says of the trace" in out
    assert "decompiled" in out


BAD_FILES = {
    "empty": (b"", "is empty"),
    "text": (b"hello, this is no pickle at all\n", "text file"),
    "truncated": (b"\x80\x04\x95\x20\x00\x00\x00\x00\x00\x00\x00}\x94\x8c\x01a", "cannot be read to its end"),
    "random": (bytes(range(250, 130, -1)), "not examined"),
}


@pytest.mark.parametrize("kind", BAD_FILES)
def test_a_bad_file_is_undecided_with_its_own_words_and_unchanged(shell: Shell, kind: str) -> None:
    data, words = BAD_FILES[kind]
    path = shell.write(f"{kind}.pkl", data)
    answer = shell("check", path).failed(3)
    assert words in answer.err
    assert "Nothing found" not in answer.out
    assert path.read_bytes() == data


def test_a_missing_file_is_a_usage_error(shell: Shell) -> None:
    assert "there is no file or folder" in shell("check", "nope.pkl").failed(2).err


def test_a_fifo_a_device_and_a_link_are_undecided_and_never_waited_for(shell: Shell, plain: Path) -> None:
    os.mkfifo(shell.folder / "fifo.pkl")
    (shell.folder / "link.pkl").symlink_to(plain)
    for path, words in (("fifo.pkl", "named pipe"), ("/dev/zero", "device"), ("link.pkl", "symbolic link")):
        assert words in shell("check", path).failed(3).err


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody who may not read the file")
def test_a_file_that_may_not_be_read_is_undecided(shell: Shell, plain: Path) -> None:
    plain.chmod(0o600)
    code = (
        "import os, sys\nfrom secureload.cli import main\n"
        # What is imported on the way may not be readable to the other user.
        f"main(['check', {str(plain)!r}]); main(['check', 'missing.pkl'])\n"
        f"os.chdir({str(shell.folder)!r}); os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "sys.exit(main(['check', 'plain.pkl']))"
    )
    for folder in (shell.folder, *shell.folder.parents):
        if folder.stat().st_uid == os.geteuid() and folder.name and "pytest" in str(folder):
            folder.chmod(0o755)
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True, text=True, env=shell.environment(), timeout=120,
    )  # fmt: skip
    assert done.returncode == 3, done.stderr
    lines = done.stderr.splitlines()[2:]
    assert lines[0] == "error: plain.pkl cannot be read: Permission denied"
    assert [line.partition(":")[0] for line in lines] == ["error", "hint"]


def test_an_unknown_global_is_undecided_until_it_is_allowed_by_name(shell: Shell) -> None:
    path = shell.write("own.pkl", b"\x80\x04cmypackage.scaling\nScaler\n)\x81.")
    assert "--allow mypackage.scaling:Scaler" in shell("check", path).failed(3).err
    out = shell("check", path, "--allow", "mypackage.scaling:Scaler").succeeded().out
    assert "Nothing found" in out


@pytest.mark.parametrize("name", ["*", "mypackage.*", "", "os:"])
def test_a_name_that_is_not_exact_is_not_allowed(shell: Shell, plain: Path, name: str) -> None:
    shell("check", plain, "--allow", name).failed(2)


def test_the_signature_is_told_in_one_line(shell: Shell, signed: Path) -> None:
    assert "signed by alice (SHA256:" in shell("check", signed).succeeded().out
    shutil.rmtree(shell.config / "trust")
    assert "no trust store" in shell("check", signed).succeeded().out
    shell("check", signed, "--require-signature").failed(4)


def test_a_signature_for_other_bytes_is_untrusted(shell: Shell, signed: Path) -> None:
    signed.write_bytes(shell.write("other", {"weights": [9.0]}).read_bytes())
    shell("check", signed).failed(4)


@pytest.mark.parametrize("sidecar", [b"", b'{"a": [1, 2]}\n', b"\x80\x04."])
def test_a_sidecar_that_is_none_is_untrusted(shell: Shell, plain: Path, sidecar: bytes) -> None:
    shell.make_key()
    shell.write("plain.pkl.sig", sidecar)
    shell("check", plain).failed(4)


def test_require_signature_refuses_an_unsigned_file(shell: Shell, plain: Path) -> None:
    shell.make_key()
    assert "policy 'signed'" in shell("check", plain, "--require-signature").failed(4).out


def test_a_trust_store_that_is_not_there_is_a_usage_error(shell: Shell, plain: Path) -> None:
    shell("check", plain, "--trust-store", shell.folder / "nowhere").failed(2)


def test_json_parses_and_has_no_escapes(shell: Shell, evil: Path) -> None:
    out = shell("check", evil, "--format", "json").failed(1).out
    report = json.loads(out)
    assert "\x1b" not in out
    assert report["exit_code"] == 1
    assert report["outcome"] == "rejected"
    assert report["files"][0]["findings"][0]["id"] == "SL101"
    assert any("system(" in line for line in report["files"][0]["decompiled"])


def test_quiet_prints_no_report(shell: Shell, plain: Path, evil: Path) -> None:
    assert shell("check", "--quiet", plain).succeeded().out == ""
    assert shell("check", "-q", evil).failed(1).out == ""


def test_the_report_goes_to_a_file_and_never_over_what_is_checked(shell: Shell, plain: Path) -> None:
    before = plain.read_bytes()
    assert shell("check", plain, "--output", "report.txt").succeeded().out == ""
    assert "Nothing found" in (shell.folder / "report.txt").read_text()
    shell("check", plain, "--output", plain).failed(2)
    assert plain.read_bytes() == before


def test_standard_input_is_checked_as_a_file_is(shell: Shell, plain: Path, evil: Path) -> None:
    answer = shell.process("check", "-", data=evil.read_bytes()).failed(1)
    assert "standard input" in answer.out
    assert "system('true never-runs')" in answer.out
    shell.process("check", "-", data=b"").failed(3)
    shell("check", "-", plain).failed(2)


def test_a_hostile_name_cannot_forge_a_line_of_the_report(shell: Shell) -> None:
    path = shell.write("a\nNothing found in what was examined.\x1b[32m.pkl", b"")
    answer = shell("check", path).failed(3)
    assert "\x1b" not in answer.err
