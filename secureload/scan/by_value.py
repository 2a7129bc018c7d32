"""Code pickled by value: the machinery of cloudpickle and dill, and the steps that it takes.

Functions and classes of a script are saved as their code. No step of restoring them runs it, so that the
machinery is no gadget; but what the code does once it is called nobody knows without reading it, so that it is
never harmless. Rule SL111 speaks of it, and the other rules leave these steps to that rule.
"""

from __future__ import annotations

from typing import Final

from secureload.pickles.code_makers import BY_VALUE_MODULES, makes_classes
from secureload.pickles.trace import Const, GlobalRef, Operation, Result, Trace
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


def is_by_value(ref: GlobalRef) -> bool:
    """Whether it is machinery that restores functions and classes from their code, and no gadget by itself."""
    return ref.module in BY_VALUE_MODULES and ref.name in _MACHINERY


def restores_by_value(operation: Operation, trace: Trace) -> bool:
    """Whether this step is one of restoring code by value, and no other rule's business.

    That is a call of the machinery, an instance of a class that it made, and the ways in which the two
    libraries look up ``setattr`` and ``object.__new__``.
    """
    target = operation.target
    if isinstance(target, GlobalRef):
        return is_by_value(target) or (target == _GETATTR and _is_their_getattr(operation))
    if not isinstance(target, Result):
        return False
    if target.of == _GETATTR:
        # dill fills cells and classes by setattr: what it fills is never a global.
        looked_up = [each for each in trace.operations if each.target == _GETATTR]
        return all(map(_is_setattr_of_dill, looked_up)) and not any(
            isinstance(value, GlobalRef) for value in operation.args[:1]
        )
    return makes_classes(target.of)


def is_explained(ref: GlobalRef, trace: Trace) -> bool:
    """Whether dill's way of looking ``setattr`` up is all that this global, ``setattr``, is imported for."""
    if ref != _SETATTR:
        return False
    uses = [each for each in trace.operations if each.target == ref or ref in each.args]
    return bool(uses) and all(each.target == _GETATTR and _is_setattr_of_dill(each) for each in uses)


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
