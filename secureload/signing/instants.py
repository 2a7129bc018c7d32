"""Instants in signed texts: RFC 3339 in UTC, to the second, in one spelling (``2026-03-01T12:00:00Z``)."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from secureload.errors import UsageError

__all__ = ["encode_instant", "parse_instant", "require_aware"]

_INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z", re.ASCII)


def encode_instant(moment: datetime) -> str:
    """Encode an aware time; fractions of a second are dropped. Raises :class:`UsageError` for a naive one."""
    return require_aware(moment).replace(microsecond=0, tzinfo=None).isoformat() + "Z"


def parse_instant(text: str) -> datetime | None:
    """Return the instant as an aware datetime in UTC, or None where ``text`` is not in the one spelling."""
    if _INSTANT.fullmatch(text) is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    # Some releases of Python read 24:00:00 as the next day.
    return moment if encode_instant(moment) == text else None


def require_aware(moment: datetime) -> datetime:
    """Return ``moment`` in UTC. Raises :class:`UsageError` without a zone, or outside of the calendar."""
    if moment.utcoffset() is None:
        raise UsageError(
            f"the time {moment.isoformat()} has no time zone", hint="Write it in UTC, with a 'Z' at its end."
        )
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise UsageError(f"the time {moment.isoformat()} is outside of the calendar") from None
