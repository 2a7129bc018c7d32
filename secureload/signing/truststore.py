"""Whom a user trusts for what: the trust store as a value, and its file ``trust.toml``.

    version = 1

    [[key]]
    name = "alice"
    file = "alice.pub"
    roles = ["signer"]                  # signer, approver, scanner, timestamper
    models = ["fraud-*"]                # patterns of model names; default ["*"]
    valid_from = 2026-01-01T00:00:00Z   # optional, as are the following
    valid_until = 2027-01-01T00:00:00Z
    revoked_since = 2026-06-01T00:00:00Z
    revoked_reason = "laptop stolen"

The keys themselves stand in ``.pub`` files beside it. A file that no entry names is not trusted.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from fnmatch import fnmatchcase

from secureload.errors import SecureloadError, UsageError
from secureload.limits import DEFAULT_LIMITS, Limits
from secureload.printable import printable
from secureload.signing.instants import require_aware
from secureload.signing.keys import PublicKey, parse_public_key
from secureload.signing.strict_toml import parse_toml
from secureload.values import dataclass

__all__ = [
    "ROLES",
    "TrustStore",
    "TrustedKey",
    "encode_entry",
    "encode_revocation",
    "encode_trust_toml",
    "parse_trust_toml",
]

ROLES = frozenset({"signer", "approver", "scanner", "timestamper"})
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,127}", re.ASCII)
_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,127}\.pub", re.ASCII)
_PATTERN_CHARS = 256
_REASON_CHARS = 500
_HINT = "Correct the trust store, or restore it from version control."
_KEY_FIELDS = ("name", "file", "roles")
_OPTIONAL_KEY_FIELDS = ("models", "valid_from", "valid_until", "revoked_since", "revoked_reason")


@dataclass(frozen=True, slots=True)
class TrustedKey:
    """A public key, who holds it, and what for. Times are aware datetimes in UTC.

    ``models`` are shell patterns (``*``, ``?``, ``[…]``) matched against the signed model name with its case.
    The key is valid from ``valid_from`` on and before ``valid_until``; from ``revoked_since`` on nothing that
    it ever signed counts, because whoever stole it can date a signature back; unless another trusted key saw the
    signature before (a timestamp statement).
    Raises :class:`UsageError` where a field breaks these rules.
    """

    name: str
    public_key: PublicKey
    roles: frozenset[str]
    models: tuple[str, ...] = ("*",)
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    revoked_since: datetime | None = None
    revoked_reason: str = ""
    file: str = ""

    def __post_init__(self) -> None:
        if _NAME.fullmatch(self.name) is None:
            raise _refused(
                f"the key name {printable(self.name, 60)!r} is not made of letters, digits and ._@+-"
            )
        where = f"key {self.name!r}"
        if _FILE.fullmatch(self.filename) is None:
            raise _refused(f"{where}: {printable(self.filename, 60)!r} is not the plain name of a .pub file")
        if not self.roles or not self.roles <= ROLES:
            shown = ", ".join(printable(role, 40) for role in sorted(self.roles)) or "none"
            raise _refused(f"{where}: roles are of {', '.join(sorted(ROLES))}; found {shown}")
        if not self.models or not all(_is_label(pattern, _PATTERN_CHARS) for pattern in self.models):
            raise _refused(f"{where}: models are a list of at least one pattern")
        self._check_times(where)

    def _check_times(self, where: str) -> None:
        for moment in (self.valid_from, self.valid_until, self.revoked_since):
            if moment is not None:
                require_aware(moment)
        if self.valid_from and self.valid_until and self.valid_until <= self.valid_from:
            raise _refused(f"{where}: it would end before it begins to be valid")
        if self.revoked_reason:
            if self.revoked_since is None:
                raise _refused(f"{where}: a revoked_reason needs a revoked_since")
            if not _is_label(self.revoked_reason, _REASON_CHARS):
                raise _refused(f"{where}: the revoked_reason is not one printable line")

    @property
    def filename(self) -> str:
        """The name of the ``.pub`` file in the trust store's folder; by default the key's name."""
        return self.file or f"{self.name}.pub"

    def covers(self, model: str) -> bool:
        """Whether the key may speak about a model of this name."""
        return any(fnmatchcase(model, pattern) for pattern in self.models)


@dataclass(frozen=True, slots=True)
class TrustStore:
    """The trusted keys, each once: by name, by file, and by its raw bytes. An empty one trusts nobody."""

    keys: tuple[TrustedKey, ...] = ()

    def __post_init__(self) -> None:
        for what, values in (
            ("name", [key.name.casefold() for key in self.keys]),
            ("file", [key.filename.casefold() for key in self.keys]),
            ("public key", [key.public_key.fingerprint for key in self.keys]),
        ):
            twice = _first_repeated(values)
            if twice is not None:
                raise _refused(f"the trust store has the {what} {twice!r} twice")

    def find(self, key_id: str) -> TrustedKey | None:
        """Return the key with this id (its fingerprint)."""
        return next((key for key in self.keys if key.public_key.key_id == key_id), None)

    def named(self, name: str) -> TrustedKey | None:
        """Return the key of this name."""
        return next((key for key in self.keys if key.name == name), None)


def parse_trust_toml(
    text: str | bytes, public_keys: Mapping[str, bytes], limits: Limits = DEFAULT_LIMITS
) -> TrustStore:
    """Parse ``trust.toml``; ``public_keys`` holds the bytes of each ``.pub`` file beside it by its name.

    Raises :class:`UsageError` for text that is not TOML, unknown fields and roles, a version other than 1,
    files that are not there, keys that are weak or no keys, and keys, names or files that occur twice.
    """
    table = parse_toml(
        text, where="trust.toml", most_bytes=limits.trust_toml_bytes, limit="trust_toml_bytes", hint=_HINT
    )
    _check_fields(table, "trust.toml", ("version",), ("key",))
    if type(table["version"]) is not int or table["version"] != 1:
        raise _refused("trust.toml has a version other than 1, which alone is known")
    entries = table.get("key", [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise _refused("trust.toml: keys are written as [[key]] tables")
    if len(entries) > limits.trust_keys:
        raise _refused(f"trust.toml has more than {limits.trust_keys:,} keys", limit="trust_keys")
    return TrustStore(tuple(_parse_entry(entry, public_keys, limits) for entry in entries))


def encode_trust_toml(store: TrustStore) -> str:
    """Encode the store as ``trust.toml``, sorted by name; the same store gives the same text."""
    tables = [encode_entry(key) for key in sorted(store.keys, key=lambda key: key.name)]
    return "\n".join(
        ["# Who is trusted, and for what. Written by 'secureload trust'.\nversion = 1\n", *tables]
    )


def encode_entry(key: TrustedKey) -> str:
    """Encode one ``[[key]]`` table."""
    lines = [
        "[[key]]",
        f"name = {_quoted(key.name)}",
        f"file = {_quoted(key.filename)}",
        f"roles = {_quoted_list(sorted(key.roles))}",
        f"models = {_quoted_list(key.models)}",
    ]
    for field, moment in (("valid_from", key.valid_from), ("valid_until", key.valid_until)):
        if moment is not None:
            lines.append(f"{field} = {_encode_moment(moment)}")
    return "\n".join(lines) + "\n" + encode_revocation(key)


def encode_revocation(key: TrustedKey) -> str:
    """Encode the lines of a table that say that the key is revoked; empty where it is not."""
    if key.revoked_since is None:
        return ""
    line = f"revoked_since = {_encode_moment(key.revoked_since)}\n"
    return line + (f"revoked_reason = {_quoted(key.revoked_reason)}\n" if key.revoked_reason else "")


def _parse_entry(entry: dict[str, object], public_keys: Mapping[str, bytes], limits: Limits) -> TrustedKey:
    name = _text(entry.get("name", ""), "a key's name")
    where = f"trust.toml: key {printable(name, 60)!r}"
    _check_fields(entry, where, _KEY_FIELDS, _OPTIONAL_KEY_FIELDS)
    file = _text(entry["file"], f"{where}: file")
    if file not in public_keys:
        raise _refused(f"{where}: its file {printable(file, 80)!r} is not in the trust store", file=file)
    try:
        public_key = parse_public_key(public_keys[file], limits)
    except SecureloadError as error:
        raise UsageError(f"{where}: {error.message}", hint=error.hint, **error.fields) from None
    return TrustedKey(
        name=name,
        public_key=public_key,
        roles=frozenset(_texts(entry["roles"], f"{where}: roles")),
        models=_texts(entry.get("models", ["*"]), f"{where}: models"),
        valid_from=_moment(entry, "valid_from", where),
        valid_until=_moment(entry, "valid_until", where),
        revoked_since=_moment(entry, "revoked_since", where),
        revoked_reason=_text(entry.get("revoked_reason", ""), f"{where}: revoked_reason"),
        file=file,
    )


def _check_fields(
    table: Mapping[str, object], where: str, required: tuple[str, ...], optional: tuple[str, ...]
) -> None:
    for field in required:
        if field not in table:
            raise _refused(f"{where} has no {field!r}", field=field)
    for field in table:
        if field not in required and field not in optional:
            raise _refused(f"{where} has an unknown field {printable(field, 60)!r}", field=field)


def _text(value: object, where: str) -> str:
    if not isinstance(value, str):
        raise _refused(f"{where} is not a string")
    return value


def _texts(value: object, where: str) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise _refused(f"{where} is not a list of strings")
    return tuple(_text(item, where) for item in value)


def _moment(entry: Mapping[str, object], field: str, where: str) -> datetime | None:
    value = entry.get(field)
    if value is None:
        return None
    if not isinstance(value, datetime) or value.utcoffset() is None:
        raise _refused(f"{where}: {field} is not a time with a zone, such as 2026-01-01T00:00:00Z")
    return require_aware(value)


def _encode_moment(moment: datetime) -> str:
    return require_aware(moment).replace(tzinfo=None).isoformat() + "Z"


def _quoted(text: str) -> str:
    # JSON's escapes are a subset of those of TOML's basic strings, and control characters do not occur here.
    return json.dumps(text, ensure_ascii=False)


def _quoted_list(texts: tuple[str, ...] | list[str]) -> str:
    return "[" + ", ".join(_quoted(text) for text in texts) + "]"


def _is_label(text: str, most: int) -> bool:
    return 0 < len(text) <= most and text.isprintable()


def _first_repeated(values: list[str]) -> str | None:
    seen: set[str] = set()
    for value in values:
        if value in seen:
            return value
        seen.add(value)
    return None


def _refused(message: str, **fields: object) -> UsageError:
    return UsageError(message, hint=_HINT, **fields)
