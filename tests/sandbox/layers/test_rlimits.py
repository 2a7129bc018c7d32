from __future__ import annotations

import json

from ..conftest import run_child

_CHILD = """
import json, mmap, os, resource
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
    mmap.mmap(-1, 1 << 40, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, prot=mmap.PROT_READ); tried["addresses"] = "had"
except OSError:
    tried["addresses"] = "refused"
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


def test_what_no_limit_of_memory_counts_is_bounded_by_its_addresses() -> None:
    _, found, tried = json.loads(run_child(_CHILD.format(threads=0, cpu=0)).stdout)
    assert 0 < found["RLIMIT_AS"][0] < 128 << 30
    assert tried["addresses"] == "refused"


def test_a_stack_that_the_caller_does_not_bound_is_bounded() -> None:
    code = _CHILD.format(threads=0, cpu=0)
    endless = "import resource; resource.setrlimit(resource.RLIMIT_STACK, (-1, -1))\n"
    _, found, _ = json.loads(run_child(endless + code).stdout)
    assert found["RLIMIT_STACK"] == [64 << 20] * 2
