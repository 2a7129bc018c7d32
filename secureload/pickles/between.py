"""What a format may know about a stream of pickles that the pickles do not say."""

from __future__ import annotations

from typing import Protocol

from secureload.pickles.source import ByteSource
from secureload.pickles.trace import Reading

__all__ = ["Between"]


class Between(Protocol):
    """Told of each pickle of one stream; it steps over the raw bytes between them."""

    @property
    def reading(self) -> Reading | None:
        """The loader that the stream is for, as soon as that is known."""

    def referred(self, pid: object) -> object | None:
        """Take a persistent id; return what stands for it where that is one of its own parts, else None."""

    def ended(self, value: object, source: ByteSource) -> str:
        """Take what a pickle gives, step over what follows it and is none; return why the rest is trailing, or "".

        Raises:
            MalformedError: what follows is not what the format has there.
        """
