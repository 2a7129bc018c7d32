"""Every estimator of the installed scikit-learn: checked, loaded in the sandbox, and equal to the last bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse
import sklearn
from sklearn.utils import Bunch

from secureload.signing.keys import SigningKey
from secureload.signing.truststore import TrustStore

from .estimators_table import PAGE, page, row, rows_in, version_in
from .every_estimator import NAMES, RAISING, Asked, ask_saved
from .identical import differences

PUBLISHED = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""


@pytest.mark.parametrize("name", NAMES)
def test_an_estimator_of_scikit_learn_is_accepted_and_answers_the_same(
    name: str, tmp_path: Path, alice: SigningKey, store: TrustStore
) -> None:
    asked = ask_saved(name, tmp_path / "model.joblib", alice, store)
    assert asked.differing == ()
    assert {f"{name}.{method}" for method in asked.raised} <= set(RAISING)
    assert asked.methods
    assert {"fit", "set_params"} <= set(asked.refused)
    if version_in(PUBLISHED) == sklearn.__version__:
        assert rows_in(PUBLISHED)[name] == row(name, asked), "python -m tests.api.estimators_table"


def test_the_published_table_lists_the_estimators_and_counts_them() -> None:
    listed = list(rows_in(PUBLISHED))
    assert f"**{len(listed)} of {len(listed)}** estimators" in PUBLISHED
    assert "not explained" not in PUBLISHED
    assert all(f"`{name}()`" in PUBLISHED for name in RAISING)
    if version_in(PUBLISHED) == sklearn.__version__:
        assert listed == NAMES
    else:  # what another version has more or less is no error of the page
        assert len(set(listed) & set(NAMES)) > 150


def test_a_page_counts_out_what_differs() -> None:
    alike = Asked(("predict", "score"), ("coef_",), ("fit",), (), ())
    made = page({"One": alike, "Other": Asked(("predict",), (), (), ("path",), ("score: 1 for 2",))})
    assert "**1 of 2** estimators" in made
    assert "That is 2 methods and 1 attributes" in made
    assert "* Other differs: score: 1 for 2" in made
    assert "`Other.path()`: not explained" in made
    assert rows_in(made) == {"One": "| One | predict, score | coef_ |", "Other": "| Other | predict |  |"}


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (1, 1.0), (1, True), (0.0, -0.0), (np.float32(1), np.float64(1)), ([1], (1,)), ([1], [1, 2]), (None, 0),
        (np.zeros(2), -np.zeros(2)), (np.zeros(2), np.zeros((2, 1))), (np.zeros(2), np.zeros(2, np.float32)),
        (np.array(["a", 1], object), np.array(["a", 1.0], object)), ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        (scipy.sparse.csr_matrix(np.eye(2)), scipy.sparse.csc_matrix(np.eye(2))),
        (scipy.sparse.csr_matrix(np.eye(2)), scipy.sparse.csr_matrix(2 * np.eye(2))),
        (np.ma.array([1, 2], mask=[0, 1]), np.ma.array([1, 2], mask=[0, 0])),
        (np.random.RandomState(0), np.random.RandomState(1)), ({"a": 1}, Bunch(a=2)),
    ],
)  # fmt: skip
def test_the_comparison_sees_a_difference(found: Any, expected: Any) -> None:
    assert list(differences(found, expected, "here"))
    assert not list(differences(expected, expected, "here"))
