"""A member with one observation, for the rules that grade what readers observe."""

from __future__ import annotations

from secureload.formats.reading import Observation
from secureload.scan.case import Case
from secureload.scan.part import Part

from .cases import ours


def observed(*codes: str, format_: str = "unknown") -> Case:
    """A case of a member called "member" with these observations and nothing else."""
    found = tuple(Observation(code=code, message=f"about {code}", offset=7) for code in codes)
    part = Part(path="member", format=format_, description="a member", observations=found, bytes_examined=1)
    return Case(part, ours(), {})
