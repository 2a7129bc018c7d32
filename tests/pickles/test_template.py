"""A pickle that is not read because one like it was: what may differ, and everything that may not."""

from __future__ import annotations

import datetime
import io
import pickle
from collections.abc import Callable
from typing import Any

import joblib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from secureload.formats.region import Region
from secureload.pickles.loose import loose_values
from secureload.pickles.template import Template
from secureload.pickles.trace import Trace
from secureload.scan.tracing import trace_pickle


class Model:
    """What is saved: by its name, which the tracer never imports."""

    def __init__(self, **state: Any) -> None:
        self.__dict__.update(state)


class Called:
    """Pickled as a call with these arguments."""

    def __init__(self, *args: Any) -> None:
        self._args = args

    def __reduce__(self) -> tuple[Any, ...]:
        return (Called, self._args)


def traced(data: bytes) -> Trace:
    return trace_pickle(Region(data).cursor, bytes_total=len(data))


def template(data: bytes) -> Template:
    found = Template.of(data, traced(data).sections)
    assert found is not None
    return found


def alike(one: bytes, other: bytes) -> bool:
    return template(one).moved(other) is not None


def dumped(value: object) -> bytes:
    return pickle.dumps(value, protocol=4)


def by_joblib(value: object) -> bytes:
    file = io.BytesIO()
    joblib.dump(value, file)
    return file.getvalue()


SAVES = [dumped, lambda value: pickle.dumps(value, protocol=5), by_joblib]


@pytest.mark.parametrize("save", SAVES)
def test_models_that_differ_in_numbers_and_in_the_sizes_of_arrays_are_alike(
    save: Callable[[object], bytes],
) -> None:
    def model(rows: int, number: int, real: float) -> Model:
        matrix = np.full((rows, 3), real)
        trees = [Model(values=np.arange(rows + 20), seed=number + place) for place in range(3)]
        return Model(coef=matrix, n_iter=number, tol=real, estimators=trees, raw=b"ab" * rows)

    known = save(model(5, 7, 0.25))
    assert alike(known, save(model(6, 200, -1e300)))
    assert alike(known, save(model(4, 44, 0.0)))
    large = save(model(5, 70_000, 0.25))  # written by another opcode
    assert not alike(known, large)


def test_where_it_stood_before_and_stands_now() -> None:
    known, other = dumped(Model(a=b"abc", b=Model())), dumped(Model(a=b"abcdefgh", b=Model()))
    found = template(known)
    moved = found.moved(other)
    assert moved is not None
    for name in (b"\x8c\x01b", b"\x81", b"u"):
        for place in (known.find(name), known.rfind(name)):
            there = place + moved[found.span_before(place)]
            assert other[there : there + len(name)] == name
    assert found.is_loose(known.find(b"abc"))
    assert not found.is_loose(known.find(b"\x8c\x01b"))


DIFFERENT = {
    "a text": (Model(name="abc"), Model(name="abd")),
    "an argument of a call": (Model(made=Called(5)), Model(made=Called(6))),
    "a number in an argument": (Model(made=Called([{"a": (5, 2.5)}])), Model(made=Called([{"a": (6, 2.5)}]))),
    "the bytes of an argument": (Model(made=Called(b"abcd")), Model(made=Called(b"abce"))),
    "a key": (Model(kept={5: "a"}), Model(kept={6: "a"})),
    "a key in a key": (Model(kept={(5, 7.5): "a"}), Model(kept={(5, 8.5): "a"})),
    "no and one": (Model(count=0), Model(count=1)),
    "one and many": (Model(count=1), Model(count=9)),
    "many and none": (Model(count=9), Model(count=0)),
    "less than none": (Model(count=70_000), Model(count=-70_000)),
    "a large number and a larger one": (Model(count=1 << 40), Model(count=1 << 41)),
    "no bytes": (Model(raw=b"ab"), Model(raw=b"")),
    "one byte": (Model(raw=b"ab"), Model(raw=b"a")),
    "a number and a real one": (Model(value=5), Model(value=5.0)),
    "one more": (Model(values=[5, 6]), Model(values=[5, 6, 7])),
    "its class": (Model(a=5), Called()),
}


@pytest.mark.parametrize("what", DIFFERENT)
def test_whatever_a_trace_could_depend_on_is_the_same(what: str) -> None:
    one, other = map(dumped, DIFFERENT[what])
    found = Template.of(one, traced(one).sections)
    assert found is None or found.moved(other) is None


def test_an_argument_is_the_same_also_where_it_is_a_part_of_a_state_first() -> None:
    def model(number: int) -> bytes:
        shared = [number]
        return dumped(Model(first=shared, then=Called(shared)))

    assert not alike(model(5), model(6))


def test_what_is_put_into_an_argument_later_is_the_same() -> None:
    # A list that holds the call whose argument it is.
    def model(number: int) -> bytes:
        held: list[object] = []
        held += [Called(held), number]
        return dumped(Model(held=held))

    found = Template.of(model(5), traced(model(5)).sections)
    assert found is None or found.moved(model(6)) is None


def test_numbers_that_make_a_dtype_are_the_same() -> None:
    one = by_joblib(Model(a=np.zeros(3, dtype="S7")))
    assert not alike(one, by_joblib(Model(a=np.zeros(3, dtype="S8"))))


