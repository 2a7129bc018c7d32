"""A worker is believed when its report, its self-test and the kernel agree."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from secureload.errors import SandboxError
from secureload.sandbox.layers.layer import REQUIRED_LAYERS
from secureload.sandbox.proof import ConfinementMissingError, MissingModuleError, prove
from secureload.sandbox.terms import Terms
from secureload.sandbox.wire.frame import Kind, Message

# The worker's own word; the proof is the parent's.
OWN = tuple(name for name in REQUIRED_LAYERS if name != "proof")
LAYERS = [[name, "enforced", "as it should"] for name in (*OWN, "landlock", "namespaces")]


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
    assert prove(ready(), 1).level == "full"


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
        prove(ready(), 1)
    assert caught.value.fields["layer"] == layer


@pytest.mark.parametrize("users", [None, "0 0 0 0", "65534 65534 0 65534"])
def test_a_worker_that_says_it_is_nobody_and_is_root_is_refused(
    status: dict[str, str], users: str | None
) -> None:
    told = ready([*LAYERS, ["user", "enforced", "nobody"]])
    status["Uid"] = "65534 65534 65534 65534"
    assert prove(told, 1).level == "full"
    if users is None:
        del status["Uid"]
    else:
        status["Uid"] = users
    with pytest.raises(ConfinementMissingError) as caught:
        prove(told, 1)
    assert caught.value.fields["layer"] == "user"
    assert prove(ready([*LAYERS, ["user", "unavailable", "root"]]), 1).level == "full"


@pytest.mark.parametrize(
    ("field", "value", "layer"),
    [
        ("NoNewPrivs", "0", "no-new-privileges"),
        ("Seccomp", "0", "seccomp"),
        ("CapEff", "000001ffffffffff", "capabilities"),
    ],
)
@pytest.mark.parametrize("detail", ["mount, net (no user namespace); empty", "user, mount, net; empty"])
def test_a_thread_of_a_worker_that_escaped_a_layer_is_not_overlooked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, field: str, value: str, layer: str, detail: str
) -> None:
    good = {"NoNewPrivs": "1", "Seccomp": "2", "CapEff": "0", "CapPrm": "0"}
    for number, fields in (("7", good), ("8", {**good, field: value})):
        place = tmp_path / "7" / "task" / number
        place.mkdir(parents=True)
        text = "".join(f"{name}:\t{found}\n" for name, found in fields.items())
        (place / "status").write_text(text)
    (tmp_path / "7" / "status").write_text((tmp_path / "7" / "task" / "7" / "status").read_text())
    monkeypatch.setattr("secureload.sandbox.proof._PROC", tmp_path)
    layers = [*(row for row in LAYERS if row[0] != "namespaces"), ["namespaces", "enforced", detail]]
    if layer == "capabilities" and detail.startswith("user,"):
        assert prove(ready(layers), 7).level == "full"
        return
    with pytest.raises(ConfinementMissingError, match="of a thread") as caught:
        prove(ready(layers), 7)
    assert caught.value.fields["layer"] == layer


@pytest.mark.parametrize("field", ["NoNewPrivs", "Seccomp", "CapEff", "CapPrm"])
def test_a_worker_about_which_the_kernel_does_not_say_enough_is_refused(
    status: dict[str, str], field: str
) -> None:
    del status[field]
    with pytest.raises(ConfinementMissingError):
        prove(ready(), 1)


def test_a_worker_that_the_kernel_does_not_know_is_refused() -> None:
    with pytest.raises(ConfinementMissingError) as caught:
        prove(ready(), (1 << 22) + 1)
    assert caught.value.fields["layer"] == "proof"
    assert "cannot be read" in caught.value.message


def test_where_proc_cannot_be_read_nothing_is_loaded_and_it_is_said_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refused(_path: Path, *_args: Any, **_kwargs: Any) -> str:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_text", refused)
    with pytest.raises(ConfinementMissingError, match="Permission denied") as caught:
        prove(ready(), 1)
    assert caught.value.fields["layer"] == "proof"
    assert "hidepid" in caught.value.hint
    found = prove(ready(), 1, Terms(accept_reduced=True))
    assert (found.level, found.reduced) == ("reduced", ("proof",))


@pytest.mark.usefixtures("status")
def test_the_proof_is_a_layer_that_the_worker_cannot_claim() -> None:
    assert prove(ready(), 1).layers[-1].name == "proof"
    assert prove(ready(), 1).layers[-1].enforced
    with pytest.raises(SandboxError, match="layer that is none"):
        prove(ready([*LAYERS, ["proof", "enforced", "me"]]), 1)


@pytest.mark.usefixtures("status")
@pytest.mark.parametrize(
    "rows", [[[]], [["seccomp", "enforced"]], [["seccomp", "on", "x"]], [[1, 2, 3]], ["seccomp"]]
)
def test_a_report_that_is_none_is_refused(rows: Any) -> None:
    with pytest.raises(SandboxError, match="layer that is none"):
        prove(ready(rows), 1)


@pytest.mark.usefixtures("status")
@pytest.mark.parametrize("rows", [None, 5, "x", {}])
def test_no_report_is_no_confinement(rows: Any) -> None:
    with pytest.raises(ConfinementMissingError):
        prove(ready(rows), 1)


@pytest.mark.usefixtures("status")
def test_a_relaxed_filter_that_nobody_asked_for_is_a_missing_one() -> None:
    layers = [["seccomp", "relaxed", "r"], *(layer for layer in LAYERS if layer[0] != "seccomp")]
    with pytest.raises(ConfinementMissingError) as caught:
        prove(ready(layers), 1)
    assert caught.value.fields["layer"] == "seccomp"
    assert prove(ready(layers), 1, Terms(filter="relaxed")).filter == "relaxed"
    alone = [layer for layer in layers if layer[0] not in {"landlock", "namespaces"}]
    with pytest.raises(ConfinementMissingError, match="which files are read"):
        prove(ready(alone), 1, Terms(filter="relaxed"))


@pytest.mark.usefixtures("status")
@pytest.mark.parametrize(
    ("without", "level"), [("landlock", "standard"), ("namespaces", "standard"), ("", "full")]
)
def test_the_level_that_was_asked_for_is_reached_or_refused(without: str, level: Any) -> None:
    layers = [layer for layer in LAYERS if layer[0] != without]
    assert prove(ready(layers), 1, Terms(level=level)).level == level
    if without:
        with pytest.raises(ConfinementMissingError, match="'full' was asked for"):
            prove(ready(layers), 1, Terms(level="full"))


@pytest.mark.usefixtures("status")
@pytest.mark.parametrize("missing", OWN)
@pytest.mark.parametrize("reported", [True, False])
def test_a_worker_without_a_required_layer_is_refused(missing: str, reported: bool) -> None:
    layers = [layer for layer in LAYERS if layer[0] != missing]
    if reported:
        layers.append([missing, "unavailable", "the kernel said no"])
    with pytest.raises(ConfinementMissingError) as caught:
        prove(ready(layers), 1)
    if reported:
        assert caught.value.fields["layer"] == missing
        assert missing in caught.value.message


@pytest.mark.usefixtures("status")
def test_a_worker_that_found_a_door_open_is_refused_and_the_door_is_named() -> None:
    with pytest.raises(ConfinementMissingError, match="open a file"):
        prove(ready(doors=("open a file",)), 1)


@pytest.mark.parametrize(
    "message", [Message(Kind.REPLY, 0, {}), Message(Kind.FAILURE, 0, {"type": "\x1b", "message": "a\nb"})]
)
def test_a_worker_that_says_something_else_is_refused(message: Message) -> None:
    with pytest.raises(SandboxError) as caught:
        prove(message, 1)
    assert caught.value.message.isprintable()


@pytest.mark.usefixtures("status")
def test_the_error_about_a_missing_layer_carries_what_every_layer_said() -> None:
    layers = [["seccomp", "unavailable", "no"], *(layer for layer in LAYERS if layer[0] != "seccomp")]
    with pytest.raises(ConfinementMissingError) as caught:
        prove(ready(layers), 1)
    assert len(caught.value.fields["layers"]) == len(LAYERS) + 1  # type: ignore[arg-type]  # a field is an object


def test_a_module_that_the_model_needs_and_that_is_not_here_is_named() -> None:
    body = {"type": "ModuleNotFoundError", "message": "No module", "module": "xgboost\x1b[2J"}
    with pytest.raises(MissingModuleError, match="needs the module") as caught:
        prove(Message(Kind.FAILURE, 0, body), 1)
    assert caught.value.message.isprintable()
