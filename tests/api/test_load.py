"""What safe_load gives back behaves like the model; what it must not load, it does not."""

from __future__ import annotations

import copy
import os
import pickle
import re
import shutil
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import sklearn
from sklearn.cluster import KMeans
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_iris
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression, LogisticRegression, RidgeClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import secureload
from secureload import ModelVersionWarning, PolicyError, SandboxError, UsageError
from secureload.api import load as load_module
from secureload.errors import ExitCode, ManifestMismatchError, TrustError, UnsignedError, UntrustedError
from secureload.pickles.assembler import Assembler
from secureload.signing.keys import SigningKey
from secureload.signing.truststore import TrustStore

from .conftest import Load, Save

ROWS, LABELS = load_iris(return_X_y=True)
NAMES = np.array(["setosa", "versicolor", "virginica"])[LABELS]


def pipeline() -> Pipeline:
    steps = [
        ("scale", StandardScaler()),
        ("reduce", PCA(2, random_state=0)),
        ("forest", RandomForestClassifier(10, random_state=0)),
    ]
    return Pipeline(steps).fit(ROWS, NAMES)


class Evil:
    def __reduce__(self) -> Any:
        return (os.system, ("echo hello",))


@pytest.mark.parametrize("method", ["predict", "predict_proba", "predict_log_proba"])
def test_predictions_are_bit_for_bit_those_of_the_original(load: Load, method: str) -> None:
    model = pipeline()
    proxy = load(model)
    expected = getattr(model, method)(ROWS)
    for rows in (ROWS, ROWS.tolist(), np.asfortranarray(ROWS), pd.DataFrame(ROWS)):
        found = getattr(proxy, method)(rows)
        assert np.array_equal(found, getattr(model, method)(rows))
        assert (type(found), found.dtype) == (type(expected), expected.dtype)


def test_a_model_of_another_release_that_needs_what_is_gone_is_told_with_both_versions(
    save: Save, store: TrustStore
) -> None:
    here = sklearn.__version__
    other = here[:-1] + ("1" if here.endswith("0") else "0")
    data = pickle.dumps(StandardScaler().fit(ROWS)).replace(here.encode(), other.encode())
    gone = data.replace(b"sklearn.preprocessing._data", b"sklearn.preprocessing._gone")
    path = save(gone, "gone.pkl")
    with (
        pytest.warns(ModelVersionWarning, match=re.escape(other)),
        pytest.raises(SandboxError, match=rf"preprocessing\._gone'.*{re.escape(other)}") as caught,
    ):
        secureload.safe_load(path, trust_store=store, allow=["sklearn.preprocessing._gone.StandardScaler"])
    assert caught.value.hint.endswith(f"pip install scikit-learn=={other}")


@pytest.mark.parametrize("copied", [True, False])
@pytest.mark.parametrize("order", ["C", "F"])
def test_a_linear_model_gives_the_last_bit_of_a_sum_over_a_frame_too(
    load: Load, order: Any, copied: bool
) -> None:
    rows = np.array(np.random.default_rng(7).normal(size=(500, 30)), order=order)
    frame = pd.DataFrame(rows, columns=[f"c{i}" for i in range(30)], copy=copied)
    target = rows @ np.arange(30.0) + 1
    model = make_pipeline(StandardScaler(), LinearRegression()).fit(frame, target)
    proxy = load(model)
    for given in (frame, frame.iloc[:7], frame.iloc[::3], frame[frame.columns.tolist()]):
        assert np.array_equal(proxy.predict(given), model.predict(given))
    assert proxy.score(frame, pd.Series(target)) == model.score(frame, pd.Series(target))


