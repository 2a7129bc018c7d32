"""A proxy takes part in scikit-learn's protocols as its estimator would."""

from __future__ import annotations

import asyncio
import inspect
import itertools
import logging
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import sklearn
from sklearn.base import BaseEstimator, RegressorMixin, is_classifier, is_regressor
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_iris
from sklearn.ensemble import GradientBoostingClassifier, GradientBoostingRegressor, RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.frozen import FrozenEstimator
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.inspection import partial_dependence, permutation_importance
from sklearn.linear_model import LinearRegression, LogisticRegression, RidgeClassifier
from sklearn.metrics import get_scorer
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import cross_val_predict, cross_val_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier, export_text
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted, has_fit_parameter

from secureload import SandboxError, UsageError
from secureload.sandbox.rebuilt import ModelError

from .conftest import Load
from .inside import INSIDE, Inside

ROWS, LABELS = load_iris(return_X_y=True)


@pytest.fixture
def forest() -> Any:
    return RandomForestClassifier(10, random_state=0).fit(ROWS, LABELS)


def test_scikit_learn_takes_it_for_what_it_is(load: Load, forest: Any) -> None:
    proxy = load(forest)
    check_is_fitted(proxy)
    assert is_classifier(proxy)
    assert not is_regressor(proxy)
    assert get_tags(proxy) == get_tags(forest)
    assert is_regressor(load(LinearRegression().fit(ROWS, LABELS)))


@pytest.mark.parametrize("name", ["accuracy", "neg_log_loss", "roc_auc_ovr"])
def test_a_scorer_scores_it(load: Load, forest: Any, name: str) -> None:
    assert get_scorer(name)(load(forest), ROWS, LABELS) == get_scorer(name)(forest, ROWS, LABELS)


def test_it_is_used_where_a_fitted_model_is(load: Load, forest: Any) -> None:
    proxy = load(forest)
    uses: list[Callable[[Any], Any]] = [
        lambda model: cross_val_predict(FrozenEstimator(model), ROWS, LABELS, cv=3, method="predict_proba"),
        lambda model: cross_val_score(FrozenEstimator(model), ROWS, LABELS, cv=3),
        lambda model: CalibratedClassifierCV(FrozenEstimator(model)).fit(ROWS, LABELS).predict_proba(ROWS),
        lambda model: permutation_importance(model, ROWS, LABELS, n_repeats=2, random_state=0).importances,
        lambda model: (
            Pipeline(
                [("pre", StandardScaler(with_mean=False, with_std=False)), ("m", FrozenEstimator(model))]
            )
            .fit(ROWS, LABELS)
            .predict_proba(ROWS)
        ),
        lambda model: Pipeline([("pre", StandardScaler().fit(ROWS)), ("m", model)]).predict(ROWS),
    ]
    for use in uses:
        assert np.array_equal(use(proxy), use(forest))


def test_code_that_asks_for_its_class_is_answered_as_of_the_original(load: Load, forest: Any) -> None:
    proxy = load(forest)
    assert isinstance(proxy, RandomForestClassifier)
    assert isinstance(proxy, BaseEstimator)
    assert not isinstance(proxy, RegressorMixin)
    assert type(proxy).__name__ == "ModelProxy"
    assert proxy.__class__.__name__ == "RandomForestClassifier"
    tree = DecisionTreeClassifier(max_depth=2).fit(ROWS, LABELS)
    assert export_text(load(tree)) == export_text(tree)
    boosted = GradientBoostingRegressor(n_estimators=3).fit(ROWS, LABELS)
    found = partial_dependence(load(boosted), ROWS, [0], grid_resolution=5)
    expected = partial_dependence(boosted, ROWS, [0], grid_resolution=5)
    assert np.array_equal(found["average"], expected["average"])


def test_a_method_has_the_signature_and_the_documentation_of_the_original(load: Load, forest: Any) -> None:
    proxy = load(forest)
    assert inspect.signature(proxy.predict) == inspect.signature(forest.predict)
    assert inspect.getdoc(proxy.predict) == inspect.getdoc(forest.predict)
    assert has_fit_parameter(proxy, "sample_weight")
    with pytest.raises(UsageError, match="refused"):
        proxy.fit(ROWS, LABELS)


