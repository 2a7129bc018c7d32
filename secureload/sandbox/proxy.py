"""What ``safe_load()`` gives back: an object that behaves like the estimator, and holds nothing of it.

Methods run in the worker, attributes that are data come back as data, and what is neither (a step of a
pipeline) comes back as a proxy of its own. What would change the model is refused: it was verified as it is.
"""

from __future__ import annotations

import html
import sys
from collections.abc import Iterator
from typing import Any, NoReturn

from secureload.errors import SandboxError, UsageError
from secureload.sandbox.lifecycle import ASYNC_METHODS, AsyncMethod, Lifecycle, Uncopied
from secureload.sandbox.model import Model
from secureload.sandbox.rebuilt import printable_lines
from secureload.sandbox.reference import Reference

__all__ = ["ModelProxy", "proxy_of", "reference_of"]

_METHOD = ("\0method",)
_TEXT_CHARS = 1 << 20
# A notebook runs the scripts of what it shows, and they run the kernel: what the model draws is shown in a frame
# of its own, without scripts, forms or navigation, that loads nothing (its inputs could leave in an image's URL).
_FRAME = '<iframe sandbox="" referrerpolicy="no-referrer" style="border:0;width:100%;height:24em" srcdoc="{}"></iframe>'
_NOTHING_LOADED = (
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
)
# A change would reach one replica of several, and be gone after a restart: answers that depend on luck.
_CHANGING = frozenset(
    {"fit", "partial_fit", "fit_transform", "fit_predict", "set_params", "set_output", "set_callbacks", "sparsify",
     "densify", "restrict"}
)  # fmt: skip


class ModelProxy(Lifecycle):
    """Stands for one object of the sandboxed worker.

    ``with`` and :meth:`close` end the worker. Copying and pickling are refused: neither would be verified.
    """

    __slots__ = ("__weakref__", "_secureload_methods", "_secureload_reference")

    def __init__(self, reference: Reference) -> None:
        object.__setattr__(self, "_secureload_reference", reference)
        object.__setattr__(self, "_secureload_methods", {})

    # -- attributes --------------------------------------------------------------------------------------

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(f"{_name(self)!r} object has no attribute {name!r}")
        methods = object.__getattribute__(self, "_secureload_methods")
        if name in methods:
            return methods[name]
        if name in ASYNC_METHODS:
            return AsyncMethod(_reference(self), name[1:])
        try:
            value = _session(self).request("get", _reference(self), name=name)
        except AttributeError:
            found = self._awaited(name)
            if found is None:
                raise
            return found
        # What sets a request of scikit-learn's metadata routing is a function, not bound to what it changes.
        requesting = _sets_request(name) and isinstance(value, ModelProxy)
        if requesting or _is_method(value):
            # What would change the model is there (scikit-learn looks for it), and says no when it is called.
            kind = _Refusing if _changes(name) else RemoteMethod
            value = methods[name] = kind(_reference(self), name)
        return value

    def _awaited(self, name: str) -> AsyncMethod | None:
        """Return what ``a`` before the name of a method stands for, None where it stands for nothing."""
        if name == "acall" and "call" in _reference(self).can:
            return AsyncMethod(_reference(self), None)
        if name[0] != "a" or not name[1:].isidentifier():
            return None
        found = getattr(self, name[1:], None)
        return AsyncMethod(_reference(self), name[1:]) if isinstance(found, RemoteMethod) else None

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise UsageError(
            f"a verified model cannot be changed: {name!r} stays as it is", hint="set it before signing"
        )

    def __delattr__(self, name: str) -> NoReturn:
        raise UsageError(
            f"a verified model cannot be changed: {name!r} stays", hint="change it before signing"
        )

    def __dir__(self) -> list[str]:
        names = _session(self).request("dir", _reference(self))
        names = names if isinstance(names, list) else []
        # A shell shows these as they are: what is no name of an attribute may be an escape sequence.
        told = {name for name in names if isinstance(name, str) and name.isidentifier()}
        return sorted({*object.__dir__(self), *told})

    def __repr__(self) -> str:
        if _session(self).closed:
            return f"<{_name(self)} in a sandbox that was closed>"
        return printable_lines(_text(_session(self).request("repr", _reference(self))), _TEXT_CHARS)

    def __str__(self) -> str:
        if _session(self).closed:
            return repr(self)
        return printable_lines(_text(_session(self).request("str", _reference(self))), _TEXT_CHARS)

    # -- what scikit-learn asks ------------------------------------------------------------------------

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def __sklearn_tags__(self) -> Any:
        return _tags(_session(self).request("tags", _reference(self)))


class RemoteMethod(Uncopied):
    """A method of the sandboxed object."""

    __slots__ = ("__name__", "_reference")

    def __init__(self, reference: Reference, name: str) -> None:
        self._reference = reference
        self.__name__ = name

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._reference.session.call(self._reference, self.__name__, args, kwargs)

    def __repr__(self) -> str:
        return f"<sandboxed method {self._reference.qualname}.{self.__name__}>"


