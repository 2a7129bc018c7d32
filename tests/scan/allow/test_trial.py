"""What the libraries write is saved, traced and judged: nothing is found in it."""

from __future__ import annotations

import importlib.util
import io
import pickle
import uuid
import zoneinfo
from typing import Any

import pytest

from secureload.pickles.trace import GlobalRef, Result
from secureload.scan.allow import collect, trial
from secureload.scan.allow.collect import LIBRARIES

OTHERS = sorted(set(LIBRARIES) - {"scikit-learn"})  # which has tests of its own


@pytest.mark.parametrize("library", OTHERS)
def test_nothing_is_found_in_what_the_installed_library_writes(library: str) -> None:
    if importlib.util.find_spec(LIBRARIES[library][0]) is None:
        pytest.skip(f"{library} is not among the development dependencies; test_recorded judges its files")
    assert list(trial.trial([library])) == []


def test_what_a_stranger_writes_is_found() -> None:
    data = pickle.dumps(Stranger(), 4)
    assert trial.findings_in(data) == [f"SL102 {__name__}.Stranger is not on the allow-list"]


def test_a_finding_is_told_once_with_its_case(monkeypatch: pytest.MonkeyPatch) -> None:
    cases = [(True, "one", Stranger()), (False, "two", Stranger()), (True, "three", 1)]
    monkeypatch.setattr(trial, "cases_of", lambda library: cases)
    (line,) = trial.trial(["python"])
    assert line == f"python: one: SL102 {__name__}.Stranger is not on the allow-list"


def test_a_frame_with_a_zone_of_the_standard_library_is_not_accused() -> None:
    pandas = pytest.importorskip("pandas")
    zone = zoneinfo.ZoneInfo("Europe/Berlin")
    frame = pandas.DataFrame({"when": pandas.date_range("2024-01-15", periods=2, tz=zone)})
    for protocol in range(2, 6):
        assert trial.findings_in(pickle.dumps([frame, frame.when, frame.when[0], zone], protocol)) == []


def test_a_zone_that_is_a_file_is_told() -> None:
    data = pickle.dumps(zoneinfo.ZoneInfo("Europe/Berlin"), 4)
    forged = data.replace(b"\x8c\x0dEurope/Berlin", b"\x8c\x0d/etc/hostname")
    assert forged != data
    assert trial.findings_in(forged) == [
        "SL104 zoneinfo.ZoneInfo._unpickle: the argument is not the name of a time zone: it opens /etc/hostname"
    ]


def test_the_files_of_a_library_become_one_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    values: list[Any] = [uuid.UUID(int=5), b"\xff" * 40, zoneinfo.ZoneInfo("UTC"), {"a": 1.5}]
    monkeypatch.setattr(trial, "cases_of", lambda library: [(True, "values", value) for value in values])
    ((library, trace),) = trial.traced(["python"])
    assert library == "python"
    refs = {str(item.ref) for item in trace.imports}
    assert refs == {"uuid:UUID", "zoneinfo:ZoneInfo", "builtins:getattr", "_codecs:encode"}
    method = Result("attribute", GlobalRef("zoneinfo", "ZoneInfo._unpickle"))
    assert method in {operation.target for operation in trace.operations}


def test_a_source_in_memory_reads_skips_and_looks_ahead() -> None:
    source = trial.MemorySource(b"abc\ndef")
    assert (source.head(2), source.read(1), source.tell()) == (b"ab", b"a", 1)
    assert source.readline() == b"bc\n"
    assert (source.skip(2), source.skip(9), source.head(1)) == (2, 1, b"")


class Stranger:
    """A class that no list knows."""


def test_a_list_that_cannot_be_saved_as_a_whole_is_saved_item_by_item() -> None:
    whole = list(collect.pickles_of("python", [1, io.StringIO], range(5, 6)))
    assert len(whole) == 1
    parts = list(collect.pickles_of("python", [uuid.UUID(int=1), lambda: 0], range(2, 6)))
    assert len(parts) == 2
