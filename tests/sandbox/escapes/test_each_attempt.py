"""Each attempt of the battery, made by a model that was signed, allowed by name and loaded with ``safe_load``."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import joblib
import pytest

import secureload
from secureload.errors import SandboxError
from secureload.sandbox.battery.attempt import Scene
from secureload.sandbox.battery.catalog import ATTEMPTS, EARLY, UNCOUNTED
from secureload.sandbox.battery.live import CANARY, canaries
from secureload.sandbox.battery.memory import BOMB_BYTES
from secureload.sandbox.layers.namespaces import has_user_namespace

from .escaping import ESCAPING, Escaping

# A thread from before the doors were closed is no model's to have, and a model that serves has no limit of processor
# time: the deadline of a call ends it.
OTHERWISE = {EARLY, "limits: CPU loop"}
NAMES = [name for name in ATTEMPTS if name not in OTHERWISE]
FATAL = [name for name in NAMES if ATTEMPTS[name].fatal]


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    with canaries() as found:
        yield found


@pytest.fixture(scope="module")
def escaping(alice: Any, alices_trust_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    path = tmp_path_factory.mktemp("escaping") / "model.joblib"
    joblib.dump(Escaping(), path)
    secureload.sign(path, key=alice)
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("SECURELOAD_CANARY", "x")
        model: Any = secureload.safe_load(
            path,
            trust_store=alices_trust_store,
            allow=[ESCAPING],
            memory_bytes=BOMB_BYTES // 2,
            restarts=len(FATAL) + 1,
        )
        yield model
        model.close()


@pytest.fixture(scope="module")
def attempted(escaping: Any, scene: Scene) -> Callable[[str], str]:
    def attempt(name: str) -> str:
        try:
            found = escaping.attempt(name, str(scene.folder), scene.victim)
        except SandboxError as error:
            return f"killed: {error.message}"
        assert isinstance(found, str)
        return found

    return attempt


@pytest.mark.parametrize("name", NAMES)
def test_a_model_that_tries_it_does_not_get_out(
    attempted: Callable[[str], str], escaping: Any, scene: Scene, name: str
) -> None:
    found = attempted(name)
    if found == "absent":
        pytest.skip("this architecture has no such call")
    layers = {layer.name: layer for layer in escaping.confinement.layers}
    if name == UNCOUNTED and not (layers["user"].enforced and has_user_namespace(layers["namespaces"])):
        pytest.skip("the kernel does not count the threads of this user")
    if ATTEMPTS[name].fatal:
        assert found.startswith("killed: "), found
    else:
        assert found.startswith("E"), found
    assert [(file.name, file.read_bytes()) for file in scene.folder.iterdir()] == [("canary", CANARY)]
    os.kill(scene.victim, 0)


def test_a_model_that_computes_for_ever_is_ended_by_the_deadline_of_the_call(
    escaping: Any, scene: Scene
) -> None:
    with escaping.limits(timeout_seconds=0.5), pytest.raises(SandboxError, match=r"within 0\.5 s"):
        escaping.attempt("limits: CPU loop", str(scene.folder), scene.victim)
