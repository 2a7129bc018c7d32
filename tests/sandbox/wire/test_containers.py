"""Collections arrive as the class that they were, or are refused by its name."""

from __future__ import annotations

import collections
import types
from typing import Any

import pytest
from sklearn.utils import Bunch

from secureload.limits import DEFAULT_LIMITS
from secureload.sandbox.wire.containers import AttributeDict
from secureload.sandbox.wire.errors import Unencodable, WireValueError
from secureload.sandbox.wire.values import Decoder, Encoder

from .crossing import assert_same, crossed

Point = collections.namedtuple("Point", "x y")


class Odd(dict[str, int]):
    """A class of the caller's."""


@pytest.mark.parametrize(
    "value",
    [
        [1, (2, [{3}])], (), frozenset({1}), collections.OrderedDict(b=1, a=2), collections.Counter("aab"),
        collections.deque([1, 2], maxlen=3), collections.deque([1]), types.MappingProxyType({"a": 1}),
        collections.defaultdict(int, a=1), collections.defaultdict(None, a=1),
        collections.defaultdict(collections.OrderedDict, a=collections.OrderedDict(b=1)),
        {"a": 1}.keys(), {"a": [2]}.values(), {"a": [2]}.items(),
    ],
    ids=repr,
)  # fmt: skip
def test_a_collection_of_the_standard_library_arrives(value: Any) -> None:
    found = crossed(value)
    assert type(found) is type(value)
    assert repr(found) == repr(value)


def test_a_default_dict_makes_its_defaults_on_the_other_side_too() -> None:
    assert crossed(collections.defaultdict(list))["new"] == []


def test_a_default_that_is_computed_is_refused_and_left_out_by_the_worker() -> None:
    computed = collections.defaultdict(lambda: 5, a=1)
    with pytest.raises(Unencodable, match="default is computed"):
        Encoder(DEFAULT_LIMITS).encode(computed)
    assert_same(crossed(computed, exact=False), {"a": 1})


def test_a_named_tuple_arrives_with_its_names_and_is_equal_to_the_original() -> None:
    found = crossed(Point(1, [2]))
    assert found == Point(1, [2])
    assert (found.x, found._fields, type(found).__name__) == (1, ("x", "y"), "Point")
    assert type(crossed(Point(3, 4))) is type(found)


def test_a_class_that_only_derives_from_one_is_refused_by_its_name_and_sent_as_data_by_the_worker() -> None:
    with pytest.raises(Unencodable, match="Odd"):
        Encoder(DEFAULT_LIMITS).encode(Odd(a=1))
    assert_same(crossed(Odd(a=1), exact=False), {"a": 1})


def test_a_bunch_arrives_with_its_keys_as_attributes() -> None:
    found = crossed(Bunch(data=[1], name="x"))
    assert isinstance(found, AttributeDict)
    assert found.name == "x"
    assert "data" in dir(found)
    with pytest.raises(AttributeError):
        _ = found.missing


@pytest.mark.parametrize(
    "tree",
    [
        ["l", [], 1], ["l", 5], ["dq", [], -1], ["dq", []], ["dd", ["ty", "builtins", "object"], []], ["dd", 5, []],
        ["dd", "eval", []],
        ["dk", [["l", []]]], ["di", [1]], ["dv", 3],
        ["nt", "Name", ["class"], [1]], ["nt", "a b", ["x"], [1]], ["nt", "N", ["_x"], [1]], ["nt", "N", ["x"], []],
        ["nt", "N", ["x", "x"], [1, 2]], ["mp", [[1]]], ["co", 7],
    ],
    ids=repr,
)  # fmt: skip
def test_a_forged_collection_is_a_wire_error(tree: Any) -> None:
    with pytest.raises(WireValueError):
        Decoder((), DEFAULT_LIMITS).decode(tree)
