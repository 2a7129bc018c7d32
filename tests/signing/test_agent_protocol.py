"""What an SSH agent answers: read exactly, and nothing of it believed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secureload.errors import UsageError
from secureload.limits import Limits
from secureload.signing.agent_protocol import (
    AgentKey,
    ask_for_keys,
    ask_for_signature,
    parse_keys,
    parse_signature,
)
from secureload.signing.keys import SigningKey

ALICE = SigningKey.generate("alice").public


def string(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + data


def keys_answer(*pairs: tuple[bytes, bytes]) -> bytes:
    body = b"".join(string(blob) + string(comment) for blob, comment in pairs)
    return b"\x0c" + len(pairs).to_bytes(4, "big") + body


BLOB = AgentKey(ALICE).blob


def test_the_questions_are_framed() -> None:
    assert ask_for_keys() == b"\0\0\0\1\x0b"
    asked = ask_for_signature(AgentKey(ALICE), b"message")
    assert asked == string(b"\x0d" + string(BLOB) + string(b"message") + bytes(4))


def test_ed25519_keys_are_found_and_others_passed_over() -> None:
    rsa = string(b"ssh-rsa") + string(b"\1\0\1") + string(b"n" * 256)
    found = parse_keys(keys_answer((rsa, b"old"), (BLOB, b"my key")))
    assert [(key.public, key.public.comment) for key in found] == [(ALICE, "my key")]


def test_a_comment_with_control_characters_is_made_printable() -> None:
    (found,) = parse_keys(keys_answer((BLOB, b"\x1b[2J\xff" + b"x" * 500)))
    assert found.public.comment.isprintable()


def test_a_weak_key_is_passed_over() -> None:
    weak = string(b"ssh-ed25519") + string(bytes(32))
    assert parse_keys(keys_answer((weak, b""))) == ()


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\x05",
        b"\x0c",
        b"\x0c\0\0\0\1",
        keys_answer((BLOB, b"")) + b"x",
        keys_answer((BLOB[:-1], b"")),
        keys_answer((BLOB + b"x", b"")),
        b"\x0c\0\0\0\1\xff\xff\xff\xff",
    ],
    ids=["nothing", "refusal", "no count", "no key", "more behind", "cut key", "long key", "huge length"],
)
def test_a_malformed_list_of_keys_is_refused(answer: bytes) -> None:
    with pytest.raises(UsageError):
        parse_keys(answer)


def test_a_list_of_too_many_keys_is_refused_before_it_is_read() -> None:
    with pytest.raises(UsageError, match="2 keys"):
        parse_keys(b"\x0c\0\0\0\2", Limits(agent_keys=1))


def test_a_refusal_and_malformed_signatures_are_told_apart() -> None:
    good = b"\x0e" + string(string(b"ssh-ed25519") + string(b"s" * 64))
    assert parse_signature(good) == b"s" * 64
    with pytest.raises(UsageError, match="refuses to sign"):
        parse_signature(b"\x05")
    for bad in (
        good + b"x",
        good[:-1],
        b"\x06",
        b"\x0e" + string(string(b"ssh-rsa") + string(b"s" * 64)),
        b"\x0e" + string(string(b"ssh-ed25519") + string(b"s" * 63)),
    ):
        with pytest.raises(UsageError, match=r"signature|cut short"):
            parse_signature(bad)


@given(st.binary(max_size=200))
def test_whatever_the_agent_answers_it_is_read_or_refused(answer: bytes) -> None:
    for kind in (b"", b"\x0c", b"\x0e"):
        for parse in (parse_keys, parse_signature):
            try:
                parse(kind + answer)
            except UsageError as error:
                assert error.message.isprintable()
