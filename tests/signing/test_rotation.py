"""A key hands over to the next: both sign, and nothing less counts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secureload.errors import SignatureFormatError, UsageError
from secureload.signing.dsse import Envelope, sign_payload
from secureload.signing.keys import SigningKey
from secureload.signing.rotation import sign_rotation, verify_rotation

OLD, NEW, THIEF = (SigningKey.generate() for _ in range(3))
NOW = datetime(2026, 6, 1, tzinfo=UTC)
BOTH = sign_rotation(OLD, NEW, created=NOW, retired=NOW + timedelta(days=30))


def test_what_both_signed_names_both_and_when_the_old_one_retires() -> None:
    found = verify_rotation(BOTH)
    assert (found.old, found.new, found.created) == (OLD.public, NEW.public, NOW)
    assert verify_rotation(BOTH[::-1]) == found


def test_one_signature_two_of_one_key_and_one_by_a_stranger_are_refused() -> None:
    payload = BOTH[0].payload
    by_thief = sign_payload(payload, THIEF)
    claimed = Envelope(payload, BOTH[0].payload_type, by_thief.signature, NEW.public.key_id)
    for envelopes in (
        BOTH[:1],
        (BOTH[0], BOTH[0]),
        (BOTH[0], by_thief),
        (BOTH[0], claimed),
        (*BOTH, by_thief),
    ):
        with pytest.raises(SignatureFormatError):
            verify_rotation(envelopes)


def test_a_thief_of_the_old_key_cannot_name_a_key_that_is_not_held() -> None:
    stolen = sign_rotation(OLD, THIEF, created=NOW, retired=NOW)
    swapped = stolen[0].payload.replace(
        stolen[0].payload.split(b'"new":"')[1][:80], BOTH[0].payload.split(b'"new":"')[1][:80]
    )
    forged = (
        sign_payload(swapped, OLD),
        Envelope(swapped, stolen[1].payload_type, stolen[1].signature, NEW.public.key_id),
    )
    with pytest.raises(SignatureFormatError):
        verify_rotation(forged)


def test_a_key_does_not_hand_over_to_itself_and_time_goes_forward() -> None:
    with pytest.raises(UsageError, match="the same"):
        sign_rotation(OLD, OLD, created=NOW, retired=NOW)
    with pytest.raises(UsageError, match="retire before"):
        sign_rotation(OLD, NEW, created=NOW, retired=NOW - timedelta(days=1))


@given(st.binary(max_size=300))
def test_any_payload_that_both_signed_is_a_rotation_or_a_signature_format_error(payload: bytes) -> None:
    with pytest.raises(SignatureFormatError):
        verify_rotation((sign_payload(payload, OLD), sign_payload(payload, NEW)))
