"""python-tuf: a repository with one key for each model, in files, and its client, which starts from its own root."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from importlib import metadata
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from benchmarks.trusting.tool import IDENTITY, Tool, add_order

_ROLES = ("root", "timestamp", "snapshot", "targets")
_YEAR = timedelta(days=365)


class Tuf(Tool):
    """The signature of a path is its folder of metadata; the client keeps what it has seen."""

    name = "TUF"
    sees_links = False

    @staticmethod
    def version() -> str | None:
        try:
            return metadata.version("tuf")
        except metadata.PackageNotFoundError:
            return None

    def make_keys(self) -> None:
        _write_key(self.private_key())
        self.root_bytes = self._root(1, _signer(self.private_key())).to_bytes()

    def sign(self, path: Path, version: int = 1) -> None:
        self._publish(path, version, _signer(self.private_key()))

    def _root(self, version: int, signer: Any, **others: Any) -> Any:
        """The root metadata: ``signer``'s key in every role but those in ``others``."""
        from tuf.api.metadata import Metadata, Root

        root = Root(version=version, expires=datetime.now(UTC) + _YEAR, consistent_snapshot=False)
        for role in _ROLES:
            root.add_key(others.get(role, signer.public_key), role)
        signed = Metadata(root)
        signed.sign(signer)
        return signed

    def _publish(self, path: Path, version: int, signer: Any, expires: timedelta = _YEAR) -> None:
        from tuf.api.metadata import Metadata, MetaFile, Snapshot, TargetFile, Targets, Timestamp

        until = datetime.now(UTC) + expires
        targets = Targets(version=version, expires=until)
        for name, file in _members(path).items():
            targets.targets[name] = TargetFile.from_file(name, str(file))
        snapshot = Snapshot(version=version, expires=until, meta={"targets.json": MetaFile(version=version)})
        timestamp = Timestamp(version=version, expires=until, snapshot_meta=MetaFile(version=version))
        folder = self.signature(path)
        folder.mkdir(exist_ok=True)
        (folder / "1.root.json").write_bytes(self.root_bytes)
        for name, signed in (("targets", targets), ("snapshot", snapshot), ("timestamp", timestamp)):
            whole = Metadata(signed)
            whole.sign(signer)
            (folder / f"{name}.json").write_bytes(whole.to_bytes())

    def accepts(self, path: Path) -> bool:
        """Download everything that lies there or is listed, as a client that wants the whole model."""
        from securesystemslib.exceptions import StorageError
        from tuf.api.exceptions import DownloadError, RepositoryError

        try:
            self._download(path)
        except (RepositoryError, DownloadError, StorageError, LookupError):
            return False
        return True

    def _download(self, path: Path) -> Path:
        from tuf.ngclient import Updater

        seen, got = self.own / "seen" / path.name, self.own / "got" / path.name
        shutil.rmtree(got, ignore_errors=True)
        for folder in (seen, got):
            folder.mkdir(parents=True, exist_ok=True)
        base = "file://model/"
        client = Updater(
            str(seen),
            base + "m/",
            str(got),
            base + "t/",
            _fetcher(self.signature(path), path),
            bootstrap=self.root_bytes,
        )
        client.config.prefix_targets_with_hash = False
        client.refresh()
        listed = json.loads((seen / "targets.json").read_text())["signed"]["targets"]
        for name in sorted({*listed, *_members(path)}):
            info = client.get_targetinfo(name)
            if info is None:
                raise LookupError(name)
            client.download_target(info)
        return got

    def read_swapped(self, path: Path, swap: Callable[[], None]) -> bytes:
        got = self._download(path) / path.name
        swap()  # of the repository's file; the client's copy is in a folder of the client's own
        return got.read_bytes()

    def signature(self, path: Path) -> Path:
        return path.with_name(path.name + ".tuf")

    def signature_text(self, path: Path) -> Path:
        # A client that has the honest one does not ask again.
        shutil.rmtree(self.own / "seen", ignore_errors=True)
        return self.signature(path) / "timestamp.json"

    def respell(self, path: Path) -> None:
        def change(text: str) -> str:
            value = json.loads(text)
            (one,) = value["signatures"]
            one["sig"] = one["sig"].upper()
            return json.dumps(value)

        self._edit(path, change)

    def duplicate_keys(self, path: Path) -> None:
        self._edit(path, lambda text: text.replace("{", '{"signatures":[],', 1))

    def second_signature(self, path: Path) -> None:
        def add(text: str) -> str:
            value = json.loads(text)
            value["signatures"].append({"keyid": "0" * 64, "sig": "00" * 64})
            return json.dumps(value)

        self._edit(path, add)

    def malleate(self, path: Path) -> None:
        def change(text: str) -> str:
            value = json.loads(text)
            (one,) = value["signatures"]
            one["sig"] = add_order(bytes.fromhex(one["sig"])).hex()
            return json.dumps(value)

        self._edit(path, change)

    def accepts_weak_key(self, path: Path) -> bool:
        from securesystemslib.signer import SSlibKey

        weak = SSlibKey("0" * 64, "ed25519", "ed25519", {"public": IDENTITY.hex()})
        self.root_bytes = self._root(1, _signer(self.private_key()), timestamp=weak).to_bytes()
        shutil.rmtree(self.own / "seen", ignore_errors=True)
        (self.signature(path) / "1.root.json").write_bytes(self.root_bytes)

        def forge(text: str) -> str:
            value = json.loads(text)
            value["signatures"] = [{"keyid": "0" * 64, "sig": (IDENTITY + bytes(32)).hex()}]
            return json.dumps(value)

        self._edit(path, forge)
        return self.accepts(path)

    def accepts_expired(self, path: Path) -> bool:
        self._publish(path, 2, _signer(self.private_key()), expires=-timedelta(days=1))
        return self.accepts(path)

    def accepts_revoked(self, path: Path) -> bool:
        """The root takes another key for the targets; what the old key signed is still there."""
        _write_key(self.own / "new.pem")
        new = _signer(self.own / "new.pem").public_key
        second = self._root(2, _signer(self.private_key()), targets=new)
        (self.signature(path) / "2.root.json").write_bytes(second.to_bytes())
        return self.accepts(path)

    def accepts_key_beside(self, path: Path) -> bool:
        stranger = path.parent / "mallory.pem"
        _write_key(stranger)
        shutil.rmtree(self.own / "seen", ignore_errors=True)
        self._publish(path, 2, _signer(stranger))
        root = self._root(2, _signer(stranger)).to_bytes()
        (self.signature(path) / "2.root.json").write_bytes(root)
        return self.accepts(path)

    def trust_files(self) -> list[Path]:
        seen = [one for one in (self.own / "seen").rglob("*") if not one.is_symlink()]
        return [self.own / "seen", *seen]

    def private_key(self) -> Path:
        return self.own / "alice.pem"

    def _edit(self, path: Path, change: Callable[[str], str]) -> None:
        file = self.signature_text(path)
        file.write_text(change(file.read_text()))


