"""Whether a path that a model names leads out of the model's own folder."""

from __future__ import annotations

import re

__all__ = ["why_outside"]

_DRIVE = re.compile(r"[A-Za-z]:")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{1,20}://")


def why_outside(path: str) -> str:
    """Return why ``path`` is no plain relative path inside a folder, "" where it is one.

    Both kinds of slashes separate: the file may be loaded on either kind of system.
    """
    if not path:
        return "it is empty"
    if "\0" in path:
        return "it holds a NUL character"
    if _SCHEME.match(path):
        return "it is an address"
    if path[0] in "/\\" or _DRIVE.match(path):
        return "it is absolute"
    if ".." in re.split(r"[/\\]", path):
        return "it leads up"
    if path[0] == "~":
        return "it may lead to a home folder"
    return ""
