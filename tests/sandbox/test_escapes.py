"""The battery of escapes: none gets out of a worker, and those of anybody do get out of a bare process."""

from __future__ import annotations

import errno
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import secureload
from secureload.errors import SandboxError

from .conftest import ROOT, run_child
from .escapes.attempts import ALL, BATTERY, FATAL, FREE, OTHERS, Battery

pytestmark = pytest.mark.skipif(
    platform.machine() != "x86_64", reason="the battery makes its calls by their x86-64 numbers"
)

# Each attempt in a child of its own, with the layers of argv[1] applied to it; prints what came out.
BARE = """
import json, os, sys
from pathlib import Path
from tests.sandbox.escapes.attempts import Scene, outcome
layers, folder, victim, names = sys.argv[1].split("+"), Path(sys.argv[2]), int(sys.argv[3]), json.loads(sys.argv[4])
os.environ["SECURELOAD_CANARY"] = "x"

def confine():
    from secureload.sandbox.layers import landlock, namespaces, privileges, rlimits
    if "namespaces" in layers:
        entered = namespaces.enter_namespaces()
        if not entered.enforced:
            os.write(writer, b"refused")
            os._exit(0)
        inner = os.fork()  # the namespace of processes begins with a child
        if inner:
            os.waitpid(inner, 0)
            os._exit(0)
        assert namespaces.empty_root(entered).enforced
    if "landlock" in layers:
        privileges.forbid_new_privileges()
        assert landlock.apply_landlock().enforced

results = {}
for name in names:
    (folder / "canary").write_bytes(b"here")
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        confine()
        # What ends the process of an attempt that gets through (exec, _exit) leaves this word.
        os.write(writer, b"through" if name in ("processes: execute",) else b"")
        os.write(writer, outcome(name, Scene(folder, victim)).encode())
        os._exit(0)
    os.close(writer)
    text = b""
    while piece := os.read(reader, 64):
        text += piece
    os.close(reader)
    os.waitpid(pid, 0)
    results[name] = text.decode()
    for left in folder.iterdir():
        left.rmdir() if left.is_dir() else left.unlink()
print(json.dumps(results))
"""


def bare(layers: str, names: Any, folder: Path) -> dict[str, str]:
    done = run_child(BARE, layers, str(folder), str(os.getpid()), json.dumps(list(names)))
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    if "refused" in found.values():
        pytest.skip("the kernel refuses namespaces to this user: the sandbox does without them here")
    assert isinstance(found, dict)
    return found


@pytest.fixture(scope="module")
def canaries(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("canaries")
    (folder / "canary").write_bytes(b"here")
    folder.chmod(0o777)
    return folder


@pytest.fixture(scope="module")
def loaded(
    alice: Any, alices_trust_store: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[], Any]]:
    import joblib

    path = tmp_path_factory.mktemp("battery") / "battery.joblib"
    joblib.dump(Battery(), path)
    secureload.sign(path, key=alice)
    models: list[Any] = []

    def load() -> Any:
        models.append(secureload.safe_load(path, trust_store=alices_trust_store, allow=[BATTERY]))
        return models[-1]

    yield load
    for model in models:
        model.close()


@pytest.fixture(scope="module")
def outcomes(loaded: Callable[[], Any], canaries: Path) -> dict[str, str]:
    names = [*FREE, *OTHERS]
    model = loaded()
    found = model.try_all(names, str(canaries), os.getpid())
    assert isinstance(found, dict)
    # The kernel never counts root's threads, and others' host-wide unless the worker has a user namespace.
    details = [layer.detail for layer in model.confinement.layers if layer.name == "namespaces"]
    if os.geteuid() == 0 or not any(detail.startswith("user,") for detail in details):
        found["processes: resources of threads"] = "EUNCOUNTED"
    return found


@pytest.fixture(scope="module")
def without_layers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return bare("none", FREE, tmp_path_factory.mktemp("bare"))


@pytest.mark.parametrize("name", [*FREE, *OTHERS])
def test_a_worker_is_stopped_with_an_error(outcomes: dict[str, str], name: str) -> None:
    if outcomes[name] == "EUNCOUNTED":
        pytest.skip("the kernel does not count the threads of this user here")
    assert outcomes[name] != "through"
    assert outcomes[name].startswith("E"), outcomes[name]


