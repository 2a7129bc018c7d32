"""Every estimator of scikit-learn, what is composed of them, and the libraries that build on it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from benchmarks.corpus.sample import Sample
from benchmarks.corpus.saving import saved

__all__ = ["imblearn_samples", "sklearn_samples", "skops_samples", "statsmodels_samples"]


def _fitted() -> Iterator[tuple[str, Any]]:
    from secureload.scan.allow.estimators import estimators

    for _, label, model in estimators(thorough=False):
        yield label.replace(", ", "-"), model


def sklearn_samples() -> Iterator[Sample]:
    """Yield each estimator in every protocol and compression, and compositions in the usual two."""
    from secureload.scan.allow.estimators import compositions

    for label, model in _fitted():
        yield from saved("scikit-learn", label, model, protocols=(2, 3, 4, 5), joblibs=(0, 3, ("lz4", 0)))
    for label, value in compositions():
        if "BaseShuffleSplit" in label:
            continue  # an abstract class, which nobody saves
        yield from saved("scikit-learn, composed", label, value, protocols=(4, 5), joblibs=(0, ("xz", 3)))
    yield from saved("scikit-learn, composed", "voting-of-many", _voting(), joblibs=(0, 3, "gz", "bz2", "xz"))


def _voting() -> Any:
    from sklearn.datasets import load_iris
    from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier, VotingClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import RobustScaler

    models = [
        ("trees", ExtraTreesClassifier(20, random_state=0)),
        ("boosting", HistGradientBoostingClassifier(max_iter=10, random_state=0)),
        ("linear", make_pipeline(RobustScaler(), LogisticRegression())),
    ]
    return VotingClassifier(models).fit(*load_iris(return_X_y=True))


def skops_samples() -> Iterator[Sample]:
    """Yield each estimator that skops writes, stored and deflated by turns."""
    import zipfile

    import skops.io

    for number, (label, model) in enumerate(_fitted()):
        compression = zipfile.ZIP_DEFLATED if number % 2 else zipfile.ZIP_STORED
        try:
            data = skops.io.dumps(model, compression=compression)
        except Exception:  # some estimators are beyond it
            continue
        yield Sample("benign", "skops", f"{label}.skops", data)


def imblearn_samples() -> Iterator[Sample]:
    """Yield samplers, ensembles and pipelines."""
    import numpy as np
    from imblearn.ensemble import (
        BalancedBaggingClassifier,
        BalancedRandomForestClassifier,
        RUSBoostClassifier,
    )
    from imblearn.pipeline import make_pipeline
    from imblearn.utils.testing import all_estimators
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    rng = np.random.RandomState(0)
    x = rng.rand(200, 4)
    y = (np.arange(200) % 5 == 0).astype(int)
    for name, cls in all_estimators("sampler"):
        try:
            model = cls()
            model.fit(x, y)
            model.fit_resample(x, y)
        except Exception:  # some want other data
            continue
        yield from saved("imbalanced-learn", name, model, protocols=(4, 5))
    for model in (
        BalancedRandomForestClassifier(5, random_state=0),
        BalancedBaggingClassifier(n_estimators=3, random_state=0),
        RUSBoostClassifier(n_estimators=3, random_state=0),
    ):
        yield from saved("imbalanced-learn", type(model).__name__, model.fit(x, y), protocols=(4, 5))
    from imblearn.over_sampling import SMOTE

    pipeline = make_pipeline(StandardScaler(), SMOTE(random_state=0), LogisticRegression()).fit(x, y)
    yield from saved("imbalanced-learn", "pipeline", pipeline, protocols=(2, 4, 5), joblibs=(0, 3))


def statsmodels_samples() -> Iterator[Sample]:
    """Yield results, as they are and without their data."""
    import numpy as np
    import statsmodels.api as sm
    from statsmodels.tsa.arima.model import ARIMA
    from statsmodels.tsa.holtwinters import ExponentialSmoothing

    rng = np.random.RandomState(0)
    x = sm.add_constant(rng.rand(80, 2))
    target = x @ [1.0, 2.0, 3.0] + rng.rand(80) / 10
    counts = rng.poisson(3, 80)
    results = {
        "OLS": sm.OLS(target, x).fit(),
        "WLS": sm.WLS(target, x, weights=np.ones(80)).fit(),
        "GLS": sm.GLS(target, x).fit(),
        "RLM": sm.RLM(target, x).fit(),
        "Logit": sm.Logit((counts > 2).astype(int), x).fit(disp=0),
        "Poisson": sm.Poisson(counts, x).fit(disp=0),
        "GLM": sm.GLM(counts, x, family=sm.families.Poisson()).fit(),
        "GLM-Gamma": sm.GLM(target, x, family=sm.families.Gamma(sm.families.links.Log())).fit(),
        "QuantReg": sm.QuantReg(target, x).fit(),
        "ARIMA": ARIMA(target, order=(1, 0, 0)).fit(),
        "smoothing": ExponentialSmoothing(np.abs(target)).fit(),
    }
    for name, result in results.items():
        yield from saved("statsmodels", name, result, protocols=(4, 5))
    results["OLS"].remove_data()
    yield from saved("statsmodels", "OLS-without-data", results["OLS"])
