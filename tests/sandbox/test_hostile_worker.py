"""A worker that has been taken over answers what it likes; the caller gets an error, in time, and no more."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import resource
import socket
import struct
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from typing import Any

import msgpack
import numpy as np
import pytest

from secureload.errors import SandboxError
from secureload.limits import DEFAULT_LIMITS, Limits
from secureload.sandbox.arena import Arena, open_arena
from secureload.sandbox.channel import Channel
from secureload.sandbox.host import Worker
from secureload.sandbox.model import Model, ModelOptions
from secureload.sandbox.proof import Confinement
from secureload.sandbox.proxy import ModelProxy, proxy_of, reference_of
from secureload.sandbox.rebuilt import ModelError
from secureload.sandbox.wire.frame import Header, Kind, Message, encode_header, encode_message
from secureload.sandbox.wire.values import Encoder

pytest.importorskip("pandas")

QUICK = replace(DEFAULT_LIMITS, worker_call_seconds=1.0)
WIDE = replace(DEFAULT_LIMITS, message_control_bytes=1 << 30)
REFERENCE = ["r", 0, "m", "Model", ["len", "item", "iter", "html", "call"]]
ROWS_10_GIB = ["rx", 0, 10 << 27, 1, None]

Answers = Callable[..., ModelProxy]


class Started:
    """Bytes whose worker has begun to load them."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    def unknown(self) -> frozenset[str]:
        return frozenset()

    def learn(self, libraries: Collection[str]) -> None:
        raise AssertionError(libraries)

    def start(self, spawned: object = None) -> Worker:
        assert spawned is None
        return self._worker

    def close(self) -> None:
        return


@pytest.fixture
def answering() -> Iterator[Answers]:
    """Return a proxy whose worker answers its first question with the given bytes, whatever was asked."""
    ends: list[socket.socket] = []
    models: list[Model] = []

    def start(data: bytes | Callable[[socket.socket], None], limits: Limits = DEFAULT_LIMITS) -> ModelProxy:
        ours, theirs = socket.socketpair()
        leash, held = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ends.extend((theirs, held))
        theirs.sendall(frame({"value": REFERENCE}, request=0))
        worker = Worker(Channel(ours, limits), leash, 0, Confinement(()))
        model = Model(Started(worker), limits, ModelOptions(restarts=0), wrap=proxy_of, unwrap=reference_of)
        models.append(model)
        proxy = model.load()
        speak = data if callable(data) else lambda sock: sock.sendall(data)
        threading.Thread(target=_quietly, args=(speak, theirs), daemon=True).start()
        assert isinstance(proxy, ModelProxy)
        return proxy

    yield start
    for end in ends:
        end.close()
    for model in models:
        model.close()


def _quietly(speak: Callable[[socket.socket], None], sock: socket.socket) -> None:
    try:
        speak(sock)
    except OSError:
        return


def frame(body: Any, *segments: bytes, request: int = 1, kind: Kind = Kind.REPLY) -> bytes:
    return b"".join(encode_message(Message(kind, request, body, segments), WIDE))


def reply(tree: Any, *segments: bytes) -> bytes:
    return frame({"value": tree}, *segments)


def failure(**body: Any) -> bytes:
    return frame(body, kind=Kind.FAILURE)


def raw(control: bytes, payload: int = 0) -> bytes:
    head = bytearray(encode_message(Message(Kind.REPLY, 1, None), WIDE)[0][:24])
    head[12:16] = len(control).to_bytes(4, "big")
    head[16:24] = payload.to_bytes(8, "big")
    return bytes(head) + control


# -- memory of the caller -------------------------------------------------------------------------------------


def address_of(array: Any) -> list[Any]:
    """A dictionary with attributes that tells numpy where to read."""
    fields = [
        ["data", ["t", [array.ctypes.data, False]]],
        ["shape", ["t", [4]]],
        ["typestr", "<f8"],
        ["version", 3],
    ]
    return ["b", [["__array_interface__", ["d", fields]]]]


SECRET = np.arange(4.0)


def test_a_bunch_that_answers_numpys_protocol_gives_no_view_of_the_callers_memory(answering: Answers) -> None:
    bunch = answering(reply(address_of(SECRET))).attribute
    assert np.asarray(bunch).dtype == object
    assert not hasattr(bunch, "__array_interface__")


