"""What a person types in a shell, with its pipes, redirections and terminals, and what comes back."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import shlex
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest
from rich.cells import cell_len

from .conftest import Answer, ForbiddenCall, Shell

OURS = re.compile(r"\x1b\[[0-9;]*m")
COMMAND = f"{shlex.quote(sys.executable)} -m secureload"


def bash(shell: Shell, script: str, **variables: str) -> Answer:
    """Run a script; ``secureload`` is the command."""
    whole = f'secureload() {{ {COMMAND} "$@"; }}\nset -o pipefail\n{script}'
    done = subprocess.run(
        ["bash", "-c", whole],
        capture_output=True,
        timeout=120,
        cwd=shell.folder,
        env={**shell.environment(), **variables},
        stdin=subprocess.DEVNULL,
    )
    return Answer(done.returncode, done.stdout.decode(), done.stderr.decode())


def at_terminal(shell: Shell, *words: str, columns: int = 80, **variables: str) -> tuple[int, str]:
    """Run a command whose standard output and error are a terminal; return its exit code and what it shows."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    environment = {**shell.environment(), "TERM": "xterm", **variables}
    for name in ("NO_COLOR", "COLUMNS"):
        if name not in variables:
            environment.pop(name, None)
    process = subprocess.Popen(
        [sys.executable, "-m", "secureload", *words],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        cwd=shell.folder,
        env=environment,
    )
    os.close(theirs)
    shown = bytearray()
    while True:
        try:
            piece = os.read(ours, 65_536)
        except OSError:  # the other side is closed
            break
        if not piece:
            break
        shown += piece
    os.close(ours)
    return process.wait(120), shown.decode().replace("\r\n", "\n")


# -- pipes and redirections ------------------------------------------------------------------------------


def test_into_a_pipe_there_are_no_colours_and_the_exit_code_stays(shell: Shell, evil: Path) -> None:
    answer = bash(shell, "secureload check evil.pkl | cat")
    assert answer.code == 1
    assert "\x1b" not in answer.out
    assert "SL101" in answer.out


def test_head_takes_a_line_and_nothing_breaks(shell: Shell, evil: Path) -> None:
    shell.write("folder/evil.pkl", evil.read_bytes())
    for script in (
        "secureload check evil.pkl | head -1",
        "secureload check folder --format json | head -c 5",
    ):
        answer = bash(shell, script)
        assert answer.code == 1, answer
        assert answer.complaints()[0].startswith("error: ")
        assert "Traceback" not in answer.err
        assert "BrokenPipe" not in answer.err


@pytest.mark.parametrize("redirection", [">&-", "2>&-", ">&- 2>&-", "<&-", "<&- >&- 2>&-"])
def test_closed_streams_change_nothing_but_what_is_read(shell: Shell, evil: Path, redirection: str) -> None:
    before = evil.read_bytes()
    answer = bash(shell, f"secureload check evil.pkl {redirection}")
    assert answer.code == 1
    assert "Traceback" not in answer.err
    assert evil.read_bytes() == before


def test_closed_standard_input_is_undecided_and_says_so(shell: Shell) -> None:
    assert "standard input" in bash(shell, "secureload check - <&-").failed(3).err


def test_a_full_disk_is_a_failure_of_the_environment(shell: Shell, plain: Path) -> None:
    answer = bash(shell, "secureload check plain.pkl > /dev/full").failed(5)
    assert "standard output cannot be written: No space left on device" in answer.err


def test_a_curl_like_pipe_is_checked(shell: Shell, plain: Path, evil: Path) -> None:
    assert "Nothing found" in bash(shell, "cat plain.pkl | secureload check -").succeeded().out
    assert "standard input" in bash(shell, "cat evil.pkl | secureload check -").failed(1).err


def test_the_json_of_standard_input_has_no_path(shell: Shell, plain: Path) -> None:
    out = bash(shell, "cat plain.pkl | secureload check - --format json").succeeded().out
    (file,) = json.loads(out)["files"]
    assert (file["locator"], file["path"]) == ("standard input", None)


