from __future__ import annotations

import json

import pytest

from ..conftest import run_child

_CHILD = """
import json, os
from secureload.sandbox.layers.namespaces import empty_root, enter_namespaces
host = os.readlink("/proc/self/ns/net")
entered = enter_namespaces()
reader, writer = os.pipe()
if os.fork() == 0:
    found = {"pid": os.getpid(), "net": os.readlink("/proc/self/ns/net") != host}
    report = empty_root(entered)
    found["state"], found["detail"] = report.state, report.detail
    found["root"] = os.listdir("/")
    try:
        open("/file", "w"); found["write"] = "could"
    except OSError:
        found["write"] = "refused"
    os.write(writer, json.dumps(found).encode())
    os._exit(0)
os.wait()
print(os.read(reader, 1 << 16).decode())
"""


def test_the_worker_is_alone_in_an_empty_read_only_root_without_a_network() -> None:
    done = run_child(_CHILD)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    if found["state"] != "enforced":
        pytest.skip(f"namespaces are not available for the sandbox: {found['detail']}")
    assert found["pid"] == 1
    assert found["net"] is True
    assert found["root"] == []
    assert found["write"] == "refused"
