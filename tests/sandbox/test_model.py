"""A loaded model goes on: after crashes, in several workers, in many threads, in processes forked since."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import secureload
from secureload import SandboxError, UsageError
from secureload.errors import CrashLoopError, SandboxMemoryError, SandboxTimeoutError

from .conftest import Load, run_child
from .inside import INSIDE, Inside
from .test_session import is_gone, wait_until


@pytest.fixture
def inside(load: Load) -> Any:
    return load(Inside(), allow=[INSIDE])


def nested() -> Inside:
    outer = Inside()
    outer.inner = {"steps": [Inside(), Inside()]}
    outer.inner["steps"][1].label = "the second"
    return outer


def kill(model: Any) -> None:
    (pid,) = model.pids
    os.kill(pid, signal.SIGKILL)
    assert wait_until(lambda: is_gone(pid))


# -- restarts -------------------------------------------------------------------------------------------------


def test_a_worker_that_died_while_nobody_asked_is_started_again_by_the_next_call(
    inside: Any, caplog: pytest.LogCaptureFixture
) -> None:
    assert inside.restarts == 0
    first = inside.pids
    with caplog.at_level(logging.WARNING, "secureload"):
        kill(inside)
        assert inside.echo("as before") == "as before"
    assert inside.restarts == 1
    assert inside.pids != first
    (record,) = [record for record in caplog.records if record.name == "secureload.restart"]
    assert record.secureload_restarts == 1
    assert "killed" in record.secureload_reason


def test_a_call_that_the_worker_dies_of_is_an_error_and_the_next_one_works(inside: Any) -> None:
    for restarts in range(1, 4):
        with pytest.raises(SandboxError, match="exit status 3"):
            inside.die()
        assert inside.echo(restarts) == restarts
        assert inside.restarts == restarts


def test_a_loop_that_never_ends_is_a_timeout_with_a_name_and_the_next_call_works(load: Load) -> None:
    model = load(Inside(), allow=[INSIDE], call_timeout_seconds=0.5)
    for attempt in (model.spin, lambda: model.sleep(60)):
        with pytest.raises(SandboxTimeoutError, match=r"within 0\.5 s") as caught:
            attempt()
        assert isinstance(caught.value, TimeoutError)
        assert model.echo(1) == 1
    assert model.restarts == 2


def test_a_timeout_of_a_block_holds_in_the_block_alone(inside: Any) -> None:
    with inside.limits(timeout_seconds=0.3):
        with pytest.raises(SandboxTimeoutError):
            inside.sleep(60)
        assert inside.slow_echo(3) == 3
    assert inside.sleep(0.5) is None


@pytest.mark.parametrize("in_block", [True, False])
def test_a_memory_bomb_is_an_error_with_a_name_and_the_model_lives(load: Load, in_block: bool) -> None:
    room = 200 << 20
    model = load(Inside(), allow=[INSIDE], **({} if in_block else {"memory_bytes": room}))
    before = model.pids
    if in_block:
        with model.limits(memory_bytes=room), pytest.raises(SandboxMemoryError):
            model.hoard(2 * room)
        assert model.hoard(2 * room) == 2 * room >> 20
    else:
        with pytest.raises(SandboxMemoryError, match="memory") as caught:
            model.hoard(2 * room)
        assert isinstance(caught.value, MemoryError)
    assert model.hoard(room >> 1) == room >> 21
    assert (model.pids, model.restarts) == (before, 0)


def test_a_worker_that_crashes_again_and_again_is_not_started_for_ever(load: Load) -> None:
    model = load(Inside(), allow=[INSIDE], restarts=2)
    for _ in range(3):
        with pytest.raises(SandboxError, match="exit status 3"):
            model.die()
    for _ in range(2):
        with pytest.raises(CrashLoopError, match="crashed again, after 2 restarts") as caught:
            model.echo(1)
        assert caught.value.hint
    assert model.restarts == 2
    assert model.pids == ()


def test_restarts_can_be_switched_off(load: Load) -> None:
    model = load(Inside(), allow=[INSIDE], restarts=0)
    kill(model)
    for _ in range(2):
        with pytest.raises(SandboxError, match="died: it was killed"):
            model.echo(1)
    assert (model.restarts, model.pids) == (0, ())


def test_parts_of_a_model_are_found_again_in_a_worker_that_was_started_again(load: Load) -> None:
    model = load(nested(), allow=[INSIDE])
    second = model.inner["steps"][1]
    assert second.label == "the second"
    kill(model)
    assert second.label == "the second"
    assert second.echo(5) == 5
    kill(model)
    assert model.inner["steps"][0].label == "inside"
    assert model.restarts == 2


def test_a_part_that_a_call_gave_is_lost_with_its_worker_and_says_so(load: Load) -> None:
    outer = Inside()
    outer.inner = Inside()
    model = load(outer, allow=[INSIDE])
    part = model.part()
    assert part.echo(1) == 1
    kill(model)
    with pytest.raises(SandboxError, match="lost with its worker") as caught:
        part.echo(1)
    assert "again" in caught.value.hint
    assert model.part().echo(1) == 1


def test_several_models_of_one_file_are_all_found_again(load: Load) -> None:
    bundle = load({"a": Inside(), "b": [nested(), 3]}, allow=[INSIDE])
    first, second = bundle["a"], bundle["b"][0]
    kill(first)
    assert second.inner["steps"][1].label == "the second"
    assert first.label == "inside"
    assert (first.restarts, second.restarts) == (1, 1)
    first.close()


def test_the_file_may_be_gone_when_a_worker_is_started_again(tmp_path: Any, load: Load) -> None:
    model = load(Inside(), allow=[INSIDE])
    for path in tmp_path.glob("model*"):
        path.write_bytes(b"something else")
        path.unlink()
    kill(model)
    assert model.echo(2) == 2


def test_a_call_that_is_interrupted_leaves_the_next_one_its_own_answer(inside: Any) -> None:
    def interrupt() -> None:
        time.sleep(0.3)
        os.kill(os.getpid(), signal.SIGINT)

    for _ in range(2):
        thread = threading.Thread(target=interrupt)
        thread.start()
        with pytest.raises(KeyboardInterrupt):
            inside.sleep(60)
        thread.join()
        assert inside.echo("mine") == "mine"


def test_a_warning_of_the_model_is_about_the_code_that_called_it(load: Load) -> None:
    for options in ({}, {"replicas": 2}):
        model = load(Inside(), allow=[INSIDE], **options)
        for call in (model.warn, model.warn):
            with pytest.warns(RuntimeWarning, match="careful") as caught:
                call()
            assert caught[0].filename == __file__


# -- replicas -------------------------------------------------------------------------------------------------


def test_replicas_answer_at_the_same_time_each_in_a_process_of_its_own(load: Load) -> None:
    model = load(Inside(), allow=[INSIDE], replicas=3)
    pids = model.pids
    assert len(set(pids)) == 3
    together = threading.Barrier(3)
    spans: list[tuple[float, float]] = []

    def ask() -> None:
        together.wait()
        start = time.monotonic()
        model.sleep(0.6)
        spans.append((start, time.monotonic()))

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # All three were under way at one moment: one worker would have answered one after the other.
    assert max(start for start, _ in spans) < min(end for _, end in spans)


def test_a_replica_that_crashes_takes_no_other_with_it(load: Load) -> None:
    model = load(Inside(), allow=[INSIDE], replicas=2)
    answers: list[Any] = []
    thread = threading.Thread(target=lambda: answers.append(model.sleep(1.0) or "slept"))
    thread.start()
    time.sleep(0.2)
    with pytest.raises(SandboxError, match="exit status 3"):
        model.die()
    thread.join()
    assert answers == ["slept"]
    assert model.echo(1) == 1
    assert len(model.pids) >= 1


def test_parts_are_known_to_every_replica(load: Load) -> None:
    model = load(nested(), allow=[INSIDE], replicas=2)
    second = model.inner["steps"][1]
    labels: list[str] = []

    def ask() -> None:
        for _ in range(20):
            labels.append(second.label)
            second.slow_echo(1)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert labels == ["the second"] * 80


@pytest.mark.parametrize(
    "options",
    [{"replicas": 0}, {"replicas": 1.5}, {"replicas": 10_000}, {"restarts": -1}, {"memory_bytes": 0}],
)
def test_numbers_that_make_no_sense_are_refused(load: Load, options: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        load(Inside(), allow=[INSIDE], **options)


# -- threads and processes ------------------------------------------------------------------------------------


@pytest.mark.parametrize("replicas", [1, 2])
def test_many_threads_get_their_own_answers_parts_and_arrays(load: Load, replicas: int) -> None:
    model = load(nested(), allow=[INSIDE], replicas=replicas)
    wrong: list[Any] = []

    def ask(seed: int) -> None:
        for number in range(seed * 1_000, seed * 1_000 + 30):
            rows = np.full((200, 50), float(number))  # large enough for the shared memory
            answer = model.echo(rows)
            if not np.array_equal(answer, rows) or model.echo(number) != number:
                wrong.append(number)
            if model.inner["steps"][number % 2].label != ("the second" if number % 2 else "inside"):
                wrong.append("label")

    threads = [threading.Thread(target=ask, args=(seed,)) for seed in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert wrong == []
    assert not any(thread.is_alive() for thread in threads)


def _used_in_child(model: Any, answers: Any) -> None:
    try:
        answers.put(
            (model.echo(np.arange(5)).tolist(), model.restarts, model.inner["steps"][1].label, model.pids)
        )
    except BaseException as error:
        answers.put(repr(error))


def test_a_forked_process_uses_the_model_in_a_worker_of_its_own(load: Load) -> None:
    model = load(nested(), allow=[INSIDE])
    second = model.inner["steps"][1]
    fork = multiprocessing.get_context("fork")
    answers = fork.Queue()
    children = [fork.Process(target=_used_in_child, args=(model, answers)) for _ in range(2)]
    for child in children:
        child.start()
    found = [answers.get(timeout=60) for _ in children]
    for child in children:
        child.join(30)
        assert child.exitcode == 0
    pids = {pid for answer in found for pid in answer[3]}
    assert [answer[:3] for answer in found] == [([0, 1, 2, 3, 4], 0, "the second")] * 2
    assert len(pids | set(model.pids)) == 3
    assert second.label == "the second"
    assert model.restarts == 0
    assert wait_until(lambda: all(is_gone(pid) for pid in pids))


def test_a_fork_in_the_middle_of_another_threads_call_harms_neither_side(inside: Any) -> None:
    answers: list[Any] = []
    thread = threading.Thread(target=lambda: answers.append(inside.sleep(1.0) or "slept"))
    thread.start()
    time.sleep(0.2)
    child = os.fork()
    if child == 0:
        try:
            os._exit(0 if inside.echo(7) == 7 else 1)
        finally:
            os._exit(2)
    _, status = os.waitpid(child, 0)
    thread.join()
    assert os.waitstatus_to_exitcode(status) == 0
    assert answers == ["slept"]
    assert inside.echo(8) == 8


def test_a_model_that_is_closed_while_others_call_it_says_so_to_each_of_them(inside: Any) -> None:
    told: list[str] = []

    def ask() -> None:
        try:
            while True:
                inside.slow_echo(1)
        except SandboxError as error:
            told.append(error.message)

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    time.sleep(0.1)
    inside.close()
    for thread in threads:
        thread.join(20)
    assert told == ["this model was closed"] * 3


# -- libraries that come late ---------------------------------------------------------------------------------

LATE = """
    import sys
    from pathlib import Path
    import secureload

    path, store, library = sys.argv[1:]
    model = secureload.safe_load(path, trust_store=Path(store), restarts=0)
    assert library not in sys.modules
    rows = [[5.1, 3.5, 1.4, 0.2], [6.0, 3.0, 5.0, 2.0]]
    expected = model.predict(rows).tolist()
    part = model.steps[-1][1]
    made = getattr(__import__(library), {"pandas": "DataFrame", "polars": "DataFrame"}[library])
    frame = made({name: [row[at] for row in rows] for at, name in enumerate("abcd")})
    assert model.predict(frame).tolist() == expected
    assert part.n_features_in_ == 4
    assert model.restarts == 0
    assert len(model.pids) == 1
    print("understood")
"""


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_a_frame_of_a_library_that_was_imported_after_the_model_was_loaded_is_understood(
    library: str, tmp_path: Path, alice: Any, alices_trust_store: Path
) -> None:
    pytest.importorskip(library, reason=f"{library} is not installed (the extra 'libraries' has it)")
    rows = np.array([[5.1, 3.5, 1.4, 0.2], [6.0, 3.0, 5.0, 2.0]])
    path = tmp_path / "model.joblib"
    joblib.dump(make_pipeline(StandardScaler(), LogisticRegression()).fit(rows, [0, 1]), path)
    secureload.sign(path, key=alice)
    ended = run_child(LATE, str(path), str(alices_trust_store), library)
    assert ended.stdout.strip() == "understood", ended.stderr
