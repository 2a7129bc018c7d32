"""Collect evidence in one environment: which globals the pickles of its libraries use, and how."""

from __future__ import annotations

import contextlib
import importlib
import importlib.metadata
import importlib.util
import io
import json
import pickle
import platform
import tempfile
import warnings
import zipfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from secureload.pickles.trace import Const, GlobalRef, Operation, Result
from secureload.scan.allow import boosted, containers, estimators, frames, regressions, standard, tensors
from secureload.scan.allow.effects import effects_of
from secureload.scan.allow.listed import listed
from secureload.scan.allow.members import enum_members, member_names
from secureload.scan.allow.recorder import record

__all__ = ["LIBRARIES", "cases_of", "collect", "pickles_of", "release_of"]

# (saved in every way?, label, value)
_Cases: TypeAlias = Iterator[tuple[bool, str, Any]]
_EXAMPLES = 4
_GETATTR = GlobalRef("builtins", "getattr")


def _all_ways(cases: Callable[[], Iterator[estimators.Case]]) -> Callable[[], _Cases]:
    return lambda: ((True, label, value) for label, value in cases())


def _sklearn() -> _Cases:
    yield from _all_ways(estimators.compositions)()
    yield from estimators.estimators()


# The distribution's name of each library, the module that has to be there, and its cases.
LIBRARIES: Final[MappingProxyType[str, tuple[str, Callable[[], _Cases]]]] = MappingProxyType(
    {
        "python": ("builtins", _all_ways(standard.standard_values)),
        "numpy": ("numpy", _all_ways(containers.numpy_values)),
        "scipy": ("scipy", _all_ways(containers.scipy_values)),
        "pandas": ("pandas", _all_ways(frames.pandas_values)),
        "scikit-learn": ("sklearn", _sklearn),
        "imbalanced-learn": ("imblearn", _all_ways(boosted.imblearn_models)),
        "xgboost": ("xgboost", _all_ways(boosted.xgboost_models)),
        "lightgbm": ("lightgbm", _all_ways(boosted.lightgbm_models)),
        "catboost": ("catboost", _all_ways(boosted.catboost_models)),
        "statsmodels": ("statsmodels", _all_ways(regressions.statsmodels_models)),
        "torch": ("torch", _all_ways(tensors.torch_checkpoints)),
    }
)
# Named in the files of others; their releases belong to the evidence.
_BESIDE = ("joblib", "skops", "pyarrow", "pytz", "python-dateutil", "patsy", "formulaic")


def cases_of(library: str) -> _Cases:
    """Yield (saved in every way?, label, value) for what the users of the library save."""
    yield from LIBRARIES[library][1]()
    yield from ((True, label, value) for label, value in enum_members(library))


class _Evidence:
    """What was seen of each global: its uses and a few labels and argument shapes."""

    def __init__(self) -> None:
        self.globals: dict[str, dict[str, list[str]]] = {}

    def add(self, ref: GlobalRef, use: str, label: str, arguments: str = "") -> None:
        entry = self.globals.setdefault(str(ref), {"uses": [], "cases": [], "arguments": []})
        for key, value, most in (("uses", use, 9), ("cases", label, _EXAMPLES), ("arguments", arguments, 8)):
            if value and value not in entry[key] and len(entry[key]) < most:
                entry[key].append(value)

    def add_pickle(self, data: bytes, label: str) -> None:
        recorder = record(data)
        for ref in recorder.imports:
            self.add(ref, "import", label)
        for operation in recorder.operations:
            if isinstance(operation.target, GlobalRef) and operation.kind in ("call", "new"):
                self.add(operation.target, operation.kind, label, repr(operation.args)[:300])
            method = _attribute(operation)
            if method is not None:
                self.add(method, "import", label)
            match operation.target:
                case Result(kind="attribute", of=GlobalRef() as called):
                    self.add(called, "call", label, repr(operation.args)[:300])


def _attribute(operation: Operation) -> GlobalRef | None:
    """Return the dotted name of what ``getattr`` reads of a global, or of an instance that was just made."""
    match operation.args:
        case (GlobalRef(module, owner) | Result(kind="new", of=GlobalRef(module, owner)), Const(str(name))):
            return GlobalRef(module, f"{owner}.{name}") if operation.target == _GETATTR else None
    return None


