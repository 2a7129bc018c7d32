"""Words become the values that typer would make of them, without what typer would import for that."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import pytest
import typer

from secureload.cli.coercion import Plain, coerce_plainly


class Kind(StrEnum):
    ONE = "one"
    TWO = "two"


def app() -> typer.Typer:
    made = typer.Typer(add_completion=False, rich_markup_mode=None)

    @made.command()
    def first(
        paths: Annotated[list[Path], typer.Argument()],
        name: Annotated[str | None, typer.Option("--name")] = None,
        several: Annotated[list[str] | None, typer.Option("--several")] = None,
        number: Annotated[int | None, typer.Option("--number", min=1)] = None,
        kind: Annotated[Kind, typer.Option("--kind")] = Kind.ONE,
        flag: Annotated[bool, typer.Option("--flag")] = False,
    ) -> Any:
        return paths, name, several or [], number, kind, flag

    @made.command()
    def second() -> None:
        pass

    return made


def invoke(words: list[str], *, plainly: bool) -> Any:
    command: Any = typer.main.get_command(app())
    if plainly:
        coerce_plainly(command)
    with command.make_context("test", words) as context:
        return command.invoke(context)


GOOD = [
    ["first", "a", "b/c"],
    ["first", "-", "--name", "x"],
    ["first", "é\udcff", "--several", "1", "--several", "2"],
    ["first", "a", "--number", "17", "--kind", "two", "--flag"],
    ["first", "a", "--number", " 5 "],
]
BAD = [
    ["first"],
    ["first", "a", "--number", "x"],
    ["first", "a", "--number", "0"],
    ["first", "a", "--number", "1.5"],
    ["first", "a", "--kind", "three"],
    ["first", "a", "--number"],
    ["first", "a", "--flag=maybe"],
]


@pytest.mark.parametrize("words", GOOD, ids=" ".join)
def test_the_values_are_those_that_typer_makes(words: list[str]) -> None:
    assert invoke(words, plainly=True) == invoke(words, plainly=False)


@pytest.mark.parametrize("words", BAD, ids=" ".join)
def test_what_typer_refuses_is_refused_as_a_usage_error(words: list[str]) -> None:
    for plainly in (False, True):
        with pytest.raises(Exception) as caught:  # typer's classes have no public root
            invoke(words, plainly=plainly)
        assert "ClickException" in [kind.__name__ for kind in type(caught.value).__mro__]


def test_every_parameter_of_ours_is_coerced_plainly_where_typer_can_be_told_to() -> None:
    from secureload.cli.app import app_for

    command: Any = typer.main.get_command(app_for([]))
    coerce_plainly(command)
    seen = [
        parameter
        for inner in [*command.commands.values()]
        for parameter in inner.params
        if hasattr(parameter, "_runtime_param")
    ]
    assert all(isinstance(parameter._runtime_param, Plain) for parameter in seen)
