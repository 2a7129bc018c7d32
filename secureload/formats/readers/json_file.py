"""JSON files beside a model, and models in JSON: what the programs that read them import, run or open.

A configuration of Hugging Face may name classes in files beside it or in other repositories (``auto_map``); a
tokenizer brings a chat template; an index of shards names files; Keras and TensorFlow.js keep models in JSON.
Text that is no JSON is data: none of these programs reads it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from secureload.errors import MalformedError
from secureload.formats.chat_template import template_events
from secureload.formats.item_count import ItemCount
from secureload.formats.json_text import parse_json_text
from secureload.formats.keras_config import walk_config
from secureload.formats.outside import why_outside
from secureload.formats.readers import text_file
from secureload.formats.reading import Event, Identified, Observation, Problem, ReadContext, Versions
from secureload.formats.region import Region
from secureload.formats.repeated import first_of_each_code

__all__ = ["read"]

_Object: TypeAlias = dict[str, object]

# Keys under which a configuration names code: name → "module.Class", perhaps "repository--module.Class".
_CODE_KEYS = ("auto_map", "custom_pipelines")
# Libraries whose classes the index of a diffusers pipeline may name, and diffusers' own modules of pipelines.
_LIBRARIES = frozenset((
    "diffusers", "transformers", "optimum", "onnxruntime", "onnxruntime.training", "flax", "peft",
    "alt_diffusion", "audioldm2", "cogvideo", "deepfloyd_if", "flux", "i2vgen_xl", "kandinsky", "latent_diffusion",
    "marigold", "paint_by_example", "shap_e", "stable_audio", "stable_cascade", "stable_diffusion",
    "stable_diffusion_safe", "stable_diffusion_xl", "unidiffuser", "versatile_diffusion", "vq_diffusion",
    "wuerstchen",
))  # fmt: skip
_SENTENCE_TRANSFORMERS = "sentence_transformers."


def read(data: Region, context: ReadContext) -> Iterator[Event]:
    """Yield the code, templates and files that the text names."""
    return first_of_each_code(_read(data, context))


def _read(data: Region, context: ReadContext) -> Iterator[Event]:
    if data.size > context.limits.json_text_bytes:
        message = f"json_text_bytes: the text is longer than {context.limits.json_text_bytes:,} bytes"
        yield Problem(kind="limit", message=message)
        return
    raw = data.read_at(0, data.size).removeprefix(b"\xef\xbb\xbf")
    try:
        text = parse_json_text(raw, where="the text", limits=context.limits)
    except MalformedError:
        # Lines of JSON, a template, a program: nothing that reads JSON reads it.
        yield from text_file.read(data, context)
        return
    for key in text.repeated:
        yield _observed(
            "repeated-key", f"the key {key!r} stands twice; programs take the last value, or the first"
        )
    value = text.value
    if isinstance(value, list):
        yield from _modules(value)
    if not isinstance(value, dict):
        return
    yield from _code(value)
    yield from _templates(value, ItemCount(context.limits))
    yield from _shards(value)
    yield from _pipeline(value)
    if "class_name" in value or "modelTopology" in value:
        yield from walk_config(raw, context)
    if isinstance(value.get("learner"), dict) and "version" in value:
        yield from _booster(value)


def _observed(code: str, message: str, detail: str = "") -> Observation:
    return Observation(code=f"json.{code}", message=message, detail=detail)


def _code(value: _Object) -> Iterator[Event]:
    """Yield the code that a configuration names, and that it asks to be trusted."""
    for key in _CODE_KEYS:
        if value.get(key):
            yield _observed(
                "remote-code", f"{key} names code that is run where it is trusted", repr(value[key])[:500]
            )
    if value.get("trust_remote_code") is True:
        yield _observed("remote-code", "the configuration asks for trust in code that comes with it")


def _templates(value: _Object, count: ItemCount) -> Iterator[Event]:
    """Yield what the chat templates do: one text, texts by name, or a list of both."""
    found = value.get("chat_template")
    named: list[tuple[object, object]] = [("", found)]
    if isinstance(found, dict):
        named = list(found.items())
    elif isinstance(found, list):
        named = [(item.get("name"), item.get("template")) for item in found if isinstance(item, dict)]
    for name, template in named:
        if isinstance(template, str):
            yield from template_events(template, f"chat_template {name}".rstrip(), count)


def _shards(value: _Object) -> Iterator[Event]:
    """Yield the files of an index that lie outside its folder."""
    shards = value.get("weight_map")
    names = {name for name in shards.values() if isinstance(name, str)} if isinstance(shards, dict) else set()
    for name in sorted(names):
        if why := why_outside(name):
            yield _observed("shard-outside", f"a shard of the weights lies outside the folder: {why}", name)


def _modules(value: list[object]) -> Iterator[Event]:
    """Yield the classes of a sentence-transformers model that are not its own."""
    for item in value:
        kind = item.get("type") if isinstance(item, dict) and "path" in item else None
        if isinstance(kind, str) and "." in kind and not kind.startswith(_SENTENCE_TRANSFORMERS):
            yield _observed("names-class", f"the model is made of the class {kind}, which is imported", kind)


def _pipeline(value: _Object) -> Iterator[Event]:
    """Yield the classes of a diffusers pipeline that belong to other libraries, or to files beside it."""
    if "_class_name" not in value:
        return
    if isinstance(value["_class_name"], list):
        yield _observed(
            "remote-code", "the pipeline is made by code beside it", repr(value["_class_name"])[:500]
        )
    for key, item in value.items():
        if isinstance(item, list) and len(item) == 2 and all(isinstance(one, str) for one in item):
            library = str(item[0])
            if key != "_class_name" and library not in _LIBRARIES:
                yield _observed(
                    "names-class", f"{key} is made of {library}.{item[1]}, which is imported", library
                )


def _booster(value: _Object) -> Iterator[Event]:
    yield Identified(format="xgboost", loader="xgboost.Booster.load_model")
    version = value["version"]
    if isinstance(version, list) and version and all(type(part) is int for part in version):
        yield Versions(library="xgboost", version=".".join(map(str, version)))
