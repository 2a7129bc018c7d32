"""skops files: loaded with the types that our own allow-list has admitted, then built anew, every field checked.

skops trusts the arrays of a tree that it loads: a forged one reads out of bounds in ``predict``. So what it has
loaded is taken apart, and rebuilt as a structured model is.
"""

from __future__ import annotations

from typing import Any

from secureload.limits import Limits
from secureload.sandbox.roles.loader import AdmittedGlobals

__all__ = ["read_skops"]


def read_skops(data: bytes, admitted: AdmittedGlobals, limits: Limits) -> Any:
    """Return the model of a skops file.

    Raises:
        MalformedError: its state is not one that a model can have.
        ConversionError: it holds something that cannot be checked.
    """
    import skops.io

    from secureload.structured.decoder import decode
    from secureload.structured.encoder import encode
    from secureload.structured.known import default_known

    asked = skops.io.get_untrusted_types(data=data)
    names = set(admitted.names())
    model = skops.io.loads(data, trusted=[name for name in asked if name in names])
    known = default_known().extended_by(admitted.own_names())
    pieces = encode(model, known, {}, limits).pieces
    return decode(memoryview(bytearray().join(pieces)), known, limits, checksum=False)
