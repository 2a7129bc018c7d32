from __future__ import annotations

import collections
import copyreg
import datetime
import decimal
import fractions
import io
import pickle
import struct
import subprocess
import sys
import textwrap
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secureload.limits import Limits
from secureload.pickles.assembler import Assembler
from secureload.pickles.source import MappedSource
from secureload.pickles.trace import Const, GlobalRef, Result, Trace
from secureload.pickles.vm import trace_stream

from .tracing import OS_SYSTEM, mapped, of_kind, refs, result_of, text, trace, tuple_of


class Plain:
    """An object with a state."""

    def __init__(self) -> None:
        self.words = ["a", "b"]


class Reduced:
    """An object that is restored by a call."""

    def __reduce__(self) -> Any:
        return (fractions.Fraction, (1, 3))


class Evil:
    """What it does stands in its pickle; the tests only ever trace it."""

    def __reduce__(self) -> Any:
        import os

        return (os.system, ("echo hello",))


class NewEx:
    """Restored by NEWOBJ_EX."""

    def __new__(cls, *args: int, **kwargs: int) -> NewEx:
        return super().__new__(cls)

    def __getnewargs_ex__(self) -> Any:
        return ((1,), {"two": 2})


SYSTEM = Assembler(4).global_("os", "system").mark().text("echo").tuple_().reduce().stop()


def assert_calls_system(found: Trace) -> None:
    calls = of_kind(found, "call")
    assert OS_SYSTEM in [call.target for call in calls]


@pytest.mark.parametrize("protocol", range(6))
def test_a_call_is_recorded_with_its_arguments_in_every_protocol(protocol: int) -> None:
    found = trace(pickle.dumps(Evil(), protocol))
    assert refs(found) == ["posix:system"]
    (call,) = of_kind(found, "call")
    assert call.target == GlobalRef("posix", "system")
    assert call.args == (text("echo hello"),)
    assert found.problems == ()
    assert found.protocol == (protocol if protocol >= 2 else 0)
    assert found.bytes_examined == found.bytes_total


