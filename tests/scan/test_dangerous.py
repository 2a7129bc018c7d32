"""The list of gadgets: families, names in other modules, names of Python 2, and what stays merely unknown.

That it covers the public advisories is held by tests/advisories.
"""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secureload.pickles.trace import GlobalRef
from secureload.scan.dangerous import (
    DOTTED_NAME,
    MODULE_MACHINERY,
    Technique,
    grade,
    is_family,
    techniques,
)


@pytest.mark.parametrize(
    ("gadget", "name"),
    [
        ("os:system", "spawns processes"),
        ("builtins:eval", "executes code"),
        ("builtins:open", "opens files"),
        ("importlib:import_module", "imports modules"),
        ("socket:socket", "uses the network"),
        ("pickle:loads", "deserializes"),
        ("pdb:run", "drives a debugger or profiler"),
        ("operator:attrgetter", "walks attributes"),
        ("ctypes:CDLL", "runs native code"),
        ("types:CodeType", "builds code"),
        ("math:os.system", "reaches through a module"),
    ],
)
def test_the_technique_names_what_the_gadget_does(gadget: str, name: str) -> None:
    technique = grade(GlobalRef(*gadget.split(":")))
    assert technique is not None
    assert technique.name == name


@pytest.mark.parametrize(
    "ref",
    [
        "our_models.scale:Scaler",
        "osmosis:system",
        "xgboost.sklearn:XGBClassifier",
        "lightgbm.sklearn:LGBMClassifier",
        "catboost.core:CatBoostClassifier",
        "gensim.models.word2vec:Word2Vec",
        "torch.nn.modules.linear:Linear",
        "torch._utils:_rebuild_tensor_v2",
        "numpy:ndarray",
        "logging:getLogger",
        "collections:OrderedDict",
        "datetime:datetime",
        "pyarrow.lib:StringArray",
        "joblib.memory:Memory",
        "enum:Enum",
        "numpy._core._internal:_convert_to_stringdtype_kwargs",
        "statsmodels.regression.linear_model:OLS",
        "pathlib:PosixPath",
        "argparse:Namespace",
        "requests.structures:CaseInsensitiveDict",
        "keras.src.models.sequential:Sequential",
        "keras.models:Sequential",
        "torch.nn.modules.container:Sequential",
        "torch.distributions.normal:Normal",
        "test:Model",
        "user:User",
        "enum:Enum.__new__",
        "our_models.scale:Scaler.fit",
        "our_models.scale:Outer.Inner.method",
        "cloudpickle.cloudpickle:_make_function",
        "dill._dill:_create_function",
    ],
)
def test_benign_names_are_unknown_not_dangerous(ref: str) -> None:
    assert grade(GlobalRef(*ref.split(":"))) is None


@pytest.mark.parametrize(
    "gadget",
    [
        *(
            "__builtin__:eval",
            "__builtin__:execfile",
            "__builtin__:apply",
            "__builtin__:reduce",
            "cPickle:loads",
        ),
        *("commands:getoutput", "urllib2:urlopen", "thread:start_new_thread", "copy_reg:add_extension"),
        "__builtin__:reload",
    ],
)
def test_names_of_python_2_are_graded_as_what_they_are_mapped_to(gadget: str) -> None:
    assert grade(GlobalRef(*gadget.split(":"))) is not None


@pytest.mark.parametrize(
    ("name", "fits"),
    [
        ("_find_mac_x", True),
        ("_find_mac", True),
        ("find_mac_x", False),
        ("_unix_getter", True),
        ("_getter", True),
        ("_getter_", False),
    ],
)
def test_a_star_stands_for_any_text_and_no_text(name: str, fits: bool) -> None:
    assert (grade(GlobalRef("uuid", name)) is not None) is fits


@pytest.mark.parametrize("module", ["test.support", "test.support.script_helper", "os.path", "os"])
def test_a_family_covers_what_is_below_it(module: str) -> None:
    assert is_family(module)


@pytest.mark.parametrize("module", ["test", "osmosis", "collections.os", "", ".", "os ", "tests.support"])
def test_a_family_covers_nothing_else(module: str) -> None:
    assert not is_family(module)


def test_hostile_names_take_no_longer_than_their_length() -> None:
    for text in ("." * 1_000_000, "a." * 500_000, "_" * 1_000_000, "*" * 1_000_000):
        assert grade(GlobalRef(text, "x")) is None
        grade(GlobalRef("uuid", text))
        grade(GlobalRef("pathlib", text))


def test_every_technique_has_its_own_name_and_says_what_it_means() -> None:
    every = techniques()
    assert every[-2:] == (DOTTED_NAME, MODULE_MACHINERY)
    assert len({technique.name for technique in every}) == len(every)
    assert all(technique.description for technique in every)


@settings(deadline=None, max_examples=200)
@given(st.text(), st.text())
def test_arbitrary_names_are_graded_without_an_error(module: str, name: str) -> None:
    assert isinstance(grade(GlobalRef(module, name)), Technique | None)


@settings(deadline=None, max_examples=100)
@given(st.sampled_from(["os", "subprocess", "socket", "pickle", "runpy"]), st.text(max_size=20))
def test_every_name_of_a_dangerous_module_is_dangerous(module: str, name: str) -> None:
    assert grade(GlobalRef(module, name)) is not None
    assert grade(GlobalRef(f"{module}.{name}", "x")) is not None


@pytest.mark.parametrize("module", ["sklearn.base", "numpy", "__main__", "unheard.of"])
@pytest.mark.parametrize("name", ["__builtins__", "__dict__", "__loader__", "__spec__"])
def test_the_machinery_that_every_module_has_is_dangerous_in_each_of_them(module: str, name: str) -> None:
    assert grade(GlobalRef(module, name)) is not None


def test_a_class_of_the_script_that_saved_it_is_unknown_and_not_accused() -> None:
    assert grade(GlobalRef("__main__", "Mine")) is None


@pytest.mark.parametrize("name", ["TorchModuleWrapper", "TFSMLayer"])
def test_layers_of_keras_that_load_another_model_deserialize(name: str) -> None:
    technique = grade(GlobalRef("keras.layers", name))
    assert technique is not None
    assert technique.name == "deserializes"
