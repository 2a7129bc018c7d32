"""Models and results of statsmodels that evidence is collected from."""

from __future__ import annotations

import contextlib
import importlib
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from secureload.scan.allow.estimators import Case

__all__ = ["statsmodels_models"]


def _module(name: str) -> Any:
    return importlib.import_module(name)


def statsmodels_models() -> Iterator[Case]:
    """Yield (label, results): every model of ``statsmodels.api`` that can be fitted small, by arrays and formulas."""
    warnings.simplefilter("ignore")
    for cases in (_linear, _generalized, _formulas, _time_series, _state_spaces, _multivariate, _others):
        makers = cases()
        for label, make in makers.items():
            with contextlib.suppress(Exception):
                yield label, make()


def _data() -> tuple[Any, Any, Any, Any]:
    """Return rows with a constant, numbers, two classes and counts."""
    import numpy as np

    rng = np.random.RandomState(0)
    x = np.column_stack([np.ones(80), rng.rand(80, 2)])
    numbers = x @ [1.0, 2.0, -1.0] + rng.normal(0, 0.1, 80)
    return x, numbers, (rng.rand(80) < x[:, 1]).astype(float), rng.poisson(1 + x[:, 1])


def _frame() -> Any:
    import numpy as np
    import pandas as pd

    x, numbers, two, counts = _data()
    frame = pd.DataFrame({"y": numbers, "a": x[:, 1], "b": x[:, 2] + 0.1, "two": two, "counts": counts})
    return frame.assign(group=np.array(list("pqrs"))[np.arange(80) % 4], n=np.arange(80) % 5)


def _linear() -> dict[str, Callable[[], Any]]:
    import statsmodels.api as sm

    x, y, _, _ = _data()
    return {
        "OLS": lambda: sm.OLS(y, x).fit(),
        "OLS, model": lambda: sm.OLS(y, x),
        "OLS, DataFrame": lambda: sm.OLS(_frame()["y"], sm.add_constant(_frame()[["a", "b"]])).fit(),
        "OLS, robust": lambda: sm.OLS(y, x).fit(cov_type="HC3"),
        "OLS, clusters": lambda: sm.OLS(y, x).fit(cov_type="HAC", cov_kwds={"maxlags": 1}),
        "OLS, without the data": lambda: _without_data(sm.OLS(y, x).fit()),
        "OLS, elastic net": lambda: sm.OLS(y, x).fit_regularized(alpha=0.1),
        "WLS": lambda: sm.WLS(y, x, weights=x[:, 1] + 1).fit(),
        "GLS": lambda: sm.GLS(y, x).fit(),
        "GLSAR": lambda: sm.GLSAR(y, x, 1).iterative_fit(2),
        "RLM": lambda: sm.RLM(y, x).fit(),
        **{
            f"RLM({norm})": partial(_robust, norm)
            for norm in (
                "HuberT",
                "TukeyBiweight",
                "AndrewWave",
                "Hampel",
                "RamsayE",
                "TrimmedMean",
                "LeastSquares",
            )
        },
        "QuantReg": lambda: sm.QuantReg(y, x).fit(0.5),
        "RecursiveLS": lambda: sm.RecursiveLS(y, x).fit(),
        "RollingOLS": lambda: _module("statsmodels.regression.rolling").RollingOLS(y, x, 20).fit(),
        "MixedLM": lambda: sm.MixedLM(y, x, groups=_frame()["n"]).fit(),
        "prediction": lambda: sm.OLS(y, x).fit().get_prediction(x[:3]),
    }


def _robust(norm: str) -> Any:
    import statsmodels.api as sm

    x, y, _, _ = _data()
    return sm.RLM(y, x, M=getattr(sm.robust.norms, norm)()).fit()


def _glm(family: str, link: str, target: Any) -> Any:
    import statsmodels.api as sm

    links = [getattr(sm.families.links, link)()] if link else []
    return sm.GLM(target, _data()[0], family=getattr(sm.families, family)(*links)).fit(maxiter=3)


