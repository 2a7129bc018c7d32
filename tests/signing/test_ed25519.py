from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given, settings
from hypothesis import strategies as st

from secureload.errors import UsageError
from secureload.signing.ed25519 import check_public_key, verify_signature, weakness
from secureload.signing.keys import PublicKey

P = 2**255 - 19
D = -121665 * pow(121666, -1, P) % P
L = 2**252 + 27742317777372353535851937790883648493
Point = tuple[int, int]


def add(first: Point, second: Point) -> Point:
    """The affine addition of RFC 8032, section 5.1, written apart from what is tested."""
    (x1, y1), (x2, y2) = first, second
    k = D * x1 * x2 * y1 * y2
    return (x1 * y2 + x2 * y1) * pow(1 + k, -1, P) % P, (y1 * y2 + x1 * x2) * pow(1 - k, -1, P) % P


def times(scalar: int, point: Point) -> Point:
    result: Point = (0, 1)
    while scalar:
        if scalar & 1:
            result = add(result, point)
        point = add(point, point)
        scalar >>= 1
    return result


def x_of(y: int) -> int | None:
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    root = pow(square, (P + 3) // 8, P)
    if root * root % P != square:
        root = root * pow(2, (P - 1) // 4, P) % P
    return root if root * root % P == square else None


def encoded(point: Point) -> bytes:
    return (point[1] | (point[0] & 1) << 255).to_bytes(32, "little")


def small_order_points() -> set[Point]:
    """All eight points of small order: the multiples of L times a point that has them in it."""
    for y in range(2, 100):
        x = x_of(y)
        if x is not None:
            torsion = times(L, (x, y))
            points = {times(k, torsion) for k in range(8)}
            if len(points) == 8:
                return points
    raise AssertionError("no point of order 8 L below y = 100")


SMALL_ORDER = sorted(encoded(point) for point in small_order_points())
# The two points with x = 0, with the sign bit set as well; and y + p, where that fits into 255 bits.
NON_CANONICAL = [
    (1 | 1 << 255).to_bytes(32, "little"),
    (P - 1 | 1 << 255).to_bytes(32, "little"),
    *((y + P | sign << 255).to_bytes(32, "little") for y in range(19) for sign in (0, 1)),
]


def test_there_are_eight_points_of_small_order() -> None:
    assert len(SMALL_ORDER) == 8


@pytest.mark.parametrize("raw", SMALL_ORDER, ids=bytes.hex)
def test_each_point_of_small_order_is_refused_on_import_and_on_use(raw: bytes) -> None:
    Ed25519PublicKey.from_public_bytes(raw)  # the library below does load it
    with pytest.raises(UsageError, match="small order"):
        check_public_key(raw)
    with pytest.raises(UsageError, match="small order"):
        PublicKey(raw)
    with pytest.raises(UsageError, match="small order"):
        verify_signature(raw, bytes(64), b"message")


@pytest.mark.parametrize("raw", NON_CANONICAL, ids=bytes.hex)
def test_a_second_encoding_of_a_key_is_refused(raw: bytes) -> None:
    assert weakness(raw)
    with pytest.raises(UsageError):
        PublicKey(raw)


def test_the_constant_signature_that_the_identity_point_accepts_for_every_message_is_refused() -> None:
    identity = (1).to_bytes(32, "little")
    constant = identity + bytes(32)
    for message in (b"", b"one model", b"another model"):
        Ed25519PublicKey.from_public_bytes(identity).verify(constant, message)  # raises nothing: the attack
        with pytest.raises(UsageError, match="anybody can make signatures"):
            verify_signature(identity, constant, message)


@pytest.mark.parametrize("length", [0, 31, 33, 64])
def test_a_key_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(UsageError, match="instead of 32"):
        check_public_key(bytes(length))


def test_bytes_that_are_no_point_on_the_curve_are_refused() -> None:
    y = next(y for y in range(2, 100) if x_of(y) is None)
    with pytest.raises(UsageError, match="not a point on the curve"):
        check_public_key(y.to_bytes(32, "little"))


@pytest.mark.parametrize(
    ("key", "message", "signature"),
    [
        (
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            "",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555"
            "fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
        ),
        (
            "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
            "af82",
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac1"
            "8ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
        ),
    ],
    ids=["TEST 1", "TEST 3"],
)
def test_the_vectors_of_rfc_8032_verify_and_nothing_near_them(key: str, message: str, signature: str) -> None:
    raw, text, sig = (bytes.fromhex(part) for part in (key, message, signature))
    assert verify_signature(raw, sig, text)
    assert not verify_signature(raw, sig, text + b"x")
    assert not verify_signature(raw, sig[:-1], text)
    for position in (0, 31, 32, 63):
        changed = bytearray(sig)
        changed[position] ^= 1
        assert not verify_signature(raw, bytes(changed), text)


def test_the_same_signature_with_s_plus_l_is_not_a_second_signature() -> None:
    private = Ed25519PrivateKey.generate()
    raw = private.public_key().public_bytes_raw()
    signature = private.sign(b"message")
    again = signature[:32] + (int.from_bytes(signature[32:], "little") + L).to_bytes(32, "little")
    assert verify_signature(raw, signature, b"message")
    assert not verify_signature(raw, again, b"message")


@settings(deadline=None, max_examples=100)
@given(st.binary(max_size=40), st.binary(max_size=70), st.binary(max_size=10))
def test_no_random_key_and_signature_verify_and_nothing_else_is_raised(
    key: bytes, signature: bytes, message: bytes
) -> None:
    try:
        assert not verify_signature(key, signature, message)
    except UsageError as error:
        assert error.fields["weakness"]


@settings(deadline=None, max_examples=20)
@given(st.binary(max_size=50))
def test_every_generated_key_passes_and_verifies_what_it_signed(message: bytes) -> None:
    private = Ed25519PrivateKey.generate()
    raw = private.public_key().public_bytes_raw()
    assert weakness(raw) == ""
    assert verify_signature(raw, private.sign(message), message)
