"""Checkpoints of PyTorch that evidence is collected from: state dicts, tensors of each kind, whole modules."""

from __future__ import annotations

import collections
import contextlib
import inspect
import io
import warnings
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from secureload.scan.allow.estimators import Case

__all__ = ["checkpoint_pickles", "torch_checkpoints"]

# Arguments of the modules that need some; the others are made without.
_NUMBERS = (4, 4, 1, 1)


def torch_checkpoints() -> Iterator[Case]:
    """Yield (label, value) for what ``torch.save`` is given."""
    warnings.simplefilter("ignore")
    for cases in (_state_dicts, _tensors, _activations, _optimizers, _quantized):
        for label, make in cases().items():
            with contextlib.suppress(Exception):
                yield label, make()
    yield from _modules()


def checkpoint_pickles(value: Any) -> Iterator[bytes]:
    """Yield the pickles of the archives that ``torch.save`` makes of ``value``, by protocols 2 and 4."""
    import torch

    for protocol in (2, 4):
        archive = io.BytesIO()
        with contextlib.suppress(Exception):
            torch.save(value, archive, pickle_protocol=protocol)
            with zipfile.ZipFile(archive) as members:
                yield from (members.read(name) for name in members.namelist() if name.endswith("data.pkl"))


def _network() -> Any:
    from torch import nn

    return nn.Sequential(
        nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.Flatten(), nn.Dropout(0.1), nn.Linear(8, 2)
    )


def _state_dicts() -> dict[str, Callable[[], Any]]:
    import numpy as np
    import torch
    from torch import nn

    network = _network()
    return {
        "state dict": network.state_dict,
        "checkpoint": lambda: {
            "epoch": 3,
            "model": network.state_dict(),
            "loss": np.float64(0.5),
            "history": [0.5, 0.25],
            "best": torch.tensor(0.1),
            "classes": np.array(["a", "b"]),
            "rng": torch.get_rng_state(),
            "numpy rng": np.random.RandomState(0).get_state(),
        },
        "ordered": lambda: collections.OrderedDict(a=torch.zeros(2), b=collections.Counter("ab")),
        "defaultdict": lambda: collections.defaultdict(list, a=[torch.zeros(2)]),
        "numpy": lambda: [np.zeros(3), np.float32(1), np.int64(2), np.dtype("f4"), np.random.default_rng(0)],
        "half": lambda: nn.Linear(2, 2).half().state_dict(),
        "bfloat16": lambda: nn.Linear(2, 2).bfloat16().state_dict(),
        "recurrent": lambda: [nn.LSTM(2, 2).state_dict(), nn.GRU(2, 2).state_dict()],
        "transformer": lambda: nn.Transformer(4, 2, 1, 1, 4).state_dict(),
        "embedding": lambda: nn.Embedding(3, 2, padding_idx=0).state_dict(),
        "sets and bytes": lambda: {
            "a": {1, 2},
            "b": b"ab",
            "c": (1, None, True),
            "d": complex(1, 2),
            "e": slice(1),
        },
    }


def _tensors() -> dict[str, Callable[[], Any]]:
    import torch

    dtypes = [value for value in vars(torch).values() if isinstance(value, torch.dtype)]
    cases: dict[str, Callable[[], Any]] = {
        f"tensor of {dtype}": partial(torch.empty, (2, 3), dtype=dtype) for dtype in dtypes
    }
    eye = torch.eye(3)
    return {
        **cases,
        "dtypes": lambda: dtypes,
        "device and size": lambda: [torch.device("cpu"), torch.device("cuda:0"), torch.Size([1, 2])],
        "layouts": lambda: [torch.strided, torch.sparse_coo],
        "views": lambda: [eye, eye.t(), eye[1:], eye[0, 0], torch.zeros(0)],
        "parameter": lambda: torch.nn.Parameter(eye),
        "frozen parameter": lambda: torch.nn.Parameter(eye, requires_grad=False),
        "buffer": lambda: torch.nn.Buffer(eye),
        "uninitialized": lambda: [
            torch.nn.parameter.UninitializedParameter(),
            torch.nn.UninitializedBuffer(),
        ],
        "requires grad": lambda: torch.zeros(2, requires_grad=True),
        "sparse": lambda: eye.to_sparse(),
        "sparse csr": lambda: eye.to_sparse_csr(),
        "sparse csc": lambda: eye.to_sparse_csc(),
        "sparse bsr": lambda: torch.eye(4).to_sparse_bsr((2, 2)),
        "nested": lambda: torch.nested.nested_tensor([torch.zeros(2), torch.zeros(3)]),
        "meta": lambda: torch.empty(2, device="meta"),
        "conjugate": lambda: torch.zeros(2, dtype=torch.complex64).conj(),
        "negative": lambda: torch._neg_view(torch.zeros(2)),
        "subclass": lambda: torch.nn.Parameter(eye).as_subclass(torch.Tensor),
        "with an attribute": lambda: _with_attribute(torch.nn.Parameter(eye)),
        "storage": lambda: [eye.untyped_storage(), eye.storage()],
        "quantized": lambda: torch.quantize_per_tensor(eye, 0.1, 0, torch.qint8),
        "quantized by channel": lambda: torch.quantize_per_channel(
            eye, torch.tensor([0.1, 0.1, 0.1]), torch.tensor([0, 0, 0]), 0, torch.quint8
        ),
    }


