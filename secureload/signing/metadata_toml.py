"""Metadata as a person writes it: TOML with the fields of the predicate, its numbers and times as TOML has them.

trained = 2026-03-01T12:00:00Z
features = [{ name = "age", dtype = "float64" }, { name = "income", dtype = "float64" }]
[metrics]
cv_accuracy = 0.97
[libraries]
scikit-learn = "1.9.0"
[extra]
owner = "credit risk"
"""

from __future__ import annotations

from datetime import UTC, date, datetime

from secureload.errors import SignatureFormatError, UsageError
from secureload.limits import DEFAULT_LIMITS, Limits
from secureload.signing.instants import encode_instant
from secureload.signing.predicates import metadata
from secureload.signing.predicates.fields import decimal_text
from secureload.signing.predicates.metadata import Metadata
from secureload.signing.strict_toml import parse_toml

__all__ = ["metadata_of_fields", "parse_metadata_toml"]


def parse_metadata_toml(
    text: str | bytes, limits: Limits = DEFAULT_LIMITS, *, where: str = "the metadata file"
) -> Metadata:
    """Parse a metadata file. Raises :class:`UsageError` for unknown fields and for values that do not fit."""
    table = parse_toml(text, where=where, most_bytes=limits.metadata_bytes, limit="metadata_bytes")
    return metadata_of_fields(table, where=where)


def metadata_of_fields(fields: object, *, where: str = "the metadata") -> Metadata:
    """Return the metadata that a dictionary of plain values holds. Raises :class:`UsageError`."""
    if not isinstance(fields, dict):
        raise UsageError(f"{where} is not a dictionary of its fields")
    try:
        plain = {name: _plain(part, in_extra=name == "extra") for name, part in fields.items()}
        metrics = plain.get("metrics")
        if isinstance(metrics, dict):
            plain["metrics"] = {name: _number(item) for name, item in metrics.items()}
        return metadata.parse(plain)
    except (OverflowError, RecursionError, ValueError) as error:
        raise UsageError(f"{where} holds a value that cannot be signed: {error}") from None
    except SignatureFormatError as error:
        raise UsageError(
            f"{where}: {error.message}",
            hint="docs/signing.md lists the fields of the metadata.",
            **error.fields,
        ) from None


def _plain(value: object, *, in_extra: bool) -> object:
    """Return ``value`` as the predicate spells it: numbers and times are texts, but free integers stay."""
    if isinstance(value, dict):
        if isinstance(value.get("items"), list) and str(value.get("dtype", "")).startswith("float"):
            value = {**value, "items": [_number(item) for item in value["items"]]}
        elif isinstance(value.get("items"), list) and "shape" in value:
            value = {**value, "items": [str(item) if type(item) is int else item for item in value["items"]]}
        return {
            name: item if name in ("rows", "shape") else _plain(item, in_extra=in_extra)
            for name, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [_plain(item, in_extra=in_extra) for item in value]
    if isinstance(value, bool):
        return value if in_extra else str(value).lower()
    if isinstance(value, datetime):
        return encode_instant(value if value.tzinfo is not None else value.replace(tzinfo=UTC))
    if isinstance(value, date):
        return encode_instant(datetime(value.year, value.month, value.day, tzinfo=UTC))
    if isinstance(value, float):
        return decimal_text(value)
    return value


def _number(item: object) -> object:
    """Return a number as the text of a double; what is no number stays, for the schema to refuse."""
    if isinstance(item, int | float) and not isinstance(item, bool):
        return decimal_text(item)
    return item