@pytest.mark.parametrize("form", ["json", "sarif", "html", "text"])
@pytest.mark.parametrize(("name", "code"), [("plain.pkl", 0), ("evil.pkl", 1), ("own.pkl", 3), ("none", 3)])
def test_the_form_of_the_report_never_changes_the_exit_code(
    shell: Shell, plain: Path, evil: Path, form: str, name: str, code: int
) -> None:
    shell.write("own.pkl", b"\x80\x04cmypackage.scaling\nScaler\n)\x81.")
    shell.write("none", b"")
    assert shell("check", name, "--format", form).code == code
    assert shell("check", name, "--format", form, "--output", f"report.{form}").code == code
    assert (shell.folder / f"report.{form}").stat().st_size > 100


def test_jq_reads_the_json(shell: Shell, evil: Path) -> None:
    program = "import json,sys; print(json.load(sys.stdin)['files'][0]['findings'][0]['id'])"
    answer = bash(
        shell,
        f"secureload check evil.pkl --format json | {shlex.quote(sys.executable)} -c {shlex.quote(program)}",
    )
    assert answer.out == "SL101\n"


@pytest.mark.parametrize("form", ["json", "sarif", "html"])
def test_output_to_a_folder_that_is_missing_is_a_usage_error_before_anything_is_examined(
    shell: Shell, plain: Path, form: str
) -> None:
    answer = shell("check", plain, "--format", form, "--output", "nowhere/report").failed(2)
    assert "there is no folder nowhere" in answer.err
    assert not (shell.folder / "nowhere").exists()


# -- terminals -------------------------------------------------------------------------------------------


def test_a_terminal_gets_colours_unless_it_is_asked_for_none(shell: Shell, evil: Path) -> None:
    code, shown = at_terminal(shell, "check", "evil.pkl")
    assert code == 1
    assert "\x1b[1;31mrejected\x1b[0m" in shown
    for words, variables in (
        (["check", "evil.pkl"], {"NO_COLOR": "1"}),
        (["check", "evil.pkl"], {"TERM": "dumb"}),
        (["check", "evil.pkl", "--no-color"], {}),
    ):
        code, plain_text = at_terminal(shell, *words, **variables)
        assert code == 1
        assert "\x1b" not in plain_text
    assert OURS.sub("", shown).replace(" ", "") == plain_text.replace(" ", "")


@pytest.mark.parametrize("columns", [20, 41, 60, 200])
def test_a_narrow_terminal_wraps_and_loses_nothing(shell: Shell, evil: Path, columns: int) -> None:
    _, shown = at_terminal(shell, "check", "evil.pkl", "--no-color", columns=columns)
    report = shown.partition("\nerror: ")[0].split("\n")
    assert all(cell_len(line) <= max(columns, 40) for line in report)
    assert "loadingitwouldrun:posix.system('truenever-runs')" in "".join("".join(report).split())


def test_a_folder_of_many_files_has_a_bar_that_is_gone_at_the_end(shell: Shell) -> None:
    for number in range(40):
        shell.write(f"folder/{number}.pkl", [number])
    code, shown = at_terminal(shell, "check", "folder")
    assert code == 0
    assert "of 40 files" in shown
    report = OURS.sub("", shown).index("secureload check folder")
    assert OURS.sub("", shown).rindex("\r\x1b[K") < report
    assert "of 40 files" not in bash(shell, "secureload check folder").err


# -- hostile and odd files -------------------------------------------------------------------------------


NAMES = [
    b"\xff\xfe\x00"[:2] + b".pkl",
    b"a\nNothing found in what was examined.\n.pkl",
    b"\x1b[2J\x1b]0;title\x07.pkl",
    "\u202egnp.lkp".encode(),
    b"-rf",
    b"--help",
    b"[bold]x[/].pkl",
    b"<script>alert(1)</script>.pkl"[:20],
    b"x" * 250,
]


@pytest.mark.parametrize("form", ["text", "json", "sarif", "html"])
def test_names_of_binary_garbage_are_printable_in_every_form(shell: Shell, evil: Path, form: str) -> None:
    folder = shell.folder / "folder"
    folder.mkdir()
    for name in NAMES:
        with open(os.fsencode(folder) + b"/" + name.replace(b"/", b"_"), "wb") as file:
            file.write(evil.read_bytes())
    answer = shell.process("check", "folder", "--format", form)
    assert answer.code == 1
    for line in (answer.out + answer.err).split("\n"):
        assert line.isprintable(), line
        assert not line.startswith("Nothing found")
    assert "<script>" not in answer.out or form != "html"


