"""The allow-list: exact pairs, three tiers, and nothing that a user can add by accident."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secureload.errors import SecureloadError, UsageError
from secureload.package_data import packaged_text
from secureload.pickles.names import effective_name
from secureload.pickles.trace import Collection, Const, GlobalRef, Operation, Result
from secureload.scan.allowlist import AllowList, Tier, load_allow_file, load_default
from secureload.scan.dangerous import DOTTED_NAME, grade

from .judging import why_not

LIST = load_default()
PAIRS = {(allowed.ref.module, allowed.ref.name) for allowed in LIST}

POLICY = """
[library]
name = "our-models"
[new-only]
globals = '''
our_models.scale:Scaler  reviewed in March
'''
[callable]
globals = '''
our_models.tree:Tree  data  reviewed in March
'''
"""


def tier(module: str, name: str) -> Tier | None:
    allowed = LIST.find(GlobalRef(module, name))
    return allowed.tier if allowed else None


def test_each_tier_has_what_it_is_for() -> None:
    assert tier("sklearn.linear_model._logistic", "LogisticRegression") is Tier.NEW_ONLY
    assert tier("numpy", "ndarray") is Tier.IMPORT_ONLY
    assert tier("numpy._core.multiarray", "_reconstruct") is Tier.CALLABLE
    assert tier("numpy.core.multiarray", "_reconstruct") is Tier.CALLABLE


def test_every_entry_has_a_library_and_evidence_and_every_callable_a_rule() -> None:
    for allowed in LIST:
        assert allowed.library
        assert allowed.evidence
        assert (allowed.arguments is not None) == (allowed.tier is Tier.CALLABLE)
        assert allowed.arguments != "any" or allowed.library == "python"


def test_the_evidence_covers_scikit_learn_from_1_3_to_1_9() -> None:
    found = LIST.find(GlobalRef("sklearn.preprocessing._data", "StandardScaler"))
    assert found is not None
    assert found.evidence.startswith("1.3.2-1.9.1: ")


@pytest.mark.parametrize(
    "pair",
    [
        ("os", "system"),
        ("builtins", "eval"),
        ("numpy", "load"),
        ("numpy", "memmap"),
        ("numpy.core.memmap", "memmap"),
        ("joblib", "load"),
        ("joblib.numpy_pickle", "load"),
        ("joblib.memory", "Memory"),
        ("scipy.io", "loadmat"),
        ("sklearn.datasets", "fetch_openml"),
        ("sklearn.datasets._base", "load_files"),
        ("numpy", "apply_along_axis"),
        ("numpy", "frompyfunc"),
        ("joblib.numpy_pickle_compat", "NDArrayWrapper"),
        ("sklearn.metrics._dist_metrics", "PyFuncDistance64"),
        ("collections", "_sys.modules.get"),
        ("sklearn.linear_model", "os.system"),
        ("sklearn.linear_model._logistic", "LogisticRegression.fit"),
        ("sklearn", "linear_model._logistic.LogisticRegression"),
        ("sklearn.linear_model._logistic ", "LogisticRegression"),
        ("SKLEARN.linear_model._logistic", "LogisticRegression"),
        ("", "sklearn.linear_model._logistic:LogisticRegression"),
        ("sklearn.linear_model._logistic:LogisticRegression", ""),
    ],
    ids=":".join,
)
def test_what_opens_loads_calls_or_walks_is_not_on_the_list(pair: tuple[str, str]) -> None:
    assert LIST.find(GlobalRef(*pair)) is None


def test_no_admitted_name_is_dangerous_unless_a_rule_holds_its_arguments() -> None:
    both = {
        (allowed.ref.module, allowed.ref.name)
        for allowed in LIST
        # A dotted name is graded by its form alone; the next test holds what those on the list are.
        if grade(allowed.ref) not in (None, DOTTED_NAME) and allowed.arguments in (None, "any")
    }
    assert both == set()
    data = {
        str(allowed.ref) for allowed in LIST if grade(allowed.ref) is not None and allowed.arguments == "data"
    }
    # It stores what it is given, and asks for it when the model gets its data.
    assert data == {"operator:itemgetter"}


def test_a_dotted_name_on_the_list_is_one_attribute_of_a_class_that_is_on_it() -> None:
    for module, name in PAIRS:
        owner, _, attribute = name.partition(".")
        if attribute:
            assert attribute.isidentifier()
            assert not attribute.startswith("__"), name
            assert (module, owner) in PAIRS, name


def test_only_one_method_of_a_class_may_be_called() -> None:
    called = {pair for pair in PAIRS if "." in pair[1] and tier(*pair) is Tier.CALLABLE}
    assert called == {("zoneinfo", "ZoneInfo._unpickle")}


def test_no_name_on_the_list_is_one_of_python_2_that_the_unpickler_would_map() -> None:
    for allowed in LIST:
        pair = (allowed.ref.module, allowed.ref.name)
        assert effective_name(*pair, protocol=2) == pair


@settings(deadline=None, max_examples=200)
@given(st.text(), st.text())
def test_find_never_raises_on_arbitrary_names_and_matches_nothing(module: str, name: str) -> None:
    found = LIST.find(GlobalRef(module, name))
    assert (found is None) == ((module, name) not in PAIRS)


@settings(deadline=None, max_examples=200)
@given(st.sampled_from(sorted(PAIRS)), st.sampled_from(["", ".", " ", "x", "\0", ":"]), st.booleans())
def test_only_the_exact_pair_matches_never_a_prefix_or_a_relative(
    pair: tuple[str, str], extra: str, at_module: bool
) -> None:
    module, name = pair
    changed = (module + extra, name) if at_module else (module, name + extra)
    found = LIST.find(GlobalRef(*changed))
    assert (found is not None) == (changed in PAIRS)
    joined = LIST.find(GlobalRef("", f"{module}.{name}"))
    assert joined is None


@pytest.mark.parametrize("name", ["our.models.Scaler", "our.models:Scaler", "models.Größe"])
def test_a_user_admits_one_exact_name_by_a_flag(name: str) -> None:
    longer = LIST.extended_by([name])
    assert len(longer) == len(LIST) + 1
    ref = GlobalRef(*(name.split(":") if ":" in name else name.rsplit(".", 1)))
    found = longer.find(ref)
    assert found is not None
    assert (found.tier, found.library, found.arguments, found.is_own) == (Tier.CALLABLE, "user", "any", True)
    assert why_not(longer, Operation("call", ref, (Const(1),))) is None
    assert LIST.find(ref) is None


@pytest.mark.parametrize(
    "name",
    [
        *("", "Scaler", ".Scaler", "our.", "our..Scaler", "our models.Scaler", "our.models:Scaler.fit"),
        *("our:models:Scaler", "our.*", "our.models:", ":Scaler", "our/models.Scaler", "our.models.Scaler\n"),
        *("1our.Scaler", "\x1b[31m.A"),
    ],
)
def test_a_malformed_name_to_allow_is_a_usage_error(name: str) -> None:
    with pytest.raises(UsageError) as caught:
        LIST.extended_by([name])
    assert "\n" not in caught.value.message
    assert "\x1b" not in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize(
    "name", ["os.system", "builtins:eval", "posix.system", "subprocess.Popen", "__builtin__.eval"]
)
def test_a_user_cannot_allow_what_runs_code_by_itself(name: str) -> None:
    with pytest.raises(UsageError, match="cannot be allowed"):
        LIST.extended_by([name])
    with pytest.raises(UsageError, match="cannot be allowed"):
        module, _, leaf = name.replace(":", ".").rpartition(".")
        load_allow_file(f"[library]\nname='x'\n[new-only]\nglobals='{module}:{leaf} because'\n")


def test_what_the_package_ships_is_not_the_callers_own_whatever_is_added() -> None:
    longer = load_allow_file(POLICY).joined_with(LIST.extended_by(["our.models.Scaler"]))
    for ref in (GlobalRef("numpy", "ndarray"), GlobalRef("builtins", "dict")):
        found = longer.find(ref)
        assert found is not None
        assert not found.is_own


def test_a_library_is_read_when_a_module_of_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from secureload.scan import allowlist

    read: list[str] = []
    monkeypatch.setattr(
        allowlist, "packaged_text", lambda package, name: read.append(name) or packaged_text(package, name)
    )
    allowlist._read_library.cache_clear()
    fresh = AllowList(allowlist._Shipped())
    assert fresh.find(GlobalRef("numpy", "ndarray")) is not None
    assert fresh.find(GlobalRef("numpy.linalg", "nothing")) is None
    assert read == ["numpy.toml"]
    assert fresh.find(GlobalRef("no_library_that_we_know", "Thing")) is None
    assert fresh.find(GlobalRef("", "")) is None
    assert read == ["numpy.toml", "python.toml"]


def test_allowing_a_listed_name_does_not_widen_its_tier() -> None:
    ref = GlobalRef("sklearn.preprocessing._data", "StandardScaler")
    found = LIST.extended_by([str(ref)]).find(ref)
    assert found is not None
    assert found.tier is Tier.NEW_ONLY


def test_a_policy_file_joins_the_list_and_keeps_its_own_entries_first() -> None:
    joined = LIST.joined_with(load_allow_file(POLICY))
    found = joined.find(GlobalRef("our_models.tree", "Tree"))
    assert found is not None
    assert (found.library, found.tier, found.arguments) == ("our-models", Tier.CALLABLE, "data")
    assert found.evidence == "reviewed in March"
    assert found.is_own
    assert len(joined) == len(LIST) + 2


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("not = toml = at all", "not TOML"),
        ("[library]\nname = 'x'\n[danger]\n", "unknown table"),
        ("[new-only]\nglobals = ''", "name of the library"),
        ("[library]\nname = 'x'\n[new-only]\nglobals = 3", "one string"),
        ("[library]\nname = 'x'\n[new-only]\nother = ''", "one string"),
        ("[library]\nname = 'x'\n[new-only]\nglobals = 'a.b because'", "module:name"),
        ("[library]\nname = 'x'\n[new-only]\nglobals = 'a:b.c because'", "module:name"),
        ("[library]\nname = 'x'\n[new-only]\nglobals = 'a:b'", "evidence"),
        ("[library]\nname = 'x'\n[callable]\nglobals = 'a:b data'", "evidence"),
        ("[library]\nname = 'x'\n[callable]\nglobals = 'a:b nothing because'", "argument rule"),
        ("[library]\nname = 'x'\n[new-only]\nglobals = '''a:b x\na:b y'''", "twice"),
    ],
)
def test_a_policy_file_that_breaks_the_layout_says_where(text: str, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        load_allow_file(text)


@settings(deadline=None, max_examples=100)
@given(
    st.text(alphabet=st.characters(codec="utf-8"))
    | st.from_regex(r"\[(library|callable)\]\nname = .{0,9}", fullmatch=True)
)
def test_arbitrary_policy_text_raises_nothing_but_our_errors(text: str) -> None:
    with suppress(SecureloadError):
        assert isinstance(load_allow_file(text), AllowList)


def operations() -> Iterator[tuple[Operation, str]]:
    scaler = GlobalRef("sklearn.preprocessing._data", "StandardScaler")
    yield Operation("call", scaler), "new-only"
    yield Operation("new", GlobalRef("numpy", "ndarray")), "import-only"
    yield Operation("call", GlobalRef("os", "system"), (Const("id", 2),)), "spawns processes"
    yield Operation("call", Result("call", scaler)), "result of a call is called"
    yield Operation("build", scaler, (Collection("dict", (), 0),)), "would be changed"
    yield Operation("setitem", GlobalRef("numpy", "ndarray"), (Const(1), Const(2))), "would be changed"
    yield Operation("persid", Const("x", 1)), "outside of the file"
    yield Operation("new", scaler, (GlobalRef("numpy", "exp"),)), "where data belongs"
    yield (
        Operation("build", Result("new", GlobalRef("unknown", "Thing")), (Const(1),)),
        "not on the allow-list",
    )


@pytest.mark.parametrize(("operation", "why"), list(operations()))
def test_an_operation_that_a_tier_does_not_cover_is_refused_with_its_reason(
    operation: Operation, why: str
) -> None:
    reason = why_not(LIST, operation)
    assert reason is not None
    assert why in reason


def test_instantiating_and_filling_an_admitted_class_is_admitted() -> None:
    scaler = GlobalRef("sklearn.preprocessing._data", "StandardScaler")
    assert why_not(LIST, Operation("new", scaler)) is None
    assert why_not(LIST, Operation("build", Result("new", scaler), (Collection("dict", (), 0),))) is None
    assert why_not(LIST, Operation("append", Collection("list", (), 0), (Const(1),))) is None