def test_an_estimator_that_was_not_fitted_is_not_taken_for_one_that_was(load: Load) -> None:
    with pytest.raises(NotFittedError):
        check_is_fitted(load(StandardScaler()))
    with pytest.raises(NotFittedError):
        check_is_fitted(Pipeline([("m", load(StandardScaler()))]))


def test_what_is_inside_is_reached_by_every_way(load: Load, forest: Any) -> None:
    inner = make_pipeline(StandardScaler(), forest).fit(ROWS, LABELS)
    model = Pipeline([("a", Pipeline([("b", StandardScaler())])), ("clf", inner)]).fit(ROWS, LABELS)
    proxy = load(model)
    assert np.array_equal(proxy["a"]["b"].mean_, model["a"]["b"].mean_)
    deep = proxy.named_steps["clf"][-1]
    assert np.array_equal(deep.feature_importances_, model[-1][-1].feature_importances_)
    assert np.array_equal(deep.estimators_[0].predict(ROWS), model[-1][-1].estimators_[0].predict(ROWS))
    assert np.array_equal(deep.estimators_[0].tree_.threshold, model[-1][-1].estimators_[0].tree_.threshold)
    assert (len(deep), len(list(deep))) == (10, 10)
    assert proxy.get_params()["clf__randomforestclassifier__n_estimators"] == 10
    assert str(proxy) == str(model)


def test_methods_are_there_where_the_model_has_them(load: Load) -> None:
    ridge = load(RidgeClassifier().fit(ROWS, LABELS))
    assert [hasattr(ridge, name) for name in ("predict", "predict_proba", "fit", "partial_fit")] == [
        True, False, True, False,
    ]  # fmt: skip
    with pytest.raises(UsageError, match="would change a verified model"):
        ridge.set_params(alpha=2)


def test_a_generator_gives_one_item_after_the_other(load: Load) -> None:
    model = GradientBoostingClassifier(n_estimators=4).fit(ROWS, LABELS)
    proxy = load(model)
    stages = proxy.staged_predict_proba(ROWS)
    assert iter(stages) is stages
    expected = list(model.staged_predict_proba(ROWS))
    assert all(np.array_equal(a, b) for a, b in itertools.zip_longest(stages, expected))
    assert list(stages) == []


def test_a_tuple_of_one_array_is_an_attribute_as_any_other(load: Load) -> None:
    model = LogisticRegression(max_iter=500).fit(ROWS, LABELS)
    model.pair_ = (model.coef_,)
    model.word_ = ("method",)
    proxy = load(model)
    assert np.array_equal(proxy.pair_[0], model.coef_)
    assert (len(proxy.pair_), proxy.word_) == (1, ("method",))


@pytest.mark.parametrize("name", ["set_output", "set_fit_request", "sparsify", "densify"])
def test_what_would_change_one_replica_of_several_is_refused(load: Load, name: str) -> None:
    made = StandardScaler() if name == "set_output" else LogisticRegression(max_iter=500)
    proxy = load(made.fit(ROWS, LABELS))
    assert hasattr(proxy, name)
    with pytest.raises(UsageError, match=f"{name}.. would change a verified model"):
        getattr(proxy, name)()


def test_membership_is_asked_of_the_object(load: Load) -> None:
    words = load(CountVectorizer().fit(["red apple"]))
    assert words.vocabulary_ == {"red": 1, "apple": 0}
    assert "apple" in words.vocabulary_


def test_a_random_generator_goes_on_after_the_call_as_it_would_here(load: Load) -> None:
    model = GaussianProcessRegressor().fit(ROWS, LABELS)
    proxy = load(model)
    for make in (np.random.RandomState, lambda seed: seed):
        ours, theirs = make(5), make(5)
        for _ in range(2):
            assert np.array_equal(proxy.sample_y(ROWS[:3], 2, ours), model.sample_y(ROWS[:3], 2, theirs))


