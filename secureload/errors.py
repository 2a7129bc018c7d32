"""Every error that secureload raises, split by whose fault it is.

The contract: whatever the bytes of an artifact, a signature file, a key or a policy, a public function
returns a value or raises a :class:`SecureloadError`. The class says who has to act (the caller, the sender
of the bytes, our own machinery), ``code`` says what happened in a form that programs can compare, ``hint``
says what to do next, and ``fields`` carries the particulars. ``exit_code`` is what the command line ends
with; it is part of the public interface.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from types import MappingProxyType
from typing import Any, ClassVar

__all__ = [
    "ArtifactError",
    "BadSignatureError",
    "ConversionError",
    "CrashLoopError",
    "ExitCode",
    "ExpiredError",
    "LimitError",
    "LoadFailedError",
    "MalformedError",
    "ManifestMismatchError",
    "PolicyError",
    "RegistryError",
    "RequirementError",
    "RevokedError",
    "RollbackError",
    "SandboxError",
    "SandboxMemoryError",
    "SandboxTimeoutError",
    "SecureloadError",
    "SelfTestError",
    "SignatureFormatError",
    "ThresholdError",
    "TrustError",
    "UnsignedError",
    "UnsupportedError",
    "UntrustedError",
    "UsageError",
]


class ExitCode(IntEnum):
    """The exit codes of the command line, in no order; :func:`worst` knows which one wins."""

    ACCEPTED = 0
    REJECTED = 1
    USAGE = 2
    UNDECIDED = 3
    UNTRUSTED = 4
    ENVIRONMENT = 5

    @staticmethod
    def worst(codes: Mapping[Any, int] | list[int] | tuple[int, ...]) -> ExitCode:
        """Return the code that wins where several apply: 1 before 4 before 3 before 5 (and 2 before 0)."""
        present = {ExitCode(code) for code in codes}
        for code in (
            ExitCode.REJECTED,
            ExitCode.UNTRUSTED,
            ExitCode.UNDECIDED,
            ExitCode.ENVIRONMENT,
            ExitCode.USAGE,
        ):
            if code in present:
                return code
        return ExitCode.ACCEPTED


class SecureloadError(Exception):
    """The root of every error that a public function of secureload raises.

    ``message`` is one line; ``hint`` is one line that says what to do, or ``""``; ``fields`` holds the
    particulars under names that stay the same between releases.
    """

    code: ClassVar[str] = "error"
    exit_code: ClassVar[ExitCode] = ExitCode.ENVIRONMENT

    def __init__(self, message: str, *, hint: str = "", **fields: object) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.fields: Mapping[str, object] = MappingProxyType(fields)

    def __str__(self) -> str:
        return self.message


class UsageError(SecureloadError):
    """The caller asked for something that cannot be: a flag, a path, a key file, a policy, a missing extra."""

    code = "usage"
    exit_code = ExitCode.USAGE


class ArtifactError(SecureloadError):
    """The bytes of an artifact cannot be read as what they claim to be."""

    code = "artifact"
    exit_code = ExitCode.UNDECIDED


class MalformedError(ArtifactError):
    """The bytes break the rules of their format; ``fields`` has ``format`` and, where known, ``offset``."""

    code = "artifact.malformed"


class LimitError(ArtifactError):
    """A limit was reached; ``fields`` has ``limit`` (its name), ``allowed`` and ``seen``."""

    code = "artifact.limit"

    @property
    def named(self) -> str:
        """The message, with the limit's name."""
        limit = str(self.fields.get("limit", ""))
        return self.message if not limit or limit in self.message else f"{limit}: {self.message}"


class UnsupportedError(ArtifactError):
    """What this is cannot be examined: a special file, a symbolic link, a format that has no reader here."""

    code = "artifact.unsupported"


class LoadFailedError(ArtifactError):
    """The bytes were admitted, and raised an exception while they were loaded in the sandbox."""

    code = "artifact.load-failed"


class TrustError(SecureloadError):
    """Nobody whom the trust store trusts vouches for these bytes."""

    code = "trust"
    exit_code = ExitCode.UNTRUSTED


class UnsignedError(TrustError):
    """There is no signature to verify."""

    code = "trust.unsigned"


class SignatureFormatError(TrustError):
    """The signature file breaks the rules of its format."""

    code = "trust.signature-format"


class BadSignatureError(TrustError):
    """The signature does not belong to the signed bytes and the key that it names."""

    code = "trust.bad-signature"


class UntrustedError(TrustError):
    """The signature may be good, but its key is not in the trust store, or not for this role or model."""

    code = "trust.untrusted"


class ExpiredError(TrustError):
    """The key or the statement was not valid at this time."""

    code = "trust.expired"


class RevokedError(TrustError):
    """The key was revoked; ``fields`` has ``since`` and ``reason``."""

    code = "trust.revoked"


class ThresholdError(TrustError):
    """Fewer distinct keys vouch for the artifact than the policy asks for."""

    code = "trust.threshold"


class RollbackError(TrustError):
    """A newer version of this model was verified before; ``fields`` has ``version`` and ``seen``."""

    code = "trust.rollback"


class RequirementError(TrustError):
    """The signatures are good, and the policy asks for more; ``fields`` has ``missing``, a line each."""

    code = "trust.requirement"


class SelfTestError(TrustError):
    """The loaded model does not give the outputs that its signed golden rows promise."""

    code = "trust.self-test"


class ManifestMismatchError(TrustError):
    """The signature is good, but for other bytes; ``fields`` has ``changed``, ``missing`` and ``added``."""

    code = "trust.manifest-mismatch"


class PolicyError(SecureloadError):
    """The artifact is not admitted; ``verdict`` says why."""

    code = "policy"
    exit_code = ExitCode.UNDECIDED

    def __init__(self, message: str, *, verdict: Any, hint: str = "", **fields: object) -> None:
        super().__init__(message, hint=hint, **fields)
        self.verdict = verdict


class SandboxError(SecureloadError):
    """Our own machinery: a layer of the confinement is missing, the worker died, the wire broke, a time-out."""

    code = "sandbox"
    exit_code = ExitCode.ENVIRONMENT


class SandboxTimeoutError(SandboxError, TimeoutError):
    """The worker did not answer in time; it was ended, and the next call starts another one."""

    code = "sandbox.timeout"


class SandboxMemoryError(SandboxError, MemoryError):
    """The model asked for more memory than it may have; it can be asked again."""

    code = "sandbox.memory"


class CrashLoopError(SandboxError):
    """The worker crashed more often than it is started again; ``fields`` has ``restarts`` and ``seconds``."""

    code = "sandbox.crash-loop"


class ConversionError(SecureloadError):
    """A conversion was refused, because the outputs differ or the estimator has no counterpart."""

    code = "conversion"
    exit_code = ExitCode.REJECTED


class RegistryError(SecureloadError):
    """The model registry refused: a conflict, a promotion without approval, a broken audit log."""

    code = "registry"
    exit_code = ExitCode.ENVIRONMENT
