from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secureload.errors import UsageError
from secureload.signing.instants import encode_instant, parse_instant, require_aware


def test_an_instant_is_written_in_utc_to_the_second() -> None:
    paris = timezone(timedelta(hours=2))
    assert encode_instant(datetime(2026, 3, 1, 14, 0, 5, 999_999, paris)) == "2026-03-01T12:00:05Z"


def test_a_time_without_a_zone_or_outside_of_the_calendar_is_refused() -> None:
    with pytest.raises(UsageError, match="no time zone"):
        encode_instant(datetime(2026, 3, 1))
    with pytest.raises(UsageError, match="calendar"):
        require_aware(datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=5))))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-03-01",
        "2026-03-01T12:00:00",
        "2026-03-01T12:00:00+00:00",
        "2026-03-01 12:00:00Z",
        "2026-03-01T12:00:00.5Z",
        "2026-02-30T12:00:00Z",
        "2026-03-01T24:00:00Z",
        "2026-03-01T12:00:60Z",
        "0000-03-01T12:00:00Z",
        "2026-03-01T12:00:00Z\n",
        "٢٠٢٦-03-01T12:00:00Z",
    ],
)
def test_an_instant_has_one_spelling_only(text: str) -> None:
    assert parse_instant(text) is None


@settings(deadline=None, max_examples=100)
@given(st.datetimes(timezones=st.just(UTC)))
def test_an_instant_comes_back_to_the_second(moment: datetime) -> None:
    assert parse_instant(encode_instant(moment)) == moment.replace(microsecond=0)


@settings(deadline=None, max_examples=100)
@given(st.text(max_size=25))
def test_any_text_gives_an_aware_time_or_none(text: str) -> None:
    moment = parse_instant(text)
    assert moment is None or encode_instant(moment) == text
