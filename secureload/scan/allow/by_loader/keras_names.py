"""Write ``keras.toml`` from the sources of Keras: what its loader makes of the names in a configuration.

``python -m secureload.scan.allow.by_loader.keras_names RELEASE=FOLDER ...`` takes unpacked wheels of ``keras`` and
``tf_keras`` (nothing in them is run) and prints the list. Admitted are the parts of models: what the decorator
``keras_export`` puts into the namespaces of layers, losses and the like, and the operations of Keras 3. What loads
code or files (``Lambda``, ``TorchModuleWrapper``, ``TFSMLayer`` …) is left out, and so are the functions ``get`` and
``deserialize``, which are loaders themselves.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

__all__ = ["Names", "list_text", "main", "names_in"]

_MODEL_PARTS: Final = (
    "activations", "constraints", "dtype_policies", "experimental", "initializers", "layers", "losses", "metrics",
    "mixed_precision", "ops", "optimizers", "premade_models", "quantizers", "regularizers",
)  # fmt: skip
_SINGLE: Final = frozenset(
    ("keras.Model", "keras.Sequential", "keras.models.Model", "keras.models.Sequential", "keras.DTypePolicy",
     "keras.FloatDTypePolicy", "keras.Variable", "keras.random.SeedGenerator", "keras.utils.FeatureSpace")
)  # fmt: skip
# What Keras looks through for the name of a function that is saved with the module "builtins".
_BUILTIN_MODULES: Final = (
    "activations", "constraints", "initializers", "losses", "metrics", "optimizers", "regularizers"
)  # fmt: skip
# They run code from the file, or from a file that it names.
_REFUSED: Final = frozenset(
    ("FlaxLayer", "JaxLayer", "Lambda", "TFSMLayer", "TensorFlowOpLayer", "TorchModuleWrapper", "deserialize", "get",
     "serialize", "deserialize_keras_object", "serialize_keras_object", "LossScaleOptimizerV1")
)  # fmt: skip
# Classes that are saved by the module that they are defined in, for they are exported nowhere.
_DEFINED: Final = frozenset(("ClassMethod", "Functional", "InstanceMethod", "InstanceProperty", "SlicingOpLambda",
                             "TFOpLambda"))  # fmt: skip
# The saved specifications of tensors, and operations of TensorFlow under the names of its own.
_TENSORFLOW: Final = (
    "tensorflow.python.framework.sparse_tensor:SparseTensorSpec",
    "tensorflow.python.framework.tensor:TensorSpec",
    "tensorflow.python.framework.tensor_spec:TensorSpec",
    "tensorflow.python.ops.ragged.ragged_tensor:RaggedTensorSpec",
)


@dataclass(slots=True)
class Names:
    """Names by tier, each with the releases that have it, in the order that they were read in."""

    classes: dict[str, list[str]] = field(default_factory=dict)
    functions: dict[str, list[str]] = field(default_factory=dict)

    def add(self, kind: dict[str, list[str]], name: str, release: str) -> None:
        """Note that ``release`` has ``name``."""
        releases = kind.setdefault(name, [])
        if release not in releases:
            releases.append(release)


def names_in(source: str, module: str, release: str, found: Names) -> None:
    """Add what the text of ``module`` exports and defines."""
    for node in ast.parse(source).body:
        if not isinstance(node, ast.ClassDef | ast.FunctionDef) or node.name in _REFUSED:
            continue
        kind = found.classes if isinstance(node, ast.ClassDef) else found.functions
        for export in _exports(node):
            path, _, name = export.rpartition(".")
            if name in _REFUSED or not _is_model_part(export):
                continue
            found.add(kind, f"{path}:{name}", release)
            if isinstance(node, ast.ClassDef):
                # Before Keras 2.13 there was no module in a configuration; optimizers were saved as Custom>Adam.
                found.add(kind, f"keras:{name}", release)
                if path == "keras.optimizers":
                    found.add(kind, f"Custom:{name}", release)
            elif path in {f"keras.{part}" for part in _BUILTIN_MODULES}:
                found.add(kind, f"builtins:{name}", release)
        if isinstance(node, ast.ClassDef) and _is_saved_by_module(node, module):
            found.add(kind, f"{module}:{node.name}", release)
            # Keras 3 leaves the module out where it writes an HDF5 file.
            found.add(kind, f"keras:{node.name}", release)


def list_text(found: Names, releases: Iterable[str]) -> str:
    """Return the list as TOML."""
    classes = {**found.classes, **{name: ["TensorFlow"] for name in _TENSORFLOW}}
    functions = {name: seen for name, seen in found.functions.items() if name not in classes}
    quoted = ", ".join(f'"{release}"' for release in releases)
    lines = [
        "# Built by `python -m secureload.scan.allow.by_loader.keras_names`; changes belong there.",
        "# One line is one name as a Keras configuration gives it: module:name, then the releases that have it.",
        "# Where a configuration gives no module the module is keras; Custom is what registered names begin with.",
        "",
        "[library]",
        'name = "keras"',
        f"releases = [{quoted}]",
    ]
    for tier, names in (("new-only", classes), ("import-only", functions)):
        lines += ["", f"[{tier}]", "globals = '''"]
        lines += [f"{name}  {_span(seen)}" for name, seen in sorted(names.items())]
        lines.append("'''")
    return "\n".join(lines) + "\n"


def main(arguments: list[str]) -> int:
    """Read ``RELEASE=FOLDER`` arguments in the order of the releases, print the list; return the exit code."""
    if not arguments or not all("=" in argument for argument in arguments):
        sys.stderr.write(__doc__ or "")
        return 2
    found = Names()
    for argument in arguments:
        release, _, folder = argument.partition("=")
        for path in sorted(Path(folder).rglob("*.py")):
            module = ".".join(path.relative_to(folder).with_suffix("").parts)
            if not path.stem.endswith("_test") and "testing" not in module:
                names_in(path.read_text(encoding="utf-8"), module, release, found)
    sys.stdout.write(list_text(found, [argument.partition("=")[0] for argument in arguments]))
    return 0


def _exports(node: ast.ClassDef | ast.FunctionDef) -> Iterator[str]:
    for decorator in node.decorator_list:
        if (
            isinstance(decorator, ast.Call)
            and ast.unparse(decorator.func).rpartition(".")[2] == "keras_export"
        ):
            for value in ast.walk(decorator):
                if isinstance(value, ast.Constant) and isinstance(value.value, str):
                    yield value.value


def _is_model_part(export: str) -> bool:
    parts = export.split(".")
    return export in _SINGLE or (len(parts) > 2 and parts[0] == "keras" and parts[1] in _MODEL_PARTS)


def _is_saved_by_module(node: ast.ClassDef, module: str) -> bool:
    if node.name in _DEFINED:
        return True
    if ".backend." in module and ".optimizers." in module:
        return True  # the optimizers that a backend of Keras 3 puts in the place of the general ones
    in_ops = ".ops." in module or module.endswith(".ops")
    return in_ops and any(ast.unparse(base).rpartition(".")[2] == "Operation" for base in node.bases)


def _span(releases: list[str]) -> str:
    return releases[0] if len(releases) == 1 else f"{releases[0]}-{releases[-1]}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
