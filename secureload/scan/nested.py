"""Tensors that plain pickle saves: each is a whole PyTorch file inside of an argument.

``pickle.dumps(tensor)`` calls ``torch.storage._load_from_bytes`` with what ``torch.save`` wrote in its old format.
The bytes begin with its mark, the version of its protocol and a dictionary of sizes; anything else in their place
was made by hand. What follows is a pickle of its own, which the trace of the outer one does not show.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from secureload.pickles.code_makers import TENSOR_LOADER
from secureload.pickles.trace import Const, GlobalRef, Operation, Trace

__all__ = ["holds_tensors", "tensor_loads"]

# The pickles of torch.serialization.MAGIC_NUMBER and PROTOCOL_VERSION, as every version writes them.
_MARK: Final = (
    b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03."
    b"\x80\x02}q\x00(X\x10\x00\x00\x00protocol_version"
)


def holds_tensors(ref: GlobalRef, trace: Trace) -> bool:
    """Whether ``ref`` is PyTorch's loader of tensors and every use of it is one that PyTorch writes."""
    if ref != TENSOR_LOADER:
        return False
    uses = [each for each in trace.operations if each.target == ref or ref in each.args]
    return bool(uses) and all(map(_begins_as_torch_writes, uses))


def tensor_loads(trace: Trace) -> Iterator[Operation]:
    """Yield the operations that load tensors from bytes."""
    yield from (
        each for each in trace.operations if each.target == TENSOR_LOADER and _begins_as_torch_writes(each)
    )


def _begins_as_torch_writes(operation: Operation) -> bool:
    match operation.args:
        case (Const(bytes(data)),) if operation.kind == "call":
            return data.startswith(_MARK)
    return False
