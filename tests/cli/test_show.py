"""``secureload show``."""

from __future__ import annotations

import json
from pathlib import Path

from .conftest import Shell

META = b"""
trained = 2026-03-01T12:00:00Z
features = [{ name = "age", dtype = "float64" }]
[metrics]
f1 = 0.5
[libraries]
numpy = "2.0"
[extra]
owner = "risk"
"""


def test_what_trusted_keys_state_is_shown_and_of_the_rest_that_it_does_not_count(
    shell: Shell, signed: Path
) -> None:
    shell.write("meta.toml", META)
    shell("sign", signed, "--metadata", "meta.toml", "--version", "1.4").succeeded()
    shell.make_key("mallory", trusted=False)
    mallory = shell.config / "mallory"
    shell("attest", signed, "--predicate", "approval", "--comment", "trust me", "--key", mallory).succeeded()
    shown = shell("show", signed).succeeded().out
    assert "about plain.pkl version 1.4" in shown
    for line in (
        "trained:       2026-03-01T12:00:00Z",
        "metric:        f1 = 0.5",
        "age: float64",
        "owner: risk",
    ):
        assert line in shown
    assert "not counted: approval: it is signed with the key" in shown
    assert "trust me" not in shown
    fields = json.loads(shell("show", signed, "--format", "json").succeeded().out)
    assert [one["kind"] for one in fields["statements"]] == ["signature", "metadata"]
    assert fields["statements"][1]["predicate"]["metrics"] == {"f1": "0.5"}


def test_nothing_is_shown_of_what_nobody_trusted_signed(shell: Shell, plain: Path) -> None:
    shell("show", plain).failed(4)
    shell.make_key("mallory", trusted=False)
    shell("sign", plain).succeeded()
    shell.make_key("alice")
    shell("show", plain).failed(4)
    shell("show", "nothing.pkl").failed(2)
