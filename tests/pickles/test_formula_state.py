from __future__ import annotations

import pytest

from secureload.pickles.assembler import Assembler
from tests.attacks.judged import judged, objections
from tests.pickles.tracing import trace

MODEL = ("statsmodels.genmod.generalized_linear_model", "GLM")
RESULTS = ("statsmodels.genmod.generalized_linear_model", "GLMResults")
SPACE = ("types", "SimpleNamespace")
CODE = "I(__import__('os').system('true'))"


def made(code: Assembler, module: str, name: str) -> Assembler:
    return code.stack_global(module, name).mark().tuple_().newobj()


def built(target: tuple[str, str], names: dict[str, str | None], padding: int = 0) -> bytes:
    """An instance of ``target`` with texts as its attributes, behind ``padding`` others."""
    code = made(Assembler(4), *target).mark()
    for number in range(padding):
        code = code.text(f"a{number}").integer(number)
    for name, value in names.items():
        code = code.text(name)
        code = code.none() if value is None else code.text(value)
    return code.dict_().build().stop()


@pytest.mark.parametrize("name", ["model_spec", "design_info", "scale_model_spec"])
@pytest.mark.parametrize("padding", [0, 40])
def test_a_text_that_a_model_would_evaluate_when_it_predicts_is_not_accepted(name: str, padding: int) -> None:
    data = built(MODEL, {"formula": "y ~ x", name: CODE}, padding)
    assert "SL201" in judged(data)
    assert any(name in title for title in objections(data))


@pytest.mark.parametrize(
    "holder", [("pandas.core.series", "Series"), SPACE, ("sklearn.utils._bunch", "Bunch")]
)
@pytest.mark.parametrize("attribute", ["model", "data"])
def test_nor_is_an_object_of_another_library_in_the_place_of_the_model_or_its_data(
    holder: tuple[str, str], attribute: str
) -> None:
    code = made(Assembler(4), *(MODEL if attribute == "data" else RESULTS)).mark()
    code = made(code.text("formula").text("y ~ x").text(attribute), *holder)
    found = trace(code.dict_().build().stop())
    assert any("of another library" in problem.message for problem in found.problems)


def test_what_models_and_results_hold_is_no_problem() -> None:
    assert trace(built(MODEL, {"formula": "y ~ x", "model_spec": None})).problems == ()
    assert trace(built(SPACE, {"formula": "y ~ x", "model_spec": "x"})).problems == ()
    code = made(Assembler(4), *RESULTS).mark()
    code = made(code.text("model"), *MODEL).text("params").none()
    assert trace(code.dict_().build().stop()).problems == ()
