from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secureload.formats.readers import text_file
from tests.formats.feeding import codes, feed
from tests.formats.test_chat_template import CHATML, ESCAPES


@pytest.mark.parametrize(
    "name", ["README.md", "requirements.txt", "vocab.csv", "config.yaml", "model.pmml", ""]
)
def test_an_ordinary_text_has_nothing_to_say(name: str) -> None:
    assert feed(text_file, b"A text, <with> a bracket, {{ braces }} and import os.\n", name) == []


@pytest.mark.parametrize("name", ["modeling_x.py", "folder.d/setup.PY", "run.sh", "start.bat"])
def test_a_program_beside_a_model_is_told(name: str) -> None:
    assert codes(feed(text_file, b"import os\n", name)) == {"text.program"}


def test_a_script_is_known_by_its_first_line_too() -> None:
    assert codes(feed(text_file, b"#!/bin/sh\necho hello\n", "install")) == {"text.program"}


@pytest.mark.parametrize("name", ["chat_template.jinja", "x.j2"])
def test_a_template_in_a_file_of_its_own_is_judged(name: str) -> None:
    assert codes(feed(text_file, CHATML.encode(), name)) == set()
    assert codes(feed(text_file, ESCAPES["CVE-2024-34359"].encode(), name)) == {"template.escape"}
    assert codes(feed(text_file, b"{{ x }}" + b"a" * (2 << 20), name)) == {"template.too-long"}


def test_a_document_with_entities_may_open_other_files() -> None:
    xml = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY y SYSTEM "file:///etc/passwd">]><x>&y;</x>'
    assert codes(feed(text_file, xml, "model.pmml")) == {"text.entity"}
    assert codes(feed(text_file, b"a text about <!ENTITY", "notes.txt")) == set()


@given(st.binary(max_size=80), st.sampled_from(["x", "x.py", "x.jinja"]))
def test_any_bytes_give_events(data: bytes, name: str) -> None:
    assert isinstance(feed(text_file, data, name), list)
