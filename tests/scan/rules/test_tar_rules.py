from __future__ import annotations

import pytest

from secureload.formats.readers import tar_archive
from secureload.scan.finding import Severity
from secureload.scan.rules import tar_rules
from tests.formats.tars import END, archive, header, member, pax

from .observing import findings

LINK = header(b"a", 0, b"2", link=b"b")


@pytest.mark.parametrize(
    ("data", "severity"),
    [
        (member(b"x", b"../../etc/cron.d/job"), Severity.DANGEROUS),
        (member(b"x", b"/etc/passwd"), Severity.DANGEROUS),
        (header(b"a", 0, b"2", link=b"../../x"), Severity.DANGEROUS),
        (header(b"a", 0, b"1", link=b"/etc/passwd"), Severity.DANGEROUS),
        (header(b"a", 0, b"4"), Severity.DANGEROUS),
        (pax(("size", "9")) + header(b"a", 0) + bytes(512), Severity.DANGEROUS),
        (pax(("path", "a")) + pax(("path", "b")) + member(b"x"), Severity.DANGEROUS),
        (pax(("path", "a"), kind=b"g") + member(b"x"), Severity.UNKNOWN),
        (header(b"a", 512, b"5"), Severity.UNKNOWN),
        (member(b"x", b"a", b"Z"), Severity.WARNING),
        (member(b"x") + END + member(b"y", b"n"), Severity.WARNING),
        (member(b"x") + member(b"y"), Severity.WARNING),
        (LINK, Severity.NOTE),
        (member(b"x", padding=b"p"), Severity.NOTE),
    ],
)
def test_what_stands_out_in_a_tar_archive_is_graded(data: bytes, severity: Severity) -> None:
    assert [finding.severity for finding in findings(tar_rules, tar_archive, data + END)] == [severity]


def test_a_member_behind_a_link_is_dangerous() -> None:
    found = findings(tar_rules, tar_archive, LINK + member(b"x", b"a/file") + END)
    assert [finding.severity for finding in found] == [Severity.DANGEROUS, Severity.NOTE]


def test_an_honest_archive_is_silent() -> None:
    assert (
        findings(tar_rules, tar_archive, archive([("model/weights", b"w" * 700), ("model/a.pkl", b"")])) == []
    )
