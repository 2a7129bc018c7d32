"""Times on the command line: ``90d`` from now, a day, or an instant with its zone."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from secureload.errors import UsageError
from secureload.printable import printable

__all__ = ["parse_moment"]

_SPAN = re.compile(r"([0-9]{1,6})([hdw])", re.ASCII)
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


def parse_moment(text: str, option: str, now: datetime) -> datetime:
    """Return the aware datetime that ``text`` means; a span (h, d, w) counts from ``now``, a day begins in UTC.

    Raises :class:`UsageError`, which names ``option``, for anything else.
    """
    try:
        span = _SPAN.fullmatch(text)
        if span is not None:
            return now + int(span[1]) * _UNITS[span[2]]
        if _DAY.fullmatch(text) is not None:
            return datetime.fromisoformat(text).replace(tzinfo=UTC)
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise UsageError(
        f"{option}: {printable(text, 60)!r} is not a time",
        hint="write 90d, 2027-01-01 or 2027-01-01T12:00:00Z",
    )
