"""minisign and ``ssh-keygen -Y``: programs that sign one file each; of a folder every member is signed on its own."""

from __future__ import annotations

import base64
import shutil
import struct
import subprocess
from pathlib import Path

from benchmarks.trusting.tool import IDENTITY, ByDesignError, Tool, add_order, run

_FORGED = IDENTITY + bytes(32)
_ARMOUR = "-----BEGIN SSH SIGNATURE-----\n{}\n-----END SSH SIGNATURE-----\n"


class ByFile(Tool):
    """A signature beside each file, with the tool's own ending."""

    ending = ""
    is_json = False

    def sign(self, path: Path, version: int = 1) -> None:
        for one in self._members(path):
            self.signature(one).unlink(missing_ok=True)
            assert self.sign_file(one, self.private_key())

    def accepts(self, path: Path) -> bool:
        return all(self.verify_file(one) for one in self._members(path))

    def signature(self, path: Path) -> Path:
        return Path(f"{path}{self.ending}")

    def sign_file(self, path: Path, key: Path) -> bool:
        raise NotImplementedError

    def verify_file(self, path: Path) -> bool:
        raise NotImplementedError

    def _members(self, path: Path) -> list[Path]:
        if not path.is_dir():
            return [path]
        found: list[Path] = []
        for one in sorted(path.iterdir()):
            found += self._members(one)
        return [one for one in found if one.suffix != self.ending]


class Minisign(ByFile):
    """minisign, prehashed as by default."""

    name = "minisign"
    ending = ".minisig"

    @staticmethod
    def version() -> str | None:
        return _first_line("minisign", "-v").removeprefix("minisign ") if shutil.which("minisign") else None

    def make_keys(self) -> None:
        assert self._generate(self.private_key())

    @staticmethod
    def _generate(key: Path) -> bool:
        made = run("minisign", "-G", "-W", "-p", key.with_suffix(".pub"), "-s", key)
        key.chmod(0o600)
        return made

    def sign_file(self, path: Path, key: Path) -> bool:
        return run("minisign", "-S", "-s", key, "-m", path, "-x", self.signature(path), text="\n")

    def verify_file(self, path: Path) -> bool:
        public = self.private_key().with_suffix(".pub")
        return run("minisign", "-V", "-q", "-p", public, "-m", path, "-x", self.signature(path))

    def respell(self, path: Path) -> None:
        # The last letter before "=" has two bits that mean nothing.
        lines = self.signature(path).read_text().splitlines()
        assert lines[1].endswith("=")
        lines[1] = f"{lines[1][:-2]}{chr(ord(lines[1][-2]) + 1)}="
        assert base64.b64decode(lines[1]), "the same bytes"
        self.signature(path).write_text("\n".join(lines) + "\n")

    def malleate(self, path: Path) -> None:
        # The second signature: the first is covered by it, and would be noticed for that reason alone.
        lines = self.signature(path).read_text().splitlines()
        lines[3] = base64.b64encode(add_order(base64.b64decode(lines[3]))).decode()
        self.signature(path).write_text("\n".join(lines) + "\n")

    def accepts_weak_key(self, path: Path) -> bool:
        public = self.private_key().with_suffix(".pub")
        lines = public.read_text().splitlines()
        head = base64.b64decode(lines[1])[:10]
        public.write_text(f"{lines[0]}\n{base64.b64encode(head + IDENTITY).decode()}\n")
        signed = self.signature(path).read_text().splitlines()
        start = base64.b64decode(signed[1])[:10]
        signed[1] = base64.b64encode(start + _FORGED).decode()
        signed[3] = base64.b64encode(_FORGED).decode()
        self.signature(path).write_text("\n".join(signed) + "\n")
        return self.accepts(path)

    def accepts_expired(self, path: Path) -> bool:
        raise ByDesignError("neither keys nor signatures expire")

    def accepts_revoked(self, path: Path) -> bool:
        raise ByDesignError("no list of revoked keys is taken")

    def accepts_key_beside(self, path: Path) -> bool:
        stranger = path.parent / "minisign.key"  # its public half is what minisign looks for where it is run
        assert self._generate(stranger)
        self.signature(path).unlink()
        assert self.sign_file(path, stranger)
        return run("minisign", "-V", "-q", "-m", path.name, cwd=path.parent)

    def trust_files(self) -> list[Path]:
        return [self.own, self.private_key().with_suffix(".pub")]

    def private_key(self) -> Path:
        return self.own / "alice.key"


