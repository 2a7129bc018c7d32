"""Look for gadgets in the source of libraries: ``python -m secureload.scan.gadgets.reach [PACKAGE …]``.

For each function, method and class of the modules that are no family it is read from the source, which nothing
runs, what it calls, and whether that leads to an effect: text that is executed, a module that is imported by name, a
file, a program, the network, another payload. What does and stands in no list is printed, with the way there.
Without arguments the standard library is read; the tests hold that nothing is left there.

It reads what calls say by name. A method of an object that came as an argument is not followed: whoever hands the
object over had to make it, and that is what the list grades.
"""

from __future__ import annotations

import ast
import importlib.util
import sys
import sysconfig
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Final, TypeAlias

from secureload.pickles.trace import GlobalRef
from secureload.scan.dangerous import grade, is_family, is_ordinary
from secureload.scan.technique import words

__all__ = ["Source", "found_in", "main", "package_sources", "reviewed", "standard_library"]

# A function, method or class by its module and its qualified name.
Name: TypeAlias = tuple[str, str]

_EFFECTS: Final = frozenset(
    {"executes code", "spawns processes", "imports modules", "opens files", "uses the network", "deserializes",
     "runs native code"}
)  # fmt: skip
# Known for an effect that what calls them with arguments of its own does not pass on: they make classes, look at
# functions, know the machine or tell of a warning.
_QUIET: Final = words(
    """
    abc:_abc_init abc:_abc_instancecheck abc:_abc_register abc:_abc_subclasscheck abc:_get_dump abc:_reset_caches
    abc:_reset_registry abc:get_cache_token ast:parse builtins:compile collections:namedtuple functools:singledispatch
    functools:_find_impl functools:_compose_mro dataclasses:make_dataclass typing:ForwardRef typing:_type_convert
    string:Formatter os:fspath os:fsencode os:fsdecode os:environ os:getpid os:urandom os:cpu_count os:getrandom
    os.environ:get os.path:join os.path:split os.path:splitext os.path:basename os.path:dirname os.path:normpath
    os.path:normcase os.path:isabs os.path:commonprefix os.path:splitdrive os:PathLike os:_exit
    codecs:lookup codecs:getincrementalencoder codecs:getincrementaldecoder codecs:getreader codecs:getwriter
    codecs:getencoder codecs:getdecoder encodings:search_function codecs:register inspect:signature inspect:getdoc
    inspect:isclass inspect:isfunction inspect:unwrap inspect:cleandoc inspect:getmodule inspect:currentframe
    inspect:get_annotations locale:getpreferredencoding locale:getencoding locale:localeconv locale:getlocale
    locale:setlocale locale:_setlocale gettext:gettext gettext:ngettext socket:getfqdn logging:getLogger
    csv:reader io:TextIOWrapper _winapi:GetACP gettext:dgettext warnings:warn warnings:_deprecated
    """
)
_SPECIAL: Final = ("__init__", "__new__", "__setstate__", "__del__", "__init_subclass__", "__post_init__")


_QUIET_NAMES: Final = frozenset((each.partition(":")[0], each.partition(":")[2]) for each in _QUIET)


@dataclass(frozen=True, slots=True)
class Source:
    """The text of one module."""

    module: str
    text: str
    is_package: bool = False


@dataclass(slots=True)
class _Module:
    """What a module binds at its top, and what each of its functions and classes calls."""

    name: str
    bound: dict[str, str | Name] = field(default_factory=dict)
    calls: dict[str, set[Name]] = field(default_factory=dict)


def found_in(sources: Iterable[Source]) -> dict[Name, tuple[Name, ...]]:
    """Return what reaches an effect and is neither a family nor graded, each with the way to the effect."""
    modules = [_read(source) for source in sources]
    calls = {(module.name, name): targets for module in modules for name, targets in module.calls.items()}
    for (module, name), targets in calls.items():
        # A class runs those of its special methods that it has.
        calls[module, name] = {each for each in targets if each in calls or not _is_special_of(each, name)}
    ways: dict[Name, tuple[Name, ...]] = {}
    callers: dict[Name, set[Name]] = {}
    for caller, targets in calls.items():
        for target in targets:
            if target not in _QUIET_NAMES and not is_ordinary(GlobalRef(*target)):
                callers.setdefault(target, set()).add(caller)
    waiting = []
    for target in callers:
        # Of a special method it counts what it does, not that its class is listed with all of its methods.
        if _is_effect(target) and not (target in calls and target[1].endswith(_SPECIAL)):
            ways[target] = (target,)
            waiting.append(target)
    while waiting:
        target = waiting.pop()
        for caller in callers.get(target, ()):
            if caller not in ways:
                ways[caller] = (caller, *ways[target])
                waiting.append(caller)
    return {
        name: way
        for name, way in sorted(ways.items())
        if name in calls and not is_family(name[0]) and grade(GlobalRef(*name)) is None
    }


def standard_library() -> Iterator[Source]:
    """Yield the modules of the running Python's standard library that are written in Python."""
    root = Path(sysconfig.get_path("stdlib"))
    for top in sorted(sys.stdlib_module_names):
        yield from _below(root, top)