def test_moments_and_numpy_numbers_are_alike_for_they_are_raw_values() -> None:
    one = Model(at=datetime.datetime(2026, 5, 6), loss=np.float64(0.5))
    assert alike(dumped(one), dumped(Model(at=datetime.datetime(2025, 2, 3), loss=np.float64(0.75))))


def test_an_array_that_is_not_as_large_as_its_shape_says_is_read() -> None:
    one = by_joblib(Model(a=np.zeros((5, 7)), b="end"))
    assert alike(one, by_joblib(Model(a=np.ones((6, 7)), b="end")))
    place = one.index(b"K\x05K\x07\x86")
    assert not alike(one, one[: place + 1] + b"\x06" + one[place + 2 :])
    assert not alike(one, one[: place + 1] + b"\x04" + one[place + 2 :])


def test_array_bytes_that_pickle_would_read_on_are_read() -> None:
    one = by_joblib(Model(a=np.full(50, 0.5)))
    section = next(section for section in traced(one).sections if section.kind == "array")
    padding = one[section.start]
    assert alike(one, one)
    # A padding of ")" bytes: to pickle, an opcode.
    longer = one[: section.start] + b")" + bytes(ord(")") - padding) + one[section.start + 1 :]
    assert not alike(one, longer)


def test_a_frame_that_ends_elsewhere_is_read() -> None:
    one = dumped(Model(a=5.5, b=b"abcdef"))
    for length in (one[3] - 1, one[3] + 1):
        assert not alike(one, one[:3] + bytes([length]) + one[4:])


def test_what_follows_is_read() -> None:
    one = dumped(Model(a=5.5))
    assert not alike(one, one + b"N.")
    assert not alike(one, one[:-1])
    assert not alike(one, one[:-1] + b"0")


def test_of_opcodes_that_are_not_followed_nothing_is_loose() -> None:
    for value in ({5, 6}, Model(a={5, 6}), frozenset({5})):
        data = dumped(value)
        assert loose_values(data, traced(data).sections) is None
    assert loose_values(pickle.dumps(Model(a=5), protocol=0), ()) is None
    assert loose_values(b"", ()) is None


numbers = st.one_of(
    st.integers(-3, 300), st.integers(), st.floats(), st.binary(max_size=4), st.booleans(), st.none()
)
SHAPES: st.SearchStrategy[Any] = st.recursive(
    st.just(None),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: ("list", items)),
        st.lists(inner, max_size=3).map(lambda items: ("tuple", items)),
        st.lists(inner, max_size=3).map(lambda items: ("model", items)),
        st.lists(inner, max_size=3).map(lambda items: ("call", items)),
        st.lists(inner, max_size=3).map(lambda items: ("array", items)),
        st.lists(st.tuples(inner, inner), max_size=2).map(lambda items: ("dict", items)),
    ),
    max_leaves=8,
)


def filled(shape: Any, draw: Callable[[Any], Any]) -> Any:
    if shape is None:
        return draw(numbers)
    kind, items = shape
    if kind == "dict":
        return {repr(place): filled(value, draw) for place, (_, value) in enumerate(items)} | {
            draw(st.integers(0, 3)): 5
        }
    inner = [filled(item, draw) for item in items]
    if kind == "model":
        return Model(**{f"a{place}": value for place, value in enumerate(inner)})
    if kind == "array":
        if len(inner) != 2:
            return np.zeros((draw(st.integers(0, 4)), 3))
        objects = np.empty(2, dtype=object)
        objects[:] = [Model(a=one) for one in inner]
        return objects
    if kind == "call":
        return Called(*inner)
    return inner if kind == "list" else tuple(inner)


@given(SHAPES, st.data(), st.sampled_from(SAVES))
def test_what_is_alike_has_the_same_trace(
    shape: Any, data: st.DataObject, save: Callable[[object], bytes]
) -> None:
    one, other = (save(Model(a=filled(shape, data.draw))) for _ in range(2))
    same_trace(one, other)


@given(SHAPES, st.data(), st.sampled_from(SAVES))
def test_what_is_alike_after_any_change_of_its_bytes_has_the_same_trace(
    shape: Any, data: st.DataObject, save: Callable[[object], bytes]
) -> None:
    one = save(Model(a=filled(shape, data.draw)))
    other = bytearray(one)
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(one) - 1))
        other[place] = data.draw(st.one_of(st.integers(0, 255), st.sampled_from(sorted(one))))
    same_trace(one, bytes(other))


def same_trace(one: bytes, other: bytes) -> None:
    """If ``other`` is alike ``one``, both readers see the same in it, where the template says."""
    trace = traced(one)
    found = Template.of(one, trace.sections)
    moved = found.moved(other) if found is not None else None
    if found is None or moved is None or trace.disagreements:
        return  # of what is odd nothing is kept, see tests/scan/test_alike.py
    there = traced(other)
    assert not there.problems
    assert not there.anomalies
    assert not there.disagreements
    assert [(item.ref, item.count) for item in there.imports] == [
        (item.ref, item.count) for item in trace.imports
    ]
    assert len(there.operations) == len(trace.operations)
    for now, before in zip(there.operations, trace.operations, strict=True):
        assert (now.kind, now.target, now.args, now.kwargs) == (
            before.kind,
            before.target,
            before.args,
            before.kwargs,
        )
        assert (now.count, now.first) == (before.count, before.first)
        assert now.offset == before.offset + moved[found.span_before(before.offset)]
