"""Rules for the arguments of what PyTorch, statsmodels and time zones call when their values are restored."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from secureload.pickles.trace import Collection, Const, GlobalRef, Operation, Result, Value
from secureload.printable import printable
from secureload.scan.argument_values import is_name, walk, why_not_data
from secureload.scan.formula import why_not_formula

__all__ = ["MODEL_RULES", "MODEL_STATES"]

_ZONE_CHARS: Final = 64
_ZONE = re.compile(r"[A-Za-z0-9_+-]+(?:/[A-Za-z0-9_+-]+){0,4}")
# The functions of torch._utils that take a storage, or tensors that were rebuilt from one, and nothing else.
_REBUILDERS: Final = frozenset(
    f"_rebuild_{kind}"
    for kind in ("tensor", "tensor_v2", "tensor_v3", "parameter", "qtensor", "sparse_tensor", "nested_tensor",
                 "meta_tensor_no_storage", "device_tensor_from_numpy", "device_tensor_from_cpu_tensor")
)  # fmt: skip
_LAYOUTS: Final = frozenset(
    f"torch.{name}"
    for name in (
        "strided",
        "sparse_coo",
        "sparse_csr",
        "sparse_csc",
        "sparse_bsr",
        "sparse_bsc",
        "_mkldnn",
        "jagged",
    )
)
_TENSOR_CLASSES: Final = frozenset(
    {("torch", "Tensor"), *(("torch.nn.parameter", name) for name in ("Parameter", "Buffer"))}
)
# What makes statsmodels evaluate the formula of a state, by release.
_EVALUATES: Final = frozenset({"restore_design_info", "restore_model_spec"})


def _torch_data(operation: Operation) -> str | None:
    """Data, among which the types of torch may stand: a dtype, a layout, the scheme of a quantization."""
    return _why_not_torch_data((*operation.args, *(value for _, value in operation.kwargs)))


def _why_not_torch_data(values: tuple[Value, ...]) -> str | None:
    for value in values:
        for item in walk(value):
            if isinstance(item, GlobalRef) and not (item.module == "torch" and item.name.islower()):
                return f"the global {printable(item)} stands where data belongs"
    return why_not_data(
        tuple(value for value in values if not isinstance(value, GlobalRef | Collection))
    ) or next(
        (
            why
            for value in values
            if isinstance(value, Collection) and (why := _why_not_torch_data(value.items))
        ),
        None,
    )


def _torch_rebuild(operation: Operation) -> str | None:
    """``_rebuild_from_type_v2(function, class, arguments, state)`` calls the function, and sets the state."""
    match operation.args:
        case (
            GlobalRef("torch._utils", function),
            GlobalRef(module, name),
            Collection("tuple") as inner,
            state,
        ):
            if function not in _REBUILDERS:
                return f"{printable(function)} is not a function that rebuilds a tensor"
            if (module, name) not in _TENSOR_CLASSES:
                return f"{printable(name)} is not a class of tensors"
            if len(inner.items) != inner.length:
                return "the arguments of the tensor are not known as a whole"
            return _why_not_torch_data(inner.items) or _why_not_attributes(state)
    return "the arguments are not a function that rebuilds a tensor, its class, its arguments and a state"


def _why_not_attributes(state: Value) -> str | None:
    match state:
        case Const(None):
            return None
        case Collection("dict", items, length) if len(items) == length:
            for item in items:
                match item:
                    case Collection("tuple", (Const(str(name)), value)) if not name.startswith("__"):
                        if why := why_not_data((value,)):
                            return why
                    case _:
                        return "an attribute of a tensor has no plain name"
            return None
    return "the attributes of a tensor are not known as a whole"


def _layout(operation: Operation) -> str | None:
    match operation.args:
        case (name,) if is_name(name, _LAYOUTS):
            return None
    return "the argument is not the name of a layout"


def _time_zone(operation: Operation) -> str | None:
    """A zone by the name that the time-zone database has for it: never a path, for its file is read."""
    match operation.args:
        case (Const(str(name)) as zone, *rest) if not zone.is_cut and len(name) <= _ZONE_CHARS:
            if _ZONE.fullmatch(name):
                return why_not_data(tuple(rest))
    return "the argument is not the name of a time zone"


def _deep_data(operation: Operation) -> str | None:
    """Data for compiled code that calls nothing of it, nested as deep as a table's types are."""
    globals_ = (item for value in operation.args for item in walk(value) if isinstance(item, GlobalRef))
    found = next(globals_, None)
    return None if found is None else f"the global {printable(found)} stands where data belongs"


def _no_file(operation: Operation) -> str | None:
    """A zone of dateutil that is made without its file, for the state that follows has all of it."""
    match operation.args:
        case (Const(None), Const(str() | None)):
            return None
    return "the zone would be read from a file"


def _own_class_data(operation: Operation) -> str | None:
    match operation.args:
        case (GlobalRef(module, _), *rest) if (
            isinstance(operation.target, GlobalRef) and module == operation.target.module
        ):
            return why_not_data(tuple(rest))
    return "the arguments are not a class of the same module and data"


def _is_frame(value: Value | None) -> bool:
    """Whether it is a DataFrame: what else has items could give the names of a formula another meaning."""
    match value:
        case Result(of=GlobalRef("pandas" | "pandas.core.frame", "DataFrame")):
            return True
    return False


def _model_data(operation: Operation) -> str | None:
    """Hold the state of a model's data to what statsmodels does with it: a formula in it is evaluated."""
    if operation.kind != "build":
        return None if not operation.args else "the data of a model are made without arguments"
    match operation.args:
        case (Collection("dict", items, length),) if len(items) == length:
            state = dict(
                item.items for item in items if isinstance(item, Collection) and len(item.items) == 2
            )
            names = {key.value for key in state if isinstance(key, Const)}
            if len(state) != length or not all(isinstance(key, Const) and not key.is_cut for key in state):
                return "the state of a model's data has keys that are not known"
            if names.isdisjoint(_EVALUATES):
                return None
            if not _is_frame(state.get(Const("frame", 5))):
                return "the names of a model's formula are not those of a DataFrame"
            return why_not_formula(state.get(Const("formula", 7)))
    return "the state of a model's data is not known as a whole"


MODEL_RULES: Final[Mapping[str, Callable[[Operation], str | None]]] = MappingProxyType(
    {
        "deep-data": _deep_data,
        "layout": _layout,
        "model-data": _model_data,
        "no-file": _no_file,
        "own-class-data": _own_class_data,
        "time-zone": _time_zone,
        "torch-data": _torch_data,
        "torch-rebuild": _torch_rebuild,
    }
)
# Globals with these rules have a __setstate__ that must not run on an unknown state.
MODEL_STATES: Final = frozenset({"model-data"})
