"""Collecting evidence: pickles and joblib files of this process become names with uses, cases and effects."""

from __future__ import annotations

import platform
import zoneinfo
from collections import UserList
from typing import Any

import pytest

from secureload.scan.allow import collect as module

pytest.importorskip("sklearn")


def collected(monkeypatch: pytest.MonkeyPatch, library: str, *cases: tuple[str, Any]) -> dict[str, Any]:
    monkeypatch.setattr(module, "cases_of", lambda name: ((True, *case) for case in cases if name == library))
    return module.collect([library])


def test_evidence_of_one_array_names_its_uses_its_case_and_joblibs_wrapper(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    numpy = pytest.importorskip("numpy")
    evidence = collected(monkeypatch, "numpy", ("an array", [numpy.zeros(3)]))
    assert set(evidence["releases"]) >= {"python", "numpy", "scikit-learn", "scipy"}
    wrapper = evidence["globals"]["joblib.numpy_pickle:NumpyArrayWrapper"]
    assert wrapper["uses"] == ["import", "new"]
    assert wrapper["cases"] == ["an array, joblib"]
    assert evidence["globals"]["numpy:dtype"]["uses"] == ["import", "call"]
    assert "numpy:float64" in evidence["listed"]
    # Only what was asked for is walked.
    assert not any(name.startswith(("sklearn", "scipy")) for name in evidence["listed"])


def test_a_method_that_getattr_reads_is_evidence_under_its_dotted_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    evidence = collected(monkeypatch, "python", ("a zone", zoneinfo.ZoneInfo("UTC")))
    assert evidence["globals"]["zoneinfo:ZoneInfo._unpickle"]["uses"] == ["import", "call"]
    assert evidence["globals"]["zoneinfo:ZoneInfo"]["uses"] == ["import"]


def test_members_of_enumerations_are_evidence_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    evidence = collected(monkeypatch, "python")
    assert evidence["globals"]["uuid:SafeUUID.safe"]["uses"] == ["import"]


def test_what_a_class_runs_when_it_is_filled_is_an_effect(monkeypatch: pytest.MonkeyPatch) -> None:
    evidence = collected(monkeypatch, "python", ("a list", UserList([1])))
    assert "collections:UserList.append" in evidence["effects"]["collections:UserList"]


def test_every_library_has_cases_and_those_that_are_not_installed_give_none() -> None:
    assert set(module.LIBRARIES) >= {
        "torch",
        "xgboost",
        "lightgbm",
        "catboost",
        "statsmodels",
        "imbalanced-learn",
    }
    assert module.release_of("python") == platform.python_version()
    assert module.release_of("a library of nobody") == ""
    assert module.collect(["a library of nobody"])["globals"] == {}
