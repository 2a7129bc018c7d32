from __future__ import annotations

import json

from ..conftest import run_child

_CHILD = """
import json, os, resource
from secureload.sandbox.layers.rlimits import ResourceLimits, apply_rlimits
report = apply_rlimits(ResourceLimits(memory_bytes=200 << 20, open_files=16, threads={threads}, cpu_seconds={cpu}))
found = {{name: resource.getrlimit(getattr(resource, name)) for name in dir(resource) if name.startswith("RLIMIT_")}}
tried = {{}}
try:
    bytearray(400 << 20); tried["memory"] = "had"
except MemoryError:
    tried["memory"] = "refused"
try:
    resource.setrlimit(resource.RLIMIT_CORE, (1, 1)); tried["raise"] = "could"
except (ValueError, OSError):
    tried["raise"] = "refused"
try:
    for _ in range(40): os.dup(0)
    tried["files"] = "had"
except OSError:
    tried["files"] = "refused"
print(json.dumps([report.state, found, tried]))
"""


def test_memory_files_and_cores_are_bounded() -> None:
    done = run_child(_CHILD.format(threads=0, cpu=7))
    assert done.returncode == 0, done.stderr
    state, found, tried = json.loads(done.stdout)
    assert state == "enforced"
    assert found["RLIMIT_DATA"] == [200 << 20] * 2
    assert found["RLIMIT_NOFILE"] == [16, 16]
    assert found["RLIMIT_CPU"] == [7, 7]
    for name in ("RLIMIT_FSIZE", "RLIMIT_CORE", "RLIMIT_MEMLOCK", "RLIMIT_MSGQUEUE"):
        assert found[name] == [0, 0]
    assert tried["memory"] == "refused"
    assert tried["files"] == "refused"


def test_without_a_number_of_seconds_cpu_time_is_not_bounded() -> None:
    done = run_child(_CHILD.format(threads=0, cpu=0))
    assert json.loads(done.stdout)[1]["RLIMIT_CPU"][0] == -1