def test_an_empty_file_is_undecided_and_called_empty(shell: Shell) -> None:
    shell.write("empty.pkl", b"")
    assert "empty" in shell("check", "empty.pkl").failed(3).err


def test_very_many_findings_are_cut_in_the_text_and_whole_in_the_json(shell: Shell) -> None:
    body = b"".join(b"cown.m%d\nC\n0" % number for number in range(1_500))
    shell.write("many.pkl", b"\x80\x02" + body + b"N.")
    answer = shell("check", "many.pkl").failed(3)
    assert len(answer.out.splitlines()) < 1_000
    assert "more; the JSON report has them all" in answer.out
    assert "globals are unknown: put those that you know" in answer.err
    file = json.loads(shell("check", "many.pkl", "--format", "json").out)["files"][0]
    assert len(file["findings"]) == 1_001
    assert any("more than 1,000 findings" in finding["title"] for finding in file["findings"])


def test_the_whole_of_a_folder_is_told_whatever_one_of_its_files_is(shell: Shell, plain: Path) -> None:
    for number in range(3):
        shell.write(f"folder/good{number}.pkl", [number])
    os.mkfifo(shell.folder / "folder/fifo")
    (shell.folder / "folder/gone.pkl").symlink_to("/nowhere")
    shell.write("folder/evil.pkl", ForbiddenCall())
    report = json.loads(shell("check", "folder", "--format", "json").failed(1).out)
    assert report["counts"] | {"files": 6, "accepted": 3, "rejected": 1, "undecided": 2} == report["counts"]


def test_ctrl_c_ends_a_run_over_a_folder_with_a_report_and_130(shell: Shell) -> None:
    for number in range(30):
        shell.write(f"folder/{number:02}.pkl", [number])
    code = (
        "import os, signal, sys\n"
        "from secureload.cli import checking, main\n"
        "real = checking.check_one\n"
        "def pressed(path, *arguments, **options):\n"
        "    if path.name == '15.pkl': os.kill(os.getpid(), signal.SIGINT)\n"
        "    return real(path, *arguments, **options)\n"
        "checking.check_one = pressed\n"
        "sys.exit(main(['check', 'folder', '--format', 'json', '--jobs', '2']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=shell.folder, timeout=120,
        env=shell.environment(),
    )  # fmt: skip
    assert done.returncode == 130, done.stderr
    assert "Traceback" not in done.stderr
    report = json.loads(done.stdout)
    assert report["outcome"] == "interrupted"
    assert report["counts"]["not_reached"] > 0
    assert report["counts"]["not_reached"] + len(report["files"]) == 30


def test_fail_on_makes_warnings_count_and_cannot_be_made_weaker(shell: Shell, plain: Path) -> None:
    path = shell.write("misnamed.zip", plain.read_bytes())
    assert "\n  warning   the name ends in .zip" in shell("check", path).succeeded().out
    answer = shell("check", path, "--fail-on", "warning").failed(3)
    assert "not admitted by policy 'examine, warnings count'" in answer.out
    assert "Nothing found" not in answer.out
    shell("check", plain, "--fail-on", "note").succeeded()
    for weaker in ("dangerous", "never", "none"):
        assert shell("check", path, "--fail-on", weaker).failed(2).out == ""


def test_explain_shows_the_opcodes_around_each_finding_in_every_form(shell: Shell, evil: Path) -> None:
    assert "REDUCE\n" not in shell("check", evil).out.partition("Findings")[2].partition("hint")[2]
    out = shell("check", evil, "--explain").failed(1).out
    assert re.search(r"\n +│ > +\d+: REDUCE\n", out)
    assert re.search(r"\n +│ +\d+: SHORT_BINUNICODE 'true never-runs'\n", out)
    report = json.loads(shell("check", evil, "--explain", "--format", "json").out)
    lines = report["files"][0]["findings"][0]["opcodes"]
    assert any(line.startswith("> ") and line.endswith(": REDUCE") for line in lines)
    shell.write("folder/evil.pkl", evil.read_bytes())
    assert "SHORT_BINUNICODE &#x27;true never-runs&#x27;" in (
        shell("check", "folder", "--explain", "--format", "html").failed(1).out
    )
