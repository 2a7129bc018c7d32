from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secureload.errors import UsageError
from secureload.limits import Limits
from secureload.signing.keys import SigningKey, encode_public_key
from secureload.signing.truststore import TrustedKey, TrustStore, encode_trust_toml, parse_trust_toml

ALICE, BOB = SigningKey.generate("alice").public, SigningKey.generate("bob").public
FILES = {"alice.pub": encode_public_key(ALICE), "bob.pub": encode_public_key(BOB)}
JANUARY = datetime(2026, 1, 1, tzinfo=UTC)
SIGNER = frozenset({"signer"})
ENTRY = '[[key]]\nname = "alice"\nfile = "alice.pub"\nroles = ["signer"]\n'


def refusal(text: str | bytes, files: dict[str, bytes] = FILES) -> str:
    with pytest.raises(UsageError) as caught:
        parse_trust_toml(text, files)
    assert caught.value.message.isprintable()
    assert caught.value.hint
    return caught.value.message


def test_an_entry_is_read_with_its_defaults() -> None:
    store = parse_trust_toml("version = 1\n" + ENTRY, FILES)
    assert store.keys == (TrustedKey("alice", ALICE, SIGNER, file="alice.pub"),)
    assert store.find(ALICE.key_id) == store.named("alice") == store.keys[0]
    assert store.find(BOB.key_id) is None
    assert store.named("bob") is None


def test_a_store_comes_back_as_it_was_written_and_the_same_store_gives_the_same_text() -> None:
    store = TrustStore(
        (
            TrustedKey(
                "alice",
                ALICE,
                frozenset({"signer", "scanner"}),
                ("fraud-*", 'odd "name" \\ é'),
                valid_from=JANUARY,
                valid_until=JANUARY + timedelta(days=365),
                revoked_since=JANUARY + timedelta(hours=1, microseconds=5),
                revoked_reason='laptop "stolen"',
                file="alice.pub",
            ),
            TrustedKey("bob", BOB, frozenset({"approver"}), file="bob.pub"),
        )
    )
    text = encode_trust_toml(store)
    assert parse_trust_toml(text, FILES) == store
    assert encode_trust_toml(TrustStore(store.keys[::-1])) == text
    assert parse_trust_toml(encode_trust_toml(TrustStore()), {}) == TrustStore()


