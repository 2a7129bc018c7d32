"""Sign with a key that an SSH agent holds: the private key stays there."""

from __future__ import annotations

import os
import socket
from types import TracebackType

from secureload.errors import UsageError
from secureload.limits import DEFAULT_LIMITS, Limits
from secureload.printable import printable
from secureload.signing.agent_protocol import (
    AgentKey,
    ask_for_keys,
    ask_for_signature,
    parse_keys,
    parse_signature,
)
from secureload.signing.ed25519 import verify_signature
from secureload.signing.keys import PublicKey

__all__ = ["SOCKET_VARIABLE", "AgentSigner", "agent_keys", "agent_signer"]

SOCKET_VARIABLE = "SSH_AUTH_SOCK"


class AgentSigner:
    """One key of the agent, as a signer. ``public`` is its public key."""

    __slots__ = ("_key", "_limits", "_socket_path", "public", "warnings")

    def __init__(self, key: AgentKey, socket_path: str, limits: Limits = DEFAULT_LIMITS) -> None:
        self._key = key
        self._socket_path = socket_path
        self._limits = limits
        self.public = key.public
        self.warnings: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"<AgentSigner {self.public.fingerprint}>"

    def sign(self, message: bytes) -> bytes:
        """Return the agent's signature (64 bytes) of ``message``.

        Raises :class:`UsageError` where the agent is gone or refuses, and where what it returns is not this
        key's signature of this message.
        """
        with _Agent(self._socket_path, self._limits) as agent:
            signature = parse_signature(agent.ask(ask_for_signature(self._key, message)))
        if not verify_signature(self.public.raw, signature, message):
            raise UsageError(
                "the SSH agent returned a signature that is not by this key", hint="Do not use this agent."
            )
        return signature


def agent_keys(socket_path: str | None = None, limits: Limits = DEFAULT_LIMITS) -> tuple[PublicKey, ...]:
    """Return the Ed25519 keys that the agent holds (``SSH_AUTH_SOCK`` by default).

    Raises :class:`UsageError` where there is no agent, or it does not answer as one.
    """
    with _Agent(_path_of(socket_path), limits) as agent:
        return tuple(key.public for key in parse_keys(agent.ask(ask_for_keys()), limits))


def agent_signer(
    wanted: str | None = None, socket_path: str | None = None, limits: Limits = DEFAULT_LIMITS
) -> AgentSigner:
    """Return a signer by the agent's key with this fingerprint or comment; without ``wanted`` by its only one.

    Raises :class:`UsageError` where there is no such key, or more than one.
    """
    path = _path_of(socket_path)
    with _Agent(path, limits) as agent:
        keys = parse_keys(agent.ask(ask_for_keys()), limits)
    if wanted is not None:
        matching = [key for key in keys if wanted in (key.public.fingerprint, key.public.comment)]
    else:
        matching = list(keys)
    if len(matching) == 1:
        return AgentSigner(matching[0], path, limits)
    listed = "; ".join(f"{key.public.fingerprint} {key.public.comment}".rstrip() for key in keys[:10])
    if not keys:
        raise UsageError("the SSH agent holds no Ed25519 key", hint="Add one: ssh-add PATH-OF-THE-KEY")
    if not matching:
        raise UsageError(
            f"the SSH agent holds no key {printable(wanted, 100)!r}",
            hint=f"It holds: {printable(listed, 800)}",
        )
    raise UsageError(
        f"the SSH agent holds {len(matching):,} keys that are meant",
        hint=f"Name one by its fingerprint: {printable(listed, 800)}",
    )


def _path_of(socket_path: str | None) -> str:
    path = os.environ.get(SOCKET_VARIABLE, "") if socket_path is None else socket_path
    if not path:
        raise UsageError(
            f"there is no SSH agent: {SOCKET_VARIABLE} is not set", hint='Start one: eval "$(ssh-agent)"'
        )
    return path


class _Agent:
    """A connection; each question gets one answer of bounded size within a bounded time."""

    def __init__(self, path: str, limits: Limits) -> None:
        self._limits = limits
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        # Long enough for somebody who is asked to confirm, or to touch a key.
        self._socket.settimeout(limits.agent_wait_seconds)
        try:
            self._socket.connect(path)
        except (OSError, ValueError) as error:
            self._socket.close()
            reason = (
                error.strerror if isinstance(error, OSError) and error.strerror else "not a socket's path"
            )
            raise UsageError(
                f"the SSH agent at {printable(path, 160)} cannot be reached: {reason}",
                hint=f"Is {SOCKET_VARIABLE} right, and the agent running?",
            ) from None

    def __enter__(self) -> _Agent:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def ask(self, question: bytes) -> bytes:
        """Return the answer to one question, without its length."""
        try:
            self._socket.sendall(question)
            size = int.from_bytes(self._receive(4), "big")
            if not 1 <= size <= self._limits.agent_answer_bytes:
                raise UsageError(
                    f"the SSH agent announces an answer of {size:,} bytes",
                    hint=f"Is {SOCKET_VARIABLE} the socket of an SSH agent?",
                )
            return self._receive(size)
        except TimeoutError:
            raise UsageError(
                f"the SSH agent did not answer within {self._limits.agent_wait_seconds:g} seconds",
                hint="Does it wait for you to confirm?",
            ) from None
        except OSError as error:
            raise UsageError(f"the SSH agent went away: {error.strerror}") from None

    def _receive(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            piece = self._socket.recv(count - len(data))
            if not piece:
                raise UsageError("the SSH agent hung up in the middle of an answer", hint="Try again.")
            data += piece
        return data