@pytest.mark.parametrize(
    "tree",
    [
        ["nul", "Float64", address_of(SECRET), ["a", "|b1", [4], False, 0]],
        ["dtz", address_of(SECRET), "ns", "UTC"],
        ["cat", address_of(SECRET), ["ix", None, ["o", [1], ["a"]]], False],
        ["se", None, ["rx", 0, 4, 1, None], address_of(SECRET)],
        ["sp", "coo", False, [9, 9], address_of(SECRET), ["l", [0, 1, 2, 3]], ["l", [0, 1, 2, 3]]],
    ],
    ids=lambda tree: tree[0],
)
def test_no_array_of_pandas_or_scipy_is_made_of_an_address(answering: Answers, tree: list[Any]) -> None:
    with pytest.raises(SandboxError, match="worker answered with"):
        _ = answering(reply(tree, bytes(4))).attribute


# -- size -----------------------------------------------------------------------------------------------------


def colliding(count: int) -> list[Any]:
    prime = (1 << 61) - 1  # the modulus of hash(int)
    return [["I", hex((k + (1 << 70)) * prime)] for k in range(count)]


BOMBS: dict[str, tuple[bytes, str]] = {
    "one segment for many arrays": (
        reply(["l", [["a", "|b1", [1 << 20], False, 0]] * 20_000], bytes(1 << 20)),
        "two arrays claim",
    ),
    "one item, repeated": (reply(["v", "<f8", [1 << 40], [0], 0, 8, 0], bytes(8)), "larger than what came"),
    "records of nothing but gaps": (
        reply(["S", ["fields", False, 1 << 20, False, []], [1 << 20], [], False]),
        "larger than what came",
    ),
    "one value for a long series": (reply(["se", None, ROWS_10_GIB, 5]), "no array"),
    "one value for a long frame": (reply(["df", ["rx", 0, 1, 1, None], ROWS_10_GIB, [5]]), "no array"),
    "rows of a list of lists": (
        reply(
            ["sp", "lil", False, [1 << 30, 1], *(["a", "<i8", [0], False, n] for n in range(3))],
            b"",
            b"",
            b"",
        ),
        "too many rows",
    ),
    "references": (reply(["l", [REFERENCE] * 100_001]), "too many references"),
    "an extension type": (raw(msgpack.packb([{"value": msgpack.ExtType(4, b"x")}, []])), "not msgpack"),
    "a moment of msgpack": (raw(msgpack.packb([{"value": msgpack.Timestamp(1)}, []])), "unknown form"),
    "nested too deep": (raw(b"\x91" * 100_000 + b"\xc0"), "not msgpack"),
    "a class name": (reply(["ty", "numpy", ",".join(["f8"] * 100_000)]), "class that does not cross"),
    "a moment that takes long to parse": (reply(["ts", "1" * 10_000_000, 0, None]), "a time that is none"),
    "a missing list of a fixed size": (
        reply(["ar", False, ["fixed_list", ["int64"], 1 << 28], "items", [None]]),
        "unknown size",
    ),
    "lists of a fixed size in each other": (
        reply(["ar", False, ["fixed_list", ["fixed_list", ["int64"], 1 << 20], 1 << 20], "items", [None]]),
        "larger than what came",
    ),
    "a level of a long range": (
        reply(["mx", [None], [ROWS_10_GIB], [["a", "<i8", [1], False, 0]]], bytes(8)),
        "too many parts",
    ),
    "intervals of long ranges": (reply(["iv", ROWS_10_GIB, ROWS_10_GIB, "left"]), "too many parts"),
    "a moment of no units": (reply(["a", "<M8[0s]", [1], False, 0], bytes(8)), "a dtype"),
}


@pytest.mark.parametrize("name", BOMBS)
def test_what_is_small_on_the_wire_does_not_grow_in_the_caller(answering: Answers, name: str) -> None:
    data, words = BOMBS[name]
    proxy = answering(data)
    before = peak_bytes()
    with pytest.raises(SandboxError, match=words):
        _ = proxy.attribute
    assert peak_bytes() - before < 1 << 28


