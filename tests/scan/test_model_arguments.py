"""What PyTorch, statsmodels and time zones call when their values are restored."""

from __future__ import annotations

import pytest

from secureload.pickles.trace import Collection, Const, Elided, GlobalRef, Operation, Result, Value
from secureload.scan.arguments import why_unfit

SYSTEM = GlobalRef("os", "system")
STORAGE = Result("persid", None)
HOOKS = Result("call", GlobalRef("collections", "OrderedDict"))
TENSOR = GlobalRef("torch", "Tensor")
REBUILD = GlobalRef("torch._utils", "_rebuild_tensor_v2")
FRAME = Result("new", GlobalRef("pandas.core.frame", "DataFrame"))
TARGET = GlobalRef("statsmodels.base.data", "PandasData")


def text(value: str) -> Const:
    return Const(value, len(value))


def group(*items: Value) -> Collection:
    return Collection("tuple", items, len(items))


def mapping(**items: Value) -> Collection:
    pairs = tuple(group(text(key), value) for key, value in items.items())
    return Collection("dict", pairs, len(pairs))


def why(rule: str, *args: Value) -> str | None:
    return why_unfit(rule, Operation("call", GlobalRef("dateutil.tz._tzfile", "_unpickle"), args))


PLAIN = (STORAGE, Const(0), group(Const(2), Const(3)), group(Const(3), Const(1)), Const(False), HOOKS)


@pytest.mark.parametrize(
    ("rule", "args"),
    [
        ("torch-data", PLAIN),
        ("torch-data", (*PLAIN[:5], HOOKS, GlobalRef("torch", "float8_e5m2"))),
        ("torch-data", (STORAGE, group(GlobalRef("torch", "per_tensor_affine"), Const(0.1), Const(0)))),
        ("torch-data", ()),
        ("torch-rebuild", (REBUILD, TENSOR, group(*PLAIN), mapping(note=text("x")))),
        ("torch-rebuild", (REBUILD, GlobalRef("torch.nn.parameter", "Buffer"), group(*PLAIN), Const(None))),
        ("layout", (text("torch.sparse_coo"),)),
        ("time-zone", (text("Europe/Berlin"), Const(1))),
        ("time-zone", (text("America/Argentina/ComodRivadavia"), Const(3180), Const(0), text("LMT"))),
        ("time-zone", (text("Etc/GMT+5"), Const(False))),
        ("time-zone", (text("UTC"), Const(1))),
        ("no-file", (Const(None), text("/usr/share/zoneinfo/Europe/Berlin"))),
        ("own-class-data", (GlobalRef("dateutil.tz._tzfile", "tzfile"), text("CET"), group(Const(1)))),
    ],
)
def test_what_benign_files_pass_fits(rule: str, args: tuple[Value, ...]) -> None:
    assert why(rule, *args) is None


