"""Join the evidence of several environments and the review into the TOML files of the allow-list."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from secureload.pickles.names import effective_name
from secureload.scan.allowlist import Tier, library_of, load_shipped_file

__all__ = ["merge"]

# How the review begins the reason of what is harmless under one rule for the arguments, and under no other.
_ONLY_UNDER = "only under "
# The evidence of what no case reached.
_UNSEEN = "defined there"
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
    effects: set[str] = field(default_factory=set)
    listed: bool = False
    label: str = ""


def merge(
    evidence: Iterable[Mapping[str, Any]], review: str, present: Iterable[str] = ()
) -> tuple[dict[str, str], list[str]]:
    """Return (file name → text) and the names that the review has to decide about.

    ``present`` are the files as they are: what they say was seen counts, so that a new release needs only
    evidence of its own.
    """
    decisions = tomllib.loads(review)
    releases: dict[str, set[str]] = {}
    seen: dict[str, _Seen] = {}
    for text in present:
        _see_present(text, decisions, releases, seen)
    for environment in evidence:
        for library, release in environment["releases"].items():
            releases.setdefault(library, set()).add(release)
        for given, found in environment["globals"].items():
            ref = _present_name(given)
            entry = seen.setdefault(ref, _Seen())
            entry.uses.update(found["uses"])
            entry.cases.extend(found["cases"])
            entry.releases.add(environment["releases"][_library(ref)])
            entry.effects.update(environment.get("effects", {}).get(given, ()))
        for ref in environment["listed"]:
            entry = seen.setdefault(ref, _Seen())
            entry.listed = True
            entry.releases.add(environment["releases"][_library(ref)])
            entry.effects.update(environment.get("effects", {}).get(ref, ()))
    lines: dict[tuple[str, str], list[str]] = {}
    undecided: list[str] = []
    for ref in sorted(seen):
        decision = _decide(ref, seen[ref], decisions)
        if decision is None:
            effects = sorted(_unexplained(seen[ref], decisions, _tier(ref, seen[ref], decisions)))
            undecided.append(
                f"{ref}: {sorted(seen[ref].uses)} in {seen[ref].cases[:1]} {effects or ''}".rstrip()
            )
        elif decision:
            tier, _, rule = decision.partition(" ")
            parts = [ref, *([rule] if rule else []), _evidence(seen[ref])]
            lines.setdefault((_library(ref), tier), []).append("  ".join(parts))
    return {
        f"{library}.toml": _render(library, releases[library], lines)
        for library in sorted({library for library, _ in lines})
    }, undecided


def _see_present(
    text: str,
    decisions: Mapping[str, Mapping[str, str]],
    releases: dict[str, set[str]],
    seen: dict[str, _Seen],
) -> None:
    """Count the entries of a file of the list as what was seen in the releases that they name."""
    header = tomllib.loads(text)["library"]
    releases.setdefault(header["name"], set()).update(header["releases"])
    uses = {Tier.IMPORT_ONLY: "import", Tier.NEW_ONLY: "new", Tier.CALLABLE: "call"}
    for allowed in load_shipped_file(text):
        span, _, case = allowed.evidence.partition(": ")
        entry = seen.setdefault(str(allowed.ref), _Seen())
        entry.releases.update(span.split("-"))
        if case == _UNSEEN:
            entry.listed = True
            continue
        entry.label = case
        is_state = _first(str(allowed.ref), decisions["state"]) is not None
        entry.uses.add("new" if is_state else uses[allowed.tier])


def _present_name(ref: str) -> str:
    """Return the name that Python 3 knows; protocols below 3 may be recorded with those of Python 2."""
    module, _, name = ref.partition(":")
    return ":".join(effective_name(module, name, 2))


def _library(ref: str) -> str:
    return library_of(ref.partition(":")[0])


def _decide(ref: str, seen: _Seen, decisions: Mapping[str, Mapping[str, str]]) -> str | None:
    """Return the tier (with the rule of a callable), "" for refused, None where nobody has decided."""
    if _first(ref, decisions["refused"]):
        return ""
    tier = _tier(ref, seen, decisions)
    if tier is not None and tier != "import-only" and _unexplained(seen, decisions, tier):
        return None
    return tier


def _tier(ref: str, seen: _Seen, decisions: Mapping[str, Mapping[str, str]]) -> str | None:
    if "call" in seen.uses:
        rule = _first(ref, decisions["callable"])
        return f"callable {rule}" if rule else None
    if rule := _first(ref, decisions["state"]):
        return f"callable {rule}"
    if "new" in seen.uses:
        return "new-only"
    # A class that cases only refer to is saved as an instance by somebody, if it is a part of models.
    tier = _first(ref, decisions["listed"]) if seen.listed else None
    return tier or ("import-only" if "import" in seen.uses else None)


def _unexplained(seen: _Seen, decisions: Mapping[str, Mapping[str, str]], tier: str | None) -> set[str]:
    """Return what restoring an instance would run that nobody has read, or that only another rule makes harmless."""
    return {
        effect for effect in seen.effects if not _is_explained(effect, decisions.get("examined", {}), tier)
    }


def _is_explained(effect: str, examined: Mapping[str, str], tier: str | None) -> bool:
    reason = _first(effect, examined)
    if reason is None or not reason.startswith(_ONLY_UNDER):
        return reason is not None
    rule = reason.removeprefix(_ONLY_UNDER).partition(":")[0]
    return tier == f"callable {rule}"


def _first(ref: str, patterns: Mapping[str, str]) -> str | None:
    return next((value for pattern, value in patterns.items() if fnmatchcase(ref, pattern)), None)


def _order(release: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", release))


def _evidence(seen: _Seen) -> str:
    ordered = sorted(seen.releases, key=_order)
    span = ordered[0] if len(ordered) == 1 else f"{ordered[0]}-{ordered[-1]}"
    # A case that stands in the list already stays, so that a list changes only where something is new.
    case = seen.label or min(seen.cases, key=lambda label: (len(label), label), default=_UNSEEN)
    return f"{span}: {' '.join(case.split())}".replace("'''", '"')


def _render(library: str, releases: set[str], lines: Mapping[tuple[str, str], list[str]]) -> str:
    parts = [_HEADER, "[library]", f'name = "{library}"']
    parts.append(f"releases = {sorted(releases, key=_order)}".replace("'", '"'))
    for tier in _TIERS:
        if found := lines.get((library, tier)):
            parts.extend(["", f"[{tier}]", "globals = '''", *found, "'''"])
    return "\n".join(parts) + "\n"