TOGETHER = {
    "missing bytes of a fixed size": reply(
        ["l", [["ar", False, ["struct", [["x", ["fixed_binary", 1 << 20]]]], "items", [None] * 9]] * 99]
    ),
    "many missing lists of a fixed size": reply(
        ["ar", False, ["fixed_list", ["int64"], 1 << 20], "items", [None] * 1000]
    ),
    "matrices of nothing but rows": reply(
        [
            "l",
            [
                ["sp", "lil", False, [1 << 16, 1], *(["a", "<i8", [0], False, 3 * at + n] for n in range(3))]
                for at in range(9)
            ],
        ],
        *[b""] * 27,
    ),
}


@pytest.mark.parametrize("name", TOGETHER)
def test_what_grows_a_little_each_time_is_added_up(answering: Answers, name: str) -> None:
    proxy = answering(TOGETHER[name], replace(DEFAULT_LIMITS, message_payload_bytes=1 << 25))
    with pytest.raises(SandboxError, match="larger than what came"):
        _ = proxy.attribute


def peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


def test_a_header_that_announces_gigabytes_takes_no_memory_until_they_come(answering: Answers) -> None:
    proxy = answering(raw(msgpack.packb([{}, []]), 2 << 30), QUICK)
    before = peak_bytes()
    with pytest.raises(SandboxError, match="within 1 s"):
        _ = proxy.attribute
    assert peak_bytes() - before < 1 << 28


def test_a_million_empty_lists_are_counted_while_they_are_parsed(answering: Answers) -> None:
    few = replace(DEFAULT_LIMITS, message_items=10_000)
    data = raw(b"\x92\x81\xa5value\xdd" + (2_000_000).to_bytes(4, "big") + b"\x90" * 2_000_000 + b"\x90")
    with pytest.raises(SandboxError, match="not msgpack"):
        _ = answering(data, few).attribute


@pytest.mark.parametrize(
    "kind",
    [["Array", ["Int64"], 1 << 28], ["Array", ["Array", ["Int64"], 1 << 24], 1 << 24]],
    ids=["flat", "nested"],
)
def test_a_missing_array_of_polars_takes_no_memory_and_does_not_panic(answering: Answers, kind: Any) -> None:
    pytest.importorskip("polars")
    proxy = answering(reply(["pls", "x", kind, [None], None]))
    with pytest.raises(SandboxError, match=r"dtype of polars|larger than what came"):
        _ = proxy.attribute


def test_a_library_that_panics_over_an_answer_is_an_error(
    answering: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    from secureload.sandbox.wire import values

    panic = type("PanicException", (BaseException,), {"__module__": "pyo3_runtime"})

    def gives_up(*_: Any) -> Any:
        raise panic("called `Result::unwrap()` on an `Err` value")

    monkeypatch.setitem(values._DECODERS, "pls", gives_up)
    with pytest.raises(SandboxError, match="it panicked"):
        _ = answering(reply(["pls", "x", ["Null"], [], None])).attribute


# -- random numbers -------------------------------------------------------------------------------------------


def forged(name: str, **positions: Any) -> tuple[Any, list[bytes]]:
    """The state of a generator that stands elsewhere than it can."""
    generator: Any = (
        np.random.RandomState(0) if name == "RandomState" else np.random.Generator(np.random.Philox(0))
    )
    state = generator.get_state(legacy=False) if name == "RandomState" else generator.bit_generator.state
    state["state"].update({key: value for key, value in positions.items() if key == "pos"})
    state.update({key: value for key, value in positions.items() if key != "pos"})
    encoder = Encoder(WIDE)
    return ["rng", name, encoder.encode(state)], [bytes(segment) for segment in encoder.segments]


@pytest.mark.parametrize(
    ("name", "positions"),
    [
        ("RandomState", {"pos": 625}),
        ("RandomState", {"pos": -100}),
        ("RandomState", {"pos": None}),
        ("RandomState", {"pos": 5.0}),
        ("Generator", {"buffer_pos": -1000}),
        ("Generator", {"buffer_pos": 5}),
        ("Generator", {"state": None}),
    ],
    ids=str,
)
def test_a_generator_that_would_draw_the_callers_memory_is_refused(
    answering: Answers, name: str, positions: dict[str, Any]
) -> None:
    tree, segments = forged(name, **positions)
    with pytest.raises(SandboxError, match="random generator"):
        _ = answering(reply(tree, *segments)).attribute


# -- zones ----------------------------------------------------------------------------------------------------


def test_what_one_model_says_of_a_zone_is_not_believed_of_another_models(answering: Answers) -> None:
    moment = "2026-01-01T00:00:00"
    here, there = (zone_of(hours) for hours in (1, 9))
    first = answering(reply(["ts", moment, 0, ["zi", "Mars/Base", there]])).attribute
    second = answering(reply(["ts", moment, 0, ["zi", "Mars/Base", here]])).attribute
    assert first.utcoffset().total_seconds() == 9 * 3600
    assert second.utcoffset().total_seconds() == 3600
    again = answering(reply(["ts", moment, 0, ["zi", "Mars/Base", here]])).attribute
    assert again.tzinfo is second.tzinfo
    with pytest.raises(SandboxError, match="not known here"):
        _ = answering(reply(["ts", moment, 0, ["zi", "Mars/Base", None]])).attribute


def zone_of(hours: int) -> bytes:
    """A file of the zoneinfo database (RFC 8536) with one offset."""
    block = struct.pack(">4sc15x6I", b"TZif", b"2", 0, 0, 0, 0, 1, 4)
    local = struct.pack(">iBB", hours * 3600, 0, 0) + b"XXX\0"
    return block + local + block + local + b"\n\n"


# -- time -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "tree",
    [
        ["d", [[key, None] for key in colliding(60_000)]],
        ["s", [["t", list(bits)] for bits in itertools.product((-1, -2), repeat=16)]],
        ["mx", [None], [["ix", None, ["o", [60_000], colliding(60_000), False]]], []],
    ],
    ids=["dictionary", "set", "index"],
)
def test_keys_that_all_have_one_hash_end_with_the_deadline(answering: Answers, tree: list[Any]) -> None:
    proxy = answering(reply(tree), QUICK)
    with pytest.raises(SandboxError, match="too long"):
        _ = proxy.attribute


