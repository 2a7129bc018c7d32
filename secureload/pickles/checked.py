"""Plain data that came from a confined worker, checked piece by piece: the worker is taken to be hostile."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, get_args

from secureload.printable import printable

__all__ = ["TraceFormatError", "as_int", "as_list", "as_str", "as_text", "each", "one_of", "one_word"]

T = TypeVar("T")

_MESSAGE_CHARS = 400


class TraceFormatError(ValueError):
    """What came is not an encoded trace."""


def each(data: Any, build: Callable[..., T]) -> tuple[T, ...]:
    """Return what ``build`` makes of each item, itself a list of arguments."""
    return tuple(build(*as_list(item)) for item in as_list(data))


def as_list(data: Any) -> list[Any]:
    """Return ``data`` if it is a list, else raise :class:`TraceFormatError`."""
    if not isinstance(data, list):
        raise TraceFormatError("something that is not a list")
    return data


def as_int(data: Any) -> int:
    """Return ``data`` if it is an integer, else raise :class:`TraceFormatError`."""
    if type(data) is not int:
        raise TraceFormatError("something that is not a number")
    return data


def as_str(data: Any) -> str:
    """Return ``data`` as it is if it is text, else raise :class:`TraceFormatError`."""
    if not isinstance(data, str):
        raise TraceFormatError("something that is not text")
    return data


def as_text(data: Any, limit: int = _MESSAGE_CHARS) -> str:
    """Return text made printable and cut to ``limit`` characters, else raise :class:`TraceFormatError`."""
    return printable(as_str(data), limit)


def one_word(data: Any, *allowed: str) -> Any:
    """Return ``data`` if it is one of ``allowed``, else raise :class:`TraceFormatError`."""
    if data not in allowed:
        raise TraceFormatError("a word that is not in the vocabulary")
    return data


def one_of(data: Any, literal: Any) -> Any:
    """Return ``data`` if it is a member of the ``Literal`` type, else raise :class:`TraceFormatError`."""
    return one_word(data, *get_args(literal))
