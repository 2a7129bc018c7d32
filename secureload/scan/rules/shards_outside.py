"""The index of a model that is cut in shards names a file outside the model's folder.

``model.safetensors.index.json`` says which file holds which weights. Loaders open what stands there: a path that
is absolute or leads up reads a file of the machine that loads the model, and may be a pickle there.

Example: ``"weight_map": {"x": "../../other.bin"}``.

What to do: do not load it; ask its sender for an index that names the files beside it.
"""

from __future__ import annotations

from collections.abc import Iterator

from secureload.scan.case import Case
from secureload.scan.finding import Finding, Severity
from secureload.scan.observed import Grade, findings_of

RULE_ID = "SL443"
TITLE = "Shard outside the folder"

GRADES = {
    "json.shard-outside": Grade(Severity.DANGEROUS, "do not load this model: it reads what is not part of it")
}


def check(case: Case) -> Iterator[Finding]:
    """Yield a finding for each shard outside the folder."""
    yield from findings_of(case, RULE_ID, GRADES)
