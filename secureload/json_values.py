"""What is looked at in every value that came from JSON, whoever reads it: repeated keys, nesting, characters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

__all__ = ["is_nested_deeper", "is_unicode_text", "kind_of", "repeated_keys", "walk_values"]


def repeated_keys(pairs: Sequence[tuple[str, object]]) -> list[str]:
    """Return the keys that ``pairs``, one object of the text, has more than once, each time it is repeated."""
    if len({key for key, _ in pairs}) == len(pairs):
        return []
    seen: set[str] = set()
    repeated: list[str] = []
    for key, _ in pairs:
        if key in seen:
            repeated.append(key)
        seen.add(key)
    return repeated


def is_nested_deeper(value: object, levels: int) -> bool:
    """Whether objects and lists stand in each other more than ``levels`` deep; no recursion is needed to tell."""
    level: list[object] = [value]
    depth = 0
    while level := [item for item in level if isinstance(item, dict | list)]:
        depth += 1
        if depth > levels:
            return True
        level = [inner for item in level for inner in _below(item)]
    return False


def walk_values(value: object) -> Iterator[object]:
    """Yield ``value`` and everything in it, keys too, in no order."""
    pending = [value]
    while pending:
        item = pending.pop()
        yield item
        if isinstance(item, dict):
            pending.extend(item.keys())
        if isinstance(item, dict | list):
            pending.extend(_below(item))


def is_unicode_text(text: str) -> bool:
    """Whether ``text`` holds characters alone: ``"\\ud800"`` is valid JSON and no character."""
    return text.isascii() or not any("\ud800" <= char <= "\udfff" for char in text)


def kind_of(value: object) -> str:
    """Return how JSON calls this value, with its article."""
    if value is None:
        return "null"
    names: dict[type, str] = {bool: "a boolean", int: "a number", float: "a number", str: "a string"}
    return names.get(type(value), "a list" if isinstance(value, list) else "an object")


def _below(item: dict[str, object] | list[object]) -> Iterator[object]:
    return iter(item.values()) if isinstance(item, dict) else iter(item)