def package_sources(name: str) -> Iterator[Source]:
    """Yield the modules of an installed package."""
    spec = importlib.util.find_spec(name)
    for folder in (spec.submodule_search_locations or ()) if spec is not None else ():
        yield from _below(Path(folder).parent, name)


def _below(root: Path, top: str) -> Iterator[Source]:
    paths = [root / f"{top}.py", *sorted((root / top).rglob("*.py"))]
    for path in paths:
        parts = path.relative_to(root).with_suffix("").parts
        if not path.is_file() or {"tests", "test", "idlelib", "lib2to3"} & set(parts):
            continue
        is_package = parts[-1] == "__init__"
        module = ".".join(parts[:-1] if is_package else parts)
        yield Source(module, path.read_text(encoding="utf-8", errors="replace"), is_package)


def _is_special_of(target: Name, owner: str) -> bool:
    return target[1] in {f"{owner}.{special}" for special in _SPECIAL}


def _is_effect(target: Name) -> bool:
    technique = grade(GlobalRef(*target))
    return technique is not None and technique.name in _EFFECTS


# -- reading one module ------------------------------------------------------------------------------------


def _read(source: Source) -> _Module:
    module = _Module(source.module)
    try:
        tree = ast.parse(source.text)
    except (SyntaxError, ValueError):
        return module  # a template, or another version's syntax
    package = source.module if source.is_package else source.module.rpartition(".")[0]
    for node in ast.walk(tree):
        # Imports inside of functions are bound as if at the top: what a name means is the same.
        module.bound.update(_imported(node, package))
    for name in _defined(tree.body):
        module.bound[name] = (module.name, name)
    for node in tree.body:
        _define(node, module, "")
    return module


def _defined(nodes: Iterable[ast.AST]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.If | ast.Try | ast.ExceptHandler):
            yield from _defined(ast.iter_child_nodes(node))


def _imported(node: ast.AST, package: str) -> Iterator[tuple[str, str | Name]]:
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield (
                alias.asname or alias.name.partition(".")[0],
                (alias.name if alias.asname else alias.name.partition(".")[0]),
            )
    elif isinstance(node, ast.ImportFrom):
        origin = node.module or ""
        if node.level:
            parts = package.split(".")
            base = ".".join(parts[: len(parts) - node.level + 1])
            origin = f"{base}.{origin}" if origin else base
        for alias in node.names:
            yield alias.asname or alias.name, (origin, alias.name)


def _define(node: ast.AST, module: _Module, owner: str) -> None:
    if isinstance(node, ast.If | ast.Try | ast.ExceptHandler):
        for inner in ast.iter_child_nodes(node):
            _define(inner, module, owner)
    elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        name = f"{owner}.{node.name}" if owner else node.name
        module.calls.setdefault(name, set()).update(_called(node, module, owner))
    elif isinstance(node, ast.ClassDef) and not owner:
        made = module.calls.setdefault(node.name, set())
        # To make an instance is to run these, its own or those of its bases.
        made.update((module.name, f"{node.name}.{special}") for special in _SPECIAL)
        made.update(target for base in node.bases for target in _targets(base, module, ""))
        for inner in node.body:
            _define(inner, module, node.name)


def _called(node: ast.AST, module: _Module, owner: str) -> Iterator[Name]:
    for inner in ast.walk(node):
        if isinstance(inner, ast.Call):
            yield from _targets(inner.func, module, owner)


def _targets(function: ast.AST, module: _Module, owner: str) -> Iterator[Name]:
    """Yield the names that a called expression may mean."""
    parts: list[str] = []
    while isinstance(function, ast.Attribute):
        parts.append(function.attr)
        function = function.value
    if not isinstance(function, ast.Name):
        return
    root, attributes = function.id, parts[::-1]
    if root in ("self", "cls") and owner and attributes:
        yield module.name, f"{owner}.{attributes[0]}"
        return
    meant = module.bound.get(root)
    if meant is None:
        if not attributes:
            yield "builtins", root
    elif isinstance(meant, str):
        if attributes:
            yield ".".join((meant, *attributes[:-1])), attributes[-1]
    elif attributes:
        yield meant[0], ".".join((meant[1], *attributes))
        yield f"{meant[0]}.{meant[1]}", ".".join(attributes)
    else:
        yield meant


def reviewed(name: Name) -> bool:
    """Whether it was found, looked at, and left ungraded for a reason that stands in ``harmless.toml``."""
    return any(fnmatchcase(":".join(name), pattern) for pattern in _reviewed())


@cache
def _reviewed() -> frozenset[str]:
    text = Path(__file__).with_name("harmless.toml").read_text(encoding="utf-8")
    return frozenset(tomllib.loads(text)["reviewed"])


def main(arguments: list[str]) -> int:
    """Print what is left; return 0 where nothing is, else 1."""
    sources = (source for name in arguments for source in package_sources(name))
    found = found_in(sources if arguments else standard_library())
    left = {name: way for name, way in found.items() if not reviewed(name)}
    for name, way in left.items():
        print(":".join(name), "→", " → ".join(":".join(step) for step in way[1:]))
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
