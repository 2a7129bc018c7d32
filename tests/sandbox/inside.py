"""Classes of the tests' own, allowed by name, that look around inside the worker and tell what they see."""

from __future__ import annotations

import os
import random
import signal
import socket
import threading
import time
import warnings
from typing import Any

INSIDE = f"{__name__}:Inside"


class Inside:
    """Its methods run in the worker; one may hold others."""

    label = "inside"

    def __init__(self) -> None:
        self.loaded = True
        self.inner: Any = None

    def prints(self, text: str) -> None:
        print(text)

    def environment(self) -> dict[str, str]:
        return dict(os.environ)

    def tries(self) -> dict[str, str]:
        attempts = {
            "list": lambda: os.listdir("/"),
            "open": lambda: os.open("/etc/passwd", os.O_RDONLY),
            "socket": socket.socket,
            "fork": os.fork,
            "kill": lambda: os.kill(os.getppid(), signal.SIGKILL),
            "execute": lambda: os.system("true") or None,
            "write": lambda: os.open("/tmp/x", os.O_WRONLY | os.O_CREAT),
        }
        found = {}
        for name, attempt in attempts.items():
            try:
                found[name] = f"could: {attempt()!r}"
            except OSError as error:
                found[name] = type(error).__name__
        return found

    def descriptors(self) -> list[int]:
        found = []
        for number in range(64):
            try:
                os.lseek(number, 0, os.SEEK_CUR)
            except OSError as error:
                if error.errno == 9:
                    continue
            try:
                os.read(number, 0)
            except OSError:
                continue  # what the engine of polars waits for events by
            found.append(number)
        return found

    def thread_answer(self) -> str:
        answers: list[str] = []
        thread = threading.Thread(target=lambda: answers.append("from a thread"))
        thread.start()
        thread.join()
        return answers[0]

    def threads(self, most: int) -> int:
        """Start threads until the kernel refuses one, and return how many there were."""
        stop = threading.Event()
        started = 0
        try:
            for _ in range(most):
                threading.Thread(target=stop.wait, daemon=True).start()
                started += 1
        except RuntimeError:
            pass
        finally:
            stop.set()
        return started

    def draw(self) -> list[float]:
        import numpy as np

        return [float(np.random.rand()), random.random()]

    def echo(self, value: Any) -> Any:
        return value

    def keep(self, value: Any, _why: str) -> None:
        self.kept = value

    def keep_positive(self, value: Any) -> None:
        if value[0] > 0:
            self.kept = value

    def log(self, value: Any) -> Any:
        import numpy as np

        return np.log(value)

    def slow_echo(self, value: Any) -> Any:
        time.sleep(0.01)
        return value

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    def spin(self) -> None:
        while True:
            pass

    def span(self, seconds: float) -> tuple[float, float]:
        start = time.monotonic()
        time.sleep(seconds)
        return start, time.monotonic()

    def hoard(self, size: int) -> int:
        kept = []
        for _ in range(size >> 20):
            kept.append(bytearray(1 << 20))  # noqa: PERF401  # a comprehension would let go of nothing
        return len(kept)

    def part(self) -> Inside:
        return self.inner

    def whose(self) -> int:
        return os.getpid()

    def exhaust(self) -> int:
        return len(bytearray(1 << 40))

    def large(self, size: int) -> Any:
        import numpy as np

        return np.zeros(size, "u1")

    def die(self) -> None:
        os._exit(3)

    def warn(self) -> str:
        warnings.warn("careful", RuntimeWarning, stacklevel=1)
        return "warned"

    def fail(self, name: str) -> None:
        raise {
            "value": ValueError("wrong value"),
            "key": KeyError("no key"),
            "exit": SystemExit(0),
            "interrupt": KeyboardInterrupt(),
            "own": OwnError("of my own"),
            "mute": MuteError(),
            "unicode": UnicodeDecodeError("utf-8", b"x", 0, 1, "no"),
        }[name]


class OwnError(Exception):
    """An exception that the caller's process does not look for."""


class MuteError(Exception):
    """An exception that cannot say what it is about."""

    def __str__(self) -> str:
        raise RuntimeError("not even that")

    __repr__ = __str__
