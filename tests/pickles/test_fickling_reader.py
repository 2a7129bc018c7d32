from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import fickling.fickle
import numpy as np
import pytest

from secureload.pickles.assembler import Assembler
from secureload.pickles.fickling_reader import with_fickling
from secureload.pickles.trace import Trace

from .tracing import trace


class Evil:
    def __reduce__(self) -> Any:
        return (os.system, ("echo hello",))


@pytest.mark.parametrize("protocol", range(6))
def test_the_decompiled_source_names_the_call_and_its_argument(protocol: int) -> None:
    found = with_fickling(trace(pickle.dumps(Evil(), protocol)))
    assert "system('echo hello')" in found.decompiled
    assert found.fickling_severity in {"LIKELY_OVERTLY_MALICIOUS", "OVERTLY_MALICIOUS"}
    assert found.fickling_messages


def test_an_array_of_protocol_5_that_fickling_cannot_read_itself_is_read_distilled() -> None:
    found = with_fickling(trace(pickle.dumps(np.arange(10.0), 5)))
    assert "numpy" in found.decompiled
    assert found.fickling_severity != "UNREADABLE"


def test_nothing_is_written_into_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with_fickling(trace(pickle.dumps(Evil())))
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    with_fickling(trace(pickle.dumps(Evil())))
    with_fickling(Trace(reading="pickle"))
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "")


def test_an_error_of_fickling_is_a_note_and_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: object) -> NoReturn:
        raise RecursionError("\x1b[2Jtoo deep")

    monkeypatch.setattr(fickling.fickle.Pickled, "load", refuse)
    found = with_fickling(trace(pickle.dumps(Evil())))
    assert found.fickling_severity == "UNREADABLE"
    assert found.fickling_messages[0].isprintable()
    assert found.imports


_CODES: dict[str, Callable[[], bytes]] = {
    "escape": lambda: (
        Assembler(4).global_("os", "system").mark().text("\x1b[2J\u202e").tuple_().reduce().stop()
    ),
    "line break": lambda: Assembler(4).stack_global("os\nimport", "sys\ntem").mark().tuple_().reduce().stop(),
}


@pytest.mark.parametrize("name", _CODES)
def test_the_decompiled_source_is_printable_line_by_line(name: str) -> None:
    found = with_fickling(trace(_CODES[name]()))
    assert all(line.isprintable() for line in found.decompiled.split("\n"))
