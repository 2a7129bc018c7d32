"""What is believed of a worker: its own report, if nothing that must fail succeeded and the kernel says the same."""

from __future__ import annotations

from pathlib import Path

from secureload.errors import SandboxError
from secureload.printable import printable
from secureload.sandbox.layers.layer import REQUIRED_LAYERS, LayerReport, confinement_level
from secureload.sandbox.wire.frame import Kind, Message
from secureload.values import dataclass

__all__ = ["Confinement", "ConfinementMissingError", "MissingModuleError", "prove"]


class ConfinementMissingError(SandboxError):
    """A required layer is not in force; ``fields`` has ``layer``."""

    code = "sandbox.confinement-missing"


class MissingModuleError(SandboxError):
    """The model needs a module that cannot be imported here; ``fields`` has ``module``."""

    code = "sandbox.missing-module"


@dataclass(frozen=True, slots=True)
class Confinement:
    """What is really enforced around one worker, as reported and proved."""

    layers: tuple[LayerReport, ...]

    @property
    def level(self) -> str:
        """ "required", "standard" or "full"; "none" is never handed out."""
        return confinement_level(self.layers)


def prove(message: Message, pid: int) -> Confinement:
    """Return what is enforced around the worker ``pid``, from its READY message and the kernel's view of it.

    Raises:
        ConfinementMissingError: a required layer is not in force; ``fields`` has ``layer`` and ``layers``.
        MissingModuleError: the model needs a module that is not installed.
        SandboxError: the worker could not be prepared.
    """
    if message.kind is Kind.FAILURE and isinstance(message.body.get("module"), str):
        name = printable(message.body["module"])
        raise MissingModuleError(
            f"the model needs the module {name!r}, which cannot be imported here",
            hint="install the library that the model was saved with, in the version that it names",
            module=name,
        )
    if message.kind is Kind.FAILURE:
        what = f"{message.body.get('type')}: {message.body.get('message')}"
        raise SandboxError(
            f"the sandbox could not be prepared: {printable(what)}", hint="run: secureload doctor"
        )
    if message.kind is not Kind.READY:
        raise SandboxError("the sandboxed worker spoke out of turn")
    confinement = Confinement(tuple(LayerReport(*report) for report in message.body["layers"]))
    layers = confinement.layers
    for report in layers:
        if report.name in REQUIRED_LAYERS and not report.enforced:
            raise _missing(report.name, report.detail, layers)
    if confinement.level == "none":
        raise _missing(REQUIRED_LAYERS[0], "it was not reported")
    if message.body["open_doors"]:
        raise _missing("seccomp", f"the worker was able to {message.body['open_doors'][0]}")
    _check_status(pid)
    return confinement


def _missing(layer: str, detail: str, layers: tuple[LayerReport, ...] = ()) -> ConfinementMissingError:
    return ConfinementMissingError(
        f"the sandbox layer {layer!r} is missing: {printable(detail)}",
        hint="nothing was loaded; run: secureload doctor",
        layer=layer,
        layers=layers,
    )


def _check_status(pid: int) -> None:
    """Read the kernel's view of the worker (proc(5)); the worker has no part in it."""
    try:
        text = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    except OSError as error:
        raise _missing("seccomp", f"/proc/{pid}/status cannot be read: {error.strerror}") from error
    fields = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
    if int(fields.get("NoNewPrivs", "0")) != 1:
        raise _missing("no-new-privileges", "the kernel says that it is not set")
    if int(fields.get("Seccomp", "0")) != 2:
        raise _missing("seccomp", "the kernel says that no filter is installed")
    for name in ("CapEff", "CapPrm"):
        if int(fields.get(name, "1"), 16) != 0:
            raise _missing("capabilities", f"the kernel says {name}:{fields.get(name, '')}")
