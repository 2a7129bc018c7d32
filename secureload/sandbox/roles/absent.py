"""What a worker raises that comes to need a module which its zygote has not imported."""

from __future__ import annotations

__all__ = ["NotImportedError"]


class NotImportedError(BaseException):
    """A module is missing. No reader's fault and no finding: whoever catches exceptions lets it pass."""
