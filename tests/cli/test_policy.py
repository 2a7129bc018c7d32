"""``secureload policy`` and ``--policy``."""

from __future__ import annotations

import json
from pathlib import Path

from .conftest import Shell

UGLY = "INSECURE-anybody-may-have-made-this-for-tests-only"


def test_the_policies_that_have_a_name_are_listed_and_each_is_shown_as_a_file(shell: Shell) -> None:
    assert "strict\n  no single person" in shell("policy", "show").succeeded().out
    text = shell("policy", "show", "strict").succeeded().out
    shell.write("mine.toml", text.encode())
    shown = shell("policy", "show", "./mine.toml").succeeded().out
    assert "requires approval by 1 key that did not sign it" in shown
    fields = json.loads(shell("policy", "show", "./mine.toml", "--format", "json").succeeded().out)
    assert [rule["statement"] for rule in fields["require"]] == ["signature", "metadata", "approval", "scan"]
    shell("policy", "show", "nothing").failed(2)
    shell("policy", "show", "./nothing.toml").failed(2)


def test_a_test_says_what_is_missing_and_verify_refuses_for_the_same_reason(
    shell: Shell, signed: Path
) -> None:
    done = shell("policy", "test", signed, "--policy", "strict")
    assert done.code == 4
    assert "met     signature by 1 key" in done.out
    assert "MISSING approval by 1 key that did not sign it" in done.out
    assert "because four eyes" in done.out
    assert "MISSING a signed version" in done.out
    assert "not satisfied: 4 missing" in done.out
    fields = json.loads(shell("policy", "test", signed, "--policy", "strict", "--format", "json").out)
    assert (fields["satisfied"], [rule["met"] for rule in fields["rules"]]) == (
        False,
        [True, False, False, False],
    )
    shell("verify", signed, "--policy", "strict").failed(4)
    shell("check", signed, "--policy", "strict").failed(4)


def test_an_unsigned_file_is_missing_its_signature(shell: Shell, plain: Path) -> None:
    shell.make_key()
    done = shell("policy", "test", plain)
    assert (done.code, "MISSING signature by 1 key" in done.out) == (4, True)
    assert shell("policy", "test", "nothing.pkl").code == 2


def test_the_policy_with_the_ugly_name_asks_for_no_signature_and_says_so(shell: Shell, plain: Path) -> None:
    shell.make_key()
    shell("check", plain, "--policy", UGLY).succeeded()
    shell("sign", plain).succeeded()
    shell("policy", "test", plain, "--policy", UGLY).succeeded()


def test_explain_says_what_each_statement_is_worth(shell: Shell, signed: Path) -> None:
    done = shell("verify", signed, "--explain", "--policy", "standard").succeeded()
    assert "good: signature: signed by alice" in done.out
    assert "policy standard: met: signature by 1 key" in done.out
