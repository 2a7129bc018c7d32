from __future__ import annotations

import pytest

from secureload.formats.readers import sevenzip
from secureload.scan.finding import Severity
from secureload.scan.rules import sevenzip_rules
from tests.formats.sevenzips import WRITTEN, archive

from .observing import findings

LINK = 0x8000 | 0o120777 << 16


@pytest.mark.parametrize(
    ("data", "severity"),
    [
        (archive([("/etc/cron.d/job", b"x")]), Severity.DANGEROUS),
        (archive([("a\\..\\..\\b", b"x")]), Severity.DANGEROUS),
        (archive([("a", b"/etc/passwd")], attributes=[LINK]), Severity.DANGEROUS),
        (archive([("a", b"x")], attributes=[0x8000 | 0o020644 << 16]), Severity.DANGEROUS),
        (archive([("a", b"x"), ("a", b"y")]), Severity.WARNING),
        (archive([("a", b"b")], attributes=[LINK]), Severity.NOTE),
        (
            archive(
                [("a", b"1"), ("gone", b"")], substreams=b"\x0d\x01\x00", extra=b"\x0e\x01\x40\x10\x01\x80"
            ),
            Severity.UNKNOWN,
        ),
    ],
    ids=["absolute", "backslashes", "link outside", "device", "repeated", "link", "anti"],
)
def test_what_stands_out_in_a_7z_archive_is_graded(data: bytes, severity: Severity) -> None:
    assert [finding.severity for finding in findings(sevenzip_rules, sevenzip, data)] == [severity]


def test_an_honest_archive_is_silent() -> None:
    assert findings(sevenzip_rules, sevenzip, WRITTEN["lzma2"]) == []
