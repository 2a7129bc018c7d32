"""What the models of libraries that are not installed here would import and do, as it was recorded where they are.

The files in ``recorded`` are made by ``python -m secureload.scan.allow.build trace`` from real files of the releases
that they name: every estimator fitted, saved with pickle, joblib or torch, and traced.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from secureload.pickles.trace import (
    Collection,
    Const,
    Datum,
    Elided,
    GlobalRef,
    Import,
    Operation,
    Result,
    Trace,
    Value,
)
from secureload.scan.allow.collect import LIBRARIES
from secureload.scan.allow.recorded import as_text, from_text
from secureload.scan.allowlist import Tier, load_default
from secureload.scan.examine import examine
from secureload.scan.finding import Severity

FILES = sorted((Path(__file__).parent / "recorded").glob("*/*.jsonl"))
NAMES = {
    "catboost",
    "imbalanced-learn",
    "lightgbm",
    "pandas",
    "python",
    "scipy",
    "statsmodels",
    "torch",
    "xgboost",
}


def test_there_are_records_of_every_library_that_is_not_a_dependency_and_of_several_releases() -> None:
    assert {path.stem for path in FILES} >= NAMES
    assert not NAMES - set(LIBRARIES)
    several = NAMES - {"torch"}
    for name in several:
        releases = {from_text(path.read_text())[0] for path in FILES if path.stem == name}
        assert len(releases) >= 3, (name, releases)


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_nothing_is_found_in_what_the_library_writes(path: Path) -> None:
    release, trace = from_text(path.read_text())
    assert release
    assert len(trace.imports) > 5
    found = examine(trace, load_default(), dict(trace.versions)).findings
    assert [finding.title for finding in found if finding.severity is not Severity.NOTE] == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_the_record_holds_what_the_tiers_are_about(path: Path) -> None:
    _, trace = from_text(path.read_text())
    tiers = {found.tier for item in trace.imports if (found := load_default().find(item.ref)) is not None}
    assert Tier.CALLABLE in tiers
    assert any(operation.kind == "call" for operation in trace.operations)


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_record_is_text_that_says_one_thing(path: Path) -> None:
    text = path.read_text()
    assert as_text(*from_text(text)) == text


def test_every_kind_of_value_can_be_recorded() -> None:
    items: tuple[Value, ...] = (
        Const(None), Const(True), Const(1), Const(1.5), Const("a", 1), Const("a", 900),
        Const(b"a", 1), Const(b"a", 900),
        Datum("bytes"), GlobalRef("a", "b.c"), Result("attribute", GlobalRef("a", "b.c")),
        Result("persid", None), Elided(),
        Collection("dict", (Collection("tuple", (Const(1), Const(2)), 2),), 40), Collection("frozenset", (), 0),
    )  # fmt: skip
    trace = Trace(
        reading="torch",
        imports=(Import(GlobalRef("a", "b")),),
        operations=(
            Operation("call", GlobalRef("a", "b"), items, (("name", Const(1)),)),
            Operation("new", items[-1]),
        ),
        versions=(("scikit-learn", "1.9.1"),),
        pickles=1,
    )
    assert from_text(as_text("1.0", trace)) == ("1.0", trace)
