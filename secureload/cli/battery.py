"""``secureload doctor --battery``: try to get out of the sandbox, and show what became of each attempt."""

from __future__ import annotations

import os
import platform
from collections import Counter
from typing import TYPE_CHECKING

from secureload.cli.output import emit, emit_json, note
from secureload.cli.progress import attempts_progress
from secureload.errors import SandboxError
from secureload.printable import printable

if TYPE_CHECKING:
    from secureload.cli.doctor import DoctorFormat
    from secureload.sandbox.battery.live import Live
    from secureload.sandbox.battery.settings import Measured

__all__ = ["show_battery", "show_matrix"]


def show_battery(output_format: DoctorFormat) -> None:
    """Make every attempt in real workers, and show the outcomes.

    Raises:
        SandboxError: something got out, or there is no sandbox.
    """
    from secureload.sandbox.battery.live import NAMES, canaries, run_live

    with attempts_progress(len(NAMES)) as told, canaries() as scene:
        live = run_live(scene, NAMES, told)
    if output_format == "json":
        emit_json(
            {
                "level": live.confinement.level,
                "attempts": len(live.outcomes),
                "through": list(live.through),
                "canaries_untouched": live.untouched,
                "outcomes": [
                    {"name": name, "outcome": printable(found)} for name, found in live.outcomes.items()
                ],
            }
        )
    else:
        emit(_text(live))
    _check(live.through, untouched=live.untouched)


def show_matrix(output_format: DoctorFormat) -> None:
    """Make every attempt with single layers too, in each setting that this user can take on, and show how many got out.

    Raises:
        SandboxError: something got out of a real worker, or there is no sandbox.
    """
    from secureload.sandbox.battery.columns import COLUMNS
    from secureload.sandbox.battery.settings import SETTINGS, measure
    from secureload.sandbox.battery.table import matrix_page

    settings = SETTINGS if os.geteuid() == 0 else ("this user", SETTINGS[-1])
    found: list[Measured] = []
    for setting in settings:
        note(f"measuring as {setting}: {len(COLUMNS)} columns and the real workers")
        found.append(measure(setting))
    if output_format == "json":
        emit_json([{"setting": one.setting, "level": one.level, "columns": one.columns} for one in found])
    elif output_format == "markdown":
        emit(matrix_page(found, environment=_environment()))
    else:
        emit("\n".join(line for one in found for line in _counts(one)))
    _check([name for one in found for name in one.escaped], untouched=True)


def _check(through: tuple[str, ...] | list[str], *, untouched: bool) -> None:
    if through or not untouched:
        what = ", ".join(through[:5]) or "the canaries are not as they were"
        raise SandboxError(
            f"something got out of the sandbox: {what}",
            hint="do not load models here, and report it with this output",
            through=tuple(through),
        )


def _text(live: Live) -> str:
    lines = []
    for name, found in live.outcomes.items():
        verdict = "GOT OUT" if found == "through" else "stopped"
        lines.append(f"  {verdict:<8} {name:<50} {printable(found)}".rstrip())
    families = Counter(name.partition(":")[0] for name in live.outcomes)
    told = ", ".join(f"{family} {number}" for family, number in families.items())
    lines.append(f"sandbox level: {live.confinement.level}")
    lines.append(f"{len(live.outcomes)} attempts ({told}): {len(live.through)} got out")
    return "\n".join(lines)


def _counts(measured: Measured) -> list[str]:
    lines = [f"{measured.setting} (level {measured.level}):"]
    for column, outcomes in measured.columns.items():
        nothing = set(outcomes.values()) == {"no layer"}
        said = "not here" if nothing else f"{measured.through(column):>4} of {len(outcomes)} got out"
        lines.append(f"  {column:<16} {said}")
    return lines


def _environment() -> str:
    from secureload.sandbox.kernel import KernelError
    from secureload.sandbox.layers.landlock import landlock_abi

    try:
        landlock = f"Landlock ABI {landlock_abi()}"
    except (KernelError, OSError):
        landlock = "no Landlock"
    release = ".".join(platform.release().split("-")[0].split(".")[:2])
    return f"Linux {release} on {platform.machine()}, {landlock}, Python {platform.python_version()}."
