"""``scan``: a verdict that was reached about this model, as a SLSA verification summary.

Source: SLSA v1.0, Verification Summary Attestation (VSA), ``https://slsa.dev/verification_summary/v1``.
"""

from __future__ import annotations

from secureload.signing.predicates.fields import refused, take_label, take_time
from secureload.signing.strict_json import take_list, take_object
from secureload.values import dataclass

__all__ = ["EXAMINED", "ROLE", "TYPE", "Scan", "encode", "parse"]

TYPE = "https://slsa.dev/verification_summary/v1"
ROLE = "scanner"
# What an admitted verdict of ours says; SLSA's own levels are about builds and say nothing of a model.
EXAMINED = "SECURELOAD_EXAMINED"
_WHERE = "the scan result"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """Who verified what when, by which policy. Only a PASSED summary is a statement for a model."""

    verifier: str
    verified: str  # an instant
    resource: str
    policy: str
    levels: tuple[str, ...]


def encode(scan: Scan) -> dict[str, object]:
    """Return the predicate as a value of JSON."""
    return {
        "policy": {"uri": scan.policy},
        "resourceUri": scan.resource,
        "timeVerified": scan.verified,
        "verificationResult": "PASSED",
        "verifiedLevels": list(scan.levels),
        "verifier": {"id": scan.verifier},
    }


def parse(value: object) -> Scan:
    """Parse the predicate; a summary that did not pass is refused."""
    fields = take_object(
        value,
        _WHERE,
        ("policy", "resourceUri", "timeVerified", "verificationResult", "verifiedLevels", "verifier"),
    )
    if fields["verificationResult"] != "PASSED":
        raise refused(f"{_WHERE} did not pass")
    levels = take_list(fields["verifiedLevels"], f"{_WHERE}: verifiedLevels")
    policy = take_object(fields["policy"], f"{_WHERE}: policy", ("uri",))
    verifier = take_object(fields["verifier"], f"{_WHERE}: verifier", ("id",))
    return Scan(
        verifier=take_label(verifier["id"], f"{_WHERE}: verifier"),
        verified=take_time(fields["timeVerified"], f"{_WHERE}: timeVerified"),
        resource=take_label(fields["resourceUri"], f"{_WHERE}: resourceUri"),
        policy=take_label(policy["uri"], f"{_WHERE}: policy"),
        levels=tuple(take_label(level, f"{_WHERE}: level", 100) for level in levels[:100]),
    )
