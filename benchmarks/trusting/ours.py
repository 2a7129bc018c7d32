"""secureload, by its own programming interface."""

from __future__ import annotations

import base64
import json
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import secureload
from benchmarks.trusting.tool import IDENTITY, Tool, add_order
from secureload.api.sign import sign
from secureload.api.verify import verify, verify_artifact
from secureload.artifact.artifact import open_artifact
from secureload.errors import SecureloadError
from secureload.limits import DEFAULT_LIMITS
from secureload.signing.dsse import Envelope
from secureload.signing.keys import PublicKey, SigningKey, encode_public_key
from secureload.signing.sidecar import encode_sidecar, parse_sidecar
from secureload.trust.keyfiles import read_private_key, write_private_key
from secureload.trust.store import add_trusted_key, load_trust_store, revoke_key


class Secureload(Tool):
    """A key in a file, and a trust store with its public half."""

    name = "secureload"

    @staticmethod
    def version() -> str | None:
        return secureload.__version__

    def make_keys(self) -> None:
        os.environ["XDG_STATE_HOME"] = str(self.own / "state")  # the memory of versions is per user
        key = SigningKey.generate("alice")
        write_private_key(self.private_key(), key, None)
        add_trusted_key(self.own / "trust", key.public, name="alice", roles=["signer"])

    def sign(self, path: Path, version: int = 1) -> None:
        self.signature(path).unlink(missing_ok=True)
        sign(path, key=read_private_key(self.private_key()), version=str(version))

    def accepts(self, path: Path) -> bool:
        try:
            verify(path, trust_store=self.own / "trust")
        except SecureloadError:
            return False
        return True

    def signature(self, path: Path) -> Path:
        return path / "model.sig" if path.is_dir() else Path(f"{path}.sig")

    def read_swapped(self, path: Path, swap: Callable[[], None]) -> bytes:
        store = load_trust_store(self.own / "trust")
        with open_artifact(path) as artifact:
            assert verify_artifact(artifact, store, name=None, threshold=1, limits=DEFAULT_LIMITS).good
            swap()
            return os.pread(artifact.fileno(), artifact.size, 0)

    def duplicate_keys(self, path: Path) -> None:
        text = self.signature(path).read_text()
        kind = json.dumps(json.loads(text)["mediaType"])
        self.signature(path).write_text(text.replace("{", '{"mediaType":' + kind + ",", 1))

    def second_signature(self, path: Path) -> None:
        value = json.loads(self.signature(path).read_text())
        value["dsseEnvelope"]["signatures"] *= 2
        self.signature(path).write_text(json.dumps(value) + "\n")

    def malleate(self, path: Path) -> None:
        self._replace_signature(path, add_order)

    def accepts_weak_key(self, path: Path) -> bool:
        try:
            PublicKey(IDENTITY)
        except SecureloadError:
            # No way leads into the trust store but by hand; that is tried too.
            line = encode_public_key(read_private_key(self.private_key()).public)
            good = read_private_key(self.private_key()).public.raw
            (self.own / "trust" / "alice.pub").write_bytes(_with_raw_key(line, good, IDENTITY))
            self._replace_signature(path, lambda _: IDENTITY + bytes(32))
            return self.accepts(path)
        return True

    def accepts_expired(self, path: Path) -> bool:
        self.signature(path).unlink()
        sign(path, key=read_private_key(self.private_key()), expires=datetime.now(UTC) + timedelta(seconds=2))
        time.sleep(3)
        return self.accepts(path)

    def accepts_revoked(self, path: Path) -> bool:
        revoke_key(self.own / "trust", "alice", since=datetime.now(UTC), reason="stolen")
        return self.accepts(path)

    def accepts_key_beside(self, path: Path) -> bool:
        stranger = SigningKey.generate("mallory")
        self.signature(path).unlink()
        sign(path, key=stranger)
        (path.parent / "mallory.pub").write_bytes(encode_public_key(stranger.public))
        add_trusted_key(path.parent / "trust", stranger.public, name="mallory", roles=["signer"])
        return self.accepts(path)

    def trust_files(self) -> list[Path]:
        return [self.own / "trust", *(self.own / "trust").iterdir()]

    def private_key(self) -> Path:
        return self.own / "alice"

    def _replace_signature(self, path: Path, change: Callable[[bytes], bytes]) -> None:
        (one,) = parse_sidecar(self.signature(path).read_bytes())
        changed = Envelope(one.payload, one.payload_type, change(one.signature), one.key_id)
        self.signature(path).write_bytes(encode_sidecar((changed,)))


def _with_raw_key(line: bytes, old: bytes, new: bytes) -> bytes:
    """Return the line of a .pub file with other raw bytes of the key."""
    kind, encoded, *rest = line.split(b" ")
    blob = base64.b64decode(encoded).replace(old, new)
    return b" ".join([kind, base64.b64encode(blob), *rest])
