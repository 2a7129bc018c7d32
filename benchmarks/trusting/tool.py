"""What every tool is asked to do: make keys, sign, verify, and stand some attacks that differ from tool to tool."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

__all__ = ["IDENTITY", "ByDesignError", "NotApplicableError", "Tool", "add_order", "run"]

_ORDER = 2**252 + 27742317777372353535851937790883648493  # of Ed25519's group: RFC 8032, section 5.1
IDENTITY = bytes([1]) + bytes(31)  # the neutral point; as key and as R, with S = 0, it fits every message


class NotApplicableError(Exception):
    """The tool has nothing that could be attacked in this way; the text says why."""


class ByDesignError(Exception):
    """The tool says itself that this is not noticed, and has nothing to switch on; the text says why."""


class Tool:
    """One tool with keys of its own below ``root``; ``root/work`` is what the attacker may write to."""

    name = ""
    is_json = True  # its signatures are
    sees_links = True  # it reads the model where it lies, and not what is downloaded of it

    def __init__(self, root: Path) -> None:
        self.root = root
        self.own = root / "own"
        self.work = root / "work"
        self.own.mkdir(parents=True)
        self.work.mkdir()
        self.make_keys()

    @staticmethod
    def version() -> str | None:
        """The tool's version, or None where it is not installed."""
        raise NotImplementedError

    def make_keys(self) -> None:
        raise NotImplementedError

    def sign(self, path: Path, version: int = 1) -> None:
        """Sign a file or a folder as the honest signer."""
        raise NotImplementedError

    def accepts(self, path: Path) -> bool:
        raise NotImplementedError

    def signature(self, path: Path) -> Path:
        """Where the signature of a file is."""
        raise NotImplementedError

    def read_swapped(self, path: Path, swap: Callable[[], None]) -> bytes:
        """Verify, swap the file, and return what its user then gets: the tool hands over no bytes of its own."""
        assert self.accepts(path)
        swap()
        return path.read_bytes()

    def duplicate_keys(self, path: Path) -> None:
        """Repeat a key in the JSON of the signature."""
        raise NotApplicableError("no JSON")

    def signature_text(self, path: Path) -> Path:
        """The file of the signature that the attacker edits."""
        return self.signature(path)

    def add_field(self, path: Path) -> None:
        """Put a field that nobody knows into the JSON around what is signed."""
        if not self.is_json:
            raise NotApplicableError("no JSON")
        file = self.signature_text(path)
        file.write_text(file.read_text().replace("{", '{"comment":"harmless",', 1))

    def respell(self, path: Path) -> None:
        """Spell the same bytes of the signature in another way."""
        file = self.signature_text(path)
        file.write_text(re.sub(r'("payload": ?")', r"\1\\n", file.read_text(), count=1))

    def swell(self, path: Path) -> None:
        """Put a gigabyte of white space behind the signature."""
        with self.signature_text(path).open("ab") as file:
            for _ in range(64):
                file.write(b" " * (1 << 24))

    def second_signature(self, path: Path) -> None:
        """Put another signature beside the honest one."""
        raise NotApplicableError("one signature a file")

    def malleate(self, path: Path) -> None:
        """Turn the signature into another one that a careless verifier takes as well."""
        raise NotImplementedError

    def accepts_weak_key(self, path: Path) -> bool:
        """Tell if a key of small order is believed, and the signature that everybody can make for it."""
        raise NotImplementedError

    def accepts_expired(self, path: Path) -> bool:
        raise NotImplementedError

    def accepts_revoked(self, path: Path) -> bool:
        raise NotImplementedError

    def accepts_key_beside(self, path: Path) -> bool:
        """Tell if a stranger's signature counts where the stranger's key lies beside the model."""
        raise NotImplementedError

    def trust_files(self) -> list[Path]:
        """What says whom to trust; everybody may write to it after the attack."""
        raise NotImplementedError

    def private_key(self) -> Path:
        raise NotImplementedError


def add_order(signature: bytes) -> bytes:
    """Return the Ed25519 signature with the order of the group added to its S, the last 32 bytes."""
    number = int.from_bytes(signature[-32:], "little") + _ORDER
    return signature[:-32] + number.to_bytes(32, "little")


def run(*command: object, stdin: Path | None = None, cwd: Path | None = None, text: str = "") -> bool:
    """Run a program and tell if it ended with 0; its environment is a small one."""
    environment = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(cwd or "/nonexistent"),
    }
    data = text.encode() if stdin is None else stdin.read_bytes()
    done = subprocess.run(
        [*map(str, command)],
        input=data,
        cwd=cwd,
        env=environment,
        capture_output=True,
        timeout=120,
        check=False,
    )
    return done.returncode == 0
