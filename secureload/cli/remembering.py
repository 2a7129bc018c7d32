"""Where the command line keeps what fickling said: the user's cache folder; nowhere where the user says so."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

from secureload.errors import UsageError
from secureload.limits import Limits

if TYPE_CHECKING:
    from secureload.sandbox.opinions import Opinions

__all__ = ["NO_CACHE_VARIABLE", "opinions_of_user"]

NO_CACHE_VARIABLE = "SECURELOAD_NO_CACHE"


def opinions_of_user(limits: Limits, environment: Mapping[str, str] = os.environ) -> Opinions:
    """Return what asks fickling, and remembers its answers from run to run unless ``SECURELOAD_NO_CACHE`` is set."""
    from secureload.api.libraries import installed_versions
    from secureload.sandbox.opinions import Opinions
    from secureload.sandbox.remembered import Remembered
    from secureload.trust.folders import default_cache_folder

    version = installed_versions().get("fickling", "")
    if environment.get(NO_CACHE_VARIABLE) or not version:
        return Opinions(limits)
    try:
        folder = default_cache_folder(environment) / "opinions"
    except UsageError:  # there is no home
        return Opinions(limits)
    return Opinions(limits, Remembered(str(folder), f"fickling {version}, Python {sys.hexversion:x}", limits))
