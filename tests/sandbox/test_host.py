"""A worker is given nothing before it is proved to be confined; without a required layer there is no load."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import joblib
import pytest

from secureload.errors import SandboxError
from secureload.limits import DEFAULT_LIMITS
from secureload.sandbox import host
from secureload.sandbox.host import ConfinementMissingError, start_worker
from secureload.sandbox.layers.layer import REQUIRED_LAYERS
from secureload.sandbox.wire.frame import Kind, Message

from .conftest import run_child

LAYERS = [[name, "enforced", "as it should"] for name in (*REQUIRED_LAYERS, "landlock", "namespaces")]


def ready(layers: Any = LAYERS, doors: tuple[str, ...] = ()) -> Message:
    return Message(Kind.READY, 0, {"layers": layers, "open_doors": list(doors)})


@pytest.fixture
def status(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What the kernel says of the worker, to be changed by the test."""
    fields = {"NoNewPrivs": "1", "Seccomp": "2", "CapEff": "0" * 16, "CapPrm": "0" * 16}
    real = Path.read_text

    def read_text(path: Path, *args: Any, **kwargs: Any) -> str:
        if path.name == "status":
            return "".join(f"{name}:\t{value}\n" for name, value in fields.items())
        return real(path, *args, **kwargs)

    monkeypatch.setattr(Path, "read_text", read_text)
    return fields


@pytest.mark.usefixtures("status")
def test_a_worker_that_is_wholly_confined_is_accepted() -> None:
    assert host._proved(ready(), 1).level == "full"


@pytest.mark.parametrize(
    ("field", "value", "layer"),
    [
        ("NoNewPrivs", "0", "no-new-privileges"),
        ("Seccomp", "0", "seccomp"),
        ("Seccomp", "1", "seccomp"),
        ("CapEff", "0000000000200000", "capabilities"),
        ("CapPrm", "0000000000000001", "capabilities"),
    ],
)
def test_a_worker_whose_word_the_kernel_contradicts_is_refused(
    status: dict[str, str], field: str, value: str, layer: str
) -> None:
    status[field] = value
    with pytest.raises(ConfinementMissingError) as caught:
        host._proved(ready(), 1)
    assert caught.value.fields["layer"] == layer


@pytest.mark.parametrize("field", ["NoNewPrivs", "Seccomp", "CapEff", "CapPrm"])
def test_a_worker_about_which_the_kernel_does_not_say_enough_is_refused(
    status: dict[str, str], field: str
) -> None:
    del status[field]
    with pytest.raises(ConfinementMissingError):
        host._proved(ready(), 1)


def test_a_worker_that_the_kernel_does_not_know_is_refused() -> None:
    with pytest.raises(ConfinementMissingError):
        host._proved(ready(), (1 << 22) + 1)


@pytest.mark.usefixtures("status")
@pytest.mark.parametrize("missing", REQUIRED_LAYERS)
@pytest.mark.parametrize("reported", [True, False])
def test_a_worker_without_a_required_layer_is_refused(missing: str, reported: bool) -> None:
    layers = [layer for layer in LAYERS if layer[0] != missing]
    if reported:
        layers.append([missing, "unavailable", "the kernel said no"])
    with pytest.raises(ConfinementMissingError) as caught:
        host._proved(ready(layers), 1)
    if reported:
        assert caught.value.fields["layer"] == missing
        assert missing in caught.value.message


@pytest.mark.usefixtures("status")
def test_a_worker_that_found_a_door_open_is_refused_and_the_door_is_named() -> None:
    with pytest.raises(ConfinementMissingError, match="open a file"):
        host._proved(ready(doors=("open a file",)), 1)


@pytest.mark.parametrize(
    "message", [Message(Kind.REPLY, 0, {}), Message(Kind.FAILURE, 0, {"type": "\x1b", "message": "a\nb"})]
)
def test_a_worker_that_says_something_else_is_refused(message: Message) -> None:
    with pytest.raises(SandboxError) as caught:
        host._proved(message, 1)
    assert caught.value.message.isprintable()


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
