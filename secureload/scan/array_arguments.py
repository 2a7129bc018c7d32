"""Rules for the arguments of what numpy, scipy and pandas call when their values are restored."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from secureload.pickles.trace import Collection, Const, Datum, Elided, GlobalRef, Operation, Result, Value
from secureload.printable import printable
from secureload.scan.argument_values import is_name, why_not_data

__all__ = ["ARRAY_RULES", "STATE_CHECKED"]

_DTYPE = re.compile(r"[<>|=]?[A-Za-z?][A-Za-z0-9]{0,15}(\[[0-9a-zA-Z]{1,8}\])?")
_BIT_GENERATORS: Final = frozenset({"MT19937", "PCG64", "PCG64DXSM", "Philox", "SFC64"})
_ARRAY_CLASSES: Final = frozenset(
    {
        ("numpy", "ndarray"),
        ("numpy", "matrix"),
        ("numpy", "chararray"),
        ("numpy", "recarray"),
        ("numpy.char", "chararray"),
        ("numpy.rec", "recarray"),
        ("numpy.ma", "MaskedArray"),
        ("numpy.ma.core", "MaskedArray"),
        ("numpy.matrixlib.defmatrix", "matrix"),
    }
)
_INDEXES: Final = frozenset(
    {"Index", "RangeIndex", "MultiIndex", "CategoricalIndex", "IntervalIndex", "DatetimeIndex"}
    | {"TimedeltaIndex", "PeriodIndex", "Int64Index", "Float64Index", "UInt64Index", "NumericIndex"}
)
_PANDAS_ARRAYS: Final = frozenset(
    {
        "Categorical",
        "DatetimeArray",
        "TimedeltaArray",
        "PeriodArray",
        "StringArray",
        "NumpyExtensionArray",
        "PandasArray",
        "IntervalArray",
    }
)
_STRING_STORAGES: Final = frozenset({"python", "pyarrow", "pyarrow_numpy"})


def _is_empty_shape(value: Value) -> bool:
    return isinstance(value, Collection) and value.kind == "tuple" and value.items == (Const(0),)


def _array_class(operation: Operation) -> str | None:
    match operation.args:
        case (GlobalRef(module, name), shape, Const() | Result()) if _is_empty_shape(shape):
            return None if (module, name) in _ARRAY_CLASSES else f"{printable(name)} is not a class of arrays"
    return "the arguments are not an array class, the shape (0,) and a type code"


def _masked_array(operation: Operation) -> str | None:
    match operation.args:
        case (GlobalRef() as cls, GlobalRef() as base, shape, Const() | Result()) if _is_empty_shape(shape):
            known = all((ref.module, ref.name) in _ARRAY_CLASSES for ref in (cls, base))
            return None if known else "a class is not a class of arrays"
    return "the arguments are not a masked class, an array class, the shape (0,) and a type code"


def _dtype(operation: Operation) -> str | None:
    if not 1 <= len(operation.args) <= 3 or operation.kwargs:
        return "a dtype takes a type code and two flags"
    code, *flags = operation.args
    if not all(isinstance(flag, Const) and isinstance(flag.value, bool | int) for flag in flags):
        return "the flags of a dtype are not booleans"
    if code in (GlobalRef("numpy", "record"), GlobalRef("numpy", "void")):
        return None
    if isinstance(code, Const) and isinstance(code.value, str) and _DTYPE.fullmatch(code.value):
        return None
    return "the type code of a dtype is not a short name"


def _scalar(operation: Operation) -> str | None:
    match operation.args:
        case (Result(), Const() | Datum() | Result() | Collection()) | (Result(),):
            return why_not_data(operation.args)
    return "the arguments are not a dtype and the bytes of a scalar"


def _buffer(operation: Operation) -> str | None:
    match operation.args:
        case (
            Const() | Datum() | Result() | Elided(),
            Result(),
            Collection() as shape,
            Const("C" | "F" | "A" | "K"),
            *rest,
        ):
            return why_not_data((shape, *rest))
    return "the arguments are not a buffer, a dtype, a shape and an order"


def _bit_generator(operation: Operation) -> str | None:
    match operation.args:
        case () | (Const(None),):
            return None
        case (GlobalRef(module, name),) if module.startswith("numpy.random._") and name in _BIT_GENERATORS:
            return None
        case (value,) if is_name(value, _BIT_GENERATORS):
            return None
    return "the argument is not the name of a bit generator"


def _generator(operation: Operation) -> str | None:
    match operation.args:
        case () | (Result(),):
            return None
        case (value, *rest) if isinstance(value, Result) or is_name(value, _BIT_GENERATORS):
            if rest in ([], [GlobalRef("numpy.random._pickle", "__bit_generator_ctor")]):
                return None
    return "the arguments are not a bit generator and its constructor"


def _index(operation: Operation) -> str | None:
    match operation.args:
        case (GlobalRef(module, name), Collection("dict", items) as state) if name in _INDEXES:
            if module != "pandas" and not module.startswith("pandas.core.indexes."):
                return f"{printable(module)} is not a module of pandas indexes"
            if any(_names_type(item) for item in items):
                return "the type or time zone of an index is given by a text, which may name a file"
            return (
                why_not_data(items)
                if len(items) == state.length
                else "the state of an index is not known as a whole"
            )
    return "the arguments are not a pandas index class and its state"


def _names_type(item: Value) -> bool:
    """Whether the item of an index's state is a type as text: pandas reads the file behind "dateutil//a/file"."""
    match item:
        case Collection("tuple", (Const("dtype" | "tz" | "freq"), Const(str()))):
            return True
    return False


