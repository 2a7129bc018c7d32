"""Which globals make code objects and classes out of a payload's data: how cloudpickle and dill restore by value.

The recorder keeps what code is made of as a whole, so that it can be shown; what stands for a class that was
made must be a type, because the unpickler makes instances of nothing else.
"""

from __future__ import annotations

from typing import Final

from secureload.pickles.trace import GlobalRef, Result, Value

__all__ = ["BY_VALUE_MODULES", "TENSOR_LOADER", "loads_tensors", "makes_classes", "makes_code"]

_CLOUDPICKLE: Final = frozenset(
    f"{package}{part}"
    for package in ("cloudpickle", "joblib.externals.cloudpickle", "pyspark.cloudpickle", "ray.cloudpickle")
    for part in ("", ".cloudpickle", ".cloudpickle_fast")
)
_DILL: Final = frozenset({"dill", "dill._dill", "dill.dill"})
BY_VALUE_MODULES: Final = _CLOUDPICKLE | _DILL

_CLASS_MAKERS: Final = frozenset(
    {"_builtin_type", "_make_skeleton_class", "_make_skeleton_enum", "_make_typevar", "_load_type", "_create_type",
     "_create_namedtuple", "_rehydrate_skeleton_class"}
)  # fmt: skip


# How plain pickle saves a tensor: a whole PyTorch file as bytes.
TENSOR_LOADER: Final = GlobalRef("torch.storage", "_load_from_bytes")


def loads_tensors(target: Value | None) -> bool:
    """Whether calling ``target`` loads a PyTorch file from the bytes that it is given."""
    return target == TENSOR_LOADER


def makes_classes(ref: GlobalRef | None) -> bool:
    """Whether what a call of ``ref`` returns may be a class."""
    return ref is not None and ref.module in BY_VALUE_MODULES and ref.name in _CLASS_MAKERS


def makes_code(target: Value) -> bool:
    """Whether calling ``target`` makes a code object of its arguments, or may do so."""
    if isinstance(target, Result):
        return (
            target.of is not None
            and target.of.module in BY_VALUE_MODULES
            and target.of.name in {"_builtin_type", "_load_type"}
        )
    if not isinstance(target, GlobalRef):
        return False
    return (target.module, target.name) == ("types", "CodeType") or (
        target.module in _DILL and target.name == "_create_code"
    )
