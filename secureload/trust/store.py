"""Trust-store folders: ``trust.toml`` and the ``.pub`` files that it names.

Changes keep the comments and the order of a file that a person wrote, happen in one step, and one at a time.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from secureload.errors import UntrustedError, UsageError
from secureload.limits import DEFAULT_LIMITS, Limits
from secureload.printable import printable
from secureload.signing.instants import encode_instant, require_aware
from secureload.signing.keys import PublicKey, encode_public_key
from secureload.signing.truststore import (
    TrustedKey,
    TrustStore,
    encode_entry,
    encode_revocation,
    encode_trust_toml,
    parse_trust_toml,
)
from secureload.trust.files import (
    check_folder,
    create_file,
    locked_folder,
    make_folder,
    read_file,
    replace_file,
)
from secureload.trust.folders import default_trust_folder
from secureload.values import replace

__all__ = ["TRUST_FILE", "add_trusted_key", "load_trust_store", "retire_key", "revoke_key"]

TRUST_FILE = "trust.toml"
_ENTRY = re.compile(r"^[ \t]*\[\[[ \t]*key[ \t]*\]\][ \t]*(#.*)?$", re.MULTILINE)


def load_trust_store(folder: Path | None = None, limits: Limits = DEFAULT_LIMITS) -> TrustStore:
    """Read a trust store; ``None`` means the user's own (:func:`default_trust_folder`).

    Raises :class:`UntrustedError` where the user has none, and :class:`UsageError` where the folder that was
    asked for has none, and for everything in it that :func:`parse_trust_toml` refuses, links, special files,
    and files or folders that everybody may write to.
    """
    place = default_trust_folder() if folder is None else folder
    if not _has_store(place):
        shown = printable(place, 160)
        if folder is not None:
            raise UsageError(f"there is no trust store in {shown}", hint=f"It would hold a {TRUST_FILE}.")
        raise UntrustedError(
            f"nobody is trusted yet: there is no trust store in {shown}",
            hint="Get the sender's .pub file from them, and run 'secureload trust add'.",
        )
    check_folder(place)
    return _parse(_read_toml(place, limits), place, limits)


def add_trusted_key(
    folder: Path,
    public_key: PublicKey,
    *,
    name: str,
    roles: Iterable[str],
    models: Iterable[str] = ("*",),
    valid_from: datetime | None = None,
    valid_until: datetime | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> TrustedKey:
    """Add a key to the trust store in ``folder``, which is made where it is missing, and return the entry.

    Raises :class:`UsageError` where the key or its name is there already, and for what
    :class:`TrustedKey` refuses.
    """
    entry = TrustedKey(
        name,
        public_key,
        frozenset(roles),
        tuple(models),
        _whole_second(valid_from),
        _whole_second(valid_until),
        file=f"{name}.pub",
    )
    make_folder(folder)
    with locked_folder(folder):
        text = _read_toml(folder, limits) if _has_store(folder) else encode_trust_toml(TrustStore())
        store = _parse(text, folder, limits)
        _check_new(store, entry)
        _write_public_key(folder / entry.filename, public_key, limits)
        changed = TrustStore((*store.keys, entry))
        _write(folder, f"{text.rstrip()}\n\n{encode_entry(entry)}", changed, limits)
    return entry


def revoke_key(
    folder: Path, name: str, *, since: datetime, reason: str = "", limits: Limits = DEFAULT_LIMITS
) -> TrustedKey:
    """Mark the key called ``name`` as revoked and return its entry; the key stays, so that it can be named.

    Raises :class:`UsageError` where there is no such key, or it is revoked already.
    """
    if not _has_store(folder):
        raise UsageError(
            f"there is no trust store in {printable(folder, 160)}", hint="Nothing to revoke there."
        )
    with locked_folder(folder):
        text = _read_toml(folder, limits)
        store = _parse(text, folder, limits)
        key = store.named(name)
        if key is None:
            names = ", ".join(sorted(key.name for key in store.keys)) or "none"
            raise UsageError(
                f"there is no key {printable(name, 60)!r} in the trust store",
                hint=f"Keys: {printable(names)}.",
            )
        if key.revoked_since is not None:
            raise UsageError(
                f"the key {name!r} is revoked already", hint="Edit trust.toml to change the entry."
            )
        revoked = replace(key, revoked_since=_whole_second(since), revoked_reason=reason)
        index = store.keys.index(key)
        changed = TrustStore((*store.keys[:index], revoked, *store.keys[index + 1 :]))
        _write(folder, _inserted(text, index, encode_revocation(revoked)), changed, limits)
    return revoked


def retire_key(folder: Path, name: str, *, until: datetime, limits: Limits = DEFAULT_LIMITS) -> TrustedKey:
    """Let the key called ``name`` be valid until then and no longer, and return its entry.

    Raises :class:`UsageError` where there is no such key, or it would end before it begins.
    """
    with locked_folder(folder):
        text = _read_toml(folder, limits)
        store = _parse(text, folder, limits)
        key = store.named(name)
        if key is None:
            raise UsageError(f"there is no key {printable(name, 60)!r} in the trust store")
        retired = replace(key, valid_until=_whole_second(until))
        index = store.keys.index(key)
        changed = TrustStore((*store.keys[:index], retired, *store.keys[index + 1 :]))
        line = f"valid_until = {encode_instant(until)}\n"
        _write(folder, _inserted(text, index, line), changed, limits)
    return retired


def _has_store(folder: Path) -> bool:
    try:
        (folder / TRUST_FILE).lstat()
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return False
    except OSError:
        pass  # it may be there: reading it says what is wrong
    return True


def _read_toml(folder: Path, limits: Limits) -> str:
    data = read_file(folder / TRUST_FILE, limits.trust_toml_bytes)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise UsageError(
            f"{printable(folder / TRUST_FILE, 160)} is not UTF-8 text",
            hint="Restore it from version control.",
        ) from None


def _parse(text: str, folder: Path, limits: Limits) -> TrustStore:
    return parse_trust_toml(text, _read_public_keys(folder, limits), limits)


def _read_public_keys(folder: Path, limits: Limits) -> dict[str, bytes]:
    try:
        paths = sorted(path for path in folder.iterdir() if path.name.endswith(".pub"))
    except OSError as error:
        raise UsageError(f"cannot read {printable(folder, 160)}: {error.strerror}") from None
    if len(paths) > limits.trust_keys:
        raise UsageError(f"{printable(folder, 160)} holds more than {limits.trust_keys:,} keys")
    return {path.name: read_file(path, limits.key_file_bytes) for path in paths}


def _check_new(store: TrustStore, entry: TrustedKey) -> None:
    known = store.find(entry.public_key.key_id)
    if known is not None:
        raise UsageError(
            f"this key is in the trust store already, as {known.name!r}",
            hint="Edit trust.toml to change the entry.",
        )
    if store.named(entry.name) is not None:
        raise UsageError(f"there is another key named {entry.name!r}", hint="Choose another name.")


def _write_public_key(path: Path, key: PublicKey, limits: Limits) -> None:
    """Write the ``.pub`` file, unless the same key stands there: a project's own file is then adopted."""
    if path.exists():
        if read_file(path, limits.key_file_bytes).split()[:2] == encode_public_key(key).split()[:2]:
            return
        raise UsageError(
            f"{printable(path, 160)} holds another key", hint="Choose another name for the new one."
        )
    create_file(path, encode_public_key(key), 0o644)


def _write(folder: Path, text: str, store: TrustStore, limits: Limits) -> None:
    """Write the edited ``text`` if it reads as exactly ``store``, and otherwise the store encoded afresh."""
    try:
        faithful = _parse(text, folder, limits) == store
    except UsageError:
        faithful = False
    replace_file(folder / TRUST_FILE, (text if faithful else encode_trust_toml(store)).encode("utf-8"), 0o644)


def _whole_second(moment: datetime | None) -> datetime | None:
    return None if moment is None else require_aware(moment).replace(microsecond=0)


def _inserted(text: str, index: int, lines: str) -> str:
    """Insert ``lines`` below the header of the entry with this index."""
    headers = list(_ENTRY.finditer(text))
    if index >= len(headers):
        return text
    cut = headers[index].end()
    return f"{text[:cut]}\n{lines.rstrip()}{text[cut:]}"
