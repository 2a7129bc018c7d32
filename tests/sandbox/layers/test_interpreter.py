"""A clean interpreter says so; one that is not says what is wrong with it."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from ..conftest import ROOT, run_child

_CODE = f"""
import json, os, sys
sys.path[:0] = [{str(ROOT)!r}]
from secureload.sandbox.layers.interpreter import leave_session
if os.fork() == 0:
    for _ in range(int(sys.argv[1])): os.dup(0)
    report = leave_session()
    print(json.dumps([report.state, report.detail, os.getsid(0) == os.getpid() == os.getpgid(0)]))
    sys.stdout.flush(); os._exit(0)
os.wait()
"""


def reported(*flags: str, more: int = 0, **environment: str) -> tuple[str, str, bool]:
    done = subprocess.run(
        [sys.executable, *flags, "-c", _CODE, str(more)],
        capture_output=True, text=True, env={"PATH": os.defpath, **environment},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    state, detail, own = json.loads(done.stdout)
    return state, detail, own


def test_an_isolated_interpreter_with_a_scrubbed_environment_is_clean() -> None:
    state, detail, own_session = reported("-I")
    assert (state, own_session) == ("enforced", True), detail
    assert "own environment, session and process group" in detail


def test_what_is_not_clean_is_named() -> None:
    assert reported()[:2] == ("unavailable", "it was not started with -I")
    assert reported("-I", AWS_SECRET_ACCESS_KEY="x")[:2] == (
        "unavailable",
        "its environment has AWS_SECRET_ACCESS_KEY",
    )
    state, detail, _ = reported("-I", more=20)
    assert state == "unavailable"
    assert "descriptors are open" in detail


def test_a_worker_is_in_a_session_of_its_own() -> None:
    done = run_child(
        """
        import os
        from secureload.limits import DEFAULT_LIMITS
        from secureload.sandbox.host import start_worker
        from dataclasses import asdict
        config = {"memory_bytes": 1 << 30, "cpu_seconds": 5, "limits": asdict(DEFAULT_LIMITS)}
        one, two = (start_worker("trace", config, DEFAULT_LIMITS) for _ in range(2))
        sessions = {os.getsid(0), os.getsid(one.pid), os.getsid(two.pid)}
        groups = {os.getpgid(0), os.getpgid(one.pid), os.getpgid(two.pid)}
        print(len(sessions), len(groups), one.confinement.layers[0].name, one.confinement.layers[0].state)
        """
    )
    assert done.stdout.split() == ["3", "3", "interpreter", "enforced"], done.stderr
