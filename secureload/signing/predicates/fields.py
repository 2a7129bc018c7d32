"""The fields that predicates are made of, read strictly: one spelling of each value, everything bounded."""

from __future__ import annotations

import math
import re

from secureload.errors import SignatureFormatError
from secureload.json_values import is_nested_deeper, walk_values
from secureload.printable import printable
from secureload.signing.instants import parse_instant
from secureload.signing.strict_json import take_object, take_string

__all__ = [
    "HOME",
    "decimal_text",
    "refused",
    "take_decimal",
    "take_digest",
    "take_free",
    "take_label",
    "take_texts",
    "take_time",
]

# The in-toto attestation framework names predicates by URI; those of our own stand below the project's home.
HOME = "https://github.com/secureload/secureload/attestation"
_HEX_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)
_FREE_DEPTH = 8
_FREE_ITEMS = 10_000


def take_label(value: object, where: str, most: int = 500, *, lines: bool = False) -> str:
    """Return a printable text of 1 to ``most`` characters; ``lines`` lets it have several lines."""
    text = take_string(value, where)
    shown = text.replace("\n", " ") if lines else text
    if not shown.strip() or len(text) > most or not shown.isprintable():
        raise refused(f"{where} is not a text of 1 to {most} printable characters: {printable(text, 60)!r}")
    return text


def take_time(value: object, where: str) -> str:
    """Return an instant in its one spelling, as text."""
    text = take_string(value, where)
    if parse_instant(text) is None:
        raise refused(f"{where} is not a time as 2026-03-01T12:00:00Z: {printable(text, 40)!r}")
    return text


def take_digest(value: object, where: str) -> bytes:
    """Return the bytes of ``{"sha256": "64 lower-case hexadecimal digits"}``."""
    text = take_string(take_object(value, where, ("sha256",))["sha256"], where)
    if _HEX_DIGEST.fullmatch(text) is None:
        raise refused(f"{where} is not 64 lower-case hexadecimal digits: {printable(text, 70)!r}")
    return bytes.fromhex(text)


def take_texts(value: object, where: str, most: int = 1_000) -> dict[str, str]:
    """Return an object of labels, each name and each value printable."""
    if not isinstance(value, dict) or len(value) > most:
        raise refused(f"{where} is not an object of at most {most:,} fields")
    return {
        take_label(name, where, 200): take_label(text, f"{where}: {name}") for name, text in value.items()
    }


def decimal_text(number: float) -> str:
    """Return the shortest text that reads as exactly this double; canonical JSON has no floats."""
    return repr(float(number))


def take_decimal(value: object, where: str) -> float:
    """Return the double that :func:`decimal_text` wrote; every double has one spelling, NaN has one too."""
    text = take_string(value, where)
    try:
        number = float(text)
    except ValueError:
        number = None
    if number is None or decimal_text(number) != text:
        raise refused(f"{where} is not a number in its shortest spelling: {printable(text, 40)!r}")
    return number


def take_free(value: object, where: str) -> dict[str, object]:
    """Return an object of free fields: texts, integers, true, false, null, lists and objects of these."""
    if not isinstance(value, dict) or is_nested_deeper(value, _FREE_DEPTH):
        raise refused(f"{where} is not an object, or is nested deeper than {_FREE_DEPTH} levels")
    for count, item in enumerate(walk_values(value)):
        if count > _FREE_ITEMS:
            raise refused(f"{where} has more than {_FREE_ITEMS:,} values")
        if isinstance(item, float) and not math.isfinite(item):
            raise refused(f"{where} holds a number that JSON has not got")
        if isinstance(item, float):
            raise refused(f"{where} holds the number {item}; write numbers with a fraction as texts")
    return value


def refused(message: str, **fields: object) -> SignatureFormatError:
    """Return the error about a predicate that breaks its schema."""
    return SignatureFormatError(
        message, hint="Ask for a new statement, made with 'secureload attest'.", **fields
    )
