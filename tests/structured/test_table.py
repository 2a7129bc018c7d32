"""The table of what is covered, and the test vectors of the format, are what this version writes."""

from __future__ import annotations

import pytest

from tests.structured.forging import read, written
from tests.structured.table import TABLE, VECTORS, table, vectors


def test_the_table_in_the_documentation_names_only_cases_that_are_the_same() -> None:
    text = TABLE.read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| ") and "case" not in line]
    assert len(rows) > 300
    assert all(row.endswith("| same |") for row in rows)
    now = table()
    assert "another" not in now
    assert len(now.splitlines()) >= 0.9 * len(
        text.splitlines()
    )  # releases of scikit-learn have some more or less


@pytest.mark.parametrize("name", vectors())
def test_a_test_vector_is_read_and_written_to_the_byte(name: str) -> None:
    data = (VECTORS / f"{name}.safetensors").read_bytes()
    assert written(read(data)) == data
    assert repr(read(data)) == repr(vectors()[name])
    assert written(vectors()[name]) == data
