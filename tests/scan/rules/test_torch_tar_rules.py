from __future__ import annotations

from secureload.scan.finding import Severity
from secureload.scan.rules.torch_tar_rules import RULE_ID, check

from .observed import observed


def test_a_pytorch_model_as_a_tar_archive_is_told() -> None:
    (finding,) = check(observed(format_="torch-tar"))
    assert (finding.rule_id, finding.severity) == (RULE_ID, Severity.NOTE)


def test_any_other_tar_archive_is_silent() -> None:
    assert list(check(observed(format_="tar"))) == []
