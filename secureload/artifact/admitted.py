"""What may be loaded: pinned bytes together with the verdict that accepted exactly those bytes."""

from __future__ import annotations

from typing import Final, NoReturn, final

from secureload.artifact.artifact import Artifact
from secureload.errors import PolicyError, SandboxError, UsageError
from secureload.policy.verdict import Outcome, Verdict
from secureload.printable import printable

__all__ = ["Admitted", "admit"]

_TOKEN: Final = object()


@final
class Admitted:
    """An artifact that a verdict accepted. Only :func:`admit` makes one; the loader takes nothing else."""

    __slots__ = ("artifact", "verdict")

    artifact: Artifact
    verdict: Verdict

    def __new__(cls, artifact: Artifact, verdict: Verdict, *, token: object = None) -> Admitted:
        """Raise :class:`TypeError` for everyone but :func:`admit`."""
        if token is not _TOKEN:
            raise TypeError("Admitted is made by admit() alone")
        self = super().__new__(cls)
        object.__setattr__(self, "artifact", artifact)
        object.__setattr__(self, "verdict", verdict)
        return self

    def __init_subclass__(cls) -> NoReturn:
        raise TypeError("Admitted has no subclasses")

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"Admitted cannot be changed: {name}")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"Admitted cannot be changed: {name}")

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("Admitted cannot be copied or pickled: it stands for open, pinned bytes")


def admit(artifact: Artifact, verdict: Verdict) -> Admitted:
    """Return ``artifact`` as admitted by ``verdict``.

    Raises :class:`PolicyError`, which carries the verdict, unless its outcome is ACCEPTED;
    :class:`SandboxError` where it was decided about other bytes; :class:`UsageError` for a closed artifact
    and for what is no verdict.
    """
    if not isinstance(verdict, Verdict):
        raise UsageError(
            f"a verdict is needed to admit an artifact, not {printable(type(verdict).__name__, 60)}",
            hint="decide() makes verdicts.",
        )
    if verdict.outcome is not Outcome.ACCEPTED:
        raise PolicyError(
            f"{printable(artifact.locator)} is not admitted: {printable(verdict.summary)}",
            verdict=verdict,
            hint="`secureload check` shows what was found in it.",
        )
    if verdict.artifact_digest != artifact.manifest.subject_digest:
        raise SandboxError(
            f"the verdict is about other bytes than those of {printable(artifact.locator)}",
            hint="Decide again, about the artifact as it is open now.",
            decided=verdict.artifact_digest.hex(),
            found=artifact.manifest.subject_digest.hex(),
        )
    if artifact.closed:
        raise UsageError(
            f"the artifact {printable(artifact.locator)} is closed", hint="Admit it inside its `with` block."
        )
    return Admitted(artifact, verdict, token=_TOKEN)
