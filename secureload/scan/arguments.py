"""Rules for the arguments of admitted callables.

Whether a call is data depends on what is called with what: ``getattr(interp1d, "_call_spline")`` restores
a method of an interpolator, ``getattr(builtins, "eval")`` is an attack. Each callable of the allow-list names
one of these rules. A rule takes the operation and returns None where the arguments fit, else one line that
says why they do not. The imports among the arguments are judged by themselves; the rules here say which of
them make sense in that place. Where a rule has to know a value that the trace elided or cut, it does not fit.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Final, TypeAlias

from secureload.pickles.trace import Collection, Const, Datum, Elided, GlobalRef, Operation, Result, Value
from secureload.printable import printable
from secureload.scan.argument_values import is_builtin, is_name, walk, why_not_data
from secureload.scan.array_arguments import ARRAY_RULES, STATE_CHECKED
from secureload.scan.model_arguments import MODEL_RULES, MODEL_STATES
from secureload.scan.standard_arguments import STANDARD_RULES

__all__ = ["CALL_ONLY", "RULES", "STATE_RULES", "Rule", "handed_on_wrongly", "passed_globals", "why_unfit"]

Rule: TypeAlias = Callable[[Operation], str | None]

_PATTERN_CHARS: Final = 256
# What makes bytes before protocol 3.
_ENCODERS: Final = (GlobalRef("_codecs", "encode"), GlobalRef("builtins", "bytes"))
# What a partial may call is held by its own rule.
_OTHER_FACTORIES: Final = (
    Result("call", GlobalRef("functools", "partial")),
    *(GlobalRef("collections", name) for name in ("Counter", "OrderedDict", "defaultdict", "deque")),
)
# With an exponent, a dozen characters are a number of a billion digits.
_RATIO: Final = re.compile(r"[+-]?[0-9]{1,400}(/[0-9]{1,400})?")
_ENDLESS: Final = frozenset({"range", "xrange"})
_FACTORIES: Final = frozenset(
    {
        "bool",
        "bytes",
        "complex",
        "dict",
        "float",
        "frozenset",
        "int",
        "list",
        "long",
        "set",
        "str",
        "tuple",
        "unicode",
    }
)
_BASES: Final = frozenset(
    {
        "bytes",
        "complex",
        "dict",
        "float",
        "frozenset",
        "int",
        "list",
        "object",
        "set",
        "str",
        "tuple",
        "long",
        "unicode",
    }
)
_STATE_CHECKED_MODULES: Final = frozenset(
    {"scipy.stats._continuous_distns", "scipy.stats._discrete_distns", "statsmodels.base.data"}
    | {"statsmodels.distributions.discrete"}
)
# A bound method is saved as getattr of its object. These are methods of exactly one family, with no effects:
# no class that is admitted has another meaning for the name.
_OBJECT_ATTRIBUTES: Final = frozenset({"_entropy"})
_UFUNC_MODULES: Final = frozenset(
    {"numpy", "numpy.core.umath", "numpy._core.umath", "scipy.special", "scipy.special._ufuncs"}
    | {"numpy.core._multiarray_umath", "numpy._core._multiarray_umath"}
)
# The classes that open the file of a zone by its name, and whom Python itself hands them to: nobody else calls
# what it gets with a name that was chosen beforehand.
_HANDED_TO: Final[Mapping[GlobalRef, frozenset[GlobalRef]]] = MappingProxyType(
    {
        GlobalRef("zoneinfo", "ZoneInfo"): frozenset(
            GlobalRef(module, "getattr") for module in ("builtins", "__builtin__")
        ),
        GlobalRef("dateutil.tz._tzfile", "tzfile"): frozenset(
            {GlobalRef("dateutil.tz._tzfile", "_unpickle")}
        ),
    }
)
# What takes as much memory or time as a number among its arguments says, and what goes through such a range.
_SIZED: Final = frozenset({"bytearray", "bytes", "range", "xrange"})
_CONSUMING: Final = frozenset(
    {"all", "any", "bytearray", "bytes", "dict", "enumerate", "filter", "frozenset", "list", "map", "max"}
    | {"min", "set", "sorted", "sum", "tuple", "zip", "Counter", "OrderedDict", "deque"}
)
# What a partial may not wrap, because it would escape its own rule.
_NOT_IN_PARTIAL: Final = frozenset(
    {
        "getattr",
        "type",
        "partial",
        "_reconstructor",
        "newObj",
        "_compile",
        "encode",
        "methodcaller",
        "attrgetter",
    }
)


def passed_globals(operation: Operation) -> Iterator[GlobalRef]:
    """Yield the globals, and attributes of globals, that stand among the arguments: handed on as values."""
    for value in (*operation.args, *(value for _, value in operation.kwargs)):
        for item in walk(value):
            if isinstance(item, GlobalRef):
                yield item
            elif isinstance(item, Result) and item.kind == "attribute" and item.of is not None:
                yield item.of


def handed_on_wrongly(ref: GlobalRef, operation: Operation) -> bool:
    """Whether ``ref`` opens files by name, and ``operation`` hands it to another than restores its instances."""
    receivers = _HANDED_TO.get(ref)
    if receivers is None:
        return False
    return operation.kind != "call" or operation.target not in receivers


def _any(operation: Operation) -> str | None:
    return None


def _plain_data(operation: Operation) -> str | None:
    return why_not_data((*operation.args, *(value for _, value in operation.kwargs)))


def _latin1(operation: Operation) -> str | None:
    match operation.args:
        case (Const(str()), Const("latin1" | "latin-1")):
            return None
    return "only text with the codec latin1 is data"


def _cython(operation: Operation) -> str | None:
    match operation.args:
        case (GlobalRef(module, name), Const(int()), state) if isinstance(operation.target, GlobalRef):
            if module != operation.target.module or not operation.target.name.endswith(f"_{name}"):
                return f"{printable(name)} is not the class that this function restores"
            return why_not_data((state,))
    return "the arguments are not a class, a checksum and a state"


def _own_class(operation: Operation) -> str | None:
    match operation.args:
        case (GlobalRef(module, _),) if (
            isinstance(operation.target, GlobalRef) and module == operation.target.module
        ):
            return None
    return "the argument is not a class of the same module"


def _reconstructor(operation: Operation) -> str | None:
    match operation.args:
        case (GlobalRef(module), *_) if module in _STATE_CHECKED_MODULES:
            return "a later state of it could not be told apart from others"
        case (GlobalRef(), base, state) if is_builtin(base, _BASES):
            return why_not_data((state,))
    return "the arguments are not a class, a base from builtins and a state"


def _default_factory(operation: Operation) -> str | None:
    match operation.args:
        case () | (Const(None), *_):
            return why_not_data(operation.args)
        case (factory, *rest) if is_builtin(factory, _FACTORIES) or factory in _OTHER_FACTORIES:
            return why_not_data(tuple(rest))
    return "the factory is not a plain type"


def _partial(operation: Operation) -> str | None:
    values: tuple[Value, ...] = (*operation.args, *(value for _, value in operation.kwargs))
    if operation.kind == "build":
        match operation.args:
            case (Collection("tuple", (function, *given), 4),) if len(given) == 3:
                values = (function, *given)
            case _:
                return "the state of a partial is not a function, arguments, keywords and attributes"
    match values:
        case (GlobalRef(_, name) as function, *given) if name not in _NOT_IN_PARTIAL:
            return _why_not_sized(function, tuple(given))
        case (GlobalRef(_, name), *_):
            return f"a partial of {printable(name)} would escape its own rule"
    return "only a partial of an imported function is known"


def _why_not_sized(function: GlobalRef, given: tuple[Value, ...]) -> str | None:
    """What a partial gives to a function whose memory or time a number decides.

    Of a number in a state only the type is known, so that none fits; an array of numpy that is too large is a
    MemoryError to the worker at once, and stays admitted.
    """
    name = printable(function.name)
    items = [item for value in given for item in walk(value)]
    if function.name in _CONSUMING and any(
        isinstance(item, Result) and item.of is not None and is_builtin(item.of, _ENDLESS) for item in items
    ):
        return f"the items that a partial of {name} goes through are computed"
    if is_builtin(function, _SIZED) and any(_may_be_size(item) for item in items):
        return f"a number decides how much a partial of {name} makes"
    return None


def _may_be_size(item: Value) -> bool:
    match item:
        case Const(value):
            return isinstance(value, int)
        case Datum(kind):
            return kind == "int"
        case Collection(_, items, length):
            return len(items) != length
        case Result(of=maker):
            return maker not in _ENCODERS
    return isinstance(item, Elided)


def _listed_attribute(operation: Operation) -> str | None:
    match operation.args:
        case (Result(of=GlobalRef()), attribute) if is_name(attribute, _OBJECT_ATTRIBUTES):
            return None
    return "getattr is admitted for listed methods only"


def _class_attribute(operation: Operation) -> GlobalRef | None:
    """Return the dotted name of what ``getattr`` reads of a class or of an instance that was just made: a method."""
    match operation.args:
        case (
            GlobalRef(module, owner) | Result(kind="new", of=GlobalRef(module, owner)),
            Const(str(name)) as attribute,
        ) if not attribute.is_cut:
            return GlobalRef(module, f"{owner}.{name}")
    return None


def _ufunc(operation: Operation) -> str | None:
    return "only a ufunc of numpy or scipy that is on the list is known"


def _named_ufunc(operation: Operation) -> GlobalRef | None:
    """Return the ufunc that ``_ufunc_reconstruct("module", "name")`` imports."""
    match operation.args:
        case (Const(str(module)), Const(str(name)) as text) if module in _UFUNC_MODULES and not text.is_cut:
            return GlobalRef(module, name)
    return None


def _byte_string(operation: Operation) -> str | None:
    match operation.args:
        case () | (Const(bytes() | str()) | Collection(), *_):
            return _plain_data(operation)
        case (Result(of=maker),) if maker in _ENCODERS:
            return None
    return "the argument is not text or bytes, but a length"


def _items(operation: Operation) -> str | None:
    """Items that stand in the pickle: what is computed may never end (a range), or run when it is asked for them."""
    if any(isinstance(value, Result | GlobalRef) for value in operation.args) or operation.kwargs:
        return "the items are computed"
    return None


def _fraction(operation: Operation) -> str | None:
    values = operation.args
    if any(isinstance(value, Const) and isinstance(value.value, str) for value in values):
        match values:
            case (Const(str(text)) as value,) if not value.is_cut and _RATIO.fullmatch(text):
                return None
        return "the text is not one number over another"
    return _plain_data(operation)


def _type_of_none(operation: Operation) -> str | None:
    match operation.args:
        case (Const(None) | GlobalRef("builtins" | "__builtin__", "Ellipsis" | "NotImplemented"),):
            return None
    return "type is admitted for the type of None only"


def _pattern(operation: Operation) -> str | None:
    match operation.args:
        case (Const(str() | bytes() as text) as pattern, Const(int())) if not pattern.is_cut:
            return (
                None
                if len(text) <= _PATTERN_CHARS
                else f"the pattern is longer than {_PATTERN_CHARS} characters"
            )
    return "the arguments are not a pattern that is known as a whole and its flags"


RULES: Final[Mapping[str, Rule]] = MappingProxyType(
    {
        **ARRAY_RULES,
        **MODEL_RULES,
        **STANDARD_RULES,
        "any": _any,
        "byte-string": _byte_string,
        "cython-class": _cython,
        "data": _plain_data,
        "default-factory": _default_factory,
        "fraction": _fraction,
        "items": _items,
        "latin1": _latin1,
        "listed-attribute": _listed_attribute,
        "own-class": _own_class,
        "partial-of-import": _partial,
        "pattern": _pattern,
        "reconstructor": _reconstructor,
        "type-of-none": _type_of_none,
        "ufunc": _ufunc,
    }
)

# Rules of callables that name another global by text: they fit as well where that global is on the list.
_NAMING: Final[Mapping[str, Callable[[Operation], GlobalRef | None]]] = MappingProxyType(
    {"listed-attribute": _class_attribute, "ufunc": _named_ufunc}
)

# Globals with these rules may be called, but never handed on as a value: whoever calls them later would do it
# with arguments that no rule has seen.
# A distribution's class is among them, for an instance of it that nobody saw made could be given any state.
CALL_ONLY: Final = frozenset(
    {"distribution", "listed-attribute", "method-call", "model-data", "partial-of-import", "reconstructor"}
    | {"index", "no-file", "time-zone", "torch-rebuild", "type-of-none", "ufunc"}
)

# Functions, not classes: what they return may be their argument itself (a scalar of objects is the object), so
# that nobody knows what a later operation on it means.
_RETURNING: Final = frozenset(
    {
        "buffer",
        "byte-string",
        "latin1",
        "listed-attribute",
        "numpy-scalar",
        "pattern",
        "type-of-none",
        "ufunc",
    }
)
_FILLING: Final = frozenset({"append", "setitem", "additem"})
_CHANGING: Final = _FILLING | {"build"}
# Tensors: PyTorch saves their numbers beside the pickle, and its weights-only unpickler has set items of them
# without a check (CVE-2026-24747).
_REBUILT: Final = frozenset({"torch-data", "torch-rebuild"})
# The rules that are asked about a state as well.
STATE_RULES: Final = STATE_CHECKED | MODEL_STATES | {"partial-of-import"}


def _nothing(ref: GlobalRef) -> bool:
    return False


def why_unfit(
    rule: str, operation: Operation, is_listed: Callable[[GlobalRef], bool] = _nothing
) -> str | None:
    """Return None where the operation fits the rule, else one line that says why not.

    ``is_listed`` answers whether a global that the arguments name by text is admitted.

    Nothing may change what a function returned. "call" and "new" are held to the rule. So is "build" on a
    partial, because its state replaces the function, and on a distribution of scipy, because its state is
    executed; the states of the other admitted types are data to them. A rule that does not exist fits nothing.
    """
    check = RULES.get(rule)
    if check is None:
        return f"there is no argument rule {printable(rule)}"
    if rule in _RETURNING and operation.kind in _CHANGING:
        return "what it returned is changed"
    if rule in _REBUILT and operation.kind in _FILLING:
        return "a tensor is filled by the pickle itself"
    if operation.kind in ("call", "new") or (operation.kind == "build" and rule in STATE_RULES):
        named = _NAMING[rule](operation) if rule in _NAMING else None
        return None if named is not None and is_listed(named) else check(operation)
    return None
