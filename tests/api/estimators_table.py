"""Write docs/estimators.md: ``python -m tests.api.estimators_table``, a minute."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import sklearn

from secureload.signing.keys import SigningKey
from secureload.trust.store import add_trusted_key

from .every_estimator import CHANGING, NAMES, RAISING, Asked, ask_saved

__all__ = ["PAGE", "page", "row", "rows_in", "version_in"]

PAGE = Path(__file__).parents[2] / "docs" / "estimators.md"
_VERSION = "scikit-learn "


def page(rows: dict[str, Asked]) -> str:
    """Return the whole page. The estimators in which something differs are counted out, and told."""
    alike = [asked for asked in rows.values() if not asked.differing]
    methods = sum(len(asked.methods) for asked in alike)
    attributes = sum(len(asked.attributes) for asked in alike)
    share, told = f"**{len(alike)} of {len(rows)}**", f"{methods} methods and {attributes} attributes"
    lines = [
        "# Every estimator of scikit-learn, through the sandbox",
        "",
        f"{_VERSION}{sklearn.__version__}: {share} estimators of `sklearn.utils.all_estimators()`,",
        "each fitted, saved with joblib, signed and loaded with `safe_load()` under the strict filter, answer as the",
        "same file does with `joblib.load()` in process: every public method and every fitted attribute (`name_`) that",
        f"they have, to the last bit and with its type. That is {told}. Estimators,",
        "trees and other objects in an answer come back as proxies, and are compared by their text and, two levels",
        "deep, by their data.",
        "",
        "Made by `python -m tests.api.estimators_table`; a test holds every row (tests/api/test_estimators.py).",
        "",
        *_exceptions(rows),
        "",
        "## Estimator by estimator",
        "",
        "| estimator | methods that answer the same | attributes that are the same |",
        "|---|---|---|",
        *(row(name, asked) for name, asked in rows.items()),
    ]
    return "\n".join(lines) + "\n"


def _exceptions(rows: dict[str, Asked]) -> list[str]:
    raised = [f"{name}.{method}" for name, asked in rows.items() for method in asked.raised]
    changing = ", ".join(f"`{name}`" for name in sorted(CHANGING))
    return [
        "## Exceptions",
        "",
        f"* {len(raised)} methods raise in process, and raise the same through the sandbox:",
        *(f"    * `{name}()`: {RAISING.get(name, 'not explained')}." for name in raised),
        "* Methods that change the model are refused with a `UsageError`:",
        f"  {changing},",
        "  `set_params`, `set_output`, `set_callbacks` and `set_…_request`. There is no option for them: a change",
        "  would reach one replica of several, be gone after a restart, and not be what was signed. Change a model,",
        "  then save and sign it.",
        "* A `Bunch` comes back as a dictionary whose keys are attributes too, a named tuple as one of the same name",
        "  and fields.",
        *(
            f"* {name} differs: {'; '.join(asked.differing)}"
            for name, asked in rows.items()
            if asked.differing
        ),
    ]


def row(name: str, asked: Asked) -> str:
    """Return the row of one estimator."""
    return f"| {name} | {', '.join(asked.methods)} | {', '.join(asked.attributes)} |"


def rows_in(text: str) -> dict[str, str]:
    """Return the rows of a page by their estimators."""
    table = text.partition("## Estimator by estimator")[2].splitlines()
    return {
        line.split("|")[1].strip(): line
        for line in table
        if line.startswith("| ") and "estimator |" not in line
    }


def version_in(text: str) -> str:
    """Return the version of scikit-learn that a page is of."""
    return text.partition(_VERSION)[2].partition(":")[0]


def main() -> None:
    """Fit, save, sign, load and ask every estimator, and write the page."""
    key = SigningKey.generate("table")
    rows = {}
    with tempfile.TemporaryDirectory() as folder:
        trust = Path(folder) / "trust"
        trust.mkdir()
        add_trusted_key(trust, key.public, name="table", roles=["signer"])
        for name in NAMES:
            asked = rows[name] = ask_saved(name, Path(folder) / "model.joblib", key, trust)
            for what in (*asked.differing, *asked.raised):
                print(f"{name}: {what}", file=sys.stderr)
    PAGE.write_text(page(rows), encoding="utf-8")


if __name__ == "__main__":
    main()
