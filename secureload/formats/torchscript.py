"""What the sources in a TorchScript archive would call: operators and classes, by name.

``torch.jit.load`` compiles ``code/**.py``, a language of its own that looks like Python, and runs the
``__setstate__`` of the modules in it; the rest runs when the model is called. It has no ``import`` and no
``open``: what reaches the outside are operators. Names are found as words, in comments and strings too, for no
parser of that language is here that could be fooled.
"""

from __future__ import annotations

import re

from secureload.values import dataclass, field

__all__ = ["CodeUse", "read_bytecode", "read_source"]

# A word with dots: torch.add, ops.quantized.linear, __torch__.torch.classes.quantized.Conv2dPackedParamsBase.
_DOTTED = re.compile(r"[A-Za-z_][A-Za-z_0-9]*(?:\.[A-Za-z_][A-Za-z_0-9]*)*")
_NAMESPACE = re.compile(rb"(?<![A-Za-z_0-9])([A-Za-z_][A-Za-z_0-9]*)::")
# What PyTorch itself registers, as listed by torch._C._jit_get_all_schemas() of 2.13; of them all, those below
# touch files or the network.
_OWN_NAMESPACES = frozenset(
    ("_quantized", "aten", "mkldnn", "mkldnn_prepacked", "onednn", "prepacked", "prim", "prims", "quantization",
     "quantized", "sparse", "xnnpack")
)  # fmt: skip
_OUTSIDE = {
    "aten::from_file": "maps a file",
    "aten::save": "writes a file",
    "prim::rpc_async": "runs a function on another machine",
    "prim::rpc_remote": "runs a function on another machine",
    "prim::rpc_sync": "runs a function on another machine",
    "debugprims::load_tensor": "reads a file",
}
_RPC_WORDS = ("rpc_async", "rpc_remote", "rpc_sync")
# Custom classes that PyTorch's own quantized and mobile models hold.
_OWN_CLASSES = frozenset(("quantized", "sparse", "xnnpack", "mkldnn", "onednn", "rnn", "vulkan", "nnapi"))
_CLASSES_PREFIX = "__torch__.torch.classes."
_SHOWN_CHARS = 160
_MOST_SHOWN = 20


@dataclass(slots=True)
class CodeUse:
    """What stands in the sources: operators that reach outside, unknown operators and classes, each with a line."""

    outside: dict[str, str] = field(default_factory=dict)
    unknown: dict[str, str] = field(default_factory=dict)
    runs_on_load: list[str] = field(default_factory=list)


def read_source(text: str, found: CodeUse) -> None:
    """Add what the source ``text`` uses to ``found``."""
    for line in text.splitlines():
        shown = line.strip()[:_SHOWN_CHARS]
        if "__setstate__" in line and "def " in line and len(found.runs_on_load) < _MOST_SHOWN:
            found.runs_on_load.append(shown)
        for match in _DOTTED.finditer(line):
            word = match.group()
            if "." in word or word in _RPC_WORDS:
                _sort_word(word, shown, found)


def read_bytecode(data: bytes, found: CodeUse) -> None:
    """Add the operators that the bytecode of the lite interpreter, a pickle of their names, holds to ``found``.

    A name is followed by an opcode, which may be a letter too: so where it ends is not looked for.
    """
    for name in _OUTSIDE:
        if name.encode("ascii") in data:
            _sort_operator(name, "bytecode.pkl", found)
    for namespace in {match.group(1).decode("ascii") for match in _NAMESPACE.finditer(data)}:
        _sort_operator(f"{namespace}::…", "bytecode.pkl", found)


def _sort_word(word: str, line: str, found: CodeUse) -> None:
    parts = word.split(".")
    if word in _RPC_WORDS or (parts[0] == "rpc" and parts[-1] in _RPC_WORDS):
        _sort_operator(f"prim::{parts[-1]}", line, found)
    elif parts[0] == "torch" and len(parts) == 2:
        _sort_operator(f"aten::{parts[1]}", line, found)
    elif parts[0] == "ops" and len(parts) > 2:
        # "ops" and "torch" are reserved: PyTorch calls no variable so.
        _sort_operator(f"{parts[1]}::{parts[2]}", line, found)
    elif parts[:2] == ["torch", "ops"] and len(parts) > 3:
        _sort_operator(f"{parts[2]}::{parts[3]}", line, found)
    elif word.startswith(_CLASSES_PREFIX) and parts[3] not in _OWN_CLASSES:
        _keep(found.unknown, word, line)


def _sort_operator(name: str, line: str, found: CodeUse) -> None:
    if name in _OUTSIDE:
        _keep(found.outside, f"{name} ({_OUTSIDE[name]})", line)
    elif name.partition("::")[0] not in _OWN_NAMESPACES:
        _keep(found.unknown, name, line)


def _keep(names: dict[str, str], name: str, line: str) -> None:
    if len(names) < _MOST_SHOWN:
        names.setdefault(name, line)
