"""What a layer of the confinement says of itself."""

from __future__ import annotations

from typing import Literal

from secureload.values import dataclass

__all__ = ["LEVELS", "REQUIRED_LAYERS", "LayerReport", "confinement_level"]

# The layers without which nothing is ever unpickled.
REQUIRED_LAYERS = ("no-new-privileges", "resource-limits", "capabilities", "seccomp")
LEVELS = ("none", "required", "standard", "full")


@dataclass(frozen=True, slots=True)
class LayerReport:
    """One layer: its name, whether it is in force, and in which form or why not."""

    name: str
    state: Literal["enforced", "unavailable"]
    detail: str

    @property
    def enforced(self) -> bool:
        """Whether the layer is in force."""
        return self.state == "enforced"


def confinement_level(reports: tuple[LayerReport, ...]) -> Literal["none", "required", "standard", "full"]:
    """Return the level that ``reports`` amount to.

    "required" is every layer of :data:`REQUIRED_LAYERS`, "standard" adds Landlock or namespaces, "full" has
    both; anything less is "none".
    """
    enforced = {report.name for report in reports if report.enforced}
    if not enforced.issuperset(REQUIRED_LAYERS):
        return "none"
    behind = len(enforced & {"landlock", "namespaces"})
    if behind == 2:
        return "full"
    return "standard" if behind else "required"
