"""The payload imports a global that is neither on the allow-list nor known as a gadget.

What it finds: every class and function that the file names and no list knows, each once, with its first call.

A cache of joblib that the file makes anew, for a folder that it chose, is *dangerous*: saved caches are restored
from their state.

Why it matters: it may be a custom class of your own, or something that nobody has abused yet. Loading would import its
module and run its code: pickle calls classes and sets the state of their objects.

Example: ``our_models.scale.Scaler``, a transformer of your own in a saved pipeline.

What to do: if you know and trust it, allow it by its exact name, as the finding shows
(``--allow our_models.scale:Scaler``). A class that was defined in the script or notebook that saved it (``__main__``)
belongs in a module first.
"""

from __future__ import annotations

from collections.abc import Iterator

from secureload.pickles.trace import Const, GlobalRef, Operation
from secureload.printable import printable
from secureload.scan.allowlist import can_be_allowed
from secureload.scan.by_value import is_by_value
from secureload.scan.case import Case, first_uses, shown_call, shown_value
from secureload.scan.dangerous import grade
from secureload.scan.finding import Finding, Location, Severity

RULE_ID = "SL102"
TITLE = "Unknown global"
SEVERITIES = (Severity.DANGEROUS, Severity.UNKNOWN)

# A pipeline's memory is saved by its state; called, it makes a folder.
_CACHES = frozenset({("joblib.memory", "Memory"), ("joblib", "Memory")})


def check(case: Case) -> Iterator[Finding]:
    """Yield a finding for each import that no list knows."""
    calls = first_uses(case.trace)
    for item in case.trace.imports:
        if case.allow.find(item.ref) is not None or grade(item.ref) is not None:
            continue
        if is_by_value(item.ref):
            continue  # SL111
        call = calls.get(item.ref)
        file = _made_folder(item.ref, call)
        yield Finding(
            rule_id=RULE_ID,
            severity=Severity.DANGEROUS if file else Severity.UNKNOWN,
            title=f"{shown_value(item.ref)} is not on the allow-list{file}",
            location=Location(item.offset, "GLOBAL"),
            detail=f"loading it would run: {shown_call(call)}" if call else "loading it would import it",
            hint=_hint(item.ref),
            allow=str(item.ref) if item.ref.module != "__main__" and can_be_allowed(item.ref) else "",
        )


def _made_folder(ref: GlobalRef, call: Operation | None) -> str:
    """Return what a cache that is made anew, where joblib saves one as it is, would do to a folder; else ""."""
    if (ref.module, ref.name) not in _CACHES or call is None or call.kind != "call":
        return ""
    texts = [value.value for value in call.args if isinstance(value, Const) and isinstance(value.value, str)]
    return (
        f": it would keep its files in {printable(texts[0], 80)}, and unpickle what it finds there"
        if texts
        else ""
    )


def _hint(ref: GlobalRef) -> str:
    if ref.module == "__main__":
        shown = printable(ref.name, 80)
        return f"{shown} was defined in the script that saved it: move it into an importable module and save again"
    if not can_be_allowed(ref):
        return "it cannot be allowed: that takes the plain name of something at the top of a module"
    return f"if you know and trust it: --allow {printable(ref, 160)}"
