"""``approval``: somebody looked at this model and says that it may be used."""

from __future__ import annotations

from secureload.signing.predicates.fields import HOME, refused, take_label
from secureload.signing.strict_json import take_object
from secureload.values import dataclass

__all__ = ["ROLE", "TYPE", "Approval", "encode", "parse"]

TYPE = f"{HOME}/approval/v1"
ROLE = "approver"
_WHERE = "the approval"
_COMMENT_CHARS = 2_000


@dataclass(frozen=True, slots=True)
class Approval:
    """An approver's word; ``comment`` says what was looked at, or nothing."""

    comment: str = ""


def encode(approval: Approval) -> dict[str, object]:
    """Return the predicate as a value of JSON."""
    return {"decision": "approved", **({"comment": approval.comment} if approval.comment else {})}


def parse(value: object) -> Approval:
    """Parse the predicate. Any other decision than "approved" is refused: a no is said by not signing."""
    fields = take_object(value, _WHERE, ("decision",), ("comment",))
    if fields["decision"] != "approved":
        raise refused(f"{_WHERE} holds a decision that is not 'approved'")
    if "comment" not in fields:
        return Approval()
    return Approval(take_label(fields["comment"], f"{_WHERE}: comment", _COMMENT_CHARS, lines=True))
