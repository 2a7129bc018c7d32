"""The root of the relaxed filter: libraries and what was named, in their usual places, read-only."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from secureload.sandbox.layers.library_root import library_places, outermost

from ..conftest import run_child

_CHILD = """
import json, os, sys
from secureload.sandbox.layers.library_root import library_places
from secureload.sandbox.layers.namespaces import empty_root, enter_namespaces
places = (sys.argv[1], sys.argv[2])
entered = enter_namespaces()
reader, writer = os.pipe()
if os.fork() == 0:
    report = empty_root(entered, places)
    found = {"state": report.state, "detail": report.detail}
    if report.enforced:
        found["read"] = open(sys.argv[1] + "/file").read()
        found["link"] = open(sys.argv[2]).read()
        found["root"] = sorted(os.listdir("/"))
        found["secret"] = os.path.exists(sys.argv[3])
        for name, path in (("there", sys.argv[1] + "/new"), ("root", "/new"), ("over", sys.argv[1] + "/file")):
            try:
                open(path, "w"); found["write " + name] = "could"
            except OSError:
                found["write " + name] = "refused"
    os.write(writer, json.dumps(found).encode())
    os._exit(0)
os.wait()
print(os.read(reader, 1 << 16).decode())
"""


def test_only_what_was_named_is_there_and_nothing_can_be_written(tmp_path: Path) -> None:
    folder = tmp_path / "real"
    folder.mkdir()
    (folder / "file").write_text("data")
    (tmp_path / "link").symlink_to("real/file")
    secret = tmp_path / "secret"
    secret.write_text("secret")
    done = run_child(_CHILD, str(folder), str(tmp_path / "link"), str(secret))
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    if found["state"] != "enforced":
        pytest.skip(f"namespaces are not available for the sandbox: {found['detail']}")
    assert (found["read"], found["link"]) == ("data", "data")
    assert found["root"] == [folder.parts[1]]
    assert found["secret"] is False
    assert {name: found[name] for name in found if name.startswith("write")} == {
        "write there": "refused",
        "write root": "refused",
        "write over": "refused",
    }
    assert (folder / "file").read_text() == "data"


def test_what_lies_in_another_place_is_left_out() -> None:
    assert outermost(["/usr/lib", "/usr/lib/python3", "/lib", "/usr/libexec"]) == (
        "/lib",
        "/usr/lib",
        "/usr/libexec",
    )


def test_the_root_itself_and_what_is_not_there_are_no_places(tmp_path: Path) -> None:
    found = library_places(["/", str(tmp_path / "nothing"), str(tmp_path)])
    assert str(tmp_path) in found
    assert "/" not in found
    assert str(tmp_path / "nothing") not in found
