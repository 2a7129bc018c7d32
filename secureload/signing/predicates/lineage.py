"""``lineage``: what this model was made from, as SLSA provenance.

Source: SLSA v1.0, Provenance, ``https://slsa.dev/provenance/v1``.
"""

from __future__ import annotations

from secureload.signing.predicates.fields import HOME, refused, take_digest, take_free, take_label
from secureload.signing.strict_json import take_list, take_object
from secureload.values import dataclass, field

__all__ = ["CONVERSION", "ROLE", "TYPE", "Lineage", "Source", "encode", "parse"]

TYPE = "https://slsa.dev/provenance/v1"
ROLE = "signer"
CONVERSION = f"{HOME}/conversion/v1"
_WHERE = "the lineage"
_MOST_SOURCES = 1_000


@dataclass(frozen=True, slots=True)
class Source:
    """One input: its name and the SHA-256 of its bytes (32 bytes)."""

    name: str
    digest: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Lineage:
    """How the model was made: by which builder, as which kind of build, from which sources."""

    builder: str
    sources: tuple[Source, ...]
    build: str = CONVERSION
    parameters: dict[str, object] = field(default_factory=dict)


def encode(lineage: Lineage) -> dict[str, object]:
    """Return the predicate as a value of JSON."""
    return {
        "buildDefinition": {
            "buildType": lineage.build,
            "externalParameters": lineage.parameters,
            "resolvedDependencies": [
                {"digest": {"sha256": source.digest.hex()}, "name": source.name} for source in lineage.sources
            ],
        },
        "runDetails": {"builder": {"id": lineage.builder}},
    }


def parse(value: object) -> Lineage:
    """Parse the predicate; a lineage without a source is refused, because it says nothing."""
    fields = take_object(value, _WHERE, ("buildDefinition", "runDetails"))
    build = take_object(
        fields["buildDefinition"],
        f"{_WHERE}: buildDefinition",
        ("buildType", "externalParameters", "resolvedDependencies"),
    )
    run = take_object(fields["runDetails"], f"{_WHERE}: runDetails", ("builder",))
    builder = take_object(run["builder"], f"{_WHERE}: builder", ("id",))
    sources = take_list(build["resolvedDependencies"], f"{_WHERE}: resolvedDependencies")
    if not 1 <= len(sources) <= _MOST_SOURCES:
        raise refused(f"{_WHERE} names {len(sources):,} sources instead of 1 to {_MOST_SOURCES:,}")
    return Lineage(
        builder=take_label(builder["id"], f"{_WHERE}: builder"),
        sources=tuple(_source(source) for source in sources),
        build=take_label(build["buildType"], f"{_WHERE}: buildType"),
        parameters=take_free(build["externalParameters"], f"{_WHERE}: externalParameters"),
    )


def _source(value: object) -> Source:
    where = f"{_WHERE}: source"
    fields = take_object(value, where, ("name", "digest"))
    return Source(take_label(fields["name"], where), take_digest(fields["digest"], where))
