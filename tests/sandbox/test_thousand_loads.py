"""A service that loads and closes models for months: nothing is left behind, here or in the zygotes."""

from __future__ import annotations

import gc
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import joblib
import pytest

import secureload
from secureload.sandbox.zygotes import zygote_for
from secureload.trust.store import load_trust_store

from .inside import INSIDE, Inside
from .test_session import descendants, wait_until

_CYCLES = 1_000
_WARM_CYCLES = 100
# What 900 cycles may add to the memory of this process: a leak of 10 kB a cycle would be 9 MB.
_GROWTH_BYTES = 8 << 20


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def held() -> dict[str, Any]:
    """What could be left behind: descriptors by what they are, threads, children, and descriptors of the zygotes."""
    gc.collect()
    kinds: dict[str, int] = {}
    for name in os.listdir("/proc/self/fd"):
        try:
            kind = os.readlink(f"/proc/self/fd/{name}").partition(":[")[0]
        except OSError:
            continue  # the one that lists them
        kinds[kind] = kinds.get(kind, 0) + 1
    return {
        "descriptors": kinds,
        "threads": sorted(thread.name for thread in threading.enumerate()),
        "processes": descendants(os.getpid()),
        "in zygotes": [len(os.listdir(f"/proc/{zygote_for(role).pid}/fd")) for role in ("trace", "load")],
        "shared memory": sum(
            "secureload" in line for line in Path("/proc/self/maps").read_text().splitlines()
        ),
    }


@pytest.mark.timeout(900)
def test_a_thousand_loads_leave_nothing_behind(tmp_path: Path, alice: Any, alices_trust_store: Path) -> None:
    path = tmp_path / "m.joblib"
    joblib.dump(Inside(), path)
    secureload.sign(path, key=alice)
    store = load_trust_store(alices_trust_store)

    def cycles(number: int) -> None:
        for turn in range(number):
            model = secureload.safe_load(path, trust_store=store, allow=[INSIDE])
            assert model.echo(turn) == turn
            if turn % 2:
                model.close()  # else its last reference ends it

    def run(number: int) -> None:
        with ThreadPoolExecutor(2) as pool:
            for done in [pool.submit(cycles, number // 2) for _ in range(2)]:
                done.result()

    run(_WARM_CYCLES)
    assert wait_until(_settled)
    before, memory = held(), resident_bytes()
    run(_CYCLES - _WARM_CYCLES)
    assert wait_until(lambda: descendants(os.getpid()) == before["processes"])
    assert held() == before
    assert resident_bytes() - memory < _GROWTH_BYTES


def _settled() -> bool:
    """Whether no process came or went for a while; those of other tests in this process may be there too."""
    seen = descendants(os.getpid())
    return not wait_until(lambda: descendants(os.getpid()) != seen, seconds=2)
