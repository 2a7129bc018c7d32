"""Ed25519 (RFC 8032) with the checks that the library below leaves out.

OpenSSL loads any 32 bytes as a public key. With one of the eight points of small order a constant signature
verifies for most or all messages, and a ``y`` beyond the field's prime gives one point a second encoding, so
that one key passes for two. Both are refused here, whenever a key is used.
"""

from __future__ import annotations

from secureload.errors import UsageError

__all__ = ["PUBLIC_KEY_BYTES", "SIGNATURE_BYTES", "check_public_key", "verify_signature", "weakness"]

PUBLIC_KEY_BYTES = 32
SIGNATURE_BYTES = 64

# RFC 8032, section 5.1: the field's prime, the curve's constant d and the order L of the base point.
_P = 2**255 - 19
_D = -121665 * pow(121666, -1, _P) % _P
_L = 2**252 + 27742317777372353535851937790883648493

# The y of a point of order 8. Doubling it gives y = 0, so x**2 = -y**2, and with the curve's equation
# -x**2 + y**2 = 1 + d x**2 y**2 follows d y**4 + 2 y**2 - 1 = 0; the other solution is its negative.
_Y8 = int.from_bytes(
    bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little"
)
_SMALL_ORDER_Y = frozenset({1, _P - 1, 0, _Y8, _P - _Y8})


def weakness(public_key: bytes) -> str:
    """Return why these bytes must not be used as an Ed25519 public key, or ``""``."""
    if len(public_key) != PUBLIC_KEY_BYTES:
        return f"has {len(public_key):,} bytes instead of {PUBLIC_KEY_BYTES}"
    y = int.from_bytes(public_key, "little") & ((1 << 255) - 1)
    if y >= _P:
        return "is not in its one canonical encoding"
    if y in _SMALL_ORDER_Y:
        return "is a point of small order, for which anybody can make signatures"
    if not _is_on_curve(y):
        return "is not a point on the curve"
    return ""


def check_public_key(public_key: bytes) -> None:
    """Raise :class:`UsageError` unless these are the 32 bytes of an acceptable public key."""
    reason = weakness(public_key)
    if reason:
        raise UsageError(
            f"the public key {reason}",
            hint="Do not use this key, and ask where it comes from; keygen makes no such keys.",
            weakness=reason,
        )


def verify_signature(public_key: bytes, signature: bytes, message: bytes) -> bool:
    """Return whether ``signature`` (64 bytes) is the key's signature of ``message``.

    False also for a signature of another length and for S >= L (RFC 8032, section 5.1.7: the same signature a
    second time). Raises :class:`UsageError` for a weak public key.
    """
    check_public_key(public_key)
    if len(signature) != SIGNATURE_BYTES or int.from_bytes(signature[32:], "little") >= _L:
        return False
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def _is_on_curve(y: int) -> bool:
    """Whether x**2 = (y**2 - 1) / (d y**2 + 1) has a root (RFC 8032, section 5.1.3), by Euler's criterion."""
    numerator = (y * y - 1) % _P
    denominator = (_D * y * y + 1) % _P
    return pow(numerator * denominator % _P, (_P - 1) // 2, _P) == 1
