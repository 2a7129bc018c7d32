"""The allow-list of a member, by what would load it.

A pickle imports what Python imports. skops, Keras and TorchScript look names up in their own way: a name that is
harmless to them need not be so in a pickle, and the other way round, so each has a list of its own, which counts
for its own files alone and comes before the general one.
"""

from __future__ import annotations

from functools import cache
from typing import Final

from secureload.package_data import packaged_text
from secureload.pickles.trace import GlobalRef
from secureload.scan.allowlist import Allowed, AllowList, Tier, load_allow_file
from secureload.scan.part import Part

__all__ = ["allow_for"]

# Format of a member → its list. HDF5 files of Keras hold the same configuration as its archives.
_LISTS: Final = {"keras": "keras", "keras-hdf5": "keras", "skops": "skops"}
# These return what they are given; TorchScript marks the types of its lists with them (torch/jit/_pickle.py).
_TAGS: Final = frozenset(
    (
        "build_boollist",
        "build_doublelist",
        "build_intlist",
        "build_tensor_from_id",
        "build_tensorlist",
        "restore_type_tag",
    )
)


def allow_for(part: Part, allow: AllowList) -> AllowList:
    """Return the list that the names in ``part`` are judged by; ``allow`` is the general one with the user's."""
    loader = _LISTS.get(part.format)
    if loader is not None:
        return _list_of(loader).joined_with(allow)
    if part.trace is not None and part.trace.reading == "torch":
        return _WithTorchScript(allow)
    return allow


@cache
def _list_of(loader: str) -> AllowList:
    return load_allow_file(packaged_text("secureload.scan.allow.by_loader", f"{loader}.toml"))


class _WithTorchScript(AllowList):
    """The general list, and what a pickle of a TorchScript archive names besides.

    ``__torch__`` is no module: the unpickler of ``torch.jit.load`` finds its classes among the sources in the
    archive, which are examined as code, and to Python it does not exist.
    """

    __slots__ = ("_general",)

    def __init__(self, general: AllowList) -> None:
        super().__init__({})
        self._general = general

    def find(self, ref: GlobalRef) -> Allowed | None:
        """Return the entry of exactly this module and name, or None: unknown."""
        if (ref.module == "__torch__" or ref.module.startswith("__torch__.")) and ref.name.isidentifier():
            return Allowed(ref, Tier.NEW_ONLY, "torch", "a class of the archive's own sources")
        if ref.module == "torch.jit._pickle" and ref.name in _TAGS:
            return Allowed(ref, Tier.CALLABLE, "torch", "returns what it is given", "any")
        return self._general.find(ref)
