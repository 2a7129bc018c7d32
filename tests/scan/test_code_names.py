"""Which names give a piece of code away, and which do not."""

from __future__ import annotations

import pytest

from secureload.pickles.trace import Const
from secureload.scan.code_names import why_code_is_dangerous, why_name_is_dangerous
from secureload.scan.code_shown import CodeShown


def code(
    names: tuple[str, ...], global_names: tuple[str, ...] = (), constants: tuple[str, ...] = ()
) -> CodeShown:
    values = tuple(Const(text, len(text)) for text in constants)
    return CodeShown("f", names, frozenset(global_names), values, True, ())


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


@pytest.mark.parametrize("path", ["/etc/passwd", "~/.ssh/id_ed25519", "C:\\\\boot.ini", "../../x"])
def test_code_that_opens_a_file_by_a_fixed_path_opens_files(path: str) -> None:
    found = why_code_is_dangerous(code(("open",), ("open",), (path, "w")))
    assert found is not None
    assert found[1].name == "opens files"


@pytest.mark.parametrize("text", ["w", "model.pkl", "utf-8", "a/b"])
def test_code_that_opens_what_it_is_told_or_what_stands_beside_it_does_not(text: str) -> None:
    assert why_code_is_dangerous(code(("open",), ("open",), (text,))) is None
    assert why_code_is_dangerous(code(("path", "open"), (), ("/etc/passwd",))) is None


def test_code_that_only_unpickles_does_and_code_that_copies_by_pickling_does_not() -> None:
    found = why_code_is_dangerous(code(("pickle", "loads")))
    assert found is not None
    assert found[1].name == "deserializes"
    assert why_code_is_dangerous(code(("pickle", "dumps", "loads"))) is None
    assert why_code_is_dangerous(code(("json", "loads"))) is None