def test_a_public_key_file_that_no_entry_names_is_not_trusted() -> None:
    assert parse_trust_toml("version = 1\n" + ENTRY, FILES).find(BOB.key_id) is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "has no 'version'"),
        ("version = 2", "version other than 1"),
        ("version = 1.0", "version other than 1"),
        ("version = true", "version other than 1"),
        ("version = 1\nkey = 3", "[[key]]"),
        ("version = 1\nkey = [3]", "[[key]]"),
        ("version = 1\nextra = 1", "unknown field 'extra'"),
        ("version = 1\nversion = 1", "not TOML"),
        ("version = ", "not TOML"),
        ("version = 1\n" + ENTRY + "admin = true", "unknown field 'admin'"),
        ("version = 1\n" + ENTRY + 'name = "x"', "not TOML"),
        ("version = 1\n" + ENTRY + ENTRY, "the name 'alice' twice"),
        ("version = 1\n" + ENTRY + ENTRY.replace('e = "alice"', 'e = "Alice"'), "the name 'alice' twice"),
        ("version = 1\n" + ENTRY + ENTRY.replace('e = "alice"', 'e = "other"'), "the file 'alice.pub' twice"),
        ("version = 1\n" + ENTRY.replace('name = "alice"\n', ""), "has no 'name'"),
        ("version = 1\n" + ENTRY.replace('roles = ["signer"]', ""), "has no 'roles'"),
        ("version = 1\n" + ENTRY.replace('"signer"', '"admin"'), "found admin"),
        ("version = 1\n" + ENTRY.replace('"signer"', ""), "found none"),
        ("version = 1\n" + ENTRY.replace('["signer"]', '"signer"'), "not a list"),
        ("version = 1\n" + ENTRY.replace("alice.pub", "carol.pub"), "'carol.pub' is not in the trust store"),
        ("version = 1\n" + ENTRY.replace("alice.pub", "../alice.pub"), "not in the trust store"),
        ("version = 1\n" + ENTRY.replace('e = "alice"', 'e = "a\\u001b"'), "key name"),
        ("version = 1\n" + ENTRY.replace('e = "alice"', 'e = "../a"'), "key name"),
        ("version = 1\n" + ENTRY + "models = []", "at least one pattern"),
        ("version = 1\n" + ENTRY + 'models = [""]', "at least one pattern"),
        ("version = 1\n" + ENTRY + "models = [1]", "not a string"),
        ("version = 1\n" + ENTRY + "valid_from = 2026-01-01", "not a time with a zone"),
        ("version = 1\n" + ENTRY + "valid_from = 2026-01-01T00:00:00", "not a time with a zone"),
        ("version = 1\n" + ENTRY + 'valid_from = "2026-01-01T00:00:00Z"', "not a time with a zone"),
        (
            "version = 1\n" + ENTRY + "valid_from = 2026-01-02T00:00:00Z\nvalid_until = 2026-01-01T00:00:00Z",
            "end before it begins",
        ),
        ("version = 1\n" + ENTRY + 'revoked_reason = "x"', "needs a revoked_since"),
        (
            "version = 1\n" + ENTRY + 'revoked_since = 2026-01-01T00:00:00Z\nrevoked_reason = "a\\nb"',
            "one printable line",
        ),
        (b"version = 1 # \xff", "not UTF-8"),
        ("version = " + "[" * 5000, "nested too deep"),
        ("version = " + "1" * 5000, "not TOML"),
        ("version = 0x" + "f" * 5000, "version other than 1"),
        ("version = " + "{a=" * 200 + "1" + "}" * 200, "version other than 1"),
        ("version." + "a." * 200 + "a = 1", "version other than 1"),
        ("a." * 300 + "a = 1", "more than 256 dots"),
    ],
)
def test_a_trust_file_that_breaks_a_rule_is_refused_with_its_own_words(
    text: str | bytes, reason: str
) -> None:
    assert reason in refusal(text)


def test_the_same_key_under_two_names_is_refused_whatever_its_comment() -> None:
    files = {"alice.pub": FILES["alice.pub"], "mallory.pub": FILES["alice.pub"].replace(b" alice", b" m")}
    text = "version = 1\n" + ENTRY + ENTRY.replace("alice", "mallory")
    assert "has the public key 'SHA256:" in refusal(text, files)


def test_a_weak_key_and_a_private_key_in_the_store_are_refused_by_name() -> None:
    import base64

    wire = b"\0\0\0\x0bssh-ed25519\0\0\0\x20" + (1).to_bytes(32, "little")
    weak = {"alice.pub": b"ssh-ed25519 " + base64.b64encode(wire)}
    assert "key 'alice': the public key is a point of small order" in refusal("version = 1\n" + ENTRY, weak)
    private = {"alice.pub": SigningKey.generate().encode(None)}
    assert "key 'alice': this is a private key" in refusal("version = 1\n" + ENTRY, private)


def test_size_and_number_of_keys_are_limited() -> None:
    text = "version = 1\n" + ENTRY
    for limits in (Limits(trust_toml_bytes=20), Limits(trust_keys=0)):
        with pytest.raises(UsageError):
            parse_trust_toml(text, FILES, limits)


def test_model_patterns_are_matched_with_their_case() -> None:
    key = TrustedKey("alice", ALICE, SIGNER, ("fraud-*", "churn-v?"))
    assert key.covers("fraud-2026")
    assert key.covers("churn-v1")
    assert not key.covers("Fraud-2026")
    assert not key.covers("churn-v10")
    assert not key.covers("my-fraud-2026")


@settings(deadline=None, max_examples=150)
@given(
    st.binary(max_size=60)
    | st.text(alphabet="version=1[]key\"\n.#{}',T:-0Z", max_size=60)
    | st.text(max_size=30).map(lambda text: "version = 1\n" + ENTRY + text)
)
def test_any_text_gives_a_store_or_a_usage_error(text: str | bytes) -> None:
    try:
        store = parse_trust_toml(text, FILES)
    except UsageError as error:
        assert error.message.isprintable()
    else:
        assert parse_trust_toml(encode_trust_toml(store), FILES) == store
