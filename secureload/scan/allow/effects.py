"""What restoring an instance of a class would run: the reason to leave a class off the list, or to look at it.

Two looks, in the environment where the evidence is collected. One at the code: each method written in Python
that an unpickler runs (``__new__``, ``__setstate__``, ``__setattr__``, ``__del__``, what fills a container; of a
callable also ``__init__``) is named, and a person has to read it. One at the act: an empty instance is made,
given an empty state and dropped, while an audit hook listens. What is found has to be explained in
``review.toml`` before a name enters the list.
"""

from __future__ import annotations

import gc
import importlib
import os
import sys
import types
from collections.abc import Iterator
from contextlib import suppress
from enum import Enum
from typing import Any

from secureload.pickles.trace import GlobalRef

__all__ = ["effects_of"]

_RUN_BY_UNPICKLERS = (
    "__new__",
    "__setstate__",
    "__setattr__",
    "__del__",
    "append",
    "extend",
    "add",
    "__setitem__",
)
# Roots of audit events that a constructor has no business with. Imports open files too; they are not repeated.
_EVENTS = ("open", "os.", "subprocess.", "socket.", "exec", "compile", "ctypes.", "shutil.", "tempfile.", "pickle.",
           "marshal.", "urllib.", "sqlite3.", "glob.", "code.", "sys.addaudithook", "builtins.input")  # fmt: skip


def effects_of(ref: GlobalRef, *, called: bool = False) -> list[str]:
    """Return one line for each effect that restoring the global may have; [] for none, or where it is no class.

    ``called`` says that payloads call it with arguments, so that its initializer counts as well.
    """
    with suppress(Exception):
        found: Any = importlib.import_module(ref.module)
        for part in ref.name.split("."):
            found = getattr(found, part)
        if isinstance(found, type):
            return sorted({*_in_code(found, called=called), *_in_act(found)})
    return []


def _in_code(cls: type, *, called: bool) -> Iterator[str]:
    for name in (*_RUN_BY_UNPICKLERS, *(["__init__"] if called else [])):
        owner = next((base for base in cls.__mro__ if name in vars(base)), object)
        method = vars(owner).get(name)
        function = getattr(method, "__func__", method)
        # Every enumeration has these two of Enum's: they look a member up.
        if isinstance(function, types.FunctionType) and function not in (Enum.__new__, Enum.__init__):
            yield f"{owner.__module__}:{owner.__qualname__}.{name}"


def _in_act(cls: type) -> Iterator[str]:
    """Make one in a child process, for some classes of compiled code crash the interpreter when they are empty."""
    receiver, sender = os.pipe()
    child = os.fork()
    if child == 0:
        with suppress(BaseException):
            os.write(sender, "\n".join(_heard(cls)).encode())
        os._exit(0)
    os.close(sender)
    with os.fdopen(receiver, encoding="utf-8") as answer:
        heard = answer.read().split("\n")
    _, status = os.waitpid(child, 0)
    shown = f"{cls.__module__}:{cls.__qualname__}"
    if os.WIFSIGNALED(status):
        yield f"{shown} crashes the interpreter"
    for event in heard:
        if event:
            yield f"{shown} raises the audit event {event}"


def _heard(cls: type) -> list[str]:
    heard: list[str] = []
    is_listening = False

    def hear(event: str, arguments: tuple[object, ...]) -> None:
        if is_listening and event.startswith(_EVENTS):
            heard.append(event)

    sys.addaudithook(hear)
    _make_and_drop(cls)  # what it imports is imported now
    is_listening = True
    _make_and_drop(cls)
    is_listening = False
    return sorted(set(heard))


def _make_and_drop(cls: Any) -> None:
    with suppress(Exception):
        made = cls.__new__(cls)
        with suppress(Exception):
            if "__setstate__" in dir(cls):
                made.__setstate__({})
        del made
    gc.collect(0)
