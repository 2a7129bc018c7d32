"""Where a user's keys and trust store are: the environment says so or the configuration folder, nothing else.

Never the working directory: a repository or a download must not bring its own trust along.
"""

from __future__ import annotations

import os
import pwd
from collections.abc import Mapping
from pathlib import Path

from secureload.errors import UsageError
from secureload.printable import printable

__all__ = [
    "TRUST_STORE_VARIABLE",
    "default_cache_folder",
    "default_config_folder",
    "default_state_folder",
    "default_trust_folder",
]

TRUST_STORE_VARIABLE = "SECURELOAD_TRUST_STORE"


def default_config_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Return ``$XDG_CONFIG_HOME/secureload``, or else ``~/.config/secureload``; it need not exist.

    A relative ``XDG_CONFIG_HOME`` is ignored (XDG Base Directory Specification). Raises :class:`UsageError`
    where neither the environment nor the user database knows a home folder.
    """
    return _base_folder(environment, "XDG_CONFIG_HOME", ".config")


def default_state_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Return ``$XDG_STATE_HOME/secureload``, or else ``~/.local/state/secureload``: what must not be lost."""
    return _base_folder(environment, "XDG_STATE_HOME", ".local/state")


def default_cache_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Return ``$XDG_CACHE_HOME/secureload``, or else ``~/.cache/secureload``: what may be lost."""
    return _base_folder(environment, "XDG_CACHE_HOME", ".cache")


def default_trust_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Return ``$SECURELOAD_TRUST_STORE``, or else the folder ``trust`` of the configuration folder.

    Raises :class:`UsageError` where the variable is set and is not an absolute path.
    """
    configured = environment.get(TRUST_STORE_VARIABLE)
    if configured is None:
        return default_config_folder(environment) / "trust"
    if not configured.startswith("/"):
        raise UsageError(
            f"{TRUST_STORE_VARIABLE} is {printable(configured, 80)!r}, which is not an absolute path",
            hint="Set it to a path that begins with '/', or unset it.",
        )
    return Path(configured)


def _base_folder(environment: Mapping[str, str], variable: str, below_home: str) -> Path:
    configured = environment.get(variable, "")
    if configured.startswith("/"):
        return Path(configured) / "secureload"
    return _home(environment) / below_home / "secureload"


def _home(environment: Mapping[str, str]) -> Path:
    home = environment.get("HOME", "")
    if not home.startswith("/"):
        try:
            home = pwd.getpwuid(os.geteuid()).pw_dir
        except KeyError:
            home = ""
    if not home.startswith("/"):
        raise UsageError(
            "there is no home folder to look for keys in",
            hint=f"Set HOME, XDG_CONFIG_HOME or {TRUST_STORE_VARIABLE} to an absolute path.",
        )
    return Path(home)
