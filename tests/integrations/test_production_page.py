"""docs/production.md is run: its programs, and its services under the real gunicorn and uvicorn."""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.test_session import descendants, is_gone, wait_until

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/production.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
FILES = {match[1]: block for block in BLOCKS if (match := re.match(r"# (\S+\.py)\n", block))}
PROGRAMS = [block for block in BLOCKS if block not in FILES.values()]
ROWS = [[5.1, 3.5, 1.4, 0.2], [6.7, 3.0, 5.2, 2.3]]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}


class Unix(http.client.HTTPConnection):
    """A connection to a socket in the file system."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=60)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(60)
        self.sock.connect(str(self._path))


def ask(path: Path, rows: Any = ROWS) -> Any:
    connection = Unix(path)
    try:
        connection.request("POST", "/predict", json.dumps(rows), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        body = answer.read()
        assert answer.status == 200, body
        return json.loads(body)
    finally:
        connection.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    work = tmp_path_factory.mktemp("w")
    for name, text in FILES.items():
        (work / name).write_text(text, encoding="utf-8")
    run(work, "-c", PROGRAMS[0])
    return work


def run(work: Path, *arguments: str) -> str:
    command = [sys.executable, *arguments]
    done = subprocess.run(command, cwd=work, env=ENVIRONMENT, capture_output=True, text=True, timeout=150)
    assert done.returncode == 0, done.stderr
    return done.stdout


@contextmanager
def served(work: Path, module: str, *arguments: str) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """Run a server on a socket of its own, and end it and see that everything below it ends."""
    path = work / f"{module}-{len(list(work.iterdir()))}.sock"
    bound = [argument.format(socket=path) for argument in arguments]
    log = path.with_suffix(".log")
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", module, *bound], cwd=work, env=ENVIRONMENT, stdout=out, stderr=out
        )
    try:
        assert wait_until(lambda: path.exists() or process.poll() is not None, 60)
        assert process.poll() is None, log.read_text()
        yield process, path
    finally:
        below = descendants(process.pid)
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(60)
        finally:
            process.kill()
            process.wait()
    assert wait_until(lambda: all(is_gone(pid) for pid in below)), log.read_text()


def test_the_page_has_its_programs_and_files() -> None:
    assert len(PROGRAMS) >= 4
    assert set(FILES) == {"app.py", "wsgi.py", "gunicorn.conf.py", "jobs.py"}


@pytest.mark.parametrize("number", range(1, len(PROGRAMS)))
def test_a_program_of_the_page_runs(folder: Path, number: int) -> None:
    if "prometheus_client" in PROGRAMS[number]:
        pytest.importorskip("prometheus_client", reason="secureload[prometheus] is not installed")
    run(folder, "-c", PROGRAMS[number])


def test_forked_and_spawned_children_use_the_model(folder: Path) -> None:
    assert run(folder, "jobs.py") == "forked and spawned\n"


@pytest.mark.parametrize("preload", [True, False])
def test_gunicorn_serves_a_model_that_was_loaded_before_or_after_the_fork(
    folder: Path, preload: bool
) -> None:
    pytest.importorskip("gunicorn", reason="gunicorn is not installed")
    config = folder / f"preload_{preload}.py"
    config.write_text(FILES["gunicorn.conf.py"].replace("preload_app = True", f"preload_app = {preload}"))
    with served(folder, "gunicorn", "-c", str(config), "-b", "unix:{socket}", "wsgi:application") as (
        master,
        path,
    ):
        answers = [ask(path) for _ in range(12)]
        assert answers == [{"labels": [0, 2]}] * 12
        # A process of the server that is killed is replaced, and its successor answers.
        workers = Path(f"/proc/{master.pid}/task/{master.pid}/children").read_text().split()
        killed = [
            pid for pid in map(int, workers) if b"gunicorn" in Path(f"/proc/{pid}/cmdline").read_bytes()
        ]
        assert len(killed) == 2
        below = {pid for worker in killed for pid in descendants(worker)}
        for pid in killed:
            os.kill(pid, signal.SIGKILL)
        assert wait_until(lambda: all(is_gone(pid) for pid in below))
        time.sleep(0.5)
        assert [ask(path) for _ in range(4)] == [{"labels": [0, 2]}] * 4


def test_uvicorn_serves_many_requests_at_once_and_closes_the_model(folder: Path) -> None:
    pytest.importorskip("uvicorn", reason="uvicorn is not installed")
    pytest.importorskip("fastapi", reason="fastapi is not installed")
    from concurrent.futures import ThreadPoolExecutor

    with served(folder, "uvicorn", "app:app", "--uds", "{socket}") as (_, path):
        with ThreadPoolExecutor(16) as pool:
            answers = list(pool.map(lambda number: ask(path, [ROWS[number % 2]]), range(80)))
        assert answers == [{"labels": [(0, 2)[number % 2]]} for number in range(80)]
        # A client that goes away in the middle of its request harms nobody.
        for _ in range(5):
            connection = Unix(path)
            connection.request(
                "POST", "/predict", json.dumps(ROWS * 2_000), {"Content-Type": "application/json"}
            )
            connection.close()
        assert ask(path) == {"labels": [0, 2]}


def test_each_process_of_pytest_xdist_has_its_own_workers(folder: Path) -> None:
    pytest.importorskip("xdist", reason="pytest-xdist is not installed")
    work = folder / "suite"
    work.mkdir(exist_ok=True)
    for name in ("model.joblib", "model.joblib.sig"):
        shutil.copy(folder / name, work / name)
    shutil.copytree(folder / "trust", work / "trust", dirs_exist_ok=True)
    (work / "pytest.ini").write_text("[pytest]\n")
    (work / "test_it.py").write_text(
        "from pathlib import Path\nimport pytest, secureload\n"
        "model = secureload.safe_load('model.joblib', trust_store=Path('trust').absolute())\n"
        "@pytest.mark.parametrize('n', range(20))\n"
        "def test_one(n):\n    assert model.predict([[5.1, 3.5, 1.4, 0.2]]).tolist() == [0]\n"
    )
    out = run(work, "-m", "pytest", "-q", "-n", "2", "-p", "no:cacheprovider", "test_it.py")
    assert "20 passed" in out
