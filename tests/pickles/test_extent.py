from __future__ import annotations

import dataclasses
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secureload.limits import DEFAULT_LIMITS, Limits
from secureload.pickles.extent import Extent, ExtentError
from tests.pickles.tracing import trace

MODULUS = (1 << 61) - 1
HEAD = b"\x80\x04"


def refused(data: bytes, limits: Limits = DEFAULT_LIMITS) -> str:
    """Return the limit that a trace of ``data`` names, "" if none."""
    found = [problem for problem in trace(data, limits).problems if problem.kind == "limit"]
    return found[0].message.partition(":")[0] if found else ""


def measured(value: Any, limits: Limits = DEFAULT_LIMITS) -> str:
    extent = Extent(limits)
    extent.note(value)
    try:
        extent.measure()
    except ExtentError as error:
        return str(error).partition(":")[0]
    return ""


def laughs(levels: int, each: int, opening: bytes = b"(", closing: bytes = b"t") -> bytes:
    """Collections that hold the one below ``each`` times, so many levels."""
    data = opening + b"N" * each + closing
    for number in range(levels):
        taken = b"h" + bytes([number])
        data += b"q" + bytes([number]) + b"0" + opening + taken * each + closing
    return data


@pytest.mark.parametrize(
    "data",
    [
        b"]" * 400_000 + b"a" * 399_999,
        b"N" + b"\x85" * 1_000_000,
        b"N" + b"\x86".join([b"N"] * 50_000) + b"\x86",
        b"(" * 20_000 + b"t" * 20_000,
        b"}K\x01" * 20_000 + b"N" + b"s" * 20_000,
        b"(" * 20_000 + b"\x91" * 20_000,
    ],
    ids=["lists", "tuples", "tuples of two", "tuples of marks", "dictionaries", "frozensets"],
)
def test_collections_nested_without_end_reach_a_named_limit(data: bytes) -> None:
    assert refused(HEAD + data + b".") == "collections_depth"


def test_what_is_nested_deep_is_found_where_it_is_an_argument_and_dropped_again() -> None:
    deep = b"N" + b"\x85" * 20_000
    assert refused(HEAD + b"cbuiltins\nlist\n" + deep + b"\x85R0N.") == "collections_depth"
    assert refused(HEAD + b"ccollections\nOrderedDict\n)R(K\x01" + deep + b"u0N.") == "collections_depth"
    assert refused(HEAD + b"ccollections\nOrderedDict\n)R(" + deep + b"K\x01u0N.") == "collections_depth"
    assert refused(HEAD + b"ccollections\nOrderedDict\n)\x81" + deep + b"b.") == "collections_depth"


def test_in_the_second_pickle_of_a_stream_too() -> None:
    assert refused(HEAD + b"N." + HEAD + b"N" + b"\x85" * 20_000 + b".") == "collections_depth"


@pytest.mark.parametrize("levels", [10, 40])
@pytest.mark.parametrize("kind", [(b"(", b"t"), (b"(", b"l")], ids=["tuples", "lists"])
def test_a_billion_laughs_reach_a_named_limit(levels: int, kind: tuple[bytes, bytes]) -> None:
    assert refused(HEAD + laughs(levels, 10, *kind) + b".") == "shared_items"


def test_laughs_of_dictionaries_reach_a_named_limit() -> None:
    value: dict[int, Any] = {}
    for _ in range(40):
        value = dict.fromkeys(range(8), value)
    assert refused(pickle.dumps(value)) == "shared_items"


@pytest.mark.parametrize("protocol", [2, 4])
def test_keys_that_have_one_hash_reach_a_named_limit(protocol: int) -> None:
    numbers = [MODULUS * step for step in range(1, 3_000)]
    assert refused(pickle.dumps(dict.fromkeys(numbers), protocol)) == "equal_hash_keys"
    assert refused(pickle.dumps(set(numbers), protocol)) == "equal_hash_keys"
    assert refused(pickle.dumps(frozenset(numbers), protocol)) == "equal_hash_keys"


