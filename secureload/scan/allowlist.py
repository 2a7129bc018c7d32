"""The allow-list: exact pairs of module and name, each in a tier, each with its evidence.

A name that is not on the list is unknown, and unknown is never clean. There are no prefixes and no dotted
walks: ``find`` answers for the exact pair that the payload asks ``find_class`` for and for nothing else. The
data are the TOML files in :mod:`secureload.scan.allow`; a policy file of a user has the same layout::

    [library]
    name = "our-models"
    releases = ["2.1"]

    [new-only]
    globals = '''
    our_models.scale:Scaler  reviewed by the platform team, 2024-03
    '''

    [callable]
    globals = '''
    our_models.tree:Tree  data  reviewed by the platform team, 2024-03
    '''

One line is one global: ``module:name``, in the callable tier the rule for its arguments, then the evidence.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache
from types import MappingProxyType
from typing import Final

from secureload.errors import UsageError
from secureload.package_data import packaged_text
from secureload.pickles.trace import GlobalRef
from secureload.printable import printable
from secureload.scan.arguments import RULES
from secureload.scan.by_value import BY_VALUE, is_by_value
from secureload.scan.dangerous import grade

__all__ = [
    "USER_LIBRARY",
    "AllowList",
    "Allowed",
    "Tier",
    "can_be_allowed",
    "load_allow_file",
    "load_default",
]

_LIBRARY_FILES: Final = ("joblib", "joblib-0.9", "numpy", "pandas", "python", "scikit-learn", "scipy")
# The library of what a caller has allowed by name.
USER_LIBRARY: Final = "user"
_USER_RULE: Final = "any"


class Tier(Enum):
    """What a payload may do with a global, from least to most."""

    IMPORT_ONLY = "import-only"
    NEW_ONLY = "new-only"
    CALLABLE = "callable"


@dataclass(frozen=True, slots=True)
class Allowed:
    """One entry. ``arguments`` names the rule of :mod:`secureload.scan.arguments` that a call must fit."""

    ref: GlobalRef
    tier: Tier
    library: str
    evidence: str
    arguments: str | None = None


# An entry before anybody asked for it: library, tier and the line after its name. Building 1,500 values of
# which a payload needs thirty would cost more than reading the files.
_Entry = tuple[str, Tier, str]


class AllowList:
    """An immutable set of :class:`Allowed` entries by exact (module, name)."""

    __slots__ = ("_entries",)

    def __init__(self, entries: Mapping[tuple[str, str], _Entry]) -> None:
        self._entries = MappingProxyType(dict(entries))

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[Allowed]:
        for module, name in self._entries:
            found = self.find(GlobalRef(module, name))
            if found is not None:
                yield found

    def find(self, ref: GlobalRef) -> Allowed | None:
        """Return the entry of exactly this module and name, or None: unknown."""
        entry = self._entries.get((ref.module, ref.name))
        if entry is None:
            return None
        library, tier, line = entry
        if tier is not Tier.CALLABLE:
            return Allowed(ref, tier, library, line)
        rule, _, evidence = line.partition(" ")
        return Allowed(ref, tier, library, evidence.strip(), rule)

    def extended_by(self, names: Iterable[str]) -> AllowList:
        """Return a list that also admits ``names``: ``pkg.module.Class`` or ``pkg.module:Class``.

        A user vouches for them as a whole: they may be imported, instantiated and called with any arguments,
        each import among which is judged by itself. Entries that exist already stay as they are.

        Raises:
            UsageError: a name is malformed, or graded dangerous.
        """
        entries = dict(self._entries)
        for name in names:
            key = _parse_user_name(name)
            entries.setdefault(key, (USER_LIBRARY, Tier.CALLABLE, f"{_USER_RULE} allowed by name"))
        return AllowList(entries)

    def joined_with(self, other: AllowList) -> AllowList:
        """Return a list with the entries of both; where both have one, this list's stays."""
        return AllowList({**other._entries, **self._entries})


@cache
def load_default() -> AllowList:
    """Return the list that secureload ships with; it is read once."""
    entries: dict[tuple[str, str], _Entry] = {}
    for file in _LIBRARY_FILES:
        # Our own data; a test holds that no name on it is graded dangerous.
        text = packaged_text("secureload.scan.allow", f"{file}.toml")
        entries.update(_parse(text, methods=True))
    return AllowList(entries)


