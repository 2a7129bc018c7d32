"""The order of version labels: total, so that there is always an answer to "is this older?".

Numbers compare as numbers and words as words; a word behind a number comes before its end (1.4rc1 < 1.4 < 1.4.1),
as in PEP 440 and Semantic Versioning; what follows a plus sign does not count.
"""

from __future__ import annotations

import re

__all__ = ["compare_versions"]

_PARTS = re.compile(r"[0-9]+|[^\W\d_]+")
_WORD, _END, _NUMBER, _POST = range(4)
_DIGITS = 64


def compare_versions(first: str, second: str) -> int:
    """Return -1, 0 or 1: whether ``first`` is the older, the same, or the newer."""
    one, other = _key(first), _key(second)
    return (one > other) - (one < other)


def _key(version: str) -> list[tuple[int, int, str]]:
    text = version.casefold().partition("+")[0].removeprefix("v")
    parts: list[tuple[int, int, str]] = []
    for part in [*(_part(part) for part in _PARTS.findall(text)), (_END, 0, "")]:
        if part[0] != _NUMBER:
            while parts and parts[-1] == (_NUMBER, 0, ""):  # 1.4.0 is 1.4, and 1.4.0rc1 is 1.4rc1
                parts.pop()
        parts.append(part)
    return parts


def _part(part: str) -> tuple[int, int, str]:
    if part.isascii() and part.isdigit():
        # Longer than any release's number: compared by length, then as text, which is the same order.
        digits = part.lstrip("0") or "0"
        return (_NUMBER, int(digits), "") if len(digits) <= _DIGITS else (_POST, len(digits), digits)
    return (_POST, 0, part) if part in ("post", "rev") else (_WORD, 0, part)
