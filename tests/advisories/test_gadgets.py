"""Every gadget that an advisory names is rejected by name, however the payload reaches it."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from secureload.pickles.assembler import Assembler
from secureload.pickles.trace import GlobalRef
from secureload.scan.allowlist import load_default
from secureload.scan.dangerous import grade
from secureload.scan.examine import examine
from secureload.scan.finding import Severity

from ..pickles.tracing import trace
from .checking import call, dangerous
from .gadgets import GADGETS


def gadgets() -> Iterator[Any]:
    for advisory, refs in GADGETS.items():
        for ref in refs:
            yield pytest.param(GlobalRef(*ref.split(":")), id=f"{advisory}-{ref}")


@pytest.mark.parametrize("ref", list(gadgets()))
def test_the_file_that_calls_it_is_rejected_and_the_technique_is_named(
    ref: GlobalRef, tmp_path: Path
) -> None:
    technique = grade(ref)
    assert technique is not None
    found = dangerous(tmp_path, call(ref.module, ref.name))
    assert any(f"{ref.module}.{ref.name}" in item.title for item in found)
    if load_default().find(ref) is None:
        assert any(item.rule_id == "SL101" and technique.name in item.title for item in found)


@pytest.mark.parametrize("ref", list(gadgets()))
def test_it_is_found_however_it_is_reached(ref: GlobalRef) -> None:
    module, name = ref.module, ref.name
    allowed = load_default().find(ref) is not None
    payloads = {
        "GLOBAL": Assembler(2).global_(module, name).stop(),
        "NEWOBJ": Assembler(4).stack_global(module, name).mark().tuple_().newobj().stop(),
        "OBJ": Assembler(2).mark().global_(module, name).text("echo").raw(pickle.OBJ).pop().none().stop(),
        "INST": Assembler(0).mark().text("echo").raw(pickle.INST + f"{module}\n{name}\n".encode()).stop(),
        "memo": Assembler(4).text(module).memoize().text(name).memoize().pop().pop().get(0).get(1)
        .raw(pickle.STACK_GLOBAL).mark().tuple_().reduce().stop(),
        "second pickle": Assembler(4).none().stop() + call(module, name),
        "cut off": call(module, name)[:-1] + b"\xff\xff",
    }  # fmt: skip
    for how, data in payloads.items():
        worst = examine(trace(data), load_default(), {}).worst()
        if allowed and how == "GLOBAL":
            continue  # to import what is admitted under a rule for its arguments does nothing
        # functools.partial of one text is no call; what it would be a partial of is a payload of its own.
        assert worst is Severity.DANGEROUS, how


@pytest.mark.parametrize(
    ("gadget", "python_2"),
    [
        ("builtins:eval", "__builtin__:eval"),
        ("subprocess:getoutput", "commands:getoutput"),
        ("subprocess:run", "commands:run"),
        ("_thread:start_new_thread", "thread:start_new_thread"),
        ("urllib.request:urlopen", "urllib2:urlopen"),
        ("pickle:loads", "cPickle:loads"),
        ("http.client:HTTPConnection", "httplib:HTTPConnection"),
    ],
    ids=lambda value: f"modelscan-338-{value}",
)
def test_a_name_of_python_2_is_what_it_is_mapped_to(gadget: str, python_2: str, tmp_path: Path) -> None:
    module, name = python_2.split(":")
    data = Assembler(2).global_(module, name).mark().text("echo hello").tuple_().reduce().stop()
    found = dangerous(tmp_path, data)
    assert any(gadget.replace(":", ".") in item.title for item in found)