def test_two_workers_do_not_draw_the_same_numbers(load: Load) -> None:
    model = GaussianMixture(2).fit(ROWS)
    drawn = [load(model).sample(5)[0] for _ in range(2)]
    assert not np.array_equal(*drawn)


def test_warnings_point_at_the_line_of_the_caller_and_its_filters_hold(load: Load) -> None:
    import pandas as pd

    proxy = load(LogisticRegression(max_iter=500).fit(pd.DataFrame(ROWS, columns=list("abcd")), LABELS))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        proxy.predict(ROWS)
    assert [entry.filename for entry in caught] == [__file__]
    assert "feature names" in str(caught[0].message)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UserWarning, match="feature names"):
            proxy.predict(ROWS)
        with pytest.raises(UserWarning, match="feature names"):  # and the worker goes on
            proxy.predict(ROWS)


@pytest.mark.parametrize(
    "argument", [(x for x in [1]), open, len, lambda: 1], ids=["generator", "open", "len", "lambda"]
)
def test_what_is_no_data_is_refused_with_its_name(load: Load, forest: Any, argument: Any) -> None:
    with pytest.raises(UsageError, match="cannot be sent to the sandbox") as caught:
        load(forest).predict(argument)
    assert caught.value.hint


def test_a_refusal_says_what_was_wrong_with_what_was_given(load: Load, forest: Any) -> None:
    proxy = load(forest)
    deep: Any = []
    for _ in range(2_000):
        deep = [deep]
    for given, reason in (
        ((row for row in ROWS), "a generator, which is used up by reading it"),
        (len, "a function"),
        (deep, "nested too deep"),
        ([deep], "nested too deep"),
    ):
        with pytest.raises(UsageError, match=reason):
            proxy.predict(given)


def test_the_settings_of_scikit_learn_hold_for_what_is_computed_in_the_sandbox(load: Load) -> None:
    import pandas as pd

    frame = pd.DataFrame(ROWS, columns=list("abcd"))
    scaler, line = StandardScaler().fit(frame), LinearRegression().fit(ROWS, LABELS)
    proxies = load(scaler), load(line)
    with sklearn.config_context(transform_output="pandas", assume_finite=True, print_changed_only=False):
        found, expected = proxies[0].transform(frame), scaler.transform(frame)
        assert type(found) is pd.DataFrame
        pd.testing.assert_frame_equal(found, expected, check_exact=True)
        gaps = np.full((1, 4), np.nan)
        assert np.array_equal(proxies[1].predict(gaps), line.predict(gaps), equal_nan=True)
        assert repr(proxies[0]) == repr(scaler)
        awaited = asyncio.run(proxies[0].atransform(frame))
        pd.testing.assert_frame_equal(awaited, expected, check_exact=True)
    assert type(proxies[0].transform(frame)) is np.ndarray
    with pytest.raises(ValueError, match="NaN"):
        proxies[1].predict(gaps)


def test_what_a_model_prints_is_logged(load: Load, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="secureload.model"):
        proxy = load(Inside(), allow=[INSIDE])
        proxy.prints("one\ntwo \x1b[31m")
    records = [record for record in caplog.records if record.name == "secureload.model"]
    assert [record.getMessage() for record in records] == ["one", "two \\x1b[31m"]


def test_an_exception_that_cannot_be_shown_is_one_of_the_model_and_its_worker_lives_on(load: Load) -> None:
    proxy = load(Inside(), allow=[INSIDE])
    before = proxy.whose()
    with pytest.raises(ModelError, match="raised MuteError"):
        proxy.fail("mute")
    assert proxy.whose() == before
    assert proxy.restarts == 0


def test_an_answer_that_is_too_large_is_an_error_that_names_the_limit_and_the_worker_lives_on(
    load: Load,
) -> None:
    proxy = load(Inside(), allow=[INSIDE])
    with pytest.raises(SandboxError, match="message_payload_bytes"):
        proxy.large(3 << 30)
    assert proxy.restarts == 0
