"""The README is run, block by block, and every promise of SECURITY.md names a test that exists.

``console`` blocks are what a user types behind ``$ ``; the lines below are compared with the real output, where
``...`` in a line stands for any text and as a whole line for any number of lines. ``python`` blocks are run as
programs. All of them run in their order, in one folder with a home of its own.
"""

from __future__ import annotations

import ast
import itertools
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
TEST_LINK = re.compile(r"\[([a-z_]+)\]\((tests/[\w/]+\.py)\)")
LINK = re.compile(r"\]\(([^)#:]+)\)")
DOCUMENTS = (
    "README.md",
    "SECURITY.md",
    "CHANGELOG.md",
    "keys/README.md",
    "benchmarks/README.md",
    "docs/report.md",
    "docs/signing.md",
    "docs/trust-compared.md",
    "docs/production.md",
    "docs/convert.md",
    "docs/format-safetensors.md",
)


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to run: a program or a command, and the output that the page shows."""

    language: str
    source: str
    expected: tuple[str, ...]


def steps(text: str) -> list[Step]:
    found = []
    for language, body in BLOCK.findall(text):
        if language == "python":
            found.append(Step("python", body, ()))
        elif language == "console":
            for part in re.split(r"^\$ ", body, flags=re.MULTILINE)[1:]:
                command, *rest = part.rstrip("\n").split("\n")
                # "> " continues a command, as the shell shows it.
                more = list(itertools.takewhile(lambda line: line.startswith("> "), rest))
                whole = "\n".join([command, *(line[2:] for line in more)])
                found.append(Step("console", whole, tuple(rest[len(more) :])))
    return found


def matches(expected: tuple[str, ...], actual: str) -> bool:
    pattern = ""
    for line in expected:
        if line.strip() == "...":
            pattern += r"(?:[^\n]*\n)*"
        else:
            pattern += "[^\\n]*".join(re.escape(piece) for piece in line.split("...")) + r"[ ]*\n"
    return re.fullmatch(pattern, actual if not actual or actual.endswith("\n") else actual + "\n") is not None


def test_the_ellipsis_matches_what_it_says_and_no_more() -> None:
    assert matches(("a...z", "...", "end"), "a to z\nmore\nand more\nend\n")
    assert matches(("...", "end"), "end\n")
    assert not matches(("a...z",), "a to y\n")
    assert not matches(("one",), "one\ntwo\n")
    assert not matches(("system('x')",), "systemX'x')\n")


@pytest.mark.parametrize("page", ["README.md", "docs/signing.md"])
def test_the_page_is_what_happens(tmp_path: Path, page: str) -> None:
    home = tmp_path / "home"
    work = home / "work"
    work.mkdir(parents=True)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SECURELOAD_")}
    environment |= {
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "SECURELOAD_PASSWORD": "only for this page",
        "REPOSITORY": str(ROOT),
        "NO_COLOR": "1",
        "COLUMNS": "100",
    }
    told = steps((ROOT / page).read_text(encoding="utf-8"))
    assert sum(step.language == "python" for step in told) >= 2
    assert sum(step.language == "console" for step in told) >= 8
    for step in told:
        command = (
            [sys.executable, "-c", step.source] if step.language == "python" else ["bash", "-c", step.source]
        )
        done = subprocess.run(
            command,
            cwd=work,
            env=environment,
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=120,
        )
        assert done.returncode == 0, f"{step.source}\n{done.stdout}"
        if step.expected:
            shown = "\n".join(step.expected)
            assert matches(step.expected, done.stdout), f"$ {step.source}\n{shown}\n-- but:\n{done.stdout}"
    assert not list(work.glob("safety_results.json"))


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_file_that_a_document_links_to_exists(name: str) -> None:
    page = ROOT / name
    gone = [
        target
        for target in LINK.findall(page.read_text(encoding="utf-8"))
        if not (page.parent / target).exists()
    ]
    assert gone == []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_no_document_calls_an_artifact_safe(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8").replace("safe_load", "").replace("safetensors", "")
    assert re.findall(r"(?i)\bsafe(?:ly|ty|r)?\b", text) == []


def test_every_promise_of_the_security_page_names_a_test_that_exists() -> None:
    text = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    links = TEST_LINK.findall(text)
    assert len(links) >= 20
    missing = [f"{file}::{name}" for name, file in links if name not in names_in(ROOT / file)]
    assert missing == []
    rows = [line for line in text.splitlines() if re.match(r"\| P\d+ ", line)]
    assert len(rows) >= 12
    assert [row for row in rows if not TEST_LINK.search(row)] == [], "a promise without a test"


def names_in(path: Path) -> set[str]:
    if not path.is_file():
        return set()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_the_exit_statuses_of_the_readme_are_those_of_the_program() -> None:
    from secureload.errors import ExitCode

    text = (ROOT / "README.md").read_text(encoding="utf-8")
    told = dict(re.findall(r"^\| (\d) \| (\w+):", text, re.MULTILINE))
    assert told == {str(int(code)): code.name.lower() for code in ExitCode}


def test_the_formats_of_the_readme_are_those_that_are_told_apart() -> None:
    from secureload.formats.catalog import DESCRIPTIONS

    text = (ROOT / "README.md").read_text(encoding="utf-8").lower()
    unnamed = {"empty", "unknown", "compressed"}
    told = {
        name: all(part in text for part in name.split("-")) for name in DESCRIPTIONS if name not in unnamed
    }
    assert [name for name, found in told.items() if not found] == []


def test_the_changelog_is_about_the_version_that_this_is() -> None:
    import secureload

    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.findall(r"^## \[([\d.]+)\]", text, re.MULTILINE)[0] == secureload.__version__


def test_every_figure_of_the_readme_stands_in_the_result_of_the_benchmark() -> None:
    section = (ROOT / "README.md").read_text(encoding="utf-8").split("## What it costs")[1].split("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("|")]
    measured = (ROOT / "benchmarks/results/spine.md").read_text(encoding="utf-8").splitlines()
    assert len(rows) > 5
    assert [row for row in rows if row not in measured] == [], "copy these rows from the result"
