"""A loaded model's life: what it can see, how it ends, and that its end is never a hang."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from secureload import Limits, SandboxError, UsageError
from secureload.errors import SandboxTimeoutError, SecureloadError

from .conftest import ROOT, Load
from .inside import INSIDE, Inside

OWN_ERROR = INSIDE.replace("Inside", "OwnError")


def wait_until(condition: Callable[[], bool], seconds: float = 20) -> bool:
    """Whether the condition came true; the wait is bounded, and generous."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return False


def is_gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except OSError:
        return True


def worker_of(model: Any) -> int:
    pid: int = object.__getattribute__(model, "_secureload_reference").session.pid
    return pid


@pytest.fixture
def inside(load: Load) -> Any:
    return load(Inside(), allow=[INSIDE])


def test_nothing_of_the_callers_environment_is_seen_inside(
    load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("A_SECRET_OF_THE_CALLER", "token")
    seen = load(Inside(), allow=[INSIDE]).environment()
    # What scikit-learn and polars set themselves when they are imported, and the numbers of threads, may be there too.
    libraries = {
        name
        for name in seen
        if name.startswith(("KMP_", "_RJEM_", "JE_ARROW_", "ARROW_")) or name.endswith("_NUM_THREADS")
    }
    assert set(seen) - libraries <= {
        "PATH",
        "LC_ALL",
        "HOME",
        "LC_CTYPE",
        "LD_LIBRARY_PATH",
        "JE_ARROW_MALLOC_CONF",
        "_RJEM_MALLOC_CONF",
    }
    assert "token" not in str(seen)


def test_no_door_is_open_inside(inside: Any) -> None:
    tried = inside.tries()
    assert tried.pop("execute") in {"could: -1", "could: 32512", "PermissionError"}
    assert not [name for name, outcome in tried.items() if outcome.startswith("could")]


def test_only_the_descriptors_that_it_needs_are_open_inside(inside: Any) -> None:
    # The three standard ones, which are /dev/null, and the socket; the artifact is closed once loaded.
    assert len(inside.descriptors()) <= 5


def test_threads_work_inside(inside: Any) -> None:
    assert inside.thread_answer() == "from a thread"


def test_the_confinement_says_its_level_and_its_layers(inside: Any) -> None:
    assert inside.confinement.level in {"required", "standard", "full"}
    names = {report.name for report in inside.confinement.layers if report.enforced}
    assert names >= {"no-new-privileges", "resource-limits", "capabilities", "seccomp"}
    if os.environ.get("SECURELOAD_REQUIRE_SANDBOX") == "1":
        assert inside.confinement.level in {"standard", "full"}


def test_close_ends_the_worker_and_every_later_use_says_so(inside: Any) -> None:
    pid, method = worker_of(inside), inside.echo
    assert not is_gone(pid)
    inside.close()
    inside.close()
    assert wait_until(lambda: is_gone(pid))
    with pytest.raises(SandboxError, match="closed"):
        method(1)
    with pytest.raises(SandboxError, match="closed"):
        _ = inside.loaded
    assert "closed" in repr(inside)


def test_a_with_block_ends_the_worker(load: Load) -> None:
    with load(Inside(), allow=[INSIDE]) as model:
        pid = worker_of(model)
        assert model.echo(5) == 5
    assert wait_until(lambda: is_gone(pid))


def test_the_last_reference_ends_the_worker(tmp_path: Path, alice: Any, alices_trust_store: Path) -> None:
    import joblib

    import secureload

    joblib.dump(Inside(), tmp_path / "m.joblib")
    secureload.sign(tmp_path / "m.joblib", key=alice)
    model = secureload.safe_load(tmp_path / "m.joblib", trust_store=alices_trust_store, allow=[INSIDE])
    pid, method = worker_of(model), model.echo
    del model
    gc.collect()
    assert method("still here") == "still here"  # a method holds the model
    del method
    gc.collect()
    assert wait_until(lambda: is_gone(pid))


def test_a_model_that_ends_its_own_process_is_a_sandbox_error(inside: Any) -> None:
    with pytest.raises(SandboxError, match="exit status 3"):
        inside.die()


def test_a_call_that_takes_too_long_is_a_sandbox_error_and_the_worker_ends(load: Load) -> None:
    model = load(Inside(), allow=[INSIDE], limits=Limits(worker_call_seconds=0.5))
    pid = worker_of(model)
    with pytest.raises(SandboxTimeoutError, match="did not answer"):
        model.sleep(60)
    assert wait_until(lambda: is_gone(pid))


def test_more_memory_than_is_allowed_is_a_memory_error_and_the_model_lives(inside: Any) -> None:
    with pytest.raises(MemoryError):
        inside.exhaust()
    assert inside.echo("still here") == "still here"


def test_two_threads_that_call_one_model_get_their_own_answers(inside: Any) -> None:
    wrong: list[tuple[int, object]] = []

    def ask(start: int) -> None:
        for number in range(start, start + 40):
            answer = inside.slow_echo(number)
            if answer != number:
                wrong.append((number, answer))

    threads = [threading.Thread(target=ask, args=(start * 1_000,)) for start in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert wrong == []
    assert not any(thread.is_alive() for thread in threads)


def test_arrays_of_any_layout_come_back_the_first_time_and_every_time_after(inside: Any) -> None:
    base = np.arange(240.0).reshape(12, 20)
    arrays = [
        base,
        base[:1],
        base.T,
        base[::2, ::3],
        base.astype("f4"),
        base > 100,
        base.astype(">i2"),
        base[0, 0],
    ]
    arrays += [
        np.zeros((0, 20)),
        np.arange(20_000.0).reshape(100, 200),
        np.arange(20_000.0).reshape(100, 200).T,
    ]
    for _ in range(3):
        for array in arrays:
            found = inside.echo(array)
            assert (type(found), found.dtype, found.shape) == (type(array), array.dtype, array.shape)
            assert found.tobytes() == array.tobytes()
            if isinstance(found, np.ndarray):
                assert (found.flags.c_contiguous, found.flags.f_contiguous) == (
                    array.flags.c_contiguous,
                    array.flags.f_contiguous,
                )
                assert found.flags.writeable


def test_an_array_that_the_model_keeps_is_never_written_over(inside: Any) -> None:
    large = np.arange(50_000.0)
    for _ in range(3):
        assert inside.echo(large).sum() == large.sum()  # twice the short way
    inside.keep(large, "the long way")
    for _ in range(3):
        assert inside.echo(large * 2).sum() == 2 * large.sum()
    assert np.array_equal(inside.kept, large)


def test_an_array_that_the_model_keeps_of_a_known_question_is_never_written_over(inside: Any) -> None:
    large = np.arange(50_000.0)
    for _ in range(3):
        inside.keep_positive(-large[1:])
    inside.keep_positive(large[1:])
    for _ in range(3):
        assert inside.echo(large * 2).sum() == 2 * large.sum()
    assert np.array_equal(inside.kept, large[1:])


def test_a_model_that_warns_or_fails_on_an_array_is_heard_every_time(inside: Any) -> None:
    array = np.zeros(3)
    for _ in range(3):
        with pytest.warns(RuntimeWarning, match="divide by zero"):
            assert np.isneginf(inside.log(array)).all()
        with pytest.raises(TypeError):
            inside.warn(array)
        assert inside.echo(array).tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("name", "kind", "text"),
    [
        ("value", ValueError, "wrong value"),
        ("key", KeyError, "no key"),
        ("unicode", UnicodeDecodeError, "no"),
    ],
)
def test_exceptions_of_the_model_arrive_as_what_they_are(
    inside: Any, name: str, kind: type[Exception], text: str
) -> None:
    with pytest.raises(kind, match=text) as caught:
        inside.fail(name)
    assert any("sandbox" in note for note in caught.value.__notes__)


@pytest.mark.parametrize("name", ["exit", "interrupt", "own"])
def test_an_exception_that_has_no_place_here_is_a_sandbox_error(inside: Any, name: str) -> None:
    with pytest.raises(SecureloadError):
        inside.fail(name)
    assert inside.echo("still here") == "still here"


def test_warnings_of_the_model_are_issued_here(inside: Any) -> None:
    with pytest.warns(RuntimeWarning, match="careful") as caught:
        assert inside.warn() == "warned"
    assert caught[0].filename == __file__  # the line that called the model


def test_what_is_no_data_is_not_sent(inside: Any) -> None:
    with pytest.raises(UsageError, match="only data crosses"):
        inside.echo(lambda: None)
    assert inside.echo("still here") == "still here"


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def children() -> int:
    return len(Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split())


def test_fifty_loads_leave_no_descriptor_no_child_and_no_zombie(
    tmp_path: Path, alice: Any, alices_trust_store: Path
) -> None:
    import joblib

    import secureload
    from secureload.trust.store import load_trust_store

    joblib.dump(Inside(), tmp_path / "m.joblib")
    secureload.sign(tmp_path / "m.joblib", key=alice)
    store = load_trust_store(alices_trust_store)

    def once() -> int:
        with secureload.safe_load(tmp_path / "m.joblib", trust_store=store, allow=[INSIDE]) as model:
            assert model.echo(1) == 1
            return worker_of(model)

    once()
    gc.collect()
    before = (descriptors(), children())
    pids = [once() for _ in range(50)]
    gc.collect()
    assert (descriptors(), children()) == before
    assert wait_until(lambda: all(is_gone(pid) for pid in pids))


_PARENT = """
import sys, time
import secureload
model = secureload.safe_load(sys.argv[1], trust_store=sys.argv[2], allow=[sys.argv[3]])
print(object.__getattribute__(model, "_secureload_reference").session.pid, flush=True)
time.sleep(120)
"""


def descendants(pid: int) -> set[int]:
    found: set[int] = set()
    todo = [pid]
    while todo:
        for path in Path(f"/proc/{todo.pop()}/task").glob("*/children"):
            try:
                children = [int(child) for child in path.read_text().split()]
            except OSError:
                continue  # the thread ended after it was listed
            found.update(children)
            todo.extend(children)
    return found


def test_when_the_caller_is_killed_no_process_of_the_sandbox_is_left(
    tmp_path: Path, alice: Any, alices_trust_store: Path
) -> None:
    import joblib

    import secureload

    path = tmp_path / "m.joblib"
    joblib.dump(Inside(), path)
    secureload.sign(path, key=alice)
    arguments = [sys.executable, "-c", textwrap.dedent(_PARENT), str(path), str(alices_trust_store), INSIDE]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True, cwd=ROOT) as parent:
        assert parent.stdout is not None
        worker = int(parent.stdout.readline())
        everything = descendants(parent.pid)
        assert worker in everything
        assert len(everything) >= 3
        parent.kill()
        parent.wait()
    assert wait_until(lambda: all(is_gone(pid) for pid in everything))


_STARTING = """
import sys, time
import secureload
secureload.prewarm(wait=False)
print("started", flush=True)
time.sleep(120)
"""


@pytest.mark.parametrize("seconds", [0.0, 0.02, 0.1, 0.3, 0.6])
def test_when_the_caller_is_killed_while_its_sandbox_starts_nothing_is_left(seconds: float) -> None:
    arguments = [sys.executable, "-c", textwrap.dedent(_STARTING)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True, cwd=ROOT) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "started\n"
        time.sleep(seconds)
        everything = descendants(parent.pid)
        parent.kill()
        parent.wait()
    assert len(everything) >= 2
    assert wait_until(lambda: all(is_gone(pid) for pid in everything))


def test_two_workers_of_one_zygote_do_not_draw_the_same_random_numbers(load: Load) -> None:
    first, second = (load(Inside(), allow=[INSIDE]) for _ in range(2))
    assert first.draw() != second.draw()
