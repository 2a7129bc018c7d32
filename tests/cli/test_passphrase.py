"""Where a passphrase comes from, and that an empty one is never taken for none."""

from __future__ import annotations

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secureload.cli import passphrase
from secureload.cli.passphrase import ask_passphrase, given_passphrase
from secureload.errors import UsageError


def through_pipe(data: bytes) -> bytes | None:
    reading, writing = os.pipe()
    os.write(writing, data)
    os.close(writing)
    try:
        return given_passphrase(reading)
    finally:
        os.close(reading)


@settings(deadline=None, max_examples=50)
@given(st.binary(min_size=1, max_size=100).filter(lambda data: not data.endswith((b"\n", b"\r"))))
def test_one_line_end_is_no_part_of_the_passphrase(data: bytes) -> None:
    assert through_pipe(data) == through_pipe(data + b"\n") == through_pipe(data + b"\r\n") == data


@pytest.mark.parametrize("data", [b"", b"\n", b"x" * 5_000])
def test_an_empty_or_endless_passphrase_is_refused(data: bytes) -> None:
    with pytest.raises(UsageError):
        through_pipe(data)


@pytest.mark.parametrize("descriptor", [987, 2**40])
def test_a_descriptor_that_is_not_open_is_refused(descriptor: int) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        given_passphrase(descriptor)


def test_the_environment_counts_and_empty_is_not_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SECURELOAD_PASSWORD", raising=False)
    assert given_passphrase(None) is None
    monkeypatch.setenv("SECURELOAD_PASSWORD", "geheim")
    assert given_passphrase(None) == b"geheim"
    monkeypatch.setenv("SECURELOAD_PASSWORD", "")
    with pytest.raises(UsageError, match="empty passphrase"):
        given_passphrase(None)


def test_an_empty_answer_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr(passphrase.getpass, "getpass", lambda _prompt: "")
    with pytest.raises(UsageError, match="empty passphrase"):
        ask_passphrase("Passphrase", twice=True)