@pytest.mark.parametrize("called", ["dict", "pairs", "items", "elements"])
def test_keys_of_one_hash_are_counted_where_a_call_will_hash_them(called: str) -> None:
    numbers = [MODULUS * step for step in range(1, 3_000)]
    made = {
        "dict": b"cbuiltins\ndict\n" + pickle.dumps([(n, None) for n in numbers], 2)[2:-1] + b"\x85R.",
        "pairs": b"ccollections\nOrderedDict\n"
        + pickle.dumps([[n, n] for n in numbers], 2)[2:-1]
        + b"\x85R.",
        "items": b"ccollections\nOrderedDict\n)R" + pickle.dumps(dict.fromkeys(numbers), 2)[5:-1] + b".",
        "elements": b"cm\nSet\n)R(" + b"".join(pickle.dumps(n)[2:-1] for n in numbers) + b"\x90.",
    }
    assert refused(HEAD + made[called]) == "equal_hash_keys"


def test_tuples_of_minus_one_and_minus_two_have_one_hash_as_well() -> None:
    keys = [tuple(-1 - (number >> bit & 1) for bit in range(11)) for number in range(1 << 11)]
    assert refused(pickle.dumps(dict.fromkeys(keys))) == "equal_hash_keys"


def test_a_set_that_is_called_is_not_hashed_here_where_that_would_never_end() -> None:
    doubled = b"N\x85" + b"".join(b"q" + bytes([n]) + b"h" + bytes([n]) + b"\x86" for n in range(60))
    data = HEAD + b"cbuiltins\nset\n(" + doubled + b"K\x01" * 20 + b"l\x85R."
    assert refused(data) == "shared_items"


WORDS = dict.fromkeys(range(1_000))


@pytest.mark.parametrize(
    "value",
    [
        {f"word {number}": number for number in range(200_000)},
        dict.fromkeys(range(200_000)),
        {float(number): number for number in range(50_000)},
        {(number, number + 1): None for number in range(50_000)},
        {-1: 0, -2: 0},
        [WORDS] * 200_000,
        [[WORDS, WORDS]] * 50_000,
        [(number, [number], {"a": (number,)}) for number in range(20_000)],
    ],
    ids=["words", "numbers", "floats", "pairs", "-1 and -2", "one table", "tables", "rows"],
)
def test_what_models_hold_is_not_touched(value: Any) -> None:
    assert measured(value) == ""


def test_a_tree_as_deep_as_a_pickler_writes_it_is_not_touched() -> None:
    value: Any = []
    for _ in range(9_000):
        value = [value]
    assert measured(value) == ""
    assert measured([value]) == ""


def test_a_collection_that_holds_itself_is_measured_once() -> None:
    value: list[Any] = [1]
    value.append(value)
    table: dict[int, Any] = {1: value}
    value.append(table)
    table[2] = table
    assert measured(value) == ""


def test_how_deep_is_counted_through_what_is_shared() -> None:
    limits = dataclasses.replace(DEFAULT_LIMITS, collections_depth=100)
    half: Any = ()
    for _ in range(70):
        half = (half,)
    other: Any = half
    for _ in range(40):
        other = (other,)
    assert measured([half, half], limits) == ""
    assert measured([half, other], limits) == "collections_depth"


PLAIN = st.recursive(
    st.none() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.integers(), inner),
)


def depth_of(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max(map(depth_of, value.values()), default=0)
    return 1 + max(map(depth_of, value), default=0) if isinstance(value, list | tuple) else 0


@given(PLAIN, st.integers(1, 6))
def test_the_depth_is_that_of_the_value(value: Any, most: int) -> None:
    limits = dataclasses.replace(DEFAULT_LIMITS, collections_depth=most)
    assert (measured(value, limits) == "collections_depth") == (depth_of(value) > most)


@given(st.integers(2, 30), st.integers(2, 4), st.integers(10, 10_000))
def test_the_items_are_those_that_a_print_would_show(levels: int, each: int, most: int) -> None:
    limits = dataclasses.replace(DEFAULT_LIMITS, shared_items=most, shared_ratio=1)
    value: Any = (None,) * each
    shown = each
    for _ in range(levels):
        value, shown = (value,) * each, shown * each + each
    assert (measured(value, limits) == "shared_items") == (shown > most)
