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


def test_the_battery_exits_with_0_where_nothing_got_out_and_names_every_attempt(shell: Shell) -> None:
    report = json.loads(shell("doctor", "--battery", "--format", "json").succeeded().out)
    assert report["through"] == []
    assert report["canaries_untouched"] is True
    assert report["attempts"] == len(report["outcomes"]) > 200


def test_the_battery_exits_with_5_where_something_got_out_and_says_what(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    from secureload.sandbox.battery import live
    from secureload.sandbox.proof import Confinement

    def leaky(*_: object) -> live.Live:
        outcomes = {"files: read": "through", "files: list": "EACCES"}
        return live.Live(outcomes, Confinement(()), untouched=True)

    monkeypatch.setattr(live, "run_live", leaky)
    answer = shell("doctor", "--battery").failed(5)
    assert "GOT OUT  files: read" in answer.out
    assert "2 attempts (files 2): 1 got out" in answer.out
    assert "something got out of the sandbox: files: read" in answer.err
    assert json.loads(shell("doctor", "--battery", "--format", "json").failed(5).out)["through"] == [
        "files: read"
    ]


@pytest.mark.parametrize(
    "flags", [("--matrix",), ("--format", "markdown"), ("--battery", "--format", "markdown")]
)
def test_flags_that_do_not_go_together_are_a_usage_error_with_the_right_command(
    shell: Shell, flags: tuple[str, ...]
) -> None:
    assert "secureload doctor --battery --matrix" in shell("doctor", *flags).failed(2).err


def test_the_advice_stands_below_the_layer_that_is_missing(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    def without(*_arguments: object) -> None:
        layers = (LayerReport("seccomp", "unavailable", "no"),)
        raise ConfinementMissingError("missing", hint="see", layer="seccomp", layers=layers)

    monkeypatch.setattr(host, "start_worker", without)
    assert "permit seccomp filters" in shell("doctor").failed(5).out
