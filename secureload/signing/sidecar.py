"""The sidecar ``NAME.sig``: JSON Lines, one bundle a line, one line a signature."""

from __future__ import annotations

from collections.abc import Iterable

from secureload.errors import SignatureFormatError
from secureload.limits import DEFAULT_LIMITS, Limits
from secureload.signing.bundle import encode_bundle, parse_bundle
from secureload.signing.dsse import Envelope

__all__ = ["encode_sidecar", "parse_sidecar"]


def encode_sidecar(envelopes: Iterable[Envelope]) -> bytes:
    """Encode the envelopes in their order, each on a line of its own."""
    return b"".join(encode_bundle(envelope) + b"\n" for envelope in envelopes)


def parse_sidecar(data: bytes, limits: Limits = DEFAULT_LIMITS) -> tuple[Envelope, ...]:
    """Parse every line; one line that is not a bundle refuses the file.

    Raises :class:`SignatureFormatError`, whose ``fields`` has ``line`` (from 1) where a line is to blame. The
    signatures are not verified here.
    """
    if not data:
        raise _refused("the signature file is empty")
    if len(data) > limits.sidecar_bytes:
        raise _refused(
            f"the signature file is larger than {limits.sidecar_bytes:,} bytes",
            limit="sidecar_bytes",
            allowed=limits.sidecar_bytes,
            seen=len(data),
        )
    count = data.count(b"\n") + (not data.endswith(b"\n"))
    if count > limits.sidecar_bundles:
        raise _refused(
            f"the signature file has {count:,} lines; the most is {limits.sidecar_bundles:,}",
            limit="sidecar_bundles",
            allowed=limits.sidecar_bundles,
            seen=count,
        )
    lines = data.removesuffix(b"\n").split(b"\n")
    return tuple(_parse_line(line, number, limits) for number, line in enumerate(lines, start=1))


def _parse_line(line: bytes, number: int, limits: Limits) -> Envelope:
    where = f"line {number} of the signature file"
    if not line.strip():
        raise _refused(f"{where} is blank", line=number)
    try:
        return parse_bundle(line, limits, where=where)
    except SignatureFormatError as error:
        raise SignatureFormatError(
            error.message, hint=error.hint, **{**error.fields, "line": number}
        ) from None


def _refused(message: str, **fields: object) -> SignatureFormatError:
    return SignatureFormatError(
        message, hint="Ask the sender for a new signature, made with 'secureload sign'.", **fields
    )
