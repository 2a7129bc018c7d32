"""Which arguments make a callable open a file, and which are names of time zones."""

from __future__ import annotations

import datetime
import pickle

import pandas as pd
import pytest

from secureload.pickles.assembler import Assembler
from secureload.pickles.trace import Const, GlobalRef, Operation
from secureload.scan.file_arguments import is_file_path, named_file
from tests.attacks.judged import judged, objections


@pytest.mark.parametrize(
    "text",
    [
        "/etc/passwd",
        "\\\\\\\\host\\share",
        "~/x",
        "c:/x",
        "../x",
        "Europe/../../x",
        "dateutil//etc/passwd",
        "..",
    ],
)
def test_a_path_that_leads_out_is_one(text: str) -> None:
    assert is_file_path(text)


@pytest.mark.parametrize("text", ["Europe/Berlin", "dateutil/Europe/Berlin", "UTC", "Etc/GMT+3", "a..b", ""])
def test_the_name_of_a_zone_is_none(text: str) -> None:
    assert not is_file_path(text)


def test_only_calls_open_files() -> None:
    args = (Const("/etc/passwd", 11),)
    target = GlobalRef("dateutil.tz.tz", "tzfile")
    assert named_file("no-file", Operation("call", target, args)) == "/etc/passwd"
    assert named_file("no-file", Operation("build", target, args)) is None
    assert named_file("data", Operation("call", target, args)) is None


@pytest.mark.parametrize(
    ("module", "name", "text"),
    [
        ("dateutil.tz.tz", "tzfile", "/etc/passwd"),
        ("dateutil.tz.tz", "tzfile", "zone"),
        ("pytz", "_p", "../../etc/passwd"),
    ],
)
def test_a_zone_that_is_read_from_a_file_of_the_senders_choice_is_rejected(
    module: str, name: str, text: str
) -> None:
    call = Assembler(4).stack_global(module, name).mark().text(text).tuple_().reduce().stop()
    assert judged(call) == {"SL104": "DANGEROUS"}
    assert text in objections(call)[0]


@pytest.mark.parametrize("zone", ["Europe/Berlin", "dateutil/Europe/Berlin", "UTC"])
@pytest.mark.parametrize("protocol", [4, 5])
def test_plain_pandas_with_time_zones_is_accepted(zone: str, protocol: int) -> None:
    index = pd.date_range("2024-01-01", periods=3, tz=zone)
    frame = pd.DataFrame({"x": [1, 2, 3], "at": index}, index=index)
    assert judged(pickle.dumps((frame, index[0]), protocol)) == {}
    assert judged(pickle.dumps(datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC), protocol)) == {}


@pytest.mark.parametrize(
    ("module", "name"),
    [("dateutil.tz.tz", "tzfile"), ("pandas.core.indexes.base", "_new_Index"), ("pytz", "_p")],
)
def test_what_opens_a_file_is_not_handed_on_for_somebody_else_to_call(module: str, name: str) -> None:
    code = Assembler(4).stack_global("collections", "defaultdict").mark()
    code = code.stack_global("functools", "partial").mark().stack_global(module, name).text("/etc/passwd")
    assert objections(code.tuple_().reduce().tuple_().reduce().stop())
