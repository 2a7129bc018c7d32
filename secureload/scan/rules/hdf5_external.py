"""An HDF5 file reads data from another file, or through a plug-in.

A link, the raw data of a dataset, or a virtual dataset may lie in another file: whoever loads the model reads
that file of his own machine, and a model that keeps it sends its contents on (CVE-2026-1669 in Keras). A path that
leads out of the model's folder is an attack. Data that are read by a filter which is not part of the library
need a plug-in: code that the library loads from its plug-in folder.

Example: a dataset whose raw data lie in ``../../secrets.bin``.

What to do: do not load a file that reads others; ask its sender for one that holds its data.
"""

from __future__ import annotations

from collections.abc import Iterator

from secureload.scan.case import Case
from secureload.scan.finding import Finding, Severity
from secureload.scan.observed import Grade, findings_of

RULE_ID = "SL465"
TITLE = "HDF5 data in other files"

_PLUG_IN = "install the filter from its own source, never from beside the model"
GRADES = {
    "hdf5.external-outside": Grade(
        Severity.DANGEROUS, "do not load this file: it reads what is not part of the model"
    ),
    "hdf5.external": Grade(Severity.UNKNOWN, "ask for the model in one file; models are not saved like this"),
    "hdf5.driver": Grade(Severity.UNKNOWN, "ask for the model in one file; models are not saved like this"),
    "hdf5.unknown-filter": Grade(Severity.UNKNOWN, _PLUG_IN),
    "hdf5.plugin-filter": Grade(Severity.NOTE, _PLUG_IN),
}


def check(case: Case) -> Iterator[Finding]:
    """Yield a finding for each file and filter that the data come from."""
    yield from findings_of(case, RULE_ID, GRADES)