def _names_in_joblib(value: Any) -> Iterator[tuple[GlobalRef, str]]:
    """Save with joblib, load the file that was just written, and yield what was resolved and built."""
    import joblib
    from joblib import numpy_pickle

    seen: list[tuple[GlobalRef, str]] = []
    found: dict[int, GlobalRef] = {}
    reader: Any = numpy_pickle.NumpyUnpickler

    class Watching(reader):  # type: ignore[misc]  # joblib has no types
        dispatch = dict(reader.dispatch)  # noqa: RUF012  # ClassVar would hide the base's

        def find_class(self, module: str, name: str) -> Any:
            item = super().find_class(module, name)
            found[id(item)] = GlobalRef(module, name)
            seen.append((GlobalRef(module, name), "import"))
            return item

    for opcode, use in ((pickle.REDUCE, "call"), (pickle.NEWOBJ, "new")):

        def watch(self: Any, opcode: bytes = opcode, use: str = use) -> None:
            ref = found.get(id(self.stack[-2]))
            if ref is not None:
                seen.append((ref, use))
            reader.dispatch[opcode[0]](self)

        Watching.dispatch[opcode[0]] = watch
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "case.joblib"
        joblib.dump(value, path)
        numpy_pickle.NumpyUnpickler = Watching
        try:
            joblib.load(path)
        finally:
            numpy_pickle.NumpyUnpickler = reader
    yield from seen


def _names_in_skops(value: Any) -> Iterator[GlobalRef]:
    """Save with skops and yield the types that the archive's schema names."""
    import skops.io

    def walk(node: Any) -> Iterator[GlobalRef]:
        if isinstance(node, dict):
            if {"__module__", "__class__"} <= node.keys():
                yield GlobalRef(str(node["__module__"]), str(node["__class__"]))
            for item in node.values():
                yield from walk(item)
        elif isinstance(node, list):
            for item in node:
                yield from walk(item)

    with zipfile.ZipFile(io.BytesIO(skops.io.dumps(value))) as archive:
        for ref in walk(json.loads(archive.read("schema.json"))):
            # The types behind None and … have no name in builtins; of others only what is there counts.
            if ref.module == "builtins" or hasattr(importlib.import_module(ref.module), ref.name):
                yield ref


def pickles_of(library: str, value: Any, protocols: Iterable[int]) -> Iterator[bytes]:
    """Yield the pickles that the users of a library save ``value`` as, those that it can be saved as."""
    if library == "torch":
        yield from tensors.checkpoint_pickles(value)
        return
    for protocol in protocols:
        buffer = io.BytesIO()
        try:
            pickle.Pickler(buffer, protocol).dump(value)
        except Exception:
            # What one protocol or one item cannot express must not hide the others.
            for item in value if isinstance(value, list) and protocol == 5 else ():
                yield from pickles_of(library, item, [each for each in (2, 5) if each in protocols])
            continue
        yield buffer.getvalue()


def _add_case(evidence: _Evidence, library: str, label: str, value: Any, *, all_ways: bool) -> None:
    for data in pickles_of(library, value, range(6) if all_ways else (0, 2, 5)):
        with contextlib.suppress(Exception):
            evidence.add_pickle(data, label)
    if all_ways and library != "torch":
        with contextlib.suppress(Exception):
            for ref, use in _names_in_joblib(value):
                evidence.add(ref, use, f"{label}, joblib")
        with contextlib.suppress(Exception):
            for ref in _names_in_skops(value):
                evidence.add(ref, "import", f"{label}, skops")


def collect(only: Iterable[str] = ()) -> dict[str, Any]:
    """Return the evidence of this environment as JSON data: releases, globals in use, parts of models, effects.

    ``only`` names libraries; without it every library that is installed here gives evidence.
    """
    warnings.simplefilter("ignore")
    evidence = _Evidence()
    parts: set[GlobalRef] = set()
    wanted = set(only) or set(LIBRARIES)
    for library, (module, _) in LIBRARIES.items():
        if library in wanted and importlib.util.find_spec(module) is not None:
            for all_ways, label, value in cases_of(library):
                _add_case(evidence, library, label, value, all_ways=all_ways)
            for label, ref in member_names(library):
                evidence.add(ref, "import", label)
            parts |= listed(library)
    return {
        "releases": _releases(),
        "globals": evidence.globals,
        "listed": sorted(map(str, parts)),
        "effects": _effects(evidence, parts),
    }


def release_of(library: str) -> str:
    """Return the release of the library that is installed here, "" for none."""
    if library == "python":
        return platform.python_version()
    try:
        return importlib.metadata.version(library).partition("+")[0]
    except importlib.metadata.PackageNotFoundError:
        return ""


def _releases() -> dict[str, str]:
    return {library: release for library in (*LIBRARIES, *_BESIDE) if (release := release_of(library))}


def _effects(evidence: _Evidence, parts: set[GlobalRef]) -> dict[str, list[str]]:
    """Return what restoring an instance of each of these classes would run."""
    found: dict[str, list[str]] = {}
    for ref in sorted({*evidence.globals, *map(str, parts)}):
        uses = evidence.globals.get(ref, {"uses": []})["uses"]
        if uses != ["import"]:
            module, _, name = ref.partition(":")
            effects = effects_of(GlobalRef(module, name), called="call" in uses)
            if effects:
                found[ref] = effects
    return found
