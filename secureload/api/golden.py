"""The self-test: a model answers its signed golden rows, and each answer is compared to the bit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from secureload.api.golden_rows import array_of, matrix_of
from secureload.errors import SecureloadError, SelfTestError
from secureload.printable import printable
from secureload.signing.predicates.golden import Golden, Output, Sparse

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["replay"]


def replay(model: Any, golden: Golden, rows: Any) -> None:
    """Let the model answer the golden rows (:func:`~secureload.api.golden_rows.rows_of`), in one batch as they were.

    Raises :class:`SelfTestError` where an answer differs, is missing, or has another form.
    """
    for method, expected in golden.outputs.items():
        try:
            answer = getattr(model, method)(rows)
        except SecureloadError:
            raise
        except Exception as error:  # whatever the model raises is an answer that differs
            raise _differs(method, f"it raised {type(error).__name__}: {printable(error, 200)}") from error
        _compare_output(method, expected, answer, golden.tolerance)


def _compare_output(method: str, expected: Output, answer: Any, tolerance: float) -> None:
    if isinstance(expected, tuple):
        if not isinstance(answer, list) or len(answer) != len(expected):
            raise _differs(method, f"it does not answer with a list of {len(expected):,} arrays")
        for part, found in zip(expected, answer, strict=True):
            _compare(method, array_of(part), found, tolerance)
    elif isinstance(expected, Sparse):
        _compare_sparse(method, expected, answer, tolerance)
    else:
        _compare(method, array_of(expected), answer, tolerance)


def _compare(method: str, expected: NDArray[Any], answer: Any, tolerance: float) -> None:
    import numpy as np

    if hasattr(answer, "tocsr") or not hasattr(answer, "shape"):
        raise _differs(method, f"it answered with {printable(type(answer).__name__, 60)}")
    found = np.asarray(answer)
    if found.shape != expected.shape:
        raise _differs(method, f"it has the shape {found.shape} instead of {expected.shape}")
    wrong = _wrong(method, expected, found, tolerance)
    if wrong.any():
        place = int(np.flatnonzero(wrong)[0])
        row = place // max(1, expected.size // expected.shape[0])
        raise _differs(
            method,
            f"{int(wrong.sum()):,} of {expected.size:,} values differ, the first in row {row + 1:,}: "
            f"{printable(found.flat[place], 40)} instead of {printable(expected.flat[place], 40)}",
        )


def _wrong(method: str, expected: NDArray[Any], found: NDArray[Any], tolerance: float) -> NDArray[Any]:
    """Return which values differ, flat."""
    import numpy as np

    if expected.dtype == object:
        same = [_is_same(one, other) for one, other in zip(found.flat, expected.flat, strict=True)]
        return ~np.array(same, dtype=bool)
    if found.dtype != expected.dtype:
        raise _differs(method, f"it has the dtype {found.dtype} instead of {expected.dtype}")
    if found.dtype.kind in "mM":
        found, expected = found.view("int64"), expected.view("int64")
    equal = found == expected
    if found.dtype.kind == "f":
        with np.errstate(all="ignore"):
            near = np.abs(found - expected) <= tolerance * np.maximum(1.0, np.abs(expected))
        equal |= np.isnan(found) & np.isnan(expected)
        equal = equal | near if tolerance else equal
    return np.asarray(~equal).ravel()


def _is_same(one: Any, other: Any) -> bool:
    """Compare two objects: texts of numpy are texts, and what is not equal to itself is missing in both."""
    if isinstance(one, str) or isinstance(other, str):
        return str(one) == str(other)
    return bool(one == other) or (one != one and other != other)  # NaN


def _compare_sparse(method: str, expected: Sparse, answer: Any, tolerance: float) -> None:
    if not hasattr(answer, "tocsr"):
        raise _differs(
            method, f"it answered with {printable(type(answer).__name__, 60)}, not a sparse matrix"
        )
    if tuple(answer.shape) != expected.shape:
        raise _differs(method, f"it has the shape {tuple(answer.shape)} instead of {expected.shape}")
    wanted, found = _canonical(matrix_of(expected)), _canonical(answer)
    places = [(matrix.indptr.tolist(), matrix.indices.tolist()) for matrix in (wanted, found)]
    if places[0] != places[1]:
        raise _differs(method, "other values of it are zero")
    if wanted.data.size:
        _compare(method, wanted.data, found.data, tolerance)


def _canonical(matrix: Any) -> Any:
    """Return the matrix by rows, each in the order of its columns, without zeros that are written down."""
    rows = matrix.tocsr(copy=True)
    rows.sum_duplicates()
    rows.eliminate_zeros()
    rows.sort_indices()
    return rows


def _differs(method: str, what: str) -> SelfTestError:
    return SelfTestError(
        f"{method}() does not answer the signed golden rows as it should: {what}",
        hint="Do not use it: ask its sender, and compare the library versions with 'secureload show'.",
        method=method,
    )
