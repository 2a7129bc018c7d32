"""What a layer of the confinement says of itself, and the level that all of them amount to."""

from __future__ import annotations

from typing import Literal, TypeAlias

from secureload.values import dataclass

__all__ = [
    "ADVICE",
    "LEVELS",
    "REQUIRED_LAYERS",
    "LayerReport",
    "Level",
    "confinement_level",
    "layers_behind",
]

Level: TypeAlias = Literal["none", "reduced", "required", "standard", "full"]

# The layers without which nothing is unpickled, unless the caller accepts less in so many words. The last one is
# the parent's own: that the worker's self-test and the kernel's view of it confirm what the worker says.
REQUIRED_LAYERS = ("no-new-privileges", "resource-limits", "capabilities", "seccomp", "proof")
LEVELS: tuple[Level, ...] = ("none", "reduced", "required", "standard", "full")
_BEHIND = ("landlock", "namespaces")

# What to do where a layer is missing.
ADVICE = {
    "no-new-privileges": "a Linux kernel from 3.5 on has it",
    "resource-limits": "let this process lower its own limits (setrlimit)",
    "capabilities": "let this process give up its capabilities (capset)",
    "seccomp": "permit seccomp filters: CONFIG_SECCOMP_FILTER in the kernel, and a container profile that permits "
    "seccomp(2)",
    "proof": "let this process read /proc/PID/status of its own workers: mount /proc, without hidepid",
    "landlock": "a Linux kernel from 5.13 on with landlock in its list of security modules (lsm=), and a container "
    "profile that permits landlock_restrict_self(2)",
    "namespaces": "permit user namespaces: sysctl user.max_user_namespaces above 0, "
    "kernel.apparmor_restrict_unprivileged_userns=0, and a container profile that permits unshare(2)",
}


@dataclass(frozen=True, slots=True)
class LayerReport:
    """One layer: its name, whether it is in force, and in which form or why not.

    "relaxed" is in force, and lets through more than the sandbox needs, as the caller asked for.
    """

    name: str
    state: Literal["enforced", "relaxed", "unavailable"]
    detail: str

    @property
    def enforced(self) -> bool:
        """Whether the layer is in force, and not relaxed."""
        return self.state == "enforced"


def confinement_level(reports: tuple[LayerReport, ...]) -> Level:
    """Return the level that ``reports`` amount to.

    "required" is every layer of :data:`REQUIRED_LAYERS`, "standard" adds Landlock or namespaces, "full" has
    both. Where one of the required is relaxed or missing it is "reduced", and "none" where no layer is in force.
    """
    enforced = {report.name for report in reports if report.enforced}
    if not enforced.issuperset(REQUIRED_LAYERS):
        return "reduced" if enforced else "none"
    behind = len(enforced.intersection(_BEHIND))
    if behind == len(_BEHIND):
        return "full"
    return "standard" if behind else "required"


def layers_behind(reports: tuple[LayerReport, ...]) -> tuple[str, ...]:
    """Return which of the two layers that stand behind the filter are in force."""
    return tuple(report.name for report in reports if report.enforced and report.name in _BEHIND)
