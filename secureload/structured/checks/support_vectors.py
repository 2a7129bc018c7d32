"""libsvm: it takes the sizes of its arrays from each other, and never looks."""

from __future__ import annotations

from typing import Any

from secureload.structured.checks.fields import need, width_of
from secureload.structured.kinds.expect import an_array, an_int, require

__all__ = ["CHECKS"]

_CLASSIFIERS = ("c_svc", "nu_svc")


def _check_svm(model: Any) -> None:
    if "support_" not in vars(model):
        return
    import numpy as np

    width = width_of(model)
    support = an_array(need(model, "support_"), "support vectors", (None,), dtype="<i4")
    count = len(support)
    classifies = type(model)._impl in _CLASSIFIERS
    per_class = an_array(need(model, "_n_support"), "support vectors a class", (None,), dtype="<i4")
    require(bool((per_class >= 0).all()), "has a support vector machine with less than no vectors")
    classes = len(need(model, "classes_")) if classifies else 2
    require(len(per_class) == classes, "has a support vector machine with vectors for other classes")
    if classifies:
        require(
            int(per_class.astype(np.int64).sum()) == count,
            "has a support vector machine whose vectors do not add up",
        )
    pairs = classes * (classes - 1) // 2 if classifies else 1
    for name in ("_intercept_", "intercept_"):
        an_array(need(model, name), "intercepts", (pairs,), dtype="<f8")
    for name in ("_probA", "_probB"):
        found = an_array(need(model, name), "parameters of probabilities", (None,), dtype="<f8")
        require(len(found) in (0, pairs), "has a support vector machine with probabilities for other classes")
    rows = an_int(need(model, "shape_fit_")[0], "a number of rows", 0)
    require(
        int(need(model, "shape_fit_")[1]) == width or callable(model.kernel),
        "has a support vector machine for another number of columns",
    )
    for name in ("_dual_coef_", "dual_coef_"):
        require(
            getattr(need(model, name), "shape", None) == (classes - 1 if classifies else 1, count),
            "has coefficients for other support vectors",
        )
    _check_vectors(model, count, width, rows, support)


def _check_vectors(model: Any, count: int, width: int, rows: int, support: Any) -> None:
    vectors = need(model, "support_vectors_")
    precomputed = callable(model.kernel) or model.kernel == "precomputed"
    wide = 0 if precomputed else width
    shape = getattr(vectors, "shape", None)
    require(
        shape == (count, width) or (precomputed and shape in ((0, 0), (count, wide), (count, rows))),
        "has support vectors of another shape",
    )
    require(bool(((support >= 0) & (support < max(rows, 1))).all()), "has a support vector that is no row")
    sparse = need(model, "_sparse")
    require(
        isinstance(sparse, bool) and sparse == hasattr(vectors, "indptr"),
        "has support vectors of another form than it says",
    )
    if not sparse:
        an_array(need(model, "_dual_coef_"), "coefficients", (None, count), dtype="<f8")
        an_array(vectors, "support vectors", (None, None), dtype="<f8")


CHECKS = {"sklearn.svm._base:BaseLibSVM": _check_svm}
