"""Signing with a key in a token: SoftHSM stands in for the smart card."""

from __future__ import annotations

import importlib.util
import os
import pickle
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from secureload.errors import UsageError
from secureload.signing.ed25519 import verify_signature
from secureload.trust.pkcs11 import MODULE_VARIABLE, pkcs11_signer

PLACES = (
    "/usr/lib/softhsm",
    "/usr/lib/x86_64-linux-gnu/softhsm",
    "/usr/lib/aarch64-linux-gnu/softhsm",
    "/usr/lib64",
)
LIBRARY = next((f"{place}/libsofthsm2.so" for place in PLACES if Path(place, "libsofthsm2.so").exists()), "")
has_pkcs11 = importlib.util.find_spec("pkcs11") is not None
pytestmark = pytest.mark.skipif(
    not LIBRARY or not has_pkcs11 or shutil.which("softhsm2-util") is None,
    reason="SoftHSM, or the package of the extra 'pkcs11', is not installed",
)
PIN, WRONG_PIN = b"1234", b"9999"


@pytest.fixture(scope="module")
def token(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A token 'release' with the Ed25519 keys alice and bob; SoftHSM reads its settings once a process."""
    folder = tmp_path_factory.mktemp("token")
    (folder / "tokens").mkdir()
    (folder / "conf").write_text(f"directories.tokendir = {folder}/tokens\nobjectstore.backend = file\n")
    before = os.environ.get("SOFTHSM2_CONF")
    os.environ["SOFTHSM2_CONF"] = str(folder / "conf")
    command = [
        "softhsm2-util",
        "--init-token",
        "--free",
        "--label",
        "release",
        "--pin",
        "1234",
        "--so-pin",
        "5678",
    ]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    make_keys("alice", "bob")
    yield "release"
    if before is None:
        del os.environ["SOFTHSM2_CONF"]
    else:
        os.environ["SOFTHSM2_CONF"] = before


def make_keys(*labels: str) -> None:
    pkcs11: Any = importlib.import_module("pkcs11")
    with pkcs11.lib(LIBRARY).get_token(token_label="release").open(user_pin="1234", rw=True) as session:
        curve = {pkcs11.Attribute.EC_PARAMS: b"\x13\x0cedwards25519"}
        for label in labels:
            parameters = session.create_domain_parameters(pkcs11.KeyType.EC_EDWARDS, curve, local=True)
            parameters.generate_keypair(
                mechanism=pkcs11.Mechanism.EC_EDWARDS_KEY_PAIR_GEN, store=True, label=label, id=label.encode()
            )


def uri(token: str, chosen: str) -> str:
    return f"pkcs11:token={token};{chosen}?module-path={LIBRARY}"


def test_a_key_of_the_token_signs(token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    signer = pkcs11_signer(uri(token, "object=alice"), PIN)
    assert verify_signature(signer.public.raw, signer.sign(b"message"), b"message")
    assert pkcs11_signer(uri(token, "id=alice"), PIN).public == signer.public
    assert pkcs11_signer(uri(token, "object=bob"), PIN).public != signer.public
    monkeypatch.setenv(MODULE_VARIABLE, LIBRARY)
    assert pkcs11_signer(f"pkcs11:token={token};object=alice", PIN).public == signer.public


def test_a_missing_and_a_wrong_pin_are_told_apart(token: str) -> None:
    with pytest.raises(UsageError) as missing:
        pkcs11_signer(uri(token, "object=alice"))
    with pytest.raises(UsageError) as wrong:
        pkcs11_signer(uri(token, "object=alice"), WRONG_PIN)
    assert [error.value.fields["reason"] for error in (missing, wrong)] == ["pin-missing", "pin-wrong"]


def test_no_such_key_token_or_library_is_said(token: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds 0 Ed25519"):
        pkcs11_signer(uri(token, "object=carol"), PIN)
    with pytest.raises(UsageError, match="0 tokens"):
        pkcs11_signer(uri("other", "object=alice"), PIN)
    with pytest.raises(UsageError, match="refuses"):
        pkcs11_signer(f"pkcs11:object=alice?module-path={tmp_path}/none.so", PIN)
    with pytest.raises(UsageError, match="not an absolute path"):
        pkcs11_signer("pkcs11:object=alice?module-path=none.so", PIN)
    with pytest.raises(UsageError, match="no PKCS#11 library"):
        pkcs11_signer("pkcs11:object=alice", PIN)


def test_the_signer_shows_and_pickles_nothing_secret(token: str) -> None:
    signer = pkcs11_signer(uri(token, "object=alice"), PIN)
    assert "1234" not in repr(signer)
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(signer)
