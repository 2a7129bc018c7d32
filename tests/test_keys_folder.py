"""The repository's own trust store: it verifies the example, and holds nothing that is private."""

from __future__ import annotations

import base64
import hashlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import secureload
from secureload.trust.store import load_trust_store

ROOT = Path(__file__).resolve().parents[1]
KEYS = ROOT / "keys"
EXAMPLE = ROOT / "examples" / "pipeline.joblib"
# Written so that this file does not hold what it looks for.
ARMOUR = b"PRIVATE" + b" KEY-----"
OPENSSH_MAGIC = b"openssh-" + b"key-v1"
ENCODED_MAGIC = base64.b64encode(OPENSSH_MAGIC[:12])  # the rest shares its last characters with what follows
# PKCS#8 of an Ed25519 key (RFC 8410 section 7): SEQUENCE, version 0 or 1, the algorithm's object identifier.
ED25519_ALGORITHM = bytes.fromhex("300506032b6570")
NOT_OURS = {".git", ".venv", "build", "dist", "__pycache__", ".hypothesis", ".mypy_cache", ".ruff_cache"}


def repository_files() -> Iterator[Path]:
    """Every file that is tracked or would be; without git (an unpacked archive) every file of the tree."""
    command = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        names = subprocess.run(command, capture_output=True, check=True).stdout.split(b"\0")
        paths = [ROOT / name.decode() for name in names if name]
    except (OSError, subprocess.CalledProcessError):
        paths = [path for path in ROOT.rglob("*") if not NOT_OURS & set(path.relative_to(ROOT).parts)]
    return (path for path in paths if path.is_file())


def private_parts(data: bytes) -> list[str]:
    """What in ``data`` looks like a private key."""
    found = []
    if b"-----BEGIN" in data and ARMOUR in data:
        found.append("an armoured private key")
    if OPENSSH_MAGIC + b"\0" in data or ENCODED_MAGIC in data:
        found.append("an OpenSSH private key without its armour")
    place = data.find(ED25519_ALGORITHM)
    if (
        place >= 5
        and data[place - 3 : place - 1] == b"\x02\x01"
        and data[place + 7 : place + 9] == b"\x04\x22"
    ):
        found.append("a PKCS#8 private key")
    return found


def test_the_example_verifies_against_the_keys_of_the_repository() -> None:
    verified = secureload.verify(EXAMPLE, trust_store=KEYS)
    assert [signer.name for signer in load_trust_store(KEYS).keys] == ["example"]
    assert verified.manifest.members[0].digest == hashlib.sha256(EXAMPLE.read_bytes()).digest()


def test_the_example_loads_in_the_sandbox_and_tells_the_irises_apart() -> None:
    from sklearn.datasets import load_iris

    features, target = load_iris(return_X_y=True)
    with secureload.safe_load(EXAMPLE, trust_store=KEYS) as model:
        predicted = model.predict(features)
    assert np.mean(predicted == target) > 0.9


def test_the_example_stays_small() -> None:
    assert EXAMPLE.stat().st_size < 100_000


def test_the_example_is_refused_when_a_byte_of_it_changes(tmp_path: Path) -> None:
    data = bytearray(EXAMPLE.read_bytes())
    data[-2] ^= 1
    (tmp_path / EXAMPLE.name).write_bytes(data)
    (tmp_path / f"{EXAMPLE.name}.sig").write_bytes(EXAMPLE.with_name(f"{EXAMPLE.name}.sig").read_bytes())
    with pytest.raises(secureload.TrustError, match=r"pipeline\.joblib"):
        secureload.verify(tmp_path / EXAMPLE.name, trust_store=KEYS)


def test_the_example_key_may_not_vouch_for_a_model_of_another_name(tmp_path: Path) -> None:
    key = load_trust_store(KEYS).keys[0]
    assert key.roles == {"signer"}
    assert key.covers("pipeline.joblib")
    assert not key.covers("fraud-detector")


def test_the_keys_folder_holds_public_keys_the_trust_file_and_its_readme_alone() -> None:
    strangers = [
        path.name
        for path in KEYS.iterdir()
        if path.suffix != ".pub" and path.name not in {"trust.toml", "README.md"}
    ]
    assert strangers == []
    assert all(path.read_bytes().startswith(b"ssh-ed25519 ") for path in KEYS.glob("*.pub"))


def test_no_file_of_the_repository_holds_a_private_key() -> None:
    files = list(repository_files())
    assert KEYS / "example.pub" in files
    found = {str(path.relative_to(ROOT)): private_parts(path.read_bytes()) for path in files}
    # Source code may name the markers that it looks for; a key has a body behind them.
    suspects = {name: parts for name, parts in found.items() if parts and has_body(ROOT / name)}
    assert suspects == {}


def has_body(path: Path) -> bool:
    """Whether more than the mere markers stands there: 40 characters of base64 in one piece, or binary."""
    data = path.read_bytes()
    if b"\0" in data:
        return True
    place = max(data.find(ARMOUR), data.find(ENCODED_MAGIC))
    lines = data[place:].replace(b"\\n", b"\n").split(b"\n")[:5] if place >= 0 else []
    alphabet = set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/= \"'")
    return any(len(line.strip()) >= 40 and set(line.strip()) <= alphabet for line in lines)


@pytest.mark.parametrize("password", [None, b"a passphrase"])
def test_the_search_finds_a_private_key_in_every_form_it_might_be_committed_in(
    password: bytes | None, tmp_path: Path
) -> None:
    from cryptography.hazmat.primitives import serialization as forms
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    private = Ed25519PrivateKey.generate()
    lock = forms.NoEncryption() if password is None else forms.BestAvailableEncryption(password)
    shapes = [
        (forms.Encoding.PEM, forms.PrivateFormat.OpenSSH),
        (forms.Encoding.PEM, forms.PrivateFormat.PKCS8),
    ]
    if password is None:
        shapes.append((forms.Encoding.DER, forms.PrivateFormat.PKCS8))
    for encoding, form in shapes:
        data = private.private_bytes(encoding, form, lock)
        (tmp_path / "key").write_bytes(data)
        assert private_parts(data), form
        assert has_body(tmp_path / "key"), form
    pem = private.private_bytes(forms.Encoding.PEM, forms.PrivateFormat.OpenSSH, forms.NoEncryption())
    bare = b"".join(pem.splitlines()[1:-1])
    (tmp_path / "key").write_bytes(bare)
    assert private_parts(bare)
    assert has_body(tmp_path / "key")