@pytest.mark.parametrize("protocol", range(6))
def test_an_object_with_a_state_is_an_import_an_instance_and_a_build(protocol: int) -> None:
    found = trace(pickle.dumps(Plain(), protocol))
    this = GlobalRef(__name__, "Plain")
    assert this in [item.ref for item in found.imports]
    (build,) = of_kind(found, "build")
    if protocol >= 2:
        assert [operation.target for operation in of_kind(found, "new")] == [this]
        assert build.target == result_of(this.module, this.name, "new")
    else:
        (call,) = of_kind(found, "call")
        assert call.target == GlobalRef("copyreg", "_reconstructor")
        assert call.args[0] == this
    assert build.args[0].items[0].items[0] == text("words")  # type: ignore[union-attr]


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (collections.OrderedDict(a=1), "collections:OrderedDict"),
        (collections.deque([1]), "collections:deque"),
        (datetime.datetime(2024, 1, 15, tzinfo=datetime.UTC), "datetime:datetime"),
        (decimal.Decimal("1.5"), "decimal:Decimal"),
        (fractions.Fraction(1, 2), "fractions:Fraction"),
        (Reduced(), "fractions:Fraction"),
        (NewEx(), f"{__name__}:NewEx"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_real_objects_are_named_without_being_made(value: object, expected: str, protocol: int) -> None:
    found = trace(pickle.dumps(value, protocol))
    assert expected in refs(found)
    assert found.problems == ()


def test_keyword_arguments_of_newobj_ex_are_kept() -> None:
    (new,) = of_kind(trace(pickle.dumps(NewEx(), 4)), "new")
    assert new.args == (Const(1),)
    assert new.kwargs == (("two", Const(2)),)


def test_the_subprocess_call_of_a_payload_followed_by_garbage_is_still_reported() -> None:
    found = trace(SYSTEM + b"\xff\xfe garbage that is no pickle")
    assert_calls_system(found)
    assert [problem.kind for problem in found.problems] == ["trailing"]
    assert found.problems[0].offset == len(SYSTEM)


def test_a_payload_whose_pickle_breaks_off_after_the_call_is_still_reported() -> None:
    found = trace(SYSTEM[:-1] + b"\xff")
    assert_calls_system(found)
    assert [problem.kind for problem in found.problems] == ["malformed"]


def test_the_second_pickle_of_a_file_is_traced_too() -> None:
    benign = pickle.dumps({"a": 1})
    found = trace(benign + SYSTEM)
    assert_calls_system(found)
    assert found.pickles == 2
    assert found.problems == ()
    assert [(s.kind, s.start) for s in found.sections] == [("pickle", 0), ("pickle", len(benign))]


def test_a_payload_cut_off_at_any_byte_gives_a_trace_and_says_that_it_is_cut() -> None:
    whole = pickle.dumps([Plain(), Evil(), NewEx(), b"x" * 300, 1 << 80], 4)
    for length in range(1, len(whole)):
        found = trace(whole[:length])
        assert found.problems, length
        assert found.problems[0].kind in {"malformed", "limit"}
    assert trace(whole).problems == ()


def test_nothing_at_all_is_no_pickle_and_no_problem_of_the_reader() -> None:
    found = trace(b"")
    assert (found.pickles, found.problems, found.protocol) == (0, (), -1)


@pytest.mark.parametrize(
    "opcode", [b"\x82\x01", b"\x83\x01\x00", b"\x84\x01\x00\x00\x00"], ids=["EXT1", "EXT2", "EXT4"]
)
def test_an_extension_opcode_is_a_problem_of_its_own_kind(opcode: bytes) -> None:
    found = trace(Assembler(2).raw(opcode).stop())
    assert [problem.kind for problem in found.problems] == ["extension"]


def test_persistent_ids_of_both_forms_are_recorded() -> None:
    textual = trace(Assembler(0).raw(b"Pthe id\n").stop())
    binary = trace(Assembler(2).text("another").raw(pickle.BINPERSID).stop())
    assert of_kind(textual, "persid")[0].args == (text("the id"),)
    assert of_kind(binary, "persid")[0].args == (text("another"),)


def test_a_persistent_id_of_something_computed_is_recorded_and_what_is_done_with_it_too() -> None:
    code = Assembler(2).text("x").raw(pickle.BINPERSID).mark().tuple_().reduce().stop()
    (call,) = of_kind(trace(code), "call")
    assert call.target.kind == "persid"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "code",
    [
        Assembler(0).mark().text("echo").raw(b"ios\nsystem\n").stop(),
        Assembler(1).mark().global_("os", "system").text("echo").raw(pickle.OBJ).stop(),
        Assembler(4).stack_global("os", "system").mark().text("echo").tuple_().reduce().stop(),
        Assembler(4).global_("os", "system").text("echo").raw(b"\x85").reduce().stop(),
    ],
    ids=["INST", "OBJ", "STACK_GLOBAL", "TUPLE1"],
)
def test_every_opcode_that_calls_is_recorded_as_a_call(code: bytes) -> None:
    assert_calls_system(trace(code))


@pytest.mark.parametrize("opcode", ["newobj", "newobj_ex"])
def test_newobj_of_a_global_is_recorded_whatever_it_is(opcode: str) -> None:
    code = Assembler(4).global_("os", "system").mark().text("echo").tuple_()
    if opcode == "newobj_ex":
        code.mark().text("named").integer(1).dict_()
    (new,) = of_kind(trace(getattr(code, opcode)().stop()), "new")
    assert new.target == OS_SYSTEM
    assert new.args == (text("echo"),)
    assert new.kwargs == ((("named", Const(1)),) if opcode == "newobj_ex" else ())


def test_a_build_on_a_global_itself_is_recorded_with_the_global_as_its_target() -> None:
    state = Assembler(4).global_("numpy", "size").mark().text("__builtins__").none().dict_().build()
    (build,) = of_kind(trace(state.stop()), "build")
    assert build.target == GlobalRef("numpy", "size")


