"""A model that imports a module and reads a file when it is asked, not before."""

from __future__ import annotations

import errno
import importlib
import os
import socket
from pathlib import Path
from typing import Any

LATE = f"{__name__}:Late"


class Late:
    """Its methods run in the worker."""

    def import_late(self, name: str) -> str:
        return importlib.import_module(name).__name__

    def read(self, path: str) -> str:
        return Path(path).read_text()

    def tries(self, path: str) -> dict[str, str]:
        attempts: dict[str, Any] = {
            "read": lambda: Path(path).read_bytes(),
            "users": lambda: Path("/etc/passwd").read_bytes(),
            "write": lambda: Path(path).write_bytes(b"x"),
            "append": lambda: os.open(path, os.O_RDONLY | os.O_APPEND),
            "create": lambda: os.open(f"{path}-new", os.O_RDONLY | os.O_CREAT),
            "remove": lambda: os.unlink(path),
            "socket": socket.socket,
            "fork": os.fork,
            "proc": lambda: os.listdir("/proc"),
        }
        found = {}
        for name, attempt in attempts.items():
            try:
                attempt()
                found[name] = "could"
            except OSError as error:
                found[name] = errno.errorcode.get(error.errno or 0, "?")
        return found

    def echo(self, value: Any) -> Any:
        return value
