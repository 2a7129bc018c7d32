from __future__ import annotations

import base64
import pickle
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from secureload.errors import UsageError
from secureload.limits import Limits
from secureload.signing.ed25519 import verify_signature
from secureload.signing.keys import PublicKey, SigningKey, encode_public_key, parse_public_key

KEY = SigningKey.generate("alice@bank")
PASSWORD = b"correct horse"


@pytest.fixture(scope="module")
def encrypted() -> bytes:
    return KEY.encode(PASSWORD)


def ssh_keygen(*arguments: str) -> str:
    return subprocess.run(
        ["ssh-keygen", *arguments], check=True, capture_output=True, text=True, timeout=60
    ).stdout


def private_file(folder: Path, data: bytes) -> Path:
    path = folder / "key"
    path.touch(mode=0o600)
    path.write_bytes(data)
    return path


def test_ssh_keygen_shows_the_same_fingerprint_of_our_public_key(tmp_path: Path) -> None:
    path = tmp_path / "alice.pub"
    path.write_bytes(encode_public_key(KEY.public))
    shown = ssh_keygen("-l", "-f", str(path))
    assert shown.split()[1] == KEY.public.fingerprint == KEY.public.key_id
    assert "alice@bank" in shown
    assert shown.strip().endswith("(ED25519)")


def test_ssh_keygen_reads_our_private_key_encrypted_and_not(tmp_path: Path, encrypted: bytes) -> None:
    line = encode_public_key(KEY.public).decode().split()[:2]
    plain = private_file(tmp_path, KEY.encode(None))
    assert ssh_keygen("-y", "-P", "", "-f", str(plain)).split()[:2] == line
    secret = private_file(tmp_path, encrypted)
    assert ssh_keygen("-y", "-P", PASSWORD.decode(), "-f", str(secret)).split()[:2] == line


def test_we_read_the_keys_of_ssh_keygen_and_warn_about_few_rounds(tmp_path: Path) -> None:
    path = tmp_path / "k"
    ssh_keygen("-q", "-t", "ed25519", "-a", "2", "-N", "pass", "-C", "bob", "-f", str(path))
    key = SigningKey.load(path.read_bytes(), b"pass")
    public = parse_public_key(path.with_suffix(".pub").read_bytes())
    assert key.public == public
    assert public.comment == "bob"
    assert "2 bcrypt rounds" in key.warnings[0]
    ssh_keygen("-q", "-p", "-P", "pass", "-N", "", "-f", str(path))
    assert SigningKey.load(path.read_bytes()).warnings == ("the private key is not encrypted",)


def test_what_is_written_has_a_hundred_bcrypt_rounds_and_loads_without_a_warning(encrypted: bytes) -> None:
    body = base64.b64decode(b"".join(encrypted.splitlines()[1:-1]))
    assert (100).to_bytes(4, "big") in body[:100]
    key = SigningKey.load(encrypted, PASSWORD, comment="alice")
    assert key.warnings == ()
    assert key.public == KEY.public
    assert verify_signature(key.public.raw, key.sign(b"message"), b"message")


def test_a_missing_a_wrong_and_an_empty_passphrase_are_told_apart(encrypted: bytes) -> None:
    for password in (None, b""):
        with pytest.raises(UsageError, match="no passphrase was given") as missing:
            SigningKey.load(encrypted, password)
        assert missing.value.fields["reason"] == "passphrase-missing"
    with pytest.raises(UsageError, match="passphrase is wrong") as wrong:
        SigningKey.load(encrypted, b"not this one")
    assert wrong.value.fields["reason"] == "passphrase-wrong"
    assert wrong.value.__cause__ is None
    assert "not this one" not in str(wrong.value)
    with pytest.raises(UsageError, match="passphrase is empty"):
        KEY.encode(b"")
    with pytest.raises(UsageError, match="too few"):
        KEY.encode(b"pass", rounds=16)


def test_an_unencrypted_key_loads_whatever_passphrase_is_given() -> None:
    assert SigningKey.load(KEY.encode(None), b"superfluous").public == KEY.public


def test_pkcs8_is_read_and_its_few_iterations_are_warned_about() -> None:
    private = Ed25519PrivateKey.generate()
    for encryption, password, word in (
        (serialization.BestAvailableEncryption(b"pass"), b"pass", "PBKDF2 iterations"),
        (serialization.NoEncryption(), None, "not encrypted"),
    ):
        data = private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
        )
        key = SigningKey.load(data, password)
        assert key.public.raw == private.public_key().public_bytes_raw()
        assert word in key.warnings[0]


