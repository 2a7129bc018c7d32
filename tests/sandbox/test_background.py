"""Calls that are awaited: the event loop goes on, cancelled calls free their worker, and threads end."""

from __future__ import annotations

import asyncio
import contextvars
import threading
import time
from typing import Any

import pytest

from secureload import SandboxError
from secureload.errors import SandboxTimeoutError
from secureload.sandbox.background import Background

from .conftest import Load
from .inside import INSIDE, Inside
from .test_session import wait_until


@pytest.fixture
def inside(load: Load) -> Any:
    return load(Inside(), allow=[INSIDE])


def test_any_method_is_awaited_by_an_a_before_its_name(inside: Any) -> None:
    async def main() -> list[Any]:
        return [await inside.aecho(1), *await asyncio.gather(*(inside.aslow_echo(n) for n in range(20)))]

    assert asyncio.run(main()) == [1, *range(20)]
    assert not hasattr(inside, "alabel")
    assert not hasattr(inside, "aunheard_of")
    assert "echo" in repr(inside.aecho)


def test_the_event_loop_goes_on_while_a_call_is_awaited(inside: Any) -> None:
    async def main() -> int:
        call = asyncio.create_task(inside.asleep(0.5))
        ticks = 0
        while not call.done():
            await asyncio.sleep(0.01)
            ticks += 1
        return ticks

    assert asyncio.run(main()) >= 5


def test_awaited_calls_run_at_the_same_time_in_replicas(load: Load) -> None:
    model = load(Inside(), allow=[INSIDE], replicas=2)
    spans = asyncio.run(_spans(model))
    # Both were under way at one moment.
    assert max(start for start, _ in spans) < min(end for _, end in spans)


async def _spans(model: Any) -> list[Any]:
    return list(await asyncio.gather(model.aspan(0.6), model.aspan(0.6)))


def test_a_cancelled_call_that_runs_on_loses_its_worker_and_the_next_call_works(inside: Any) -> None:
    async def main() -> Any:
        call = asyncio.create_task(inside.aspin())
        await asyncio.sleep(0.3)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        return await asyncio.wait_for(inside.aecho("next"), 30)

    assert asyncio.run(main()) == "next"
    assert inside.restarts == 1
    assert inside.echo("and the one after it") == "and the one after it"


def test_a_cancelled_call_that_ends_soon_keeps_its_worker(inside: Any) -> None:
    async def main() -> Any:
        call = asyncio.create_task(inside.asleep(0.4))
        await asyncio.sleep(0.1)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        return await inside.aecho("next")

    before = inside.pids
    assert asyncio.run(main()) == "next"
    assert (inside.pids, inside.restarts) == (before, 0)


def test_a_cancelled_call_that_waits_for_its_turn_is_never_made(inside: Any) -> None:
    async def main() -> Any:
        first = asyncio.create_task(inside.asleep(0.3))
        second = asyncio.create_task(inside.adie())
        await asyncio.sleep(0.05)
        second.cancel()
        await first
        return await inside.aecho("alive")

    before = inside.pids
    assert asyncio.run(main()) == "alive"
    assert inside.pids == before


def test_many_cancellations_are_no_crash_loop(load: Load) -> None:
    model = load(Inside(), allow=[INSIDE], restarts=1, limits=_impatient())

    async def main() -> None:
        for number in range(3):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(model.aspin(), 0.1)
            assert await model.aecho(number) == number

    asyncio.run(main())
    assert model.restarts == 3


def _impatient() -> Any:
    from secureload import Limits

    return Limits(worker_abandoned_seconds=0.05)


def test_limits_of_a_block_hold_for_awaited_calls_of_this_task_alone(inside: Any) -> None:
    async def short() -> str:
        with inside.limits(timeout_seconds=0.2), pytest.raises(SandboxTimeoutError):
            await inside.asleep(30)
        return "short"

    async def long() -> str:
        await inside.asleep(0.5)
        return "long"

    async def main() -> list[str]:
        return list(await asyncio.gather(short(), long()))

    assert asyncio.run(main()) == ["short", "long"]


def test_an_async_block_ends_the_worker(load: Load) -> None:
    async def main() -> Any:
        async with load(Inside(), allow=[INSIDE]) as model:
            assert await model.aecho(1) == 1
        with pytest.raises(SandboxError, match="closed"):
            await model.aecho(1)

    asyncio.run(main())


def test_calls_work_inside_a_running_event_loop_as_a_notebook_has_one(inside: Any) -> None:
    async def cell() -> Any:
        return inside.echo("a cell")

    assert asyncio.run(cell()) == "a cell"


# -- the threads themselves -----------------------------------------------------------------------------------


def ours() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "secureload-call"]


def test_threads_end_when_their_model_is_closed(load: Load) -> None:
    model = load(Inside(), allow=[INSIDE])
    before = len(ours())
    asyncio.run(_once(model))
    assert len(ours()) == before + 1
    model.close()
    assert wait_until(lambda: len(ours()) <= before)


async def _once(model: Any) -> None:
    await model.aecho(1)


def test_no_more_threads_than_there_are_workers_and_the_context_goes_along() -> None:
    background = Background(2)
    variable: contextvars.ContextVar[int] = contextvars.ContextVar("variable")
    seen: list[tuple[int, int]] = []

    def run() -> None:
        time.sleep(0.02)
        seen.append((variable.get(), threading.get_ident()))

    futures = []
    for number in range(20):
        variable.set(number)
        futures.append(background.submit(run))
    for future in futures:
        future.result(20)
    assert sorted(number for number, _ in seen) == list(range(20))
    assert len({thread for _, thread in seen}) <= 2
    background.close()


def test_what_a_function_raises_is_raised_where_it_is_awaited() -> None:
    background = Background(1)

    async def main() -> None:
        with pytest.raises(ZeroDivisionError):
            await background.run(lambda: 1 / 0, lambda _future: None)

    asyncio.run(main())
    background.close()
