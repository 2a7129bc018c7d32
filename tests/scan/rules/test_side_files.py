from __future__ import annotations

import pytest

from secureload.pickles.trace import SideFile
from secureload.scan.finding import Severity
from secureload.scan.rules.side_files import RULE_ID, check

from .cases import case


@pytest.mark.parametrize(
    "name",
    [
        "/etc/passwd",
        "../other.npy",
        "a/b.npy",
        "..",
        ".",
        "",
        "a\\b",
        "C:x",
        "a\0b",
        "x" * 300,
        "a\nb",
        "\u202ea",
    ],
)
def test_a_name_that_joblib_does_not_write_is_dangerous(name: str) -> None:
    (finding,) = check(case(side_files=(SideFile(name, "npy", 9, examined=True),)))
    assert (finding.rule_id, finding.severity, finding.location.offset) == (RULE_ID, Severity.DANGEROUS, 9)
    assert "numpy.load" in finding.detail


@pytest.mark.parametrize("kind", ["npy", "zfile"])
def test_a_file_beside_it_that_nobody_looked_at_leaves_the_verdict_open(kind: str) -> None:
    (finding,) = check(case(side_files=(SideFile("m.pkl_01.npy", kind),)))  # type: ignore[arg-type]
    assert finding.severity is Severity.UNKNOWN
    assert "m.pkl_01.npy" in finding.title


def test_a_file_that_was_examined_with_it_is_silent() -> None:
    assert list(check(case(side_files=(SideFile("m.pkl_01.npy", "npy", examined=True),)))) == []
    assert list(check(case())) == []
