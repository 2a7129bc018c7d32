"""The tar archives of PyTorch before 0.1.10, which ``torch.load`` still reads (``legacy_load``).

Members: ``sys_info``, a pickle; ``pickle``, the object with persistent ids; ``storages`` and ``tensors``, which
are each a pickled count and then, item by item, a pickle and the raw bytes that it announces. Those two are
pickles to whoever traces them, under the name of their own reading.
"""

from __future__ import annotations

from collections.abc import Sequence

from secureload.formats.reading import Child, Identified
from secureload.formats.tar_walk import REGULAR, TarMember

__all__ = ["IDENTIFIED", "children"]

IDENTIFIED = Identified(format="torch-tar", loader="torch.load")
_NEEDED = frozenset({"storages", "tensors", "pickle"})
# What torch.load does with each: the reading that it is traced under.
_READINGS = {
    "pickle": "torch",
    "sys_info": "torch",
    "storages": "torch-storages",
    "tensors": "torch-tensors",
}


def children(members: Sequence[TarMember]) -> dict[int, Child]:
    """Return the children of an archive that torch.load would take, by the ``id`` of the member; else none.

    Every member of one of the names counts, for which of two is read depends on who reads.
    """
    if not {member.name for member in members if member.kind in REGULAR} >= _NEEDED:
        return {}
    return {
        id(member): Child(name=member.name, data=member.data, expect="pickle", reading=_READINGS[member.name])
        for member in members
        if member.name in _READINGS and member.kind in REGULAR
    }
