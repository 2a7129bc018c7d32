"""Landlock alone, in a child: no path is opened, no port used, no signal sent out."""

from __future__ import annotations

import json

import pytest

from secureload.sandbox.layers.landlock import rights_of

from ..conftest import run_child

_CHILD = """
import json, os, socket
from secureload.sandbox.layers.landlock import apply_landlock
from secureload.sandbox.layers.privileges import forbid_new_privileges
def tried(attempt):
    try:
        attempt()
    except OSError as error:
        return error.errno
    return 0
listener = socket.create_server(("127.0.0.1", 0))
port = listener.getsockname()[1]
attempts = {
    "read": lambda: open("/etc/passwd"),
    "list": lambda: os.listdir("/"),
    "write": lambda: open("/tmp/secureload-landlock-test", "w"),
    "connect": lambda: socket.create_connection(("127.0.0.1", port), 5),
    "bind": lambda: socket.create_server(("127.0.0.1", 0)),
    "signal": lambda: os.kill(os.getppid(), 0),
}
before = {name: tried(attempt) for name, attempt in attempts.items()}
forbid_new_privileges()
report = apply_landlock()
after = {name: tried(attempt) for name, attempt in attempts.items()}
print(json.dumps([report.state, report.detail, before, after]))
"""


def test_what_was_possible_before_is_refused_afterwards() -> None:
    done = run_child(_CHILD)
    assert done.returncode == 0, done.stderr
    state, detail, before, after = json.loads(done.stdout)
    if state != "enforced":
        pytest.skip(f"landlock is not available: {detail}")
    assert set(before.values()) == {0}
    for name in ("read", "list", "write"):
        assert after[name] == 13, name
    if "TCP" in detail:
        assert (after["connect"], after["bind"]) == (13, 13)
    if "signals" in detail:
        assert after["signal"] == 1


@pytest.mark.parametrize(
    ("abi", "files", "words", "size"),
    [
        (1, 13, "files", 8),
        (2, 14, "files", 8),
        (3, 15, "files", 8),
        (4, 15, "files, TCP", 16),
        (5, 16, "files, TCP", 16),
        (6, 16, "files, TCP, abstract sockets, signals", 24),
        (7, 16, "files, TCP, abstract sockets, signals", 24),
        (99, 16, "files, TCP, abstract sockets, signals", 24),
    ],
)
def test_a_ruleset_takes_away_all_that_the_kernels_abi_knows_and_says_so(
    abi: int, files: int, words: str, size: int
) -> None:
    rights = rights_of(abi)
    assert rights.files == (1 << files) - 1
    assert (rights.words, rights.size) == (words, size)
