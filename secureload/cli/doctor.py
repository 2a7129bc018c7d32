"""``secureload doctor``: what the sandbox is made of here, and what is missing."""

from __future__ import annotations

import platform
import time
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from secureload.cli.output import emit, emit_json
from secureload.errors import SandboxError, SecureloadError, UsageError
from secureload.printable import printable
from secureload.values import dataclass, fields_of

if TYPE_CHECKING:
    from secureload.sandbox.layers.layer import LayerReport

__all__ = ["DoctorFormat", "add_to", "doctor"]

_LIBRARIES = ("secureload", "scikit-learn", "numpy", "joblib", "fickling", "cryptography")


class DoctorFormat(StrEnum):
    """How it is written."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"


@dataclass(frozen=True, slots=True)
class _Sandbox:
    """What starting a worker has shown. ``seconds`` is the first start, the zygote's imports included."""

    level: str
    layers: tuple[LayerReport, ...]
    seconds: float
    problem: SandboxError | None = None


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog="\b\nExamples:\n  secureload doctor\n  secureload doctor --battery --format json")(
        doctor
    )


def doctor(
    output_format: Annotated[
        DoctorFormat, typer.Option("--format", help="How to write it; markdown is for --matrix.")
    ] = DoctorFormat.TEXT,
    battery: Annotated[
        bool, typer.Option("--battery", help="Try to get out of the sandbox in some two hundred ways.")
    ] = False,
    matrix: Annotated[
        bool,
        typer.Option(
            "--matrix", help="Try it also with single layers alone, and as other users (some minutes)."
        ),
    ] = False,
) -> None:
    """Start the sandbox and show each of its layers. Exits with 0 if every required one is in force, else 5.

    With --battery a worker tries to get out: files, network, processes, the kernel, memory, limits, and the wire to
    its parent. Exits with 0 only if nothing got out.
    """
    if matrix and not battery:
        raise UsageError("--matrix belongs to the battery", hint="secureload doctor --battery --matrix")
    if output_format is DoctorFormat.MARKDOWN and not matrix:
        raise UsageError(
            "markdown is the form of the matrix",
            hint="secureload doctor --battery --matrix --format markdown",
        )
    if battery:
        from secureload.cli.battery import show_battery, show_matrix

        (show_matrix if matrix else show_battery)(output_format)
        return
    from secureload.sandbox.layers.layer import ADVICE, REQUIRED_LAYERS

    sandbox = _try_sandbox()
    facts = _facts()
    if output_format is DoctorFormat.JSON:
        emit_json(
            {
                "level": sandbox.level,
                "layers": [
                    {
                        **fields_of(layer),
                        "required": layer.name in REQUIRED_LAYERS,
                        "advice": "" if layer.enforced else ADVICE.get(layer.name, ""),
                    }
                    for layer in sandbox.layers
                ],
                "required_layers": list(REQUIRED_LAYERS),
                "start_seconds": round(sandbox.seconds, 3),
                "problem": None if sandbox.problem is None else printable(sandbox.problem.message, 2_000),
                "environment": facts,
            }
        )
    else:
        emit(_text(sandbox, facts))
    if sandbox.problem is not None:
        raise sandbox.problem


def _try_sandbox() -> _Sandbox:
    from secureload.limits import DEFAULT_LIMITS
    from secureload.sandbox.host import start_worker

    config = {
        "memory_bytes": DEFAULT_LIMITS.tracer_memory_bytes,
        "cpu_seconds": DEFAULT_LIMITS.tracer_cpu_seconds,
        "limits": fields_of(DEFAULT_LIMITS),
    }
    begin = time.monotonic()
    try:
        worker = start_worker("trace", config, DEFAULT_LIMITS)
    except SandboxError as error:
        layers = error.fields.get("layers")
        told = layers if isinstance(layers, tuple) else ()
        return _Sandbox("none", told, time.monotonic() - begin, error)
    try:
        seconds = time.monotonic() - begin
        return _Sandbox(worker.confinement.level, worker.confinement.layers, seconds)
    finally:
        worker.close()


def _facts() -> dict[str, str]:
    facts = {
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "kernel": f"{platform.system()} {platform.release()}",
        "architecture": platform.machine(),
        "landlock": _landlock(),
        "user namespaces": _user_namespaces(),
        "trust store": _trust_store(),
    }
    facts.update((library, _version(library)) for library in _LIBRARIES)
    return {label: printable(value, 400) for label, value in facts.items()}


def _landlock() -> str:
    from secureload.sandbox.kernel import KernelError
    from secureload.sandbox.layers.landlock import landlock_abi

    try:
        return f"ABI {landlock_abi()}"
    except (KernelError, OSError) as error:
        return f"not there: {error}"


def _user_namespaces() -> str:
    from pathlib import Path

    try:
        most = Path("/proc/sys/user/max_user_namespaces").read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return "unknown"
    return "switched off" if most == "0" else f"the kernel has them (at most {most})"


def _trust_store() -> str:
    from secureload.trust.folders import default_trust_folder
    from secureload.trust.store import load_trust_store

    try:
        folder = default_trust_folder()
        return f"{folder} ({len(load_trust_store(folder).keys):,} keys)"
    except SecureloadError as error:
        return error.message


def _version(library: str) -> str:
    from importlib import metadata

    import secureload

    try:
        return secureload.__version__ if library == "secureload" else metadata.version(library)
    except metadata.PackageNotFoundError:
        return "not installed"


def _text(sandbox: _Sandbox, facts: dict[str, str]) -> str:
    from secureload.sandbox.layers.layer import ADVICE, REQUIRED_LAYERS

    lines = [f"sandbox level: {sandbox.level} (first worker after {sandbox.seconds:.2f} s)"]
    for layer in sandbox.layers:
        need = "required" if layer.name in REQUIRED_LAYERS else "in depth"
        lines.append(
            f"  {layer.state:<12} {layer.name:<20} {need:<9} {printable(layer.detail, 400)}".rstrip()
        )
        if not layer.enforced and layer.name in ADVICE:
            lines.append(f"  {'':<12} {'':<20} {'to do':<9} {ADVICE[layer.name]}")
    lines.append("environment:")
    lines += [f"  {label:<16} {value}" for label, value in facts.items()]
    return "\n".join(lines)
