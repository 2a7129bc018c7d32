"""Join the evidence of several environments and the review into the TOML files of the allow-list."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from secureload.pickles.names import effective_name

__all__ = ["merge"]

# scikit-learn's compiled losses call their module plainly _loss in some releases.
_LIBRARIES = {
    "sklearn": "scikit-learn",
    "_loss": "scikit-learn",
    "numpy": "numpy",
    "scipy": "scipy",
    "joblib": "joblib",
    "pandas": "pandas",
}
_TIERS = ("new-only", "callable", "import-only")
_HEADER = """\
# Built by `python -m secureload.scan.allow.build`; changes belong in review.toml or in the cases.
# One line is one global: module:name, for a callable the rule for its arguments, then the evidence: the
# releases of the library in which it was seen, and one case in which it occurs.
"""


@dataclass(slots=True)
class _Seen:
    """One global over all environments."""

    uses: set[str] = field(default_factory=set)
    releases: set[str] = field(default_factory=set)
    cases: list[str] = field(default_factory=list)
    listed: bool = False


def merge(evidence: Iterable[Mapping[str, Any]], review: str) -> tuple[dict[str, str], list[str]]:
    """Return (file name → text) and the names that the review has to decide about."""
    decisions = tomllib.loads(review)
    releases: dict[str, set[str]] = {}
    seen: dict[str, _Seen] = {}
    for environment in evidence:
        for library, release in environment["releases"].items():
            releases.setdefault(library, set()).add(release)
        for given, found in environment["globals"].items():
            ref = _present_name(given)
            entry = seen.setdefault(ref, _Seen())
            entry.uses.update(found["uses"])
            entry.cases.extend(found["cases"])
            entry.releases.add(environment["releases"][_library(ref)])
        for ref in environment["listed"]:
            entry = seen.setdefault(ref, _Seen())
            entry.listed = True
            entry.releases.add(environment["releases"][_library(ref)])
    lines: dict[tuple[str, str], list[str]] = {}
    undecided: list[str] = []
    for ref in sorted(seen):
        decision = _decide(ref, seen[ref], decisions)
        if decision is None:
            undecided.append(f"{ref}: {sorted(seen[ref].uses)} in {seen[ref].cases[:1]}")
        elif decision:
            tier, _, rule = decision.partition(" ")
            parts = [ref, *([rule] if rule else []), _evidence(seen[ref])]
            lines.setdefault((_library(ref), tier), []).append("  ".join(parts))
    return {
        f"{library}.toml": _render(library, releases[library], lines) for library in sorted(releases)
    }, undecided


def _present_name(ref: str) -> str:
    """Return the name that Python 3 knows; protocols below 3 may be recorded with those of Python 2."""
    module, _, name = ref.partition(":")
    return ":".join(effective_name(module, name, 2))


def _library(ref: str) -> str:
    return _LIBRARIES.get(ref.partition(":")[0].partition(".")[0], "python")


def _decide(ref: str, seen: _Seen, decisions: Mapping[str, Mapping[str, str]]) -> str | None:
    """Return the tier (with the rule of a callable), "" for refused, None where nobody has decided."""
    if _first(ref, decisions["refused"]):
        return ""
    if "call" in seen.uses:
        rule = _first(ref, decisions["callable"])
        return f"callable {rule}" if rule else None
    if rule := _first(ref, decisions["state"]):
        return f"callable {rule}"
    if "new" in seen.uses:
        return "new-only"
    if "import" in seen.uses:
        return "import-only"
    return _first(ref, decisions["listed"])


def _first(ref: str, patterns: Mapping[str, str]) -> str | None:
    return next((value for pattern, value in patterns.items() if fnmatchcase(ref, pattern)), None)


def _order(release: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", release))


def _evidence(seen: _Seen) -> str:
    ordered = sorted(seen.releases, key=_order)
    span = ordered[0] if len(ordered) == 1 else f"{ordered[0]}-{ordered[-1]}"
    case = min(seen.cases, key=lambda label: (len(label), label)) if seen.cases else "defined there"
    return f"{span}: {' '.join(case.split())}".replace("'''", '"')


def _render(library: str, releases: set[str], lines: Mapping[tuple[str, str], list[str]]) -> str:
    parts = [_HEADER, "[library]", f'name = "{library}"']
    parts.append(f"releases = {sorted(releases, key=_order)}".replace("'", '"'))
    for tier in _TIERS:
        if found := lines.get((library, tier)):
            parts.extend(["", f"[{tier}]", "globals = '''", *found, "'''"])
    return "\n".join(parts) + "\n"
