"""Sparse matrices of scipy: every index is followed in C++."""

from __future__ import annotations

from typing import Any

from secureload.structured.checks.fields import need
from secureload.structured.container import forged
from secureload.structured.kinds.expect import an_array, an_int, require

__all__ = ["CHECKS"]

_MOST = (1 << 63) - 1


def _shape(matrix: Any) -> tuple[int, ...]:
    shape = need(matrix, "_shape")
    if not isinstance(shape, tuple) or not 1 <= len(shape) <= 2:
        raise forged("has a sparse matrix whose shape is none")
    return tuple(an_int(length, "a length of a sparse matrix", 0, _MOST) for length in shape)


def _check_compressed(matrix: Any) -> None:
    import numpy as np

    shape = _shape(matrix)
    rows, columns = (1, shape[0]) if len(shape) == 1 else shape if matrix.format == "csr" else shape[::-1]
    starts = an_array(need(matrix, "indptr"), "row starts of a sparse matrix", (rows + 1,), "i")
    indices = an_array(need(matrix, "indices"), "indices of a sparse matrix", (None,), "i")
    data = an_array(need(matrix, "data"), "values of a sparse matrix", (None,), "biufc")
    require(
        starts.dtype == indices.dtype and starts.dtype.itemsize >= 4,
        "has a sparse matrix with indices of two types",
    )
    require(
        int(starts[0]) == 0 and bool((np.diff(starts) >= 0).all()) and int(starts[-1]) <= len(indices),
        "has a sparse matrix whose rows do not follow each other",
    )
    require(len(indices) == len(data), "has a sparse matrix with another number of values than of indices")
    require(
        bool(((indices >= 0) & (indices < columns)).all()),
        "has a sparse matrix with an index outside its shape",
    )
    _check_flags(matrix, starts, indices)


def _check_flags(matrix: Any, starts: Any, indices: Any) -> None:
    """What the matrix says about its order has to be true: C++ code relies on it."""
    import numpy as np

    state = vars(matrix)
    if not (state.get("_has_sorted_indices") or state.get("_has_canonical_format")):
        return
    steps = np.diff(indices[: int(starts[-1])].astype(np.int64))
    inside = np.ones(len(steps), bool)
    ends = starts[1:-1]
    inside[ends[(ends > 0) & (ends <= len(steps))] - 1] = False
    least = 1 if state.get("_has_canonical_format") else 0
    require(bool((steps[inside] >= least).all()), "has a sparse matrix that is not in the order that it says")


def _check_coordinates(matrix: Any) -> None:
    shape = _shape(matrix)
    coordinates = (
        need(matrix, "coords") if "coords" in vars(matrix) else (need(matrix, "row"), need(matrix, "col"))
    )
    data = an_array(need(matrix, "data"), "values of a sparse matrix", (None,), "biufc")
    require(
        isinstance(coordinates, tuple) and len(coordinates) == len(shape),
        "has a sparse matrix whose coordinates are none",
    )
    for places, length in zip(coordinates, shape, strict=True):
        places = an_array(places, "coordinates of a sparse matrix", (len(data),), "i")
        require(
            bool(((places >= 0) & (places < length)).all()),
            "has a sparse matrix with an index outside its shape",
        )


def _check_diagonals(matrix: Any) -> None:
    import numpy as np

    _shape(matrix)
    offsets = an_array(need(matrix, "offsets"), "diagonals of a sparse matrix", (None,), "i")
    an_array(need(matrix, "data"), "values of a sparse matrix", (len(offsets), None), "biufc")
    require(len(np.unique(offsets)) == len(offsets), "has a sparse matrix with a diagonal twice")


CHECKS = {
    "scipy.sparse._compressed:_cs_matrix": _check_compressed,
    "scipy.sparse._coo:_coo_base": _check_coordinates,
    "scipy.sparse._dia:_dia_base": _check_diagonals,
}