class _Refusing:
    """A method that would change the model."""

    __slots__ = ("__name__",)

    def __init__(self, _: Reference, name: str) -> None:
        self.__name__ = name

    def __call__(self, *_args: Any, **_kwargs: Any) -> NoReturn:
        raise UsageError(
            f"{self.__name__}() would change a verified model, and is refused",
            hint="fit and change models before signing; load the new file with safe_load()",
        )


class _Callable(ModelProxy):
    __slots__ = ()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return _session(self).call(_reference(self), None, args, kwargs)


class _Sized(ModelProxy):
    __slots__ = ()

    def __len__(self) -> int:
        length = _session(self).request("len", _reference(self))
        if type(length) is not int or not 0 <= length <= sys.maxsize:
            raise _no_answer("a length")
        return length


class _Indexed(ModelProxy):
    __slots__ = ()

    def __getitem__(self, key: Any) -> Any:
        session = _session(self)
        return session.request("item", _reference(self), key=session.encode_key(key))


class _Iterated(_Sized, _Indexed):
    __slots__ = ()

    def __iter__(self) -> Iterator[Any]:
        return (self[position] for position in range(len(self)))


class _Containing(ModelProxy):
    __slots__ = ()

    def __contains__(self, key: Any) -> bool:
        session = _session(self)
        return session.request("contains", _reference(self), key=session.encode_key(key)) is True


class _Stream(ModelProxy):
    """A generator or another iterator: asked for one item after the other."""

    __slots__ = ()

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        found = _session(self).request("next", _reference(self))
        if type(found) is not list or len(found) > 1:
            raise _no_answer("an item")
        if not found:
            raise StopIteration
        return found[0]


class _Html(ModelProxy):
    __slots__ = ()

    def _repr_html_(self) -> str:
        drawn = _NOTHING_LOADED + _text(_session(self).request("html", _reference(self)))
        return _FRAME.format(html.escape(drawn))


_MIXINS = {"call": _Callable, "len": _Sized, "item": _Indexed, "html": _Html, "contains": _Containing}
_classes: dict[frozenset[str], type[ModelProxy]] = {}


def proxy_of(reference: Reference) -> ModelProxy:
    """Return a proxy that can do what its object can: be called, measured, indexed."""
    found = _classes.get(reference.can)
    if found is None:
        bases = [_MIXINS[word] for word in sorted(reference.can) if word in _MIXINS]
        if {"iter", "len", "item"} <= reference.can:
            bases = [_Iterated, *(base for base in bases if base not in {_Sized, _Indexed})]
        if "next" in reference.can:
            bases = [_Stream]
        found = type("ModelProxy", tuple(bases) or (ModelProxy,), {"__slots__": (), "__module__": __name__})
        _classes[reference.can] = found
    return found(reference)


def reference_of(value: Any) -> Reference | None:
    """Return the reference behind a proxy, None for anything else."""
    return _reference(value) if isinstance(value, ModelProxy) else None


def _is_method(value: Any) -> bool:
    """Whether it is the answer that stands for a method; a tuple may hold arrays, which compare item by item."""
    return type(value) is tuple and len(value) == 1 and type(value[0]) is str and value == _METHOD


def _changes(name: str) -> bool:
    """Whether a method of that name changes what it belongs to."""
    return name in _CHANGING or _sets_request(name)


def _sets_request(name: str) -> bool:
    """Whether it is ``set_score_request`` or its like."""
    return name.startswith("set_") and name.endswith("_request")


def _reference(proxy: ModelProxy) -> Reference:
    reference: Reference = object.__getattribute__(proxy, "_secureload_reference")
    return reference


def _session(proxy: ModelProxy) -> Model:
    return _reference(proxy).session


def _name(proxy: ModelProxy) -> str:
    return _reference(proxy).qualname


def _text(value: Any) -> str:
    if type(value) is not str:
        raise _no_answer("a text")
    return value


def _fields(value: Any) -> dict[str, Any]:
    if type(value) is not dict:
        raise _no_answer("its tags")
    return value


def _no_answer(wanted: str) -> SandboxError:
    return SandboxError(
        f"the sandboxed worker was asked for {wanted} and gave none", hint="load the model again"
    )


def _tags(data: Any) -> Any:
    """Rebuild scikit-learn's ``Tags`` from the dictionary that its fields became."""
    from sklearn.utils import ClassifierTags, InputTags, RegressorTags, Tags, TargetTags, TransformerTags

    parts = {
        "target_tags": TargetTags,
        "transformer_tags": TransformerTags,
        "classifier_tags": ClassifierTags,
        "regressor_tags": RegressorTags,
        "input_tags": InputTags,
    }
    try:
        fields = {
            name: parts[name](**_fields(value)) if name in parts and value is not None else value
            for name, value in _fields(data).items()
        }
        return Tags(**fields)
    except (AttributeError, TypeError, ValueError) as error:
        raise _no_answer("its tags") from error
