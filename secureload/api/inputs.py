"""The columns that a model expects, as its signed metadata says: what does not fit is refused before it is sent.

An array of the right width in the wrong order predicts, wrongly and silently; a data frame says its names.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from secureload.errors import UsageError
from secureload.printable import printable
from secureload.signing.predicates.metadata import Feature

__all__ = ["InputGuard", "are_generated", "input_guard"]

InputGuard = Callable[[str | None, tuple[Any, ...], dict[str, Any]], None]
_METHODS = frozenset(
    {
        "apply",
        "decision_function",
        "kneighbors",
        "predict",
        "predict_log_proba",
        "predict_proba",
        "score",
        "score_samples",
        "transform",
    }
)
_MOST_NAMES = 5
_NUMERIC = ("bool", "float", "int", "uint")


def are_generated(names: Sequence[str]) -> bool:
    """Whether these are the names x0, x1, … that scikit-learn gives to the columns of an array."""
    return all(name == f"x{position}" for position, name in enumerate(names))


def input_guard(features: Sequence[Feature]) -> InputGuard:
    """Return what looks at the arguments of each call. It raises :class:`UsageError` where they do not fit."""
    expected = [feature.name for feature in features]
    is_named = not are_generated(expected)

    def guard(method: str | None, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if method not in _METHODS:
            return
        rows = args[0] if args else kwargs.get("X")
        columns = getattr(rows, "column_names", None)  # a table of Arrow, whose columns are its data
        columns = getattr(rows, "columns", None) if columns is None else columns
        if columns is not None and is_named:
            _check_names(method, expected, [str(name) for name in columns])
            _check_dtypes(method, features, rows)
            return
        width = _width(rows)
        if width is not None and width != len(expected):
            raise UsageError(
                f"{method}() was given {width:,} columns; the model was trained on {len(expected):,}",
                hint=f"Its columns are {_listed(expected)}.",
                expected=tuple(expected),
            )

    return guard


def _check_names(method: str, expected: list[str], given: list[str]) -> None:
    if given == expected:
        return
    missing = [name for name in expected if name not in set(given)]
    unknown = [name for name in given if name not in set(expected)]
    repeated = (
        sorted({name for name in given if given.count(name) > 1}) if len(set(given)) < len(given) else []
    )
    parts = [
        f"{word}: {_listed(names)}"
        for word, names in (("missing", missing), ("not known", unknown), ("twice", repeated))
        if names
    ]
    if parts:
        raise UsageError(
            f"{method}() was given other columns than the model was trained on: {'; '.join(parts)}",
            hint=f"Pass these columns, in this order: {_listed(expected)}.",
            expected=tuple(expected),
            missing=tuple(missing),
            unknown=tuple(unknown),
        )
    order = ", ".join(repr(printable(name, 60)) for name in expected[:_MOST_NAMES])
    first = next(place for place, name in enumerate(expected) if given[place] != name)
    raise UsageError(
        f"{method}() was given the right columns in another order: column {first + 1:,} is "
        f"{printable(given[first], 60)!r}, and the model was trained with {printable(expected[first], 60)!r} there",
        hint=f"Pass X[[{order}{', …' if len(expected) > _MOST_NAMES else ''}]].",
        expected=tuple(expected),
    )


def _check_dtypes(method: str, features: Sequence[Feature], rows: Any) -> None:
    dtypes = [str(dtype) for dtype in getattr(rows, "dtypes", ())]
    if len(dtypes) != len(features):
        return
    for feature, given in zip(features, dtypes, strict=True):
        if feature.dtype.startswith(_NUMERIC) and given.startswith(("object", "str", "string")):
            raise UsageError(
                f"{method}(): the column {printable(feature.name, 60)!r} holds {given}; the model was trained on "
                f"{printable(feature.dtype, 40)}",
                hint="Convert the column to numbers.",
            )


def _width(rows: Any) -> int | None:
    shape = getattr(rows, "shape", None)
    if isinstance(shape, tuple) and len(shape) == 2 and isinstance(shape[1], int):
        return shape[1]
    if isinstance(rows, list) and rows and isinstance(rows[0], list | tuple):
        return len(rows[0])
    return None


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(printable(name, 60) for name in names[:_MOST_NAMES])
    return shown + (f" and {len(names) - _MOST_NAMES:,} more" if len(names) > _MOST_NAMES else "")
