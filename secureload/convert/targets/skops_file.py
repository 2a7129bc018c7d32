"""``--to skops``: written by skops, deflated where it is large."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from secureload.limits import Limits

__all__ = ["encode", "prepare"]

_DEFLATED_FROM_BYTES = 1 << 20


def prepare() -> None:
    """Import skops while files can be read; it imports every estimator."""
    import skops.io  # noqa: F401


def encode(model: Any, own_names: tuple[str, ...], limits: Limits, options: Mapping[str, Any]) -> list[Any]:
    """Return the skops archive."""
    import zipfile

    import skops.io

    from secureload.errors import ConversionError

    del own_names, limits, options
    try:
        data = skops.io.dumps(model)
        if len(data) > _DEFLATED_FROM_BYTES:
            data = skops.io.dumps(model, compression=zipfile.ZIP_DEFLATED)
    except Exception as error:  # skops raises what its nodes raise
        raise ConversionError(
            f"skops cannot write it: {type(error).__name__}: {str(error)[:300]}", hint="try --to safetensors"
        ) from None
    return [data]
