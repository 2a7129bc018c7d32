"""``main()``: run a command, and turn whatever happens into an exit code and at most two lines.

Every :class:`SecureloadError` ends as ``error: …`` and ``hint: …`` on standard error and its own exit code. An
exception that nobody thought of is exit code 5, never 1, which would say that a file was rejected.
"""

from __future__ import annotations

import os
import stat
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NoReturn

__all__ = ["main", "program"]

_INTERRUPTED = 130
_NOT_WRITTEN = 5


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code; ``arguments`` are those of the process by default."""
    _open_standard_streams()
    _show_every_character()
    words = sys.argv[1:] if arguments is None else list(arguments)
    try:
        _start_ahead(words)
        return _run(words)
    except KeyboardInterrupt:
        return _INTERRUPTED
    except Exception as error:  # the contract: an uncaught exception is never exit code 1
        return _ended_by(error)


def _ended_by(error: Exception) -> int:
    from secureload.cli.output import silence_standard_output
    from secureload.errors import ExitCode, SecureloadError

    if isinstance(error, SecureloadError):
        return _failed(error.message, error.hint, error.exit_code)
    if isinstance(error, BrokenPipeError) and silence_standard_output():
        return int(ExitCode.ENVIRONMENT)
    return _failed(
        f"internal: {type(error).__name__}: {error}",
        "please report this; SECURELOAD_DEBUG=1 shows where it happened",
        ExitCode.ENVIRONMENT,
        error,
    )


def program() -> NoReturn:
    """Run the command line of this process, and end it: nothing of the interpreter is worth taking apart."""
    import atexit
    import gc

    gc.disable()  # whoever checks many files turns it on again
    code = main()
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            code = code or _NOT_WRITTEN
    os._exit(code)


def _start_ahead(words: Sequence[str]) -> None:
    """Let what ``check`` waits for start on another core while this process imports the parser and the rest."""
    if words[:1] == ["check"] and len(words) > 1 and not {"-h", "--help"} & set(words):
        from secureload.sandbox.launch import launch_ahead

        launch_ahead("trace", "" if len(words) == 2 and _may_be_plain(words[1]) else "whole")


def _may_be_plain(path: str) -> bool:
    """Whether a file begins as a pickle does, for which the readers of other formats need not be imported."""
    try:
        if not stat.S_ISREG(os.lstat(path).st_mode):
            return False
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            return os.read(descriptor, 1) == b"\x80"
        finally:
            os.close(descriptor)
    except (OSError, ValueError):
        return False


def _run(words: list[str]) -> int:
    if words == ["--version"]:
        from secureload import __version__
        from secureload.cli.output import emit

        emit(f"secureload {__version__}")
        return 0
    from secureload.cli.plain import plain_check, plain_sign, plain_verify

    plain = plain_check(words)
    if plain is not None:
        from secureload.cli.check_run import run_check

        paths, options = plain
        return run_check(paths, **options)
    verified = plain_verify(words)
    if verified is not None:
        from secureload.cli.verify_run import run_verify

        path, options = verified
        run_verify(path, **options)
        return 0
    signed = plain_sign(words)
    if signed is not None:
        from secureload.cli.sign_run import run_sign

        path, options = signed
        run_sign(path, **options)
        return 0
    from secureload.cli.parsing import run  # the parser is most of what --version would wait for

    return run(words)


def _failed(message: str, hint: str, code: int, error: Exception | None = None) -> int:
    from secureload.cli.output import note_failure

    if error is not None and os.environ.get("SECURELOAD_DEBUG") == "1":
        import traceback

        traceback.print_exception(error)
    note_failure(message, hint)
    return int(code)


def _open_standard_streams() -> None:
    """Put something in the place of standard streams that were closed (``>&-``).

    The first file that is opened would take their place, and get what is written to them.
    """
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest free one is this
    # Python has none for a descriptor that was closed when it started.
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115, PTH123  # for good


def _show_every_character() -> None:
    """Let a terminal without Unicode show escapes, where it would otherwise end the report."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")
