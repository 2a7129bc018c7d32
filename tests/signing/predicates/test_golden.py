"""Golden rows: each form is read as it was written, and nothing is read that compiled code would trip on."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secureload.errors import SignatureFormatError
from secureload.signing.predicates.golden import Column, Golden, Sparse, encode_golden, parse_golden
from secureload.signing.predicates.values import MIXED, Values, parse_values, tagged, untagged
from secureload.signing.strict_json import encode_json, parse_json

ANSWER = Values("int64", (2,), (0, 1))
NUMBERS = Values("float64", (2,), (0.5, float("inf")))
TEXTS = Values("str", (2,), ("two\nlines", ""))
MIXTURE = Values(MIXED, (2,), ("n:", "f:nan"))
SPARSE = Sparse(
    form="csr_matrix",
    shape=(2, 3),
    indptr=Values("int32", (3,), (0, 1, 2)),
    indices=Values("int32", (2,), (2, 0)),
    data=Values("float64", (2,), (0.5, 1.5)),
)
CATEGORY = Column(
    name="c",
    values=Values("int8", (2,), (-1, 1)),
    dtype="category",
    categories=Values("str", (2,), ("a", "b")),
    ordered=True,
)


def column(values: Values, name: str = "", dtype: str = "") -> Column:
    return Column(name=name, values=values, dtype=dtype)


@pytest.mark.parametrize(
    "inputs",
    [
        {"columns": (column(Values("float64", (2, 1), (0.0, 1.0))),)},
        {"columns": (column(TEXTS),)},
        {"columns": (column(NUMBERS, "a"), column(MIXTURE, "b", "Int64"), CATEGORY)},
        {"columns": (column(Values("datetime64[us]", (2,), (-(2**63), 1)), "when", "datetime64[us, UTC]"),)},
        {"columns": (column(TEXTS),), "form": "list"},
        {"columns": (column(TEXTS, "", "str"),), "form": "series"},
        {"columns": (column(Values(MIXED, (2,), ("x:", "i:7")), "key"),), "form": "records"},
        {"sparse": SPARSE},
    ],
)
def test_every_form_of_inputs_is_read_as_it_was_written(inputs: dict[str, Any]) -> None:
    for output in (ANSWER, SPARSE, (ANSWER, NUMBERS)):
        golden = Golden(**inputs, outputs={"predict": output}, tolerance=0.25)
        written = encode_json(encode_golden(golden))
        again = parse_golden(parse_json(written, where="it"), "it")
        assert encode_json(encode_golden(again)) == written
        assert again.rows == 2


GOOD = encode_golden(Golden(columns=(column(NUMBERS, "a"),), outputs={"predict": ANSWER}))
WHOLE = encode_golden(Golden(sparse=SPARSE, outputs={"predict": ANSWER}))


def of_sparse(**changes: object) -> dict[str, object]:
    sparse = WHOLE["sparse"]
    assert isinstance(sparse, dict)
    return {**WHOLE, "sparse": {**sparse, **changes}}


def of_column(**changes: object) -> dict[str, object]:
    columns = GOOD["columns"]
    assert isinstance(columns, list)
    return {**GOOD, "columns": [{**columns[0], **changes}]}


def whole(*items: int, dtype: str = "int32") -> dict[str, object]:
    return {"dtype": dtype, "shape": [len(items)], "items": [str(item) for item in items]}


@pytest.mark.parametrize(
    "value",
    [
        {**GOOD, **WHOLE},
        {**GOOD, "form": "tensor"},
        {**GOOD, "form": ""},
        {**WHOLE, "form": "list"},
        {**GOOD, "form": "records"},
        {**GOOD, "form": "list"},
        {**GOOD, "outputs": {"predict": {"parts": []}}},
        {**GOOD, "outputs": {"predict": {"parts": [whole(1)]}}},
        {**GOOD, "outputs": {"fit": whole(1, 2)}},
        of_column(dtype="category"),
        of_column(categories=whole(1), ordered="true"),
        of_column(dtype="category", categories=whole(1), ordered="true", values=whole(0, 1)),
        of_column(dtype="category", categories=whole(1), ordered="yes", values=whole(0, 0)),
        of_column(dtype="datetime64[us, dateutil//etc/passwd]!"),
        of_column(dtype="interval"),
        of_column(name="", dtype="Int64"),
        of_sparse(form="dok_matrix"),
        of_sparse(shape=[2]),
        of_sparse(shape=[3, 3]),
        of_sparse(shape=[2, 2]),
        of_sparse(indptr=whole(0, 2, 1)),
        of_sparse(indptr=whole(0, 1, 3)),
        of_sparse(indptr=whole(1, 1, 2)),
        of_sparse(indptr=whole(0, 1, 2, dtype="int64")),
        of_sparse(indptr=whole(0, 1, 2, dtype="int8"), indices=whole(2, 0, dtype="int8")),
        of_sparse(indices=whole(3, 0)),
        of_sparse(indices=whole(-1, 0)),
        of_sparse(data=whole(1)),
        of_sparse(data={"dtype": "str", "shape": [2], "items": ["a", "b"]}),
    ],
)
def test_what_a_model_could_not_be_given_is_refused(value: object) -> None:
    with pytest.raises(SignatureFormatError):
        parse_golden(value, "it")


PLAIN = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary()
    | st.dates()
    | st.datetimes()
    | st.datetimes(timezones=st.just(UTC))
)


@given(PLAIN)
def test_a_mixed_value_comes_back_as_what_it_was(value: object) -> None:
    text = tagged(value)
    assert text is not None
    back = untagged(text)
    assert (type(back), back) == (type(value), value)


@pytest.mark.parametrize("value", [2**64, object(), 1j, [], datetime(1, 1, 1).time(), frozenset()])
def test_what_has_no_spelling_has_none(value: object) -> None:
    assert tagged(value) is None


def test_a_key_that_is_not_there_and_a_value_that_is_none_are_two_things() -> None:
    assert (untagged("x:"), untagged("n:")) == (..., None)
    assert untagged("d:2026-03-01") == date(2026, 3, 1)


@pytest.mark.parametrize(
    "text",
    ["", "s", "n:x", "x:1", "b:True", "b:1", "i:01", "i:1e3", f"i:{2**64}", f"i:{'9' * 100_000}", "f:1", "f:inf ",
     "y:0", "y:AB", "d:20260301", "t:2026-03-01", "t:2026-03-01 00:00:00", "q:1"],
)  # fmt: skip
def test_a_mixed_value_has_one_spelling(text: str) -> None:
    with pytest.raises(SignatureFormatError):
        parse_values({"dtype": MIXED, "shape": [1], "items": [text]}, "it")


FIELDS = st.sampled_from(
    [
        "columns",
        "sparse",
        "form",
        "outputs",
        "tolerance",
        "predict",
        "name",
        "values",
        "dtype",
        "shape",
        "items",
        "indptr",
        "indices",
        "data",
        "parts",
    ]
)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FIELDS, inner, max_size=4),
)


@given(ANYTHING | st.dictionaries(FIELDS, ANYTHING))
def test_any_value_is_golden_rows_or_a_signature_format_error(value: object) -> None:
    try:
        found = parse_golden(value, "it")
    except SignatureFormatError:
        return
    assert found.rows > 0
