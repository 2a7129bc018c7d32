from __future__ import annotations

import pytest

from secureload.formats.readers import gguf_file
from secureload.scan.finding import Severity
from secureload.scan.rules import chat_template as rule
from tests.formats.readers.test_gguf_file import VALID, model
from tests.formats.test_chat_template import ESCAPES, ORDINARY

from .observing import findings, graded_codes


@pytest.mark.parametrize("name", ESCAPES)
def test_a_way_out_of_the_template_is_dangerous_and_shown(name: str) -> None:
    data = model().string("tokenizer.chat_template.x", ESCAPES[name]).encoded()
    found = findings(rule, gguf_file, data)
    assert Severity.DANGEROUS in {finding.severity for finding in found}
    assert all(finding.detail for finding in found)


@pytest.mark.parametrize("template", ["{% include 'x' %}", "{{ x['a' ~ b] }}", "{{ x"])
def test_what_a_prompt_does_not_need_leaves_it_undecided(template: str) -> None:
    data = model().string("tokenizer.chat_template.x", template + " " * 20).encoded()
    (finding,) = findings(rule, gguf_file, data)
    assert finding.severity is Severity.UNKNOWN


@pytest.mark.parametrize("name", ORDINARY)
def test_what_prompts_are_written_with_is_silent(name: str) -> None:
    data = model().string("tokenizer.chat_template.x", ORDINARY[name]).encoded()
    assert findings(rule, gguf_file, data) == []
    assert findings(rule, gguf_file, VALID) == []


def test_every_code_is_graded() -> None:
    assert {
        f"template.{code}" for code in ("escape", "computed", "other-file", "broken", "too-long")
    } <= graded_codes()
