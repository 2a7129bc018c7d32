"""What is handed on to be called later: a size that fills the memory, a zone that is read from a file."""

from __future__ import annotations

import collections
import functools
import pickle
import zoneinfo
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from .judged import judged

PROTOCOLS = range(6)
HUGE = 10**13


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    "factory",
    [
        functools.partial(bytes, HUGE),
        functools.partial(bytearray, HUGE),
        functools.partial(range, HUGE),
        functools.partial(range, 0, HUGE, 2),
        functools.partial(list, range(HUGE)),
        functools.partial(set, range(HUGE)),
        functools.partial(sum, range(HUGE)),
        functools.partial(max, range(HUGE)),
        functools.partial(collections.Counter, range(HUGE)),
    ],
    ids=lambda factory: factory.func.__name__,
)
def test_a_factory_that_is_given_a_size_beforehand_is_not_accepted(
    factory: Callable[..., Any], protocol: int
) -> None:
    table: collections.defaultdict[str, Any] = collections.defaultdict(factory)
    assert "SL104" in judged(pickle.dumps(table, protocol))


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_size_given_by_a_variable_of_a_later_state_is_found_as_well(protocol: int) -> None:
    made = functools.partial(bytes)
    made.__setstate__((bytes, (HUGE,), {}, {}))  # type: ignore[attr-defined]  # typeshed leaves it out
    assert "SL104" in judged(pickle.dumps({"rows": made}, protocol))


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    "made",
    [
        functools.partial(round, ndigits=2),
        functools.partial(max, 0),
        functools.partial(bytes),
        functools.partial(bytes, b"abc"),
        functools.partial(list, (1, 2)),
        functools.partial(np.clip, a_min=0, a_max=HUGE),
        functools.partial(np.zeros, 3),
        functools.partial(collections.defaultdict, int),
        functools.partial(dict, a=1),
    ],
    ids=lambda made: made.func.__name__,
)
def test_a_factory_of_a_model_is_accepted(made: Callable[..., Any], protocol: int) -> None:
    table: collections.defaultdict[str, Any] = collections.defaultdict(made)
    assert judged(pickle.dumps(table, protocol)) == {}


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_class_that_reads_the_file_of_a_zone_is_not_handed_on_as_a_function(protocol: int) -> None:
    preprocessing = pytest.importorskip("sklearn.preprocessing")
    transformer = preprocessing.FunctionTransformer(zoneinfo.ZoneInfo)
    assert "SL105" in judged(pickle.dumps(transformer, protocol))
    named = functools.partial(zoneinfo.ZoneInfo, "../../etc/passwd")
    assert "SL105" in judged(pickle.dumps(named, protocol))


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_zone_itself_is_accepted(protocol: int) -> None:
    assert judged(pickle.dumps([zoneinfo.ZoneInfo("UTC"), zoneinfo.ZoneInfo("UTC")], protocol)) == {}
