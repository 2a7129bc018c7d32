"""``getattr`` of a class is how some values are restored; it does not become a way from a class to anything else."""

from __future__ import annotations

import pytest

from secureload.pickles.assembler import Assembler

from .judged import judged


def read(module: str, owner: str, name: str) -> Assembler:
    code = Assembler(4).global_("builtins", "getattr").mark()
    return code.global_(module, owner).text(name).tuple_().reduce()


def test_the_method_that_restores_a_time_zone_is_called_with_a_zone_only() -> None:
    def called(zone: str) -> dict[str, str]:
        code = read("zoneinfo", "ZoneInfo", "_unpickle").mark().text(zone).integer(1).tuple_().reduce()
        return judged(code.stop())

    assert called("Europe/Berlin") == {}
    assert called("../../etc/passwd") == {"SL104": "DANGEROUS"}


@pytest.mark.parametrize(
    ("module", "owner", "name"),
    [
        ("zoneinfo", "ZoneInfo", "from_file"),
        ("zoneinfo", "ZoneInfo", "__subclasses__"),
        ("zoneinfo", "ZoneInfo", "clear_cache"),
        ("builtins", "object", "__subclasses__"),
        ("builtins", "dict", "fromkeys"),
        ("numpy", "ndarray", "tofile"),
        ("sklearn.linear_model._logistic", "LogisticRegression", "fit"),
        ("collections", "OrderedDict", "__init__"),
    ],
)
def test_any_other_method_is_dangerous_to_read_and_to_call(module: str, owner: str, name: str) -> None:
    assert judged(read(module, owner, name).stop())["SL104"] == "DANGEROUS"
    found = judged(read(module, owner, name).mark().tuple_().reduce().stop())
    assert (found["SL104"], found["SL106"]) == ("DANGEROUS", "DANGEROUS")


def test_a_method_that_may_be_read_may_not_be_called() -> None:
    spline = ("scipy.interpolate._interpolate", "interp1d", "_call_spline")
    assert judged(read(*spline).stop()) == {}
    assert judged(read(*spline).mark().tuple_().reduce().stop()) == {"SL106": "DANGEROUS"}


def test_a_method_is_not_changed_by_a_state() -> None:
    code = read("zoneinfo", "ZoneInfo", "_unpickle").mark().text("__globals__").none().dict_().build()
    assert judged(code.stop())["SL107"] == "DANGEROUS"


def test_the_method_that_restores_a_time_zone_is_not_handed_on() -> None:
    code = Assembler(4).global_("functools", "partial").mark()
    code.global_("builtins", "getattr").mark().global_("zoneinfo", "ZoneInfo").text(
        "_unpickle"
    ).tuple_().reduce()
    found = judged(code.text("../../etc/passwd").tuple_().reduce().stop())
    assert found["SL105"] in {"UNKNOWN", "DANGEROUS"}


def test_the_attribute_of_an_attribute_is_dangerous() -> None:
    code = Assembler(4).global_("builtins", "getattr").mark()
    code.global_("builtins", "getattr").mark().global_("zoneinfo", "ZoneInfo").text(
        "_unpickle"
    ).tuple_().reduce()
    found = judged(code.text("__self__").tuple_().reduce().stop())
    assert found["SL104"] == "DANGEROUS"


def test_a_dotted_name_is_admitted_as_a_whole_and_never_by_its_parts() -> None:
    for name in ("ZoneInfo._unpickle", "ZoneInfo.from_file", "ZoneInfo._unpickle.__self__"):
        code = Assembler(4).global_("zoneinfo", name).mark().text("UTC").integer(1).tuple_().reduce()
        assert ("SL101" in judged(code.stop())) == (name != "ZoneInfo._unpickle")