def _members(path: Path) -> dict[str, Path]:
    if not path.is_dir():
        return {path.name: path}
    found: dict[str, Path] = {}
    for one in path.iterdir():
        inner = _members(one)
        found |= {f"{one.name}/{name}": file for name, file in inner.items()} if one.is_dir() else inner
    return found


def _fetcher(folder: Path, path: Path) -> Any:
    """What the client downloads by: metadata from ``folder``, targets from ``path``."""
    from tuf.api.exceptions import DownloadHTTPError
    from tuf.ngclient.fetcher import FetcherInterface

    class Files(FetcherInterface):
        def _fetch(self, url: str) -> Iterator[bytes]:
            kind, _, name = url.removeprefix("file://model/").partition("/")
            file = folder / name if kind == "m" else _members(path).get(name)
            if file is None or not file.is_file():
                raise DownloadHTTPError(name, 404)
            return iter([file.read_bytes()])

    return Files()


def _write_key(path: Path) -> None:
    path.touch(mode=0o600)
    key = Ed25519PrivateKey.generate()
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def _signer(path: Path) -> Any:
    """The signer that securesystemslib itself makes of a key file."""
    from securesystemslib.signer import CryptoSigner, SSlibKey

    key = load_pem_private_key(path.read_bytes(), None)
    assert isinstance(key, Ed25519PrivateKey)
    return CryptoSigner.from_priv_key_uri(f"file2:{path}", SSlibKey.from_crypto(key.public_key()))
