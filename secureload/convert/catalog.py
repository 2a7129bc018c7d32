"""The targets of a conversion: how each is called, read, and proved."""

from __future__ import annotations

from secureload.errors import UsageError
from secureload.printable import printable
from secureload.values import dataclass

__all__ = ["TARGETS", "Target", "target_named"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One format. ``reading`` is how the sandbox reads it back, ``suffix`` what its files are called.

    ``module`` has the converter, ``libraries`` are distributions that it needs, and the ``extra`` that brings
    them. ``code_free`` says that no file of the format can run code. ``exact`` targets hold the whole state.
    """

    name: str
    module: str
    reading: str
    suffix: str
    libraries: tuple[str, ...] = ()
    extra: str = ""
    code_free: bool = True
    exact: bool = True


_ALL = (
    Target(
        name="safetensors",
        module="secureload.convert.targets.structured",
        reading="structured",
        suffix=".safetensors",
    ),
    Target(
        name="tensors",
        module="secureload.convert.targets.tensors",
        reading="safetensors",
        suffix=".safetensors",
    ),
    Target(
        name="skops",
        module="secureload.convert.targets.skops_file",
        reading="skops",
        suffix=".skops",
        libraries=("skops",),
        extra="skops",
        code_free=False,
    ),
    Target(
        name="onnx",
        module="secureload.convert.targets.onnx_file",
        reading="onnx",
        suffix=".onnx",
        libraries=("skl2onnx", "onnxruntime"),
        extra="onnx",
        exact=False,
    ),
    Target(
        name="joblib",
        module="secureload.convert.targets.pickles",
        reading="joblib",
        suffix=".joblib",
        code_free=False,
    ),
    Target(
        name="pickle",
        module="secureload.convert.targets.pickles",
        reading="pickle",
        suffix=".pkl",
        code_free=False,
    ),
)
TARGETS = {target.name: target for target in _ALL}
# What a user may ask for: whether plain or structured safetensors is written depends on what is converted.
CHOICES = tuple(name for name in TARGETS if name != "tensors")


def target_named(name: str) -> Target:
    """Return the target of that name; UsageError where there is none, or its libraries are not installed."""
    import importlib.util

    found = TARGETS.get(name) if name in CHOICES else None
    if found is None:
        raise UsageError(f"there is no target {printable(name, 40)!r}", hint=f"one of: {', '.join(CHOICES)}")
    missing = [library for library in found.libraries if importlib.util.find_spec(library) is None]
    if missing:
        raise UsageError(
            f"{found.name} needs {' and '.join(missing)}", hint=f"pip install 'secureload[{found.extra}]'"
        )
    return found
