"""OpenSSF's model signer verifies what is exported, and what it signs is verified here."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from secureload.api.oms import export_oms, verify_oms
from secureload.api.sign import sign
from secureload.errors import ExpiredError, ManifestMismatchError
from secureload.signing.ecdsa import EcdsaSigner
from secureload.signing.keys import SigningKey
from tests.signing.issued import Authority

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("model_signing") is None, reason="the package model-signing is not installed"
)
SHARDS = """
import sys, model_signing
folder, key, out = sys.argv[1:]
hashing = model_signing.hashing.Config().use_shard_serialization(shard_size=1000)
hashing.set_ignored_paths(paths=[out])
model_signing.signing.Config().use_elliptic_key_signer(private_key=key).set_hashing_config(hashing).sign(folder, out)
"""
THEIR_VERIFY = """
import sys, model_signing
folder, key, signature = sys.argv[1:]
hashing = model_signing.hashing.Config().use_shard_serialization(shard_size=1000)
hashing.set_ignored_paths(paths=[signature])
verifier = model_signing.verifying.Config().use_elliptic_key_verifier(public_key=key)
verifier.set_hashing_config(hashing).verify(folder, signature)
"""


@pytest.fixture(autouse=True)
def own_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What versions were seen is remembered per user."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "credit"
    (root / "sub").mkdir(parents=True)
    (root / "a.bin").write_bytes(b"a" * 2_500)
    (root / "sub" / "b.bin").write_bytes(b"b" * 1_000)
    return root


@pytest.fixture
def key(tmp_path: Path) -> Path:
    signer = EcdsaSigner.generate()
    path = tmp_path / "oms.pem"
    path.touch(mode=0o600)
    private = signer._private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(private)
    (tmp_path / "oms.pub").write_bytes(signer.public.pem)
    return path


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def model_signing(*arguments: object) -> subprocess.CompletedProcess[str]:
    return run("-m", "model_signing", *arguments)


def test_its_verify_key_accepts_an_exported_folder_and_refuses_a_changed_one(
    folder: Path, key: Path, alice: SigningKey, alices_trust_store: Path
) -> None:
    sign(folder, key=alice, version="1.4")
    written = export_oms(folder, key=key, trust_store=alices_trust_store).written
    asked = ("verify", "key", folder, "--signature", written, "--public_key", key.with_suffix(".pub"))
    done = model_signing(*asked)
    assert done.returncode == 0, done.stderr + done.stdout
    (folder / "a.bin").write_bytes(b"x")
    assert model_signing(*asked).returncode != 0


def test_its_verify_key_accepts_an_exported_file(
    folder: Path, key: Path, alice: SigningKey, alices_trust_store: Path
) -> None:
    model = folder / "a.bin"
    sign(model, key=alice)
    written = export_oms(model, key=key, trust_store=alices_trust_store).written
    done = model_signing(
        "verify", "key", model, "--signature", written, "--public_key", key.with_suffix(".pub")
    )
    assert done.returncode == 0, done.stderr + done.stdout


def test_its_verify_certificate_accepts_an_exported_folder(
    folder: Path, tmp_path: Path, alice: SigningKey, alices_trust_store: Path
) -> None:
    root = Authority.root("root", datetime.now(UTC))
    between = root.issue_authority("between")
    leaf = between.issue("signer")
    for name, data in (("root", root.pem()), ("between", between.pem()), ("leaf", leaf.pem())):
        (tmp_path / f"{name}.pem").write_bytes(data)
    sign(folder, key=alice)
    written = export_oms(
        folder,
        key=leaf.signer,
        certificate=tmp_path / "leaf.pem",
        chain=tmp_path / "between.pem",
        trust_store=alices_trust_store,
    ).written
    done = model_signing(
        "verify", "certificate", folder, "--signature", written, "--certificate_chain", tmp_path / "root.pem"
    )
    assert done.returncode == 0, done.stderr + done.stdout
    verified = verify_oms(folder, roots=tmp_path / "root.pem", signature=written)
    assert verified.signer == "CN=signer"


def test_what_it_signs_by_files_is_verified(folder: Path, key: Path) -> None:
    signature = folder / "model.sig"
    done = model_signing("sign", "key", folder, "--private_key", key, "--signature", signature)
    assert done.returncode == 0, done.stderr + done.stdout
    verified = verify_oms(folder, public_key=key.with_suffix(".pub"))
    assert (verified.method, verified.name) == ("files", "credit")
    (folder / "new").touch()
    with pytest.raises(ManifestMismatchError):
        verify_oms(folder, public_key=key.with_suffix(".pub"))


def test_what_it_signs_by_shards_is_verified_and_the_empty_file_that_it_accepts_is_refused(
    folder: Path, key: Path
) -> None:
    signature = folder / "model.sig"
    done = run("-c", SHARDS, folder, key, signature)
    assert done.returncode == 0, done.stderr + done.stdout
    assert verify_oms(folder, public_key=key.with_suffix(".pub")).method == "shards"
    (folder / "new").touch()
    theirs = run("-c", THEIR_VERIFY, folder, key.with_suffix(".pub"), signature)
    assert theirs.returncode == 0, theirs.stderr
    with pytest.raises(ManifestMismatchError):
        verify_oms(folder, public_key=key.with_suffix(".pub"))


def test_what_it_signs_of_a_single_file_is_verified(folder: Path, key: Path, tmp_path: Path) -> None:
    model, signature = folder / "a.bin", tmp_path / "a.sig"
    assert model_signing("sign", "key", model, "--private_key", key, "--signature", signature).returncode == 0
    verified = verify_oms(model, public_key=key.with_suffix(".pub"), signature=signature)
    assert verified.manifest.kind == "file"


def test_an_expired_certificate_that_it_accepts_is_refused(folder: Path, tmp_path: Path) -> None:
    root = Authority.root("root", datetime(2020, 1, 1, tzinfo=UTC))
    leaf = root.issue("signer")
    key = tmp_path / "leaf.key"
    key.touch(mode=0o600)
    key.write_bytes(leaf.private_pem())
    (tmp_path / "leaf.pem").write_bytes(leaf.pem())
    (tmp_path / "root.pem").write_bytes(root.pem())
    signature = folder / "model.sig"
    command = ("sign", "certificate", folder, "--private_key", key, "--signature", signature)
    chain = ("--signing_certificate", tmp_path / "leaf.pem", "--certificate_chain", tmp_path / "root.pem")
    done = model_signing(*command, *chain)
    assert done.returncode == 0, done.stderr + done.stdout
    theirs = (
        "verify",
        "certificate",
        folder,
        "--signature",
        signature,
        "--certificate_chain",
        tmp_path / "root.pem",
    )
    assert model_signing(*theirs).returncode == 0
    with pytest.raises(ExpiredError):
        verify_oms(folder, roots=tmp_path / "root.pem")