def test_the_results_of_a_search_are_data_masks_included(load: Load) -> None:
    search = GridSearchCV(RidgeClassifier(), {"alpha": [0.5, 1.0], "solver": ["auto", "svd"]}, cv=2)
    model = search.fit(ROWS, LABELS)
    proxy = load(model)
    assert proxy.best_params_ == model.best_params_
    assert sorted(proxy.cv_results_) == sorted(model.cv_results_)
    assert type(proxy.cv_results_["param_alpha"]) is np.ma.MaskedArray
    assert proxy.cv_results_["param_alpha"].tolist() == model.cv_results_["param_alpha"].tolist()
    assert np.array_equal(proxy.best_estimator_.coef_, model.best_estimator_.coef_)


def test_everything_that_a_pipeline_says_of_itself_is_said_by_the_proxy(load: Load) -> None:
    model = pipeline()
    proxy = load(model)
    assert proxy.score(ROWS, NAMES) == model.score(ROWS, NAMES)
    assert np.array_equal(proxy.classes_, model.classes_)
    assert proxy.n_features_in_ == 4
    assert proxy.get_params(deep=True)["forest__n_estimators"] == 10
    assert np.array_equal(proxy.named_steps["forest"].feature_importances_, model[-1].feature_importances_)
    assert np.array_equal(proxy[-1].feature_importances_, model[-1].feature_importances_)
    assert np.array_equal(proxy["scale"].mean_, model["scale"].mean_)
    assert len(proxy) == 3
    assert repr(proxy) == repr(model)
    assert "StandardScaler" in proxy._repr_html_()
    assert np.array_equal(proxy[:-1].transform(ROWS), model[:-1].transform(ROWS))
    assert {"predict", "classes_", "close"} <= set(dir(proxy))
    assert [name for name, _ in proxy.steps] == ["scale", "reduce", "forest"]


def test_transformers_transform_and_invert(load: Load) -> None:
    model = make_pipeline(StandardScaler(), PCA(3, random_state=0)).fit(ROWS)
    proxy = load(model)
    reduced = proxy.transform(ROWS)
    assert np.array_equal(reduced, model.transform(ROWS))
    assert np.array_equal(proxy.inverse_transform(reduced), model.inverse_transform(reduced))


def test_a_decision_function_is_there_where_the_model_has_one(load: Load) -> None:
    model = LogisticRegression(max_iter=500).fit(ROWS, LABELS)
    assert np.array_equal(load(model).decision_function(ROWS), model.decision_function(ROWS))


def test_a_method_that_the_model_does_not_have_is_no_attribute(load: Load) -> None:
    proxy = load(RidgeClassifier().fit(ROWS, LABELS))
    assert hasattr(proxy, "predict")
    assert not hasattr(proxy, "predict_proba")
    assert not hasattr(proxy, "_private")


def test_the_lesson_style_dictionary_is_a_dictionary_with_a_working_proxy(load: Load) -> None:
    model = pipeline()
    bundle = load(
        {
            "model": model,
            "features": ["a", "b"],
            "cv_score": 0.85,
            "trained_at": "2024-01-15",
            "sklearn_version": "1.9.1",
        }
    )
    assert type(bundle) is dict
    assert {key: value for key, value in bundle.items() if key != "model"} == {
        "features": ["a", "b"],
        "cv_score": 0.85,
        "trained_at": "2024-01-15",
        "sklearn_version": "1.9.1",
    }
    assert np.array_equal(bundle["model"].predict(ROWS), model.predict(ROWS))
    bundle["model"].close()


def test_plain_data_comes_back_as_plain_data(load: Load) -> None:
    value = {"array": np.arange(5), "nested": [(1, {"a"})], "frame": pd.DataFrame({"x": [1]})}
    found = load(value)
    assert np.array_equal(found["array"], value["array"])
    assert found["nested"] == value["nested"]
    pd.testing.assert_frame_equal(found["frame"], value["frame"])


FRAME = pd.DataFrame({"age": [20.0, 30.0, 40.0, 50.0], "city": ["rome", "bonn", "rome", "oslo"]})


def column_model() -> Pipeline:
    columns = ColumnTransformer([("n", StandardScaler(), ["age"]), ("c", OneHotEncoder(), ["city"])])
    return make_pipeline(columns, LinearRegression()).fit(FRAME, [1.0, 2.0, 3.0, 4.0])


