"""``describe()``: what is known of an estimator, signed with it, and used when it is loaded."""

from __future__ import annotations

import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.feature_extraction import DictVectorizer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LinearRegression, LogisticRegression, SGDClassifier
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import secureload
from secureload.api.describe import data_digest, describe
from secureload.api.golden_rows import array_of, values_of
from secureload.api.inputs import input_guard
from secureload.api.sign import sign
from secureload.errors import SelfTestError, UsageError
from secureload.signing.keys import SigningKey
from secureload.signing.metadata_toml import metadata_of_fields
from secureload.signing.predicates import metadata as codec
from secureload.signing.predicates.metadata import Feature
from secureload.signing.truststore import TrustStore

ROOT = Path(__file__).resolve().parents[2]
X, Y = load_iris(return_X_y=True)
MODEL = LogisticRegression(max_iter=500).fit(X, Y)


def save(folder: Path, model: Any, key: SigningKey, described: Any) -> Path:
    path = folder / "model.joblib"
    joblib.dump(model, path)
    sign(path, key=key, metadata=described)
    return path


def test_one_call_gives_columns_metrics_versions_the_datas_hash_and_golden_rows() -> None:
    found = describe(MODEL, X, Y, owner="risk")
    assert [one.name for one in found.features] == ["x0", "x1", "x2", "x3"]
    assert found.metrics["cv_folds"] == 5
    assert 0.9 < found.metrics["cv_accuracy"] < 1
    assert 0.9 < found.metrics["cv_f1_macro"] < 1
    assert {"python", "numpy", "scikit-learn"} <= set(found.libraries)
    assert found.training_data is not None
    assert found.training_data.digest == data_digest(X, Y) != data_digest(X[::-1], Y)
    assert found.golden is not None
    assert set(found.golden.outputs) == {"predict", "predict_proba"}
    assert codec.parse(codec.encode(found)) == found


def test_regressors_transformers_and_models_without_targets_are_described_by_what_they_can() -> None:
    found = describe(LinearRegression().fit(X, X[:, 0]), X, X[:, 0], cv=3, golden=2)
    assert {"cv_r2", "cv_mae"} <= set(found.metrics)
    assert describe(StandardScaler().fit(X), X).metrics == {}
    assert describe(MODEL, X, Y, cv=None, golden=0).golden is None


def test_a_model_that_is_not_fitted_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="predict"):
        describe(LogisticRegression(), X, Y, cv=None)
    with pytest.raises(UsageError, match="cross-validation"):
        describe(MODEL, X[:3], Y[:3], cv=5)


@pytest.mark.parametrize(
    "array",
    [
        np.array([[0.1, -0.0, np.nan, np.inf]]),
        np.array([1.1, 2.2], dtype="float32"),
        np.array([2**63 - 1, -(2**63)]),
        np.array(["yes", "no"]),
        np.array([True, False]),
    ],
)
def test_an_array_comes_back_to_the_bit(array: Any) -> None:
    back = array_of(values_of(array, "it"))
    assert back.shape == array.shape
    assert back.tolist() == array.tolist() or np.array_equal(back, array, equal_nan=True)
    if array.dtype.kind != "U":
        assert (back.dtype, back.tobytes()) == (array.dtype, array.tobytes())


def test_a_self_test_passes_where_the_answers_are_those_that_were_signed(
    tmp_path: Path, alice: SigningKey, store: TrustStore
) -> None:
    path = save(tmp_path, MODEL, alice, describe(MODEL, X, Y, cv=None))
    with secureload.safe_load(path, trust_store=store, self_test=True) as model:
        assert np.array_equal(model.predict(X), MODEL.predict(X))


def test_a_model_that_answers_otherwise_than_its_golden_rows_is_refused(
    tmp_path: Path, alice: SigningKey, store: TrustStore
) -> None:
    other = LogisticRegression(max_iter=500, C=0.5).fit(X, Y)
    path = save(tmp_path, other, alice, describe(MODEL, X, Y, cv=None))
    with pytest.raises(SelfTestError, match="predict_proba\\(\\) does not answer the signed golden rows"):
        secureload.safe_load(path, trust_store=store, self_test=True)
    secureload.safe_load(path, trust_store=store).close()


WORDS = ["good day", "bad luck", "fine\nthing", "awful bad"] * 5
RIGHT = [1, 0, 1, 0] * 5
MONTHS = pd.DataFrame({"when": pd.date_range("2026-01-01", periods=20), "city": ["a", None, "b", "a"] * 5})


RECORDS = [{"a": number, "b": "x" * (number % 3)} for number in range(20)]
SPARSE = scipy.sparse.csr_array(np.arange(60.0).reshape(20, 3) % 7)
LOGISTIC = {"logisticregression__C": 0.5}


