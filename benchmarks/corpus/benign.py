"""What honest libraries write, library by library; each is skipped, and said so, where it is not installed."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace

from benchmarks.corpus.benign_arrays import frame_samples, numpy_samples, python_samples, scipy_samples
from benchmarks.corpus.benign_boosted import catboost_samples, lightgbm_samples, xgboost_samples
from benchmarks.corpus.benign_graphs import (
    gguf_samples,
    keras_samples,
    onnx_samples,
    safetensors_samples,
    tensorflow_samples,
)
from benchmarks.corpus.benign_sklearn import (
    imblearn_samples,
    sklearn_samples,
    skops_samples,
    statsmodels_samples,
)
from benchmarks.corpus.benign_torch import torch_samples
from benchmarks.corpus.sample import Sample

__all__ = ["benign_samples"]

_PARTS: tuple[Callable[[], Iterator[Sample]], ...] = (
    python_samples,
    numpy_samples,
    scipy_samples,
    frame_samples,
    sklearn_samples,
    skops_samples,
    imblearn_samples,
    statsmodels_samples,
    xgboost_samples,
    lightgbm_samples,
    catboost_samples,
    torch_samples,
    safetensors_samples,
    onnx_samples,
    gguf_samples,
    tensorflow_samples,
    keras_samples,
)


def benign_samples(release: str = "") -> Iterator[Sample]:
    """Yield the files of each library; ``release`` is added to the names of the groups."""
    import numpy as np

    warnings.simplefilter("ignore")
    for part in _PARTS:
        np.random.seed(0)  # what an estimator without a seed draws from
        try:
            for sample in part():
                yield replace(sample, group=f"{sample.group}{release}")
        # A library that is not there, or does not fit the others, costs its own files.
        except Exception as error:
            print(f"left out: {part.__name__}: {type(error).__name__}: {error}"[:500], file=sys.stderr)
