from __future__ import annotations

import contextlib
import pickle
from dataclasses import replace
from itertools import repeat
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secureload.pickles.assembler import Assembler
from secureload.pickles.codec import TraceFormatError, decode_trace, encode_trace
from secureload.pickles.trace import (
    Anomaly,
    Collection,
    Const,
    Disagreement,
    Elided,
    GlobalRef,
    Import,
    Operation,
    Result,
    Section,
    SideFile,
    Trace,
    TraceProblem,
)

from .tracing import trace

_REF = GlobalRef("os", "system")
_WHOLE = Trace(
    reading="joblib",
    compression="zlib",
    protocol=4,
    imports=(Import(_REF, 3, 17),),
    operations=(
        Operation(
            "call", _REF, (Const("x", 1), Elided(), Result("new", None)), (("k", Const(b"y", 1)),), 2, 1, 9
        ),
        Operation("build", Result("call", _REF), (Collection("dict", (), 0),)),
    ),
    sections=(Section("pickle", 0, 10), Section("array", 10, 20)),
    problems=(TraceProblem("malformed", "cut off", 20), TraceProblem("extension", "EXT", 1)),
    versions=(("scikit-learn", "1.9.1"),),
    bytes_total=20,
    bytes_examined=19,
    pickles=1,
    side_files=(SideFile("m.pkl_01.npy", "npy", 3), SideFile("../x", "zfile")),
    disagreements=(
        Disagreement("walker", "import", _REF, 4),
        Disagreement("unpickler", "call", Result("new", None), -1),
    ),
    anomalies=(Anomaly("frame.crossed", "an argument reaches beyond its frame", 12),),
    decompiled="a = 1\nb = 2",
    fickling_severity="LIKELY_SAFE",
    fickling_messages=("one", "two"),
)


def there_and_back(found: Trace) -> Trace:
    numbers: list[int] = []
    shape = encode_trace(found, numbers)
    left = iter(numbers)
    decoded = decode_trace(shape, left)
    assert next(left, None) is None
    return decoded


def shape_of(found: Trace) -> list[Any]:
    return encode_trace(found, [])


def decoded(shape: object) -> Trace:
    return decode_trace(shape, repeat(1))


def test_a_trace_with_everything_in_it_comes_back_equal() -> None:
    assert there_and_back(_WHOLE) == _WHOLE


@pytest.mark.parametrize("protocol", range(6))
def test_the_trace_of_a_real_pickle_comes_back_equal(protocol: int) -> None:
    found = trace(
        pickle.dumps([{"a": 1.5}, {1, 2}, ("x" * 900,), slice(1), range(3), b"b", 1 << 200], protocol)
    )
    assert found.imports
    assert there_and_back(found) == found


def test_text_of_the_tracer_is_made_printable_again() -> None:
    encoded = shape_of(_WHOLE)
    encoded[5] = [["malformed", "\x1b[2Jforged\nline"]]
    encoded[8] = ["ok\n\x1b[31mred", "\x07", ["\u202eevil"]]
    again = decoded(encoded)
    assert again.problems[0].message.isprintable()
    assert all(line.isprintable() for line in again.decompiled.split("\n"))
    assert again.fickling_severity.isprintable()
    assert again.fickling_messages[0].isprintable()


@pytest.mark.parametrize(
    ("index", "forged"),
    [
        (0, "safe"),
        (0, ["pickle"]),
        (1, 7),
        (2, True),
        (2, 2.0),
        (3, [["os", "system", 1]]),
        (3, [["os", None]]),
        (4, [["run", ["e"], [], []]]),
        (4, [["call", ["x"], [], []]]),
        (4, [["call", ["c", [], 1], [], []]]),
        (4, [["call", ["e", 1], [], []]]),
        (4, [["call", ["d", "text"], [], []]]),
        (4, [["call", [], [], []]]),
        (4, [["call", ["e"], [], [], 1]]),
        (5, [["fine", "text"]]),
        (7, [1]),
        (7, "1"),
        (8, ["", ""]),
        (9, [[]]),
        (11, [["nobody", "import", ["g", "os", "system"]]]),
        (11, [["walker", "run", ["g", "os", "system"]]]),
        (11, [["walker", "import", ["c", "x", 1]]]),
        (12, [["frame.crossed", 7]]),
        (12, [["frame.crossed"]]),
    ],
)
def test_a_trace_with_one_forged_part_is_refused(index: int, forged: object) -> None:
    encoded = shape_of(_WHOLE)
    encoded[index] = forged
    with pytest.raises(TraceFormatError):
        decoded(encoded)


def test_a_value_nested_a_thousand_times_is_refused_and_does_not_exhaust_the_stack() -> None:
    value: list[Any] = ["e"]
    for _ in range(5_000):
        value = ["k", "tuple", [value], 1]
    encoded = shape_of(_WHOLE)
    encoded[4] = [["call", value, [], []]]
    with pytest.raises(TraceFormatError):
        decoded(encoded)


_LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(1 << 63), 1 << 63),
    st.floats(),
    st.text(max_size=6),
    st.binary(max_size=6),
    st.sampled_from(["pickle", "joblib", "call", "c", "g", "r", "k", "e", "tuple", "malformed"]),
)
_TREES = st.recursive(
    _LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=10), st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=30,
)


@settings(max_examples=200, deadline=None)
@given(_TREES)
def test_any_tree_is_a_trace_or_a_format_error(tree: object) -> None:
    with contextlib.suppress(TraceFormatError):
        assert isinstance(decoded(tree), Trace)


@settings(max_examples=250, deadline=None)
@given(st.integers(0, len(shape_of(_WHOLE)) - 1), _TREES, st.integers(0, 3))
def test_any_trace_with_one_part_replaced_is_a_trace_or_a_format_error(
    index: int, tree: object, deeper: int
) -> None:
    encoded = shape_of(_WHOLE)
    part = encoded[index]
    if deeper and isinstance(part, list) and part:
        inner = part[deeper % len(part)]
        if isinstance(inner, list) and inner:
            inner[deeper % len(inner)] = tree
        else:
            part[deeper % len(part)] = tree
    else:
        encoded[index] = tree
    with contextlib.suppress(TraceFormatError):
        assert isinstance(decoded(encoded), Trace)


def test_a_payload_that_names_lone_surrogates_is_still_traced_and_encoded() -> None:
    found = trace(Assembler(4).stack_global("o\ud800s", "x").mark().text("\udfff").tuple_().reduce().stop())
    assert there_and_back(found).operations == found.operations


def test_numbers_that_end_too_early_are_refused() -> None:
    numbers: list[int] = []
    shape = encode_trace(_WHOLE, numbers)
    for length in range(len(numbers)):
        with pytest.raises(TraceFormatError):
            decode_trace(shape, iter(numbers[:length]))


def test_traces_that_differ_in_positions_alone_have_one_shape() -> None:
    other = replace(_WHOLE, bytes_total=7, imports=(replace(_WHOLE.imports[0], count=9, offset=99),))
    assert shape_of(other) == shape_of(_WHOLE)
    assert shape_of(replace(_WHOLE, protocol=5)) != shape_of(_WHOLE)
