"""Values of the standard library arrive as what they were."""

from __future__ import annotations

import array
import datetime
import decimal
import fractions
import pathlib
import uuid
import zoneinfo
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secureload.limits import DEFAULT_LIMITS
from secureload.sandbox.wire import scalars
from secureload.sandbox.wire.errors import Unencodable, WireValueError
from secureload.sandbox.wire.values import Decoder, Encoder

from .crossing import assert_same, crossed

BERLIN = zoneinfo.ZoneInfo("Europe/Berlin")
VALUES = [
    1 << 3000, -(1 << 70), decimal.Decimal("1.50"), decimal.Decimal("-Infinity"), decimal.Decimal("sNaN"),
    fractions.Fraction(1, 3), fractions.Fraction(1 << 200, 3), datetime.date(2024, 1, 2), datetime.time(1, 2, 3, 4),
    datetime.datetime(2024, 1, 2, 3, 4, 5, 6), datetime.datetime(2024, 10, 27, 2, 30, fold=1, tzinfo=BERLIN),
    datetime.datetime(2024, 1, 2, tzinfo=datetime.UTC), datetime.timedelta(days=-1, microseconds=3), datetime.UTC,
    datetime.timezone(datetime.timedelta(hours=2)), datetime.timezone(datetime.timedelta(0), "Z"), BERLIN,
    pathlib.PurePosixPath("/a/b"), pathlib.Path("a"), pathlib.PureWindowsPath("c:\\a"), uuid.UUID(int=5), ...,
    array.array("d", [1, 2]), bytearray(b"ab"), 1j,
]  # fmt: skip


@pytest.mark.parametrize("value", VALUES, ids=lambda value: repr(value)[:40])
def test_a_value_of_the_standard_library_arrives(value: Any) -> None:
    assert_same(crossed(value), value)


SCALARS = st.one_of(
    st.integers(), st.decimals(), st.fractions(), st.datetimes(timezones=st.none() | st.timezones()), st.times(),
    st.dates(), st.timedeltas(), st.uuids(), st.complex_numbers(),
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(SCALARS)
def test_any_value_of_the_standard_library_arrives(value: Any) -> None:
    found = crossed(value)
    assert type(found) is type(value)
    assert repr(found) == repr(value)


def test_a_zone_that_has_no_file_on_the_other_side_is_what_this_side_s_file_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    encoder = Encoder(DEFAULT_LIMITS)
    moment = datetime.datetime(2024, 7, 1, tzinfo=BERLIN)
    tree = encoder.encode(moment)

    def no_files(key: str) -> None:
        raise zoneinfo.ZoneInfoNotFoundError(key)

    no_files.from_file = zoneinfo.ZoneInfo.from_file  # type: ignore[attr-defined]  # what else is used of the class
    with monkeypatch.context() as patched:
        patched.setattr(scalars, "_zones", {})
        patched.setattr(scalars.zoneinfo, "ZoneInfo", no_files)
        found = scalars.decode_zone("Europe/Berlin", tree[3][2])
    assert found.utcoffset(moment) == datetime.timedelta(hours=2)
    assert str(found) == "Europe/Berlin"


@pytest.mark.parametrize(
    "value", [1 << 400_000, datetime.tzinfo(), memoryview(b"a")], ids=["huge", "zone", "view"]
)
def test_what_has_no_encoding_is_refused_by_its_name(value: Any) -> None:
    with pytest.raises(Unencodable, match=r"bits|tzinfo|memoryview"):
        Encoder(DEFAULT_LIMITS).encode(value)


@pytest.mark.parametrize(
    "tree",
    [
        ["zi", "../../etc/passwd", None], ["zi", "/etc/passwd", None], ["zi", "Europe/../x", None], ["zi", 5, None],
        ["zi", "Nowhere/At_All", b"TZif no"], ["zo", "1", None], ["zo", 1 << 60, None], ["dec", "one"], ["dec", 5],
        ["fr", 1, 0], ["fr", 1.5, 2], ["uuid", b"short"], ["path", "Path", "a"], ["path", "PosixPath", 5],
        ["arr", "O", b"12345678"], ["arr", "d", b"123"], ["ts", "2024-01-01", 5, None], ["ts", "2024-01-01", 0, 7],
        ["tm", "25:00", 0, None], ["td", 1 << 60, 0, 0], ["ba", 1 << 60],
    ],
    ids=repr,
)  # fmt: skip
def test_a_forged_value_is_a_wire_error(tree: Any) -> None:
    with pytest.raises(WireValueError):
        Decoder((), DEFAULT_LIMITS).decode(tree)
