"""What libraries import, read or look up only when they are used for the first time: done before the lock-down.

Each warm-up uses its library once, on a few numbers, as a model of it will be used; what it fails at, a model of
this version of the library may do without.
"""

from __future__ import annotations

import importlib
import io
import warnings
from collections.abc import Callable, Iterable

__all__ = ["warm_up_frames", "warm_up_libraries"]

# What was done in the zygote is not done again in each worker.
_warm: set[str] = set()


def warm_up_libraries(modules: Iterable[str]) -> None:
    """Warm up each library that one of ``modules`` belongs to; what a payload names was imported before."""
    wanted = {module.partition(".")[0] for module in modules}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for library, warm in _WARM_UPS.items():
            if library in wanted and library not in _warm:
                _warm.add(library)
                try:
                    warm()
                except Exception:  # noqa: S112  # the model itself will say what it cannot do
                    continue


def warm_up_frames() -> None:
    """Warm up pandas, once for all workers: nothing in it uses OpenMP or BLAS, so it may be done in the zygote."""
    warm_up_libraries(["pandas"])


def _pandas() -> None:
    """Let scikit-learn handle one small frame each way: it imports its support for pandas when it meets one."""
    import pandas as pd
    from sklearn.compose import ColumnTransformer
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    frame = pd.DataFrame({"a": [0.0, 1.0], "b": ["x", "y"], "c": pd.Categorical(["u", "v"])})
    encoder = OneHotEncoder(sparse_output=False)
    steps = [("numbers", StandardScaler(), ["a"]), ("words", encoder, ["b", "c"])]
    ColumnTransformer(steps).fit(frame).transform(frame)
    ColumnTransformer(steps).set_output(transform="pandas").fit_transform(frame)


def _polars() -> None:
    """Let scikit-learn handle one small frame each way."""
    import polars as pl
    from sklearn.preprocessing import StandardScaler

    frame = pl.DataFrame({"a": [0.0, 1.0], "b": [1.0, 3.0]})
    StandardScaler().set_output(transform="polars").fit_transform(frame)
    frame.rename({"a": "c"})


def _statsmodels() -> None:
    """Fit a line and draw up its summary: the tables and tests of a summary are imported late."""
    from statsmodels.discrete.discrete_model import Logit
    from statsmodels.genmod.generalized_linear_model import GLM
    from statsmodels.regression.linear_model import OLS

    rows = [[1.0, 0.1], [1.0, 0.9], [1.0, 2.2], [1.0, 2.8], [1.0, 4.1]] * 2
    fitted = [OLS([0.0, 1.0, 2.0, 3.1, 4.0] * 2, rows).fit(), GLM([0.0, 1.0, 2.0, 3.1, 4.0] * 2, rows).fit()]
    fitted.append(Logit([0, 1, 0, 1, 1, 1, 0, 0, 1, 1], rows).fit(disp=0))
    for result in fitted:
        result.get_prediction().summary_frame()
        for name in ("summary", "summary2"):
            str(getattr(result, name)())
        result.t_test([[0.0, 1.0]]).summary()
    fitted[0].get_influence().summary_frame()


def _torch() -> None:
    """Write a small network and read it back, and let it compute: torch imports its reader's settings late."""
    import torch

    # Its compiler makes machine code as it goes, and the filter lets nobody make any: the other kernels compute.
    torch.backends.mkldnn.set_flags(False)
    file = io.BytesIO()
    torch.save(torch.nn.Linear(2, 2), file)
    file.seek(0)
    network = torch.load(file, weights_only=False)
    with torch.no_grad():
        repr(network(torch.ones(1, 2)))
    for module in ("torch.nn.modules", "torch.nn.functional", "torch.nn.utils.rnn", "torch.nn.attention"):
        importlib.import_module(module)


def _xgboost() -> None:
    """Let it read one small matrix and frame: its support for each kind of data is imported late."""
    import numpy as np
    import xgboost

    xgboost.DMatrix(np.ones((2, 2)))


_WARM_UPS: dict[str, Callable[[], None]] = {
    "pandas": _pandas,
    "polars": _polars,
    "statsmodels": _statsmodels,
    "torch": _torch,
    "xgboost": _xgboost,
}
