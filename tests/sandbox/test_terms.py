"""A filter chosen per load, a level asked for, and less than is required: only in so many words, and never silently."""

from __future__ import annotations

import json
import logging
import warnings
from pathlib import Path
from typing import Any

import joblib
import pytest

import secureload
from secureload.errors import SandboxError, UsageError
from secureload.sandbox.terms import STRICT, ReducedConfinementWarning, Terms, terms_of

from .conftest import Load, run_child
from .late import LATE, Late

# Nobody has imported it: neither the sandbox, nor what the tests use.
LATE_MODULE = "wave"


def test_the_strictest_terms_are_the_default() -> None:
    assert terms_of("strict", (), None, accept_reduced=False) == STRICT == Terms()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("loose", (), None, False), "no filter 'loose'"),
        (("strict", (), "most", False), "no level 'most'"),
        (("strict", (), "none", False), "no level 'none'"),
        (("strict", (), "reduced", False), "no level 'reduced'"),
        (("relaxed", (), "full", False), "contradict"),
        (("strict", (), "standard", True), "contradict"),
        (("strict", ("/usr",), None, False), "strict filter"),
        (("relaxed", "/usr", None, False), "not a list"),
        (("relaxed", ("/there/is/nothing",), None, False), "cannot be made readable"),
        (("relaxed", ("/",), None, False), "cannot be made readable"),
    ],
)
def test_what_is_unknown_or_contradicts_itself_is_a_usage_error(arguments: Any, words: str) -> None:
    name, readable, level, accept = arguments
    with pytest.raises(UsageError, match=words) as caught:
        terms_of(name, readable, level, accept_reduced=accept)
    assert caught.value.hint


def test_a_model_that_imports_late_is_refused_by_the_strict_filter_and_loads_with_the_relaxed_one(
    load: Load, tmp_path: Path
) -> None:
    strict = load(Late(), allow=[LATE])
    assert strict.confinement.filter == "strict"
    with pytest.raises((ImportError, OSError)):
        strict.import_late(LATE_MODULE)

    words = tmp_path / "words.txt"
    words.write_text("one two")
    with pytest.warns(ReducedConfinementWarning, match="seccomp .relaxed") as caught:
        model = load(Late(), allow=[LATE], filter="relaxed", readable=[words])
    assert model.import_late(LATE_MODULE) == LATE_MODULE
    assert model.read(str(words)) == "one two"
    assert model.confinement.filter == "relaxed"
    assert model.confinement.level == "reduced"
    assert model.confinement.reduced == ("seccomp",)
    warning: Any = caught[0].message
    assert warning.layers == ("seccomp",)
    assert warning.verdict is model.confinement.verdict
    assert model.confinement.verdict.reduced_confinement == ("seccomp",)
    assert "in reduced confinement (seccomp)" in model.confinement.verdict.summary
    assert caught[0].filename.endswith("conftest.py")  # where safe_load() is called


def test_behind_the_relaxed_filter_only_what_was_named_is_read_and_nothing_is_written(
    load: Load, tmp_path: Path
) -> None:
    folder, secret = tmp_path / "data", tmp_path / "secret.txt"
    folder.mkdir()
    (folder / "words.txt").write_text("one")
    secret.write_text("secret")
    with pytest.warns(ReducedConfinementWarning):
        model = load(Late(), allow=[LATE], filter="relaxed", readable=[folder])
    inside = model.tries(str(folder / "words.txt"))
    assert inside.pop("read") == "could"
    assert "could" not in inside.values(), inside
    assert inside["users"] in {"ENOENT", "EACCES"}
    outside = model.tries(str(secret))
    assert "could" not in outside.values(), outside
    assert (folder / "words.txt").read_text() == "one"
    assert sorted(file.name for file in folder.iterdir()) == ["words.txt"]


def test_reduced_confinement_is_warned_of_and_logged_each_time(
    load: Load, caplog: pytest.LogCaptureFixture
) -> None:
    with warnings.catch_warnings(record=True) as caught, caplog.at_level(logging.WARNING, "secureload"):
        warnings.simplefilter("default")  # once for each text and place
        for _ in range(3):
            load(Late(), allow=[LATE], filter="relaxed")
    told = [one for one in caught if one.category is ReducedConfinementWarning]
    assert len(told) == 3
    assert sum("reduced confinement" in record.getMessage() for record in caplog.records) == 3


def test_a_caller_who_makes_an_error_of_the_warning_gets_no_model(load: Load) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", ReducedConfinementWarning)
        with pytest.raises(ReducedConfinementWarning):
            load(Late(), allow=[LATE], filter="relaxed")


def test_what_is_fully_confined_is_not_called_reduced_whatever_the_caller_would_accept(load: Load) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = load(Late(), allow=[LATE], accept_reduced_confinement_at_my_own_risk=True)
    assert model.confinement.reduced == ()
    assert model.confinement.level in {"required", "standard", "full"}
    assert model.confinement.verdict.reduced_confinement == ()


