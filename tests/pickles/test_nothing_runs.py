"""Random programs of opcodes under an audit hook: tracing them imports nothing, calls nothing, writes nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings

from secureload.pickles.assembler import Assembler

from .programs import SOUPS, programs, without_bombs

# What a program would do if its names were real: modules that are imported by nobody, files, processes, sockets.
GADGETS = [
    ("antigravity", "fly"), ("this", "d"), ("builtins", "open"), ("builtins", "exec"), ("os", "mkdir"),
    ("subprocess", "Popen"), ("socket", "create_connection"), ("ctypes", "CDLL"), ("importlib", "import_module"),
]  # fmt: skip


class Watched:
    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.pickles.watched"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        # The first payload does what happens once in a process: codecs are found, patterns compiled.
        for warm_up in (
            Assembler(2).line("STRING", "'x'").line("UNICODE", "x").line("INT", "1").stop(),
            b"\xff",
        ):
            self.ask(warm_up)

    def ask(self, data: bytes) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(data.hex() + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        assert self._process.wait(timeout=30) == 0


@pytest.fixture(scope="module")
def watched() -> Iterator[Watched]:
    process = Watched()
    yield process
    process.close()


@pytest.mark.parametrize(("module", "name"), GADGETS)
@pytest.mark.parametrize("form", ["REDUCE", "NEWOBJ", "OBJ", "INST", "BUILD"])
def test_a_gadget_in_any_form_reaches_nothing(watched: Watched, module: str, name: str, form: str) -> None:
    code = Assembler(4)
    if form == "INST":
        code.mark().text("x").line("INST", module, name)
    elif form == "OBJ":
        code.mark().global_(module, name).text("x").op("OBJ")
    else:
        code.global_(module, name).text("x").op("TUPLE1").op(form)
    answer = watched.ask(code.stop())
    assert answer["imports"] == [f"{module}:{name}"]
    assert len(answer["kinds"]) == 1
    assert answer["events"] == []


@settings(max_examples=400, deadline=None)
@given(programs())
def test_no_program_reaches_anything(watched: Watched, data: bytes) -> None:
    assert watched.ask(data)["events"] == []


@settings(max_examples=400, deadline=None)
@given(SOUPS.map(without_bombs))
def test_no_opcodes_in_any_order_reach_anything(watched: Watched, data: bytes) -> None:
    assert watched.ask(data)["events"] == []


def test_the_hook_of_that_process_would_have_seen_a_real_import() -> None:
    """The counterpart: what it says nothing about did not happen."""
    code = (
        "import sys, pickle; seen = []; sys.addaudithook(lambda n, a: seen.append(n)); "
        "pickle.loads(b'cplatform\\nnode\\n.'); print('import' in seen)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "True"