def _without_data(results: Any) -> Any:
    results.remove_data()
    return results


def _generalized() -> dict[str, Callable[[], Any]]:
    import statsmodels.api as sm

    x, y, two, counts = _data()
    positive = y - y.min() + 0.1
    targets = {
        "Gaussian": y, "Binomial": two, "Poisson": counts, "Gamma": positive, "InverseGaussian": positive,
        "NegativeBinomial": counts, "Tweedie": positive,
    }  # fmt: skip
    links = ("", "Log", "Logit", "Identity", "Probit", "CLogLog", "Cauchy", "InversePower", "Power", "Sqrt", "LogLog",
             "LogC", "InverseSquared", "NegativeBinomial", "CDFLink")  # fmt: skip
    cases: dict[str, Callable[[], Any]] = {
        f"GLM({family}{', ' * bool(link)}{link})": partial(_glm, family, link, target)
        for family, target in targets.items()
        for link in links
    }
    return {
        **cases,
        "Logit": lambda: sm.Logit(two, x).fit(disp=False),
        "Probit": lambda: sm.Probit(two, x).fit(disp=False),
        "MNLogit": lambda: sm.MNLogit(counts.clip(0, 2), x).fit(disp=False),
        "Poisson": lambda: sm.Poisson(counts, x).fit(disp=False),
        "Logit, L1": lambda: sm.Logit(two, x).fit_regularized(disp=False),
        "NegativeBinomial": lambda: sm.NegativeBinomial(counts, x).fit(disp=False, maxiter=5),
        "NegativeBinomialP": lambda: sm.NegativeBinomialP(counts, x).fit(disp=False, maxiter=5),
        "GeneralizedPoisson": lambda: sm.GeneralizedPoisson(counts, x).fit(disp=False, maxiter=5),
        "ZeroInflatedPoisson": lambda: sm.ZeroInflatedPoisson(counts, x).fit(disp=False, maxiter=5),
        "ZeroInflatedNegativeBinomialP": lambda: sm.ZeroInflatedNegativeBinomialP(counts, x).fit(
            disp=False, maxiter=5
        ),
        "GEE": lambda: sm.GEE(y, x, groups=_frame()["n"], cov_struct=sm.cov_struct.Exchangeable()).fit(),
        "GEE, autoregressive": lambda: sm.GEE(
            y, x, groups=_frame()["n"], cov_struct=sm.cov_struct.Autoregressive()
        ).fit(maxiter=2),
        "OrderedModel": lambda: (
            _module("statsmodels.miscmodels.ordinal_model")
            .OrderedModel(counts.clip(0, 2), x[:, 1:])
            .fit(disp=False, maxiter=5)
        ),
        "BetaModel": lambda: (
            _module("statsmodels.othermod.betareg")
            .BetaModel(positive / (positive.max() + 1), x)
            .fit(disp=False, maxiter=5)
        ),
        "ConditionalLogit": lambda: (
            _module("statsmodels.discrete.conditional_models")
            .ConditionalLogit(two, x[:, 1:], groups=_frame()["n"])
            .fit(disp=False)
        ),
    }


def _formulas() -> dict[str, Callable[[], Any]]:
    import statsmodels.api as sm
    import statsmodels.formula.api as smf

    frame = _frame()
    return {
        "ols formula": lambda: smf.ols("y ~ a + b", frame).fit(),
        "ols formula, model": lambda: smf.ols("y ~ a + b", frame),
        "ols formula, categories": lambda: smf.ols("y ~ a + C(group) + a:C(group)", frame).fit(),
        "ols formula, functions": _ols_with_functions,
        "glm formula": lambda: smf.glm("two ~ a + b", frame, family=sm.families.Binomial()).fit(),
        "logit formula": lambda: smf.logit("two ~ a + b", frame).fit(disp=False),
        "poisson formula": lambda: smf.poisson("counts ~ a + b", frame).fit(disp=False),
        "quantreg formula": lambda: smf.quantreg("y ~ a + b", frame).fit(),
        "mixedlm formula": lambda: smf.mixedlm("y ~ a", frame, groups=frame["group"]).fit(),
        "rlm formula": lambda: smf.rlm("y ~ a + b", frame).fit(),
        "gee formula": lambda: smf.gee("y ~ a + b", "group", frame).fit(maxiter=2),
        "phreg formula": lambda: smf.phreg("b ~ a", frame).fit(),
    }