def test_a_build_with_a_pair_of_states_reaches_the_object_as_one_state() -> None:
    code = Assembler(4).global_("a", "B").mark().tuple_().newobj()
    code.mark().none().mark().text("x").integer(1).dict_().tuple_().build()
    (build,) = of_kind(trace(code.stop()), "build")
    assert build.target == result_of("a", "B", "new")
    assert build.args[0].kind == "tuple"  # type: ignore[union-attr]


def test_calling_the_result_of_a_call_is_recorded_as_that() -> None:
    code = Assembler(4).global_("builtins", "getattr").mark().text("x").tuple_().reduce()
    code.mark().text("again").tuple_().reduce()
    first, second = of_kind(trace(code.stop()), "call")
    assert first.target == GlobalRef("builtins", "getattr")
    assert second.target == result_of("builtins", "getattr")


def test_the_attribute_that_getattr_reads_from_a_global_is_known_by_its_dotted_name() -> None:
    code = (
        Assembler(4).global_("builtins", "getattr").mark().global_("a", "B").text("method").tuple_().reduce()
    )
    code.mark().text("x").tuple_().reduce()
    first, second = of_kind(trace(code.stop()), "call")
    assert first.target == GlobalRef("builtins", "getattr")
    assert second.target == Result("attribute", GlobalRef("a", "B.method"))


@pytest.mark.parametrize("name", ["a.b", "a b", "", "a" * 65, "1"])
def test_what_is_no_name_of_an_attribute_makes_no_attribute(name: str) -> None:
    code = Assembler(4).global_("builtins", "getattr").mark().global_("a", "B").text(name).tuple_().reduce()
    code.mark().tuple_().reduce()
    _, second = of_kind(trace(code.stop()), "call")
    assert second.target == result_of("builtins", "getattr")


def test_the_attribute_of_what_was_computed_is_computed() -> None:
    code = Assembler(4).global_("builtins", "getattr").mark()
    code.global_("builtins", "getattr").mark().global_("a", "B").text("one").tuple_().reduce()
    code.text("two").tuple_().reduce().mark().tuple_().reduce()
    third = of_kind(trace(code.stop()), "call")[-1]
    assert third.target == result_of("builtins", "getattr")


def test_a_name_that_is_put_into_the_memo_and_taken_out_again_is_the_same_name() -> None:
    code = Assembler(4).text("os").memoize().pop().text("system").memoize().pop()
    code.get(0).get(1).raw(pickle.STACK_GLOBAL).mark().text("echo").tuple_().reduce()
    assert_calls_system(trace(code.stop()))


def test_a_memo_entry_that_is_overwritten_gives_what_was_written_last() -> None:
    code = Assembler(4).text("math").put(7).pop().text("os").put(7).pop()
    code.get(7).text("system").raw(pickle.STACK_GLOBAL).mark().tuple_().reduce()
    assert_calls_system(trace(code.stop()))


def test_a_global_that_is_taken_off_the_stack_at_once_was_imported_all_the_same() -> None:
    assert refs(trace(Assembler(4).global_("antigravity", "x").pop().none().stop())) == ["antigravity:x"]


def test_a_call_whose_result_is_taken_off_the_stack_happened_all_the_same() -> None:
    code = Assembler(4).mark().global_("os", "system").text("echo").raw(pickle.OBJ).pop().none()
    assert_calls_system(trace(code.stop()))