@pytest.mark.parametrize("kind", ["rsa", "p256"])
def test_a_private_key_of_another_type_is_refused(kind: str) -> None:
    private = (
        rsa.generate_private_key(65537, 2048) if kind == "rsa" else ec.generate_private_key(ec.SECP256R1())
    )
    for container in (serialization.PrivateFormat.PKCS8, serialization.PrivateFormat.OpenSSH):
        data = private.private_bytes(serialization.Encoding.PEM, container, serialization.NoEncryption())
        with pytest.raises(UsageError, match="not an Ed25519 key"):
            SigningKey.load(data)


def test_neither_repr_nor_pickle_shows_the_secret() -> None:
    assert repr(KEY) == f"<SigningKey {KEY.public.fingerprint}>"
    with pytest.raises(TypeError):
        pickle.dumps(KEY)


def test_keys_are_compared_by_their_raw_bytes_not_by_their_comments() -> None:
    assert PublicKey(KEY.public.raw, "one") == PublicKey(KEY.public.raw, "two")
    assert len({PublicKey(KEY.public.raw, "one"), PublicKey(KEY.public.raw, "two")}) == 1


def blob(raw: bytes, kind: bytes = b"ssh-ed25519") -> bytes:
    return base64.b64encode(len(kind).to_bytes(4, "big") + kind + len(raw).to_bytes(4, "big") + raw)


GOOD = blob(KEY.public.raw)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"", "is empty"),
        (b"\n", "is empty"),
        (b"\xff\xfe", "not UTF-8"),
        (b"ssh-rsa " + GOOD, "begins with 'ssh-rsa'"),
        (b'command="id" ssh-ed25519 ' + GOOD, "begins with"),
        (b"ssh-ed25519", "does not hold"),
        (b"ssh-ed25519 !!!!", "base64"),
        (b"ssh-ed25519 " + GOOD[:-4], "does not hold an Ed25519 key"),
        (b"ssh-ed25519 " + blob(KEY.public.raw, b"ssh-ed25518"), "does not hold an Ed25519 key"),
        (b"ssh-ed25519 " + blob(KEY.public.raw + b"x"), "does not hold an Ed25519 key"),
        (b"ssh-ed25519 " + GOOD + b"\nssh-ed25519 " + GOOD, "2 lines"),
        (b"ssh-ed25519 " + GOOD + b" evil\x1b[2J", "printable"),
        (b"ssh-ed25519 " + GOOD + b" " + b"x" * 300, "printable"),
        (b"ssh-ed25519 " + blob((1).to_bytes(32, "little")), "small order"),
        (b"x" * 70_000, "larger"),
        (KEY.encode(None), "private key"),
    ],
    ids=range(16),  # the keys are new in each run, and names of tests must not be
)
def test_what_is_not_one_line_with_one_good_key_is_refused(line: bytes, reason: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_public_key(line)
    assert reason in caught.value.message
    assert caught.value.message.isprintable()
    assert caught.value.hint


def test_a_public_key_line_comes_back_as_it_was_written() -> None:
    for comment in ("", "alice", "Алиса of the bank"):
        key = PublicKey(KEY.public.raw, comment)
        parsed = parse_public_key(encode_public_key(key))
        assert (parsed, parsed.comment) == (key, comment)
    assert parse_public_key(b"ssh-ed25519 " + GOOD).comment == ""


@settings(deadline=None, max_examples=150)
@given(
    st.binary(max_size=120) | st.binary(max_size=80).map(lambda raw: b"ssh-ed25519 " + base64.b64encode(raw))
)
def test_any_bytes_as_a_public_key_raise_nothing_but_a_usage_error(data: bytes) -> None:
    with pytest.raises(UsageError):
        parse_public_key(data)


@settings(deadline=None, max_examples=150)
@given(data=st.data())
def test_any_damage_to_a_private_key_file_raises_nothing_but_a_usage_error(data: st.DataObject) -> None:
    whole = bytearray(KEY.encode(None))
    for _ in range(data.draw(st.integers(1, 4))):
        position = data.draw(st.integers(0, len(whole) - 1))
        whole[position] = data.draw(st.integers(0, 255))
    del whole[data.draw(st.integers(0, len(whole))) :]
    try:
        key = SigningKey.load(bytes(whole), limits=Limits(key_file_bytes=10_000))
    except UsageError as error:
        assert error.message.isprintable()
    else:
        assert verify_signature(key.public.raw, key.sign(b"m"), b"m")


@settings(deadline=None, max_examples=100)
@given(
    st.binary(max_size=200),
    st.sampled_from([b"OPENSSH PRIVATE KEY", b"ENCRYPTED PRIVATE KEY", b"PRIVATE KEY"]),
)
def test_any_bytes_in_a_private_key_container_raise_nothing_but_a_usage_error(
    body: bytes, label: bytes
) -> None:
    pem = b"-----BEGIN %s-----\n%s-----END %s-----\n" % (label, base64.encodebytes(body), label)
    with pytest.raises(UsageError):
        SigningKey.load(pem, b"password")
    with pytest.raises(UsageError):
        SigningKey.load(body, b"password")
