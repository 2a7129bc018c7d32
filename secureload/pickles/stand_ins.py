"""What the unpickler is given instead of globals and of what they make: objects that record and do nothing.

The rules that the stand-ins keep, by opcode (``Modules/_pickle.c``):

=====================  =========================================  ============================
opcode                 what C does with the object                what the stand-in does
=====================  =========================================  ============================
REDUCE, OBJ, INST      calls it                                   metaclass ``__call__``
NEWOBJ, NEWOBJ_EX      ``cls->tp_new`` (it must be a type)        ``__new__``
BUILD                  ``__setstate__`` if there is one           a data descriptor / method
APPEND(S)              ``extend``, then ``append``                both
SETITEM(S)             ``__setitem__``                            ``__setitem__``
ADDITEMS               ``add``                                    ``add``
PERSID, BINPERSID      ``persistent_load``                        recorded
=====================  =========================================  ============================
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from secureload.pickles.trace import GlobalRef, OperationKind

__all__ = ["Global", "Inert", "MadeClass", "Session", "StandIn"]


class Session(Protocol):
    """Who is told."""

    def made(self, kind: Any, target: object, args: tuple[object, ...], kwargs: dict[str, object]) -> Any:
        """Record that ``target`` was called or instantiated, and return what stands for the result."""

    def built(self, target: Inert | Global, state: object) -> None:
        """Record that ``target`` was given a state."""

    def filled(self, kind: OperationKind, target: object, item: object) -> None:
        """Record that ``target`` was filled."""

    def keyed(self, target: object, key: object) -> None:
        """Note the key under which ``target`` was filled, or the element."""


class _Filled:
    """What is filled: the same for what a global made and, as the metaclass has it too, for the global."""

    __slots__ = ()

    session: Session

    def append(self, item: object) -> None:
        self.session.filled("append", self, item)

    def extend(self, items: object) -> None:
        self.session.filled("append", self, items)

    def add(self, item: object) -> None:
        self.session.filled("additem", self, item)
        self.session.keyed(self, item)

    def __setitem__(self, key: object, value: object) -> None:
        self.session.filled("setitem", self, value)
        self.session.keyed(self, key)


class Inert(_Filled):
    """The result of an operation. ``made_from`` is the global whose instance it would be."""

    __slots__ = ("call_args", "key", "kind", "layout", "made_from", "of", "session", "settled", "text")

    def __init__(
        self, session: Session, kind: Any, of: GlobalRef | None, made_from: GlobalRef | None, args: Any
    ) -> None:
        self.session = session
        self.kind = kind
        self.of = of
        # What tells its shape apart from others', quick to hash.
        self.key: object = (kind, None) if of is None else (kind, of.module, of.name)
        self.made_from = made_from
        self.call_args = args
        # Of a dtype: its item size in bytes, and whether it holds objects.
        self.layout: tuple[int, bool] | None = None
        # It has its state, or stands in a place where a later one would change what was judged.
        self.settled = False
        # Of bytes that protocols 0 to 2 write as an encoded text: that text.
        self.text: str | None = None

    def __call__(self, *args: object, **kwargs: object) -> Any:
        return self.session.made("call", self, args, kwargs)

    def __setstate__(self, state: object) -> None:
        self.session.built(self, state)


class _BuildOnGlobal:
    """``__setstate__`` of a global, as a data descriptor: on a type it wins over what its instances have."""

    def __get__(self, instance: Global, owner: object) -> Callable[[object], None]:
        return lambda state: instance.session.built(instance, state)

    def __set__(self, instance: object, value: object) -> None:
        raise AttributeError("read-only")


class Global(_Filled, type):
    """The metaclass of the stand-ins of globals: types, because NEWOBJ asks for one."""

    ref: GlobalRef
    key: object

    __setstate__: Any = _BuildOnGlobal()

    def __call__(cls, *args: object, **kwargs: object) -> Any:
        return cls.session.made("call", cls, args, kwargs)


class StandIn(metaclass=Global):
    """The base of the stand-ins; ``__new__`` is what NEWOBJ runs."""

    __slots__ = ()

    def __new__(cls, *args: object, **kwargs: object) -> Any:
        return cls.session.made("new", cls, args, kwargs)


class MadeClass(Global):
    """The metaclass of what stands for a class that a call of ``of`` made: NEWOBJ instantiates that as well."""

    of: GlobalRef