def test_filling_globals_and_results_is_recorded() -> None:
    into_global = Assembler(4).global_("sys", "path").text("x").raw(pickle.APPEND).stop()
    (filled,) = of_kind(trace(into_global), "append")
    assert filled.target == GlobalRef("sys", "path")
    many = Assembler(4).global_("os", "environ").mark().text("k").text("v").raw(pickle.SETITEMS).stop()
    (item,) = of_kind(trace(many), "setitem")
    assert item.target == GlobalRef("os", "environ")
    added = Assembler(4).global_("a", "b").mark().text("k").raw(pickle.ADDITEMS).stop()
    assert of_kind(trace(added), "additem")[0].target == GlobalRef("a", "b")
    extended = Assembler(4).global_("a", "b").mark().text("k").text("l").raw(pickle.APPENDS).stop()
    assert of_kind(trace(extended), "append")[0].target == GlobalRef("a", "b")


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4])
def test_python_2_names_mean_their_successors_below_protocol_3_and_themselves_above(protocol: int) -> None:
    found = trace(Assembler(protocol).global_("__builtin__", "eval").stop())
    assert refs(found) == ["builtins:eval" if protocol < 3 else "__builtin__:eval"]


def test_a_protocol_zero_pickle_without_a_proto_opcode_maps_python_2_names() -> None:
    assert refs(trace(b"c__builtin__\neval\n.")) == ["builtins:eval"]


@pytest.mark.parametrize("number", [b"I0x10\n", b"I1_0\n", b"L0x10L\n"])
def test_oddly_written_numbers_do_not_hide_the_payload_behind_them(number: bytes) -> None:
    assert_calls_system(trace(b"\x80\x02" + number + b"0" + SYSTEM[2:]))


def test_a_proto_opcode_in_mid_stream_does_not_hide_the_payload() -> None:
    assert_calls_system(trace(b"\x80\x04N0\x80\x05" + SYSTEM[2:]))


def test_an_impossible_protocol_behind_the_payload_does_not_hide_it() -> None:
    found = trace(SYSTEM[:-1] + b"\x80\xff.")
    assert_calls_system(found)
    assert found.problems


def test_a_frame_that_ends_in_the_middle_of_an_argument_does_not_hide_the_payload() -> None:
    hidden = b"\x95" + struct.pack("<Q", 3) + b"X\x04\x00" + b"\x00\x00abcd0" + SYSTEM[2:]
    found = trace(b"\x80\x04" + hidden)
    assert found.problems or OS_SYSTEM in [item.ref for item in found.imports]


class CountingSource(MappedSource):
    """Counts the bytes that are really read."""

    def __init__(self, fd: int, size: int) -> None:
        super().__init__(fd, size)
        self.bytes_read = 0
        inner = self.read

        def read(count: int) -> bytes:
            data = inner(count)
            self.bytes_read += len(data)
            return data

        self.read = read  # type: ignore[assignment]


@pytest.mark.parametrize("protocol", [3, 4, 5])
@pytest.mark.parametrize("value", [b"\x00" * (8 << 20), bytearray(8 << 20)], ids=["bytes", "bytearray"])
def test_bulk_bytes_are_stepped_over_and_never_read(value: object, protocol: int) -> None:
    import os

    if isinstance(value, bytearray) and protocol < 5:
        pytest.skip("a bytearray is a call of bytearray before protocol 5")
    data = pickle.dumps([value, Evil()], protocol)
    descriptor = os.memfd_create("bulk")
    os.write(descriptor, data)
    source = CountingSource(descriptor, len(data))
    os.close(descriptor)
    found = trace_stream(source, bytes_total=len(data))
    assert refs(found)[-1] == "posix:system"
    assert found.problems == ()
    assert found.bytes_examined == len(data)
    assert source.bytes_read < 64 << 10


def test_a_limit_on_distinct_globals_is_a_problem_with_its_name_and_keeps_what_came_before() -> None:
    code = Assembler(4)
    for number in range(6):
        code.global_("m", f"n{number}").pop()
    found = trace(code.none().stop(), Limits(trace_globals=4))
    assert [problem.kind for problem in found.problems] == ["limit"]
    assert found.problems[0].message.startswith("trace_globals")
    assert len(found.imports) == 4


