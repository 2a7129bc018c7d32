"""secureload: sign, check and load serialized models; only what has been verified, only in a sandbox.

>>> import secureload
>>> model = secureload.safe_load("model.joblib")    # doctest: +SKIP
>>> model.predict(X)                                # doctest: +SKIP

The names below are the public interface. They are imported when they are first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from secureload.errors import (
    ArtifactError,
    PolicyError,
    SandboxError,
    SecureloadError,
    TrustError,
    UsageError,
)
from secureload.limits import DEFAULT_LIMITS, Limits

if TYPE_CHECKING:
    from secureload.api.attest import Attested, attest, merge
    from secureload.api.check import Checked, check
    from secureload.api.describe import describe
    from secureload.api.load import ModelVersionWarning, safe_load
    from secureload.api.sign import Signed, sign
    from secureload.api.verify import Verified, verify
    from secureload.sandbox.terms import ReducedConfinementWarning

__version__ = "0.1.0"

__all__ = [
    "DEFAULT_LIMITS",
    "ArtifactError",
    "Attested",
    "Checked",
    "Limits",
    "ModelVersionWarning",
    "PolicyError",
    "ReducedConfinementWarning",
    "SandboxError",
    "SecureloadError",
    "Signed",
    "TrustError",
    "UsageError",
    "Verified",
    "attest",
    "check",
    "describe",
    "merge",
    "safe_load",
    "sign",
    "verify",
]

_LAZY = {
    "Attested": "secureload.api.attest",
    "attest": "secureload.api.attest",
    "describe": "secureload.api.describe",
    "merge": "secureload.api.attest",
    "Checked": "secureload.api.check",
    "ModelVersionWarning": "secureload.api.load",
    "ReducedConfinementWarning": "secureload.sandbox.terms",
    "Signed": "secureload.api.sign",
    "Verified": "secureload.api.verify",
    "check": "secureload.api.check",
    "safe_load": "secureload.api.load",
    "sign": "secureload.api.sign",
    "verify": "secureload.api.verify",
}


def __getattr__(name: str) -> Any:
    module = _LAZY.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(module), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
