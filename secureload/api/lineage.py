"""The lineage of a conversion, as SLSA provenance about the target, signed together with it by the same key."""

from __future__ import annotations

import importlib.metadata
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from secureload.api.attest import attest
from secureload.api.sign import sign, signer_of
from secureload.limits import Limits
from secureload.signing.predicates.lineage import Lineage, Source
from secureload.values import replace

if TYPE_CHECKING:
    from secureload.api.convert import Conversion
    from secureload.signing.keys import Signer

__all__ = ["sign_conversion"]

_LIBRARIES = ("numpy", "scikit-learn", "scipy", "skl2onnx", "onnxruntime", "skops")


def sign_conversion(
    made: Conversion,
    key: Signer | str | os.PathLike[str],
    password: bytes | None,
    options: Mapping[str, Any],
    limits: Limits,
) -> Conversion:
    """Sign the target and its lineage, and return the conversion with where they are.

    Raises as :func:`~secureload.api.attest.attest` does.
    """
    signer = signer_of(key, password, limits)
    sign(made.target, key=signer, limits=limits)
    lineage = Lineage(
        builder=f"secureload {_version('secureload')}",
        sources=(Source(made.source.name, bytes.fromhex(made.source_digest)),),
        parameters=_parameters(made, options),
    )
    attested = attest(made.target, lineage, key=signer, limits=limits)
    return replace(made, provenance=attested.written)


def _parameters(made: Conversion, options: Mapping[str, Any]) -> dict[str, object]:
    """Return what was asked for and what was proved; numbers that are no integers as text."""
    proof: dict[str, object] = {
        "tier": made.proof.tier.value,
        "inputs": made.inputs,
        "values": made.proof.compared,
        "ties": made.proof.ties,
        "flips": made.proof.flips,
        "largest_difference": "0" if made.proof.largest is None else repr(made.proof.largest.size),
    }
    if made.state_hash is not None:
        proof["state_sha256"] = made.state_hash
    versions = {library: found for library in _LIBRARIES if (found := _version(library))}
    asked = {name: value if isinstance(value, str | bool) else str(value) for name, value in options.items()}
    return {
        "format": made.format,
        "model": made.model,
        "options": asked,
        "proof": proof,
        "libraries": versions,
    }


def _version(library: str) -> str:
    try:
        return importlib.metadata.version(library)
    except importlib.metadata.PackageNotFoundError:
        return ""
