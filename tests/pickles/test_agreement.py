from __future__ import annotations

import bz2
import datetime
import decimal
import io
import pickle
import pickletools
import sys
import zoneinfo
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable
from typing import Any

import cloudpickle
import joblib
import numpy
import pandas
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from secureload.formats.expanding import ExpandingReader
from secureload.limits import Limits
from secureload.pickles import agreement
from secureload.pickles.agreement import other_opinion, second_opinion
from secureload.pickles.assembler import Assembler
from secureload.pickles.opcodes import OPCODES
from secureload.pickles.source import ByteSource
from secureload.pickles.stretches import pickle_reads_on
from secureload.pickles.trace import Disagreement, GlobalRef, Result, Trace
from secureload.pickles.vm import trace_stream, with_pickle_reading

from .programs import SOUPS, programs, without_bombs
from .test_walker import HIDDEN, RUN, SYSTEM, crossing
from .tracing import mapped

CLASS_OPCODES = {"call": {"REDUCE", "OBJ", "INST"}, "new": {"NEWOBJ", "NEWOBJ_EX", "OBJ", "INST"},
                 "build": {"BUILD"}, "append": {"APPEND", "APPENDS"}, "setitem": {"SETITEM", "SETITEMS"},
                 "additem": {"ADDITEMS"}, "persid": {"PERSID", "BINPERSID"}}  # fmt: skip


def opinion(data: bytes) -> Trace:
    """What both readers make of it. As in the tracer, the C unpickler has a file without ``peek``."""
    trace = trace_stream(mapped(data), bytes_total=len(data))
    return second_opinion(trace, lambda: mapped(data))


def codes(trace: Trace) -> list[str]:
    return [anomaly.code for anomaly in trace.anomalies]


def assert_agreed(found: Trace, data: bytes) -> None:
    assert found.problems == ()
    assert found.disagreements == ()
    assert found.anomalies == ()
    for item in found.imports:
        assert OPCODES[data[item.offset]].name in {"GLOBAL", "STACK_GLOBAL", "INST"}
    for operation in found.operations:
        assert OPCODES[data[operation.offset]].name in CLASS_OPCODES[operation.kind]


def test_a_method_that_getattr_reads_by_name_is_the_same_to_both_readers() -> None:
    for protocol in range(2, 6):
        data = pickle.dumps([zoneinfo.ZoneInfo("UTC"), zoneinfo.ZoneInfo("Europe/Berlin")], protocol)
        found = opinion(data)
        assert Result("attribute", GlobalRef("zoneinfo", "ZoneInfo._unpickle")) in {
            operation.target for operation in found.operations
        }
        assert_agreed(found, data)


class Node:
    """A cycle of objects, each with a state."""

    def __init__(self, size: int) -> None:
        self.next = Node(size - 1) if size else self
        self.items = {self.next, self}


class Slotted:
    """A state of two parts."""

    __slots__ = ("a", "b")

    def __init__(self) -> None:
        self.a, self.b = 1, [self]

    def __getstate__(self) -> Any:
        return None, {"a": self.a, "b": self.b}


X = numpy.random.default_rng(0).normal(size=(60, 4))
Y = numpy.arange(60) % 3
FRAME = pandas.DataFrame(
    {
        "number": X[:, 0],
        "word": pandas.Categorical(["a", "b", "c"] * 20),
        "text": [f"row {i}" for i in range(60)],
        "time": pandas.date_range("2024-01-01", periods=60, tz="UTC"),
    }
)
TEXTS = [f"word{i} word{i % 7} text" for i in range(300)]

