"""The checksums and sizes of a zip archive's members.

A wrong checksum makes Python's ``zipfile`` (and scanners built on it) give up, while PyTorch reads on without
looking: so the members were examined whatever their checksums say. A file that was damaged has them too.
PyTorch can leave checksums out (``torch.serialization.set_crc32_options(False)``), and those of large weights are
not compared here, for that would mean reading them all: neither says anything about the file, the digest in its
signature covers every byte.

Example: ``data.pkl`` with the checksum 0.

What to do: where a checksum or a size is wrong, get the file again from its sender.
"""

from __future__ import annotations

from collections.abc import Iterator

from secureload.scan.case import Case
from secureload.scan.finding import Finding, Severity
from secureload.scan.observed import Grade, findings_of

RULE_ID = "SL402"
TITLE = "Checksum of a zip member"
_AGAIN = "get the file again from its sender: it is damaged, or made to look so"
GRADES = {
    "zip.crc-wrong": Grade(Severity.UNKNOWN, _AGAIN),
    "zip.size-wrong": Grade(Severity.UNKNOWN, _AGAIN),
    "zip.crc-missing": Grade(Severity.NOTE, "PyTorch writes archives without checksums if it is told to"),
    "zip.crc-unchecked": Grade(Severity.NOTE, "a signature covers them; `unzip -t` compares them"),
}


def check(case: Case) -> Iterator[Finding]:
    """Yield a finding for what stands out about checksums and sizes."""
    yield from findings_of(case, RULE_ID, GRADES)
