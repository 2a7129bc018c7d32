"""Which names give a piece of code away, and which do not."""

from __future__ import annotations

import pytest

from secureload.scan.code_names import why_code_is_dangerous, why_name_is_dangerous
from secureload.scan.code_shown import CodeShown


def code(names: tuple[str, ...], global_names: tuple[str, ...] = ()) -> CodeShown:
    return CodeShown("f", names, frozenset(global_names), (), True, ())


@pytest.mark.parametrize(
    "name", ["system", "Popen", "__import__", "socket", "ctypes", "marshal", "__subclasses__"]
)
def test_what_starts_programs_imports_or_connects_gives_it_away(name: str) -> None:
    assert why_name_is_dangerous(name) is not None
    found = why_code_is_dangerous(code(("os", name)))
    assert found is not None
    assert found[0] == name


@pytest.mark.parametrize(
    "name", ["os", "open", "pickle", "path", "eval", "exec", "compile", "run", "numpy", "?"]
)
def test_what_the_code_of_models_looks_up_as_well_does_not(name: str) -> None:
    assert why_code_is_dangerous(code((name,))) is None


@pytest.mark.parametrize("name", ["eval", "exec", "compile"])
def test_builtins_count_where_they_are_looked_up_as_such(name: str) -> None:
    found = why_code_is_dangerous(code((name,), (name,)))
    assert found is not None
    assert found[1].name == "executes code"
