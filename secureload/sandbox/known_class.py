"""The class of a sandboxed object, where this process knows it by itself: for ``isinstance``, signatures and help.

What the worker says of a class is only looked up among what is imported here already: nothing is imported for it, and
it never passes for anything else than an estimator or a module of PyTorch.
"""

from __future__ import annotations

import inspect
import sys
from typing import Any

from secureload.sandbox.reference import Reference

__all__ = ["docstring_of", "known_class", "signature_of"]

_FAMILIES = (("sklearn.base", "BaseEstimator"), ("torch.nn.modules.module", "Module"))


def known_class(reference: Reference) -> type[Any] | None:
    """Return the class that ``reference`` names, None where it is not known here or of no such family."""
    found: Any = sys.modules.get(reference.module)
    for name in reference.qualname.split("."):
        found = getattr(found, "__dict__", {}).get(name)
    if not isinstance(found, type):
        return None
    for module, name in _FAMILIES:
        base = getattr(sys.modules.get(module), "__dict__", {}).get(name)
        if isinstance(base, type) and issubclass(found, base):
            return found
    return None


def signature_of(reference: Reference, name: str) -> inspect.Signature:
    """Return the signature of a method, without its first argument.

    Raises:
        AttributeError: its class is not known here, or has none.
    """
    try:
        whole = inspect.signature(getattr(known_class(reference), name))
    except (TypeError, ValueError) as error:
        raise AttributeError(name) from error
    return whole.replace(parameters=list(whole.parameters.values())[1:])


def docstring_of(reference: Reference, name: str) -> str | None:
    """Return what is known here of a method's documentation."""
    return inspect.getdoc(getattr(known_class(reference), name, None))
