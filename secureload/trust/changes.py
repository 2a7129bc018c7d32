"""Changes of a trust store that others propose: a key that hands over to the next, and the entries of another store."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from secureload.errors import UntrustedError, UsageError
from secureload.limits import DEFAULT_LIMITS, Limits
from secureload.printable import printable
from secureload.signing.instants import encode_instant
from secureload.signing.keys import parse_public_key
from secureload.signing.rotation import Rotation
from secureload.signing.truststore import TrustedKey
from secureload.trust.files import read_file
from secureload.trust.store import TRUST_FILE, add_trusted_key, load_trust_store, retire_key, revoke_key

__all__ = ["import_keys", "rotate_key"]


def rotate_key(
    folder: Path, rotation: Rotation, *, now: datetime, name: str = "", limits: Limits = DEFAULT_LIMITS
) -> tuple[TrustedKey, TrustedKey]:
    """Trust the new key as the old one is trusted, let the old one retire, and return both entries.

    ``name`` is what the new key is called, by default the old one's name with a number. Raises
    :class:`UntrustedError` where the old key is not in the store, is revoked, or is not valid ``now``: what has lost
    its trust cannot pass it on.
    """
    store = load_trust_store(folder, limits)
    old = store.find(rotation.old.key_id)
    if old is None:
        raise UntrustedError(
            f"the old key {rotation.old.fingerprint} is not in the trust store",
            hint="If you know whose key the new one is, add it: 'secureload trust add'.",
        )
    problem = _problem(old, rotation, now)
    if problem:
        raise UntrustedError(
            f"the key of {old.name} cannot hand over: {problem}",
            hint="Ask its owner over another channel, and add the new key yourself: 'secureload trust add'.",
        )
    new = add_trusted_key(
        folder,
        rotation.new,
        name=name or _next_name(old.name, {key.name.casefold() for key in store.keys}),
        roles=old.roles,
        models=old.models,
        valid_from=old.valid_from,
        limits=limits,
    )
    until = rotation.retired if old.valid_until is None else min(rotation.retired, old.valid_until)
    return retire_key(folder, old.name, until=until, limits=limits), new


def import_keys(
    folder: Path, source: Path, *, roles: Iterable[str] = (), limits: Limits = DEFAULT_LIMITS
) -> tuple[list[TrustedKey], list[TrustedKey], list[str]]:
    """Add the keys of another trust store, or of an ``allowed_signers`` file of ssh-keygen.

    A trust store brings its roles, patterns and dates; ``roles`` replace its roles, and are needed for a file, which
    has none. Revoked keys are not imported; one that is there already is revoked here too, for whoever revoked it knew
    why. Returns the new entries, the entries that were revoked, and why each of the others was left out.
    """
    found = _entries(source, tuple(roles), limits)
    known = {key.public_key.raw: key for key in _present(folder, limits)}
    added: list[TrustedKey] = []
    revoked: list[TrustedKey] = []
    left: list[str] = []
    for entry in found:
        here = known.get(entry.public_key.raw)
        if here is not None and entry.revoked_since is not None and here.revoked_since is None:
            since, reason = entry.revoked_since, entry.revoked_reason
            revoked.append(revoke_key(folder, here.name, since=since, reason=reason, limits=limits))
        elif here is not None:
            left.append(f"{entry.name}: the key is there already")
        elif entry.revoked_since is not None:
            left.append(f"{entry.name}: revoked since {encode_instant(entry.revoked_since)}")
        else:
            added.append(
                add_trusted_key(
                    folder,
                    entry.public_key,
                    name=entry.name,
                    roles=roles or entry.roles,
                    models=entry.models,
                    valid_from=entry.valid_from,
                    valid_until=entry.valid_until,
                    limits=limits,
                )
            )
            known[entry.public_key.raw] = added[-1]
    return added, revoked, left


def _present(folder: Path, limits: Limits) -> tuple[TrustedKey, ...]:
    if not (folder / TRUST_FILE).exists():
        return ()
    return load_trust_store(folder, limits).keys


def _entries(source: Path, roles: tuple[str, ...], limits: Limits) -> tuple[TrustedKey, ...]:
    if source.is_dir():
        return load_trust_store(source, limits).keys
    if not source.exists():
        raise UsageError(f"there is no {printable(source, 160)}", hint="Check the path.")
    if not roles:
        raise UsageError(
            "a file of allowed signers says nothing of roles", hint="Say which they get: --role signer."
        )
    text = read_file(source, limits.trust_toml_bytes).decode("utf-8", "replace")
    lines = [line.strip() for line in text.splitlines()]
    wanted = [line for line in lines if line and not line.startswith("#")]
    return tuple(_allowed_signer(line, roles, limits) for line in wanted)


def _allowed_signer(line: str, roles: tuple[str, ...], limits: Limits) -> TrustedKey:
    """Parse ``principal ssh-ed25519 AAAA… comment`` (ssh-keygen(1), ALLOWED SIGNERS); options are refused."""
    principal, _, rest = line.partition(" ")
    if not rest.startswith("ssh-ed25519 "):
        raise UsageError(
            f"the allowed signer {printable(principal, 60)!r} has options, or no Ed25519 key",
            hint="Add it yourself: 'secureload trust add' knows dates and patterns of models.",
        )
    return TrustedKey(principal, parse_public_key(rest.encode("utf-8"), limits), frozenset(roles))


def _problem(old: TrustedKey, rotation: Rotation, now: datetime) -> str:
    if old.revoked_since is not None and now >= old.revoked_since:
        return f"it is revoked since {encode_instant(old.revoked_since)}"
    if old.valid_until is not None and now >= old.valid_until:
        return f"it expired on {encode_instant(old.valid_until)}"
    if old.valid_from is not None and now < old.valid_from:
        return f"it is valid only from {encode_instant(old.valid_from)} on"
    if rotation.created > now:
        return f"the statement is dated {encode_instant(rotation.created)}, which is in the future"
    return ""


def _next_name(name: str, taken: set[str]) -> str:
    stem, _, number = name.rpartition("-")
    base, count = (stem, int(number)) if stem and number.isdigit() and len(number) < 6 else (name, 1)
    while f"{base}-{count + 1}".casefold() in taken:
        count += 1
    return f"{base}-{count + 1}"
