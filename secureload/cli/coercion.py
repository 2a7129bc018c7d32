"""Words of the command line become values without typer's adapters.

Current versions of typer import pydantic to turn the word ``5`` into a number: a quarter of the time that it
takes to check a small file. The few types that our commands have need none of it. What is not as expected
here (another version of typer, another type) is left to typer.
"""

from __future__ import annotations

import types
from enum import Enum
from pathlib import Path
from typing import Any, Union, get_args, get_origin

import typer

__all__ = ["Plain", "coerce_plainly"]


def coerce_plainly(command: Any, parent: Any = None) -> None:
    """Make the parameters of ``command``, and of the commands below it, coerce what they are given by themselves."""
    settings = getattr(command, "context_settings", {})
    context = typer.Context(command, parent=parent, **settings)
    for parameter in command.get_params(context):  # with the help option, which is only made here
        descriptor = getattr(parameter, "type_descriptor", None)
        kind = _inner(getattr(descriptor, "annotation", None))
        if getattr(parameter, "_runtime_param", parameter) is None and _is_plain(kind):
            parameter._runtime_param = Plain(kind, descriptor)
    for inner in getattr(command, "commands", {}).values():
        coerce_plainly(inner, context)


class Plain:
    """What typer asks to coerce a parameter: it stands in for typer's ``RuntimeParam``."""

    def __init__(self, kind: Any, descriptor: Any) -> None:
        self._kind = kind
        self._info = descriptor.parameter_info

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        """Return the value of a word or of several, as the type of the parameter says."""
        several = param.multiple or param.nargs == -1
        if value is None:
            return () if several else None
        if several:
            return [self._one(word, param, ctx) for word in value]
        return self._one(value, param, ctx)

    def _one(self, word: Any, param: Any, ctx: Any) -> Any:
        if isinstance(word, self._kind) and self._kind not in (int, float):
            return word
        try:
            value = self._kind(word)
        except ValueError:
            raise typer.BadParameter(self._complaint(word), ctx=ctx, param=param) from None
        least = self._info.min
        if self._kind is int and least is not None and value < least:
            raise typer.BadParameter(f"{value} is not in the range x>={least}.", ctx=ctx, param=param)
        return value

    def _complaint(self, word: Any) -> str:
        if issubclass(self._kind, Enum):
            choices = ", ".join(repr(choice.value) for choice in self._kind)
            return f"{word!r} is not one of {choices}."
        return f"{word!r} is not a valid {'integer' if self._kind is int else 'float'}."


def _is_plain(kind: Any) -> bool:
    return kind in (str, Path, int, float, bool) or (isinstance(kind, type) and issubclass(kind, Enum))


def _inner(annotation: Any) -> Any:
    """Return the type of one word: of ``list[Path] | None`` that is ``Path``."""
    origin = get_origin(annotation)
    if origin is list:
        return _inner(get_args(annotation)[0])
    if origin in (Union, types.UnionType):
        kinds = [kind for kind in get_args(annotation) if kind is not type(None)]
        return _inner(kinds[0]) if len(kinds) == 1 else None
    return annotation