@pytest.mark.parametrize(
    ("model", "other", "data"),
    [
        (
            make_pipeline(TfidfVectorizer(), SGDClassifier(random_state=0)),
            {"sgdclassifier__alpha": 9.0},
            WORDS,
        ),
        (make_pipeline(TfidfVectorizer(), LogisticRegression()), LOGISTIC, pd.Series(WORDS)),
        (make_pipeline(DictVectorizer(), LogisticRegression()), LOGISTIC, RECORDS),
        (LogisticRegression(), {"C": 0.5}, SPARSE),
        (TfidfVectorizer(), {"norm": "l1"}, WORDS),
        (MultiOutputClassifier(LogisticRegression()), {"estimator__C": 0.5}, X[30:70]),
        (make_pipeline(OneHotEncoder(handle_unknown="ignore"), LogisticRegression()), LOGISTIC, MONTHS),
    ],
    ids=["texts", "series", "dictionaries", "sparse", "sparse-output", "several-outputs", "dates"],
)
def test_golden_rows_of_texts_sparse_data_and_dates_are_replayed_and_a_changed_model_is_refused(
    model: Any, other: dict[str, Any], data: Any, tmp_path: Path, alice: SigningKey, store: TrustStore
) -> None:
    target: Any = RIGHT
    if isinstance(model, MultiOutputClassifier):
        target = np.column_stack([Y[30:70] > 0, X[30:70, 0] > 5])
    fitted = clone(model).fit(data, target)
    described = describe(fitted, data, target, cv=None)
    assert described.golden is not None
    assert codec.parse(codec.encode(described)) == described
    path = save(tmp_path, fitted, alice, described)
    secureload.safe_load(path, trust_store=store, self_test=True).close()
    path = save(tmp_path, clone(model).set_params(**other).fit(data, target), alice, described)
    with pytest.raises(SelfTestError, match="does not answer the signed golden rows"):
        secureload.safe_load(path, trust_store=store, self_test=True)


def test_data_in_a_form_that_is_not_known_is_a_usage_error() -> None:
    class Foreign:
        columns = ("a",)
        shape = (3, 1)

    with pytest.raises(UsageError, match="data frames of pandas"):
        describe(MODEL, Foreign(), cv=None)
    with pytest.raises(UsageError, match="cannot be made an array"):
        describe(MODEL, [[1], [1, 2]], cv=None)


def test_a_self_test_without_golden_rows_is_refused(
    tmp_path: Path, alice: SigningKey, store: TrustStore
) -> None:
    path = save(tmp_path, MODEL, alice, {"metrics": {"f1": 0.5}})
    with pytest.raises(SelfTestError, match="no golden rows"):
        secureload.safe_load(path, trust_store=store, self_test=True)


def test_metadata_that_the_signer_did_not_sign_is_not_used(
    tmp_path: Path, alice: SigningKey, store: TrustStore
) -> None:
    path = save(tmp_path, MODEL, alice, None)
    stranger = SigningKey.generate()
    secureload.attest(path, describe(MODEL, X, Y, cv=None), key=stranger)
    with pytest.raises(SelfTestError, match="no golden rows"):
        secureload.safe_load(path, trust_store=store, self_test=True)


def test_wrong_reordered_and_missing_columns_are_told_before_anything_is_predicted(
    tmp_path: Path, alice: SigningKey, store: TrustStore
) -> None:
    frame, target = load_iris(return_X_y=True, as_frame=True)
    fitted = LogisticRegression(max_iter=500).fit(frame, target)
    path = save(tmp_path, fitted, alice, describe(fitted, frame, target, cv=None))
    with secureload.safe_load(path, trust_store=store, self_test=True) as model:
        assert np.array_equal(model.predict(frame), fitted.predict(frame))
        for rows, message in (
            (frame[frame.columns[::-1]], "another order"),
            (frame.iloc[:, :3], "missing: petal width"),
            (frame.rename(columns={"petal width (cm)": "x"}), "not known: x"),
            (frame.to_numpy()[:, :3], "3 columns; the model was trained on 4"),
            (frame.astype({"petal width (cm)": str}), "trained on float64"),
        ):
            with pytest.raises(UsageError, match=message):
                model.predict_proba(rows)


def test_the_columns_of_a_table_are_known_by_their_names() -> None:
    guard = input_guard((Feature("age", "float64"), Feature("income", "float64")))

    class Table:
        columns = ((1.0,), (2.0,))
        column_names = ("income", "age")

    with pytest.raises(UsageError, match="another order"):
        guard("predict", (Table(),), {})
    Table.column_names = ("age", "income")
    guard("predict", (), {"X": Table()})
    guard("get_params", (Table(), 1), {})


def test_a_library_in_another_version_is_told_before_loading(
    tmp_path: Path, alice: SigningKey, store: TrustStore
) -> None:
    described = metadata_of_fields({"libraries": {"scipy": "0.1", "numpy": np.__version__, "nolib": "7"}})
    path = save(tmp_path, MODEL, alice, described)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        secureload.safe_load(path, trust_store=store).close()
    texts = [str(one.message) for one in told if one.category is secureload.ModelVersionWarning]
    assert [text.split(",")[0] for text in texts] == [
        "the model was trained with nolib 7",
        "the model was trained with scipy 0.1",
    ]


def test_golden_rows_of_a_data_frame_are_replayed_in_a_process_that_has_not_imported_pandas(
    tmp_path: Path, alice: SigningKey, alices_trust_store: Path
) -> None:
    frame, target = load_iris(return_X_y=True, as_frame=True)
    fitted = LogisticRegression(max_iter=500).fit(frame, target)
    path = save(tmp_path, fitted, alice, describe(fitted, frame, target, cv=None))
    program = (
        "import sys, secureload; assert 'pandas' not in sys.modules; "
        f"secureload.safe_load({str(path)!r}, trust_store={str(alices_trust_store)!r}, self_test=True).close()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=120, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
