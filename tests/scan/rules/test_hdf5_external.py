from __future__ import annotations

import pytest

from secureload.formats.readers import hdf5_file
from secureload.scan.finding import Severity
from secureload.scan.rules import hdf5_external as rule
from tests.formats.hdf5.building import Builder, integer_type, pipeline
from tests.formats.hdf5.vectors import DENSE
from tests.formats.readers.test_hdf5_file import VALID, with_external_files, with_link

from .observing import findings, graded_codes, observed_codes


def with_filter(number: int) -> bytes:
    builder = Builder()
    return builder.encoded(builder.group({"a": builder.dataset(integer_type(), bytes(8), pipeline(number))}))


@pytest.mark.parametrize(
    ("data", "severity"),
    [
        (with_external_files("/etc/passwd"), Severity.DANGEROUS),
        (with_link(64, b"\0../x.h5\0/data\0"), Severity.DANGEROUS),
        (DENSE, Severity.DANGEROUS),
        (with_external_files("x.raw"), Severity.UNKNOWN),
        (with_filter(31_337), Severity.UNKNOWN),
        (with_filter(32_001), Severity.NOTE),
    ],
)
def test_data_of_another_file_or_a_plug_in_are_graded(data: bytes, severity: Severity) -> None:
    (finding,) = findings(rule, hdf5_file, data)
    assert finding.severity is severity


def test_an_ordinary_file_is_silent() -> None:
    assert findings(rule, hdf5_file, VALID) == []


def test_every_code_of_the_reader_is_graded() -> None:
    codes = observed_codes(hdf5_file, "hdf5") | set(rule.GRADES)
    assert len(codes) >= 8
    assert codes <= graded_codes()
