"""Golden rows: arrays as signed values and back, and the replay that compares to the bit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from secureload.errors import SecureloadError, SelfTestError, UsageError
from secureload.printable import printable
from secureload.signing.predicates.metadata import Golden
from secureload.signing.predicates.values import DTYPES, Values

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["array_of", "replay", "rows_of", "values_of"]


def values_of(array: Any, what: str) -> Values:
    """Return an array of one or two dimensions as values that can be signed.

    Raises :class:`UsageError` for other dtypes than booleans, integers, floats of up to 64 bits, and texts.
    """
    import numpy as np

    data = np.asarray(array)
    dtype = str(data.dtype)
    if data.dtype.kind == "U" or (data.dtype.kind == "O" and all(type(item) is str for item in data.flat)):
        dtype = "str"
    if dtype not in DTYPES or not 1 <= data.ndim <= 2:
        raise UsageError(
            f"{what} of dtype {printable(data.dtype, 40)} and {data.ndim} dimensions cannot be kept as golden rows",
            hint="describe(…, golden=0) leaves them out.",
        )
    return Values(dtype, tuple(int(size) for size in data.shape), tuple(data.ravel(order="C").tolist()))


def array_of(values: Values) -> NDArray[np.generic]:
    """Return the values as the array that they were."""
    import numpy as np

    dtype: Any = object if values.dtype == "str" else values.dtype
    return np.array(values.items, dtype=dtype).reshape(values.shape)


def rows_of(golden: Golden) -> Any:
    """Return the inputs: an array, or a data frame where the columns have names."""
    if golden.columns[0][0] == "":
        return array_of(golden.columns[0][1])
    try:
        import pandas as pd
    except ImportError:
        raise UsageError(
            "the golden rows are a data frame, and pandas is not installed",
            hint="pip install secureload[pandas]",
        ) from None
    return pd.DataFrame({name: array_of(values) for name, values in golden.columns})


def replay(model: Any, golden: Golden, rows: Any) -> None:
    """Let the model answer the golden rows (:func:`rows_of`), all in one batch as they were.

    Raises :class:`SelfTestError` where an answer differs, is missing, or has another form.
    """
    for method, expected in golden.outputs.items():
        try:
            answer = getattr(model, method)(rows)
        except SecureloadError:
            raise
        except Exception as error:  # whatever the model raises is an answer that differs
            raise _differs(method, f"it raised {type(error).__name__}: {printable(error, 200)}") from error
        _compare(method, array_of(expected), answer, golden.tolerance)


def _compare(method: str, expected: NDArray[Any], answer: Any, tolerance: float) -> None:
    import numpy as np

    if isinstance(answer, Mapping) or not hasattr(answer, "shape"):
        raise _differs(method, f"it answered with {printable(type(answer).__name__, 60)}")
    found = np.asarray(answer)
    if found.shape != expected.shape:
        raise _differs(method, f"it has the shape {found.shape} instead of {expected.shape}")
    if expected.dtype == object:
        wrong = np.array(
            [str(one) != str(other) for one, other in zip(found.flat, expected.flat, strict=True)]
        )
    elif found.dtype != expected.dtype:
        raise _differs(method, f"it has the dtype {found.dtype} instead of {expected.dtype}")
    elif found.dtype.kind == "f":
        with np.errstate(all="ignore"):
            near = np.abs(found - expected) <= tolerance * np.maximum(1.0, np.abs(expected))
        same = (found == expected) | (np.isnan(found) & np.isnan(expected))
        wrong = ~(same | (near if tolerance else same)).ravel()
    else:
        wrong = (found != expected).ravel()
    if wrong.any():
        place = int(np.flatnonzero(wrong)[0])
        row = place // max(1, expected.size // expected.shape[0])
        raise _differs(
            method,
            f"{int(wrong.sum()):,} of {expected.size:,} values differ, the first in row {row + 1:,}: "
            f"{printable(found.flat[place], 40)} instead of {printable(expected.flat[place], 40)}",
        )


def _differs(method: str, what: str) -> SelfTestError:
    return SelfTestError(
        f"{method}() does not answer the signed golden rows as it should: {what}",
        hint="Do not use it: ask its sender, and compare the library versions with 'secureload show'.",
        method=method,
    )