def test_the_columns_of_a_frame_arrive_with_their_names_and_types(load: Load) -> None:
    model = column_model()
    proxy = load(model)
    assert np.array_equal(proxy.predict(FRAME), model.predict(FRAME))
    reordered = FRAME[["city", "age"]]
    assert np.array_equal(proxy.predict(reordered), model.predict(reordered))
    assert proxy.feature_names_in_.tolist() == ["age", "city"]


def test_wrong_and_reordered_feature_names_give_scikit_learns_own_error(load: Load) -> None:
    frame = pd.DataFrame(ROWS, columns=["a", "b", "c", "d"])
    model = StandardScaler().fit(frame)
    proxy = load(model)
    for wrong in (frame[["b", "a", "c", "d"]], frame.rename(columns={"a": "z"})):
        with pytest.raises(ValueError) as expected:  # the text is compared below
            model.transform(wrong)
        with pytest.raises(ValueError) as found:  # as above
            proxy.transform(wrong)
        assert str(found.value) == str(expected.value)


def test_a_wrong_number_of_features_gives_scikit_learns_own_error(load: Load) -> None:
    model = pipeline()
    with pytest.raises(ValueError, match="features") as expected:
        model.predict(ROWS[:, :2])
    with pytest.raises(ValueError, match="features") as found:
        load(model).predict(ROWS[:, :2])
    assert str(found.value) == str(expected.value)


def test_a_model_that_is_not_fitted_says_so(load: Load) -> None:
    with pytest.raises(NotFittedError):
        load(StandardScaler()).transform(ROWS)


@pytest.mark.parametrize("name", ["csr", "csc", "coo", "lil", "dok", "bsr"])
@pytest.mark.parametrize("kind", ["matrix", "array"])
def test_sparse_rows_of_each_format_are_predicted(load: Load, name: str, kind: str) -> None:
    model = LogisticRegression(max_iter=500).fit(ROWS, LABELS)
    rows = getattr(scipy.sparse, f"{name}_{kind}")(ROWS)
    assert np.array_equal(load(model).predict(rows), model.predict(rows))


def test_sparse_outputs_come_back_sparse(load: Load) -> None:
    model = OneHotEncoder().fit(FRAME[["city"]])
    found = load(model).transform(FRAME[["city"]])
    assert scipy.sparse.issparse(found)
    assert np.array_equal(found.toarray(), model.transform(FRAME[["city"]]).toarray())


@pytest.mark.parametrize("name", ["fit", "partial_fit", "fit_transform", "fit_predict", "set_params"])
def test_changing_a_verified_model_is_refused(load: Load, name: str) -> None:
    proxy = load((KMeans(2) if name == "fit_predict" else StandardScaler()).fit(ROWS))
    with pytest.raises(UsageError, match="refused"):
        getattr(proxy, name)(ROWS)
    with pytest.raises(UsageError):
        proxy.n_features_in_ = 0
    with pytest.raises(UsageError):
        del proxy.n_features_in_


def test_a_proxy_is_neither_pickled_nor_copied(load: Load) -> None:
    proxy = load(StandardScaler().fit(ROWS))
    for attempt in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(UsageError):
            attempt(proxy)


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
def test_models_saved_by_pickle_load_as_well(save: Save, store: TrustStore, protocol: int) -> None:
    model = pipeline()
    path = save(pickle.dumps(model, protocol), "model.pkl")
    with secureload.safe_load(path, trust_store=store) as proxy:
        assert np.array_equal(proxy.predict(ROWS), model.predict(ROWS))


