"""Times as people type them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secureload.cli.moments import parse_moment
from secureload.errors import UsageError

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("90d", NOW + timedelta(days=90)),
        ("12h", NOW + timedelta(hours=12)),
        ("2w", NOW + timedelta(weeks=2)),
        ("2027-01-01", datetime(2027, 1, 1, tzinfo=UTC)),
        ("2027-01-01T12:00:00Z", datetime(2027, 1, 1, 12, tzinfo=UTC)),
        ("2027-01-01T12:00:00+02:00", datetime(2027, 1, 1, 10, tzinfo=UTC)),
    ],
)
def test_spans_days_and_instants_are_read(text: str, moment: datetime) -> None:
    assert parse_moment(text, "--expires", NOW) == moment


@pytest.mark.parametrize("text", ["", "90", "-1d", "999999w", "2027-13-01", "2027-01-01T12:00:00", "morgen"])
def test_what_is_no_time_or_has_no_zone_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--expires"):
        parse_moment(text, "--expires", NOW)


@settings(deadline=None, max_examples=100)
@given(st.text(max_size=30))
def test_any_text_is_an_aware_time_or_a_usage_error(text: str) -> None:
    try:
        assert parse_moment(text, "--expires", NOW).utcoffset() == timedelta(0)
    except UsageError as error:
        assert error.message.isprintable()
