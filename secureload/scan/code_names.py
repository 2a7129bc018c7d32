"""Names that give away what a piece of code does: what it looks up to start programs, run text or connect.

Code pickled by value is undecided by itself, so this list need not be complete: it only tells which of it is
plainly dangerous. Names that the code of ordinary models looks up (``open``, ``os``, ``pickle``) are not on it.
"""

from __future__ import annotations

import re
from typing import Final

from secureload.pickles.trace import Const
from secureload.scan.code_shown import CodeShown
from secureload.scan.dangerous import Technique, techniques
from secureload.scan.file_arguments import is_file_path
from secureload.scan.technique import words

__all__ = ["why_code_is_dangerous", "why_name_is_dangerous", "why_text_is_dangerous"]

_BY_TECHNIQUE: Final = {
    "spawns processes": words(
        "system popen popen2 popen3 popen4 Popen check_call check_output getoutput getstatusoutput execl execle execlp"
        " execlpe execv execve execvp execvpe fork forkpty fork_exec posix_spawn posix_spawnp spawnl spawnle spawnlp"
        " spawnlpe spawnv spawnve spawnvp spawnvpe startfile subprocess pty create_subprocess_exec"
        " create_subprocess_shell _posixsubprocess CreateProcess ShellExecute"
    ),
    "executes code": words(
        "execfile runcode runsource run_code run_path run_module runpy runctx runeval exec_module"
    ),
    "imports modules": words("__import__ import_module load_module load_source resolve_name spec_from_file_location"),
    "uses the network": words(
        "socket create_connection create_server urlopen urlretrieve socketserver ftplib smtplib telnetlib"
        " HTTPConnection HTTPSConnection FTP SMTP"
    ),
    "runs native code": words("ctypes CDLL WinDLL PyDLL dlopen windll cdll pythonapi VirtualAlloc mprotect"),
    "deserializes": words("marshal"),
    "reads or changes the interpreter": words(
        "__subclasses__ __globals__ __builtins__ f_globals f_builtins gi_frame tb_frame _getframe settrace setprofile"
    ),
}  # fmt: skip
# The builtins, which are methods of harmless objects as well (``model.eval()``).
_AS_GLOBALS: Final = {"executes code": words("eval exec compile breakpoint")}
_PICKLES: Final = words("pickle cPickle _pickle cloudpickle dill jsonpickle")
_WORD: Final = re.compile(r"\w++")


def why_name_is_dangerous(name: str) -> Technique | None:
    """Return what a name that code looks up is known for, None for the others."""
    return _technique(name, _BY_TECHNIQUE)


def why_code_is_dangerous(code: CodeShown) -> tuple[str, Technique] | None:
    """Return the first name of the code that gives it away, and what that is known for."""
    for name in code.names:
        found = _technique(name, _BY_TECHNIQUE)
        if found is None and name in code.global_names:
            found = _technique(name, _AS_GLOBALS)
        if found is not None:
            return name, found
    return _of_files(code)


def _of_files(code: CodeShown) -> tuple[str, Technique] | None:
    """Code of models opens files that it is told, and unpickles what it pickled: not a fixed path, not only that."""
    if "open" in code.global_names:
        texts = (value.value for value in code.constants if isinstance(value, Const))
        if any(isinstance(text, str) and is_file_path(text) for text in texts):
            return "open", _named("opens files")
    if "loads" in code.names and "dumps" not in code.names and not _PICKLES.isdisjoint(code.names):
        return "loads", _named("deserializes")
    return None


def _named(name: str) -> Technique:
    return next(technique for technique in techniques() if technique.name == name)


def why_text_is_dangerous(text: str) -> tuple[str, Technique] | None:
    """Return the first word of a text that a library would run which gives it away, and what that is known for."""
    for match in _WORD.finditer(text):
        found = _technique(match[0], _BY_TECHNIQUE) or _technique(match[0], _AS_GLOBALS)
        if found is not None:
            return match[0], found
    return None


def _technique(name: str, table: dict[str, frozenset[str]]) -> Technique | None:
    for key, names in table.items():
        if name in names:
            return _named(key)
    return None