def _ols_with_functions() -> Any:
    import numpy as np  # noqa: F401  # a formula's names are looked for in the frame of its caller
    import statsmodels.formula.api as smf

    return smf.ols("y ~ np.log(b) + I(a ** 2) + a * b - 1", _frame()).fit()


def _time_series() -> dict[str, Callable[[], Any]]:
    import numpy as np
    import pandas as pd
    from statsmodels.tsa import api as tsa

    y = np.cumsum(np.random.RandomState(0).rand(60)) + 1
    dated = pd.Series(y, index=pd.period_range("2015-01", periods=60, freq="M").to_timestamp())
    seasonal = {"trend": "add", "seasonal": "add", "seasonal_periods": 4}
    two = np.column_stack([y, y[::-1] ** 0.5])
    return {
        "AutoReg": lambda: tsa.AutoReg(y, 2).fit(),
        "AutoReg, dated": lambda: tsa.AutoReg(dated, 2, seasonal=True, period=12).fit(),
        "ARDL": lambda: tsa.ARDL(y, 1, two, 1).fit(),
        "UECM": lambda: tsa.UECM(y, 1, two, 1).fit(),
        "ExponentialSmoothing": lambda: tsa.ExponentialSmoothing(y, **seasonal).fit(),
        "SimpleExpSmoothing": lambda: tsa.SimpleExpSmoothing(y).fit(),
        "Holt": lambda: tsa.Holt(dated).fit(),
        "ETSModel": lambda: tsa.ETSModel(y, trend="add").fit(disp=False, maxiter=5),
        "VAR": lambda: tsa.VAR(two).fit(1),
        "SVAR": lambda: tsa.SVAR(two, "A", A=np.array([[1, 0], ["E", 1]])).fit(maxlags=1, maxiter=5),
        "VECM": lambda: tsa.VECM(two, k_ar_diff=1).fit(),
        "STL": lambda: tsa.STL(dated, period=12).fit(),
        "MSTL": lambda: tsa.MSTL(dated, periods=(4, 12)).fit(),
        "seasonal_decompose": lambda: tsa.seasonal_decompose(dated),
        "STLForecast": lambda: tsa.STLForecast(dated, tsa.AutoReg, model_kwargs={"lags": 1}, period=12).fit(),
        "ThetaModel": lambda: _module("statsmodels.tsa.forecasting.theta").ThetaModel(dated).fit(),
        "DeterministicProcess": lambda: _module("statsmodels.tsa.deterministic").DeterministicProcess(
            dated.index, constant=True, order=1, seasonal=True, fourier=0
        ),
        "MarkovRegression": lambda: tsa.MarkovRegression(y, 2).fit(maxiter=2, em_iter=2, disp=False),
        "MarkovAutoregression": lambda: tsa.MarkovAutoregression(y, 2, 1).fit(
            maxiter=2, em_iter=2, disp=False
        ),
    }


