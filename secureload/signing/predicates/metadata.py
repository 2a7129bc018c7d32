"""``metadata``: what the sender knows of the model, signed with it.

Feature names with dtypes, the training date, metrics, library versions, the hash of the training data, golden
rows (a few inputs with their exact outputs), and free fields. Every part is optional; unknown fields are refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from secureload.signing.predicates.fields import (
    HOME,
    decimal_text,
    refused,
    take_decimal,
    take_digest,
    take_free,
    take_label,
    take_texts,
    take_time,
)
from secureload.signing.predicates.values import Values, encode_values, parse_values
from secureload.signing.strict_json import take_list, take_object, take_size, take_string
from secureload.values import dataclass, field

__all__ = ["ROLE", "TYPE", "Feature", "Golden", "Metadata", "TrainingData", "encode", "parse"]

TYPE = f"{HOME}/metadata/v1"
ROLE = "signer"
_WHERE = "the metadata"
_Part = TypeVar("_Part")
_MOST_FEATURES = 200_000
_METHODS = ("predict", "predict_proba", "decision_function", "transform", "score_samples")
_FIELDS = (
    "estimator", "features", "trained", "metrics", "libraries", "training_data", "golden", "lineage", "extra"
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Feature:
    """One column of the inputs: its name and its dtype, in their order."""

    name: str
    dtype: str


@dataclass(frozen=True, slots=True)
class TrainingData:
    """What the model was trained on: a SHA-256 (32 bytes) and how many rows."""

    digest: bytes
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Golden:
    """Inputs with their exact outputs, to be replayed in the same batch.

    ``columns`` are the columns of a data frame with their names, or one array of two dimensions under the name
    "". ``outputs`` are by method. ``tolerance`` is the largest difference that counts as equal: 0 is to the bit.
    """

    columns: tuple[tuple[str, Values], ...]
    outputs: Mapping[str, Values]
    tolerance: float = 0.0

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return self.columns[0][1].shape[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """What is known; a part that is not is empty."""

    estimator: str = ""
    features: tuple[Feature, ...] = ()
    trained: str = ""  # an instant
    metrics: Mapping[str, float] = field(default_factory=dict)
    libraries: Mapping[str, str] = field(default_factory=dict)
    training_data: TrainingData | None = None
    golden: Golden | None = None
    lineage: Mapping[str, str] = field(default_factory=dict)
    extra: Mapping[str, object] = field(default_factory=dict)


def encode(metadata: Metadata) -> dict[str, object]:
    """Return the predicate as a value of JSON; empty parts are left out."""
    data, golden = metadata.training_data, metadata.golden
    parts: dict[str, object] = {
        "estimator": metadata.estimator,
        "features": [{"dtype": one.dtype, "name": one.name} for one in metadata.features],
        "trained": metadata.trained,
        "metrics": {name: decimal_text(number) for name, number in metadata.metrics.items()},
        "libraries": dict(metadata.libraries),
        "training_data": {} if data is None else {"rows": data.rows, "sha256": data.digest.hex()},
        "golden": {} if golden is None else _encode_golden(golden),
        "lineage": dict(metadata.lineage),
        "extra": dict(metadata.extra),
    }
    return {name: part for name, part in parts.items() if part}


def parse(value: object) -> Metadata:
    """Parse the predicate. Raises :class:`SignatureFormatError` for every field that breaks the schema."""
    fields = take_object(value, _WHERE, (), _FIELDS)
    if not fields:
        raise refused(f"{_WHERE} says nothing")
    return Metadata(
        estimator=_optional(fields, "estimator", lambda found, where: take_label(found, where, 300), ""),
        features=_optional(fields, "features", _features, ()),
        trained=_optional(fields, "trained", take_time, ""),
        metrics=_optional(fields, "metrics", _metrics, {}),
        libraries=_optional(fields, "libraries", take_texts, {}),
        training_data=_optional(fields, "training_data", _training_data, None),
        golden=_optional(fields, "golden", _golden, None),
        lineage=_optional(fields, "lineage", take_texts, {}),
        extra=_optional(fields, "extra", take_free, {}),
    )


def _optional(
    fields: Mapping[str, object], name: str, read: Callable[[object, str], _Part], default: _Part
) -> _Part:
    return read(fields[name], f"{_WHERE}: {name}") if name in fields else default


def _features(value: object, where: str) -> tuple[Feature, ...]:
    found = take_list(value, where)
    if not 1 <= len(found) <= _MOST_FEATURES:
        raise refused(f"{where} has {len(found):,} columns instead of 1 to {_MOST_FEATURES:,}")
    features = []
    for item in found:
        fields = take_object(item, where, ("name", "dtype"))
        features.append(Feature(take_label(fields["name"], where), take_label(fields["dtype"], where, 100)))
    if len({one.name for one in features}) != len(features):
        raise refused(f"{where} has a column twice")
    return tuple(features)


def _metrics(value: object, where: str) -> dict[str, float]:
    return {name: take_decimal(text, f"{where}: {name}") for name, text in take_texts(value, where).items()}


def _training_data(value: object, where: str) -> TrainingData:
    fields = take_object(value, where, ("sha256", "rows"))
    return TrainingData(take_digest({"sha256": fields["sha256"]}, where), take_size(fields["rows"], where))


def _encode_golden(golden: Golden) -> dict[str, object]:
    return {
        "columns": [{"name": name, "values": encode_values(values)} for name, values in golden.columns],
        "outputs": {method: encode_values(values) for method, values in golden.outputs.items()},
        **({"tolerance": decimal_text(golden.tolerance)} if golden.tolerance else {}),
    }


def _golden(value: object, where: str) -> Golden:
    fields = take_object(value, where, ("columns", "outputs"), ("tolerance",))
    columns = tuple(_column(item, f"{where}: column") for item in take_list(fields["columns"], where))
    if not 1 <= len(columns) <= _MOST_FEATURES:
        raise refused(f"{where} has no columns, or too many")
    rows = columns[0][1].shape[0]
    is_array = len(columns) == 1 and columns[0][0] == ""
    if any(
        values.shape[0] != rows or len(values.shape) != (2 if is_array else 1) or bool(name) == is_array
        for name, values in columns
    ):
        raise refused(
            f"{where}: columns have names and one dimension each, or there is one array without a name"
        )
    if len({name for name, _ in columns}) != len(columns):
        raise refused(f"{where} has a column twice")
    outputs = fields["outputs"]
    if not isinstance(outputs, dict) or not outputs or not set(outputs) <= set(_METHODS):
        raise refused(f"{where}: outputs are by method: {', '.join(_METHODS)}")
    parsed = {method: parse_values(values, f"{where}: {method}") for method, values in outputs.items()}
    if rows == 0 or any(values.shape[0] != rows for values in parsed.values()):
        raise refused(f"{where} has not one output for each row")
    tolerance = take_decimal(fields["tolerance"], where) if "tolerance" in fields else 0.0
    if not 0.0 <= tolerance <= 1.0:
        raise refused(f"{where} has a tolerance that is not from 0 to 1")
    return Golden(columns=columns, outputs=parsed, tolerance=tolerance)


def _column(value: object, where: str) -> tuple[str, Values]:
    fields = take_object(value, where, ("name", "values"))
    name = take_string(fields["name"], where)
    return (take_label(name, where) if name else ""), parse_values(fields["values"], where)