VALUES: dict[str, Callable[[], Any]] = {
    "standard library": lambda: [
        OrderedDict((f"key{i}", i) for i in range(2_500)), defaultdict(list, a=[1]), Counter("abc"),
        datetime.datetime(2024, 1, 15, tzinfo=datetime.UTC), decimal.Decimal("1.5"), range(3), slice(1), 1j,
    ],
    "objects": lambda: [Node(30), Slotted()],
    "numpy": lambda: [
        X, numpy.asfortranarray(X), X[::2], numpy.array(["a", None, {"x": 1}], dtype=object), numpy.float64(1),
        numpy.zeros(3, dtype=[("a", "f8"), ("b", "U5")]), numpy.random.default_rng(1), numpy.arange(20_000),
    ],
    "scipy": lambda: [scipy.sparse.csr_matrix(X), scipy.sparse.coo_array(X)],
    "pandas": lambda: [FRAME, FRAME["time"], FRAME.set_index("word")],
    "logistic regression": lambda: make_pipeline(StandardScaler(), LogisticRegression()).fit(X, Y),
    "forest": lambda: RandomForestClassifier(15, random_state=0).fit(X, Y),
    "boosting": lambda: HistGradientBoostingClassifier(max_iter=3).fit(X, Y),
    "neighbours": lambda: KNeighborsClassifier(algorithm="kd_tree").fit(X, Y),
    "vectorizer": lambda: TfidfVectorizer().fit(TEXTS),
    "columns": lambda: ColumnTransformer([("hot", OneHotEncoder(), ["word"])]).fit(FRAME),
}  # fmt: skip


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("name", VALUES)
def test_both_readers_agree_on_what_libraries_write_and_each_offset_is_that_of_its_opcode(
    name: str, protocol: int
) -> None:
    data = pickle.dumps(VALUES[name](), protocol)
    found = opinion(data)
    assert found.imports
    assert_agreed(found, data)
    optimized = pickletools.optimize(data)
    assert_agreed(opinion(optimized), optimized)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("name", VALUES)
def test_both_readers_agree_on_joblib_files_with_their_arrays_between_the_opcodes(
    name: str, protocol: int
) -> None:
    file = io.BytesIO()
    joblib.dump(VALUES[name](), file, protocol=protocol)
    found = opinion(file.getvalue())
    assert found.imports
    assert_agreed(found, file.getvalue())


@pytest.mark.parametrize("name", ["numpy", "forest", "pandas"])
def test_both_readers_agree_on_a_compressed_stream_which_is_opened_once_for_each_reading(name: str) -> None:
    file = io.BytesIO()
    joblib.dump(VALUES[name](), file)
    opened: list[ByteSource] = []

    def reader() -> ByteSource:
        opened.append(ExpandingReader(io.BytesIO(bz2.compress(file.getvalue())), "bz2"))
        return opened[-1]

    found = second_opinion(trace_stream(reader()), reader)
    assert_agreed(found, file.getvalue())
    assert len(opened) == 2


@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_code_that_is_pickled_by_value_is_read_alike_by_both(protocol: int) -> None:
    def scale(values: list[float]) -> list[float]:
        return [value * 2 for value in values]

    data = cloudpickle.dumps(scale, protocol=protocol)
    assert_agreed(opinion(data), data)


@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_instances_of_a_class_that_is_pickled_by_value_are_read_alike_by_both(protocol: int) -> None:
    class Scaler:
        factor = 2

        def __init__(self) -> None:
            self.seen = [1]

    data = cloudpickle.dumps([Scaler(), Scaler], protocol=protocol)
    assert_agreed(opinion(data), data)


def test_a_trace_that_nobody_contradicts_only_gets_its_offsets() -> None:
    data = b"\x80\x04N" + HIDDEN + b"."
    before = trace_stream(mapped(data), bytes_total=len(data))
    after = second_opinion(before, lambda: mapped(data))
    assert [item.ref for item in after.imports] == [item.ref for item in before.imports] == [SYSTEM]
    assert (after.imports[0].offset, after.operations[0].offset) == (4, len(data) - 2)
    assert (after.sections, after.problems, after.bytes_examined) == (before.sections, (), len(data))


# -- where they differ --------------------------------------------------------------------------------------


def seen_only_by(found: Trace, reader: str) -> list[tuple[str, GlobalRef | Result]]:
    return [(item.kind, item.target) for item in found.disagreements if item.seen_by == reader]


WHOLE = [("import", SYSTEM), ("call", SYSTEM)]
RESTARTS = sys.version_info < (3, 13, 15)


def test_a_payload_that_only_pickle_loads_reads_is_a_disagreement_and_stands_where_it_is() -> None:
    data = crossing("joined")
    found = opinion(data)
    assert found.imports == ()
    assert seen_only_by(found, "walker") == WHOLE
    assert found.disagreements[0].offset == data.index(b"cos\n")
    assert "frame.crossed" in codes(found)


@pytest.mark.skipif(not RESTARTS, reason="this CPython refuses what reaches beyond its frame")
def test_a_payload_that_only_a_load_from_a_file_reads_is_in_the_trace_with_its_exact_offset() -> None:
    data = crossing("restarted")
    found = opinion(data)
    assert [item.ref for item in found.imports] == [SYSTEM]
    assert found.imports[0].offset == data.index(b"cos\n")
    assert found.disagreements == ()
    assert "frame.crossed" in codes(found)