def _state_spaces() -> dict[str, Callable[[], Any]]:
    import numpy as np
    import pandas as pd
    from statsmodels.tsa import api as tsa

    y = np.cumsum(np.random.RandomState(0).rand(48)) + 1
    dated = pd.Series(y, index=pd.date_range("2020-01-31", periods=48, freq=pd.offsets.MonthEnd()))
    two = np.column_stack([np.diff(y), np.diff(y)[::-1]])
    quiet: dict[str, Any] = {"disp": False, "maxiter": 3}
    return {
        "ARIMA": lambda: tsa.ARIMA(y, order=(1, 1, 1)).fit(),
        "ARIMA, dated": lambda: tsa.ARIMA(dated, order=(1, 0, 0)).fit(),
        "SARIMAX": lambda: tsa.SARIMAX(y, order=(1, 0, 0), seasonal_order=(1, 0, 0, 4)).fit(**quiet),
        "SARIMAX, dated": lambda: tsa.SARIMAX(dated, order=(1, 0, 1), trend="c").fit(**quiet),
        "SARIMAX, model": lambda: tsa.SARIMAX(y, order=(1, 0, 0)),
        "UnobservedComponents": lambda: tsa.UnobservedComponents(y, "local linear trend").fit(**quiet),
        "UnobservedComponents, seasonal": lambda: tsa.UnobservedComponents(dated, "rwalk", seasonal=12).fit(
            **quiet
        ),
        "VARMAX": lambda: tsa.VARMAX(two, order=(1, 0)).fit(**quiet),
        "DynamicFactor": lambda: tsa.DynamicFactor(two, k_factors=1, factor_order=1).fit(**quiet),
        "DynamicFactorMQ": lambda: tsa.DynamicFactorMQ(
            pd.DataFrame(two, index=dated.index[1:].to_period("M")), factors=1
        ).fit(disp=False, maxiter=2),
        "statespace ExponentialSmoothing": lambda: (
            _module("statsmodels.tsa.statespace.exponential_smoothing")
            .ExponentialSmoothing(y, trend=True)
            .fit(**quiet)
        ),
    }


def _multivariate() -> dict[str, Callable[[], Any]]:
    import numpy as np
    import statsmodels.api as sm

    x, _, _, _ = _data()
    wide = np.column_stack([x[:, 1:], x[:, 1] * 2 + x[:, 2] ** 2, x[:, 1] ** 3])
    return {
        "PCA": lambda: sm.PCA(wide),
        "Factor": lambda: sm.Factor(wide, 1).fit(),
        "MANOVA": lambda: sm.MANOVA(wide[:, :2], wide[:, 2:]),
        "CanCorr": lambda: _module("statsmodels.multivariate.cancorr").CanCorr(
            wide[:, :2], wide[:, 2:]
        ),
    }  # fmt: skip


def _others() -> dict[str, Callable[[], Any]]:
    import statsmodels.api as sm
    from statsmodels.tools.eval_measures import rmse

    x, y, two, _ = _data()
    nonparametric = sm.nonparametric
    return {
        "KDEUnivariate": lambda: _fitted_density(nonparametric.KDEUnivariate(y)),
        "KDEMultivariate": lambda: nonparametric.KDEMultivariate(x[:, 1:], "cc"),
        "KernelReg": lambda: nonparametric.KernelReg(y, x[:, 1:], "cc"),
        "GLMGam": lambda: sm.GLMGam(
            y, smoother=_module("statsmodels.gam.api").BSplines(x[:, 1:], df=[5, 5], degree=[3, 3])
        ).fit(),
        "PHReg": lambda: sm.PHReg(y - y.min() + 1, x[:, 1:]).fit(),
        "SurvfuncRight": lambda: sm.SurvfuncRight(y - y.min() + 1, two),
        "MICEData": lambda: sm.MICEData(_frame()[["y", "a", "b"]]),
        "BayesGaussMI": lambda: sm.BayesGaussMI(x[:, 1:]),
        "Table": lambda: sm.stats.Table2x2([[3, 4], [5, 6]]),
        "ECDF": lambda: sm.distributions.ECDF(y),
        "numbers": lambda: {"rmse": rmse(y, y + 1), "results": sm.OLS(y, x).fit().params},
        "Treatment": lambda: _module("statsmodels.treatment.treatment_effects").TreatmentEffect(
            sm.OLS(y, x), two, results_select=sm.Logit(two, x).fit(disp=False)
        ),
        "GMM, instruments": lambda: _module("statsmodels.sandbox.regression.gmm").IV2SLS(y, x, x).fit(),
    }


def _fitted_density(density: Any) -> Any:
    density.fit()
    return density
