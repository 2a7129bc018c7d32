"""The sandbox can be made ready ahead; what is started belongs to this process and is one for all its loads."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

import secureload
from secureload.sandbox.zygotes import zygote_for
from secureload.signing.truststore import TrustStore

from .conftest import Save


def children() -> set[str]:
    text = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text()
    return set(text.split())


def test_what_is_started_ahead_is_what_loads_use_and_nothing_is_started_again(
    save: Save, store: TrustStore
) -> None:
    path = save({"a": 1})
    secureload.prewarm()
    before = children()
    zygotes = {role: zygote_for(role) for role in ("trace", "load")}
    secureload.prewarm(wait=False)
    secureload.prewarm()
    for _ in range(2):
        assert secureload.safe_load(path, trust_store=store) == {"a": 1}
    assert {role: zygote_for(role) for role in zygotes} == zygotes
    assert children() == before


@pytest.mark.parametrize(
    "library",
    ["sklearn", "pandas", "polars", "pyarrow", "torch", "xgboost", "lightgbm", "catboost", "statsmodels.api"],
)
def test_workers_are_forked_from_processes_of_one_thread_whatever_is_imported_here(library: str) -> None:
    if importlib.util.find_spec(library.partition(".")[0]) is None:
        pytest.skip(f"{library} is not installed (the extra 'libraries' has it)")
    code = """if True:
        import importlib, os, sys
        importlib.import_module(sys.argv[1])
        import secureload
        from secureload.sandbox.zygotes import zygote_for
        secureload.prewarm()
        for role in ("trace", "load"):
            print(len(os.listdir(f"/proc/{zygote_for(role).pid}/task")))
    """
    done = subprocess.run([sys.executable, "-c", code, library], capture_output=True, text=True, timeout=120)
    assert done.stdout.split() == ["1", "1"], done.stderr


def test_importing_secureload_starts_nothing() -> None:
    code = (
        "import os, secureload; secureload.prewarm; "
        "print(open(f'/proc/{os.getpid()}/task/{os.getpid()}/children').read().split())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout == "[]\n", done.stderr
