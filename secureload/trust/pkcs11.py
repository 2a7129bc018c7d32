"""Sign with a key in a PKCS#11 token (a smart card, an HSM, SoftHSM): the private key never leaves it.

Needs the extra ``secureload[pkcs11]``. Source: PKCS #11 v3.0, CKM_EDDSA with keys on edwards25519.
"""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from typing import Any

from secureload.errors import UsageError
from secureload.printable import printable
from secureload.signing.ed25519 import PUBLIC_KEY_BYTES, SIGNATURE_BYTES, verify_signature
from secureload.signing.keys import PublicKey
from secureload.signing.pkcs11_uri import Pkcs11Uri, parse_pkcs11_uri

__all__ = ["MODULE_VARIABLE", "Pkcs11Signer", "pkcs11_signer"]

MODULE_VARIABLE = "SECURELOAD_PKCS11_MODULE"
# DER: an OCTET STRING around the point (PKCS #11 v3.0, section 2.3.5); some tokens give the bare point.
_OCTETS = bytes([0x04, PUBLIC_KEY_BYTES])


class Pkcs11Signer:
    """One key of a token. ``public`` is its public key; each signature is a session of its own."""

    __slots__ = ("_pin", "_pkcs11", "_token", "_uri", "public", "warnings")

    def __init__(self, pkcs11: Any, token: Any, uri: Pkcs11Uri, pin: bytes | None) -> None:
        self._pkcs11 = pkcs11
        self._token = token
        self._uri = uri
        self._pin = None if pin is None else os.fsdecode(pin)
        self.warnings: tuple[str, ...] = ()
        with _said(pkcs11), token.open(user_pin=self._pin) as session:
            public = self._find(session, "PUBLIC_KEY")
            raw = bytes(public[pkcs11.Attribute.EC_POINT])
        self.public = PublicKey(_bare(raw), (uri.label or "")[:200])

    def __repr__(self) -> str:
        return f"<Pkcs11Signer {self.public.fingerprint}>"

    def __reduce__(self) -> str:
        raise TypeError("a signing key is not pickled")

    def sign(self, message: bytes) -> bytes:
        """Return the token's signature (64 bytes) of ``message``.

        Raises :class:`UsageError` where the token refuses, and where what it returns is not this key's signature.
        """
        with _said(self._pkcs11), self._token.open(user_pin=self._pin) as session:
            private = self._find(session, "PRIVATE_KEY")
            signature = bytes(private.sign(message, mechanism=self._pkcs11.Mechanism.EDDSA))
        if len(signature) != SIGNATURE_BYTES or not verify_signature(self.public.raw, signature, message):
            raise UsageError("the token returned a signature that is not by its key", hint="Do not use it.")
        return signature

    def _find(self, session: Any, kind: str) -> Any:
        pkcs11 = self._pkcs11
        wanted = {
            pkcs11.Attribute.CLASS: pkcs11.ObjectClass[kind],
            pkcs11.Attribute.KEY_TYPE: pkcs11.KeyType.EC_EDWARDS,
        }
        if self._uri.label is not None:
            wanted[pkcs11.Attribute.LABEL] = self._uri.label
        if self._uri.key_id is not None:
            wanted[pkcs11.Attribute.ID] = self._uri.key_id
        found = list(session.get_objects(wanted))
        if len(found) != 1:
            what = kind.lower().replace("_", " ")
            raise UsageError(
                f"the token holds {len(found):,} Ed25519 {what}s that the URI means, not one",
                hint="List them: pkcs11-tool --list-objects; then name one by object= and id=.",
            )
        return found[0]


def pkcs11_signer(uri: str | Pkcs11Uri, pin: bytes | None = None) -> Pkcs11Signer:
    """Return a signer for the key that ``uri`` names.

    The library is the URI's ``module-path``, or what ``SECURELOAD_PKCS11_MODULE`` names. Raises
    :class:`UsageError` where the extra or the library is missing, the token or the key is not there, or the PIN
    is missing or wrong (``fields["reason"]`` is ``pin-missing`` or ``pin-wrong``).
    """
    wanted = parse_pkcs11_uri(uri) if isinstance(uri, str) else uri
    try:
        pkcs11 = importlib.import_module("pkcs11")
    except ImportError:
        raise UsageError(
            "PKCS#11 needs a package that is not installed", hint="pip install 'secureload[pkcs11]'"
        ) from None
    module = wanted.module_path or os.environ.get(MODULE_VARIABLE, "")
    if not module:
        raise UsageError(
            "no PKCS#11 library is named",
            hint=f"Add ?module-path=/path/to/library.so to the URI, or set {MODULE_VARIABLE}.",
        )
    if not Path(module).is_absolute():
        raise UsageError(
            f"the PKCS#11 library {printable(module, 160)!r} is not an absolute path",
            hint="A library runs code in this process, so it is never searched for.",
        )
    with _said(pkcs11):
        token = _token_of(pkcs11.lib(module), wanted)
        if pin is None and pkcs11.TokenFlag.LOGIN_REQUIRED in token.flags:
            raise UsageError(
                "the token asks for a PIN, and none was given",
                hint="Type it at the prompt, or set SECURELOAD_PASSWORD.",
                reason="pin-missing",
            )
        return Pkcs11Signer(pkcs11, token, wanted, pin)


def _token_of(library: Any, wanted: Pkcs11Uri) -> Any:
    asked: dict[str, Any] = {}
    if wanted.token is not None:
        asked["token_label"] = wanted.token
    if wanted.serial is not None:
        asked["token_serial"] = wanted.serial.encode("utf-8")
    found = list(library.get_tokens(**asked))
    found = [token for token in found if token.label or wanted.token is None]
    if len(found) != 1:
        raise UsageError(
            f"{len(found):,} tokens are what the URI means, not one",
            hint="List them: pkcs11-tool --list-slots; then name one by token= or serial=.",
        )
    return found[0]


def _bare(point: bytes) -> bytes:
    if point.startswith(_OCTETS) and len(point) == len(_OCTETS) + PUBLIC_KEY_BYTES:
        return point[len(_OCTETS) :]
    if len(point) == PUBLIC_KEY_BYTES:
        return point
    raise UsageError("the token's public key is not one of Ed25519", hint="Use a key on edwards25519.")


class _said:  # noqa: N801  # used as a statement: with _said(...)
    """Turn what the library raises into a :class:`UsageError` of one line."""

    def __init__(self, pkcs11: Any) -> None:
        self._pkcs11 = pkcs11

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is None or isinstance(error, UsageError) or not isinstance(error, Exception):
            return
        exceptions = importlib.import_module("pkcs11.exceptions")
        if isinstance(error, exceptions.PinIncorrect | exceptions.PinLenRange | exceptions.PinInvalid):
            raise UsageError(
                "the PIN of the token is wrong",
                hint="Tokens lock themselves after a few wrong ones.",
                reason="pin-wrong",
            ) from None
        if isinstance(error, exceptions.PinLocked):
            raise UsageError("the PIN of the token is locked", hint="Unlock it with its SO PIN.") from None
        if isinstance(error, exceptions.NoSuchToken | exceptions.NoSuchKey):
            raise UsageError(
                "there is no such token or key", hint="List them: pkcs11-tool --list-slots --list-objects"
            ) from None
        text = printable(str(error) or type(error).__name__, 200)
        raise UsageError(f"the PKCS#11 token refuses: {text}", hint="Is the library the right one?") from None
