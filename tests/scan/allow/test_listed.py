"""Parts of models are found by walking the modules of a library."""

from __future__ import annotations

import pytest

from secureload.pickles.trace import GlobalRef
from secureload.scan.allow.collect import LIBRARIES
from secureload.scan.allow.listed import LISTED, listed

pytest.importorskip("sklearn")


def test_scikit_learns_estimators_kernels_losses_and_metrics_are_listed() -> None:
    found = set(map(str, listed("scikit-learn")))
    assert found >= {
        "sklearn.linear_model._logistic:LogisticRegression",
        "sklearn.gaussian_process.kernels:RBF",
        "sklearn._loss.loss:HuberLoss",
        "sklearn.metrics._regression:r2_score",
        "sklearn.tree._tree:Tree",
    }
    assert not any(".tests" in name or ".datasets" in name or ".externals" in name for name in found)


def test_numpys_scalars_and_scipys_distributions_are_listed() -> None:
    assert listed("numpy") >= {GlobalRef("numpy", "float64"), GlobalRef("numpy.random.mtrand", "RandomState")}
    names = set(map(str, listed("scipy")))
    assert names >= {"scipy.stats._continuous_distns:norm_gen", "scipy.sparse._csr:csr_matrix"}


def test_a_library_that_nobody_walks_lists_nothing() -> None:
    assert listed("python") == set()
    assert set(LISTED) < set(LIBRARIES)


@pytest.mark.parametrize(
    ("library", "module", "names"),
    [
        ("torch", "torch", {"torch.nn.modules.linear:Linear", "torch.optim.sgd:SGD", "torch:float32"}),
        ("xgboost", "xgboost", {"xgboost.sklearn:XGBClassifier", "xgboost.core:Booster"}),
        ("lightgbm", "lightgbm", {"lightgbm.sklearn:LGBMRanker", "lightgbm.basic:Booster"}),
        ("catboost", "catboost", {"catboost.core:CatBoostRegressor"}),
        ("imbalanced-learn", "imblearn", {"imblearn.over_sampling._adasyn:ADASYN"}),
        ("statsmodels", "statsmodels", {"statsmodels.regression.linear_model:OLS"}),
        ("pandas", "pandas", {"pandas._libs.tslibs.offsets:Day"}),
    ],
)
def test_the_parts_of_a_library_that_is_installed_are_listed(
    library: str, module: str, names: set[str]
) -> None:
    pytest.importorskip(module, reason=f"{library} is not among the development dependencies")
    assert set(map(str, listed(library))) >= names
