"""The whole story, as two people type it, each command in a process of its own."""

from __future__ import annotations

import pytest

from .conftest import ForbiddenCall, Shell


def test_keygen_trust_sign_verify_check_and_a_hostile_file(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, evil = shell.write("model.pkl", {"weights": [0.5]}), shell.write("evil.pkl", ForbiddenCall())
    monkeypatch.setenv("SECURELOAD_PASSWORD", "correct horse")
    shell.process("keygen", "--name", "alice").succeeded()
    shell.process("trust", "add", "alice.pub", "--role", "signer").succeeded()
    shell.process("sign", model, "--model-version", "1.4").succeeded()
    monkeypatch.delenv("SECURELOAD_PASSWORD")
    assert "version: 1.4" in shell.process("verify", model).succeeded().out
    assert "signed by alice" in shell.process("check", model, "--require-signature").succeeded().out
    assert "system('true never-runs')" in shell.process("check", evil).failed(1).out
