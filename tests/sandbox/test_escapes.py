"""What is open in a worker, what its wire bears, and which code runs there; the battery itself has its own folder."""

from __future__ import annotations

import errno
import os
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
from .escapes.looking import LOOKING, Looking


@pytest.fixture(scope="module")
def loaded(
    alice: Any, alices_trust_store: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[], Any]]:
    import joblib

    path = tmp_path_factory.mktemp("battery") / "battery.joblib"
    joblib.dump(Looking(), path)
    secureload.sign(path, key=alice)
    models: list[Any] = []

    def load() -> Any:
        models.append(secureload.safe_load(path, trust_store=alices_trust_store, allow=[LOOKING]))
        return models[-1]

    yield load
    for model in models:
        model.close()


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
