"""Every layer alone, and switched off: the battery can fail, and each layer stops what it is there for.

The attempts are meant to succeed here: they are made in a child that, as root, has left the host's mounts, IPC and
host name for good.
"""

from __future__ import annotations

import json
import os
from functools import cache
from pathlib import Path

import pytest

from secureload.errors import SandboxError
from secureload.sandbox.battery.catalog import ATTEMPTS
from secureload.sandbox.battery.columns import COLUMNS
from secureload.sandbox.battery.live import RELAXED_LOOKS, RELAXED_READS
from secureload.sandbox.battery.settings import SETTINGS, Measured, measure
from secureload.sandbox.battery.table import matrix_page, stopped_by

from ..conftest import run_child

OWN = "root" if os.geteuid() == 0 else "this user"
ROOT = Path(__file__).resolve().parents[3]


@cache
def measured(setting: str) -> Measured:
    return measure(setting)


def through(column: str, setting: str = OWN) -> set[str]:
    outcomes = measured(setting).columns[column]
    if set(outcomes.values()) == {"no layer"}:
        pytest.skip(f"the kernel refuses {column} to this user")
    return {name for name, found in outcomes.items() if found == "through"}


@pytest.mark.parametrize("name", [name for name, attempt in ATTEMPTS.items() if attempt.free])
def test_a_free_attempt_gets_out_of_a_bare_process_of_any_user(name: str) -> None:
    found = measured(OWN).columns["bare"][name]
    if found == "absent":
        pytest.skip("this architecture has no such call")
    assert found == "through"


@pytest.mark.parametrize("setting", [OWN, *(name for name in SETTINGS if name != "root")])
def test_nothing_gets_out_of_a_real_worker_in_any_setting(setting: str) -> None:
    if setting == "nobody" and os.geteuid() != 0:
        pytest.skip("only root becomes nobody")
    assert through("all", setting) == set()
    assert measured(setting).escaped == ()
    assert measured(setting).level in {"required", "standard", "full"}


@pytest.mark.parametrize("setting", [OWN, *(name for name in SETTINGS if name != "root")])
def test_with_the_relaxed_filter_libraries_are_read_and_nothing_else_gets_out(setting: str) -> None:
    if setting == "nobody" and os.geteuid() != 0:
        pytest.skip("only root becomes nobody")
    if setting == "without namespaces":
        assert RELAXED_READS <= through("relaxed", setting) <= RELAXED_READS | RELAXED_LOOKS
    else:
        assert through("relaxed", setting) == RELAXED_READS


def test_what_gets_out_behind_the_relaxed_filter_counts_unless_it_is_what_the_filter_is_for() -> None:
    columns = {column: dict.fromkeys(ATTEMPTS, "EPERM") for column in (*COLUMNS, "all", "relaxed")}
    columns["relaxed"] |= dict.fromkeys(RELAXED_READS, "through")
    assert Measured("root", "full", columns).escaped == ()
    columns["relaxed"]["files: stat"] = "through"
    assert Measured("root", "full", columns).escaped == ("files: stat",)
    columns["namespaces"] = dict.fromkeys(ATTEMPTS, "no layer")
    assert Measured("without namespaces", "standard", columns).escaped == ()
    columns["relaxed"]["files: read"] = "through"
    columns["all"]["network: TCP"] = "through"
    assert set(Measured("without namespaces", "standard", columns).escaped) == {"files: read", "network: TCP"}


def test_without_namespaces_the_level_is_not_full_and_the_filter_carries_the_weight() -> None:
    assert measured("without namespaces").level in {"required", "standard"}
    assert set(measured("without namespaces").columns["namespaces"].values()) == {"no layer"}


@pytest.mark.parametrize("column", [column for column in COLUMNS if column != "bare"])
def test_a_layer_stops_something_and_none_alone_stops_everything(column: str) -> None:
    assert through(column) < through("bare")
    assert through(column)


def test_seccomp_alone_leaves_what_is_the_matter_of_the_limits_the_seals_and_the_environment() -> None:
    left = {name for name in through("seccomp") if not name.startswith("limits: ")}
    assert left <= {"files: write what is open", "environment: the caller's"}


def test_landlock_alone_stops_what_opens_or_changes_files() -> None:
    opened = {
        "files: read", "files: openat", "files: openat2", "files: list", "files: create", "files: overwrite",
        "files: folder", "files: link", "files: remove", "files: rename", "files: pipe with a name",
        "proc: own memory", "proc: own environment",
    }  # fmt: skip
    assert opened & through("landlock") == set()