def _extension_array(operation: Operation) -> str | None:
    match operation.args:
        case (GlobalRef(module, name), Const(int()), state) if name in _PANDAS_ARRAYS:
            if (
                module != "pandas"
                and module != "pandas.arrays"
                and not module.startswith("pandas.core.arrays.")
            ):
                return f"{printable(module)} is not a module of pandas arrays"
            return why_not_data((state,))
    return "the arguments are not a pandas array class, a checksum and a state"


def _string_dtype(operation: Operation) -> str | None:
    match operation.args:
        case ():
            return None
        case (storage, *rest) if is_name(storage, _STRING_STORAGES):
            match rest:
                case [] | [Const() | GlobalRef("pandas" | "pandas._libs.missing", "NA")]:
                    return None
    return "the arguments are not the storage and the missing value of a string type"


_PARSER = """
def _parse_args(self, {shapes} {given}):
    return ({shapes}), {used}

def _parse_args_rvs(self, {shapes} {given}, size=None):
    return self._argcheck_rvs({shapes} {used}, size=size)

def _parse_args_stats(self, {shapes} {given}, moments='mv'):
    return ({shapes}), {used}, moments
"""
_LOCATIONS: Final = (("loc=0, scale=1", "loc, scale"), ("loc=0", "loc, 1"))
_SHAPES = re.compile(r"\ndef _parse_args\(self, ((?:[A-Za-z_][A-Za-z0-9_]{0,30}, ){0,9}) loc=0")
_DISTRIBUTION_STATE: Final = frozenset(
    {
        "__doc__",
        "_ctor_param",
        "_parse_arg_template",
        "_random_state",
        "_stats_has_moments",
        "_support",
        "a",
        "b",
    }
    | {"badvalue", "inc", "moment_tol", "moment_type", "name", "numargs", "shapes", "vecentropy", "xtol"}
)


def _is_parser(text: str) -> bool:
    """Whether the text is what scipy generates for some names of shape parameters, to the letter."""
    shapes = _SHAPES.match(text)
    return shapes is not None and any(
        text == _PARSER.format(shapes=shapes[1], given=given, used=used) for given, used in _LOCATIONS
    )


def _distribution(operation: Operation) -> str | None:
    """Hold the state of a scipy distribution to what scipy writes: ``__setstate__`` executes a text in it."""
    if operation.kind == "new":
        return None if not operation.args else "a distribution is made without arguments"
    match operation.args:
        case (Collection("dict", items, length),) if operation.kind == "build" and len(items) == length:
            return next((why for item in items if (why := _why_not_of_distribution(item))), None)
    return "the state of a distribution is not known as a whole"


def _why_not_of_distribution(item: Value) -> str | None:
    match item:
        case Collection("tuple", (Const("_parse_arg_template") as key, Const(str(text)) as value)):
            is_whole = not key.is_cut and not value.is_cut
            return (
                None
                if is_whole and _is_parser(text)
                else "the state of a distribution holds a program of its own"
            )
        case Collection("tuple", (key, value)) if is_name(key, _DISTRIBUTION_STATE - {"_parse_arg_template"}):
            return why_not_data((value,))
    return "the state of a distribution holds what scipy does not write"


# Globals with these rules have a __setstate__ that must not run on an unknown state.
STATE_CHECKED: Final = frozenset({"distribution"})

ARRAY_RULES: Final[Mapping[str, Callable[[Operation], str | None]]] = MappingProxyType(
    {
        "array-class": _array_class,
        "bit-generator": _bit_generator,
        "buffer": _buffer,
        "distribution": _distribution,
        "dtype-code": _dtype,
        "extension-array": _extension_array,
        "generator": _generator,
        "index": _index,
        "masked-array": _masked_array,
        "numpy-scalar": _scalar,
        "string-dtype": _string_dtype,
    }
)
