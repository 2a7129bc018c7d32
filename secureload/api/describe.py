"""``describe()``: the metadata of a fitted estimator and its data, in one call."""

from __future__ import annotations

import hashlib
import importlib.metadata
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from secureload.api.golden_rows import inputs_of, output_of, rows_of
from secureload.errors import UsageError
from secureload.printable import printable
from secureload.signing.instants import encode_instant
from secureload.signing.predicates.golden import Golden, Output
from secureload.signing.predicates.metadata import MOST_FEATURES, Feature, Metadata, TrainingData

__all__ = ["data_digest", "describe"]

_DISTRIBUTIONS = {"sklearn": "scikit-learn", "imblearn": "imbalanced-learn"}
_ALWAYS = ("numpy", "scikit-learn", "scipy", "joblib")
_METHODS = ("predict", "predict_proba", "decision_function", "transform", "score_samples")
# Asked only where the model answers none of the methods behind it.
_OTHERWISE = {
    "decision_function": {"predict_proba"},
    "transform": {"predict"},
    "score_samples": {"predict", "transform"},
}
_CLASSIFICATION = {"accuracy": "accuracy", "f1_macro": "f1_macro"}
_REGRESSION = {"r2": "r2", "mae": "neg_mean_absolute_error"}
_DEPTH = 8


def describe(
    model: Any,
    X: Any,  # noqa: N803  # as scikit-learn calls it
    y: Any = None,
    *,
    cv: int | None = 5,
    golden: int = 5,
    tolerance: float = 0.0,
    trained: datetime | None = None,
    metrics: Mapping[str, float] | None = None,
    lineage: Mapping[str, str] | None = None,
    **extra: object,
) -> Metadata:
    """Return the metadata of a fitted ``model`` that was trained on ``X`` (rows by columns) and ``y``.

    It has the columns with their dtypes, the date (now, or ``trained``), the metrics of a cross-validation of ``cv``
    folds (accuracy and F1 for a classifier, R² and mean absolute error for a regressor; None for none) beside the
    ``metrics`` that are passed, library versions, a SHA-256 of the training data (:func:`data_digest`), and ``golden``
    rows of ``X`` with their exact outputs, which ``safe_load(…, self_test=True)`` replays. ``tolerance`` is the largest
    relative difference that the replay takes for equal; 0 is to the bit. ``extra`` are free fields.

    Raises :class:`UsageError` for a model that is not fitted, and for data that it cannot be asked about.
    """
    rows = _row_count(_known(X))
    measured = {} if cv is None or y is None else _cross_validated(model, X, y, cv)
    given = {name: float(number) for name, number in (metrics or {}).items()}
    return Metadata(
        estimator=f"{type(model).__module__}.{type(model).__qualname__}",
        features=_features(X),
        trained=encode_instant(trained if trained is not None else datetime.now(UTC)),
        metrics={**measured, **given},
        libraries=_libraries(model),
        training_data=TrainingData(data_digest(X, y), rows),
        golden=_golden(model, X, min(golden, rows), tolerance) if golden > 0 else None,
        lineage=dict(lineage or {}),
        extra=dict(extra),
    )


def data_digest(X: Any, y: Any = None) -> bytes:  # noqa: N803
    """Return the SHA-256 (32 bytes) of training data.

    Of each array (of a data frame: of each column behind its name) dtype, shape and its bytes in C order are hashed,
    each with its length before it; of objects the ``repr`` of each. ``y`` comes last.
    """
    digest = hashlib.sha256()
    columns = getattr(X, "columns", None)
    if columns is not None:
        for position, name in enumerate(columns):
            _update(digest, str(name).encode())
            _update_array(digest, X.iloc[:, position])
    elif hasattr(X, "tocsr"):
        matrix = X.tocsr()
        for part in (matrix.indptr, matrix.indices, matrix.data):
            _update_array(digest, part)
    else:
        _update_array(digest, X)
    if y is not None:
        _update_array(digest, y)
    return digest.digest()


def _update_array(digest: Any, data: Any) -> None:
    import numpy as np

    try:
        array = np.asarray(data)
    except ValueError as error:  # rows of different lengths
        raise UsageError(
            f"the training data cannot be made an array: {printable(error, 160)}",
            hint="Pass what the model was fitted on.",
        ) from error
    _update(digest, f"{array.dtype.str} {array.shape}".encode())
    if array.dtype.hasobject:
        for item in array.flat:
            _update(digest, repr(item).encode("utf-8", "surrogatepass"))
    else:
        _update(digest, np.ascontiguousarray(array).tobytes())


def _update(digest: Any, data: bytes) -> None:
    digest.update(len(data).to_bytes(8, "big"))
    digest.update(data)


