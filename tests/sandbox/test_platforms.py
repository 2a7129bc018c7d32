"""Where there is no sandbox, the error names the system and the layer that it lacks, and nothing is started."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import joblib
import pytest

import secureload
from secureload.sandbox import kernel, platforms
from secureload.sandbox.proof import ConfinementMissingError
from secureload.sandbox.zygotes import zygote_for


def test_here_is_a_sandbox() -> None:
    if sys.platform == "linux" and kernel.architecture() in kernel.ARCHITECTURES:
        assert platforms.missing_platform() is None


@pytest.mark.parametrize(
    ("system", "name", "layer"),
    [
        ("darwin", "macOS", "seatbelt"),
        ("win32", "Windows", "appcontainer"),
        ("freebsd14", "freebsd14", "seccomp"),
    ],
)
def test_a_system_without_a_sandbox_is_named_with_what_it_lacks(
    monkeypatch: pytest.MonkeyPatch, system: str, name: str, layer: str
) -> None:
    monkeypatch.setattr(sys, "platform", system)
    with pytest.raises(ConfinementMissingError, match=f"no sandbox on {name} yet") as caught:
        zygote_for("load")
    assert caught.value.fields["layer"] == layer
    assert "Linux" in caught.value.hint


def test_linux_on_another_machine_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.uname", lambda: os.uname_result(("Linux", "", "", "", "riscv64")))
    with pytest.raises(ConfinementMissingError, match="Linux on riscv64") as caught:
        zygote_for("load")
    assert caught.value.fields["layer"] == "seccomp"


@pytest.mark.parametrize("accepting", [False, True])
def test_safe_load_on_another_system_is_a_sandbox_error_whatever_the_caller_accepts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, alice: Any, alices_trust_store: Path, accepting: bool
) -> None:
    path = tmp_path / "model.joblib"
    joblib.dump({"a": 1}, path)
    secureload.sign(path, key=alice)
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(secureload.SandboxError, match="no sandbox on macOS yet"):
        secureload.safe_load(
            path, trust_store=alices_trust_store, accept_reduced_confinement_at_my_own_risk=accepting
        )