def test_a_limit_on_shapes_and_on_pickles_is_a_problem_with_its_name() -> None:
    code = Assembler(4)
    for number in range(6):
        code.global_("m", f"n{number}").mark().tuple_().reduce().pop()
    assert trace(code.none().stop(), Limits(trace_shapes=3)).problems[0].message.startswith("trace_shapes")
    assert trace(b"N." * 5, Limits(trace_pickles=3)).problems[0].message.startswith("trace_pickles")


def test_the_calls_of_a_hundred_trees_are_one_shape_with_a_count() -> None:
    code = Assembler(4).mark()
    for number in range(100):
        code.global_("m", "Tree").mark().integer(number + 2).tuple_().reduce()
    (call,) = of_kind(trace(code.tuple_().stop()), "call")
    assert (call.count, call.first) == (100, 2)


def test_a_number_that_is_not_zero_does_not_hide_behind_one_that_is() -> None:
    code = Assembler(4).mark()
    for number in (0, 1 << 40, -1, 1 << 80):
        code.global_("m", "buffer").mark().integer(number).tuple_().reduce()
    assert len(of_kind(trace(code.tuple_().stop()), "call")) == 4


def test_of_the_numbers_in_a_state_only_the_types_are_kept() -> None:
    def made(number: float, data: bytes) -> Trace:
        code = Assembler(4).global_("m", "Model").mark().tuple_().newobj().mark()
        code.text("alpha").floating(number).text("raw").binary(data).dict_().build()
        return trace(code.stop())

    one, other = made(0.5, b"abc").operations, made(7.25, b"x").operations
    assert [operation.args for operation in one] == [operation.args for operation in other]


def test_the_version_that_a_model_was_saved_with_is_read_from_its_state() -> None:
    code = Assembler(4).global_("sklearn.x", "X").mark().tuple_().newobj()
    code.mark().text("_sklearn_version").text("1.5.2").dict_().build()
    assert trace(code.stop()).versions == (("scikit-learn", "1.5.2"),)


def test_arguments_are_summarised_and_never_kept_whole() -> None:
    code = Assembler(4).global_("m", "f").mark().text("x" * 5_000).mark()
    for number in range(100):
        code.integer(number)
    (call,) = of_kind(trace(code.list_().tuple_().reduce().stop()), "call")
    word, numbers = call.args
    assert isinstance(word, Const)
    assert (word.length, word.is_cut) == (5_000, True)
    assert numbers.length == 100  # type: ignore[union-attr]
    assert len(numbers.items) < 100  # type: ignore[union-attr]


def test_a_tuple_argument_is_kept_as_a_tuple() -> None:
    code = Assembler(4).global_("m", "f").mark().mark().integer(1).tuple_().tuple_().reduce()
    assert of_kind(trace(code.stop()), "call")[0].args == (tuple_of(Const(1)),)


_AUDITED = textwrap.dedent(
    """
    import json, os, sys
    from secureload.pickles.source import MappedSource
    from secureload.pickles.vm import trace_stream
    payloads = [bytes.fromhex(line.strip()) for line in sys.stdin]
    sources = []
    for data in payloads:
        fd = os.memfd_create("payload")
        os.write(fd, data)
        sources.append(MappedSource(fd, len(data)))
    trace_stream(sources[0]); sources[0].seek(0)
    events = []
    allowed = {"pickle.find_class", "object.__getattr__"}
    watching = False
    sys.addaudithook(lambda name, args: events.append([name, repr(args)]) if watching else None)
    watching = True
    traces = [trace_stream(source) for source in sources]
    watching = False
    print(json.dumps([[e for e in events if e[0] not in allowed], [len(t.imports) for t in traces]]))
    """
)