def test_a_byte_at_a_time_ends_with_the_deadline(answering: Answers) -> None:
    def drip(sock: socket.socket) -> None:
        for byte in reply(5):
            sock.sendall(bytes([byte]))
            time.sleep(0.1)

    with pytest.raises(SandboxError, match="within 1 s"):
        _ = answering(drip, QUICK).attribute


def test_a_worker_that_reads_slowly_does_not_get_the_deadline_once_for_each_array(answering: Answers) -> None:
    def sip(sock: socket.socket) -> None:
        while sock.recv(1 << 18):
            time.sleep(0.3)

    proxy = answering(sip, replace(DEFAULT_LIMITS, worker_call_seconds=1.5))
    session = object.__getattribute__(proxy, "_secureload_reference").session
    finished = threading.Event()

    def ask() -> None:
        arrays = tuple(np.zeros(1 << 17) for _ in range(40))
        with pytest.raises(SandboxError):
            session.call(reference_of(proxy), "predict", arrays, {})
        finished.set()

    threading.Thread(target=ask, daemon=True).start()
    assert finished.wait(6)  # 12 s, if each array had a deadline of its own


# -- questions in the middle of an answer ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "tree",
    [
        ["df", REFERENCE, ["rx", 0, 1, 1, None], []],
        ["df", ["rx", 0, 1, 1, None], REFERENCE, []],
        ["se", None, ["rx", 0, 1, 1, None], REFERENCE],
        ["nul", "Int8", REFERENCE, REFERENCE],
        ["sp", "coo", False, [2, 2], REFERENCE, REFERENCE, REFERENCE],
        ["ix", None, ["o", [1], [REFERENCE]]],
        ["mx", [None], [["t", [REFERENCE]]]],
        ["s", [REFERENCE, REFERENCE]],
        ["c", REFERENCE, REFERENCE],
        ["ra", REFERENCE],
        ["ty", "numpy", REFERENCE],
        ["o", [2, 1], [REFERENCE, REFERENCE]],
    ],
    ids=json.dumps,
)
def test_a_proxy_in_the_place_of_an_array_does_not_make_the_caller_wait_for_itself(
    answering: Answers, tree: list[Any]
) -> None:
    proxy = answering(reply(tree))
    finished = threading.Event()

    def ask() -> None:
        with contextlib.suppress(SandboxError):
            _ = proxy.attribute
        finished.set()

    threading.Thread(target=ask, daemon=True).start()
    assert finished.wait(20)


