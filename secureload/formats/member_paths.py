"""Where the name of a member, or the target of a link, would lead whoever unpacks an archive."""

from __future__ import annotations

__all__ = ["link_leads_outside", "outside", "plain_path"]

_MOST_PARTS = 256


def outside(name: str) -> str:
    """Return how ``name`` leads out of the folder that it is unpacked to, as half a sentence; "" if it does not."""
    if "\0" in name:
        return "holds a NUL, behind which some readers stop"
    if name.startswith(("/", "\\")):
        return "is an absolute path"
    if name[1:2] == ":" and name[:1].isascii() and name[:1].isalpha():
        return "begins with the letter of a drive"
    if ".." in name.replace("\\", "/").split("/"):
        return "leads out of the folder that it is unpacked to"
    return ""


def link_leads_outside(name: str, target: str) -> bool:
    """Whether a symbolic link, ``name``, to ``target`` leads out of the folder that it is unpacked to.

    Only what stands in the two names is followed: what lies behind another link is not known here.
    """
    if target.startswith(("/", "\\")) or "\0" in target or target[1:2] == ":":
        return True
    depth = len(plain_path(name)) - 1
    parts = target.replace("\\", "/").split("/")
    if len(parts) > _MOST_PARTS:
        return True
    for part in parts:
        depth += -1 if part == ".." else part not in ("", ".")
        if depth < 0:
            return True
    return False


def plain_path(name: str) -> tuple[str, ...]:
    """Return the parts of a name without those that mean nothing."""
    return tuple(part for part in name.split("/") if part not in ("", "."))
