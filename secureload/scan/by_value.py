"""Code pickled by value: the machinery of cloudpickle and dill, and the steps that it takes.

Functions and classes of a script are saved as their code. No step of restoring them runs it, so that the
machinery is no gadget; but what the code does once it is called nobody knows without reading it, so that it is
never harmless. Rule SL111 speaks of it, and the other rules leave these steps to that rule.
"""

from __future__ import annotations

from typing import Final

from secureload.pickles.code_makers import BY_VALUE_MODULES, makes_classes
from secureload.pickles.trace import Collection, Const, GlobalRef, Operation, Result, Trace, Value
from secureload.scan.technique import Technique, words

__all__ = ["BY_VALUE", "is_by_value", "is_explained", "restores_by_value"]

_MACHINERY: Final = words(
    # cloudpickle, of its versions since 0.4
    "_builtin_type _class_setstate _cell_set_factory _fill_function _function_setstate _make_cell _make_dict_items"
    " _empty_cell_value _file_reconstructor _gen_ellipsis _gen_not_implemented _get_dataclass_field_type_sentinel"
    " _make_cell_set_template_code _make_dict_keys _make_dict_values _make_empty_cell _make_function"
    " _make_skel_func _make_skeleton_class _make_skeleton_enum _make_typevar _rehydrate_skeleton_class"
    " cell_set dynamic_subimport subimport"
    # dill, of its versions since 0.2.8
    " _create_array _create_cell _create_code _create_dtypemeta _create_ftype _create_function _create_lock"
    " _create_namedtuple _create_rlock _create_stringi _create_stringo _create_type _create_typing_tuple"
    " _create_weakref _dict_from_dictproxy _dill _import_module _load_type _setitems"
)
BY_VALUE: Final = Technique(
    "restores code by value", "makes functions and classes of code that stands in the file itself"
)
_GETATTR: Final = GlobalRef("builtins", "getattr")
_SETATTR: Final = GlobalRef("builtins", "setattr")
_OBJECT: Final = GlobalRef("builtins", "object")
_PARTIAL: Final = GlobalRef("functools", "partial")
_EVAL: Final = GlobalRef("dill._dill", "_eval_repr")
# What dill sets on a class that it has just made, and which texts it evaluates.
_ATTRIBUTES: Final = frozenset({"__doc__", "__module__", "__name__", "__qualname__"})
_TEXTS: Final = frozenset({"Ellipsis", "NotImplemented"})


def is_by_value(ref: GlobalRef) -> bool:
    """Whether it is machinery that restores functions and classes from their code, and no gadget by itself."""
    return ref.module in BY_VALUE_MODULES and ref.name in _MACHINERY


def restores_by_value(operation: Operation, trace: Trace) -> bool:
    """Whether this step is one of restoring code by value, and no other rule's business.

    That is a call of the machinery, an instance of a class that it made, a partial of a function that it made,
    and the ways in which the two libraries look up ``setattr`` and ``object.__new__``.
    """
    target = operation.target
    if _subject(target) == _PARTIAL:
        return _was_made_by_value(_first(operation))
    if isinstance(target, GlobalRef):
        return is_by_value(target) or (target == _GETATTR and _is_their_getattr(operation))
    if not isinstance(target, Result):
        return False
    if target.of == _GETATTR:
        # dill fills cells and classes by setattr: what it fills is never a global.
        looked_up = [each for each in trace.operations if each.target == _GETATTR]
        return all(map(_is_setattr_of_dill, looked_up)) and _was_made_by_value(_first(operation))
    return makes_classes(target.of)


def is_explained(ref: GlobalRef, trace: Trace) -> bool:
    """Whether all that a gadget is imported for is what dill does with it to restore a class or a closure."""
    if ref not in (_SETATTR, _EVAL):
        return False
    uses = [each for each in trace.operations if each.target == ref or ref in each.args]
    return bool(uses) and all(map(_is_use_of_dill, uses))


def _is_use_of_dill(operation: Operation) -> bool:
    if operation.target == _GETATTR:
        return _is_setattr_of_dill(operation)
    match operation.args:
        case (made, Const(str(name)), Const(str())) if operation.target == _SETATTR:
            return _was_made_by_value(made) and name in _ATTRIBUTES
        case (Const(str(text)),) if operation.target == _EVAL:
            return text in _TEXTS
    return False


def _subject(target: Value) -> GlobalRef | None:
    return target.of if isinstance(target, Result) else target if isinstance(target, GlobalRef) else None


def _first(operation: Operation) -> Value | None:
    """The first argument, or what stands first in a state."""
    first = operation.args[0] if operation.args else None
    if operation.kind == "build" and isinstance(first, Collection) and first.items:
        return first.items[0]
    return first


def _was_made_by_value(value: Value | None) -> bool:
    return isinstance(value, Result) and value.of is not None and is_by_value(value.of)


def _is_their_getattr(operation: Operation) -> bool:
    match operation.args:
        case (owner, Const("__new__")) if owner == _OBJECT:
            return True
    return _is_setattr_of_dill(operation)


def _is_setattr_of_dill(operation: Operation) -> bool:
    match operation.args:
        case (GlobalRef("dill", "_dill"), Const("_setattr"), *_):
            return True
    return False
