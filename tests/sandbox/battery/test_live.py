"""The battery in real workers: each attempt is stopped, and what it went for is as it was."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from secureload.errors import SandboxError
from secureload.sandbox.battery.attempt import Scene
from secureload.sandbox.battery.catalog import ATTEMPTS
from secureload.sandbox.battery.live import CANARY, NAMES, Live, canaries, run_live
from secureload.sandbox.battery.wire import SPEECHES

FAMILIES = {"files", "proc", "environment", "network", "processes", "kernel", "memory", "limits", "wire"}


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    with canaries() as found:
        yield found


@pytest.fixture(scope="module")
def live(scene: Scene) -> Live:
    return run_live(scene)


@pytest.mark.parametrize("name", NAMES)
def test_it_does_not_get_out(live: Live, name: str) -> None:
    found = live.outcomes[name]
    if found in {"absent", "uncounted"}:
        pytest.skip("the kernel has no such call, or does not count the threads of this user")
    assert found != "through"
    if name in SPEECHES:
        assert found in {"refused", "intact"}
    elif ATTEMPTS[name].fatal:
        assert found.startswith("killed: "), found
    else:
        assert found.startswith("E"), found


def test_the_canaries_are_as_they_were(live: Live, scene: Scene) -> None:
    assert live.untouched
    assert [(file.name, file.read_bytes()) for file in scene.folder.iterdir()] == [("canary", CANARY)]
    os.kill(scene.victim, 0)


def test_the_battery_was_made_against_all_layers_that_are_here(live: Live) -> None:
    layers = {layer.name: layer for layer in live.confinement.layers}
    assert live.confinement.level in {"required", "standard", "full"}
    assert layers["seccomp"].enforced
    assert layers["proof"].enforced
    assert "threads before it" not in layers["landlock"].detail


def test_the_battery_has_every_family_and_over_two_hundred_attempts() -> None:
    assert {name.partition(":")[0] for name in NAMES} == FAMILIES
    assert len(NAMES) == len(set(NAMES)) > 200


def test_an_answer_that_is_not_copied_before_it_is_used_is_one_that_gets_through(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    from secureload.sandbox import arena

    name = "wire: an answer that changes after it was checked"
    monkeypatch.setattr(arena.Arena, "own", lambda _self, there: there)
    assert run_live(scene, [name]).outcomes[name] == "through"


def test_an_attempt_that_succeeds_is_told_and_what_it_changed_is_noticed(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    from secureload.sandbox.battery import live as module

    def got_out(self: object, worker: object, name: str) -> str:
        del self, worker, name
        scene.canary.write_bytes(b"changed")
        return "through"

    monkeypatch.setattr(module._Runner, "_asked", got_out)
    try:
        found = run_live(scene, ["files: overwrite"])
        assert found.through == ("files: overwrite",)
        assert not found.untouched
    finally:
        scene.canary.write_bytes(CANARY)


def test_where_there_is_no_sandbox_the_battery_says_so(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "darwin")
    with pytest.raises(SandboxError, match="no sandbox on macOS"):
        run_live(scene, ["files: read"])