def test_the_canaries_are_as_they_were(outcomes: dict[str, str], canaries: Path) -> None:
    assert outcomes
    assert [(file.name, file.read_bytes()) for file in canaries.iterdir()] == [("canary", b"here")]


@pytest.mark.parametrize("name", FATAL)
def test_a_worker_that_makes_a_call_that_nobody_makes_by_accident_is_killed(
    loaded: Callable[[], Any], canaries: Path, name: str
) -> None:
    with pytest.raises(SandboxError, match=r"forbidden system call|crashed"):
        loaded().try_one(name, str(canaries), os.getpid())


@pytest.mark.parametrize("name", FREE)
def test_the_same_attempt_gets_through_where_nothing_stops_it(
    without_layers: dict[str, str], name: str
) -> None:
    assert without_layers[name] in {"through", "throughthrough"}


def test_landlock_alone_stops_what_opens_or_changes_files(tmp_path: Path) -> None:
    names = [name for name in FREE if name in LANDLOCKED]
    found = bare("landlock", names, tmp_path)
    assert {name: found[name] for name in names if found[name] == "through"} == {}


LANDLOCKED = {
    "files: read", "files: openat", "files: list", "files: create", "files: folder", "files: link", "files: remove",
    "files: pipe with a name", "files: rename", "proc: own memory", "processes: spawn",
}  # fmt: skip


def test_an_empty_root_and_namespaces_alone_hide_files_and_processes(tmp_path: Path) -> None:
    names = [name for name in FREE if name in HIDDEN]
    found = bare("namespaces", names, tmp_path)
    assert {name: found[name] for name in names if found[name] == "through"} == {}


HIDDEN = {
    "files: read", "files: openat", "files: stat", "files: statx", "files: access", "files: create", "files: remove",
    "files: load a library", "files: follow a link", "proc: own memory", "processes: execute",
    "processes: look for the victim", "processes: signal a thread of it", "processes: limits of the victim",
}  # fmt: skip


def test_nothing_is_open_in_a_worker_but_the_null_device_and_the_wire(loaded: Callable[[], Any]) -> None:
    assert len(loaded().descriptors()) == 4


def test_bytes_that_the_model_writes_to_the_wire_end_its_session(loaded: Callable[[], Any]) -> None:
    model = loaded()
    wire = max(model.descriptors())
    with pytest.raises(SandboxError, match="not a header"):
        model.write_to(wire)
    # Whoever wrote them is not asked again: another worker answers, from the same bytes.
    assert model.descriptors()
    assert model.restarts == 1


def test_the_battery_is_not_empty() -> None:
    assert len(ALL) == len(FREE) + len(OTHERS) + len(FATAL) >= 130


def test_the_sandbox_runs_the_package_that_asked_for_it_whatever_else_is_installed(tmp_path: Path) -> None:
    shutil.copytree(Path(secureload.__file__).parent, tmp_path / "secureload")
    code = """
    import subprocess, sys
    sys.path.insert(0, sys.argv[1])
    from secureload.sandbox.launch import _imports
    code = _imports() + "; import secureload.sandbox.zygote as z; print(z.__file__)"
    print(subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True).stdout)
    """
    done = run_child(code, str(tmp_path))
    assert done.stdout.strip() == str(tmp_path / "secureload" / "sandbox" / "zygote.py"), done.stderr


def test_the_folder_of_a_script_that_is_a_link_is_no_place_for_libraries(tmp_path: Path) -> None:
    real = tmp_path / "downloads" / "script.py"
    real.parent.mkdir()
    real.write_text(
        "from secureload.sandbox.launch import _library_paths, application_paths\n"
        "print(*application_paths()); print(*_library_paths())\n"
    )
    link = tmp_path / "script.py"
    link.symlink_to(real)
    done = subprocess.run(
        [sys.executable, str(link)],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])},
        cwd="/",
    )
    own, libraries = done.stdout.splitlines()
    assert str(real.parent) in own.split()
    assert str(real.parent) not in libraries.split()


def test_a_caller_without_descriptors_left_is_told_so_and_may_try_again(
    loaded: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def none_left(*_arguments: Any) -> Any:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    loaded()
    with monkeypatch.context() as patched:
        patched.setattr("secureload.sandbox.zygotes.socket.socketpair", none_left)
        with pytest.raises(SandboxError, match="Too many open files"):
            loaded()
    assert len(loaded().descriptors()) == 4
