"""TOML that a user wrote: bounded, and every failure is one :class:`UsageError` that names the file."""

from __future__ import annotations

import tomllib

from secureload.errors import UsageError
from secureload.printable import printable

__all__ = ["parse_toml"]

# tomllib's time for a dotted key grows with the square of its parts: 20,000 of them take seven seconds.
_DOTS_PER_LINE = 256


def parse_toml(
    text: str | bytes, *, where: str, most_bytes: int, limit: str, hint: str = "Correct the file."
) -> dict[str, object]:
    """Parse TOML text; ``where`` begins each message, ``limit`` is the name of the limit ``most_bytes``."""
    if len(text) > most_bytes:
        raise UsageError(f"{where} is larger than {most_bytes:,} bytes", hint=hint, limit=limit)
    try:
        decoded = text if isinstance(text, str) else text.decode("utf-8")
    except UnicodeDecodeError:
        raise UsageError(f"{where} is not UTF-8 text", hint=hint) from None
    if any(line.count(".") > _DOTS_PER_LINE for line in decoded.split("\n")):
        raise UsageError(f"{where} has a line with more than {_DOTS_PER_LINE} dots", hint=hint)
    try:
        return tomllib.loads(decoded)
    except RecursionError:
        raise UsageError(f"{where} is nested too deep", hint=hint) from None
    except (ValueError, OverflowError) as error:
        raise UsageError(f"{where} is not TOML: {printable(error, 120)}", hint=hint) from None
