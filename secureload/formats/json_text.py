"""JSON inside an artifact: read as Python's ``json`` reads it, under limits, with every repeated key reported.

A loader takes one of the values of a repeated key, and another parser the other one (RFC 8259, section 4,
leaves it open): who reads ``repeated`` can say so. NaN and infinities are kept, for models hold them.
"""

from __future__ import annotations

import json

from secureload.errors import LimitError, MalformedError
from secureload.json_values import is_nested_deeper, repeated_keys
from secureload.limits import DEFAULT_LIMITS, Limits
from secureload.values import dataclass

__all__ = ["JsonText", "parse_json_text"]

# As many as a reader would show.
_KEPT_KEYS = 100


@dataclass(frozen=True, slots=True)
class JsonText:
    """The value of a JSON text, where of repeated keys the last one counts, and those keys (100 at most)."""

    value: object
    repeated: tuple[str, ...] = ()


def parse_json_text(data: bytes, *, where: str, limits: Limits = DEFAULT_LIMITS) -> JsonText:
    """Parse ``data``, a JSON text in UTF-8; ``where`` ("the header") stands at the beginning of each message.

    Raises :class:`MalformedError` for text that is not UTF-8 or not JSON (a byte order mark and data after
    the value included), :class:`LimitError` for text beyond ``limits.json_text_bytes``, nesting beyond
    ``limits.json_text_depth``, integers beyond ``limits.json_number_chars`` digits, and more values than
    ``limits.json_text_items``, or arrays and objects than ``limits.json_collections_items``.
    """
    if len(data) > limits.json_text_bytes:
        raise _beyond(where, "json_text_bytes", limits.json_text_bytes, len(data))
    for limit, allowed, seen in (
        ("json_text_items", limits.json_text_items, data.count(b",")),
        ("json_collections_items", limits.json_collections_items, data.count(b"[") + data.count(b"{")),
    ):
        if seen > allowed:
            raise _beyond(where, limit, allowed, seen)
    repeated: list[str] = []

    def taken(pairs: list[tuple[str, object]]) -> dict[str, object]:
        found = dict(pairs)
        if len(found) != len(pairs) and len(repeated) < _KEPT_KEYS:
            repeated.extend(repeated_keys(pairs)[: _KEPT_KEYS - len(repeated)])
        return found

    def integer(digits: str) -> int:
        if len(digits) > limits.json_number_chars:
            raise _beyond(where, "json_number_chars", limits.json_number_chars, len(digits))
        return int(digits)

    try:
        value = json.loads(data.decode("utf-8"), object_pairs_hook=taken, parse_int=integer)
    except UnicodeDecodeError as error:
        raise _refused(where, "is not UTF-8 text", error.start) from None
    except json.JSONDecodeError as error:
        reason = "data after its end" if error.msg == "Extra data" else error.msg.lower()
        raise _refused(where, f"is not JSON: {reason} (character {error.pos:,})", -1) from None
    except RecursionError:
        raise _beyond(where, "json_text_depth", limits.json_text_depth, -1) from None
    if is_nested_deeper(value, limits.json_text_depth):
        raise _beyond(where, "json_text_depth", limits.json_text_depth, -1)
    return JsonText(value, tuple(repeated))


def _refused(where: str, what: str, offset: int) -> MalformedError:
    return MalformedError(
        f"{where} {what}", hint="get the file again from its sender", format="json", offset=offset
    )


def _beyond(where: str, limit: str, allowed: int, seen: int) -> LimitError:
    what = {
        "json_text_bytes": f"is longer than {allowed:,} bytes",
        "json_text_depth": f"is nested deeper than {allowed} levels",
        "json_text_items": f"holds more than {allowed:,} values",
        "json_collections_items": f"holds more than {allowed:,} arrays and objects",
        "json_number_chars": f"holds a number of more than {allowed:,} digits",
    }[limit]
    return LimitError(
        f"{where} {what} ({limit})", hint=f"raise the limit {limit}", limit=limit, allowed=allowed, seen=seen
    )
