"""fickling, confined: asked once, and whatever becomes of it is an opinion and not a crash."""

from __future__ import annotations

import pytest

from secureload.errors import SandboxError
from secureload.pickles.assembler import Assembler
from secureload.pickles.distill import distill
from secureload.pickles.fickling_reader import UNREADABLE
from secureload.pickles.trace import Const, GlobalRef, Import, Operation, Trace
from secureload.sandbox import opinions as opinions_module
from secureload.sandbox.opinions import Opinions

SYSTEM = GlobalRef("os", "system")
HOSTILE = distill(
    Trace(
        reading="pickle",
        imports=(Import(SYSTEM),),
        operations=(Operation("call", SYSTEM, (Const("echo hello", 10),)),),
        pickles=1,
    )
)


def test_what_fickling_says_of_a_distilled_pickle_comes_from_a_confined_worker() -> None:
    opinions = Opinions()
    try:
        said = opinions.of(HOSTILE)
        assert "system('echo hello')" in said.decompiled
        assert said.severity == "LIKELY_OVERTLY_MALICIOUS"
        assert opinions.of(Assembler(4).integer(1).stop()).severity != UNREADABLE
    finally:
        opinions.close()


def test_the_same_question_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    opinions = Opinions()
    try:
        first = opinions.of(HOSTILE)
        monkeypatch.setattr(opinions_module, "start_worker", None)
        opinions.close()
        assert opinions.of(HOSTILE) is first
    finally:
        opinions.close()


def test_bytes_that_fickling_cannot_read_are_an_opinion_of_their_own() -> None:
    opinions = Opinions()
    try:
        assert opinions.of(b"\x80\x04not a pickle").severity == UNREADABLE
        assert "system" in opinions.of(HOSTILE).decompiled  # the worker goes on
    finally:
        opinions.close()


def test_without_a_sandbox_there_is_no_opinion_and_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> None:
        raise SandboxError("no sandbox here")

    monkeypatch.setattr(opinions_module, "start_worker", refused)
    said = Opinions().of(HOSTILE)
    assert (said.severity, said.decompiled) == (UNREADABLE, "")
    assert "no sandbox here" in said.messages[0]
