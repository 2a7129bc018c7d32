"""Dotted names: ``Class.method``, which protocol 4 writes, and walks to whatever a module has imported.

From protocol 4 on the unpickler looks a name up part by part. Pickle itself writes ``Scaler.fit`` for a method
that is saved as a value. ``pathlib:os.system`` is another matter: whatever module it begins in, it ends in
another. The parts tell the two apart; nothing is imported to know.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Final, TypeAlias

from secureload.scan.technique import Technique, words

__all__ = ["MODULE_MACHINERY", "REACHES_THROUGH", "why_dotted"]

Grade: TypeAlias = Callable[[str, str], Technique | None]

REACHES_THROUGH: Final = Technique(
    "reaches through a module",
    "a name walks from attribute to attribute, through a module to whatever that module has imported",
)
MODULE_MACHINERY: Final = Technique(
    "reaches into the machinery of a module",
    "every module, class and function has its namespace, its loader and the builtins under names between double"
    " underscores",
)

# Class.method is two parts, a method of a nested class three.
_MOST_PARTS: Final = 8
# Methods between double underscores that Python code defines and that pickle may name.
_METHODS: Final = frozenset(
    f"__{name}__"
    for name in words(
        "abs add and bool bytes call ceil complex contains copy deepcopy divmod enter eq exit float floor floordiv"
        " format ge getitem gt hash iadd iand ifloordiv ilshift imatmul imod imul index init int invert ior ipow"
        " irshift isub iter itruediv ixor le len length_hint lshift lt matmul mod mul ne neg new next or pos pow"
        " radd rand rdivmod repr reversed rfloordiv rlshift rmatmul rmod rmul ror round rpow rrshift rshift rsub"
        " rtruediv rxor setitem delitem sizeof str sub truediv trunc xor array array_function array_ufunc"
        " sklearn_tags sklearn_clone post_init"
    )
)
# What frames, functions, generators and code objects hand out without underscores on both sides.
_INTERNALS: Final = words(
    "ag_code ag_frame co_code co_consts cr_code cr_frame f_back f_builtins f_code f_globals f_locals func_closure"
    " func_code func_dict func_globals gi_code gi_frame gi_yieldfrom im_class im_func im_self mro tb_frame"
    " tb_next"
)
# What a name ends in that runs what it is given, in whatever module or class it is found.
_ENDS: Final = words(
    "check_call check_output eval_code exec execfile execl execle execlp execlpe execv execve execvp execvpe"
    " exec_module find_class fork fork_exec forkpty getoutput getstatusoutput import_module interact load_module"
    " modules popen popen2 popen3 popen4 posix_spawn posix_spawnp Popen resolve_name run_code run_module run_path"
    " runcode runcall runctx runsource spawn spawnl spawnle spawnlp spawnlpe spawnv spawnve spawnvp spawnvpe startfile"
    " system _run_code"
)
# Other names by which packages are imported.
_ALIASES: Final = words("joblib mpl np numpy pandas pd plt scipy sklearn sp tf torch yaml")
# Modules whose name says so whatever module has imported them; a class of a user may be called "code".
_UNMISTAKABLE: Final = words(
    "asyncio builtins ctypes importlib marshal multiprocessing nt os pickle pkgutil posix pty runpy shutil socket"
    " subprocess sys tempfile threading urllib"
)
# The same in modules of libraries that have no function of that name.
_IN_LIBRARIES: Final = words("functools gc imp inspect operator warnings weakref")
# Packages that keep to CapWords for classes but for these.
_KNOWN: Final = frozenset({*sys.stdlib_module_names, *_ALIASES, "tensorflow", "keras", "matplotlib"})
_LOWER_CLASSES: Final = words(
    "array bool bytearray bytes chararray complex date datetime defaultdict deque dict dtype enumerate filter float"
    " frozenset gaussian_kde generic int interp1d interp2d iterator list map matrix memoryview ndarray number object"
    " partial poly1d range recarray record reversed rv_continuous rv_discrete rv_frozen rv_generic set slice str super"
    " time timedelta timezone tuple type tzinfo ufunc vectorize zip"
)


def why_dotted(module: str, name: str, grade: Grade) -> Technique | None:
    """Return how ``name`` reaches what its module does not define, or None where it does not seem to.

    ``grade`` looks a pair up in the list of gadgets.
    """
    parts = name.split(".", _MOST_PARTS)
    if len(parts) == 1:
        return _plain(module, name)
    if len(parts) > _MOST_PARTS:
        return REACHES_THROUGH
    if any(_is_machinery(part) for part in parts[:-1]) or (
        _is_machinery(parts[-1]) and parts[-1] not in _METHODS
    ):
        return MODULE_MACHINERY
    classes = all(_is_class(part) for part in parts[:-1])
    if any(_is_module(part) for part in parts[:-1]) or parts[-1].lstrip("_") in _UNMISTAKABLE:
        return REACHES_THROUGH
    if parts[-1] in _ENDS and not classes:
        return REACHES_THROUGH
    for count in range(1, len(parts)):
        found = grade(module, ".".join(parts[:count]))
        found = found or grade(f"{module}.{'.'.join(parts[:count])}", ".".join(parts[count:]))
        if found is not None:
            return found
    return None if classes or not _is_known(module) else REACHES_THROUGH


def _plain(module: str, name: str) -> Technique | None:
    """A name of one part: a module that the module has imported, or what every module has."""
    if _is_machinery(name):
        return None if name == "__main__" else MODULE_MACHINERY  # dill names the script that saved it
    bare = name.lstrip("_")
    if bare in _UNMISTAKABLE:
        return REACHES_THROUGH
    if _is_known(module) and (bare in _ALIASES or bare in _IN_LIBRARIES or name in _ENDS):
        return REACHES_THROUGH
    return None


def _is_machinery(part: str) -> bool:
    return (part.startswith("__") and part.endswith("__")) or part in _INTERNALS


def _is_module(part: str) -> bool:
    bare = part.lstrip("_")
    return (bare in sys.stdlib_module_names or bare in _ALIASES) and part not in _LOWER_CLASSES


def _is_known(module: str) -> bool:
    return module.partition(".")[0] in _KNOWN


def _is_class(part: str) -> bool:
    return (
        part.lstrip("_")[:1].isupper()
        or part in _LOWER_CLASSES
        or part.endswith(("_gen", "_matrix", "_array"))
    )
