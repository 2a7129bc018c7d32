"""Which global a pair of strings means: the Python 2 names of protocols 0 to 2.

``pickle.load`` maps old names (``copy_reg``, ``__builtin__``) to the present ones where the protocol is below
3 (``_compat_pickle``). The tracer and the loader share this one function, so what was judged is what loads.
The protocol is that of the pickle's first opcode; one that changes in mid-stream maps nothing new, and no
name on the allow-list is a Python 2 name.
"""

from __future__ import annotations

from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING

__all__ = ["effective_name", "first_protocol"]

_PROTO = 0x80


def effective_name(module: str, name: str, protocol: int) -> tuple[str, str]:
    """Return the (module, name) that ``pickle.load`` imports for this pair under ``protocol``."""
    if protocol >= 3:
        return module, name
    mapped = NAME_MAPPING.get((module, name))
    if mapped is not None:
        return mapped
    return IMPORT_MAPPING.get(module, module), name


def first_protocol(head: bytes) -> int:
    """Return the protocol that a pickle beginning with these two bytes announces, 0 where it announces none."""
    return head[1] if len(head) == 2 and head[0] == _PROTO else 0
