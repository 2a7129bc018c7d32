"""The settings of the calling thread are told where they differ from what scikit-learn has by itself."""

from __future__ import annotations

import threading
from typing import Any

import sklearn

from secureload.sandbox.settings import changed_settings


def test_what_is_not_the_default_is_told_with_its_name() -> None:
    assert changed_settings() is None
    with sklearn.config_context(transform_output="pandas", assume_finite=True):
        assert changed_settings() == {"transform_output": "pandas", "assume_finite": True}
    assert changed_settings() is None


def test_other_threads_have_their_own() -> None:
    told: list[Any] = []
    with sklearn.config_context(assume_finite=True):
        thread = threading.Thread(target=lambda: told.append(changed_settings()))
        thread.start()
        thread.join()
    assert told == [None]


def test_how_something_is_shown_here_is_nothing_to_the_sandbox() -> None:
    with sklearn.config_context(display="text", enable_metadata_routing=True):
        assert changed_settings() is None
