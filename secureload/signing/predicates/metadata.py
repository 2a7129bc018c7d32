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
from secureload.signing.predicates.golden import Golden, encode_golden, parse_golden
from secureload.signing.strict_json import take_list, take_object, take_size
from secureload.values import dataclass, field

__all__ = [
    "MOST_FEATURES",
    "ROLE",
    "TYPE",
    "Feature",
    "Golden",
    "Metadata",
    "TrainingData",
    "encode",
    "parse",
]

TYPE = f"{HOME}/metadata/v1"
ROLE = "signer"
_WHERE = "the metadata"
_Part = TypeVar("_Part")
MOST_FEATURES = 200_000
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
        "golden": {} if golden is None else encode_golden(golden),
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
        golden=_optional(fields, "golden", parse_golden, None),
        lineage=_optional(fields, "lineage", take_texts, {}),
        extra=_optional(fields, "extra", take_free, {}),
    )


def _optional(
    fields: Mapping[str, object], name: str, read: Callable[[object, str], _Part], default: _Part
) -> _Part:
    return read(fields[name], f"{_WHERE}: {name}") if name in fields else default


def _features(value: object, where: str) -> tuple[Feature, ...]:
    found = take_list(value, where)
    if not 1 <= len(found) <= MOST_FEATURES:
        raise refused(f"{where} has {len(found):,} columns instead of 1 to {MOST_FEATURES:,}")
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
