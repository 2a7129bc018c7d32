"""OpenSSF's model signer, by its command line, with a P-256 key or a certificate."""

from __future__ import annotations

import base64
import json
import sys
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from benchmarks.trusting.tool import ByDesignError, NotApplicableError, Tool, run

_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # SEC 2, section 2.4.2
_SHARDS = """
import sys, model_signing
verb, path, key, signature = sys.argv[1:]
hashing = model_signing.hashing.Config().use_shard_serialization()
hashing.set_ignored_paths(paths=[signature])
if verb == "sign":
    config = model_signing.signing.Config().use_elliptic_key_signer(private_key=key)
else:
    config = model_signing.verifying.Config().use_elliptic_key_verifier(public_key=key)
getattr(config.set_hashing_config(hashing), verb)(path, signature)
"""


class ModelSigning(Tool):
    """By whole files, as its command line does."""

    name = "model_signing"

    @staticmethod
    def version() -> str | None:
        try:
            return metadata.version("model-signing")
        except metadata.PackageNotFoundError:
            return None

    def make_keys(self) -> None:
        _write_pair(self.private_key())

    def sign(self, path: Path, version: int = 1) -> None:
        assert self._sign(path, self.private_key())

    def _sign(self, path: Path, key: Path) -> bool:
        return _program("sign", "key", path, "--private_key", key, "--signature", self.signature(path))

    def accepts(self, path: Path) -> bool:
        public = self.private_key().with_suffix(".pub")
        return _program("verify", "key", path, "--public_key", public, "--signature", self.signature(path))

    def signature(self, path: Path) -> Path:
        return path.with_name(path.name + ".sig")

    def duplicate_keys(self, path: Path) -> None:
        text = self.signature(path).read_text()
        kind = json.dumps(json.loads(text)["mediaType"])
        self.signature(path).write_text(text.replace("{", '{"mediaType":' + kind + ",", 1))

    def second_signature(self, path: Path) -> None:
        value = json.loads(self.signature(path).read_text())
        value["dsseEnvelope"]["signatures"] *= 2
        self.signature(path).write_text(json.dumps(value))

    def malleate(self, path: Path) -> None:
        value = json.loads(self.signature(path).read_text())
        (one,) = value["dsseEnvelope"]["signatures"]
        r, s = decode_dss_signature(base64.b64decode(one["sig"]))
        one["sig"] = base64.b64encode(encode_dss_signature(r, _P256_ORDER - s)).decode()
        self.signature(path).write_text(json.dumps(value))

    def accepts_weak_key(self, path: Path) -> bool:
        raise NotApplicableError("ECDSA: its curves have no such points")

    def accepts_expired(self, path: Path) -> bool:
        from tests.signing.issued import Authority  # the certificates of the tests

        root = Authority.root("root", datetime(2020, 1, 1, tzinfo=UTC))
        leaf = root.issue("signer")
        files = {"leaf.key": leaf.private_pem(), "leaf.pem": leaf.pem(), "root.pem": root.pem()}
        for name, data in files.items():
            (self.own / name).write_bytes(data)
        signature = ("--signature", self.signature(path))
        chain = ("--certificate_chain", self.own / "root.pem")
        pair = ("--private_key", self.own / "leaf.key", "--signing_certificate", self.own / "leaf.pem")
        assert _program("sign", "certificate", path, *pair, *chain, *signature)
        return _program("verify", "certificate", path, *chain, *signature)

    def accepts_revoked(self, path: Path) -> bool:
        raise ByDesignError("no list of revoked keys or certificates is taken")

    def accepts_key_beside(self, path: Path) -> bool:
        stranger = path.parent / "mallory.pem"
        _write_pair(stranger)
        self.signature(path).unlink()
        assert self._sign(path, stranger)
        return self.accepts(path)

    def trust_files(self) -> list[Path]:
        return [self.own, self.private_key().with_suffix(".pub")]

    def private_key(self) -> Path:
        return self.own / "alice.pem"


class ModelSigningShards(ModelSigning):
    """By shards, which its programming interface alone offers."""

    name = "model_signing, shards"

    def _sign(self, path: Path, key: Path) -> bool:
        return run(sys.executable, "-c", _SHARDS, "sign", path, key, self.signature(path))

    def accepts(self, path: Path) -> bool:
        public = self.private_key().with_suffix(".pub")
        return run(sys.executable, "-c", _SHARDS, "verify", path, public, self.signature(path))


def _program(*arguments: object) -> bool:
    return run(sys.executable, "-m", "model_signing", *arguments)


def _write_pair(path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    path.touch(mode=0o600)
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    path.with_suffix(".pub").write_bytes(public)
