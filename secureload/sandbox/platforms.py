"""Where the sandbox exists: Linux, for now. What another system would need has its row here, and is refused by name."""

from __future__ import annotations

import sys
from typing import Final

from secureload.sandbox.kernel import architecture, is_linux
from secureload.values import dataclass

__all__ = ["PLATFORMS", "Platform", "missing_platform"]


@dataclass(frozen=True, slots=True)
class Platform:
    """A system without a sandbox of ours: the layer that is missing, why, and what to do meanwhile."""

    name: str
    layer: str
    reason: str
    advice: str


_CONTAINER: Final = "run secureload in a Linux container or virtual machine"
# By the beginning of sys.platform. A confinement for one of them is a package of layers beside ``layers``.
PLATFORMS: Final = {
    "darwin": Platform("macOS", "seatbelt", "a profile for Seatbelt (sandbox_init) is not written yet", _CONTAINER),
    "win32": Platform(
        "Windows", "appcontainer", "a confinement of AppContainer, job object and restricted token is not written yet",
        "run secureload in WSL 2, a Linux container or a virtual machine",
    ),
    "linux": Platform(
        "Linux", "seccomp", "the system call filter is written for x86-64 and aarch64 with 64-bit Python", _CONTAINER
    ),
}  # fmt: skip


def missing_platform() -> Platform | None:
    """Return why there is no sandbox on this system, or None where there is one."""
    if is_linux():
        return None
    known = next((found for prefix, found in PLATFORMS.items() if sys.platform.startswith(prefix)), None)
    if known is not None and known.name == "Linux":
        return Platform(f"Linux on {architecture()}", known.layer, known.reason, known.advice)
    return known or Platform(sys.platform, "seccomp", "there is no confinement for this system", _CONTAINER)
