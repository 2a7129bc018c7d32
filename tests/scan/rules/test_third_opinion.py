from __future__ import annotations

from secureload.formats.reading import Observation
from secureload.scan.finding import Severity
from secureload.scan.rules import third_opinion
from tests.scan.rules.cases import part_case


def test_an_import_that_only_fickling_sees_is_unknown_and_its_failure_a_note() -> None:
    said = part_case(
        observations=(
            Observation(code="fickling.other-import", message="fickling sees os.system"),
            Observation(code="fickling.unreadable", message="fickling cannot read it"),
        )
    )
    assert [found.severity for found in third_opinion.check(said)] == [Severity.UNKNOWN, Severity.NOTE]


def test_without_an_opinion_it_is_silent() -> None:
    assert list(third_opinion.check(part_case())) == []
