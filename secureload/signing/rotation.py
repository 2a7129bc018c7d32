"""One key hands over to the next: a statement about both that both have signed.

The old key's signature says that its owner wants the new one; the new key's, that somebody holds it. So neither a
thief of the old key alone puts in a stranger's key, nor anybody a key that nobody has.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime

from secureload.errors import SignatureFormatError, UsageError
from secureload.limits import DEFAULT_LIMITS, Limits
from secureload.signing.dsse import Envelope, sign_payload, verify_envelope
from secureload.signing.instants import encode_instant, parse_instant
from secureload.signing.keys import PublicKey, Signer, encode_public_key, parse_public_key
from secureload.signing.predicates.fields import HOME
from secureload.signing.statement import STATEMENT_TYPE
from secureload.signing.strict_json import encode_json, parse_json, take_object, take_string
from secureload.values import dataclass

__all__ = ["TYPE", "Rotation", "sign_rotation", "verify_rotation"]

TYPE = f"{HOME}/rotation/v1"
_WHERE = "the rotation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """The old key, the new one, when this was signed, and from when on the old one does not count any more."""

    old: PublicKey
    new: PublicKey
    created: datetime
    retired: datetime


def sign_rotation(
    old: Signer, new: Signer, *, created: datetime, retired: datetime
) -> tuple[Envelope, Envelope]:
    """Return the statement, signed by both. Raises :class:`UsageError` for one key twice."""
    if old.public == new.public:
        raise UsageError(
            "the old key and the new one are the same", hint="Make a new one: 'secureload keygen'."
        )
    if retired < created:
        raise UsageError("the old key would retire before the statement is made", hint="Choose a later time.")
    payload = _encode(Rotation(old=old.public, new=new.public, created=created, retired=retired))
    return sign_payload(payload, old), sign_payload(payload, new)


def verify_rotation(envelopes: Sequence[Envelope], limits: Limits = DEFAULT_LIMITS) -> Rotation:
    """Return what both keys signed. Whether the old one is trusted is the trust store's question.

    Raises :class:`SignatureFormatError` unless there are two envelopes of one payload, one by each of its keys.
    """
    if len(envelopes) != 2 or envelopes[0].payload != envelopes[1].payload:
        raise _refused(f"{_WHERE} is not one statement with two signatures")
    rotation = _parse(envelopes[0].payload, limits)
    for key, word in ((rotation.old, "old"), (rotation.new, "new")):
        if not any(one.key_id == key.key_id and verify_envelope(one, key) for one in envelopes):
            raise _refused(f"{_WHERE} is not signed by the {word} key")
    return rotation


def _encode(rotation: Rotation) -> bytes:
    keys = {"old": rotation.old, "new": rotation.new}
    return encode_json(
        {
            "_type": STATEMENT_TYPE,
            "predicate": {
                "created": encode_instant(rotation.created),
                "retired": encode_instant(rotation.retired),
                **{name: _text(key) for name, key in keys.items()},
            },
            "predicateType": TYPE,
            "subject": [
                {"digest": {"sha256": hashlib.sha256(key.raw).hexdigest()}, "name": name}
                for name, key in keys.items()
            ],
        }
    )


def _parse(payload: bytes, limits: Limits) -> Rotation:
    outer = take_object(
        parse_json(payload, where=_WHERE, limits=limits),
        _WHERE,
        ("_type", "subject", "predicateType", "predicate"),
    )
    if outer["predicateType"] != TYPE:
        raise _refused(f"{_WHERE} is a statement of another kind")
    fields = take_object(outer["predicate"], _WHERE, ("old", "new", "created", "retired"))
    try:
        old, new = (
            parse_public_key(take_string(fields[name], f"{_WHERE}: {name}").encode("utf-8"), limits)
            for name in ("old", "new")
        )
    except UsageError as error:
        raise _refused(f"{_WHERE}: {error.message}") from None
    created, retired = (
        parse_instant(take_string(fields[name], f"{_WHERE}: {name}")) for name in ("created", "retired")
    )
    if created is None or retired is None or retired < created or old == new:
        raise _refused(f"{_WHERE} has times that are none or out of order, or one key twice")
    found = Rotation(old=old, new=new, created=created, retired=retired)
    if _encode(found) != payload:
        raise _refused(f"{_WHERE} is not in the one spelling that it has")
    return found


def _text(key: PublicKey) -> str:
    return encode_public_key(PublicKey(key.raw)).decode("ascii").rstrip()


def _refused(message: str) -> SignatureFormatError:
    return SignatureFormatError(message, hint="Ask for a new one, made with 'secureload key rotate'.")
