"""PyTorch models in a zip archive (``torch.save`` since 1.6), and TorchScript archives (``torch.jit.save``).

``<root>/data.pkl`` is a pickle, ``<root>/data/<n>`` are raw tensors. PyTorch takes the root from the first name in
the directory and finds members without regard to case, through miniz, which verifies no checksum and mostly
no flag. Whatever else lies in the archive is looked at for what it is, whatever it is called.
Sources: ``caffe2/serialize/inline_container.cc``, ``torch/serialization.py``, ``torch/csrc/jit/serialization``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from secureload.formats.reading import Event, Observation, Problem, ReadContext
from secureload.formats.torchscript import CodeUse, read_bytecode, read_source
from secureload.formats.zip_dialect import ANY, DATA, Contents, Role
from secureload.values import dataclass, field

__all__ = ["recognise"]

_PICKLES = ("data.pkl", "constants.pkl", "bytecode.pkl", "attributes.pkl")
# Raw tensors, and the small texts that PyTorch writes beside them.
_DATA = re.compile(
    r"(?:data|constants|tensors|traced_inputs|\.data)/[^/]*|version|byteorder|\.format_version|\.storage_alignment"
    r"|code/.*\.py"
)
_PACKAGE_DATA = re.compile(r"\.data/[^/]*|byteorder")
_SHOWN_SOURCES = 20
_PACKAGE_MARK = ".data/extern_modules"


def recognise(contents: Contents, _file_name: str) -> TorchArchive | None:
    """Return the archive as PyTorch sees it, None where nothing in it is called as PyTorch calls its pickles."""
    relative = [_in_root(name) for name in contents.by_name]
    if not any(name in _PICKLES or name == _PACKAGE_MARK for name in relative):
        return None
    script = any(name in ("constants.pkl", "bytecode.pkl") or name.startswith("code/") for name in relative)
    package = _PACKAGE_MARK in relative
    return TorchArchive(
        contents,
        format="torchscript" if script else "torch-zip",
        loader="torch.package" if package else "torch.jit.load" if script else "torch.load",
        package=package,
    )


@dataclass(frozen=True, slots=True)
class TorchArchive:
    """The archive as PyTorch sees it."""

    contents: Contents = field(repr=False)
    format: str
    loader: str
    package: bool

    def role(self, name: str) -> Role:
        """Return what PyTorch takes the member of this name for."""
        relative = _in_root(name)
        if relative.endswith((".pkl", ".debug_pkl")):
            return Role("pickle", "torch")
        known = _PACKAGE_DATA if self.package else _DATA
        return DATA if known.fullmatch(relative) else ANY

    def events(self, context: ReadContext) -> Iterator[Event]:
        """Yield what is ambiguous about the archive, and what its sources would call."""
        yield from self._about_roots()
        if self.package:
            message = "a torch.package: its Python sources are run when it is imported from"
            yield Observation(code="torch.package", message=message)
        if self.format == "torchscript":
            yield from self._about_code(context)

    def _about_roots(self) -> Iterator[Observation]:
        names = list(self.contents.by_name)
        pickles = sorted(name for name in names if _in_root(name) == "data.pkl")
        if len(pickles) > 1 or any(len(self.contents.by_name[name]) > 1 for name in pickles):
            message = f"there are several data.pkl, and which one PyTorch loads depends on its release: {pickles[:5]}"
            yield Observation(code="torch.several-pickles", message=message)
        root = names[0].partition("/")[0] + "/"
        outside = [name for name in names if not name.startswith(root)]
        if outside:
            message = f"{len(outside):,} members lie outside of {root!r}, the first is {outside[0]!r}"
            yield Observation(code="torch.outside-root", message=message)

    def _about_code(self, context: ReadContext) -> Iterator[Event]:
        found = CodeUse()
        sources: list[str] = []
        for name in self.contents.by_name:
            relative = _in_root(name)
            is_source = relative.startswith("code/") and relative.endswith(".py")
            if not is_source and relative != "bytecode.pkl":
                continue
            for text in self.contents.read(name, context.limits.torchscript_source_bytes):
                if isinstance(text, Problem):
                    yield text
                elif is_source:
                    sources.append(name)
                    read_source(text.decode("utf-8", "backslashreplace"), found)
                else:
                    read_bytecode(text, found)
        yield Observation(
            code="torchscript.code",
            message=f"TorchScript: {len(sources):,} sources are compiled by torch.jit.load and run by the model",
            detail=", ".join(sources[:_SHOWN_SOURCES]),
        )
        yield from _about_use(found)


def _about_use(found: CodeUse) -> Iterator[Observation]:
    for name, line in found.outside.items():
        message = f"the TorchScript code calls {name}"
        yield Observation(code="torchscript.outside", message=message, detail=line)
    for name, line in found.unknown.items():
        message = f"the TorchScript code uses {name}, which is none of PyTorch's own for models"
        yield Observation(code="torchscript.unknown-operator", message=message, detail=line)
    if found.runs_on_load:
        message = "the TorchScript code has methods that run while it is loaded"
        yield Observation(
            code="torchscript.runs-on-load", message=message, detail="; ".join(found.runs_on_load)
        )


def _in_root(name: str) -> str:
    """Return a name as PyTorch asks for it: behind the root, without regard to case (miniz folds ASCII)."""
    return name.partition("/")[2].lower()
