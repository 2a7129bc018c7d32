"""Models of XGBoost, LightGBM, CatBoost and imbalanced-learn that evidence is collected from."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from secureload.scan.allow.estimators import Case

__all__ = ["catboost_models", "imblearn_models", "lightgbm_models", "xgboost_models"]


def _data() -> tuple[Any, Any, Any, Any]:
    """Return rows, two classes, three classes and numbers to learn."""
    import numpy as np

    rng = np.random.RandomState(0)
    x = rng.rand(60, 4)
    return x, (x[:, 0] > 0.5).astype(int), np.arange(60) % 3, x[:, 0] * 2 + x[:, 1]


def _tried(cases: dict[str, Callable[[], Any]]) -> Iterator[Case]:
    """Yield the cases that this release can make."""
    for label, make in cases.items():
        with contextlib.suppress(Exception):
            yield label, make()


def xgboost_models() -> Iterator[Case]:
    """Yield (label, model): every estimator, boosters by each learner and objective, callbacks."""
    import xgboost as xgb

    x, two, three, numbers = _data()
    small: dict[str, Any] = {"n_estimators": 3, "max_depth": 2, "n_jobs": 1}
    yield from _tried(
        {
            "XGBClassifier": lambda: xgb.XGBClassifier(**small).fit(x, two),
            "XGBClassifier, three classes": lambda: xgb.XGBClassifier(**small).fit(x, three),
            "XGBClassifier, unfitted": lambda: xgb.XGBClassifier(**small),
            "XGBClassifier, dart": lambda: xgb.XGBClassifier(**small, booster="dart").fit(x, two),
            "XGBClassifier, gblinear": lambda: xgb.XGBClassifier(n_estimators=2, booster="gblinear").fit(x, two),
            "XGBClassifier, old labels": lambda: xgb.XGBClassifier(**small, use_label_encoder=True).fit(x, two),
            "XGBRegressor": lambda: xgb.XGBRegressor(**small).fit(x, numbers),
            "XGBRegressor, missing values": lambda: xgb.XGBRegressor(**small, missing=float("nan")).fit(x, numbers),
            "XGBRegressor, quantile": lambda: xgb.XGBRegressor(
                **small, objective="reg:quantileerror", quantile_alpha=[0.1, 0.9]
            ).fit(x, numbers),
            "XGBRegressor, constraints": lambda: xgb.XGBRegressor(
                **small, monotone_constraints=(1, 0, 0, 0), interaction_constraints=[[0, 1], [2, 3]]
            ).fit(x, numbers),
            "XGBRFClassifier": lambda: xgb.XGBRFClassifier(**small).fit(x, two),
            "XGBRFRegressor": lambda: xgb.XGBRFRegressor(**small).fit(x, numbers),
            "XGBRanker": lambda: xgb.XGBRanker(**small).fit(x, two, qid=[0] * 30 + [1] * 30),
            "early stopping": lambda: xgb.XGBClassifier(
                **small, early_stopping_rounds=2, eval_metric=["logloss", "auc"]
            ).fit(x, two, eval_set=[(x, two)], verbose=False),
            "callbacks": lambda: xgb.XGBClassifier(
                **small, callbacks=[xgb.callback.EarlyStopping(2), xgb.callback.EvaluationMonitor()]
            ).fit(x, two, eval_set=[(x, two)], verbose=False),
            "scheduler": lambda: xgb.XGBClassifier(
                **small, callbacks=[xgb.callback.LearningRateScheduler([0.3, 0.2, 0.1])]
            ).fit(x, two),
            "Booster": lambda: xgb.train({"max_depth": 2}, xgb.DMatrix(x, two), 2),
            "Booster and its training": lambda: {
                "booster": xgb.train({}, xgb.DMatrix(x, two), 2), "columns": list("abcd")
            },
            "XGBClassifier, DataFrame": lambda: _on_a_frame(xgb.XGBClassifier(**small)),
        }
    )  # fmt: skip


def lightgbm_models() -> Iterator[Case]:
    """Yield (label, model): every estimator, boosters by each kind of boosting, callbacks."""
    import lightgbm as lgb

    x, two, three, numbers = _data()
    small: dict[str, Any] = {
        "n_estimators": 3,
        "num_leaves": 3,
        "min_child_samples": 2,
        "verbose": -1,
        "n_jobs": 1,
    }
    dart = {"boosting_type": "dart"}
    forest = {"boosting_type": "rf", "subsample": 0.5, "subsample_freq": 1}
    yield from _tried(
        {
            "LGBMClassifier": lambda: lgb.LGBMClassifier(**small).fit(x, two),
            "LGBMClassifier, three classes": lambda: lgb.LGBMClassifier(**small).fit(x, three),
            "LGBMClassifier, names": lambda: lgb.LGBMClassifier(**small).fit(x, ["ab"[i] for i in two]),
            "LGBMClassifier, unfitted": lambda: lgb.LGBMClassifier(**small),
            "LGBMClassifier, dart": lambda: lgb.LGBMClassifier(**small, **dart).fit(x, two),
            "LGBMClassifier, forest": lambda: lgb.LGBMClassifier(**small, **forest).fit(x, two),
            "LGBMClassifier, balanced": lambda: lgb.LGBMClassifier(**small, class_weight="balanced").fit(x, two),
            "LGBMRegressor": lambda: lgb.LGBMRegressor(**small).fit(x, numbers),
            "LGBMRegressor, quantile": lambda: lgb.LGBMRegressor(**small, objective="quantile").fit(x, numbers),
            "LGBMRanker": lambda: lgb.LGBMRanker(**small).fit(x, two, group=[30, 30]),
            "early stopping": lambda: lgb.LGBMClassifier(**small).fit(
                x, two, eval_set=[(x, two)], eval_metric="auc", callbacks=[lgb.early_stopping(1, verbose=False)]
            ),
            "Booster": lambda: lgb.train({"verbose": -1}, lgb.Dataset(x, two), 2),
            "CVBooster": lambda: lgb.cv(
                {"verbose": -1}, lgb.Dataset(x, numbers), 2, nfold=2, stratified=False, return_cvbooster=True
            ),
            "callbacks": lambda: [
                lgb.early_stopping(2), lgb.log_evaluation(1), lgb.record_evaluation({}),
                lgb.reset_parameter(learning_rate=[0.1, 0.2]),
            ],
            "LGBMClassifier, DataFrame": lambda: _on_a_frame(lgb.LGBMClassifier(**small)),
        }
    )  # fmt: skip


def catboost_models() -> Iterator[Case]:
    """Yield (label, model): every estimator, by each kind of target, with and without categories."""
    import catboost

    x, two, three, numbers = _data()
    small: dict[str, Any] = {"iterations": 3, "depth": 2, "verbose": False, "allow_writing_files": False,
                             "thread_count": 1}  # fmt: skip
    mixed = [[row[0], "ab"[int(row[1] > 0.5)]] for row in x]
    yield from _tried(
        {
            "CatBoostClassifier": lambda: catboost.CatBoostClassifier(**small).fit(x, two),
            "CatBoostClassifier, three classes": lambda: catboost.CatBoostClassifier(**small).fit(x, three),
            "CatBoostClassifier, categories": lambda: catboost.CatBoostClassifier(
                **small, cat_features=[1]
            ).fit(mixed, two),
            "CatBoostClassifier, unfitted": lambda: catboost.CatBoostClassifier(**small),
            "CatBoostClassifier, names": lambda: catboost.CatBoostClassifier(**small).fit(
                x, ["ab"[i] for i in two]
            ),
            "CatBoostRegressor": lambda: catboost.CatBoostRegressor(**small).fit(x, numbers),
            "CatBoostRegressor, quantiles": lambda: catboost.CatBoostRegressor(
                **small, loss_function="MultiQuantile:alpha=0.1,0.9"
            ).fit(x, numbers),
            "CatBoostRanker": lambda: catboost.CatBoostRanker(**small).fit(
                catboost.Pool(x, two, group_id=[0] * 30 + [1] * 30)
            ),
            "CatBoost": lambda: catboost.CatBoost(small).fit(x, numbers),
            "early stopping": lambda: catboost.CatBoostClassifier(**small, early_stopping_rounds=2).fit(
                x, two, eval_set=(x, two)
            ),
            "CatBoostClassifier, DataFrame": lambda: _on_a_frame(catboost.CatBoostClassifier(**small)),
        }
    )


def _on_a_frame(model: Any) -> Any:
    import pandas as pd

    x, two, _, _ = _data()
    return model.fit(pd.DataFrame(x, columns=list("abcd")), pd.Series(two))


def imblearn_models() -> Iterator[Case]:
    """Yield (label, model): every sampler and ensemble, and its pipelines."""
    import imblearn
    import numpy as np
    from imblearn.utils.testing import all_estimators
    from sklearn.linear_model import LogisticRegression

    rng = np.random.RandomState(0)
    rows = 80
    x = rng.rand(rows, 3) + 0.1
    x[:, 2] = np.arange(rows) % 3
    y = (np.arange(rows) >= rows - 20).astype(int)
    options: dict[str, dict[str, Any]] = {
        "SMOTENC": {"categorical_features": [2]},
        "Pipeline": {"steps": [("smote", imblearn.over_sampling.SMOTE()), ("model", LogisticRegression())]},
        "FunctionSampler": {"func": None},
        "InstanceHardnessThreshold": {"estimator": LogisticRegression(), "cv": 2},
    }
    for name, cls in all_estimators():
        with contextlib.suppress(Exception):
            model = cls(**options.get(name, {}))
            known = model.get_params(deep=False)
            small = {"n_estimators": 3, "random_state": np.random.RandomState(0), "cv": 2}
            model.set_params(**{key: value for key, value in small.items() if key in known})
            yield f"{name}, unfitted", model
            # A sampler without enough neighbours of one class may fit and not sample.
            model.fit(x, y)
            with contextlib.suppress(Exception):
                model.fit_resample(x, y)
            yield name, model
    pipeline = imblearn.pipeline.make_pipeline(
        imblearn.under_sampling.RandomUnderSampler(sampling_strategy={0: 20}), LogisticRegression()
    )
    yield "make_pipeline", pipeline.fit(x, y)