# -- answers of the wrong kind --------------------------------------------------------------------------------

ANYTHING = [
    None,
    True,
    -1,
    1 << 63,
    1.5,
    "x",
    b"x",
    ["l", []],
    ["d", [["a", 1]]],
    REFERENCE,
    ["n", 1],
    ["zz"],
    {},
]


@pytest.mark.parametrize("tree", ANYTHING, ids=repr)
@pytest.mark.parametrize("ask", [repr, len, dir, "html", "tags", iter], ids=str)
def test_whatever_the_answer_is_the_proxy_gives_it_or_raises_our_own_error(
    answering: Answers, ask: Any, tree: Any
) -> None:
    proxy: Any = answering(frame({"value": tree} if tree != 1 << 63 else {}))
    question = {"html": lambda p: p._repr_html_(), "tags": lambda p: p.__sklearn_tags__()}.get(ask, ask)
    try:
        question(proxy)
    except SandboxError:
        return


def test_a_notebook_shows_what_the_model_draws_in_a_frame_that_runs_and_loads_nothing(
    answering: Answers,
) -> None:
    drawn = '<script>kernel.execute("x")</script>"></iframe><img src=x onerror=alert(1)>'
    shown = answering(reply(drawn))._repr_html_()
    assert shown.startswith('<iframe sandbox="" ')
    assert "default-src &#x27;none&#x27;" in shown
    assert shown.count("<") == 2  # the frame's own tags: all that the model drew is an attribute
    assert "kernel.execute(&quot;x&quot;)" in shown


def test_terminal_escapes_in_a_repr_are_shown_and_not_obeyed(answering: Answers) -> None:
    assert repr(answering(reply("Model(\n\t\x1b[2Ja\u202e)"))) == "Model(\n\t\\x1b[2Ja\\u202e)"


# -- exceptions and warnings ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["SystemExit", "KeyboardInterrupt", "GeneratorExit", "StopIteration", "StopAsyncIteration"]
)
def test_the_control_flow_of_the_caller_is_not_the_workers_to_change(answering: Answers, name: str) -> None:
    with pytest.raises(ModelError, match=name):
        _ = answering(failure(lineage=[["builtins", name]], message="", args=["l", []])).attribute


HOSTILE_LINEAGES = [
    [],
    [[]],
    [None],
    [["builtins"]],
    [["builtins", "print"]],
    [["os", "error"]],
    [[["builtins"], "ValueError"]],
    [["builtins", "ExceptionGroup"]],
    [["builtins", "UnicodeDecodeError"]],
    [["numpy", "f2py"]],
    [["sys", "exit"]] * 50_000,
    [["\x1b[2J", "\x1b[2J"]],
    [[1, {"a": 1}]],
]


@pytest.mark.parametrize("lineage", HOSTILE_LINEAGES, ids=lambda value: repr(value)[:40])
@pytest.mark.parametrize(
    "arguments", [None, 5, ["l", []], ["l", [["l", ["\x1b"]]] * 9], REFERENCE, ["d", []]]
)
def test_an_exception_with_a_hostile_name_or_hostile_arguments_is_an_exception_in_plain_text(
    answering: Answers, lineage: Any, arguments: Any
) -> None:
    proxy = answering(failure(lineage=lineage, message="\x1b[2Joh\nno", args=arguments))
    with pytest.raises((SandboxError, ExceptionGroup)) as caught:
        _ = proxy.attribute
    assert "\x1b" not in str(caught.value)


def test_escapes_in_the_arguments_of_an_exception_are_shown_and_not_obeyed(answering: Answers) -> None:
    body = {
        "lineage": [["builtins", "ValueError"]],
        "message": "m",
        "args": ["l", ["\x1b]0;owned\x07\nline"]],
    }
    with pytest.raises(ValueError) as caught:
        _ = answering(failure(**body)).attribute
    assert str(caught.value) == "\\x1b]0;owned\\x07\nline"


