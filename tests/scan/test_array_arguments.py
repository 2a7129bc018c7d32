"""Rules for numpy, scipy and pandas; above all for the text that scipy's distributions execute."""

from __future__ import annotations

import tempfile

import pytest

from secureload.pickles.source import MappedSource
from secureload.pickles.trace import Collection, Const, Elided, GlobalRef, Operation, Result, Value
from secureload.pickles.vm import trace_stream
from secureload.scan.allowlist import load_default
from secureload.scan.arguments import why_unfit
from secureload.scan.array_arguments import _PARSER

from .judging import why_not

SYSTEM = GlobalRef("os", "system")
NDARRAY = GlobalRef("numpy", "ndarray")
DTYPE = Result("call", GlobalRef("numpy", "dtype"))
BYTES = Result("call", GlobalRef("_codecs", "encode"))
EMPTY = Collection("tuple", (Const(0),), 1)
GENERATOR = Result("call", GlobalRef("numpy.random._pickle", "__bit_generator_ctor"))
CONSTRUCTOR = GlobalRef("numpy.random._pickle", "__bit_generator_ctor")
NORM = GlobalRef("scipy.stats._continuous_distns", "norm_gen")


def text(value: str) -> Const:
    return Const(value, len(value))


def mapping(**items: Value) -> Collection:
    pairs = tuple(Collection("tuple", (text(key), value), 2) for key, value in items.items())
    return Collection("dict", pairs, len(pairs))


def why(rule: str, *args: Value) -> str | None:
    return why_unfit(rule, Operation("call", NDARRAY, args))


@pytest.mark.parametrize(
    ("rule", "args"),
    [
        ("array-class", (NDARRAY, EMPTY, BYTES)),
        ("array-class", (NDARRAY, EMPTY, Const(b"b", 1))),
        ("masked-array", (GlobalRef("numpy.ma", "MaskedArray"), NDARRAY, EMPTY, text("b"))),
        ("dtype-code", (text("f8"), Const(False), Const(True))),
        ("dtype-code", (text("M8"), Const(False), Const(True))),
        ("dtype-code", (GlobalRef("numpy", "record"), Const(False), Const(True))),
        ("numpy-scalar", (DTYPE, Const(b"\0", 1))),
        ("buffer", (Const(b"cut", 10_000), DTYPE, Collection("tuple", (Const(3),), 1), text("C"))),
        ("bit-generator", (text("MT19937"),)),
        ("bit-generator", (GlobalRef("numpy.random._pcg64", "PCG64"),)),
        ("generator", (GENERATOR,)),
        ("generator", (text("MT19937"), CONSTRUCTOR)),
        ("index", (GlobalRef("pandas", "Index"), mapping(data=BYTES, name=Const(None)))),
        ("extension-array", (GlobalRef("pandas.arrays", "StringArray"), Const(1), Const(None))),
        ("string-dtype", (text("python"), GlobalRef("pandas", "NA"))),
        ("string-dtype", ()),
    ],
)
def test_what_arrays_and_frames_pass_fits(rule: str, args: tuple[Value, ...]) -> None:
    assert why(rule, *args) is None


@pytest.mark.parametrize(
    ("rule", "args"),
    [
        ("array-class", (SYSTEM, EMPTY, BYTES)),
        ("array-class", (GlobalRef("numpy", "memmap"), EMPTY, BYTES)),
        ("array-class", (NDARRAY, Collection("tuple", (Const(1 << 40),), 1), BYTES)),
        ("array-class", (NDARRAY, Elided(), BYTES)),
        ("masked-array", (SYSTEM, NDARRAY, EMPTY, text("b"))),
        ("dtype-code", (SYSTEM, Const(False), Const(True))),
        ("dtype-code", (Elided(),)),
        ("dtype-code", (text("f8, " * 20),)),
        ("dtype-code", (text("f8"), SYSTEM)),
        ("dtype-code", ()),
        ("numpy-scalar", (SYSTEM, Const(b"", 0))),
        ("numpy-scalar", (DTYPE, SYSTEM)),
        ("buffer", (SYSTEM, DTYPE, EMPTY, text("C"))),
        ("buffer", (Const(b"", 0), DTYPE, SYSTEM, text("C"))),
        ("bit-generator", (SYSTEM,)),
        ("bit-generator", (GlobalRef("os", "PCG64"),)),
        ("bit-generator", (text("system"),)),
        ("generator", (text("id"), SYSTEM)),
        ("generator", (GENERATOR, SYSTEM)),
        ("index", (SYSTEM, mapping(data=BYTES))),
        ("index", (GlobalRef("evil", "Index"), mapping(data=BYTES))),
        ("index", (GlobalRef("pandas", "Index"), Collection("dict", (), 3))),
        ("index", (GlobalRef("pandas", "Index"), mapping(data=SYSTEM))),
        ("extension-array", (SYSTEM, Const(1), Const(None))),
        ("extension-array", (GlobalRef("evil", "StringArray"), Const(1), Const(None))),
        ("string-dtype", (text("python"), SYSTEM)),
    ],
)
def test_what_an_attacker_would_pass_does_not_fit(rule: str, args: tuple[Value, ...]) -> None:
    assert why(rule, *args)


