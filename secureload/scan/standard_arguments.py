"""Rules for the arguments of what the standard library calls when its values are restored."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from secureload.pickles.trace import Const, GlobalRef, Operation, Result
from secureload.scan.argument_values import is_name, why_not_data

__all__ = ["STANDARD_RULES"]

_PUBLIC_PATH: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}(?:\.[A-Za-z][A-Za-z0-9_]{0,63}){0,3}")
# Methods of text, of arrays and frames, of dictionaries and dates.
_METHODS: Final = frozenset(
    {"lower", "upper", "strip", "lstrip", "rstrip", "split", "rsplit", "splitlines", "replace", "casefold",
     "capitalize", "title", "swapcase", "join", "startswith", "endswith", "find", "count", "zfill", "isdigit",
     "isalpha", "isnumeric", "encode"}
    | {"astype", "fillna", "ravel", "flatten", "reshape", "transpose", "copy", "toarray", "todense", "tocsr",
     "tocsc", "tolist", "sum", "mean", "std", "var", "min", "max", "clip", "round", "abs", "cumsum", "squeeze",
     "isna", "notna", "dropna"}
    | {"keys", "values", "items", "get", "total_seconds", "isoformat", "date", "weekday"}
)  # fmt: skip


def _array(operation: Operation) -> str | None:
    match operation.args:
        case (GlobalRef("array", "array"), Const(str()), Const(int()), Const(bytes()) | Result()):
            return None
    return "the arguments are not the array class, a type code, a format and bytes"


def _attribute_names(operation: Operation) -> str | None:
    """Names that ``attrgetter`` reads from what the model is given later: no machinery of Python among them."""
    for value in operation.args:
        match value:
            case Const(str(name)) as text if not text.is_cut and _PUBLIC_PATH.fullmatch(name):
                continue
        return "the arguments are not plain names of attributes"
    return (
        None if operation.args and not operation.kwargs else "the arguments are not plain names of attributes"
    )


def _method_call(operation: Operation) -> str | None:
    """A method that ``methodcaller`` calls of what the model is given later: of text or arrays, without effects."""
    match operation.args:
        case (name, *rest) if is_name(name, _METHODS):
            return why_not_data((*rest, *(value for _, value in operation.kwargs)))
    return "the method is not known to be without effects"


def _enum_member(operation: Operation) -> str | None:
    match operation.args:
        case (Const() as value,) if not value.is_cut and not operation.kwargs:
            return None
    return "the argument is not the value of a member"


STANDARD_RULES: Final[Mapping[str, Callable[[Operation], str | None]]] = MappingProxyType(
    {
        "array": _array,
        "attribute-names": _attribute_names,
        "enum-member": _enum_member,
        "method-call": _method_call,
    }
)