@pytest.mark.parametrize("tag", ["t", "l"])
@pytest.mark.parametrize("name", ["SyntaxError", "IndentationError", "TabError"])
def test_escapes_in_the_line_that_a_syntax_error_shows_are_shown_and_not_obeyed(
    answering: Answers, name: str, tag: str
) -> None:
    where = [tag, ["\x1b]0;owned\x07", 1, 1, "\x1b[2Jx = \u202e\n"]]
    if tag == "l":
        where = ["l", where[1]]
    body = {
        "lineage": [["builtins", name], ["builtins", "SyntaxError"]],
        "message": "m",
        "args": ["l", ["no", where]],
    }
    with pytest.raises(SyntaxError) as caught:
        _ = answering(failure(**body)).attribute
    shown = "".join(traceback.format_exception_only(caught.value)) + str(caught.value)
    assert "\\x1b[2Jx" in shown
    assert not set("\x1b\x07\u202e") & set(shown)


def test_nothing_is_imported_because_an_exception_names_it(answering: Answers) -> None:
    import sys

    gone = {name: sys.modules.pop(name) for name in list(sys.modules) if name.startswith("numpy.f2py")}
    had = np.__dict__.pop("f2py", None)
    try:
        with pytest.raises(ModelError):
            _ = answering(failure(lineage=[["numpy", "f2py"]], message="")).attribute
        assert "numpy.f2py" not in sys.modules
    finally:
        sys.modules.update(gone)
        if had is not None:
            np.__dict__["f2py"] = had


def test_a_flood_of_warnings_is_a_hundred_warnings_in_plain_text(answering: Answers) -> None:
    entries = [[[["builtins", "RuntimeWarning"]], f"\x1b[2J{number}"] for number in range(5_000)]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert answering(frame({"value": 1, "warnings": entries})).attribute == 1
    assert len(caught) == 100
    assert str(caught[0].message) == "\\x1b[2J0"


def test_a_flood_of_prints_is_logged_up_to_one_limit_for_the_whole_answer(
    answering: Answers, caplog: pytest.LogCaptureFixture
) -> None:
    lines = [["stdout", "\n" * 5_000] for _ in range(100)]
    texts = [["stderr", "x" * 60_000] for _ in range(100)]
    for entries in (lines, texts):
        caplog.clear()
        with caplog.at_level("INFO", logger="secureload.model"):
            assert answering(frame({"value": 1, "warnings": entries})).attribute == 1
        told = [record.getMessage() for record in caplog.records if record.name == "secureload.model"]
        assert len(told) <= 1_001
        assert sum(map(len, told)) < 1 << 17
        assert told[-1] == "(it printed more, which is not logged)"


def test_warnings_that_differ_each_time_do_not_fill_the_memory_of_the_caller(
    answering: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("secureload.sandbox.rebuilt._remembered", set())
    registry = globals().setdefault("__warningregistry__", {})
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        warnings.showwarning = lambda *_, **__: shown.append(1)  # type: ignore[assignment]  # only counted
        shown: list[int] = []
        registry.clear()
        for begin in range(0, 3_000, 100):
            entries = [[[["builtins", "UserWarning"]], f"{begin + at} of many"] for at in range(100)]
            assert answering(frame({"value": 1, "warnings": entries})).attribute == 1
    assert len(shown) == 3_000
    assert len(registry) <= 1_001


# -- the order of things --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"GET / HTTP/1.1\r\n\r\n" * 2,
        reply(1)[:-1],
        frame({"value": 1}, request=7),
        frame({"value": 1}, kind=Kind.OPEN),
        frame({"value": 1}, kind=Kind.READY),
        frame(None),
        raw(b"\xc1"),
        raw(msgpack.packb([{}, [1 << 62]])),
        raw(msgpack.packb([{}, [-1]])),
        raw(msgpack.packb([{}, [True]])),
        raw(msgpack.packb([{}, {}])),
        raw(msgpack.packb({1: 2})),
        raw(b"", 1 << 40),
    ],
    ids=range(14),
)
def test_after_a_broken_answer_the_session_is_over_and_says_so_twice(answering: Answers, data: bytes) -> None:
    def speak(sock: socket.socket) -> None:
        sock.sendall(data)
        sock.shutdown(socket.SHUT_WR)

    proxy = answering(speak)
    for _ in range(2):
        with pytest.raises(SandboxError):
            _ = proxy.attribute


def test_an_answer_that_was_not_asked_for_ends_the_session_before_it_is_taken_for_the_next(
    answering: Answers,
) -> None:
    proxy = answering(reply("first") + reply("forged"))
    assert proxy.attribute == "first"
    with pytest.raises(SandboxError, match="out of turn"):
        _ = proxy.other


