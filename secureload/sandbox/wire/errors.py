"""What goes wrong between a value and its encoding."""

from __future__ import annotations

__all__ = ["Unencodable", "WireValueError"]


class Unencodable(Exception):  # noqa: N818  # it is an answer ("send a reference instead"), not a failure
    """The value is not data that the wire carries; the text names its kind, ``hint`` what to do about it."""

    def __init__(self, kind: str, hint: str = "") -> None:
        super().__init__(kind)
        self.hint = hint


class WireValueError(ValueError):
    """The other side sent something that is not a value."""