def state(template: str | Const, **more: Value) -> Collection:
    value = template if isinstance(template, Const) else text(template)
    return mapping(_parse_arg_template=value, a=Const(0.0), **more)


def built(value: Value) -> str | None:
    return why_unfit("distribution", Operation("build", Result("new", NORM), (value,)))


def test_the_state_of_every_scipy_distribution_fits() -> None:
    stats = pytest.importorskip("scipy.stats")
    every = [
        value for value in vars(stats).values() if isinstance(value, stats.rv_continuous | stats.rv_discrete)
    ]
    assert len(every) > 100
    for distribution in every:
        assert built(state(distribution.__getstate__()["_parse_arg_template"])) is None, distribution.name


def test_a_distribution_that_would_execute_a_program_of_the_payload_is_refused() -> None:
    benign = pytest.importorskip("scipy.stats").norm.__getstate__()["_parse_arg_template"]
    assert built(state(benign)) is None
    for hostile in (
        "import os",
        benign + "\nimport os\n",
        "import os\n" + benign,
        benign.replace("scale=1", "scale=print(1)", 1),
        benign.replace("loc=0", "loc=__import__('os')", 1),
        benign.replace("(self,", "(self, x=exec('1'),", 1),
        benign.replace("    return ()", "    import os; return ()", 1),
    ):
        assert "program of its own" in (built(state(hostile)) or "")


def test_a_state_that_is_not_known_as_a_whole_is_refused() -> None:
    benign = pytest.importorskip("scipy.stats").norm.__getstate__()["_parse_arg_template"]
    assert built(state(Const(benign, len(benign) + 1))) is not None
    assert built(state(Const(benign[:256], len(benign)))) is not None
    whole = state(benign)
    assert built(Collection("dict", whole.items, whole.length + 1)) is not None
    assert built(state(benign, _attach_methods=Const(1))) is not None
    assert built(state(benign, vecentropy=SYSTEM)) is not None
    assert built(Elided()) is not None
    assert built(Result("call", SYSTEM)) is not None
    assert built(Collection("tuple", (Const(None), whole), 2)) is not None


def test_a_distribution_is_instantiated_without_arguments_and_never_called() -> None:
    assert why_unfit("distribution", Operation("new", NORM)) is None
    assert why_unfit("distribution", Operation("new", NORM, (Const(1),))) is not None
    assert why_unfit("distribution", Operation("call", NORM)) is not None


def distribution(template: str) -> bytes:
    """Return the opcodes that instantiate a distribution and give it this text to execute."""
    raw = template.encode()
    key = b"X" + len(b"_parse_arg_template").to_bytes(4, "little") + b"_parse_arg_template"
    value = b"X" + len(raw).to_bytes(4, "little") + raw
    return b"cscipy.stats._continuous_distns\nnorm_gen\n)\x81}" + key + value + b"sb"


def test_no_traced_pickle_hides_a_distribution_with_a_program_of_its_own() -> None:
    allow = load_default()
    hostile = distribution("raise SystemExit  # inert" + " " * 300)
    template = _PARSER.format(shapes="", given="loc=0", used="loc, 1")
    benign = distribution(template) + b"0"
    same_shape = distribution("raise SystemExit  # inert".ljust(len(template)))
    assert len(same_shape) + 1 == len(benign)
    for payload in (hostile + b".", benign + hostile + b".", benign + same_shape + b"."):
        payload = b"\x80\x02" + payload
        with tempfile.TemporaryFile() as file:
            file.write(payload)
            file.flush()
            source = MappedSource(file.fileno(), len(payload))
            trace = trace_stream(source)
            source.close()
        assert any(why_not(allow, operation) for operation in trace.operations)
