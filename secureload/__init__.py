"""secureload: sign, check and load serialized models; only what has been verified, only in a sandbox.

>>> import secureload
>>> model = secureload.safe_load("model.joblib")    # doctest: +SKIP
>>> model.predict(X)                                # doctest: +SKIP

The names below are the public interface. They are imported when they are first used.
"""

from __future__ import annotations

TYPE_CHECKING = False  # what has it would be imported for it: a tenth of the start of check
if TYPE_CHECKING:
    from typing import Any

    from secureload.api.attest import Attested, attest, merge
    from secureload.api.check import Checked, check
    from secureload.api.compare import Comparison, compare
    from secureload.api.convert import Conversion, convert
    from secureload.api.describe import describe
    from secureload.api.load import ModelVersionWarning, safe_load
    from secureload.api.prewarm import prewarm
    from secureload.api.sign import Signed, sign
    from secureload.api.verify import Verified, verify
    from secureload.errors import (
        ArtifactError,
        CrashLoopError,
        PolicyError,
        SandboxError,
        SandboxMemoryError,
        SandboxTimeoutError,
        SecureloadError,
        TrustError,
        UsageError,
    )
    from secureload.events import Event, observe
    from secureload.limits import DEFAULT_LIMITS, Limits
    from secureload.sandbox.terms import ReducedConfinementWarning

__version__ = "0.1.0"

__all__ = [
    "DEFAULT_LIMITS",
    "ArtifactError",
    "Attested",
    "Checked",
    "Comparison",
    "Conversion",
    "CrashLoopError",
    "Event",
    "Limits",
    "ModelVersionWarning",
    "PolicyError",
    "ReducedConfinementWarning",
    "SandboxError",
    "SandboxMemoryError",
    "SandboxTimeoutError",
    "SecureloadError",
    "Signed",
    "TrustError",
    "UsageError",
    "Verified",
    "attest",
    "check",
    "compare",
    "convert",
    "describe",
    "merge",
    "observe",
    "prewarm",
    "safe_load",
    "sign",
    "verify",
]

_LAZY = {
    **dict.fromkeys(
        (
            *("ArtifactError", "CrashLoopError", "PolicyError", "SandboxError", "SandboxMemoryError"),
            *("SandboxTimeoutError", "SecureloadError", "TrustError", "UsageError"),
        ),
        "secureload.errors",
    ),
    **dict.fromkeys(("DEFAULT_LIMITS", "Limits"), "secureload.limits"),
    "Attested": "secureload.api.attest",
    "attest": "secureload.api.attest",
    "describe": "secureload.api.describe",
    "merge": "secureload.api.attest",
    "Checked": "secureload.api.check",
    "Comparison": "secureload.api.compare",
    "Conversion": "secureload.api.convert",
    "Event": "secureload.events",
    "ModelVersionWarning": "secureload.api.load",
    "ReducedConfinementWarning": "secureload.sandbox.terms",
    "Signed": "secureload.api.sign",
    "Verified": "secureload.api.verify",
    "check": "secureload.api.check",
    "compare": "secureload.api.compare",
    "convert": "secureload.api.convert",
    "observe": "secureload.events",
    "prewarm": "secureload.api.prewarm",
    "safe_load": "secureload.api.load",
    "sign": "secureload.api.sign",
    "verify": "secureload.api.verify",
}


def __getattr__(name: str) -> Any:
    module = _LAZY.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    value = getattr(importlib.import_module(module), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
