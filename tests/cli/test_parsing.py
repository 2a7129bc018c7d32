"""The parser: the one command that is named, and exit code 2 for what is wrong with its words."""

from __future__ import annotations

import subprocess
import sys

import pytest

from secureload.cli.app import COMMANDS, app_for

from .conftest import Shell


def loaded(shell: Shell, *words: str) -> set[str]:
    code = f"import sys; from secureload.cli import main; main({list(words)!r}); print(*sys.modules, file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=shell.environment(), timeout=120
    )
    return set(done.stderr.split())


def test_only_the_command_that_is_named_is_imported(shell: Shell) -> None:
    found = loaded(shell, "rules")
    assert "secureload.cli.rules" in found
    assert not found & {"secureload.cli.check", "secureload.cli.sign", "secureload.sandbox.zygotes"}


def test_a_small_check_imports_neither_what_it_does_not_need_nor_what_is_slow(
    shell: Shell, plain: object
) -> None:
    found = loaded(shell, "check", str(plain))
    slow = {
        "pydantic",
        "rich",
        "cryptography",
        "numpy",
        "sklearn",
        "fickling",
        "importlib.metadata",
        "jsonschema",
    }
    unneeded = {
        "secureload.trust.store",
        "secureload.policy.verification",
        "secureload.report.as_json",
        "random",
    }
    assert "secureload.report.terminal" in found
    assert found & (slow | unneeded) == set()


def test_the_help_names_every_command_of_the_table(shell: Shell) -> None:
    out = shell("--help").succeeded().out
    assert [name for name in COMMANDS if f"\n  {name} " not in out] == []


@pytest.mark.parametrize("words", [["chekc"], [], ["--help", "check"], ["-x"]])
def test_where_no_command_is_named_all_of_them_are_known(words: list[str]) -> None:
    assert len(app_for(words).registered_commands) > 4


def test_a_word_that_is_no_command_is_answered_with_the_one_that_was_meant(shell: Shell) -> None:
    assert "check" in shell("chekc").failed(2).err
