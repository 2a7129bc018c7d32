"""The page that compares the tools is the catalog of attacks, row by row, and says of secureload what happens here."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from benchmarks.trust_attacks import ATTACKS, TOOLS, Attack, outcome
from benchmarks.trusting.ours import Secureload

ROOT = Path(__file__).resolve().parents[2]
PAGES = (ROOT / "docs" / "trust-compared.md", ROOT / "SECURITY.md")
HEAD = "| attack | secureload 0"
CELL = re.compile(
    r"noticed|not noticed|not run|not noticed: still at it after \d+ s|not noticed, by design: \S.*|"
    r"not applicable: \S.*"
)


def lines_of(page: Path) -> list[str]:
    """The lines of the one table on the page that compares."""
    text = page.read_text(encoding="utf-8")
    assert text.count(HEAD) == 1
    return text[text.index(HEAD) :].partition("\n\n")[0].splitlines()


def rows() -> list[list[str]]:
    lines = lines_of(PAGES[0])
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def test_the_rows_are_the_catalog_and_the_columns_the_tools() -> None:
    head, _, *body = rows()
    assert [row[0] for row in body] == [attack.name for attack in ATTACKS]
    assert len({attack.name for attack in ATTACKS}) == len(ATTACKS)
    assert len(head) == len(TOOLS) + 1
    for title, tool in zip(head[1:], TOOLS, strict=True):
        assert title.startswith(f"{tool.name} ")


def test_both_pages_have_the_table_of_the_same_run() -> None:
    assert lines_of(PAGES[0]) == lines_of(PAGES[1])


def test_every_cell_is_measured_or_gives_its_reason() -> None:
    for row in rows()[2:]:
        assert len(row) == len(TOOLS) + 1
        assert [cell for cell in row[1:] if not CELL.fullmatch(cell)] == []


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_each_attack_is_noticed_here_as_the_page_says(
    attack: Attack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/nonexistent")  # the tool sets it; this puts it back afterwards
    told = {row[0]: row[1] for row in rows()[2:]}
    assert outcome(Secureload, attack) == told[attack.name] == "noticed"


def test_what_nobody_attacks_is_accepted_and_an_attack_that_does_nothing_is_not_noticed() -> None:
    def nothing(tool: object) -> bool:
        assert isinstance(tool, Secureload)
        path = tool.work / "model.bin"
        path.write_bytes(b"model")
        tool.sign(path)
        return tool.accepts(path)

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", "/nonexistent")
        assert outcome(Secureload, Attack("nothing", nothing)) == "not noticed"
