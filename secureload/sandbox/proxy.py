"""What ``safe_load()`` gives back: an object that behaves like the estimator, and holds nothing of it.

Methods run in the worker, attributes that are data come back as data, and what is neither (a step of a
pipeline) comes back as a proxy of its own. What would change the model is refused: it was verified as it is.
"""

from __future__ import annotations

import html
import inspect
import sys
from collections.abc import Iterator
from typing import Any, NoReturn

from secureload.errors import SandboxError, UsageError
from secureload.sandbox.changing import changes, sets_request, stays_on_processor
from secureload.sandbox.known_class import docstring_of, known_class, signature_of
from secureload.sandbox.lifecycle import ASYNC_METHODS, AsyncMethod, Lifecycle, Uncopied
from secureload.sandbox.model import Model
from secureload.sandbox.rebuilt import printable_lines
from secureload.sandbox.reference import Reference

__all__ = ["ModelProxy", "proxy_of", "reference_of"]

_METHOD = ("\0method",)
_FITTED = "\0fitted"
_TEXT_CHARS = 1 << 20
# A notebook runs the scripts of what it shows, and they run the kernel: what the model draws is shown in a frame
# of its own, without scripts, forms or navigation, that loads nothing (its inputs could leave in an image's URL).
_FRAME = '<iframe sandbox="" referrerpolicy="no-referrer" style="border:0;width:100%;height:24em" srcdoc="{}"></iframe>'
_NOTHING_LOADED = (
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
)
# What scikit-learn's own functions call of an estimator, although its name says that nobody should.
_INTERNAL = frozenset({"_compute_partial_dependence_recursion"})
# Methods of PyTorch's modules that leave a module as it is, or leave all its workers in the same mode.
_MODES = frozenset({"eval", "train", "cpu", "to"})


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
        if name.startswith("_") and name not in _INTERNAL:
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
        requesting = sets_request(name) and isinstance(value, ModelProxy)
        if requesting or _is_method(value):
            is_module = "module" in _reference(self).can
            if is_module and name in _MODES:
                return _Mode(self, name)
            # What would change the model is there (scikit-learn looks for it), and says no when it is called.
            kind = _Refusing if changes(name, module=is_module) else RemoteMethod
            value = methods[name] = kind(_reference(self), name)
        return value

    @property
    def __class__(self) -> type[Any]:
        """The estimator's own class where it is imported here, so that ``isinstance`` answers as of the original."""
        return known_class(_reference(self)) or type(self)

    @__class__.setter
    def __class__(self, value: object) -> NoReturn:
        self.__setattr__("__class__", value)

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
        return sorted({*dir(type(self)), *told})

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
        methods = object.__getattribute__(self, "_secureload_methods")
        if _FITTED not in methods:
            if _session(self).request("fitted", _reference(self)) is not True:
                return False
            methods[_FITTED] = True  # and it stays so
        return True

    def __sklearn_tags__(self) -> Any:
        return _tags(_session(self).request("tags", _reference(self)))


def _text_of(method: Any) -> str | None:
    return docstring_of(method._reference, method.__name__)


_documentation: Any = property(_text_of)


class _Method(Uncopied):
    """A method of the sandboxed object: with its signature and documentation, where its class is known here."""

    __slots__ = ("__name__", "_reference")

    def __init__(self, reference: Reference, name: str) -> None:
        self._reference = reference
        self.__name__ = name

    @property
    def __signature__(self) -> inspect.Signature:
        return signature_of(self._reference, self.__name__)

    # Each class sets it again: one without a text would have None.
    __doc__ = _documentation


class RemoteMethod(_Method):
    """A method that runs in the worker."""

    __slots__ = ()
    __doc__ = _documentation

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._reference.session.call(self._reference, self.__name__, args, kwargs)

    def __repr__(self) -> str:
        return f"<sandboxed method {self._reference.qualname}.{self.__name__}>"


class _Refusing(_Method):
    """A method that would change the model."""

    __slots__ = ()
    __doc__ = _documentation

    def __call__(self, *_args: Any, **_kwargs: Any) -> NoReturn:
        raise _changed(self.__name__)


class _Mode(_Method):
    """``eval()`` and what else says how a module of PyTorch computes; each returns the module, as PyTorch's do."""

    __slots__ = ("_proxy",)
    __doc__ = _documentation

    def __init__(self, proxy: ModelProxy, name: str) -> None:
        super().__init__(_reference(proxy), name)
        self._proxy = proxy

    def __call__(self, *args: Any, **kwargs: Any) -> ModelProxy:
        name = self.__name__
        evaluates = name == "eval" or (name == "train" and (args, kwargs) in _EVALUATING)
        if evaluates:
            if self._reference.origin.parent is None:
                self._reference.session.settle(self._reference, "eval")
            elif self._proxy.training is not False:
                raise UsageError(
                    "a part of a model cannot be put in another mode than the whole",
                    hint="call eval() of the whole model",
                )
        elif name not in {"cpu", "to"} or not stays_on_processor(args or ("cpu",) * (name == "cpu"), kwargs):
            raise _changed(name)
        return self._proxy


_EVALUATING: tuple[tuple[tuple[Any, ...], dict[str, Any]], ...] = (((False,), {}), ((), {"mode": False}))


def _changed(name: str) -> UsageError:
    return UsageError(
        f"{name}() would change a verified model, and is refused",
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
        if _session(self).closed:
            return html.escape(repr(self))
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
