"""Exported PyTorch programs (``.pt2``, ``torch.export.save``): a graph as JSON, raw weights, example inputs.

Before PyTorch 2.7 the graph is ``serialized_exported_program.json`` beside three files of ``torch.save``; since
then it is ``<root>/models/*.json`` with its weights under ``<root>/data``. Compiled packages (AOTInductor) hold shared
libraries and their sources there, which are loaded as the code that they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from secureload.formats.reading import Event, Observation, Problem, ReadContext
from secureload.formats.torch_export import walk_program
from secureload.formats.torchscript import CodeUse
from secureload.formats.zip_dialect import ANY, DATA, Contents, Role
from secureload.values import dataclass, field

__all__ = ["recognise"]

_PROGRAM = re.compile(r"[^/]+/models/[^/]*\.json|serialized_exported_program\.json", re.IGNORECASE)
_MARK = re.compile(r"[^/]+/archive_format", re.IGNORECASE)
# Raw tensors by their numbers, and small texts; custom objects among the constants are pickles.
_DATA = re.compile(
    r"[^/]+/(?:data/(?:weights/weight|constants/tensor)_[0-9]+|data/(?:weights|constants)/[^/]*\.json|archive_format"
    r"|archive_version|byteorder|\.data/[^/]*|version)|version",
    re.IGNORECASE,
)
_COMPILED = re.compile(r"[^/]+/data/aotinductor/.*", re.IGNORECASE)


def recognise(contents: Contents, _file_name: str) -> ExportedProgram | None:
    """Return the archive as ``torch.export.load`` sees it, None where it has no program."""
    found = any(_PROGRAM.fullmatch(name) or _MARK.fullmatch(name) for name in contents.by_name)
    return ExportedProgram(contents) if found else None


@dataclass(frozen=True, slots=True)
class ExportedProgram:
    """The archive as ``torch.export.load`` sees it."""

    contents: Contents = field(repr=False)
    format: str = "torch-export"
    loader: str = "torch.export.load"

    def role(self, name: str) -> Role:
        """Return what PyTorch takes a member for."""
        return DATA if _PROGRAM.fullmatch(name) or _DATA.fullmatch(name) else ANY

    def events(self, context: ReadContext) -> Iterator[Event]:
        """Yield what the programs would evaluate, look up and call."""
        found = CodeUse()
        for name in self.contents.by_name:
            for text in (
                self.contents.read(name, context.limits.json_text_bytes) if _PROGRAM.fullmatch(name) else ()
            ):
                if isinstance(text, Problem):
                    yield text
                else:
                    yield from walk_program(text, context, found)
        for name, line in found.outside.items():
            message = f"the exported program calls {name}"
            yield Observation(code="torchscript.outside", message=message, detail=line)
        for name, line in found.unknown.items():
            message = f"the exported program uses {name}, which is none of PyTorch's own operators for models"
            yield Observation(code="torchscript.unknown-operator", message=message, detail=line)
        compiled = sorted(name for name in self.contents.by_name if _COMPILED.fullmatch(name))
        if compiled:
            message = (
                f"a compiled package: PyTorch loads its library as native code, the first is {compiled[0]!r}"
            )
            yield Observation(code="torch.compiled", message=message)
