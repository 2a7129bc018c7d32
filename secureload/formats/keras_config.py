"""The configuration of a Keras model: a tree of objects, each with a class by module and name, and its arguments.

Keras 3 stores it as ``config.json`` in a ``.keras`` archive, Keras 2 as attributes of an HDF5 file; both are read here.
What its loader would import or look up are references; a Lambda layer carries marshalled Python code, which is shown
and never decoded further than to its bytes. Sources: ``saving/serialization_lib.py`` of Keras 2.13 to 3.15 and
``saving/legacy/serialization.py``; CVE-2024-3660, CVE-2025-1550, CVE-2025-8747, CVE-2025-9905, CVE-2025-9906,
CVE-2025-12058, CVE-2025-49655.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from typing import Final, Literal, TypeAlias

from secureload.errors import LimitError, SecureloadError
from secureload.formats.json_text import parse_json_text
from secureload.formats.reading import Child, Event, Observation, Problem, ReadContext, Reference
from secureload.formats.region import Region

__all__ = ["walk_config"]

_Object: TypeAlias = dict[str, object]
_Use: TypeAlias = Literal["import", "new"]

# What stands for a value and not for a class of its own.
_VALUES: Final = frozenset(
    ("__tensor__", "__numpy__", "__bytes__", "__ellipsis__", "__slice__", "__keras_tensor__")
)
# Layers that load code or a model by themselves: from a pickle of PyTorch, from a SavedModel in a folder.
_LOADERS: Final = {
    "TorchModuleWrapper": "unpickles a module of PyTorch",
    "TFSMLayer": "loads the TensorFlow SavedModel in a folder that the file names",
    "JaxLayer": "runs a function of JAX",
    "FlaxLayer": "runs a module of Flax",
    "TensorFlowOpLayer": "runs an operator of TensorFlow from its definition",
}
# Arguments that are paths: a layer reads the file when it is made.
_PATHS: Final = ("vocabulary", "vocabulary_file", "filepath", "file_path")
_TF_SYMBOLS: Final = frozenset(("TFOpLambda", "SlicingOpLambda"))
# Parts of TensorFlow that compute nothing: files, Python functions, other libraries.
_TF_OUTSIDE: Final = re.compile(
    r"(^|\.)(io|data|saved_model|train|summary|config|distribute|lookup|py_function|numpy_function|load_library"
    r"|load_op_library|queue|autograph|profiler|sysconfig|estimator|eager_py_func|PyFunc\w*|\w*(Read|Write|Save|Restore"
    r"|Load|Print)\w*)(\.|$)"
)
# What Keras 3.15 itself refuses to look up, for each was a way around its safe_mode (CVE-2025-8747, CVE-2025-9906).
_NO_PARTS: Final = frozenset(
    ("keras.backend.clear_session", "keras.config.enable_unsafe_deserialization", "keras.models.load_model",
     "keras.models.model_from_json", "keras.models.save_model", "keras.preprocessing.image_dataset_from_directory",
     "keras.preprocessing.image.load_img", "keras.preprocessing.image.save_img",
     "keras.preprocessing.text_dataset_from_directory", "keras.saving.deserialize_keras_object",
     "keras.saving.load_model", "keras.saving.load_weights", "keras.saving.register_keras_serializable",
     "keras.saving.save_model", "keras.saving.save_weights", "keras.saving.serialize_keras_object",
     "keras.utils.audio_dataset_from_directory", "keras.utils.clear_session", "keras.utils.deserialize_keras_object",
     "keras.utils.get_file", "keras.utils.image_dataset_from_directory", "keras.utils.load_img",
     "keras.utils.register_keras_serializable", "keras.utils.save_img", "keras.utils.serialize_keras_object",
     "keras.utils.text_dataset_from_directory")
)  # fmt: skip
_MARSHALLED: Final = (b"\xe3", b"\x63")
_TEXT: Final = re.compile(rb"[\x20-\x7e]{4,200}")
_SHORTEST_CODE: Final = 24
_MOST_TEXTS: Final = 40


def walk_config(text: bytes, context: ReadContext) -> Iterator[Event]:
    """Yield what Keras would import, run and read for the configuration ``text`` (JSON)."""
    try:
        found = parse_json_text(text, where="the Keras configuration", limits=context.limits)
    except SecureloadError as error:
        yield Problem(kind="limit" if isinstance(error, LimitError) else "malformed", message=error.message)
        return
    if found.repeated:
        message = (
            f"the configuration has the key {found.repeated[0]!r} twice: readers differ in which one counts"
        )
        yield Observation(code="keras.repeated-key", message=message)
    pending: list[object] = [found.value]
    while pending:
        item = pending.pop()
        if isinstance(item, dict):
            yield from _about_object(item) if "class_name" in item else ()
            yield from _about_paths(item)
            pending.extend(item.values())
        elif isinstance(item, list):
            pending.extend(item)
        elif isinstance(item, str) and _is_code(item):
            message = "the configuration holds marshalled Python code, which a Lambda layer runs"
            yield Observation(code="keras.code", message=message, detail=_texts(_decoded(item)))


def _about_object(item: _Object) -> Iterator[Event]:
    name, config = item["class_name"], item.get("config")
    module, registered = item.get("module"), item.get("registered_name")
    if not isinstance(name, str):
        yield Observation(code="keras.odd-object", message=f"an object without a plain name: {name!r}")
    elif name in _VALUES:
        return
    elif name == "__lambda__":
        message = "a function is stored as code, which Keras makes a function of where safe_mode is off"
        yield Observation(code="keras.lambda", message=message)
    elif name == "function":
        yield from _reference(module, config, registered, use="import")
    elif name == "__typespec__":
        yield from _reference(module, item.get("spec_name"), None, use="new")
    else:
        yield from _reference(module, name, registered, use="new")
        yield from _about_class(name, config)


def _about_class(name: str, config: object) -> Iterator[Event]:
    fields = config if isinstance(config, dict) else {}
    if name == "Lambda":
        function = fields.get("function")
        named = f": {function[:200]!r}" if isinstance(function, str) else ", from the file"
        yield Observation(code="keras.lambda", message=f"a Lambda layer runs a function of its own{named}")
    elif name in _LOADERS:
        yield Observation(code="keras.loads-code", message=f"a layer that {_LOADERS[name]}: {name}")
        packed = fields.get("module")
        if isinstance(packed, str) and (data := _decoded(packed)):
            yield Child(name=f"{name}/module", data=Region(data))
    elif name in _TF_SYMBOLS:
        function = fields.get("function")
        if not isinstance(function, str) or _TF_OUTSIDE.search(function):
            message = f"a layer that calls the function {function!r} of TensorFlow"
            yield Observation(code="keras.tensorflow-function", message=message)


def _reference(module: object, name: object, registered: object, *, use: _Use) -> Iterator[Event]:
    """Yield the global that Keras looks up: in the module, else among what is registered, else among its own."""
    if (
        not isinstance(name, str)
        or not isinstance(module, str | None)
        or not isinstance(registered, str | None)
    ):
        message = f"an object without plain names: {module!r}, {name!r}, {registered!r}"
        yield Observation(code="keras.odd-object", message=message)
        return
    if f"{module}.{name}" in _NO_PARTS:
        message = f"{module}.{name} is no part of a model: it opens files, downloads, or switches safety off"
        yield Observation(code="keras.no-part", message=message)
    package, mark, short = (name if ">" in name else registered or "").rpartition(">")
    if mark:
        yield Reference(module=package, name=short, use=use)
        if not module or ">" in name:
            return
    yield Reference(module=module or "keras", name=name, use=use)
    # Some releases look for the registered name in the module where they do not find the other.
    if registered and not mark and registered not in (name, "function"):
        yield Reference(module=module or "keras", name=registered, use="import")


def _about_paths(item: _Object) -> Iterator[Observation]:
    for key in _PATHS:
        value = item.get(key)
        if not isinstance(value, str) or not value:
            continue
        outside = value.startswith(("/", "\\", "~")) or "://" in value or ".." in value or value[1:2] == ":"
        where = "outside of the model" if outside else "by its name"
        code = "keras.path-outside" if outside else "keras.path"
        yield Observation(code=code, message=f"a layer reads a file {where}: {key} = {value[:200]!r}")


def _is_code(text: str) -> bool:
    """Whether a text is a marshalled code object in base 64, as ``func_dump`` of Keras writes it."""
    if len(text) < _SHORTEST_CODE or text[:1] not in "4Y":  # what the first byte of a code object becomes
        return False
    data = _decoded(text)
    return data[:1] in _MARSHALLED and data[2:5] == b"\0\0\0"


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return b""


def _texts(data: bytes) -> str:
    found = []
    for match in _TEXT.finditer(data):
        found.append(match.group().decode("ascii"))
        if len(found) == _MOST_TEXTS:
            break
    return "texts in the code: " + " · ".join(found) if found else ""
