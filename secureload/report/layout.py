"""Lines for a terminal: words wrapped into columns, colours, tables; no text of an artifact is obeyed.

Text comes in printable (:mod:`secureload.report.printed`): nothing here reads it as markup, and every line
that a long text is wrapped into begins with an indent, so that it cannot stand where a line of ours stands.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, TypeAlias

from secureload.values import dataclass

__all__ = ["Page", "Piece", "columns_of"]

Piece: TypeAlias = tuple[str, str]  # words, and the style that they are shown in

_STYLES: Final = {
    "bold": "1",
    "dim": "2",
    "red": "31",
    "green": "32",
    "yellow": "33",
    "bold red": "1;31",
}
_LEAST_WIDTH: Final = 40
_MOST_WIDTH: Final = 500


def columns_of(text: str) -> int:
    """Return how many columns a terminal needs for ``text``."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len  # the widths of every character there is; few reports need them

    return cell_len(text)


@dataclass(slots=True)
class _Word:
    """Characters of one style that are not broken where they fit into a line."""

    text: str
    style: str


class Page:
    """Lines of at most ``width`` columns (40 to 500), with escapes for colours only where ``color``."""

    def __init__(self, *, width: int, color: bool) -> None:
        self.width = max(_LEAST_WIDTH, min(width, _MOST_WIDTH))
        self._color = color
        self._lines: list[str] = []

    def text(self) -> str:
        """Return what was written, each line ended by a newline."""
        return "".join(f"{line}\n" for line in self._lines)

    def blank(self) -> None:
        """Leave a line empty."""
        self._lines.append("")

    def heading(self, text: str) -> None:
        """Write a heading, with an empty line before it."""
        self.blank()
        self.hanging([(text, "bold")])

    def indented(self, text: str, indent: str = "  ", style: str = "") -> None:
        """Write ``text`` with ``indent`` before every line that it is wrapped into."""
        self.hanging([(text, style)], indent, indent)

    def hanging(self, pieces: Sequence[Piece], first: str = "", rest: str = "    ") -> None:
        """Write ``pieces`` with ``first`` before their first line and ``rest`` before the others."""
        room = self.width - max(len(first), len(rest))
        indent = first
        for line in _wrapped(pieces, room):
            self._write([(indent, "dim"), *line])
            indent = rest

    def rows(self, rows: Iterable[tuple[str, str]]) -> None:
        """Write label and value pairs, the values below each other."""
        pairs = tuple(rows)
        wide = max((len(label) for label, _ in pairs), default=0)
        rest = " " * (min(wide, self.width // 3) + 4)
        for label, value in pairs:
            if len(label) + 4 <= len(rest):
                padding = " " * (len(rest) - len(label) - 2)
                self._labelled(label + padding, value, rest)
            else:
                self.hanging([(label, "dim")], "  ", "  ")
                self.hanging([(value, "")], rest, rest)

    def _labelled(self, label: str, value: str, rest: str) -> None:
        lines = list(_wrapped([(value, "")], self.width - len(rest)))
        self._write([("  ", ""), (label, "dim"), *lines[0]])
        for line in lines[1:]:
            self._write([(rest, ""), *line])

    def _write(self, pieces: Iterable[Piece]) -> None:
        kept = [piece for piece in pieces if piece[0]]
        while kept and not kept[-1][0].rstrip(" "):
            kept.pop()
        if kept:
            kept[-1] = (kept[-1][0].rstrip(" "), kept[-1][1])
        self._lines.append("".join(self._shown(text, style) for text, style in kept))

    def _shown(self, text: str, style: str) -> str:
        code = _STYLES.get(style)
        return f"\x1b[{code}m{text}\x1b[0m" if self._color and code and text.strip(" ") else text


def _wrapped(pieces: Sequence[Piece], room: int) -> Iterator[list[Piece]]:
    """Yield the lines of ``pieces``, broken at spaces, and inside a word that is longer than a line."""
    line: list[Piece] = []
    used = 0
    for word in _words(pieces):
        wide = columns_of(word.text)
        if used and used + columns_of(word.text.rstrip(" ")) > room:
            yield line
            line, used = [], 0
        for part in _broken(word.text, room) if wide > room else (word.text,):
            if used and used + columns_of(part.rstrip(" ")) > room:
                yield line
                line, used = [], 0
            line.append((part, word.style))
            used += columns_of(part)
    yield line


def _words(pieces: Sequence[Piece]) -> Iterator[_Word]:
    """Yield words with the spaces behind them; where a style changes is no place to break."""
    for text, style in pieces:
        start = 0
        while start < len(text):
            end = text.find(" ", start)
            if end < 0:
                end = len(text)
            while end < len(text) and text[end] == " ":
                end += 1
            yield _Word(text[start:end], style)
            start = end


def _broken(text: str, room: int) -> Iterator[str]:
    """Yield a long word in pieces of at most ``room`` columns."""
    if text.isascii():
        yield from (text[at : at + room] for at in range(0, len(text), room))
        return
    piece = ""
    for char in text:
        # Measured as a whole: a character may make the one before it wider.
        if piece and columns_of(piece + char) > room:
            yield piece
            piece = ""
        piece += char
    yield piece
