"""What is believed of a worker: its own report, if nothing that must fail succeeded and the kernel says the same."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from secureload.errors import SandboxError
from secureload.printable import printable
from secureload.sandbox.layers.layer import (
    ADVICE,
    LEVELS,
    REQUIRED_LAYERS,
    LayerReport,
    Level,
    confinement_level,
    layers_behind,
)
from secureload.sandbox.layers.namespaces import has_user_namespace
from secureload.sandbox.terms import STRICT, Terms
from secureload.sandbox.wire.frame import Kind, Message
from secureload.values import dataclass, replace

if TYPE_CHECKING:
    from secureload.policy.verdict import Verdict

__all__ = ["Confinement", "ConfinementMissingError", "MissingModuleError", "missing_module", "prove"]

# Libraries that read a format, by the extra that brings them.
_EXTRAS = {"onnxruntime": "onnx", "skops": "skops"}

_PROC = Path("/proc")
_MOST_LAYERS = 32
_DETAIL_CHARS = 400


class ConfinementMissingError(SandboxError):
    """A layer that was required or asked for is not in force; ``fields`` has ``layer`` and ``layers``."""

    code = "sandbox.confinement-missing"


class MissingModuleError(SandboxError):
    """The model needs a module that cannot be imported here; ``fields`` has ``module``."""

    code = "sandbox.missing-module"


@dataclass(frozen=True, slots=True)
class Confinement:
    """What is really enforced around one worker, as reported and proved.

    ``verdict`` is the one that admitted the model: where less than the required confinement was accepted, it says so.
    """

    layers: tuple[LayerReport, ...]
    verdict: Verdict | None = None

    @property
    def level(self) -> Level:
        """ "required", "standard" or "full"; "reduced" where the caller accepted less."""
        return confinement_level(self.layers)

    @property
    def filter(self) -> Literal["strict", "relaxed", "none"]:
        """Which system call filter is installed."""
        states = {report.name: report.state for report in self.layers}
        return {"enforced": "strict", "relaxed": "relaxed"}.get(states.get("seccomp", ""), "none")  # type: ignore[return-value]  # of these three

    @property
    def reduced(self) -> tuple[str, ...]:
        """The required layers that are relaxed or missing."""
        enforced = {report.name for report in self.layers if report.enforced}
        return tuple(name for name in REQUIRED_LAYERS if name not in enforced)

    def about(self, verdict: Verdict) -> Confinement:
        """Return this with the verdict that it is the confinement of, marked where it is reduced."""
        return replace(self, verdict=replace(verdict, reduced_confinement=self.reduced))


def prove(message: Message, pid: int, terms: Terms = STRICT) -> Confinement:
    """Return what is enforced around the worker ``pid``, from its READY message and the kernel's view of it.

    Raises:
        ConfinementMissingError: a layer that ``terms`` want is not in force; ``fields`` has ``layer`` and ``layers``.
        MissingModuleError: the model needs a module that is not installed.
        SandboxError: the worker could not be prepared.
    """
    _check_ready(message)
    told = _layers(message.body.get("layers"))
    doubts = [*_doors(message.body.get("open_doors")), *_contradictions(pid, told)]
    detail = (
        "; ".join(text for _, text in doubts)
        or "self-test passed; NoNewPrivs 1, Seccomp 2, CapEff 0 in /proc"
    )
    proof = LayerReport("proof", "unavailable" if doubts else "enforced", detail)
    layers = (*told, proof)
    found = Confinement(layers)
    if terms.accept_reduced:
        return found
    if doubts:
        raise _missing(*doubts[0], layers)
    _check_required(found, terms)
    if terms.filter == "strict" and LEVELS.index(found.level) < LEVELS.index(terms.level):
        raise _too_low(found, terms.level)
    return found


def missing_module(module: str) -> MissingModuleError:
    """Return the error about a module that is not installed; the hint names the extra that brings it."""
    name = printable(module)
    extra = _EXTRAS.get(name.partition(".")[0])
    return MissingModuleError(
        f"the model needs the module {name!r}, which cannot be imported here",
        hint=f"pip install 'secureload[{extra}]'"
        if extra
        else "install the library that the model was saved with, in the version that it names",
        module=name,
    )


def _check_ready(message: Message) -> None:
    if message.kind is Kind.FAILURE and isinstance(message.body.get("module"), str):
        raise missing_module(message.body["module"])
    if message.kind is Kind.FAILURE:
        what = f"{message.body.get('type')}: {message.body.get('message')}"
        raise SandboxError(
            f"the sandbox could not be prepared: {printable(what)}", hint="run: secureload doctor"
        )
    if message.kind is not Kind.READY or not isinstance(message.body, dict):
        raise SandboxError("the sandboxed worker spoke out of turn")


def _layers(told: Any) -> tuple[LayerReport, ...]:
    """Return what the worker says of its layers. The proof is not its to give."""
    rows = told if isinstance(told, list) else []
    found = []
    for row in rows[:_MOST_LAYERS]:
        if not (isinstance(row, list) and len(row) == 3 and all(isinstance(text, str) for text in row)):
            raise SandboxError("the sandboxed worker reported a layer that is none")
        name, state, detail = row
        if name == "proof" or state not in {"enforced", "relaxed", "unavailable"}:
            raise SandboxError("the sandboxed worker reported a layer that is none")
        found.append(LayerReport(printable(name), state, printable(detail, _DETAIL_CHARS)))
    return tuple(found)


def _check_required(found: Confinement, terms: Terms) -> None:
    """Raise where a required layer is not in force; the filter may be relaxed where that was asked for."""
    told = {report.name: report for report in found.layers}
    for name in REQUIRED_LAYERS:
        report = told.get(name)
        if report is None:
            raise _missing(name, "it was not reported", found.layers)
        as_asked = name == "seccomp" and terms.filter == report.state == "relaxed"
        if not report.enforced and not as_asked:
            raise _missing(name, report.detail, found.layers)
    if terms.filter == "relaxed" and not layers_behind(found.layers):
        detail = "with the relaxed filter, Landlock or a root of its own has to say which files are read"
        raise _missing("landlock", detail, found.layers)


def _doors(doors: Any) -> list[tuple[str, str]]:
    if not isinstance(doors, list):
        return [("proof", "the worker did not say what it has tried")]
    return [("seccomp", f"the worker was able to {printable(door)}") for door in doors[:_MOST_LAYERS]]


def _too_low(found: Confinement, wanted: Level) -> ConfinementMissingError:
    behind = layers_behind(found.layers)
    lacking = [report for report in found.layers if report.name in ("landlock", "namespaces")]
    lacking = [report for report in lacking if report.name not in behind]
    name = lacking[0].name if lacking else "landlock"
    why = "; ".join(f"{report.name}: {report.detail}" for report in lacking) or "it was not reported"
    return ConfinementMissingError(
        f"the confinement here is {found.level!r} and {wanted!r} was asked for: {printable(why, _DETAIL_CHARS)}",
        hint=f"nothing was loaded; {ADVICE[name]}",
        layer=name,
        layers=found.layers,
    )


def _missing(layer: str, detail: str, layers: tuple[LayerReport, ...] = ()) -> ConfinementMissingError:
    return ConfinementMissingError(
        f"the sandbox layer {layer!r} is missing: {printable(detail, _DETAIL_CHARS)}",
        hint=f"nothing was loaded; {ADVICE.get(layer, 'see the layers')} (secureload doctor shows every layer)",
        layer=layer,
        layers=layers,
    )


def _contradictions(pid: int, told: tuple[LayerReport, ...]) -> list[tuple[str, str]]:
    """Read the kernel's view of the worker (proc(5)), in which the worker has no part: (layer, what is wrong).

    Its threads count as it does: a library may have started some before the doors were closed.
    """
    layers = {report.name: report for report in told}
    enforced = [name for name, report in layers.items() if report.enforced]
    try:
        threads = [
            status
            for status in (_PROC / str(pid) / "task").glob("*/status")
            if status.parent.name != str(pid)
        ]
        wrong = _wrong_in(_PROC / str(pid) / "status", not_root="user" in enforced)
    except OSError as error:
        return [("proof", f"/proc/{pid}/status cannot be read: {error.strerror}")]
    # Over nothing but what is in their namespace, which is empty.
    powerless = "namespaces" in enforced and has_user_namespace(layers["namespaces"])
    for status in threads:
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it has ended
            found = _wrong_in(status, not_root="user" in enforced)
            wrong += [
                (layer, f"of a thread {what}")
                for layer, what in found
                if not (powerless and layer == "capabilities")
            ]
    return wrong


def _wrong_in(status: Path, *, not_root: bool) -> list[tuple[str, str]]:
    text = status.read_text(encoding="ascii", errors="replace")
    fields = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
    wrong = []
    for layer, name, base, wanted in _STATUS:
        told = fields.get(name, "").strip()
        try:
            agrees = int(told, base) == wanted
        except ValueError:
            agrees = False
        if not agrees:
            wrong.append((layer, f"the kernel says {name}: {printable(told, 40) or 'nothing'}"))
    users = fields.get("Uid", "").split()
    if not_root and (not users or "0" in users):
        wrong.append(("user", f"the kernel says Uid: {printable(' '.join(users), 40) or 'nothing'}"))
    return wrong


# What the kernel must say of a worker: the layer, the field, the base of its number, the number.
_STATUS = (
    ("no-new-privileges", "NoNewPrivs", 10, 1),
    ("seccomp", "Seccomp", 10, 2),
    ("capabilities", "CapEff", 16, 0),
    ("capabilities", "CapPrm", 16, 0),
)
