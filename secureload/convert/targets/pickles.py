"""Back to joblib or pickle, for tools that read nothing else: the result can run code, and is signed anew."""

from __future__ import annotations

import io
import pickle
from collections.abc import Mapping
from typing import Any

from secureload.limits import Limits

__all__ = ["encode", "prepare"]

_PROTOCOL = 5


def prepare() -> None:
    """Import joblib while files can be read."""
    import joblib  # noqa: F401


def _compression(asked: Any) -> Any:
    """joblib takes a level, or a pair of method and level."""
    return tuple(asked) if isinstance(asked, list) else asked


def encode(model: Any, own_names: tuple[str, ...], limits: Limits, options: Mapping[str, Any]) -> list[Any]:
    """Return the pickle (protocol 5), or what ``joblib.dump`` writes."""
    del own_names, limits
    if options["name"] == "pickle":
        return [pickle.dumps(model, _PROTOCOL)]
    import joblib

    file = io.BytesIO()
    joblib.dump(model, file, compress=_compression(options.get("compress", 0)))
    return [file.getbuffer()]
