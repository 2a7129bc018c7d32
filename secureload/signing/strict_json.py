"""JSON with one reading: what two parsers could understand differently is refused.

RFC 8259 leaves duplicate keys, numbers beyond a double, lone surrogates and nesting to the parser; I-JSON
(RFC 7493) names them. A signed text with two readings lets a signature cover what its reader never saw.
"""

from __future__ import annotations

import json
import math
from typing import NoReturn

from secureload.errors import SignatureFormatError
from secureload.json_values import (
    is_nested_deeper,
    is_unicode_text,
    kind_of,
    repeated_keys,
    walk_values,
)
from secureload.limits import DEFAULT_LIMITS, Limits
from secureload.printable import printable

__all__ = [
    "encode_json",
    "parse_json",
    "take_list",
    "take_object",
    "take_size",
    "take_string",
]

# Integers beyond this are not exact in a double (RFC 7493, section 2.2); sizes in bytes stay below it.
_LARGEST_INTEGER = (1 << 53) - 1


def parse_json(
    data: bytes, *, where: str, limits: Limits = DEFAULT_LIMITS, most_items: int | None = None
) -> object:
    """Parse UTF-8 JSON text and return its value; ``where`` stands at the beginning of each message.

    There may be ``most_items`` values in it, by default ``limits.json_items``: a text of tiny ones takes thirty times
    its size. They are counted before anything is made of them.

    Raises :class:`SignatureFormatError` for text that is not UTF-8 or not JSON, data after the value,
    duplicate keys at any level, NaN and infinities, integers beyond 2**53 - 1, lone surrogates, and nesting
    beyond ``limits.json_depth``.
    """
    _check_count(data, where, limits, most_items)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _refused(where, f"is not UTF-8 text (byte {error.start:,})") from None
    try:
        value = json.loads(
            text,
            object_pairs_hook=lambda pairs: _unique(pairs, where),
            parse_int=lambda digits: _integer(digits, where),
            parse_float=lambda digits: _number(digits, where),
            parse_constant=lambda name: _constant(name, where),
        )
    except json.JSONDecodeError as error:
        reason = "data after its end" if error.msg == "Extra data" else error.msg.lower()
        raise _refused(where, f"is not JSON: {reason} (character {error.pos:,})") from None
    except RecursionError:
        raise _too_deep(where, limits) from None
    _check_depth_and_text(value, where, limits)
    return value


def encode_json(value: object) -> bytes:
    """Encode ``value`` as canonical JSON: sorted keys, no white space, UTF-8, no floats.

    Raises :class:`TypeError` or :class:`ValueError` for values that JSON cannot hold: that is the program's
    own mistake, never the input's.
    """
    for item in walk_values(value):
        if isinstance(item, float):
            raise TypeError("canonical JSON here has no floats")
    return json.dumps(
        value, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":")
    ).encode("utf-8")


def take_object(
    value: object, where: str, required: tuple[str, ...], optional: tuple[str, ...] = ()
) -> dict[str, object]:
    """Return ``value`` as an object with all ``required`` keys and no others but ``optional`` ones."""
    if not isinstance(value, dict):
        raise _refused(where, f"is {kind_of(value)}, not an object")
    for key in required:
        if key not in value:
            raise _refused(where, f"has no {key!r}", field=key)
    for key in value:
        if key not in required and key not in optional:
            raise _refused(where, f"has an unknown field {printable(key, 60)!r}", field=key)
    return value


def take_list(value: object, where: str) -> list[object]:
    """Return ``value`` as a list."""
    if not isinstance(value, list):
        raise _refused(where, f"is {kind_of(value)}, not a list")
    return value


def take_string(value: object, where: str) -> str:
    """Return ``value`` as a string."""
    if not isinstance(value, str):
        raise _refused(where, f"is {kind_of(value)}, not a string")
    return value


def take_size(value: object, where: str) -> int:
    """Return ``value`` as a number of bytes: an integer from 0 to 2**53 - 1."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise _refused(where, f"is {kind_of(value)}, not an integer")
    if value < 0:
        raise _refused(where, "is negative")
    return value


def _check_count(data: bytes, where: str, limits: Limits, most: int | None) -> None:
    """Refuse a text with more commas and brackets than ``most`` values could have; those in texts count too."""
    name, most = ("json_items", limits.json_items) if most is None else ("bundle_items", most)
    if len(data) <= most:
        return
    count = sum(data.count(mark) for mark in (b",", b"[", b"{"))
    if count > most:
        raise _refused(
            where, f"has more than {most:,} values in its JSON", limit=name, allowed=most, seen=count
        )


def _unique(pairs: list[tuple[str, object]], where: str) -> dict[str, object]:
    for key in repeated_keys(pairs):
        raise _refused(where, f"has the key {printable(key, 60)!r} twice", field=key)
    return dict(pairs)


def _integer(digits: str, where: str) -> int:
    # The length comes first: converting a million digits takes seconds, and Python refuses above 4,300.
    if len(digits) > 17 or abs(int(digits)) > _LARGEST_INTEGER:
        raise _refused(where, f"holds an integer beyond 2**53 - 1: {printable(digits, 24)}")
    return int(digits)


def _number(digits: str, where: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise _refused(where, f"holds a number beyond the range of a double: {printable(digits, 24)}")
    return value


def _constant(name: str, where: str) -> NoReturn:
    raise _refused(where, f"holds {name}, which is not JSON")


def _check_depth_and_text(value: object, where: str, limits: Limits) -> None:
    if is_nested_deeper(value, limits.json_depth):
        raise _too_deep(where, limits)
    if any(isinstance(item, str) and not is_unicode_text(item) for item in walk_values(value)):
        raise _refused(where, "holds a lone surrogate, which is no character")


def _too_deep(where: str, limits: Limits) -> SignatureFormatError:
    return _refused(where, f"is nested deeper than {limits.json_depth} levels", limit="json_depth")


def _refused(where: str, what: str, **fields: object) -> SignatureFormatError:
    return SignatureFormatError(
        f"{where} {what}",
        hint="Ask the sender for the signature file again, or for a new signature.",
        **fields,
    )
