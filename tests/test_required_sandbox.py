"""``SECURELOAD_REQUIRE_SANDBOX=1``: an automatic run is not green because it left the sandbox out."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

CONFTEST = Path(__file__).with_name("conftest.py")
IN_A_TEST = "import pytest\n\ndef test_one():\n    pytest.skip({reason!r})\n"
IN_A_MODULE = "import pytest\n\npytest.skip({reason!r}, allow_module_level=True)\n"
BY_A_MARK = "import pytest\n\n@pytest.mark.skipif(True, reason={reason!r})\ndef test_one():\n    pass\n"


SOURCES = {
    "test_in_a_test.py": IN_A_TEST.format(reason="the kernel has no seccomp filter"),
    "test_in_a_module.py": IN_A_MODULE.format(reason="the sandbox is not there"),
    "test_by_a_mark.py": BY_A_MARK.format(reason="not confined"),
    "test_other.py": IN_A_TEST.format(reason="pandas is not installed"),
}


def summary(folder: Path, required: str) -> str:
    """Run the files under this suite's conftest; return pytest's last line."""
    for name, text in {"conftest.py": CONFTEST.read_text(encoding="utf-8"), **SOURCES}.items():
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    options = ["-q", "-p", "no:cacheprovider", "--continue-on-collection-errors"]
    environment = {**os.environ, "SECURELOAD_REQUIRE_SANDBOX": required}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, str(folder)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    return done.stdout.rstrip().splitlines()[-1]


def test_a_skip_for_want_of_the_sandbox_fails_where_the_sandbox_is_required(tmp_path: Path) -> None:
    assert summary(tmp_path, "1").startswith("1 failed, 1 skipped, 2 errors")


def test_elsewhere_it_stays_a_skip(tmp_path: Path) -> None:
    assert summary(tmp_path, "").startswith("4 skipped")