def load_allow_file(text: str) -> AllowList:
    """Return the entries of a user's policy file in the layout above, as a list of their own.

    Raises:
        UsageError: the text is not TOML, breaks the layout, names an unknown rule or a dangerous global.
    """
    entries = _parse(text)
    for key in entries:
        _refuse_dangerous(GlobalRef(*key))
    return AllowList(entries)


def can_be_allowed(ref: GlobalRef) -> bool:
    """Whether a user may add this global to the list by its name: it is exact, and no known gadget."""
    return _is_exact(ref.module, ref.name) and grade(ref) is None and not is_by_value(ref)


def _parse(text: str, *, methods: bool = False) -> dict[tuple[str, str], _Entry]:
    try:
        data = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise _malformed(f"it is not TOML: {printable(error)}") from error
    unknown = sorted(set(data) - {"library", *(tier.value for tier in Tier)})
    if unknown:
        raise _malformed(f"unknown table {printable(unknown[0])}", table=unknown[0])
    header = data.get("library")
    library = header.get("name") if isinstance(header, dict) else None
    if not isinstance(library, str) or not library:
        raise _malformed("the name of the library is missing")
    entries: dict[tuple[str, str], _Entry] = {}
    for tier in Tier:
        table = data.get(tier.value, {"globals": ""})
        if not isinstance(table, dict) or set(table) != {"globals"} or not isinstance(table["globals"], str):
            raise _malformed(f"[{tier.value}] must hold one string named globals", table=tier.value)
        for line in table["globals"].splitlines():
            if line.strip():
                key, rest = _parse_line(line, tier, methods=methods)
                if key in entries:
                    raise _malformed(f"{printable(':'.join(key))} stands in it twice")
                entries[key] = (library, tier, rest)
    return entries


def _parse_line(line: str, tier: Tier, *, methods: bool) -> tuple[tuple[str, str], str]:
    ref, _, rest = line.strip().partition(" ")
    module, _, name = ref.partition(":")
    rest = rest.strip()
    # Protocol 4 saves a method of a class as Class.method. The few on our own list are exact pairs as well.
    owner, _, method = name.partition(".") if methods else (name, "", "")
    if not _is_exact(module, owner) or (method and not method.isidentifier()):
        raise _malformed(f"{printable(ref)} is not module:name")
    if not rest:
        raise _malformed(f"{printable(ref)} stands there without its evidence")
    if tier is Tier.CALLABLE:
        rule, _, evidence = rest.partition(" ")
        if rule not in RULES:
            raise _malformed(f"{printable(ref)} names an unknown argument rule, {printable(rule)}", rule=rule)
        if not evidence.strip():
            raise _malformed(f"{printable(ref)} stands there without its evidence")
    return (module, name), rest


def _parse_user_name(text: str) -> tuple[str, str]:
    if not isinstance(text, str):  # a caller who does not check types
        raise UsageError(
            f"not the name of a global: {printable(repr(text))}",
            hint="write one exact name as text, such as 'package.module.Class'",
        )
    module, separator, name = text.partition(":")
    if not separator:
        module, _, name = text.rpartition(".")
    if not _is_exact(module, name):
        raise UsageError(
            f"not the name of a global: {printable(text)}",
            hint="write one exact name, such as package.module.Class or package.module:Class",
            name=text,
        )
    _refuse_dangerous(GlobalRef(module, name))
    return module, name


def _is_exact(module: str, name: str) -> bool:
    """Whether the pair is plain: a dotted name reaches through objects and never stands on a list."""
    return name.isidentifier() and all(part.isidentifier() for part in module.split("."))


def _refuse_dangerous(ref: GlobalRef) -> None:
    technique = BY_VALUE if is_by_value(ref) else grade(ref)
    if technique is not None:
        raise UsageError(
            f"{printable(ref)} cannot be allowed: it {technique.name}",
            hint="no allow-list admits what runs code by itself; wrap what you need in a class of your own",
            name=str(ref),
            technique=technique.name,
        )


def _malformed(why: str, **fields: object) -> UsageError:
    return UsageError(
        f"the allow-list cannot be read: {why}", hint="its layout is one line a global", **fields
    )