class SshKeygen(ByFile):
    """``ssh-keygen -Y sign`` and ``-Y verify`` with an Ed25519 key and a list of allowed signers."""

    name = "ssh-keygen -Y"
    ending = ".sig"

    @staticmethod
    def version() -> str | None:
        if not shutil.which("ssh-keygen"):
            return None
        return _first_line("ssh", "-V").split(",")[0].split(" ")[0] if shutil.which("ssh") else "OpenSSH"

    def make_keys(self) -> None:
        assert run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "alice", "-f", self.private_key())
        self._allow(self._public().read_text())

    def sign_file(self, path: Path, key: Path) -> bool:
        return run("ssh-keygen", "-Y", "sign", "-f", key, "-n", "model", path)

    def verify_file(self, path: Path, *more: object) -> bool:
        who = ("-f", self.own / "allowed_signers", "-I", "alice", "-n", "model")
        return run("ssh-keygen", "-Y", "verify", *who, "-s", self.signature(path), *more, stdin=path)

    def respell(self, path: Path) -> None:
        first, *lines, last = self.signature(path).read_text().splitlines()
        self.signature(path).write_text("\n".join([first, " ".join("".join(lines)), last]) + "\n")

    def malleate(self, path: Path) -> None:
        blob = self._blob(path)
        self._write_blob(path, add_order(blob))

    def accepts_weak_key(self, path: Path) -> bool:
        raw = self._raw_key()
        weak = self._public_blob().replace(raw, IDENTITY)
        self._allow(f"ssh-ed25519 {base64.b64encode(weak).decode()}")
        blob = self._blob(path).replace(raw, IDENTITY)
        self._write_blob(path, blob[:-64] + _FORGED)
        return self.accepts(path)

    def accepts_expired(self, path: Path) -> bool:
        self._allow(self._public().read_text(), 'valid-before="20200101" ')
        return self.accepts(path)

    def accepts_revoked(self, path: Path) -> bool:
        return self.verify_file(path, "-r", self._public())

    def accepts_key_beside(self, path: Path) -> bool:
        stranger = path.parent / "mallory"
        assert run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", stranger)
        (path.parent / "allowed_signers").write_text(f"alice {stranger.with_suffix('.pub').read_text()}")
        self.signature(path).unlink()
        assert self.sign_file(path, stranger)
        return self.accepts(path)

    def trust_files(self) -> list[Path]:
        return [self.own, self.own / "allowed_signers"]

    def private_key(self) -> Path:
        return self.own / "alice"

    def _public(self) -> Path:
        return self.own / "alice.pub"

    def _allow(self, key: str, options: str = "") -> None:
        (self.own / "allowed_signers").write_text(f"alice {options}{key}\n")

    def _public_blob(self) -> bytes:
        return base64.b64decode(self._public().read_text().split()[1])

    def _raw_key(self) -> bytes:
        return self._public_blob()[-32:]

    def _blob(self, path: Path) -> bytes:
        """The signature in binary (PROTOCOL.sshsig); R and S are its last 64 bytes."""
        blob = base64.b64decode("".join(self.signature(path).read_text().splitlines()[1:-1]))
        assert struct.unpack(">I", blob[-68:-64]) == (64,)
        return blob

    def _write_blob(self, path: Path, blob: bytes) -> None:
        text = base64.b64encode(blob).decode()
        lines = "\n".join(text[i : i + 70] for i in range(0, len(text), 70))
        self.signature(path).write_text(_ARMOUR.format(lines))


def _first_line(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    return (done.stdout + done.stderr).splitlines()[0].strip()