def test_an_audit_hook_sees_no_import_no_open_and_no_call_while_hostile_payloads_are_traced() -> None:
    """The interpreter's own record: every event of a payload's effects would stand in it."""
    import json

    payloads = [
        SYSTEM,
        Assembler(4).global_("builtins", "exec").mark().text("import os").tuple_().reduce().stop(),
        Assembler(4).global_("builtins", "open").mark().text("/etc/hostname").tuple_().reduce().stop(),
        Assembler(4).global_("antigravity", "fly").stop(),
        Assembler(4).global_("subprocess", "Popen").mark().text("true").tuple_().reduce().stop(),
        Assembler(4).global_("importlib", "import_module").mark().text("this").tuple_().reduce().stop(),
        Assembler(1).mark().global_("socket", "socket").raw(pickle.OBJ).stop(),
        Assembler(4).global_("ctypes", "CDLL").mark().text("libc.so.6").tuple_().newobj().stop(),
    ]
    lines = "\n".join(payload.hex() for payload in payloads)
    done = subprocess.run(
        [sys.executable, "-c", _AUDITED], input=lines, capture_output=True, text=True, check=True, timeout=60
    )
    events, imports = json.loads(done.stdout)
    assert imports == [1] * len(payloads)
    assert events == []


def test_the_audit_hook_would_have_seen_a_real_unpickler() -> None:
    """The counterpart: the same hook over a real load sees it, so its silence above means something."""
    code = (
        "import sys, pickle; seen = []; sys.addaudithook(lambda n, a: seen.append(n)); "
        "pickle.loads(b'cplatform\\nnode\\n.'); print('import' in seen)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "True"


# -- properties ---------------------------------------------------------------------------------------------

_SMALL = st.integers(0, 255)
_NAMES = st.sampled_from(["os", "system", "builtins", "eval", "a.b", "__builtin__", "", "ü"])
# No opcode with a large memo index: the C unpickler would allocate for it.
_STEPS = st.one_of(
    st.sampled_from(
        [
            pickle.MARK, pickle.POP, pickle.POP_MARK, pickle.DUP, pickle.NONE, pickle.NEWTRUE, pickle.APPEND,
            pickle.APPENDS, pickle.BUILD, pickle.DICT, pickle.EMPTY_DICT, pickle.EMPTY_LIST, pickle.LIST,
            pickle.OBJ, pickle.SETITEM, pickle.SETITEMS, pickle.TUPLE, pickle.EMPTY_TUPLE, pickle.TUPLE1,
            pickle.TUPLE2, pickle.TUPLE3, pickle.NEWOBJ, pickle.NEWOBJ_EX, pickle.REDUCE, pickle.STACK_GLOBAL,
            pickle.MEMOIZE, pickle.EMPTY_SET, pickle.ADDITEMS, pickle.FROZENSET, pickle.BINPERSID, pickle.STOP,
        ]
    ),
    st.builds(lambda m, n: pickle.GLOBAL + f"{m}\n{n}\n".encode(), _NAMES, _NAMES),
    st.builds(lambda m, n: pickle.INST + f"{m}\n{n}\n".encode(), _NAMES, _NAMES),
    st.builds(lambda t: pickle.SHORT_BINUNICODE + bytes([len(t.encode())]) + t.encode(), _NAMES),
    st.builds(lambda i: pickle.BINPUT + bytes([i]), _SMALL),
    st.builds(lambda i: pickle.BINGET + bytes([i]), _SMALL),
    st.builds(lambda i: pickle.BININT1 + bytes([i]), _SMALL),
    st.builds(lambda p: pickle.PROTO + bytes([p]), st.integers(0, 6)),
    st.builds(lambda n: pickle.FRAME + struct.pack("<Q", n), st.integers(0, 64)),
)  # fmt: skip


@settings(max_examples=250, deadline=None)
@given(st.lists(_STEPS, max_size=40))
def test_any_program_of_opcodes_gives_a_trace(steps: list[bytes]) -> None:
    data = b"".join(steps)
    found = trace(data)
    assert isinstance(found, Trace)
    assert 0 <= found.bytes_examined <= len(data)


@settings(max_examples=250, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_give_a_trace(data: bytes) -> None:
    # 'r' and 'q' are LONG_BINPUT and 'p' PUT: with a large index they make the C unpickler allocate.
    found = trace(data.replace(b"r", b".").replace(b"p", b"."))
    assert found.problems or (found.pickles >= 0 and found.bytes_total == len(data))


def _programs() -> st.SearchStrategy[bytes]:
    """Well-formed pickles of calls, instances, builds and data, nested."""
    modules = st.sampled_from(["os", "builtins", "numpy", "copy_reg", "__builtin__", "cPickle"])
    names = st.sampled_from(["system", "eval", "ndarray", "_reconstructor", "xrange", "loads"])
    leaves = st.one_of(
        st.just(pickle.NONE),
        st.builds(lambda i: pickle.BININT1 + bytes([i]), _SMALL),
        st.builds(lambda t: Assembler(None).text(t)._code, st.text(max_size=6)),
        st.builds(lambda m, n: pickle.GLOBAL + f"{m}\n{n}\n".encode(), modules, names),
        st.builds(lambda m, n: bytes(Assembler(None).stack_global(m, n)._code), modules, names),
    )

    def wrap(inner: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
        target = st.builds(lambda m, n: pickle.GLOBAL + f"{m}\n{n}\n".encode(), modules, names)
        items = st.lists(inner, max_size=3).map(lambda parts: b"".join(map(bytes, parts)))
        return st.one_of(
            st.builds(lambda t, i: t + b"(" + i + b"tR", target, items),
            st.builds(lambda t, i: t + b"(" + i + b"t\x81", target, items),
            st.builds(lambda t, i, s: t + b"(" + i + b"tR" + bytes(s) + b"b", target, items, inner),
            st.builds(lambda i: b"(" + i + b"l", items),
            st.builds(lambda t, i: b"(" + t + i + b"o", target, items),
        )

    body = st.recursive(leaves, wrap, max_leaves=8)
    return st.builds(lambda p, b: b"\x80" + bytes([p]) + bytes(b) + b".", st.integers(2, 5), body)


class _Recorded:
    def __init__(self, log: list[str]) -> None:
        self.log = log

    def __call__(self, *_args: object, **_kwargs: object) -> _Recorded:
        return _Recorded(self.log)

    def __setstate__(self, _state: object) -> None:
        pass


class _PythonReader(pickle._Unpickler):  # type: ignore[name-defined]
    """The unpickler that joblib uses, with stand-ins of its own."""

    def __init__(self, data: bytes) -> None:
        super().__init__(io.BytesIO(data))
        self.seen: list[str] = []

    def find_class(self, module: str, name: str) -> Any:
        import _compat_pickle

        if self.proto < 3:
            if (module, name) in _compat_pickle.NAME_MAPPING:
                module, name = _compat_pickle.NAME_MAPPING[(module, name)]
            elif module in _compat_pickle.IMPORT_MAPPING:
                module = _compat_pickle.IMPORT_MAPPING[module]
        self.seen.append(f"{module}:{name}")

        class StandIn(_Recorded):
            def __new__(cls, *_args: object, **_kwargs: object) -> Any:
                return object.__new__(_Recorded)

        return StandIn


@settings(max_examples=200, deadline=None)
@given(_programs())
def test_the_tracer_and_the_python_unpickler_agree_on_what_is_imported(data: bytes) -> None:
    reader = _PythonReader(data)
    try:
        reader.load()
    except Exception:
        reader.seen = list(dict.fromkeys(reader.seen))
        assert refs(trace(data))[: len(reader.seen)] == reader.seen
        return
    found, seen = trace(data), list(dict.fromkeys(reader.seen))
    # Where the tracer refuses to go on it says so, and what it had seen until then is the same.
    assert refs(found) == (seen[: len(found.imports)] if found.problems else seen)


def test_the_extension_registry_of_this_process_is_left_alone_by_tracing() -> None:
    before = dict(copyreg._extension_registry)  # type: ignore[attr-defined]
    trace(Assembler(2).raw(b"\x82\x01").stop())
    assert copyreg._extension_registry == before  # type: ignore[attr-defined]
    assert mapped(b"N.").read(2) == b"N."
