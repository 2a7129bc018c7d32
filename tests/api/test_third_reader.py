"""fickling on the payload's own bytes: asked where something was found, believed in nothing, and never a crash."""

from __future__ import annotations

import io
from pathlib import Path

import joblib
import numpy as np
import pytest

from secureload.api import third_reader
from secureload.api.check import check
from secureload.pickles.assembler import Assembler
from secureload.pickles.trace import GlobalRef
from secureload.policy.verdict import Outcome
from secureload.sandbox.opinions import Opinions, ThirdReading

HOSTILE = Assembler(4).stack_global("os", "system").mark().text("echo hello").tuple_().reduce().stop()
UNKNOWN = Assembler(2).global_("my.models", "Scaler").mark().tuple_().newobj().stop()


def third_opinions(path: Path) -> list[str]:
    return [found.title for found in check(path).examination.findings if found.rule_id == "SL205"]


@pytest.mark.parametrize("data", [HOSTILE, UNKNOWN, b"c__builtin__\neval\n(S'1'\ntR."], ids=["4", "2", "0"])
def test_where_fickling_sees_the_same_imports_it_has_nothing_to_add(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "m.pkl").write_bytes(data)
    assert third_opinions(tmp_path / "m.pkl") == []


def test_an_import_that_only_fickling_sees_leaves_the_file_undecided(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    only_there = ThirdReading((GlobalRef("my.models", "Scaler"), GlobalRef("json", "tool")))
    monkeypatch.setattr(Opinions, "of_original", lambda *_: only_there)
    (tmp_path / "m.pkl").write_bytes(UNKNOWN)
    found = check(tmp_path / "m.pkl", allow=["my.models.Scaler"])
    assert found.verdict.outcome is Outcome.ACCEPTED  # nothing was found: fickling was not asked
    assert third_opinions(tmp_path / "m.pkl") == [
        "fickling sees an import of json.tool that the trace does not have"
    ]


def test_what_fickling_cannot_read_is_a_note(tmp_path: Path) -> None:
    data = Assembler(5).raw(b"\x96" + (300).to_bytes(8, "little") + bytes(300)).pop().raw(UNKNOWN[2:]).stop()
    (tmp_path / "m.pkl").write_bytes(data)
    (told,) = third_opinions(tmp_path / "m.pkl")
    assert told.startswith("fickling cannot read these bytes: ")
    assert check(tmp_path / "m.pkl").verdict.outcome is Outcome.UNDECIDED


def test_a_joblib_file_and_a_large_one_are_not_shown_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def asked(*_: object) -> ThirdReading:
        raise AssertionError("asked")

    monkeypatch.setattr(third_reader.Opinions, "of_original", asked)
    buffer = io.BytesIO()
    joblib.dump([np.zeros(9)], buffer)
    (tmp_path / "a.joblib").write_bytes(buffer.getvalue()[:-1] + UNKNOWN[2:-1] + b"\x86.")
    (tmp_path / "b.pkl").write_bytes(Assembler(4).text("x" * 70_000).pop().stop()[:-1] + UNKNOWN[2:])
    for name in ("a.joblib", "b.pkl"):
        assert check(tmp_path / name).verdict.outcome is Outcome.UNDECIDED


def test_bytes_that_break_fickling_break_nothing_else() -> None:
    import os

    opinions = Opinions()
    try:
        for data in (b"", b"\x80\x04", b"\x80\x05\x96" + bytes(8) + b".", b"garbage", HOSTILE[:-5]):
            descriptor = os.memfd_create("original")
            os.write(descriptor, data)
            said = opinions.of_original(descriptor, len(data))
            assert isinstance(said, ThirdReading)
            assert (said.failure == "") or said.failure.isprintable()
            os.close(descriptor)
    finally:
        opinions.close()
