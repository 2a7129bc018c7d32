"""What every folder of tests may use: a trained pipeline in every saved form, a key, a trust store.

With ``SECURELOAD_REQUIRE_SANDBOX=1`` a test that skips itself because the sandbox is not there fails
instead: an automatic run must not be green because it left the sandbox out. Layers that stand behind the
required ones (Landlock, namespaces) may be missing where the kernel really has not got them.
"""

from __future__ import annotations

import importlib.util
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from secureload.sandbox.kernel import KernelError
from secureload.sandbox.layers.landlock import landlock_abi
from secureload.signing.keys import SigningKey
from secureload.trust.store import add_trusted_key

ROOT = Path(__file__).resolve().parents[1]
# A machine that is busy is no reason to fail: what takes too long ends in the test's own time limit.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")
SANDBOX_REASON = re.compile(r"sandbox|seccomp|landlock|confine", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class SavedForms:
    """A trained pipeline, rows for it, and the unsigned files that it was saved to (never change them)."""

    model: Any
    rows: Any
    labels: Any
    folder: Path
    names: tuple[str, ...]


@pytest.fixture(scope="session", autouse=True)
def own_state(tmp_path_factory: pytest.TempPathFactory) -> Generator[None, None, None]:
    """What is remembered of versions is the tests' own: not that of whoever runs them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def demo() -> ModuleType:
    """The module ``examples/demo.py``."""
    spec = importlib.util.spec_from_file_location("secureload_demo", ROOT / "examples" / "demo.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def saved_forms(demo: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> SavedForms:
    """The demo's pipeline, saved once in every form."""
    stage = demo.Stage(tmp_path_factory.mktemp("saved"), say=lambda _line: None)
    demo.train(stage)
    names = tuple(demo.save(stage))
    return SavedForms(stage.model, stage.rows, stage.labels, stage.folder, names)


@pytest.fixture(scope="session")
def alice() -> SigningKey:
    """A signing key that :func:`alices_trust_store` lists; it lives in memory alone."""
    return SigningKey.generate("alice")


@pytest.fixture(scope="session")
def alices_trust_store(alice: SigningKey, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trust-store folder with one signer, alice."""
    folder = tmp_path_factory.mktemp("trust")
    add_trusted_key(folder, alice.public, name="alice", roles=["signer"])
    return folder


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, Any, Any]:
    """Turn a skip for want of the sandbox into a failure, where it is required."""
    report = yield
    return _strict(report)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, Any, Any]:
    """The same for modules that skip themselves while they are collected."""
    report = yield
    return _strict(report)


def _strict(report: Any) -> Any:
    required = os.environ.get("SECURELOAD_REQUIRE_SANDBOX") == "1"
    if required and report.outcome == "skipped" and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        if SANDBOX_REASON.search(reason) and not _is_beyond_this_machine(reason.lower()):
            report.outcome = "failed"
            report.longrepr = f"{reason}: not allowed here, because SECURELOAD_REQUIRE_SANDBOX=1"
    return report


def _is_beyond_this_machine(reason: str) -> bool:
    """Whether the kernel or the processor has not got what the skipped test is about."""
    if "landlock" in reason:
        return not _has_landlock()
    if "namespace" in reason:
        command = shutil.which("unshare")
        return (
            command is None
            or subprocess.run([command, "--user", "true"], capture_output=True).returncode != 0
        )
    return "aarch64" in reason and platform.machine() == "aarch64"


def _has_landlock() -> bool:
    try:
        return landlock_abi() > 0
    except KernelError:
        return False
