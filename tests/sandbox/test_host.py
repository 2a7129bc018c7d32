"""A worker is given nothing before it is proved to be confined; without a required layer there is no load."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import joblib
import pytest

from secureload.errors import SandboxError
from secureload.limits import DEFAULT_LIMITS
from secureload.sandbox import zygotes
from secureload.sandbox.host import start_worker

from .conftest import run_child


def test_a_module_that_is_not_there_is_said_to_be_missing_before_anything_is_loaded() -> None:
    config = {
        "memory_bytes": 1 << 33, "cpu_seconds": 0, "limits": {}, "globals": [],
        "modules": ["a_library_that_is_not_here"],
    }  # fmt: skip
    with pytest.raises(SandboxError, match="a_library_that_is_not_here") as caught:
        start_worker("load", config, DEFAULT_LIMITS)
    assert "install the library" in caught.value.hint


# A filter under which seccomp(2) or Landlock is refused, and which everything that is started inherits.
_DENIED = """
import ctypes, json, struct, sys
from secureload.sandbox.kernel import prctl, raw_syscall, syscall_number
denied = [syscall_number(name) for name in sys.argv[4].split(",")]
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
try:
    model = secureload.safe_load(sys.argv[1], trust_store=sys.argv[2], allow=[sys.argv[3]])
    print(json.dumps(["loaded", model.confinement.level, model.echo(7)]))
except secureload.SecureloadError as error:
    print(json.dumps([type(error).__name__, error.fields.get("layer"), error.message]))
"""


def loaded_without(calls: str, tmp_path: Path, alice: Any, store: Path) -> list[Any]:
    import secureload

    from .inside import INSIDE, Inside

    path = tmp_path / "m.joblib"
    joblib.dump(Inside(), path)
    secureload.sign(path, key=alice)
    done = run_child(_DENIED, str(path), str(store), INSIDE, calls)
    assert done.returncode == 0, done.stderr
    answer: list[Any] = json.loads(done.stdout)
    return answer


def test_where_the_kernel_refuses_seccomp_nothing_is_loaded_and_the_layer_is_named(
    tmp_path: Path, alice: Any, alices_trust_store: Path
) -> None:
    kind, layer, message = loaded_without("seccomp", tmp_path, alice, alices_trust_store)
    assert (kind, layer) == ("ConfinementMissingError", "seccomp")
    assert "seccomp" in message


def test_where_the_kernel_refuses_landlock_the_model_loads_at_a_lower_level(
    tmp_path: Path, alice: Any, alices_trust_store: Path
) -> None:
    calls = "landlock_create_ruleset,landlock_restrict_self"
    kind, level, answer = loaded_without(calls, tmp_path, alice, alices_trust_store)
    assert (kind, answer) == ("loaded", 7)
    assert level in {"required", "standard"}


def test_where_the_kernel_refuses_namespaces_the_model_loads_at_a_lower_level(
    tmp_path: Path, alice: Any, alices_trust_store: Path
) -> None:
    kind, level, answer = loaded_without("unshare", tmp_path, alice, alices_trust_store)
    assert (kind, answer) == ("loaded", 7)
    assert level in {"required", "standard"}


def test_a_service_that_gives_up_root_gets_a_zygote_of_its_new_user(monkeypatch: pytest.MonkeyPatch) -> None:
    before = zygotes.zygote_for("trace")
    monkeypatch.setattr("os.geteuid", lambda: 65534)
    after = zygotes.zygote_for("trace")
    assert after is not before
    assert not before.alive
    monkeypatch.undo()
    zygotes.zygote_for("trace")  # one of the right user again, for the tests that follow
