"""Texts that make a callable open a file which the payload chose: what makes unfit arguments an attack."""

from __future__ import annotations

import re
from typing import Final

from secureload.pickles.trace import Const, Operation, Value
from secureload.printable import printable
from secureload.scan.argument_values import walk

__all__ = ["is_file_path", "named_file"]

# From the root, a drive, the home or a share; or up, out of the folder of the time zones.
_PATH: Final = re.compile(
    r"(?:/|\\|~|[A-Za-z]:[\\/])|(?:.*[/\\])?\.\.(?:[/\\]|$)|dateutil/[/\\~.]", re.DOTALL
)
# Argument rules of what reads a file by a text: any text (no zone of dateutil is saved with one), or a path.
_ANY_TEXT: Final = frozenset({"no-file"})
_PATHS: Final = frozenset({"time-zone", "index"})
# Of these the state has the path, of the file that a zone was read from: nothing is opened by it.
_OPENING: Final = frozenset({"call", "new"})


def is_file_path(text: str) -> bool:
    """Whether ``text`` is a path that leads out of wherever it is looked up."""
    return _PATH.match(text) is not None


def named_file(rule: str, operation: Operation) -> str | None:
    """Return the file that ``operation``, which does not fit ``rule``, would open, None where it names none."""
    if operation.kind not in _OPENING:
        return None
    texts: tuple[Value, ...] = ()
    if rule in _ANY_TEXT:
        texts = operation.args[:1]
    elif rule in _PATHS:
        texts = operation.args
    for value in texts:
        for item in walk(value):
            if (
                isinstance(item, Const)
                and isinstance(item.value, str)
                and (rule in _ANY_TEXT or is_file_path(item.value))
            ):
                return printable(item.value, 80)
    return None
