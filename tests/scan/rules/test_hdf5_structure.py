from __future__ import annotations

import pytest

from secureload.formats.readers import hdf5_file
from secureload.scan.finding import Severity
from secureload.scan.rules import hdf5_structure as rule
from tests.formats.readers.test_hdf5_file import VALID, with_link, with_root

from .observing import findings


@pytest.mark.parametrize(
    ("data", "severity"),
    [
        (VALID + b"PK\x03\x04", Severity.UNKNOWN),
        (with_link(70, b"anything"), Severity.UNKNOWN),
        (with_root((99, bytes(8))), Severity.UNKNOWN),
        (b"MATLAB 7.3".ljust(512) + VALID, Severity.NOTE),
    ],
)
def test_what_the_library_does_not_write_is_graded(data: bytes, severity: Severity) -> None:
    (finding,) = findings(rule, hdf5_file, data)
    assert finding.severity is severity


def test_an_ordinary_file_is_silent() -> None:
    assert findings(rule, hdf5_file, VALID) == []
