"""Which of the user's own key files is meant."""

from __future__ import annotations

from pathlib import Path

from secureload.errors import UsageError
from secureload.printable import printable
from secureload.trust.folders import default_config_folder

__all__ = ["find_own_file", "only_private_key"]


def find_own_file(path: Path) -> Path:
    """Return ``path``, or the file of that plain name in the configuration folder where it does not exist."""
    if path.name != str(path) or _is_there(path):
        return path
    own = default_config_folder() / path.name
    return own if _is_there(own) else path


def only_private_key() -> Path:
    """Return the one private key of the configuration folder; UsageError where there is none, or several."""
    folder = default_config_folder()
    try:
        publics = sorted(path for path in folder.iterdir() if path.suffix == ".pub")
    except FileNotFoundError:
        publics = []
    except OSError as error:
        raise UsageError(
            f"cannot read {printable(folder, 160)}: {error.strerror}", hint="name the key: --key FILE"
        ) from None
    keys = [path.with_suffix("") for path in publics if _is_there(path.with_suffix(""))]
    if not keys:
        raise UsageError(
            f"there is no private key in {printable(folder, 160)}",
            hint="make one with 'secureload keygen --name YOU', or name one: --key FILE",
        )
    if len(keys) > 1:
        names = ", ".join(key.name for key in keys)
        raise UsageError(
            f"there are several private keys in {printable(folder, 160)}: {printable(names)}",
            hint=f"say which one: --key {printable(keys[0].name, 80)}",
        )
    return keys[0]


def _is_there(path: Path) -> bool:
    try:
        path.lstat()
    except (OSError, ValueError):
        return False
    return True
