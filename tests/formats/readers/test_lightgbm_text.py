from __future__ import annotations

from hypothesis import given

from secureload.formats.readers import lightgbm_text
from secureload.formats.reading import Identified
from tests.formats.feeding import codes, feed, mutated

VALID = (
    b"tree\nversion=v4\nnum_class=1\n\nTree=0\nnum_leaves=2\nleaf_value=0.1 0.2\n\n\nend of trees\n\n"
    b"feature_importances:\nx=1\n\nparameters:\n[boosting: gbdt]\nend of parameters\n\npandas_categorical:null\n"
)


def test_a_model_says_what_it_is_and_nothing_else() -> None:
    assert feed(lightgbm_text, VALID) == [Identified(format="lightgbm", loader="lightgbm.Booster")]
    older = VALID.replace(b"end of trees", b"").replace(b"feature_importances", b"feature importances")
    assert codes(feed(lightgbm_text, older)) == set()


def test_other_bytes_in_it_and_a_missing_end_stand_out() -> None:
    assert codes(feed(lightgbm_text, VALID + b"\x80\x04\0")) == {"boosted.not-text"}
    assert codes(feed(lightgbm_text, VALID[:60])) == {"boosted.cut-off"}


@given(mutated(VALID))
def test_any_bytes_give_events(data: bytes) -> None:
    assert codes(feed(lightgbm_text, data)) <= {"boosted.not-text", "boosted.cut-off"}