def _activations() -> dict[str, Callable[[], Any]]:
    """Return the functions that modules are given as their activation."""
    import torch

    names = ("relu", "gelu", "silu", "elu", "selu", "celu", "leaky_relu", "tanh", "sigmoid", "softmax", "log_softmax",
             "softplus", "mish", "hardswish", "hardtanh", "hardsigmoid", "logsigmoid", "relu6", "softsign",
             "tanhshrink",
             "glu", "rrelu", "threshold", "normalize", "dropout", "mse_loss", "cross_entropy")  # fmt: skip
    places = {"F": torch.nn.functional, "torch": torch}
    return {
        f"{place}.{name}": partial(getattr, module, name)
        for place, module in places.items()
        for name in names
        if hasattr(module, name)
    }


def _with_attribute(parameter: Any) -> Any:
    parameter.note = "of a test"
    return parameter


def _optimizers() -> dict[str, Callable[[], Any]]:
    import torch
    from torch import optim

    def stepped(cls: Any) -> Any:
        network = torch.nn.Linear(2, 2)
        optimizer = cls(network.parameters(), lr=0.1)
        network(torch.zeros(1, 2)).sum().backward()
        optimizer.step()
        return optimizer

    cases: dict[str, Callable[[], Any]] = {}
    for name, cls in inspect.getmembers(optim, inspect.isclass):
        if issubclass(cls, optim.Optimizer) and cls is not optim.Optimizer:
            cases[f"{name}, state dict"] = partial(_state_of, stepped, cls)
            cases[name] = partial(stepped, cls)
    schedules: dict[str, dict[str, Any]] = {
        "StepLR": {"step_size": 2}, "MultiStepLR": {"milestones": [1, 2]}, "ExponentialLR": {"gamma": 0.5},
        "CosineAnnealingLR": {"T_max": 3}, "ReduceLROnPlateau": {}, "CosineAnnealingWarmRestarts": {"T_0": 2},
        "LinearLR": {}, "ConstantLR": {}, "PolynomialLR": {}, "OneCycleLR": {"max_lr": 0.1, "total_steps": 5},
        "CyclicLR": {"base_lr": 0.1, "max_lr": 0.2},
    }  # fmt: skip
    for name, arguments in schedules.items():
        cases[f"{name}, state dict"] = partial(_schedule, name, arguments)
    return cases


def _state_of(make: Callable[[Any], Any], cls: Any) -> Any:
    return make(cls).state_dict()


def _schedule(name: str, arguments: dict[str, Any]) -> Any:
    import torch

    optimizer = torch.optim.SGD(torch.nn.Linear(2, 2).parameters(), lr=0.1, momentum=0.9)
    return getattr(torch.optim.lr_scheduler, name)(optimizer, **arguments).state_dict()


def _quantized() -> dict[str, Callable[[], Any]]:
    import torch

    def prepared() -> Any:
        network = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.ReLU())
        network.qconfig = torch.ao.quantization.get_default_qconfig("x86")
        made = torch.ao.quantization.prepare(network)
        made(torch.zeros(1, 2))
        return made

    return {
        "dynamic quantization": lambda: torch.ao.quantization.quantize_dynamic(
            torch.nn.Sequential(torch.nn.Linear(2, 2)), {torch.nn.Linear}
        ).state_dict(),
        "static quantization": lambda: torch.ao.quantization.convert(prepared()).state_dict(),
    }


def _modules() -> Iterator[Case]:
    """Yield every module of ``torch.nn`` that can be made with small numbers, as whole objects."""
    import torch
    from torch import nn

    yield "network", _network()
    yield "network in evaluation", _network().eval()
    yield "lists of modules", [nn.ModuleList([nn.ReLU()]), nn.ModuleDict({"a": nn.Linear(1, 1)})]
    yield "lists of parameters", [nn.ParameterList([torch.zeros(1)]), nn.ParameterDict({"a": torch.zeros(1)})]
    for activation in ("relu", "gelu"):
        yield f"transformer layer, {activation}", nn.TransformerEncoderLayer(4, 2, 4, activation=activation)
    yield "transformer", nn.Transformer(4, 2, 1, 1, 4)
    for name in ("weight_norm", "spectral_norm", "orthogonal"):
        with contextlib.suppress(Exception):
            yield f"parametrized by {name}", getattr(nn.utils.parametrizations, name)(nn.Linear(2, 2))
    # A lazy module has hooks of its own until it has seen a batch, and nobody saves it before.
    for name in sorted(name for name in nn.modules.__all__ if not name.startswith("Lazy")):
        for count in range(len(_NUMBERS) + 1):
            made = _made(getattr(nn.modules, name), count)
            if made is not None:
                yield name, made
                break


def _made(cls: Any, count: int) -> Any:
    try:
        return cls(*_NUMBERS[:count])
    except Exception:
        return None
