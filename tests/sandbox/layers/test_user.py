"""A worker of root is nobody, where the kernel and the caller's privileges allow it; where not, that is told."""

from __future__ import annotations

import json
import os
import resource
from pathlib import Path

import pytest

from secureload.sandbox.layers.user import NOBODY, UserMap, become_nobody

from ..conftest import Load, run_child
from ..inside import INSIDE, Inside

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes nobody")


def status(pid: int | str) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def test_a_worker_is_not_root_in_the_eyes_of_the_kernel(load: Load) -> None:
    proxy = load(Inside(), allow=[INSIDE])
    layers = {layer.name: layer for layer in proxy.confinement.layers}
    if not layers["user"].enforced:
        pytest.skip(f"{layers['user'].detail}; {layers['namespaces'].detail}")
    told = status(proxy.pids[0])
    for name in ("Uid", "Gid"):
        assert "0" not in told[name].split()
    if os.geteuid() == 0:
        assert told["Uid"].split() == told["Gid"].split() == [str(NOBODY)] * 4
        assert told["Groups"] == ""


@as_root
def test_the_threads_of_a_worker_of_root_are_counted(load: Load) -> None:
    proxy = load(Inside(), allow=[INSIDE])
    layers = {layer.name: layer for layer in proxy.confinement.layers}
    if not (layers["user"].enforced and layers["namespaces"].detail.startswith("user,")):
        pytest.skip(f"{layers['user'].detail}; {layers['namespaces'].detail}")
    assert proxy.threads(500) < 100


def test_a_thread_that_a_library_started_before_the_doors_were_closed_is_confined_too(load: Load) -> None:
    pytest.importorskip("polars")  # it starts one when it is imported
    proxy = load(Inside(), allow=[INSIDE])
    layers = {layer.name: layer for layer in proxy.confinement.layers}
    threads = list(Path(f"/proc/{proxy.pids[0]}/task").iterdir())
    told = [status(f"{proxy.pids[0]}/task/{thread.name}") for thread in threads]
    assert "before it" in layers["landlock"].detail
    assert {thread["NoNewPrivs"] for thread in told} == {"1"}
    assert {thread["Seccomp"] for thread in told} == {"2"}
    if layers["user"].enforced and os.geteuid() == 0:
        assert {int(thread["CapEff"], 16) for thread in told} == {0}
    else:
        assert "keep theirs, over an empty user namespace" in layers["capabilities"].detail


@as_root
def test_root_can_still_limit_the_memory_of_its_worker(load: Load) -> None:
    proxy = load(Inside(), allow=[INSIDE], memory_bytes=64 << 20)
    soft, _ = resource.prlimit(proxy.pids[0], resource.RLIMIT_DATA)
    assert soft < 1 << 30


def test_with_the_relaxed_filter_a_worker_reads_what_its_caller_may(load: Load) -> None:
    with pytest.warns(UserWarning, match="reduced confinement"):
        proxy = load(Inside(), allow=[INSIDE], filter="relaxed")
    (user,) = (layer for layer in proxy.confinement.layers if layer.name == "user")
    assert user.state == ("relaxed" if os.geteuid() == 0 else "enforced")
    assert status(proxy.pids[0])["Uid"].split()[0] == str(os.geteuid())


@as_root
def test_root_that_has_lost_its_privileges_stays_root_and_says_why() -> None:
    code = """
    import json, os
    from secureload.sandbox.layers.privileges import drop_capabilities
    from secureload.sandbox.layers.user import become_nobody
    drop_capabilities()
    told = [become_nobody(relaxed=False, in_user_namespace=inside) for inside in (False, True)]
    print(json.dumps([os.getuid(), *([report.state, report.detail] for report in told)]))
    """
    user, outside, inside = json.loads(run_child(code).stdout)
    assert user == 0
    assert outside[0] == inside[0] == "unavailable"
    assert "there is no CAP_KILL" in outside[1]
    assert "not permitted" in inside[1]


def test_another_user_than_root_stays_who_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    report = become_nobody(relaxed=False, in_user_namespace=True)
    assert (report.state, report.detail) == ("enforced", "user 1000, who is not root")


def test_who_does_not_ask_for_a_map_is_not_waited_for() -> None:
    users = UserMap()
    child = os.fork()
    if child == 0:
        users.forget()
        os._exit(0)
    users.answer(child)
    assert os.waitpid(child, 0)[1] == 0


def test_a_map_that_cannot_be_written_is_answered_with_no() -> None:
    users = UserMap()
    child = os.fork()
    if child == 0:
        os._exit(1 if users.asked() else 0)
    users.answer(child)  # it is in no namespace of its own
    assert os.waitpid(child, 0)[1] == 0