def test_an_empty_root_and_namespaces_alone_hide_files_and_processes() -> None:
    hidden = {
        "files: read", "files: stat", "files: create", "files: list the root", "files: load a library",
        "proc: own memory", "proc: who is there", "processes: look for the victim", "processes: signal a thread of it",
        "processes: limits of the victim", "processes: execute",
    }  # fmt: skip
    assert hidden & through("namespaces") == set()


def test_limits_alone_stop_what_takes_too_much() -> None:
    bombs = {"limits: memory bomb", "limits: heap bomb", "limits: CPU loop", "limits: pipe flood"}
    assert bombs & through("limits") == set()
    assert bombs < through("bare")


AS_ROOT_OF_A_CONTAINER = """
import json, os, sys
from secureload.sandbox.battery.settings import _refuse_namespaces
from secureload.sandbox.kernel import KernelError, prctl
if sys.argv[1] == "enter":
    # The capabilities that containers leave to root by default.
    kept = {0, 1, 3, 4, 5, 6, 7, 8, 10, 13, 18, 27, 29, 31}
    for number in set(range(64)) - kept:
        try:
            prctl(24, number)
        except KernelError:
            break
    _refuse_namespaces()
    os.execv(sys.executable, [sys.executable, "-c", sys.argv[2], "try", ""])
from secureload.sandbox.battery.live import canaries, run_live
with canaries() as scene:
    live = run_live(scene)
user = {layer.name: layer for layer in live.confinement.layers}["user"]
print(json.dumps([live.confinement.level, list(live.through), live.untouched, user.state, user.detail]))
"""


@pytest.mark.skipif(OWN != "root", reason="only root is root of a container")
def test_nothing_gets_out_where_root_has_the_privileges_of_a_container_and_no_namespaces() -> None:
    done = run_child(AS_ROOT_OF_A_CONTAINER, "enter", AS_ROOT_OF_A_CONTAINER)
    assert done.returncode == 0, done.stderr
    level, out, untouched, state, detail = json.loads(done.stdout)
    assert (level, out, untouched) == (measured("without namespaces").level, [], True)
    # It could not limit the memory of another user's process.
    assert (state, detail) == ("unavailable", "root without capabilities: there is no CAP_SYS_RESOURCE")


def test_the_host_is_as_it_was() -> None:
    name = Path("/proc/sys/kernel/hostname").read_text()
    measured(OWN)
    assert Path("/proc/sys/kernel/hostname").read_text() == name
    assert "secureload-battery" not in Path("/proc/self/mountinfo").read_text()


def test_a_setting_that_cannot_be_had_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "secureload.sandbox.battery.settings.isolated", lambda *_: ["/bin/sh", "-c", "echo no >&2; exit 1"]
    )
    with pytest.raises(SandboxError, match="cannot be measured as root: no"):
        measure("root")


def test_the_page_has_a_row_for_each_attempt_and_counts_what_got_out() -> None:
    found = measured(OWN)
    page = matrix_page([found], environment="here")
    for name in found.columns["all"]:
        assert f"| {name} |" in page
    assert f"| {OWN} | {found.level} | {found.through('bare')} |" in page


def test_what_stops_an_attempt_is_measured_and_not_written() -> None:
    columns = {column: dict.fromkeys(ATTEMPTS, "through") for column in (*COLUMNS, "all", "relaxed")}
    columns["seccomp"]["files: read"] = "EACCES"
    columns["landlock"]["files: read"] = "EACCES"
    made_up = Measured("root", "full", columns)
    assert stopped_by("files: read", made_up) == "landlock, seccomp"
    assert stopped_by("files: stat", made_up) == ""
    columns["bare"]["files: list"] = "EPERM"
    assert stopped_by("files: list", made_up) == "kernel"
    assert stopped_by("wire: silence", made_up) == "wire"


def test_the_published_table_has_a_row_for_each_attempt_and_no_other() -> None:
    from secureload.sandbox.battery.live import NAMES

    for file in ("SECURITY.md", "docs/escape-battery.md"):
        text = (ROOT / file).read_text(encoding="utf-8")
        section = text.partition(
            "## Attempt by attempt" if file.startswith("docs") else "### The escape battery"
        )[2]
        rows = [line.split("|")[1].strip() for line in section.splitlines() if line.startswith("| ")]
        listed = [name for name in rows if ": " in name]
        assert listed == list(NAMES), file
