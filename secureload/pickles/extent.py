"""How deep the plain collections of a pickle are nested, how often they share each other, and what their keys hash to.

Nothing of this costs the unpickler anything, and all of it costs whoever touches what it gives: ``hash`` of a
tuple that is nested a million times crashes the interpreter, ``==`` and ``repr`` of a list that holds the same
list ten times, which holds another ten times, never end ("billion laughs"), and a dictionary whose keys have one
hash takes quadratic time to fill. Only tuples, lists, dictionaries and sets count: objects are as deep as
somebody looks into them, and a long chain of them is an ordinary thing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from itertools import chain, islice
from typing import Any, Final

from secureload.limits import Limits

__all__ = ["Extent", "ExtentError", "keys_of"]

_PLAIN: Final = frozenset({tuple, list, dict, set, frozenset})
_HASHED: Final = frozenset({dict, set, frozenset})
# Their hashes differ from process to process, so that no file can choose them.
_SALTED: Final = frozenset({str, bytes})
# Below this, all integers have hashes of their own, but for -1, which has that of -2.
_MODULUS: Final = (1 << 61) - 1
# Smaller ones that hold no others are quicker to look at than to remember.
_SMALL: Final = 8
# How many keys are counted at once: memory is needed for them.
_KEYS_AT_ONCE: Final = 1 << 16
# Of what is looked at level by level.
_FEW_LEVELS: Final = 64
_FEW_ITEMS: Final = 20_000_000
# What has more, has too many.
_MOST_WEIGHT: Final = 1 << 62


class ExtentError(Exception):
    """A limit was reached; the text begins with the limit's name."""


