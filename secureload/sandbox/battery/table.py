"""The battery as tables: which layers stop each attempt on their own, and in which columns it gets out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from secureload.sandbox.battery.catalog import ATTEMPTS
from secureload.sandbox.battery.columns import COLUMNS
from secureload.sandbox.battery.live import NAMES
from secureload.sandbox.battery.settings import Measured

__all__ = ["matrix_page", "stopped_by"]

_SINGLE: Final = ("limits", "privileges", "landlock", "namespaces", "seccomp")
_OUT, _STOPPED, _NOTHING = "O", "·", "-"
_HEAD: Final = (*COLUMNS, "all", "relaxed")


def stopped_by(name: str, measured: Measured) -> str:
    """Return which layers stop an attempt each on its own, in words; where none does, what else."""
    if name not in ATTEMPTS:
        return "wire"
    alone = [layer for layer in _SINGLE if _is_stopped(measured.columns[layer].get(name, ""))]
    if measured.columns["bare"].get(name) != "through":
        # Where it does not get out of a bare process, no layer has shown what it can do.
        return "kernel" + (", seccomp" if _killed(measured.columns["seccomp"].get(name, "")) else "")
    if not alone and _is_stopped(measured.columns["all"].get(name, "")):
        return "interpreter" if name.startswith("environment") else "several together"
    return ", ".join(alone)


def matrix_page(settings: Sequence[Measured], *, environment: str) -> str:
    """Return the page about the measured settings, as Markdown."""
    lines = ["# The escape battery, measured", ""]
    lines += [
        "What a hostile model tries from inside a worker, attempt by attempt, in real workers (column *all*; with",
        '`filter="relaxed"`: column *relaxed*) and in bare processes with single layers, which shows that the attempts',
        "can get out at all. Made by",
        "`secureload doctor --battery --matrix --format markdown`, as root, on:",
        "",
        environment,
        "",
        f"{len(NAMES)} attempts, {len(NAMES) - len(ATTEMPTS)} of them on the wire: what a worker that was taken over",
        "says to its parent. Those are a matter of the parent alone, and stand in the column *all*.",
        "",
        "## How many got out",
        "",
    ]
    lines += _table(["setting", "level", *_HEAD], [_counts(measured) for measured in settings])
    lines += [
        "",
        "*privileges*: `no_new_privs`, no capabilities, not dumpable. *without namespaces*: nobody, under a filter",
        "that refuses `unshare`, as in most containers; a layer that the setting has not got is `-`. In *nobody* and",
        "*without namespaces* many attempts fail in a bare process too, for want of a privilege. With the relaxed",
        "filter a model may load libraries and ask for its folder; without namespaces it can also look at files",
        "that it cannot open, by `stat` and `readlink`: Landlock has no say in that.",
        "",
        "## Attempt by attempt",
        "",
        f"A letter for each column, in the order {', '.join(_HEAD)}: `{_OUT}` it got out, `{_STOPPED}` it was stopped, "
        f"`{_NOTHING}` not measured.",
        "*Stopped by*: the layers that stop it each on its own, as root (*kernel*: it does not get out of a bare",
        "process there either).",
        "",
    ]
    first = settings[0]
    rows = [
        [name, stopped_by(name, first), *(f"`{_letters(name, measured)}`" for measured in settings)]
        for name in NAMES
    ]
    lines += _table(["attempt", "stopped by", *(measured.setting for measured in settings)], rows)
    return "\n".join(lines) + "\n"


def _is_stopped(found: str) -> bool:
    return found not in {"through", "held", "", "no layer"}


def _killed(found: str) -> bool:
    return found.startswith("killed")


def _counts(measured: Measured) -> list[str]:
    cells = [
        "-" if set(measured.columns[column].values()) == {"no layer"} else str(measured.through(column))
        for column in _HEAD
    ]
    return [measured.setting, measured.level, *cells]


def _letters(name: str, measured: Measured) -> str:
    letters = ""
    for column in _HEAD:
        found = measured.columns[column].get(name, "")
        letters += (
            _NOTHING if found in {"", "no layer", "absent"} else _STOPPED if _is_stopped(found) else _OUT
        )
    return letters


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    return lines + [f"| {' | '.join(row)} |" for row in rows]
