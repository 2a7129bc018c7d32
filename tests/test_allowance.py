from __future__ import annotations

from collections.abc import Iterator

import pytest

from secureload import allowance
from secureload.formats.pieces import PieceReader
from secureload.limits import Limits
from secureload.pickles.vm import trace_stream, with_pickle_reading
from tests.pickles.tracing import mapped, trace

LIMITS = Limits(unpickler_cpu_seconds=2.0, unpickler_mib_cpu_seconds=3.0)


@pytest.fixture
def timer(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What the timer of this process was set to, one after the other."""
    times: list[float] = []
    monkeypatch.setattr(allowance, "_TIMER", allowance._Timer())
    allowance.install(times.append)
    return times


def test_the_time_is_that_of_the_size(timer: list[float]) -> None:
    data = b"\x80\x04N." + bytes(1 << 20)
    trace_stream(mapped(data), limits=LIMITS, bytes_total=1 << 20)
    assert timer == [5.0, 0.0]


def test_it_ends_where_the_pickle_is_broken(timer: list[float]) -> None:
    assert trace(b"\x80\x04", LIMITS).problems
    assert timer[-1] == 0.0


def test_joblib_files_are_read_twice_and_timed_twice(timer: list[float]) -> None:
    found = trace(b"\x80\x04N.", LIMITS)
    with_pickle_reading(found, mapped(b"\x80\x04N."), limits=LIMITS)
    assert len(timer) == 4


def test_a_stream_of_unknown_length_is_given_time_for_each_of_its_pieces(timer: list[float]) -> None:
    def pieces() -> Iterator[bytes]:
        yield from (b"\x80\x04", b"(N", b"l.")

    trace_stream(PieceReader(pieces()), limits=LIMITS)  # type: ignore[arg-type]  # an iterator that returns nothing
    assert timer == [2.0, *timer[1:-1], 0.0]
    assert timer[1:-1] == [2.0] * len(timer[1:-1])
    assert len(timer) > 4
    allowance.renew()
    assert timer[-1] == 0.0


def test_nothing_happens_where_no_timer_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(allowance, "_TIMER", allowance._Timer())
    allowance.renew()
    assert not trace(b"\x80\x04N.", LIMITS).problems
