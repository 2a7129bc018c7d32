"""Policies as files: what is unknown is refused, and nothing lets everything pass."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secureload.errors import UsageError
from secureload.policy.policy_toml import PROFILES, parse_policy_toml, profile, profile_text

HEAD = 'version = 1\nname = "p"\n'
SIGNED = '[[require]]\nstatement = "signature"\n'


def test_a_policy_says_which_statements_by_whom_and_how_old() -> None:
    policy = parse_policy_toml(
        HEAD
        + 'formats = ["pickle"]\nallow = ["a:B"]\nrequire_version = true\nfail_on = "warning"\n'
        + SIGNED
        + '[[require]]\nstatement = "approval"\nkeys = 2\nby = ["b", "c", "d"]\nmax_age = "4w"\n'
    )
    assert (policy.name, policy.signers, policy.formats, policy.allow) == ("p", 1, ("pickle",), ("a:B",))
    approval = policy.requirements[1]
    assert (approval.keys, approval.by, approval.max_age) == (2, ("b", "c", "d"), timedelta(weeks=4))
    assert approval.independent, "four eyes unless the policy says otherwise"
    assert (
        approval.describe()
        == "approval by 2 distinct keys of b, c, d that did not sign it not older than 28 days"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no version 1"),
        (HEAD, "requires nothing"),
        (HEAD + "require = []", "requires nothing"),
        (HEAD + "insecure_admit_what_nobody_signed = false", "requires nothing"),
        (HEAD + "insecure_admit_what_nobody_signed = true\n" + SIGNED, "exclude each other"),
        (HEAD + '[[require]]\nstatement = "approval"', "no signature"),
        (HEAD + "formt = []\n" + SIGNED, "unknown key 'formt'"),
        (HEAD + SIGNED + "kyes = 2", "unknown key 'kyes'"),
        (HEAD + SIGNED + "keys = 0", "from 1 to"),
        (HEAD + SIGNED + "keys = true", "from 1 to"),
        (HEAD + SIGNED + 'keys = 3\nby = ["a", "b"]', "never be met"),
        (HEAD + SIGNED + 'role = "boss"', "roles are"),
        (HEAD + SIGNED + 'max_age = "90"', "a span"),
        (HEAD + SIGNED + "independent = true", "independent"),
        (HEAD + '[[require]]\nstatement = "rumour"', "statements are"),
        (HEAD + 'fail_on = "dangerous"\n' + SIGNED, "fail_on"),
        (HEAD + "formats = []\n" + SIGNED, "formats is empty"),
        (HEAD + 'formats = ["pikle"]\n' + SIGNED, "no format 'pikle'; formats are .*pickle"),
        (HEAD + 'allow = ["os:*"]\n' + SIGNED, "allow: not the name of a global"),
        (HEAD + 'allow = ["os:system"]\n' + SIGNED, "allow: os.system cannot be allowed"),
        ('version = 2\nname = "p"\n' + SIGNED, "no version 1"),
        ('version = 1\nname = "a b"\n' + SIGNED, "the name"),
    ],
)
def test_a_policy_that_is_wrong_or_empty_is_refused(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parse_policy_toml(text)


@pytest.mark.parametrize("name", PROFILES)
def test_every_profile_is_a_policy_with_its_reasons(name: str) -> None:
    policy = profile(name)
    assert policy.name == name
    assert policy.reason
    assert all(rule.reason for rule in policy.requirements)
    assert parse_policy_toml(profile_text(name)) == policy


def test_only_the_profile_with_the_ugly_name_asks_for_no_signature() -> None:
    lax = [name for name in PROFILES if not profile(name).signers]
    assert len(lax) == 1
    assert lax[0].startswith("INSECURE-")
    with pytest.raises(UsageError, match="there is no policy"):
        profile_text("../standard")


@given(st.text(max_size=80))
def test_any_text_is_a_policy_or_a_usage_error(text: str) -> None:
    with pytest.raises(UsageError):
        parse_policy_toml(text)
