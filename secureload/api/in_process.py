"""Loading without a sandbox: for formats that hold data, and cannot run code whoever wrote the file."""

from __future__ import annotations

import contextlib
import os
from typing import Any

from secureload.api.readings import CODE_FREE, Reading
from secureload.artifact.artifact import Artifact
from secureload.errors import UsageError
from secureload.limits import Limits
from secureload.pickles.trace import GlobalRef, Trace
from secureload.sandbox.proof import missing_module
from secureload.sandbox.roles.data_readers import reader_of
from secureload.sandbox.roles.loader import AdmittedGlobals
from secureload.sandbox.roles.pinned import open_pinned
from secureload.scan.allowlist import AllowList

__all__ = ["load_here", "own_refs"]


def own_refs(trace: Trace, allowed: AllowList) -> tuple[GlobalRef, ...]:
    """Return what the payload names of the caller's own modules: what the caller has allowed by name."""
    found = ((item.ref, allowed.find(item.ref)) for item in trace.imports)
    return tuple(ref for ref, entry in found if entry is not None and entry.is_own)


def load_here(artifact: Artifact, reading: Reading, own: tuple[GlobalRef, ...], limits: Limits) -> Any:
    """Load into this process; large arrays lie in the pinned bytes, which are mapped and not copied.

    Raises:
        UsageError: the format can run code.
        MalformedError, LimitError: its bytes are not a model's.
        MissingModuleError: a library that reads the format is not installed.
    """
    read = reader_of(reading.name)
    if read is None or reading.name not in CODE_FREE:
        raise UsageError(
            f"a {reading.name} file can run code, and is loaded in the sandbox only",
            hint="leave isolation out, or convert it first: secureload convert FILE --to safetensors",
        )
    # The mapping stays when the artifact is closed, and a descriptor is not needed for it.
    descriptor = os.dup(artifact.fileno())
    try:
        source = open_pinned(descriptor, artifact.size, limits)
        pairs = [(ref.module, ref.name) for ref in own]
        return read(source, AdmittedGlobals(pairs, {ref.module for ref in own}), limits)
    except ImportError as error:
        raise missing_module(error.name or str(error)) from None
    finally:
        with contextlib.suppress(OSError):
            os.close(descriptor)
