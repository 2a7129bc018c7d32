"""A user at a shell: a home of their own, a working folder, and what their commands answered."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from secureload.cli import main
from secureload.signing.keys import SigningKey
from secureload.trust.keyfiles import write_private_key, write_public_key
from secureload.trust.store import add_trusted_key


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str

    def failed(self, code: int) -> Answer:
        """Assert that it ended with ``code``, one error line and one hint, and without a traceback."""
        lines = self.complaints()
        assert self.code == code, (self.code, self.out, self.err)
        assert [line.partition(":")[0] for line in lines] == ["error", "hint"], self.err
        assert all(line.partition(": ")[2] for line in lines), self.err
        assert "Traceback" not in self.out + self.err
        return self

    def succeeded(self) -> Answer:
        """Assert that it ended with 0 and complained of nothing."""
        assert (self.code, self.complaints()) == (0, []), (self.code, self.out, self.err)
        return self

    def complaints(self) -> list[str]:
        """Return the lines of standard error, without the warning that comes with the tests' own keys."""
        return [line for line in self.err.splitlines() if line != "warning: the private key is not encrypted"]


class ForbiddenCall:
    """Pickles as a call of ``os.system``; nothing ever loads it, and it would do nothing if something did."""

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.system, ("true never-runs",)


class Shell:
    """Types commands in a working folder, in this process or in one of their own."""

    def __init__(self, folder: Path, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self.home, self._capsys = folder, home, capsys

    @property
    def config(self) -> Path:
        return self.home / ".config" / "secureload"

    def __call__(self, *words: object) -> Answer:
        self._capsys.readouterr()
        code = main([str(word) for word in words])
        captured = self._capsys.readouterr()
        return Answer(code, captured.out, captured.err)

    def process(
        self,
        *words: object,
        data: bytes | None = None,
        environment: dict[str, str] | None = None,
        **options: Any,
    ) -> Answer:
        """The same in a process of its own."""
        done = subprocess.run(
            [sys.executable, "-m", "secureload", *map(str, words)],
            input=b"" if data is None else data,
            capture_output=True,
            timeout=120,
            env={**self.environment(), **(environment or {})},
            cwd=self.folder,
            **options,
        )
        return Answer(done.returncode, done.stdout.decode(), done.stderr.decode())

    def environment(self) -> dict[str, str]:
        root = str(Path(__file__).resolve().parents[2])
        return {**os.environ, "PYTHONPATH": root}

    def make_key(self, name: str = "alice", *, trusted: bool = True) -> SigningKey:
        """Put an unencrypted key pair into the configuration folder, and trust it."""
        self.config.mkdir(parents=True, exist_ok=True, mode=0o700)
        key = SigningKey.generate(name)
        write_private_key(self.config / name, key, None)
        write_public_key(self.config / f"{name}.pub", key.public)
        if trusted:
            add_trusted_key(self.config / "trust", key.public, name=name, roles=["signer"])
        return key

    def write(self, name: str, value: object) -> Path:
        """Save ``value`` as a pickle, bytes as they are."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(value if isinstance(value, bytes) else pickle.dumps(value))
        return path


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    folder, home = tmp_path / "work", tmp_path / "home"
    folder.mkdir()
    home.mkdir()
    for variable in ("XDG_CONFIG_HOME", "SECURELOAD_TRUST_STORE", "SECURELOAD_PASSWORD", "SECURELOAD_DEBUG"):
        monkeypatch.delenv(variable, raising=False)
    for variable in ("XDG_STATE_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(folder)
    return Shell(folder, home, capsys)


@pytest.fixture
def plain(shell: Shell) -> Path:
    """A pickle in which nothing is found."""
    return shell.write("plain.pkl", {"weights": [0.5, 0.25], "name": "plain"})


@pytest.fixture
def evil(shell: Shell) -> Path:
    """A pickle that would call os.system."""
    return shell.write("evil.pkl", {"model": [1.0], "hook": ForbiddenCall()})


@pytest.fixture
def signed(shell: Shell, plain: Path) -> Path:
    """A signed pickle in which nothing is found."""
    shell.make_key()
    shell("sign", plain).succeeded()
    return plain