def test_a_frame_longer_than_the_file_is_read_by_joblib_s_unpickler_alone() -> None:
    found = opinion(Assembler(4).frame(10_000).raw(b"N" + HIDDEN).stop())
    assert [problem.kind for problem in found.problems] == ["malformed"]
    assert seen_only_by(found, "walker") == WHOLE
    assert codes(found) == ["frame.rest"]
    cut = opinion(Assembler(4).frame(10_000).raw(b"N" + HIDDEN).code())
    assert (seen_only_by(cut, "walker"), codes(cut)) == (WHOLE, ["frame.beyond"])


def test_arguments_in_a_list_are_called_by_joblib_s_unpickler_alone() -> None:
    code = Assembler(4).global_("os", "system").mark().text("echo hello").list_().reduce()
    found = opinion(code.stop())
    assert [item.ref for item in found.imports] == [SYSTEM]
    assert seen_only_by(found, "walker") == [("call", SYSTEM)]


def test_a_payload_behind_an_extension_or_out_of_band_buffers_is_seen_by_the_walk() -> None:
    for opcode in (b"\x82\x01", b"\x97"):
        found = opinion(b"\x80\x05" + opcode + HIDDEN + b".")
        assert found.problems
        assert seen_only_by(found, "walker") == WHOLE


def test_a_payload_behind_a_name_that_is_computed_is_seen_by_the_walk() -> None:
    code = Assembler(4).text("os").global_("str", "lower").text("SYSTEM").op("TUPLE1").reduce()
    found = opinion(code.op("STACK_GLOBAL").raw(HIDDEN).stop())
    assert seen_only_by(found, "walker") == WHOLE
    assert codes(found) == ["name.computed"]


def test_a_protocol_that_changes_in_mid_stream_shows_what_is_really_imported() -> None:
    found = opinion(Assembler(4).none().proto(2).global_("__builtin__", "eval").stop())
    assert ("import", GlobalRef("builtins", "eval")) in seen_only_by(found, "walker")
    assert codes(found) == ["proto.middle"]


def test_the_rest_of_a_frame_behind_a_stop_is_seen_by_the_walk() -> None:
    inner = Assembler(None).raw(b"N.").raw(b"N" + HIDDEN + b".")
    found = opinion(Assembler(4).framed(inner).code())
    assert seen_only_by(found, "walker") == WHOLE
    assert codes(found) == ["frame.rest"]


def test_one_call_more_of_a_global_that_both_see_is_a_disagreement() -> None:
    data = b"\x80\x04N" + HIDDEN + b"\x82\x01" + HIDDEN + b"."
    found = opinion(data)
    assert seen_only_by(found, "walker") == WHOLE


def test_array_bytes_that_only_pickle_loads_would_run_are_a_disagreement() -> None:
    """Neither joblib nor a load from a file reaches them: in those bytes a frame ends inside of an argument."""
    payload = crossing("joined")[2:]
    raw = numpy.frombuffer(payload.ljust(256, b"."), dtype=numpy.uint8)
    file = io.BytesIO()
    joblib.dump(raw, file)
    data = file.getvalue()
    start = data.index(raw.tobytes())
    length = next(size for size in range(1, 17) if data[start - size - 1] == size)
    # joblib believes the length of the padding and skips as many bytes: "0" (POP) is 48.
    data = data[: start - length - 1] + b"0" + b"N0" * 24 + data[start:]
    trace = with_pickle_reading(opinion(data), mapped(data))
    assert pickle_reads_on(trace, mapped(data))
    assert trace.disagreements == ()
    assert SYSTEM not in [item.ref for item in (*trace.imports, *trace.other_imports)]
    found = other_opinion(trace, lambda: mapped(data))
    assert seen_only_by(found, "walker") == [("import", SYSTEM)]
    assert found.disagreements[0].offset == data.index(b"cos\n")


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=600))
def test_the_bytes_of_an_array_are_no_disagreement(raw: bytes) -> None:
    file = io.BytesIO()
    joblib.dump([numpy.frombuffer(raw, dtype=numpy.uint8)], file)
    data = file.getvalue()
    trace = with_pickle_reading(opinion(data), mapped(data))
    assert other_opinion(trace, lambda: mapped(data)).disagreements == ()


