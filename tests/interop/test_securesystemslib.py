"""securesystemslib, which TUF and in-toto verify with, reads our envelope and verifies it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from secureload.api.sign import sign
from secureload.signing.keys import SigningKey

dsse = pytest.importorskip("securesystemslib.dsse", reason="the package securesystemslib is not installed")
signer = pytest.importorskip("securesystemslib.signer")


def key_of(key: SigningKey) -> object:
    return signer.SSlibKey(key.public.key_id, "ed25519", "ed25519", {"public": key.public.raw.hex()})


def test_it_verifies_our_envelope_and_refuses_another_key(tmp_path: Path, alice: SigningKey) -> None:
    model = tmp_path / "model.bin"
    model.write_bytes(b"model")
    bundle = json.loads(sign(model, key=alice).sidecar.read_bytes())
    envelope = dsse.Envelope.from_dict(bundle["dsseEnvelope"])
    assert set(envelope.verify([key_of(alice)], 1)) == {alice.public.key_id}
    with pytest.raises(Exception, match="threshold"):
        envelope.verify([key_of(SigningKey.generate("mallory"))], 1)
    envelope.payload = envelope.payload.replace(b"model.bin", b"other.bin")
    with pytest.raises(Exception, match="threshold"):
        envelope.verify([key_of(alice)], 1)
