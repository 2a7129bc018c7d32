"""Signing with a real ssh-agent, and with sockets that only pretend to be one."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from secureload.errors import UsageError
from secureload.limits import Limits
from secureload.signing.ed25519 import verify_signature
from secureload.signing.keys import SigningKey
from secureload.trust.agent import SOCKET_VARIABLE, agent_keys, agent_signer
from secureload.trust.keyfiles import write_private_key
from tests.signing.test_agent_protocol import BLOB, keys_answer, string

needs_ssh_agent = pytest.mark.skipif(shutil.which("ssh-agent") is None, reason="OpenSSH is not installed")


class Agent:
    """An ssh-agent of the test's own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = str(folder / "agent")
        out = subprocess.run(
            ["ssh-agent", "-s", "-a", self.path], check=True, capture_output=True, text=True, timeout=30
        ).stdout
        found = re.search(r"SSH_AGENT_PID=(\d+)", out)
        assert found is not None
        self.pid = int(found.group(1))

    def add(self, name: str) -> SigningKey:
        key = SigningKey.generate(name)
        path = self.folder / name
        write_private_key(path, key, None)
        subprocess.run(
            ["ssh-add", "-q", str(path)],
            check=True,
            capture_output=True,
            timeout=30,
            env={**os.environ, SOCKET_VARIABLE: self.path},
        )
        return key

    def remove_all(self) -> None:
        subprocess.run(
            ["ssh-add", "-q", "-D"],
            check=True,
            capture_output=True,
            timeout=30,
            env={**os.environ, SOCKET_VARIABLE: self.path},
        )


@pytest.fixture
def agent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Agent]:
    # A socket's path has at most 107 bytes, and pytest's folders are long.
    agent = Agent(tmp_path_factory.mktemp("a"))
    yield agent
    os.kill(agent.pid, signal.SIGTERM)


@needs_ssh_agent
def test_a_key_of_the_agent_signs(agent: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    alice = agent.add("alice")
    monkeypatch.setenv(SOCKET_VARIABLE, agent.path)
    assert agent_keys() == (alice.public,)
    signer = agent_signer()
    assert signer.public == alice.public
    assert verify_signature(alice.public.raw, signer.sign(b"message"), b"message")


@needs_ssh_agent
def test_of_several_keys_one_is_named_by_fingerprint_or_comment(agent: Agent) -> None:
    alice, bob = agent.add("alice"), agent.add("bob")
    with pytest.raises(UsageError, match="2 keys") as several:
        agent_signer(None, agent.path)
    assert alice.public.fingerprint in several.value.hint
    assert agent_signer(bob.public.fingerprint, agent.path).public == bob.public
    with pytest.raises(UsageError, match="no key 'carol'"):
        agent_signer("carol", agent.path)


@needs_ssh_agent
def test_a_key_that_was_taken_out_meanwhile_does_not_sign(agent: Agent) -> None:
    agent.add("alice")
    signer = agent_signer(None, agent.path)
    agent.remove_all()
    with pytest.raises(UsageError, match="refuses"):
        signer.sign(b"message")
    with pytest.raises(UsageError, match="no Ed25519 key"):
        agent_signer(None, agent.path)


def test_without_an_agent_the_way_to_one_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(SOCKET_VARIABLE, raising=False)
    with pytest.raises(UsageError, match="SSH_AUTH_SOCK is not set"):
        agent_signer()
    with pytest.raises(UsageError, match="cannot be reached"):
        agent_signer(None, str(tmp_path / "nothing"))
    with pytest.raises(UsageError, match="cannot be reached"):
        agent_signer(None, "x" * 500)


def pretend(folder: Path, *answers: bytes) -> str:
    """Listen on a socket, and give these bytes to one caller after the other, whatever they ask."""
    path = str(folder / "s")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen()

    def serve() -> None:
        with listener:
            for answer in answers:
                caller, _ = listener.accept()
                with caller:
                    caller.recv(65_536)
                    caller.sendall(answer)

    threading.Thread(target=serve, daemon=True).start()
    return path


@pytest.fixture
def short(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("s")


def test_a_forged_signature_of_the_agent_is_not_passed_on(short: Path) -> None:
    signature = string(b"\x0e" + string(string(b"ssh-ed25519") + string(b"s" * 64)))
    path = pretend(short, string(keys_answer((BLOB, b""))), signature)
    with pytest.raises(UsageError, match="not by this key"):
        agent_signer(None, path).sign(b"message")


@pytest.mark.parametrize("answer", [b"", b"\0\0\0\x09\x0c", b"\xff\xff\xff\xff", bytes(4)])
def test_an_agent_that_lies_about_lengths_is_refused(short: Path, answer: bytes) -> None:
    with pytest.raises(UsageError, match=r"hung up|announces"):
        agent_signer(None, pretend(short, answer))


def test_an_agent_that_never_answers_ends_in_a_limit(short: Path) -> None:
    listener = socket.socket(socket.AF_UNIX)
    with listener:
        listener.bind(str(short / "s"))
        listener.listen()
        with pytest.raises(UsageError, match=r"within 0\.2 seconds"):
            agent_signer(None, str(short / "s"), Limits(agent_wait_seconds=0.2))