def test_ctrl_c_in_the_middle_of_sending_ends_the_session(
    answering: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = answering(b"")

    def interrupted(*_args: Any, **_options: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Channel, "send", interrupted)
        with pytest.raises(KeyboardInterrupt):
            _ = proxy.attribute
    with pytest.raises(SandboxError, match="interrupted"):
        _ = proxy.attribute


# -- the short way of an answer that was seen before -----------------------------------------------------------

NUMBERS = np.arange(3.0)
CONTROL = msgpack.packb([{"value": ["a", "<f8", [3], False, 0]}, [24]])


def again(**changed: Any) -> bytes:
    """The same answer once more, to the third question, with something else in its header or behind it."""
    fields: dict[str, Any] = {"kind": Kind.REPLY, "request_id": 3, "shared": False, "payload": 64, **changed}
    header = Header(fields["kind"], fields["request_id"], len(CONTROL), fields["payload"], fields["shared"])
    return encode_header(header) + CONTROL + bytes(fields["payload"] if not header.shared else 0)


@pytest.mark.parametrize(
    "forged",
    [
        again(payload=0),
        again(payload=128),
        again(payload=1 << 20),
        again(request_id=2),
        again(request_id=4),
        again(kind=Kind.READY),
        again(shared=True),
        again(shared=True, payload=1 << 30),
    ],
    ids=range(8),
)
def test_a_known_answer_with_another_header_is_no_answer(answering: Answers, forged: bytes) -> None:
    honest = [
        frame({"value": ["a", "<f8", [3], False, 0]}, NUMBERS.tobytes(), request=number) for number in (1, 2)
    ]
    proxy = answering(b"".join(honest) + forged)
    for _ in range(2):
        assert np.array_equal(ask(proxy), NUMBERS)
    with pytest.raises(SandboxError):
        ask(proxy)
    with pytest.raises(SandboxError):
        ask(proxy)


def test_a_known_answer_that_says_it_is_a_failure_is_an_exception(answering: Answers) -> None:
    honest = frame({"value": ["a", "<f8", [3], False, 0]}, NUMBERS.tobytes())
    proxy = answering(honest + again(kind=Kind.FAILURE, request_id=2))
    assert np.array_equal(ask(proxy), NUMBERS)
    with pytest.raises(SandboxError, match="without saying how"):
        ask(proxy)


def test_what_a_worker_writes_to_the_shared_memory_after_its_answer_is_not_seen(answering: Answers) -> None:
    size = 1 << 22
    arena, descriptor = open_arena(size)
    worker = Arena(descriptor, size, parent=False)
    os.close(descriptor)
    answers = np.arange(50_000.0)
    tree = ["a", "<f8", [answers.size], False, 0]
    control = msgpack.packb([{"value": tree}, [answers.nbytes]])
    header = [Header(Kind.REPLY, number, len(control), answers.nbytes, shared=True) for number in (1, 2, 3)]

    def speak(sock: socket.socket) -> None:
        for each in header:
            sock.recv(1 << 16)
            worker.put([answers.tobytes()])
            sock.sendall(encode_header(each) + control)

    proxy = answering(speak)
    session = object.__getattribute__(proxy, "_secureload_reference").session._slots[0].session
    session._worker.channel.share(arena)
    for _ in header:  # the first is parsed, the others are known
        found = ask(proxy)
        worker.put([bytes(answers.nbytes)])
        assert np.array_equal(found, answers)


def ask(proxy: ModelProxy) -> Any:
    reference = reference_of(proxy)
    assert reference is not None
    return reference.session.call(reference, "predict", (np.zeros((1, 20)),), {})


# -- names ------------------------------------------------------------------------------------------------------


def test_names_of_attributes_that_a_shell_would_obey_are_left_out(answering: Answers) -> None:
    names = ["fine", "\x1b[2Jowned", "a\nb", "\u202eevil", "a b", "", 5, None]
    shown = dir(answering(reply(["l", names])))
    assert "fine" in shown
    assert all(name.isidentifier() for name in shown)


def test_names_that_are_none_are_no_names(answering: Answers) -> None:
    assert "close" in dir(answering(reply(5)))
