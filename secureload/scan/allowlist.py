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
from enum import Enum
from functools import cache
from types import MappingProxyType
from typing import Final, TypeAlias

from secureload.errors import UsageError
from secureload.package_data import packaged_text
from secureload.pickles.trace import GlobalRef
from secureload.printable import printable
from secureload.scan.arguments import RULES
from secureload.scan.by_value import BY_VALUE, is_by_value
from secureload.scan.dangerous import grade
from secureload.values import dataclass

__all__ = [
    "USER_LIBRARY",
    "AllowList",
    "Allowed",
    "Tier",
    "can_be_allowed",
    "library_of",
    "load_allow_file",
    "load_default",
    "load_shipped_file",
    "read_ahead",
]

# The file of each top-level module. What is not in this table is looked for in the standard library's.
_FILES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "_catboost": "catboost",
        "_loss": "scikit-learn",  # what some releases call their compiled losses
        "catboost": "catboost",
        "dateutil": "python-dateutil",
        "imblearn": "imbalanced-learn",
        "joblib": "joblib",
        "lightgbm": "lightgbm",
        "numpy": "numpy",
        "pandas": "pandas",
        "pyarrow": "pyarrow",
        "pytz": "pytz",
        "scipy": "scipy",
        "sklearn": "scikit-learn",
        "statsmodels": "statsmodels",
        "torch": "torch",
        "xgboost": "xgboost",
    }
)
_STANDARD_LIBRARY: Final = "python"
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
    # Added by who runs this, by name or by file: its module is the caller's own, not one of a known library.
    is_own: bool = False


# An entry before anybody asked for it: library, tier and the line after its name. Building thousands of values
# of which a payload needs thirty would cost more than reading the files.
_Key: TypeAlias = tuple[str, str]
_Entry: TypeAlias = tuple[str, Tier, str]


class AllowList:
    """An immutable set of :class:`Allowed` entries by exact (module, name): layers, of which the first wins."""

    __slots__ = ("_layers",)

    def __init__(self, *layers: Mapping[_Key, _Entry]) -> None:
        self._layers = layers

    def __len__(self) -> int:
        return len(self._keys())

    def __iter__(self) -> Iterator[Allowed]:
        for module, name in self._keys():
            found = self.find(GlobalRef(module, name))
            if found is not None:
                yield found

    def _keys(self) -> dict[_Key, None]:
        return {key: None for layer in self._layers for key in layer}

    def find(self, ref: GlobalRef) -> Allowed | None:
        """Return the entry of exactly this module and name, or None: unknown."""
        key = (ref.module, ref.name)
        for layer in self._layers:
            entry = layer.get(key)
            if entry is not None:
                return _allowed(ref, entry, is_own=not isinstance(layer, _Shipped))
        return None

    def extended_by(self, names: Iterable[str]) -> AllowList:
        """Return a list that also admits ``names``: ``pkg.module.Class`` or ``pkg.module:Class``.

        A user vouches for them as a whole: they may be imported, instantiated and called with any arguments,
        each import among which is judged by itself. Entries that exist already stay as they are.

        Raises:
            UsageError: a name is malformed, or graded dangerous.
        """
        line = f"{_USER_RULE} allowed by name"
        return AllowList(
            *self._layers, {_parse_user_name(name): (USER_LIBRARY, Tier.CALLABLE, line) for name in names}
        )

    def joined_with(self, other: AllowList) -> AllowList:
        """Return a list with the entries of both; where both have one, this list's stays."""
        return AllowList(*self._layers, *other._layers)


def _allowed(ref: GlobalRef, entry: _Entry, *, is_own: bool) -> Allowed:
    library, tier, line = entry
    if tier is not Tier.CALLABLE:
        return Allowed(ref, tier, library, line, is_own=is_own)
    rule, _, evidence = line.partition(" ")
    return Allowed(ref, tier, library, evidence.strip(), rule, is_own)


class _Shipped(Mapping[_Key, _Entry]):
    """The lists of the package. A library's file is read when a module of it is asked for, and then kept.

    A payload names modules of three or four libraries; to read the lists of all of them would cost a check of a
    small file more than everything else that it does.
    """

    def __getitem__(self, key: _Key) -> _Entry:
        return _read_library(library_of(key[0]))[key]

    def __iter__(self) -> Iterator[_Key]:
        for file in sorted({*_FILES.values(), _STANDARD_LIBRARY}):
            yield from _read_library(file)

    def __len__(self) -> int:
        return sum(1 for _ in self)


def library_of(module: str) -> str:
    """Return the name of the file that would hold the globals of this module."""
    return _FILES.get(module.partition(".")[0], _STANDARD_LIBRARY)


@cache
def _read_library(file: str) -> Mapping[_Key, _Entry]:
    # Our own data; a test holds that no name on it is graded dangerous, and that each stands in its file.
    return _parse(packaged_text("secureload.scan.allow", f"{file}.toml"), methods=True)


def read_ahead(head: bytes) -> None:
    """Read the lists of the libraries that the first bytes of a file name: most likely they will be asked for."""
    named = {file for package, file in _FILES.items() if package.encode() in head}
    if "scikit-learn" in named:
        named.add("numpy")  # its models hold arrays
    for file in named:
        _read_library(file)


@cache
def load_default() -> AllowList:
    """Return the list that secureload ships with; each library's part is read when it is needed."""
    return AllowList(_Shipped())


def load_shipped_file(text: str) -> AllowList:
    """Return the entries of one of the files of the package, as a list of their own."""
    return AllowList(_parse(text, methods=True))


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


def _parse(text: str, *, methods: bool = False) -> dict[_Key, _Entry]:
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
    entries: dict[_Key, _Entry] = {}
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


def _parse_line(line: str, tier: Tier, *, methods: bool) -> tuple[_Key, str]:
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


def _parse_user_name(text: str) -> _Key:
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
