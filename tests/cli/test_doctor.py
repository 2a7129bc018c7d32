"""doctor: each layer, and the one that is missing."""

from __future__ import annotations

import json

import pytest

from secureload.sandbox import host
from secureload.sandbox.layers.layer import LayerReport
from secureload.sandbox.proof import ConfinementMissingError

from .conftest import Shell


def test_every_required_layer_is_shown(shell: Shell) -> None:
    answer = shell("doctor", "--format", "json")
    if answer.code == 5:
        pytest.skip(f"the sandbox is not there: {answer.err}")
    report = json.loads(answer.succeeded().out)
    states = {layer["name"]: layer["state"] for layer in report["layers"]}
    assert all(states[name] == "enforced" for name in report["required_layers"])
    assert report["level"] in {"required", "standard", "full"}
    assert report["environment"]["python"].startswith("CPython 3.")
    out = shell("doctor").succeeded().out
    assert "seccomp" in out
    assert "trust store" in out


def test_a_missing_layer_is_named_and_everything_else_still_shown(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    def without(*_arguments: object) -> None:
        layers = (LayerReport("seccomp", "unavailable", "no"), LayerReport("landlock", "enforced", "ABI 7"))
        raise ConfinementMissingError(
            "the sandbox layer 'seccomp' is missing: no",
            hint="nothing was loaded",
            layer="seccomp",
            layers=layers,
        )

    monkeypatch.setattr(host, "start_worker", without)
    answer = shell("doctor").failed(5)
    assert "'seccomp' is missing" in answer.err
    assert "kernel" in answer.out
    assert "unavailable  seccomp" in answer.out
    assert "enforced     landlock" in answer.out
    assert json.loads(shell("doctor", "--format", "json").failed(5).out)["level"] == "none"
