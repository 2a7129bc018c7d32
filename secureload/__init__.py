"""secureload: sign, check and load serialized models; only what has been verified, only in a sandbox."""

from __future__ import annotations

__version__ = "0.1.0"
