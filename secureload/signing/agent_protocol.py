"""What is said to an SSH agent: which keys it holds, and a signature by one of them.

Sans-I/O and total: an answer is bytes, and whatever they are this returns or raises :class:`UsageError`.
Source: draft-ietf-sshm-ssh-agent, sections 3.5 to 3.7; RFC 4251 section 5 for the strings, RFC 8709 for Ed25519.
"""

from __future__ import annotations

from dataclasses import dataclass

from secureload.errors import UsageError
from secureload.limits import DEFAULT_LIMITS, Limits
from secureload.printable import printable
from secureload.signing.ed25519 import PUBLIC_KEY_BYTES, SIGNATURE_BYTES
from secureload.signing.keys import KEY_TYPE, PublicKey

__all__ = ["AgentKey", "ask_for_keys", "ask_for_signature", "parse_keys", "parse_signature"]

_FAILURE = 5
_REQUEST_IDENTITIES, _IDENTITIES_ANSWER = 11, 12
_SIGN_REQUEST, _SIGN_RESPONSE = 13, 14
_TYPE = KEY_TYPE.encode("ascii")
_COMMENT_CHARS = 200


@dataclass(frozen=True, slots=True)
class AgentKey:
    """An Ed25519 key that the agent holds, with the comment that it has there."""

    public: PublicKey

    @property
    def blob(self) -> bytes:
        """The key as the agent names it: its type and its 32 bytes, each with its length before it."""
        return _string(_TYPE) + _string(self.public.raw)


def ask_for_keys() -> bytes:
    """Encode the question which keys there are, with its length before it."""
    return _string(bytes([_REQUEST_IDENTITIES]))


def ask_for_signature(key: AgentKey, message: bytes) -> bytes:
    """Encode the request to sign ``message``, with its length before it."""
    return _string(bytes([_SIGN_REQUEST]) + _string(key.blob) + _string(message) + bytes(4))


def parse_keys(answer: bytes, limits: Limits = DEFAULT_LIMITS) -> tuple[AgentKey, ...]:
    """Parse the answer to :func:`ask_for_keys`, without its length: the Ed25519 keys in it.

    Other kinds of keys are passed over, and so is a weak one. Raises :class:`UsageError` for a malformed answer.
    """
    reader = _Reader(answer)
    if reader.byte() != _IDENTITIES_ANSWER:
        raise _malformed("does not say which keys it holds")
    count = reader.number()
    if count > limits.agent_keys:
        raise _malformed(f"says that it holds {count:,} keys")
    found = []
    for _ in range(count):
        blob, comment = reader.string(), reader.string()
        inner = _Reader(blob)
        if inner.string() != _TYPE:
            continue
        raw = inner.string()
        if len(raw) != PUBLIC_KEY_BYTES or not inner.is_done:
            raise _malformed("holds a malformed Ed25519 key")
        try:
            key = PublicKey(
                raw, printable(comment.decode("utf-8", "replace"), _COMMENT_CHARS)[:_COMMENT_CHARS]
            )
        except UsageError:
            continue
        found.append(AgentKey(key))
    if not reader.is_done:
        raise _malformed("goes on after its last key")
    return tuple(found)


def parse_signature(answer: bytes) -> bytes:
    """Parse the answer to :func:`ask_for_signature`, without its length: 64 bytes.

    Raises :class:`UsageError` where the agent refuses, and for a malformed answer.
    """
    reader = _Reader(answer)
    kind = reader.byte()
    if kind == _FAILURE:
        raise UsageError(
            "the SSH agent refuses to sign",
            hint="It may be locked, or you did not confirm; look at it with ssh-add -l.",
            reason="agent-refuses",
        )
    if kind != _SIGN_RESPONSE:
        raise _malformed("is no signature")
    inner = _Reader(reader.string())
    if not reader.is_done or inner.string() != _TYPE:
        raise _malformed("is no Ed25519 signature")
    signature = inner.string()
    if len(signature) != SIGNATURE_BYTES or not inner.is_done:
        raise _malformed("is no Ed25519 signature")
    return signature


class _Reader:
    """Reads the fields of an answer one after the other."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def is_done(self) -> bool:
        return self._at == len(self._data)

    def byte(self) -> int:
        return self._take(1)[0]

    def number(self) -> int:
        return int.from_bytes(self._take(4), "big")

    def string(self) -> bytes:
        return self._take(self.number())

    def _take(self, count: int) -> bytes:
        end = self._at + count
        if end > len(self._data):
            raise _malformed("is cut short")
        piece = self._data[self._at : end]
        self._at = end
        return piece


def _string(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + data


def _malformed(what: str) -> UsageError:
    return UsageError(
        f"the answer of the SSH agent {what}",
        hint="Is SSH_AUTH_SOCK the socket of an SSH agent?",
        reason="agent-malformed",
    )
