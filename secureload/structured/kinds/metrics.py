"""Distance metrics in C. Their parameters are read for as many columns as the data has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from secureload.structured.kinds.expect import an_array, require

__all__ = ["KINDS", "check_width"]

_NAMES = (
    "Euclidean", "SEuclidean", "Manhattan", "Chebyshev", "Minkowski", "Mahalanobis", "Hamming", "Canberra",
    "BrayCurtis", "Jaccard", "Dice", "RussellRao", "RogersTanimoto", "SokalMichener", "SokalSneath", "Haversine",
)  # fmt: skip


def _take_apart(metric: Any) -> Mapping[str, Any]:
    p, vec, mat = metric.__getstate__()
    return {"p": float(p), "vec": vec, "mat": mat}


def _put_together(kind: Any, p: Any, vec: Any, mat: Any) -> Any:
    require(type(p) is float and p > 0, "has a distance whose power is no positive number")
    an_array(vec, "a distance's weights", (None,), dtype="<f8")
    an_array(mat, "a distance's matrix", (None, None), dtype="<f8")
    require(
        mat.shape[0] == mat.shape[1] and mat.flags.c_contiguous, "has a distance whose matrix is not square"
    )
    metric = kind.__new__(kind)
    metric.__setstate__((p, vec, mat))
    return metric


def check_width(metric: Any, width: int) -> None:
    """Require that the metric's parameters are those of data with ``width`` columns."""
    name = type(metric).__name__
    _, vec, mat = metric.__getstate__()
    if name.startswith("SEuclidean"):
        require(len(vec) == width, "has a distance with weights for another number of columns")
    elif name.startswith("Minkowski"):
        require(len(vec) in (0, width), "has a distance with weights for another number of columns")
    elif name.startswith("Mahalanobis"):
        require(mat.shape == (width, width), "has a distance with a matrix for another number of columns")
    elif name.startswith("Haversine"):
        require(width == 2, "has a distance on the sphere for data that has not two columns")


KINDS = {
    f"sklearn.metrics._dist_metrics:{name}Distance{bits}": (_take_apart, _put_together)
    for name in _NAMES
    for bits in ("64", "32")
}
