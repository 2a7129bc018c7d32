"""Collecting evidence: pickles and joblib files of this process become names with uses and cases."""

from __future__ import annotations

from typing import Any

import pytest

from secureload.scan.allow import collect as module

pytest.importorskip("sklearn")


def test_evidence_of_one_array_names_its_uses_its_case_and_joblibs_wrapper(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    numpy = pytest.importorskip("numpy")
    monkeypatch.setattr(module.containers, "containers", lambda: [("an array", [numpy.zeros(3)])])
    monkeypatch.setattr(module.estimators, "compositions", list)
    monkeypatch.setattr(module.estimators, "estimators", list)
    evidence: dict[str, Any] = module.collect()
    assert set(evidence["releases"]) >= {"python", "numpy", "scikit-learn", "scipy"}
    wrapper = evidence["globals"]["joblib.numpy_pickle:NumpyArrayWrapper"]
    assert wrapper["uses"] == ["import", "new"]
    assert wrapper["cases"] == ["an array, joblib"]
    assert evidence["globals"]["numpy:dtype"]["uses"] == ["import", "call"]
    assert "sklearn.linear_model._logistic:LogisticRegression" in evidence["listed"]
    assert "sklearn.metrics._regression:r2_score" in evidence["listed"]
    assert "scipy.stats._continuous_distns:norm_gen" in evidence["listed"]
    assert not any(".tests" in name or ".datasets" in name for name in evidence["listed"])
