"""Keras models, as archives."""

from __future__ import annotations

from pathlib import Path

from secureload.formats.readers import zip_archive
from secureload.formats.reading import Reference, Versions
from secureload.limits import Limits
from tests.formats.zips import Entry, archive

from .reading import Read, run

FILES = Path(__file__).parent / "files"
CONFIG = b'{"module": "keras", "class_name": "Sequential", "config": {"layers": []}, "registered_name": null}'
METADATA = Entry("metadata.json", b'{"keras_version": "3.15.1"}')
WEIGHTS = Entry("model.weights.h5", b"\x89HDF\r\n\x1a\n")


def read(*entries: Entry, name: str = "model.keras", limits: Limits | None = None) -> Read:
    return run(zip_archive, archive(*entries), limits or Limits(), name)


def test_a_model_that_keras_wrote() -> None:
    """Made with Keras 3.15: Sequential([Input((3,)), Dense(1, "relu", use_bias=False)]).save, then deflated."""
    found = run(zip_archive, (FILES / "dense.keras").read_bytes(), name="dense.keras")
    assert (found.codes, found.problems, found.formats) == ([], [], ["keras"])
    assert Reference(module="keras.layers", name="Dense", use="new") in found.events
    assert Versions(library="keras", version="3.15.1") in found.events
    assert {child.name: child.expect for child in found.children} == {
        "metadata.json": "data", "config.json": "data", "model.weights.h5": "any"
    }  # fmt: skip


def test_every_configuration_is_walked_and_its_weights_and_assets_are_looked_at() -> None:
    lambda_layer = b'{"class_name": "Lambda", "config": {}}'
    found = read(METADATA, Entry("config.json", CONFIG), WEIGHTS, Entry("assets/lookup/words.txt", b"a\n"),
                 Entry("config.json", lambda_layer), Entry("evil.pkl", b"\x80\x04N."))  # fmt: skip
    assert {"zip.duplicate-name", "keras.lambda", "keras.unread-member"} == set(found.codes)
    assert [child.expect for child in found.children if child.name == "assets/lookup/words.txt"] == ["any"]


def test_an_archive_with_a_configuration_of_something_else_is_no_keras_model() -> None:
    assert read(Entry("config.json", b"{}"), name="model.zip").formats == ["zip"]
    assert read(Entry("config.json", b"{}"), name="model.keras").formats == ["keras"]
    assert read(Entry("config.json", CONFIG), WEIGHTS, name="").formats == ["keras"]


def test_a_configuration_that_cannot_be_read_is_a_problem() -> None:
    assert read(Entry("config.json", b"{"), METADATA).problems[0].kind == "malformed"
    short = Limits(json_text_bytes=5)
    assert read(Entry("config.json", CONFIG), METADATA, limits=short).problems[0].kind == "limit"


def test_metadata_that_are_no_json_say_no_version() -> None:
    for text in (b"{", b"[]", b'{"keras_version": 3}', b"[" * 100_000):
        found = read(Entry("config.json", CONFIG), Entry("metadata.json", text))
        assert not [event for event in found.events if isinstance(event, Versions)]
        assert found.error is None
