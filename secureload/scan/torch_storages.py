"""The storages that a PyTorch pickle states, against the members that hold them.

``torch.load`` makes a storage of as many numbers as the pickle says, over the bytes of the member. PyTorch before
2.10 does not compare the two (CVE-2026-24747): a count that is too large reads, and writes, behind the bytes.
"""

from __future__ import annotations

from collections.abc import Iterator

from secureload.formats.reading import Child, Observation
from secureload.formats.region import Region
from secureload.pickles.between import Between
from secureload.scan.torch_legacy import StackedTorch

__all__ = ["TorchStorageSizes"]


class TorchStorageSizes:
    """What was stated and what is there, of one archive."""

    def __init__(self) -> None:
        self._stated: dict[str, int] = {}
        self._held: dict[str, int | None] = {}

    def state(self, machine: Between | None) -> None:
        """Take the storages that the pickle ``machine`` was told of referred to."""
        if isinstance(machine, StackedTorch):
            for key, size in machine.stated_bytes():
                # torch.save calls the member so, and torch.package so.
                for name in (f"data/{key}".lower(), f".data/{key}.storage".lower()):
                    self._stated[name] = max(size, self._stated.get(name, 0))

    def hold(self, child: Child) -> None:
        """Take a member of the archive; the size of one that is compressed is not known."""
        name = child.name.partition("/")[2].lower()
        if name.startswith(("data/", ".data/")):
            self._held[name] = child.data.size if isinstance(child.data, Region) else None

    def differences(self) -> Iterator[Observation]:
        """Yield one observation where a storage is larger than its member, and one where its size is not known."""
        known = {name: self._held[name] for name in self._stated if name in self._held}
        for name, size in known.items():
            if size is not None and size < self._stated[name]:
                message = (
                    f"the pickle says that {name!r} has {self._stated[name]:,} bytes, and it has {size:,}"
                )
                yield Observation(code="torch.storage-size", message=message)
                break
        if None in known.values():
            message = "tensors are compressed: whether they are as large as the pickle says is not known"
            yield Observation(code="torch.storage-compressed", message=message)
