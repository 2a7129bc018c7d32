"""A chat template does more than write a prompt.

The chat template of a language model is a Jinja template. Programs that render it outside a sandbox run what
it says: from any text, ``.__class__.__mro__[1].__subclasses__()`` leads to every class of the interpreter, and
from there to ``os.popen`` (CVE-2024-34359). A template that writes prompts reads no attribute whose name begins
with an underscore, puts no names together, and reads no other template.

Example: ``{{ ''.__class__.__mro__[1].__subclasses__() }}`` in the template of a GGUF file.

What to do: look at the place that is shown, and render templates in a sandbox only.
"""

from __future__ import annotations

from collections.abc import Iterator

from secureload.scan.case import Case
from secureload.scan.finding import Confidence, Finding, Severity
from secureload.scan.observed import Grade, findings_of

RULE_ID = "SL481"
TITLE = "Chat template that is a program"

_LOOK = "look at the template; take the one of the original model if you know it"
GRADES = {
    "template.escape": Grade(Severity.DANGEROUS, "do not use this template, not even in a sandbox"),
    "template.computed": Grade(Severity.UNKNOWN, _LOOK, Confidence.MEDIUM),
    "template.other-file": Grade(Severity.UNKNOWN, _LOOK, Confidence.MEDIUM),
    "template.too-long": Grade(Severity.UNKNOWN, "no prompt needs a template of this length"),
    "template.broken": Grade(Severity.UNKNOWN, "Jinja refuses this template; " + _LOOK),
}


def check(case: Case) -> Iterator[Finding]:
    """Yield a finding for each place that a prompt does not need."""
    yield from findings_of(case, RULE_ID, GRADES)
