"""The payload imports a global that is known as a gadget: it executes, opens, connects, spawns or deserializes.

What it finds: imports of functions and classes that run code, start programs, open files or connections, load other
payloads or walk from object to object; by exact name, by module, through a dotted name (``pathlib:os.system``), and
under their names in Python 2. The finding says what the gadget does, and shows the call with its arguments.

Why it matters: pickle imports what a file names and calls it with what the file holds. No list of dangerous names is
complete, so absence from it means nothing: what is not on the allow-list is unknown (SL102). Presence means that the
file was made to do something.

Example: ``os.system('echo hello')``, as the reduction of an object.

What to do: do not load the file. Ask its sender what it is for; the names cannot be allowed by a flag.
"""

from __future__ import annotations

from collections.abc import Iterator

from secureload.scan.by_value import is_explained
from secureload.scan.case import Case, first_uses, opcode_of, shown_call, shown_value
from secureload.scan.dangerous import grade
from secureload.scan.finding import Finding, Location, Severity
from secureload.scan.nested import holds_tensors

RULE_ID = "SL101"
TITLE = "Known gadget"
SEVERITIES = (Severity.DANGEROUS,)


def check(case: Case) -> Iterator[Finding]:
    """Yield a finding for each dangerous import, with the call that it is used in."""
    calls = first_uses(case.trace)
    for item in case.trace.imports:
        technique = grade(item.ref) if case.allow.find(item.ref) is None else None
        if technique is None or is_explained(item.ref, case.trace) or holds_tensors(item.ref, case.trace):
            continue
        call = calls.get(item.ref)
        yield Finding(
            rule_id=RULE_ID,
            severity=Severity.DANGEROUS,
            title=f"{shown_value(item.ref)} {technique.name}",
            location=Location(
                item.offset if call is None else call.offset, opcode_of(call) if call else "GLOBAL"
            ),
            detail=f"loading it would run: {shown_call(call)}" if call else "loading it would import it",
            hint="do not load this file; ask its sender what it is for",
        )