def _known(data: Any) -> Any:
    """Return the training data, where it has a form that is known here."""
    if hasattr(data, "columns") and not hasattr(data, "iloc"):
        raise UsageError(
            f"X is {printable(type(data).__module__.partition('.')[0], 40)}'s {printable(type(data).__name__, 40)}, "
            "and describe() takes arrays, lists, sparse matrices and data frames of pandas",
            hint="Pass X.to_pandas().",
        )
    return data


def _row_count(data: Any) -> int:
    shape = getattr(data, "shape", None)
    try:
        return int(shape[0]) if shape else len(data)
    except TypeError:
        raise UsageError(
            f"X is {printable(type(data).__name__, 60)}, which has no rows", hint="Pass the training data."
        ) from None


def _features(data: Any) -> tuple[Feature, ...]:
    columns = getattr(data, "columns", None)
    if columns is not None:
        return tuple(Feature(str(name), str(dtype)) for name, dtype in zip(columns, data.dtypes, strict=True))
    shape = getattr(data, "shape", None)
    if not shape or len(shape) != 2 or shape[1] > MOST_FEATURES:
        return ()
    return tuple(Feature(f"x{position}", str(data.dtype)) for position in range(shape[1]))


def _cross_validated(model: Any, X: Any, y: Any, cv: int) -> dict[str, float]:  # noqa: N803
    from sklearn.base import clone, is_classifier, is_regressor
    from sklearn.model_selection import cross_validate

    scoring = _CLASSIFICATION if is_classifier(model) else _REGRESSION if is_regressor(model) else None
    if scoring is None:
        return {}
    try:
        scores = cross_validate(clone(model), X, y, cv=cv, scoring=scoring, error_score="raise")
    except Exception as error:  # whatever the estimator raises about the data that it was given
        raise UsageError(
            f"the cross-validation failed: {printable(error, 200)}",
            hint="describe(…, cv=None) leaves it out.",
        ) from error
    found: dict[str, float] = {"cv_folds": float(cv)}
    for name in scoring:
        values = scores[f"test_{name}"]
        found[f"cv_{name}"] = float(abs(values.mean()) if name == "mae" else values.mean())
        found[f"cv_{name}_std"] = float(values.std())
    return found


def _libraries(model: Any) -> dict[str, str]:
    packages = _packages(model, set(), _DEPTH)
    names = [*_ALWAYS, *(_DISTRIBUTIONS.get(package, package) for package in sorted(packages))]
    found = {"python": platform.python_version()}
    for name in dict.fromkeys(names):
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _packages(model: Any, seen: set[int], depth: int) -> set[str]:
    """Return the packages of an estimator and of those in it."""
    if id(model) in seen or depth == 0:
        return set()
    seen.add(id(model))
    found = {type(model).__module__.partition(".")[0]} - {"builtins", "numpy"}
    inner = model if isinstance(model, list | tuple) else []
    if hasattr(model, "get_params") and not isinstance(model, type):
        inner = list(model.get_params(deep=False).values())
    for item in inner:
        if hasattr(item, "get_params") or isinstance(item, list | tuple):
            found |= _packages(item, seen, depth - 1)
    return found - {"builtins"}


def _golden(model: Any, X: Any, count: int, tolerance: float) -> Golden | None:  # noqa: N803
    """Return rows from all over the data, with what the model says to them, None for a model that answers nothing.

    The model is asked about the rows as they will be made again from what is signed.
    """
    total = _row_count(X)
    inputs = inputs_of(_rows_at(X, [position * total // count for position in range(count)]))
    rows = rows_of(Golden(**inputs, outputs={}))
    outputs: dict[str, Output] = {}
    for method in _METHODS:
        if hasattr(model, method) and not _OTHERWISE.get(method, set()) & outputs.keys():
            try:
                answer = getattr(model, method)(rows)
            except Exception as error:  # not fitted, or other columns: whatever the estimator says
                raise UsageError(
                    f"{method}() of the model fails on its own training data: {printable(error, 200)}",
                    hint="Fit it first, and pass the data that it was fitted on.",
                ) from error
            outputs[method] = output_of(answer, f"the output of {method}()")
    return Golden(**inputs, outputs=outputs, tolerance=tolerance) if outputs else None


def _rows_at(data: Any, places: list[int]) -> Any:
    """Return these rows of the data, in its own form."""
    if hasattr(data, "tocsr"):
        rows = data.tocsr()[places]
        return rows.asformat("csc") if getattr(data, "format", "") == "csc" else rows
    if hasattr(data, "iloc"):
        return data.iloc[places].reset_index(drop=True)
    return [data[place] for place in places] if isinstance(data, list | tuple) else data[places]
