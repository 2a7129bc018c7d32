"""The parties of every attack: a signer, a thief, a model in a file and in a folder, and a verifier with a store."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from secureload.api.sign import sign
from secureload.api.verify import Verified, verify
from secureload.signing.dsse import IN_TOTO_PAYLOAD_TYPE, Envelope, sign_payload
from secureload.signing.keys import SigningKey
from secureload.signing.sidecar import encode_sidecar, parse_sidecar
from secureload.trust.store import add_trusted_key

__all__ = ["DAY", "Parties", "now"]

DAY = timedelta(days=1)


def now() -> datetime:
    """The time in whole seconds: of this moment, for a run of all tests takes longer than clocks may differ."""
    return datetime.now(UTC).replace(microsecond=0)


@dataclass(frozen=True, slots=True)
class Parties:
    """alice signs and is trusted, mallory is not; each trust store is a folder."""

    root: Path
    alice: SigningKey
    bob: SigningKey
    mallory: SigningKey

    @classmethod
    def meet(cls, root: Path) -> Parties:
        """Make keys and a trust store with alice as signer, bob as approver and timestamper."""
        found = cls(root, *(SigningKey.generate(name) for name in ("alice", "bob", "mallory")))
        add_trusted_key(found.store, found.alice.public, name="alice", roles=["signer", "approver"])
        add_trusted_key(found.store, found.bob.public, name="bob", roles=["approver", "timestamper"])
        return found

    @property
    def store(self) -> Path:
        return self.root / "trust"

    def file(self, data: bytes = b"model", name: str = "model.bin", **options: Any) -> Path:
        """A model in a file that alice signed."""
        path = self.root / name
        path.write_bytes(data)
        sign(path, key=self.alice, **options)
        return path

    def folder(self, name: str = "model", **options: Any) -> Path:
        """A model in a folder of three members that alice signed."""
        path = self.root / name
        (path / "sub").mkdir(parents=True)
        for member in ("a.bin", "b.bin", "sub/c.bin"):
            (path / member).write_bytes(member.encode() * 10)
        sign(path, key=self.alice, **options)
        return path

    def verify(self, path: Path, **options: Any) -> Verified:
        return verify(path, trust_store=self.store, **options)

    def sidecar(self, path: Path) -> Path:
        return path / "model.sig" if path.is_dir() else Path(f"{path}.sig")

    def envelopes(self, path: Path) -> tuple[Envelope, ...]:
        return parse_sidecar(self.sidecar(path).read_bytes())

    def replace(self, path: Path, *envelopes: Envelope) -> None:
        """Put other envelopes beside the model."""
        self.sidecar(path).write_bytes(encode_sidecar(envelopes))

    def resigned(self, path: Path, change: Any, key: SigningKey | None = None) -> None:
        """Sign what ``change`` makes of the statement: alice herself, who is careless or whose tool is not ours."""
        statement = json.loads(self.envelopes(path)[0].payload)
        payload = change(statement)
        if not isinstance(payload, bytes):
            payload = json.dumps(statement).encode()
        self.replace(path, sign_payload(payload, key or self.alice, IN_TOTO_PAYLOAD_TYPE))
