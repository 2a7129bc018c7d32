from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secureload.printable import printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain words", "plain words"),
        ("Größe 模型", "Größe 模型"),
        ("\x1b[2Jcleared", "\\x1b[2Jcleared"),
        ("two\nlines\r", "two\\nlines\\r"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("a\u200bb", "a\\u200bb"),
        ("\ud800", "\\ud800"),
        ("\x00", "\\x00"),
    ],
)
def test_what_could_deceive_a_terminal_is_shown_as_its_escape(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_what_is_cut_off_is_counted() -> None:
    assert printable("a" * 1_500, 10) == "a" * 10 + "… (+1,490 more)"
    assert printable("a" * 10, 10) == "a" * 10


def test_an_escape_is_never_cut_in_half() -> None:
    assert printable("abcd\x1b", 6) == "abcd… (+1 more)"


def test_values_that_are_no_text_are_shown_as_text() -> None:
    assert printable(12) == "12"
    assert printable(ValueError("a\nb")) == "a\\nb"


@settings(max_examples=200, deadline=None)
@given(st.text(), st.integers(1, 60))
def test_any_text_becomes_one_printable_line_of_bounded_length(text: str, limit: int) -> None:
    shown = printable(text, limit)
    assert shown.isprintable()
    assert len(shown) <= limit + len("… (+1,000,000 more)")


def test_the_codec_is_there_before_files_can_no_longer_be_opened() -> None:
    code = "import sys, secureload.printable; print('encodings.unicode_escape' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "True", done.stderr