# Calls are refused as a container's profile would; everything that is started inherits that.
_DENIED = """
import ctypes, json, struct, sys, warnings
from secureload.sandbox.kernel import prctl, raw_syscall, syscall_number
denied = [syscall_number(name) for name in sys.argv[3].split(",")]
code = struct.pack("=HBBI", 0x20, 0, 0, 0)
for number in denied:
    code += struct.pack("=HBBI", 0x15, 0, 1, number) + struct.pack("=HBBI", 0x06, 0, 0, 0x00050001)
code += struct.pack("=HBBI", 0x06, 0, 0, 0x7FFF0000)
buffer = ctypes.create_string_buffer(code, len(code))
class Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))
program = Program(len(code) // 8, ctypes.cast(buffer, ctypes.c_void_p))
prctl(38, 1)
raw_syscall("seccomp", 1, 0, ctypes.byref(program))
import secureload
options = json.loads(sys.argv[4])
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    try:
        model = secureload.safe_load(sys.argv[1], trust_store=sys.argv[2], allow=["tests.sandbox.late:Late"], **options)
        c = model.confinement
        answer = ["loaded", c.level, list(c.reduced), model.echo(7), c.verdict.summary]
    except secureload.SecureloadError as error:
        answer = [type(error).__name__, error.fields.get("layer"), error.message, error.hint]
print(json.dumps([answer, [str(w.message) for w in caught if w.category is secureload.ReducedConfinementWarning]]))
"""


def loaded_without(
    calls: str, options: dict[str, Any], tmp_path: Path, alice: Any, store: Path
) -> tuple[list[Any], list[str]]:
    path = tmp_path / "m.joblib"
    joblib.dump(Late(), path)
    secureload.sign(path, key=alice)
    done = run_child(_DENIED, str(path), str(store), calls, json.dumps(options))
    assert done.returncode == 0, done.stderr
    answer, told = json.loads(done.stdout)
    return answer, told


LANDLOCK = "landlock_create_ruleset,landlock_restrict_self"


def test_without_seccomp_nothing_is_loaded_and_the_error_says_what_to_do(
    tmp_path: Path, alice: Any, alices_trust_store: Path
) -> None:
    answer, told = loaded_without("seccomp", {}, tmp_path, alice, alices_trust_store)
    assert answer[:2] == ["ConfinementMissingError", "seccomp"]
    assert "permit seccomp filters" in answer[3]
    assert told == []


def test_without_seccomp_the_ugly_option_loads_warns_and_marks_the_verdict(
    tmp_path: Path, alice: Any, alices_trust_store: Path
) -> None:
    options = {"accept_reduced_confinement_at_my_own_risk": True}
    answer, told = loaded_without("seccomp", options, tmp_path, alice, alices_trust_store)
    kind, level, reduced, echoed, summary = answer
    assert (kind, level, echoed) == ("loaded", "reduced", 7)
    assert set(reduced) == {"seccomp", "proof"}
    assert "in reduced confinement (seccomp, proof)" in summary
    assert len(told) == 1
    assert "seccomp (unavailable" in told[0]


@pytest.mark.parametrize(("calls", "layer"), [(LANDLOCK, "landlock"), ("unshare", "namespaces")])
def test_a_level_that_is_not_reached_is_refused_and_the_layer_is_named(
    calls: str, layer: str, tmp_path: Path, alice: Any, alices_trust_store: Path
) -> None:
    answer, _ = loaded_without(calls, {"level": "full"}, tmp_path, alice, alices_trust_store)
    assert answer[:2] == ["ConfinementMissingError", layer]
    assert "'full' was asked for" in answer[2]
    assert layer in answer[2]
    assert answer[3].startswith("nothing was loaded; ")


def test_without_landlock_and_namespaces_the_required_level_is_left_and_no_more(
    tmp_path: Path, alice: Any, alices_trust_store: Path
) -> None:
    calls = f"{LANDLOCK},unshare"
    answer, _ = loaded_without(calls, {}, tmp_path, alice, alices_trust_store)
    assert answer[:4] == ["loaded", "required", [], 7]
    answer, _ = loaded_without(calls, {"level": "standard"}, tmp_path, alice, alices_trust_store)
    assert answer[0] == "ConfinementMissingError"


def test_the_relaxed_filter_needs_a_layer_that_says_which_files_are_read(
    tmp_path: Path, alice: Any, alices_trust_store: Path
) -> None:
    calls = f"{LANDLOCK},unshare"
    answer, _ = loaded_without(calls, {"filter": "relaxed"}, tmp_path, alice, alices_trust_store)
    assert answer[:2] == ["ConfinementMissingError", "landlock"]
    assert "relaxed filter" in answer[2]


def test_the_level_that_is_reached_may_be_asked_for(load: Load) -> None:
    model = load(Late(), allow=[LATE])
    level = model.confinement.level
    assert load(Late(), allow=[LATE], level=level).confinement.level == level


def test_no_wrong_word_starts_a_worker(load: Load) -> None:
    with pytest.raises(UsageError):
        load(Late(), allow=[LATE], filter="off")
    with pytest.raises(UsageError):
        load(Late(), allow=[LATE], level="reduced")
    assert not issubclass(UsageError, SandboxError)