class Extent:
    """The collections that one pickle puts together. They must stay as they are until they are measured."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._roots: list[Any] = []
        # What a set or a dictionary is made of by a call, which nobody has hashed yet.
        self._keys: list[Any] = []
        # What is filled key by key, by its id, and its keys.
        self._filled: dict[int, tuple[Any, list[Any]]] = {}
        # Depth and weight of what was measured, by its id; (0, 1) while it is being measured.
        self._known: dict[int, tuple[int, int]] = {}
        self._items = 0

    def note(self, value: Any) -> None:
        """Take note of what an operation is given."""
        kind = type(value)
        if kind in _PLAIN and (_holds_plain(value) or (kind in _HASHED and len(value) > _SMALL)):
            self._roots.append(value)

    def note_all(self, values: Any) -> None:
        """Take note of all arguments of an operation."""
        if not _PLAIN.isdisjoint(map(type, values)):
            for value in values:
                self.note(value)

    def note_keys(self, keys: Any) -> None:
        """Take note of what a call makes the elements of a set of."""
        if type(keys) in _PLAIN and len(keys) > _SMALL:
            self._keys.append(keys)

    def note_key(self, target: Any, key: Any) -> None:
        """Take note of a key or an element that is put into ``target``, which is no plain collection."""
        kind = type(key)
        if kind in _SALTED or (kind is int and -_MODULUS < key < _MODULUS):
            return
        self.note(key)
        self._filled.setdefault(id(target), (target, []))[1].append(key)

    def measure(self) -> None:
        """Measure all that was noted, and forget it.

        Raises:
            ExtentError: it is nested too deep, expands to too much, or has too many keys of one hash.
        """
        try:
            if not self._is_shallow():
                for root in self._roots:
                    if id(root) not in self._known:
                        self._measure(root)
            self._keys += [keys for _, keys in self._filled.values()]
            for keys in self._keys:  # now none of them is too deep to be hashed
                self._check_keys(keys)
        finally:
            self._roots, self._keys, self._known, self._items = [], [], {}, 0
            self._filled = {}

    def _check_keys(self, keys: Collection[Any]) -> None:
        most = self._limits.equal_hash_keys
        if len(keys) <= most:
            return
        kinds = set(map(type, keys))
        if kinds <= _SALTED or (kinds == {int} and min(keys) > -_MODULUS and max(keys) < _MODULUS):
            return
        left = iter(keys)
        while hashes := Counter(map(_hash, islice(left, _KEYS_AT_ONCE))):
            count = max(hashes.values())
            if count > most:
                raise ExtentError(
                    f"equal_hash_keys: {count:,} keys have one hash, which makes their dictionary or set quadratic"
                )

    def _is_shallow(self) -> bool:
        """Whether all is seen level by level, with what is shared as often as it is met: that is so of most models.

        Where it is not (deep, much, or shared a lot), nothing is known.
        """
        level, met = self._roots, 0
        for _ in range(min(_FEW_LEVELS, self._limits.collections_depth)):
            met += sum(map(len, level))
            if met > min(_FEW_ITEMS, self._limits.shared_items):
                return False
            large = {id(value): value for value in level if len(value) > self._limits.equal_hash_keys}
            for value in large.values():
                if type(value) in _HASHED:
                    self._check_keys(value)
            if large:
                level = [value for value in level if len(value) <= _SMALL or _holds_plain(value)]
            values = chain.from_iterable(value.values() for value in level if type(value) is dict)
            level = [item for item in chain(chain.from_iterable(level), values) if type(item) in _PLAIN]
            if not level:
                return True
        return False

    def _measure(self, root: Any) -> None:
        known = self._known
        # Of each collection that we are in: itself, what is left in it, the depth and the weight so far.
        path: list[list[Any]] = []
        self._enter(path, root, self._inner(root))
        while path:
            top = path[-1]
            for child in top[1]:
                found = known.get(id(child))
                if found is None:
                    inner = self._inner(child)
                    if inner:
                        self._enter(path, child, inner)
                        break
                    found = (1, len(child))
                    if len(child) > _SMALL:
                        known[id(child)] = found
                top[2] = max(top[2], found[0])
                top[3] += found[1]
            else:
                path.pop()
                self._leave(path, top)

    def _enter(self, path: list[list[Any]], value: Any, inner: list[Any]) -> None:
        self._known[id(value)] = (0, 1)  # what holds itself is cut there
        path.append([value, iter(inner), 0, len(value)])
        self._check_depth(len(path))

    def _leave(self, path: list[list[Any]], top: list[Any]) -> None:
        depth, weight = top[2] + 1, min(top[3], _MOST_WEIGHT)
        self._known[id(top[0])] = (depth, weight)
        self._check_depth(depth)
        limits = self._limits
        if weight > limits.shared_items and weight > limits.shared_ratio * self._items:
            raise ExtentError(
                f"shared_items: collections that hold each other again and again stand for {weight:.1e} items"
            )
        if path:
            path[-1][2] = max(path[-1][2], depth)
            path[-1][3] += weight

    def _check_depth(self, depth: int) -> None:
        most = self._limits.collections_depth
        if depth > most:
            raise ExtentError(f"collections_depth: collections in each other, more than {most:,} deep")

    def _inner(self, value: Any) -> list[Any]:
        """Return the collections that ``value`` holds."""
        size = len(value)
        self._items += size
        if size > _SMALL:
            if type(value) in _HASHED:
                self._check_keys(value)
            if not _holds_plain(value):
                return []
        inner = [item for item in value if type(item) in _PLAIN]
        if type(value) is dict:
            inner += [item for item in value.values() if type(item) in _PLAIN]
        return inner


def _holds_plain(value: Any) -> bool:
    if not _PLAIN.isdisjoint(map(type, value)):
        return True
    return type(value) is dict and not _PLAIN.isdisjoint(map(type, value.values()))


def keys_of(pairs: Any) -> list[Any]:
    """Return the keys of what a dictionary is made of by a call: pairs, or another dictionary."""
    if type(pairs) is dict:
        return list(pairs)
    if type(pairs) not in _PLAIN:
        return []
    return [pair[0] for pair in pairs if type(pair) in (tuple, list) and len(pair) == 2]


def _hash(key: Any) -> int:
    try:
        return hash(key)
    except (TypeError, RecursionError):
        return id(key)
