"""PyTorch: state dictionaries, whole modules, checkpoints, scripts, in the zip form and the one before."""

from __future__ import annotations

import io
import pickle
from collections.abc import Iterator
from typing import Any

from benchmarks.corpus.sample import Sample
from benchmarks.corpus.saving import dumped

__all__ = ["torch_samples"]


def torch_samples() -> Iterator[Sample]:
    """Yield what torch.save and torch.jit.save write."""
    import torch

    torch.manual_seed(0)
    for label, module in _modules().items():
        values = {"state": module.state_dict(), "module": module, "checkpoint": _checkpoint(module)}
        for kind, value in values.items():
            extension = {"state": "pt", "module": "pth", "checkpoint": "ckpt"}[kind]
            group = f"torch, {'whole modules' if kind == 'module' else 'state dictionaries'}"
            yield Sample("benign", group, f"{label}-{kind}.{extension}", _saved(value))
            yield Sample("benign", group, f"{label}-{kind}-legacy.bin", _saved(value, zipped=False))
        yield Sample(
            "benign", "torch, state dictionaries", f"{label}.pkl", pickle.dumps(module.state_dict(), 4)
        )
        yield Sample("benign", "torch, state dictionaries", f"{label}.joblib", dumped(module.state_dict()))
    for label, value in _tensors().items():
        yield Sample("benign", "torch, tensors", f"{label}.pt", _saved(value))
        yield Sample("benign", "torch, tensors", f"{label}-legacy.pt", _saved(value, zipped=False))
    for label, value in _arrays().items():
        yield Sample("benign", "torch, tensors", f"{label}.pt", _saved(value))
    yield from _scripts()


def _saved(value: Any, *, zipped: bool = True) -> bytes:
    import torch

    buffer = io.BytesIO()
    torch.save(value, buffer, _use_new_zipfile_serialization=zipped)
    return buffer.getvalue()


def _modules() -> dict[str, Any]:
    from torch import nn

    return {
        "linear": nn.Linear(4, 2),
        "mlp": nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Dropout(0.1), nn.BatchNorm1d(8), nn.Linear(8, 3), nn.Softmax(1)),
        "convolution": nn.Sequential(nn.Conv2d(3, 4, 3), nn.MaxPool2d(2), nn.Flatten(), nn.GELU()),
        "lstm": nn.LSTM(4, 8, num_layers=2, batch_first=True),
        "gru": nn.GRU(4, 8, bidirectional=True),
        "embedding": nn.Sequential(nn.Embedding(50, 8), nn.LayerNorm(8)),
        "transformer": nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 1),
        "attention": nn.MultiheadAttention(8, 2),
        "lists": nn.ModuleDict({"a": nn.ModuleList([nn.Linear(2, 2), nn.Tanh()]), "b": nn.ParameterList([nn.Parameter(_ones())])}),
    }  # fmt: skip


def _ones() -> Any:
    import torch

    return torch.ones(3)


def _checkpoint(module: Any) -> dict[str, Any]:
    import torch

    optimizer = torch.optim.AdamW(module.parameters(), lr=1e-3)
    for parameter in module.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 10)
    return {
        "epoch": 3, "loss": 0.25, "model": module.state_dict(), "optimizer": optimizer.state_dict(),
        "schedule": schedule.state_dict(), "rng": torch.get_rng_state(), "device": torch.device("cpu"),
        "dtype": torch.float32, "size": torch.Size([1, 2]),
    }  # fmt: skip


def _tensors() -> dict[str, Any]:
    import torch

    made: dict[str, Any] = {
        str(dtype).rpartition(".")[2]: torch.ones(2, 3).to(dtype)
        for dtype in (
            torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16,
            torch.int8, torch.uint8, torch.bool, torch.complex64,
        )
    }  # fmt: skip
    base = torch.arange(12.0)
    return {
        **made,
        "view": [base[2:8], base.reshape(3, 4).t()],
        "parameter": torch.nn.Parameter(base),
        "empty": torch.empty(0, 3),
        "list": [torch.ones(2), {"a": torch.zeros(1)}],
    }


def _arrays() -> dict[str, Any]:
    import numpy as np
    import torch

    return {
        "sparse": torch.eye(3).to_sparse(),
        "sparse-csr": torch.eye(3).to_sparse_csr(),
        "quantized": torch.quantize_per_tensor(torch.ones(3), 0.1, 0, torch.qint8),
        "with-numpy": {"mean": np.zeros(3), "score": np.float64(0.5), "weights": torch.ones(2)},
    }


def _scripts() -> Iterator[Sample]:
    import torch

    for label, module in _modules().items():
        if label in ("linear", "mlp", "convolution", "lstm"):
            buffer = io.BytesIO()
            torch.jit.save(torch.jit.script(module), buffer)
            yield Sample("benign", "torch, TorchScript", f"{label}.pt", buffer.getvalue())
