"""The source of the standard library holds no gadget that the list does not; the reading finds what is planted."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from secureload.scan.gadgets.reach import Source, found_in, main, package_sources, reviewed, standard_library


def names(*sources: Source) -> list[str]:
    return [":".join(name) for name in found_in(sources)]


def test_nothing_in_the_standard_library_reaches_an_effect_and_stands_in_no_list() -> None:
    sources = list(standard_library())
    assert len(sources) > 400
    left = [":".join(name) for name in found_in(sources) if not reviewed(name)]
    assert left == []


def test_what_was_reviewed_is_still_there() -> None:
    found = found_in(standard_library())
    assert any(reviewed(name) for name in found)


@pytest.mark.parametrize(
    "text",
    [
        "import os\ndef f(x):\n    os.system(x)\n",
        "import os as _o\ndef f(x):\n    return _o.popen(x)\n",
        "from subprocess import run as start\ndef f(x):\n    start(x)\n",
        "def f(x):\n    import socket\n    return socket.create_connection(x)\n",
        "def f(x):\n    return eval(x)\n",
        "def f(x):\n    return g(x)\ndef g(x):\n    with open(x) as file:\n        return file.read()\n",
        "import importlib.util\ndef f(x):\n    return importlib.util.find_spec(x)\n",
        "from pickle import *\nimport pickle\ndef f(x):\n    return pickle.loads(x)\n",
        "try:\n    import os\nexcept ImportError:\n    os = None\nif os:\n    def f(x):\n        os.listdir(x)\n",
    ],
)
def test_a_function_that_reaches_an_effect_is_found(text: str) -> None:
    assert "ours.module:f" in names(Source("ours.module", text))


def test_a_class_is_found_by_what_making_or_restoring_one_runs() -> None:
    text = (
        "import os\n"
        "class Base:\n    def __setstate__(self, state):\n        self.load(state)\n"
        "    def load(self, state):\n        os.remove(state)\n"
        "class Child(Base):\n    pass\n"
        "class Harmless:\n    def fit(self):\n        os.remove('x')\n"
    )
    found = names(Source("ours", text))
    assert {
        "ours:Base",
        "ours:Base.load",
        "ours:Child",
        "ours:Harmless.fit",
    } <= set(found)
    assert "ours:Harmless" not in found


def test_a_way_over_several_modules_is_followed_and_shown() -> None:
    sources = (
        Source("ours", "from .inner import step\ndef f(x):\n    return step(x)\n", is_package=True),
        Source("ours.inner", "from os import system\ndef step(x):\n    system(x)\n"),
    )
    found = found_in(sources)
    assert found["ours", "f"] == (("ours", "f"), ("ours.inner", "step"), ("os", "system"))


def test_what_computes_is_not_found() -> None:
    text = "import math, os\ndef f(x):\n    return math.sqrt(len(os.fspath(x)))\ndef g(o):\n    return o.system(1)\n"
    assert names(Source("ours", text)) == []


def test_source_that_cannot_be_parsed_is_left_out() -> None:
    assert names(Source("ours", "def f(:\n"), Source("ours.b", "import os\ndef f():\n    os.fork()\n")) == [
        "ours.b:f"
    ]


def test_the_script_prints_what_is_left_with_the_way_there(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def planted() -> Iterator[Source]:
        yield Source("ours", "import os\ndef f(x):\n    os.system(x)\n")

    monkeypatch.setattr("secureload.scan.gadgets.reach.standard_library", planted)
    assert main([]) == 1
    assert capsys.readouterr().out == "ours:f → os:system\n"


def test_an_installed_package_is_read_module_by_module() -> None:
    modules = {source.module for source in package_sources("joblib")}
    assert {"joblib", "joblib.parallel", "joblib.numpy_pickle"} <= modules
    assert list(package_sources("no_such_package_here")) == []
