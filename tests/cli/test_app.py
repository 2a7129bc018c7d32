"""The commands as they are found, and what it costs to find them."""

from __future__ import annotations

import subprocess
import sys

import secureload

from .conftest import Shell

HEAVY = {"numpy", "sklearn", "cryptography", "fickling", "msgpack", "joblib", "rich", "pandas", "scipy"}


def test_help_imports_nothing_heavy(shell: Shell) -> None:
    code = (
        "import sys; from secureload.cli import main; main(['--help']); print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=shell.environment(), timeout=120
    )
    assert "check" in done.stdout
    assert set(done.stderr.split()) & HEAVY == set()


def test_the_version_is_that_of_the_package(shell: Shell) -> None:
    assert shell("--version").succeeded().out == f"secureload {secureload.__version__}\n"


def test_the_module_is_the_command(shell: Shell) -> None:
    answer = shell.process("--version").succeeded()
    assert answer.out == f"secureload {secureload.__version__}\n"


def test_every_command_has_examples_in_its_help(shell: Shell) -> None:
    commands = ("keygen", "sign", "verify", "check", "doctor", "rules", "explain")
    nested = (("trust", "add"), ("trust", "list"), ("trust", "revoke"), ("key", "fingerprint"))
    for words in (*((command,) for command in commands), *nested):
        assert (
            f"secureload {' '.join(words)}" in shell(*words, "--help").succeeded().out.partition("Example")[2]
        )