def test_what_the_walk_misses_is_a_disagreement_too(monkeypatch: pytest.MonkeyPatch) -> None:
    data = b"\x80\x04N" + HIDDEN + b"."
    trace = trace_stream(mapped(data), bytes_total=len(data))
    found = second_opinion(trace, lambda: mapped(b"\x80\x04N."))
    assert seen_only_by(found, "unpickler") == WHOLE
    assert found.disagreements[0] == Disagreement("unpickler", "import", SYSTEM, trace.imports[0].offset)


def test_a_walk_that_ends_before_the_unpickler_does_is_said_so() -> None:
    code = Assembler(4)
    for _ in range(100_001):
        code.mark()
    for _ in range(100_001):
        code.op("POP_MARK")
    found = opinion(code.none().stop())
    assert found.problems == ()
    assert codes(found) == ["walker.stopped"]


def test_a_walk_that_is_too_long_ends_at_a_limit_and_what_it_had_seen_counts() -> None:
    """The walk must not take the time that the answer of the first reader needs to arrive."""
    slow = b"N0" * 600_000
    data = b"\x80\x04" + slow + b"\x82\x01" + HIDDEN + slow + b"."
    trace = trace_stream(mapped(data), bytes_total=len(data))
    found = second_opinion(trace, lambda: mapped(data), Limits(walker_slow_bytes=1_000_000))
    assert (found.disagreements, found.anomalies) == ((), ())  # the trace itself ended before the payload
    found = second_opinion(trace, lambda: mapped(data), Limits(walker_slow_bytes=2_000_000))
    assert seen_only_by(found, "walker") == WHOLE
    whole = b"\x80\x04" + slow + RUN.code() + b"."
    trace = trace_stream(mapped(whole), bytes_total=len(whole))
    found = second_opinion(trace, lambda: mapped(whole), Limits(walker_slow_bytes=1_000_000))
    assert found.disagreements == ()
    assert [(item.code, "walker_slow_bytes" in item.message) for item in found.anomalies] == [
        ("walker.stopped", True)
    ]


def test_runs_are_not_counted_as_slow() -> None:
    data = pickle.dumps([f"word{i}" for i in range(100_000)])
    trace = trace_stream(mapped(data), bytes_total=len(data))
    assert second_opinion(trace, lambda: mapped(data), Limits(walker_slow_bytes=100_000)).anomalies == ()


def test_a_walk_that_fails_leaves_the_trace_as_it_is_and_is_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_args: object, **_options: object) -> None:
        raise KeyError("a defect")

    monkeypatch.setattr(agreement, "walk_stream", broken)
    data = b"\x80\x04N" + HIDDEN + b"."
    found = opinion(data)
    assert [item.ref for item in found.imports] == [SYSTEM]
    assert codes(found) == ["walker.failed"]
    assert codes(other_opinion(found, lambda: mapped(data))) == ["walker.failed", "walker.failed"]


# -- properties ---------------------------------------------------------------------------------------------


def assert_nothing_missed(found: Trace) -> None:
    """The tracer goes by the protocol that a pickle begins with; the walk by the one that is in force."""
    assert "walker.failed" not in codes(found)
    if "proto.middle" not in codes(found):
        assert seen_only_by(found, "unpickler") == []


@settings(max_examples=300, deadline=None)
@given(programs())
def test_the_two_readers_agree_on_any_program_that_the_unpickler_reads_to_its_end(data: bytes) -> None:
    found = opinion(data)
    if not found.problems:
        assert found.disagreements == ()
        for item in found.imports:
            assert OPCODES[data[item.offset]].name in {"GLOBAL", "STACK_GLOBAL", "INST"}
    assert seen_only_by(found, "unpickler") == []


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(SOUPS, programs(most=12)), max_size=3).map(b"".join).map(without_bombs))
def test_any_bytes_have_a_second_opinion_and_the_walk_misses_nothing(data: bytes) -> None:
    assert_nothing_missed(opinion(data))


@settings(max_examples=200, deadline=None)
@given(programs(most=12), st.integers(1, 60), st.binary(min_size=1, max_size=4))
def test_a_changed_byte_never_breaks_the_second_opinion(data: bytes, at: int, change: bytes) -> None:
    at %= len(data)
    changed = without_bombs(data[:at] + change + data[at + 1 :])
    assert_nothing_missed(opinion(changed))


def test_a_vocabulary_of_a_hundred_thousand_words_is_agreed_on() -> None:
    data = pickle.dumps({f"word{i}": i for i in range(100_000)})
    found = opinion(data)
    assert (found.disagreements, found.anomalies, found.pickles) == ((), (), 1)
