"""A worker for the one file to check: it is forked and locked down while this process imports what judges."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from secureload.errors import SandboxError
from secureload.limits import Limits
from secureload.values import dataclass

if TYPE_CHECKING:
    from secureload.sandbox.opinions import Opinions
    from secureload.sandbox.tracing import Tracer

__all__ = ["Begun", "begun"]


_HEAD_BYTES = 4_096


@dataclass(frozen=True, slots=True)
class Begun:
    """A tracer that has asked for its worker, what it asks fickling with, and the first bytes of the file."""

    tracer: Tracer
    opinions: Opinions
    head: bytes = b""

    def close(self) -> None:
        """End them, if that is still to be done."""
        self.tracer.close()
        self.opinions.close()


def begun(path: Path, limits: Limits) -> Begun | None:
    """Begin to trace the regular file at ``path``; None where there is none, or no sandbox: that is told later."""
    from secureload.cli.remembering import opinions_of_user
    from secureload.sandbox.tracing import Tracer, is_plain

    try:
        if not stat.S_ISREG(path.lstat().st_mode):
            return None
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError):
        return None
    opinions = opinions_of_user(limits)
    found = Begun(Tracer(limits, opinions), opinions, os.pread(descriptor, _HEAD_BYTES, 0))
    try:
        found.tracer.begin(plain=is_plain(descriptor), size=os.fstat(descriptor).st_size)
    except (OSError, SandboxError):
        found.close()
        return None
    finally:
        os.close(descriptor)
    return found