def test_another_version_is_a_warning_that_names_both(save: Save, store: TrustStore) -> None:
    import sklearn

    path = save(StandardScaler().fit(ROWS))
    here = sklearn.__version__
    data = path.read_bytes().replace(here.encode(), b"1.3.0".ljust(len(here), b"0"))
    with pytest.warns(ModelVersionWarning) as caught:
        proxy = secureload.safe_load(save(data), trust_store=store)
    assert "1.3.0" in str(caught[0].message)
    assert here in str(caught[0].message)
    assert np.array_equal(proxy.mean_, ROWS.mean(axis=0)) or np.allclose(proxy.mean_, ROWS.mean(axis=0))
    proxy.close()


# -- attacks --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["renamed over", "written in place"])
@pytest.mark.parametrize("stage", ["Examiner", "decide", "admit", "load_confined"])
def test_a_file_that_is_swapped_between_the_stages_is_not_what_loads(
    save: Save, store: TrustStore, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, stage: str, way: str
) -> None:
    path = save({"which": "the signed one"})
    evil = tmp_path / "evil"
    joblib.dump(Evil(), evil)
    real = getattr(load_module, stage)
    swapped = []

    def swap_first(*args: Any, **kwargs: Any) -> Any:
        if way == "renamed over":
            shutil.copy(evil, tmp_path / "copy")
            os.replace(tmp_path / "copy", path)
        else:
            path.write_bytes(evil.read_bytes())
        swapped.append(stage)
        return real(*args, **kwargs)

    monkeypatch.setattr(load_module, stage, swap_first)
    assert secureload.safe_load(path, trust_store=store) == {"which": "the signed one"}
    assert swapped
    assert path.read_bytes() == evil.read_bytes()


def test_a_changed_byte_is_refused_and_the_member_is_named(save: Save, store: TrustStore) -> None:
    path = save(StandardScaler().fit(ROWS))
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(ManifestMismatchError, match=r"model\.joblib"):
        secureload.safe_load(path, trust_store=store)


def test_what_is_signed_and_malicious_is_refused_with_exit_code_1(save: Save, store: TrustStore) -> None:
    with pytest.raises(PolicyError) as caught:
        secureload.safe_load(save(Evil()), trust_store=store)
    assert caught.value.verdict.exit_code is ExitCode.REJECTED


def test_what_is_signed_and_unknown_is_refused_until_it_is_allowed(save: Save, store: TrustStore) -> None:
    path = save(Assembler(4).global_("unheard.of", "Thing").mark().tuple_().newobj().stop())
    with pytest.raises(PolicyError) as caught:
        secureload.safe_load(path, trust_store=store)
    assert caught.value.verdict.exit_code is ExitCode.UNDECIDED
    with pytest.raises(SandboxError, match="unheard"):
        secureload.safe_load(path, trust_store=store, allow=["unheard.of.Thing"])


def test_what_nobody_signed_and_what_a_stranger_signed_is_refused(
    save: Save, store: TrustStore, tmp_path: Path
) -> None:
    path = save({"a": 1})
    sidecar = Path(f"{path}.sig")
    sidecar.unlink()
    with pytest.raises(UnsignedError):
        secureload.safe_load(path, trust_store=store)
    secureload.sign(path, key=SigningKey.generate("mallory"))
    with pytest.raises(UntrustedError):
        secureload.safe_load(path, trust_store=store)


def test_the_sidecar_of_another_file_does_not_help(save: Save, store: TrustStore) -> None:
    first, second = save({"a": 1}, "a.joblib"), save({"b": 2}, "b.joblib")
    shutil.copy(f"{first}.sig", f"{second}.sig")
    with pytest.raises(TrustError):
        secureload.safe_load(second, trust_store=store)


def test_nothing_is_unpickled_in_this_process(
    save: Save, store: TrustStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save(StandardScaler().fit(ROWS))

    def refuse(*_args: object, **_kwargs: object) -> None:
        raise AssertionError("something was unpickled here")

    for module, name in ((pickle, "load"), (pickle, "loads"), (pickle, "Unpickler"), (joblib, "load")):
        monkeypatch.setattr(module, name, refuse)
    with secureload.safe_load(path, trust_store=store) as proxy:
        assert proxy.transform(ROWS).shape == ROWS.shape
