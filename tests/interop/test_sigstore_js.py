"""The verifier of sigstore-js accepts the signature file as it is."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from secureload.api.sign import sign
from secureload.signing.keys import SigningKey

FOLDER = os.environ.get("SIGSTORE_JS", "")
pytestmark = pytest.mark.skipif(
    not FOLDER or shutil.which("node") is None,
    reason="SIGSTORE_JS does not name a folder with the npm packages @sigstore/bundle and @sigstore/verify",
)


def verify(bundle: Path, key: Path) -> subprocess.CompletedProcess[str]:
    command = ["node", str(Path(__file__).with_name("verify_bundle.mjs")), str(bundle), str(key)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_it_accepts_our_signature_and_refuses_another_payload(tmp_path: Path, alice: SigningKey) -> None:
    model = tmp_path / "model.bin"
    model.write_bytes(b"model")
    sidecar = sign(model, key=alice, version="1.4").sidecar
    key = tmp_path / "alice.pem"
    public = Ed25519PublicKey.from_public_bytes(alice.public.raw)
    key.write_bytes(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    done = verify(sidecar, key)
    assert (done.returncode, done.stdout) == (0, "verified\n"), done.stderr
    other = tmp_path / "other.bin"
    other.write_bytes(b"other")
    mallory = SigningKey.generate("mallory")
    theirs = sign(other, key=mallory).sidecar
    forged = theirs.read_text().replace(mallory.public.key_id, alice.public.key_id)
    (tmp_path / "forged.sig").write_text(forged)
    assert "VerificationError" in verify(tmp_path / "forged.sig", key).stderr
