"""What this user has verified before, by trust store: the highest version of each model, and the latest time.

An old model that is rightly signed is still an attack where it replaces a newer one (a rollback), and a clock that
is set back revives what has expired. One small file for each trust store, in the user's state folder.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

from secureload.errors import SignatureFormatError, UsageError
from secureload.limits import DEFAULT_LIMITS, Limits
from secureload.policy.signature_rules import NO_MEMORY, Memory
from secureload.printable import printable
from secureload.signing.instants import encode_instant, parse_instant
from secureload.signing.strict_json import parse_json, take_object, take_string
from secureload.signing.truststore import TrustStore
from secureload.signing.versions import compare_versions
from secureload.trust.files import locked_folder, make_folder, read_file, replace_file
from secureload.trust.folders import default_state_folder

__all__ = ["forget", "memory_path", "read_memory", "remember"]

# The time is written down when it has moved so far: a process that loads a model each second writes once an hour.
_CLOCK_STEP = timedelta(hours=1)


def memory_path(store: TrustStore | Path) -> Path:
    """Return the file for a trust store: for a folder by its resolved path, for a value by the keys in it."""
    if isinstance(store, Path):
        named = str(store.resolve()).encode("utf-8", "surrogateescape")
    else:
        named = b"keys" + b"".join(sorted(key.public_key.raw for key in store.keys))
    return default_state_folder() / f"seen-{hashlib.sha256(named).hexdigest()[:32]}.json"


def read_memory(store: TrustStore | Path, limits: Limits = DEFAULT_LIMITS) -> Memory:
    """Return what was seen before, :data:`NO_MEMORY` where nothing was.

    Raises :class:`UsageError` for a file that is damaged, or that others may write to.
    """
    path = memory_path(store)
    if not _is_there(path):
        return NO_MEMORY
    return _parse(read_file(path, limits.memory_bytes), path, limits)


def remember(
    store: TrustStore | Path,
    versions: Mapping[str, str],
    now: datetime,
    *,
    lower: bool = False,
    limits: Limits = DEFAULT_LIMITS,
) -> None:
    """Note what was verified ``now``: the higher version of each model stays, ``lower`` ones only on request.

    One process at a time changes the file. Raises :class:`UsageError` where it cannot be written.
    """
    before = read_memory(store, limits)
    if _changed(before, versions, now, lower=lower) == before:
        return
    path = memory_path(store)
    make_folder(path.parent)
    with locked_folder(path.parent):
        changed = _changed(read_memory(store, limits), versions, now, lower=lower)
        replace_file(path, _encode(changed), 0o600)


def forget(store: TrustStore | Path, limits: Limits = DEFAULT_LIMITS) -> Memory:
    """Forget everything about a trust store, and return what it was."""
    path = memory_path(store)
    if not _is_there(path):
        return NO_MEMORY
    with locked_folder(path.parent):
        try:
            before = read_memory(store, limits)
        except UsageError:
            before = NO_MEMORY  # it is damaged, which is why somebody asks for this
        path.unlink(missing_ok=True)
    return before


def _changed(before: Memory, versions: Mapping[str, str], now: datetime, *, lower: bool) -> Memory:
    highest = dict(before.versions)
    for name, version in versions.items():
        if name not in highest or lower or compare_versions(version, highest[name]) > 0:
            highest[name] = version
    latest = before.latest
    if latest is None or now - latest >= _CLOCK_STEP or (highest != before.versions and now > latest):
        latest = now.replace(microsecond=0)
    return Memory(highest, latest)


def _parse(data: bytes, path: Path, limits: Limits) -> Memory:
    try:
        fields = take_object(
            parse_json(data, where="it", limits=limits), "it", ("version", "latest", "models")
        )
        models = fields["models"]
        latest = parse_instant(take_string(fields["latest"], "it: latest"))
        if fields["version"] == 1 and isinstance(models, dict) and latest is not None:
            return Memory({name: take_string(seen, "it: version") for name, seen in models.items()}, latest)
        reason = "it has another form"
    except SignatureFormatError as error:
        reason = error.message
    raise UsageError(
        f"the memory of versions {printable(path, 160)} cannot be read: {printable(reason, 200)}",
        hint="Restore it, or give it up with 'secureload trust forget'.",
    )


def _encode(memory: Memory) -> bytes:
    latest = "" if memory.latest is None else encode_instant(memory.latest)
    value = {"version": 1, "latest": latest, "models": dict(sorted(memory.versions.items()))}
    return json.dumps(value, indent=1, ensure_ascii=True).encode("ascii") + b"\n"


def _is_there(path: Path) -> bool:
    with contextlib.suppress(OSError, ValueError):
        path.lstat()
        return True
    return False
