"""``timestamp``: a countersignature. Its signer saw the signature with this digest at the time of the statement.

A signature's own date is its signer's word, and whoever stole the key writes any date. Where a key was revoked or
has expired, only what somebody else saw before counts (as RFC 3161 time stamps do for certificates).
"""

from __future__ import annotations

from secureload.signing.predicates.fields import HOME, take_digest
from secureload.signing.strict_json import take_object
from secureload.values import dataclass

__all__ = ["ROLE", "TYPE", "Timestamp", "encode", "parse"]

TYPE = f"{HOME}/timestamp/v1"
ROLE = "timestamper"
_WHERE = "the timestamp"


@dataclass(frozen=True, slots=True)
class Timestamp:
    """Which envelope was seen: :func:`secureload.signing.dsse.envelope_digest` (32 bytes)."""

    envelope: bytes


def encode(timestamp: Timestamp) -> dict[str, object]:
    """Return the predicate as a value of JSON."""
    return {"envelope": {"sha256": timestamp.envelope.hex()}}


def parse(value: object) -> Timestamp:
    """Parse the predicate."""
    fields = take_object(value, _WHERE, ("envelope",))
    return Timestamp(take_digest(fields["envelope"], f"{_WHERE}: envelope"))
