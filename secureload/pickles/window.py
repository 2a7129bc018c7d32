"""The part of the stream that the walker looks at, and what is kept of what it has passed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar, cast

from secureload.pickles.source import ByteSource
from secureload.pickles.symbols import Run, Span, WalkLimit

__all__ = ["LOOK_AHEAD", "Kept", "Window"]

_CHUNK = 1 << 18
# So much can always be seen in front of an opcode; longer arguments are stepped over.
LOOK_AHEAD = 4_096 + 16
_PADDING = bytes(16)

S = TypeVar("S", bound=Span)


class _Movable(Protocol):
    def read(self, size: int, /) -> bytes: ...

    def tell(self) -> int: ...

    def seek(self, offset: int, /) -> object: ...


class Window:
    """``data`` holds the stream from offset ``base`` on; ``end`` says how much of it, zeros follow at the end.

    The stream is read in stretches: none goes beyond the next of ``barriers`` (offsets, ascending), where the
    caller says what comes next. ``last`` is True once nothing of the stretch is left to be read.
    """

    __slots__ = ("_barriers", "_gap", "_source", "base", "data", "end", "joint", "last")

    def __init__(self, source: ByteSource, barriers: Sequence[int] = ()) -> None:
        self._source = source
        self._barriers = list(reversed(barriers))
        self.base = source.tell()
        self.data = b""
        self.end = 0
        # Up to here the data are not those that stand in the stream right before what follows.
        self.joint = 0
        self._gap = 0
        self.last = False

    def offset(self, position: int) -> int:
        """Return the offset in the stream of a position in ``data``."""
        return self.base + position - (self._gap if position < self.joint else 0)

    @property
    def safe(self) -> int:
        """Up to where an opcode may begin without reading on."""
        return self.end if self.last else self.end - LOOK_AHEAD

    def advance(self, position: int) -> int:
        """Drop what is before ``position``, read on, and return the new position: 0, or beyond the end."""
        if position > self.end:
            wanted = position - self.end
            self.base += self.end + self._skip(wanted)
            self.joint = 0
            rest, position = b"", 0 if not self.last else 1
        else:
            rest = self.data[position : self.end]
            self.base += position
            self.joint = max(self.joint - position, 0)
            position = 0
        size = self._left(_CHUNK)
        fresh = self._source.read(size) if size and not self.last else b""
        # A source gives less than it was asked for at its end alone.
        self.last = self.last or len(fresh) < _CHUNK
        self.data = rest + fresh + _PADDING if self.last else rest + fresh
        self.end = len(rest) + len(fresh)
        return position and self.end + 1

    def _left(self, size: int) -> int:
        """Return how much of ``size`` bytes may be read before the next barrier."""
        if not self._barriers:
            return size
        return max(min(size, self._barriers[-1] - self._source.tell()), 0)

    def _skip(self, size: int) -> int:
        """Step over ``size`` bytes; less at the end of the stretch, which is then the last."""
        skipped = 0
        while skipped < size:
            step = self._left(size - skipped)
            done = self._source.skip(step) if step else 0
            if not done:
                self.last = True
                break
            skipped += done
        return skipped

    def find_line(self, position: int, most: int) -> int:
        """Return the position behind the next newline; read on for it, up to ``most`` bytes; 0 if there is none."""
        while True:
            end = self.data.find(b"\n", position, self.end) + 1
            if end or self.last or self.end - position > most:
                return end
            fresh = self._source.read(self._left(_CHUNK))
            self.last = len(fresh) < _CHUNK
            self.data = b"".join((self.data, fresh, _PADDING if self.last else b""))
            self.end += len(fresh)

    @property
    def at_barrier(self) -> bool:
        """Whether the stretch ends because of a barrier."""
        return bool(self._barriers) and self._source.tell() >= self._barriers[-1]

    def pass_barrier(self, offset: int) -> None:
        """Begin the next stretch at ``offset``, at the barrier or behind it."""
        self._barriers.pop()
        behind = self._source.tell()
        if offset > behind:
            self._source.skip(offset - behind)
        self.base = self._source.tell()
        self.data, self.end, self.joint, self.last = b"", 0, 0, False

    def cut_out(self, start: int, end: int) -> None:
        """Take what lies between the positions out of the stream, as an unpickler does that drops it."""
        gap = min(end, self.end) - start
        self.data = self.data[:start] + self.data[start + gap :]
        self.end -= gap
        if end > start + gap:
            gap += self._skip(end - start - gap)
        self.base += gap
        self.joint, self._gap = start, gap


class Kept:
    """Gives the bytes of a span again: from the source where it can be moved, else from what is kept of them."""

    def __init__(self, source: ByteSource, budget: int) -> None:
        self._source = cast("_Movable", source) if hasattr(source, "seek") else None
        self._budget = budget
        self._spans: list[Span] = []
        self._kept = 0

    def text(self, window: Window, start: int, end: int) -> Span:
        """Return the span of a text in the window."""
        return self._keep(Span(window.base + start, window.base + end, self._data(window, start, end)))

    def run(self, window: Window, start: int, end: int, first: int) -> Run:
        """Return the span of a run in the window, before which the memo had ``first`` entries."""
        return self._keep(Run(window.base + start, window.base + end, self._data(window, start, end), first))

    def _data(self, window: Window, start: int, end: int) -> bytes | None:
        if self._source is not None and start >= window.joint:
            return None
        return window.data[start:end]

    def _keep(self, span: S) -> S:
        if span.data is not None:
            self._spans.append(span)
            self._kept += len(span.data)
            if self._kept > self._budget:
                self._forget()
        return span

    def _forget(self) -> None:
        """Give up the older half."""
        half = (len(self._spans) + 1) // 2
        for span in self._spans[:half]:
            self._kept -= len(span.data or b"")
            span.data = None
            span.start = span.end
        del self._spans[:half]

    def read(self, span: Span) -> bytes:
        """Return the bytes of ``span``.

        Raises:
            WalkStop: they are no longer there.
        """
        if span.data is not None:
            return span.data
        source = self._source
        if source is None or span.start == span.end:
            raise WalkLimit("walker_kept_bytes: a name stands too far back")
        position = source.tell()
        source.seek(span.start)
        data = source.read(span.end - span.start)
        source.seek(position)
        return data
