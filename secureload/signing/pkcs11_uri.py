"""PKCS#11 URIs (RFC 7512): which token, which key, and the library that speaks to it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from secureload.errors import UsageError
from secureload.printable import printable

__all__ = ["Pkcs11Uri", "parse_pkcs11_uri"]

_EXAMPLE = "pkcs11:token=release;object=alice?module-path=/usr/lib/softhsm/libsofthsm2.so"
_URI_CHARS = 4_096
_PATH = frozenset({"token", "object", "id", "serial", "manufacturer", "model", "slot-id", "type"})
_QUERY = frozenset({"module-path"})
_PERCENT = re.compile(rb"%([0-9A-Fa-f]{2})")
_ESCAPED = re.compile(r"(?:[A-Za-z0-9\-._~:\[\]@!$'()*+,=&/?|]|%[0-9A-Fa-f]{2})*", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pkcs11Uri:
    """The parts that choose a key; what is None is not asked for. ``key_id`` is raw bytes."""

    token: str | None = None
    serial: str | None = None
    label: str | None = None
    key_id: bytes | None = None
    module_path: str | None = None


def parse_pkcs11_uri(text: str) -> Pkcs11Uri:
    """Parse a URI that names an object by its label, its id, or both.

    Raises :class:`UsageError` for anything else; a PIN in the URI (``pin-value``, ``pin-source``) is refused:
    command lines are seen by others.
    """
    if not text.startswith("pkcs11:") or len(text) > _URI_CHARS:
        raise _refused(f"{printable(text, 60)!r} is no PKCS#11 URI")
    path, _, query = text.removeprefix("pkcs11:").partition("?")
    found = _attributes(path, ";", _PATH) | _attributes(query, "&", _QUERY)
    if found.pop("type", b"private") != b"private":
        raise _refused("it names an object that is no private key")
    for unused in ("manufacturer", "model", "slot-id"):
        if unused in found:
            raise _refused(f"it chooses by {unused!r}, which is not supported")
    if "object" not in found and "id" not in found:
        raise _refused("it names no key")
    return Pkcs11Uri(
        token=_text(found, "token"),
        serial=_text(found, "serial"),
        label=_text(found, "object"),
        key_id=found.get("id"),
        module_path=_text(found, "module-path"),
    )


def _attributes(text: str, separator: str, known: frozenset[str]) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for part in text.split(separator) if text else ():
        name, equals, value = part.partition("=")
        if name.startswith("pin-"):
            raise _refused("it holds a PIN, which others can see in the list of processes")
        if name not in known or not equals:
            raise _refused(f"it has the unknown part {printable(part, 60)!r}")
        if name in found:
            raise _refused(f"it has {name!r} twice")
        if not value or _ESCAPED.fullmatch(value) is None:
            raise _refused(f"its {name!r} is empty or holds a character that must be written as %XX")
        found[name] = _PERCENT.sub(lambda match: bytes.fromhex(match[1].decode()), value.encode("ascii"))
    return found


def _text(found: dict[str, bytes], name: str) -> str | None:
    value = found.get(name)
    if value is None:
        return None
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError:
        raise _refused(f"its {name!r} is not UTF-8") from None
    if not text.isprintable():
        raise _refused(f"its {name!r} is not printable")
    return text


def _refused(what: str) -> UsageError:
    return UsageError(f"the PKCS#11 URI is refused: {what}", hint=f"For example: {_EXAMPLE}")