@pytest.mark.parametrize(
    ("rule", "args"),
    [
        ("torch-data", (SYSTEM,)),
        ("torch-data", (STORAGE, group(SYSTEM))),
        ("torch-data", (STORAGE, GlobalRef("torch", "Tensor"))),
        ("torch-data", (STORAGE, GlobalRef("torch.nn.functional", "relu"))),
        ("torch-data", (STORAGE, group(group(Elided())))),
        ("torch-rebuild", (SYSTEM, TENSOR, group(text("echo hello")), Const(None))),
        (
            "torch-rebuild",
            (GlobalRef("torch._utils", "_rebuild_wrapper_subclass"), TENSOR, group(), Const(None)),
        ),
        ("torch-rebuild", (GlobalRef("torch._utils", "_import_dotted_name"), TENSOR, group(), Const(None))),
        ("torch-rebuild", (REBUILD, GlobalRef("torch", "ScriptObject"), group(*PLAIN), Const(None))),
        ("torch-rebuild", (REBUILD, SYSTEM, group(*PLAIN), Const(None))),
        ("torch-rebuild", (REBUILD, TENSOR, group(SYSTEM), Const(None))),
        ("torch-rebuild", (REBUILD, TENSOR, Collection("tuple", (), 9), Const(None))),
        ("torch-rebuild", (REBUILD, TENSOR, group(*PLAIN), mapping(__class__=text("x")))),
        ("torch-rebuild", (REBUILD, TENSOR, group(*PLAIN), mapping(note=SYSTEM))),
        ("torch-rebuild", (REBUILD, TENSOR, group(*PLAIN), group(mapping(), mapping()))),
        ("torch-rebuild", (REBUILD, TENSOR, group(*PLAIN), Collection("dict", (), 3))),
        ("torch-rebuild", (REBUILD, TENSOR, STORAGE, Const(None))),
        ("layout", (text("torch.load"),)),
        ("layout", (Const("torch.strided", 900),)),
        ("layout", (SYSTEM,)),
        ("layout", ()),
        ("time-zone", (text("/etc/passwd"), Const(1))),
        ("time-zone", (text("../../etc/passwd"), Const(1))),
        ("time-zone", (text("a/../b"), Const(1))),
        ("time-zone", (text("a//b"), Const(1))),
        ("time-zone", (text("a/"), Const(1))),
        ("time-zone", (text("a" * 65), Const(1))),
        ("time-zone", (text("a\nb"), Const(1))),
        ("time-zone", (text("UTC\n"), Const(1))),
        ("time-zone", (text(""), Const(1))),
        ("time-zone", (Const("UTC", 900), Const(1))),
        ("time-zone", (text("UTC"), SYSTEM)),
        ("time-zone", (SYSTEM,)),
        ("time-zone", ()),
        ("no-file", (text("/etc/passwd"),)),
        ("no-file", (text("/etc/passwd"), Const(None))),
        ("no-file", (Result("call", None), Const(None))),
        ("no-file", (Const(None), SYSTEM)),
        ("no-file", ()),
        ("own-class-data", (SYSTEM, text("CET"))),
        ("own-class-data", (GlobalRef("dateutil.tz._tzfile", "tzfile"), SYSTEM)),
        ("own-class-data", ()),
    ],
)
def test_what_an_attacker_would_pass_does_not_fit(rule: str, args: tuple[Value, ...]) -> None:
    assert why(rule, *args) is not None


def state(value: Value) -> str | None:
    return why_unfit("model-data", Operation("build", Result("new", TARGET), (value,)))


@pytest.mark.parametrize("flag", ["restore_design_info", "restore_model_spec"])
def test_a_model_with_a_formula_fits_where_evaluating_the_formula_is_harmless(flag: str) -> None:
    benign = {"formula": text("y ~ a + np.log(b)"), "frame": FRAME, flag: Const(True)}
    assert state(mapping(**benign)) is None
    assert (
        state(mapping(**{**benign, "formula": text("y ~ I(__import__('os').system('echo hello'))")}))
        is not None
    )
    assert state(mapping(**{**benign, "formula": Result("call", None)})) is not None
    assert state(mapping(**{**benign, "formula": Const("y ~ a", 900)})) is not None
    # Names of a formula are looked up in the frame: only one of pandas holds columns and nothing else.
    assert state(mapping(**{**benign, "frame": mapping(np=SYSTEM)})) is not None
    assert (
        state(mapping(**{**benign, "frame": Result("call", GlobalRef("types", "SimpleNamespace"))}))
        is not None
    )
    del benign["frame"]
    assert state(mapping(**benign)) is not None


def test_the_data_of_a_model_without_a_formula_are_any_data_that_are_known_as_a_whole() -> None:
    assert state(mapping(endog=Result("call", None), missing=text("none"))) is None
    assert state(Collection("dict", mapping(endog=Const(1)).items, 40)) is not None
    assert state(Collection("dict", (group(Const("restore_", 18), Const(True)),), 1)) is not None
    assert state(Collection("dict", (group(Result("call", None), Const(True)),), 1)) is not None
    assert state(Collection("dict", (Const(1),), 1)) is not None
    assert state(Elided()) is not None
    assert state(group(mapping(), mapping())) is not None


def test_the_data_of_a_model_are_made_empty() -> None:
    assert why_unfit("model-data", Operation("new", TARGET)) is None
    assert why_unfit("model-data", Operation("new", TARGET, (Const(1),))) is not None
