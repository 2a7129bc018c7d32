"""The lineage of a conversion, signed together with its result."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from secureload.api.sign import sign
from secureload.limits import Limits
from secureload.values import replace

if TYPE_CHECKING:
    from secureload.api.convert import Conversion
    from secureload.signing.keys import Signer

__all__ = ["sign_conversion"]


def sign_conversion(
    made: Conversion,
    key: Signer | str | os.PathLike[str],
    password: bytes | None,
    options: Mapping[str, Any],
    limits: Limits,
) -> Conversion:
    """Sign the target, and return the conversion with where the signature is."""
    del options
    signed = sign(made.target, key=key, password=password, limits=limits)
    return replace(made, provenance=signed.sidecar)
