"""``-``: a private copy of standard input, so that it is examined as a file is."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from secureload.errors import ArtifactError, LimitError, SandboxError
from secureload.limits import Limits

__all__ = ["copied", "standard_input"]

_CHUNK_BYTES = 1 << 20


@contextlib.contextmanager
def standard_input(limits: Limits) -> Iterator[Path]:
    """Give a private copy of standard input, which is gone afterwards.

    Raises:
        ArtifactError: standard input cannot be read.
        LimitError: it is longer than any artifact may be.
    """
    with contextlib.ExitStack() as stack:
        try:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="secureload-"))
            path = Path(folder, "standard-input")
            with path.open("xb") as copy:
                copied(sys.stdin.fileno(), copy.fileno(), limits.artifact_bytes)
        except (OSError, ValueError, AttributeError) as error:  # a closed one is None
            reason = error.strerror if isinstance(error, OSError) and error.strerror else "it is closed"
            raise ArtifactError(
                f"standard input cannot be read: {reason}", hint="pipe the file into it, or name a file"
            ) from None
        yield path


def copied(source: int, target: int, most: int) -> int:
    """Copy all of one descriptor to another, and return how many bytes; LimitError beyond ``most``."""
    seen = 0
    while piece := os.read(source, _CHUNK_BYTES):
        seen += len(piece)
        if seen > most:
            raise LimitError(
                f"standard input is longer than {most:,} bytes",
                limit="artifact_bytes",
                allowed=most,
                seen=seen,
            )
        while piece:
            written = os.write(target, piece)
            if not written:
                raise SandboxError("the copy of standard input cannot be written")
            piece = piece[written:]
    return seen
