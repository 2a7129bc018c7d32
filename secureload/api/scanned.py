"""A scan result to be signed: every member is examined as it was pinned, by the digest that the statement is about."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from secureload import __version__
from secureload.api.check import allow_list, counted, verification_of
from secureload.api.examiner import Examiner
from secureload.artifact.artifact import Artifact
from secureload.errors import PolicyError
from secureload.limits import DEFAULT_LIMITS, Limits
from secureload.policy.verdict import EXAMINE, Outcome, decide
from secureload.printable import printable
from secureload.signing.instants import encode_instant
from secureload.signing.predicates.fields import HOME
from secureload.signing.predicates.scan import EXAMINED, Scan

__all__ = ["scan_of"]


def scan_of(artifact: Artifact, limits: Limits = DEFAULT_LIMITS) -> Scan:
    """Examine a pinned file, or every member of a folder, and return the statement that all of it is accepted.

    Empty members hold nothing to examine; members that the signer left out are not looked at, and not covered.

    Raises:
        PolicyError: something is not accepted; only an accepted verdict is worth a statement.
        ManifestMismatchError: a member was changed after the folder was hashed.
        SandboxError: the confined tracer cannot be had here.
    """
    trust = counted(verification_of(artifact, None, None, limits), EXAMINE)
    with Examiner(allow_list(()), limits) as examiner:
        for member in _members(artifact):
            verdict = decide(
                EXAMINE,
                trust,
                examiner.examine(member),
                artifact.manifest.subject_digest,
                now=datetime.now(UTC),
            )
            if verdict.outcome is not Outcome.ACCEPTED:
                about = "it" if member is artifact else printable(member.locator, 400)
                raise PolicyError(
                    f"nothing is stated about {about}: {verdict.summary}",
                    verdict=verdict,
                    hint="'secureload check' shows what was found",
                )
    return Scan(
        verifier=f"{HOME}/secureload/{__version__}",
        verified=encode_instant(datetime.now(UTC)),
        resource=printable(artifact.name, 300),
        policy=f"{HOME}/policy/{EXAMINE.name}",
        levels=(EXAMINED,),
    )


def _members(artifact: Artifact) -> Iterator[Artifact]:
    """Yield a file itself, and of a folder one pinned member after the other."""
    if artifact.kind == "file":
        yield artifact
        return
    for member in artifact.manifest.members:
        if member.size:
            with artifact.open_member(member.name) as opened:
                yield opened
