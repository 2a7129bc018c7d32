"""The tables of gadgets: their layout, and that every module of the standard library was looked at."""

from __future__ import annotations

import sys
import tomllib
from importlib import resources

import pytest

from secureload.pickles.trace import GlobalRef
from secureload.scan.allowlist import load_default
from secureload.scan.dangerous import grade, is_family

FILES = ("python", "science", "deep", "tools")
# What 3.12 and 3.13 have and 3.11 has not, so that each of them holds for all.
LATER = """
_android_support _colorize _interpchannels _interpqueues _interpreters _ios_support _opcode_metadata
_pydatetime _pylong _pyrepl _sha2 _suggestions _sysconfig _wmi
"""


def table(name: str) -> dict[str, dict[str, str]]:
    text = resources.files("secureload.scan.gadgets").joinpath(f"{name}.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def lines(text: str) -> list[tuple[str, list[str]]]:
    return [(line.partition(":")[0], line.partition(":")[2].split()) for line in text.splitlines() if line]


def pairs(file: str, key: str) -> list[tuple[str, str]]:
    return [
        (module, name)
        for entry in table(file).values()
        for module, names in lines(entry.get(key, ""))
        for name in names
    ]


@pytest.mark.parametrize("file", FILES)
def test_every_table_is_a_technique_and_every_line_is_modules_or_names(file: str) -> None:
    for key, entry in table(file).items():
        assert key in table("techniques")
        assert set(entry) <= {"modules", "names", "ordinary"}
        for module in entry.get("modules", "").split():
            assert all(
                part.replace("-", "_").isidentifier() for part in module.rstrip("*").rstrip(".").split(".")
            )
        for part in ("names", "ordinary"):
            for module, names in lines(entry.get(part, "")):
                assert names, f"{module} without names"
                assert all(each.isidentifier() for each in module.split(".")), module
        assert not any("*" in name for _, names in lines(entry.get("ordinary", "")) for name in names)


@pytest.mark.parametrize("file", FILES)
def test_what_a_table_says_of_a_name_is_what_it_is_graded(file: str) -> None:
    for key, entry in table(file).items():
        technique = table("techniques")[key]["name"]
        for module, names in lines(entry.get("names", "")):
            for name in names:
                found = grade(GlobalRef(module, name.replace("*", "x")))
                assert found is not None, f"{module}:{name}"
                if "*" not in name:
                    assert found.name == technique, f"{module}:{name} stands twice"


@pytest.mark.parametrize("file", FILES)
def test_what_is_ordinary_in_a_family_is_unknown(file: str) -> None:
    for module, name in pairs(file, "ordinary"):
        assert grade(GlobalRef(module, "x")) is not None, f"{module} is no family"
        assert grade(GlobalRef(module, name)) is None, f"{module}:{name}"


def test_every_module_of_the_standard_library_is_a_family_or_harmless_for_a_reason() -> None:
    harmless = table("harmless")["modules"]
    modules = {*sys.stdlib_module_names, *LATER.split()}
    assert len(modules) > 290
    unseen = {module for module in modules if not is_family(module)} - set(harmless) - {"test"}
    assert unseen == set()
    assert {module for module in harmless if is_family(module)} == set()
    assert all(len(reason) > 3 for reason in harmless.values())


def test_no_admitted_name_is_graded_unless_a_rule_holds_its_arguments() -> None:
    admitted = list(load_default())
    assert len(admitted) > 1_000
    graded = {str(entry.ref) for entry in admitted if grade(entry.ref) is not None and not entry.arguments}
    assert graded == set()
