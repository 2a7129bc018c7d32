"""Vocabularies and hashed features: their numbers become columns of a sparse matrix unseen."""

from __future__ import annotations

from typing import Any

from secureload.structured.kinds.expect import an_int, increasing_names, require

__all__ = ["CHECKS"]

_MOST_COLUMNS = (1 << 31) - 1


def _check_counts(vectorizer: Any) -> None:
    if "vocabulary_" in vars(vectorizer):
        increasing_names(vars(vectorizer)["vocabulary_"], "words")


def _check_names(vectorizer: Any) -> None:
    if "vocabulary_" in vars(vectorizer):
        increasing_names(vars(vectorizer)["vocabulary_"], "names")
        require(
            len(vars(vectorizer)["vocabulary_"]) == len(vars(vectorizer).get("feature_names_", ())),
            "has names that do not fit its vocabulary",
        )


def _check_hashed(vectorizer: Any) -> None:
    an_int(vars(vectorizer).get("n_features"), "a number of hashed columns", 1, _MOST_COLUMNS)


CHECKS = {
    "sklearn.feature_extraction.text:CountVectorizer": _check_counts,
    "sklearn.feature_extraction._dict_vectorizer:DictVectorizer": _check_names,
    "sklearn.feature_extraction._hash:FeatureHasher": _check_hashed,
    "sklearn.feature_extraction.text:HashingVectorizer": _check_hashed,
}
