"""rules and explain."""

from __future__ import annotations

import json

from secureload.scan.examine import all_rules

from .conftest import Shell


def test_every_rule_is_listed_and_explained(shell: Shell) -> None:
    out = shell("rules").succeeded().out
    listed = json.loads(shell("rules", "--format", "json").succeeded().out)
    assert len(listed) == len(all_rules()) > 5
    for rule in all_rules():
        assert f"{rule.rule_id}  {rule.title}" in out
        assert rule.explanation in shell("explain", rule.rule_id.lower()).succeeded().out


def test_an_unknown_rule_names_those_that_there_are(shell: Shell) -> None:
    assert "SL101" in shell("explain", "SL000").failed(2).err
