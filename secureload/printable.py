"""Make an attacker's text fit to print.

Text that comes from an artifact may hold terminal escapes, bidirectional overrides, line breaks that forge
a second line of the report, or a megabyte of it. Nothing of the kind reaches a terminal, a log or an error.
"""

from __future__ import annotations

import codecs

__all__ = ["printable"]

DEFAULT_CHARS = 200

# Found now: in a confined worker no module can be imported any more.
codecs.lookup("unicode_escape")


def printable(text: object, limit: int = DEFAULT_CHARS) -> str:
    """Return ``text`` on one line, without control, format or unassigned characters, at most ``limit`` long.

    Characters that :meth:`str.isprintable` refuses are shown as their escapes (``\\x1b``, ``\\u202e``);
    what is cut off is counted: ``abc… (+120 more)``.
    """
    source = text if isinstance(text, str) else str(text)
    if len(source) <= limit and source.isprintable():
        return source
    if len(source) <= limit and source.isprintable():
        return source
    shown: list[str] = []
    length = 0
    for position, char in enumerate(source):
        piece = (
            char if char.isprintable() else char.encode("unicode_escape", "backslashreplace").decode("ascii")
        )
        if length + len(piece) > limit:
            return "".join(shown) + f"… (+{len(source) - position:,} more)"
        shown.append(piece)
        length += len(piece)
    return "".join(shown)
