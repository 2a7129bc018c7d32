"""What restoring an instance would run is found, in code and in the act, and kills nobody but its child."""

from __future__ import annotations

import enum
import os
import signal
from pathlib import Path
from typing import Any

from secureload.pickles.trace import GlobalRef
from secureload.scan.allow.effects import effects_of


class Quiet:
    """Restoring it runs nothing."""


class Stores:
    """Its state is code of its own."""

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)


class Inherits(Stores):
    """Runs what its base defines."""


class Opens:
    """Reads a file when it is made."""

    def __new__(cls) -> Opens:
        with Path(os.devnull).open("rb") as file:
            file.read(1)
        return super().__new__(cls)


class Crashes:
    """Kills the interpreter, as some empty objects of compiled code do."""

    def __new__(cls) -> Crashes:
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError


class Fails:
    """Raises."""

    def __setstate__(self, state: dict[str, Any]) -> None:
        raise SystemExit


class Fills(list[int]):
    """Counts what it is filled with."""

    def append(self, item: int) -> None:
        super().append(item + 1)


class Called:
    """Runs its initializer only where payloads call it."""

    def __init__(self, value: int) -> None:
        self.value = value


class Member(enum.Enum):
    A = 1


def of(name: str, *, called: bool = False) -> list[str]:
    return [
        line.removeprefix(f"{__name__}:") for line in effects_of(GlobalRef(__name__, name), called=called)
    ]


def test_a_plain_class_and_a_member_have_none() -> None:
    assert of("Quiet") == []
    assert of("Member", called=True) == []


def test_code_that_an_unpickler_runs_is_named_where_it_is_defined() -> None:
    assert of("Stores") == ["Stores.__setstate__"]
    assert of("Inherits") == ["Stores.__setstate__"]
    assert of("Fails") == ["Fails.__setstate__"]
    assert of("Fills") == ["Fills.append"]
    assert of("Called") == []
    assert of("Called", called=True) == ["Called.__init__"]


def test_a_file_that_is_opened_while_one_is_made_is_heard() -> None:
    assert of("Opens") == ["Opens raises the audit event open", "Opens.__new__"]


def test_a_crash_is_an_effect_and_ends_a_child_only() -> None:
    assert of("Crashes") == ["Crashes crashes the interpreter", "Crashes.__new__"]


def test_what_is_not_there_or_no_class_has_none() -> None:
    assert of("nothing") == []
    assert of("of") == []
    assert effects_of(GlobalRef("no.such.module", "X")) == []
