"""TensorFlow Lite: a FlatBuffer that names its operators by number, but for custom ones, which have a name.

Numbered operators compute. A custom one must be registered by the program that loads the model; "Flex" in
front of a name means an operator of TensorFlow itself. Source: schema.fbs of TensorFlow 2.21.
"""

from __future__ import annotations

from collections.abc import Iterator

from secureload.formats.flatbuffer import root_table
from secureload.formats.item_count import ItemCount
from secureload.formats.reading import Event, Observation, Problem, ReadContext
from secureload.formats.region import Region
from secureload.formats.repeated import first_of_each_code
from secureload.formats.tensorflow_ops import COMPUTING, OUTSIDE

__all__ = ["read"]

_MARK = b"TFL3"
_OPERATOR_CODES, _CUSTOM_CODE = 1, 1
_FLEX = "Flex"
# Custom operators that TensorFlow Lite itself brings along (tensorflow/lite/kernels/custom_ops_register.h).
_OWN = frozenset((
    "AudioSpectrogram", "Mfcc", "TFLite_Detection_PostProcess", "NumericVerify", "Multinomial", "RandomStandardNormal",
    "RandomUniform", "Roll", "Irfft2D", "Atan2", "Sign", "Bucketize", "ReduceAny", "ReduceAll",
    "MaxPoolWithArgmax", "MaxUnpooling2D", "Convolution2DTransposeBias",
))  # fmt: skip


def read(data: Region, context: ReadContext) -> Iterator[Event]:
    """Yield the custom operators of a model."""
    return first_of_each_code(_read(data, context))


def _read(data: Region, context: ReadContext) -> Iterator[Event]:
    if data.read_at(4, len(_MARK)) != _MARK:
        yield Problem(kind="malformed", message="this is no model of TensorFlow Lite", offset=0)
        return
    count = ItemCount(context.limits)
    told: set[str] = set()
    for code in root_table(data).tables(_OPERATOR_CODES, count):
        name = code.text(_CUSTOM_CODE)
        if name and name not in told and len(told) < 1_000:
            told.add(name)
            yield from _custom(name, code.at)


def _custom(name: str, offset: int) -> Iterator[Event]:
    operator = name.removeprefix(_FLEX)
    if name.startswith(_FLEX) and operator in OUTSIDE:
        text = f"the operator {name} is {operator} of TensorFlow, which does more than compute"
        yield Observation(code=f"tensorflow.{OUTSIDE[operator]}", message=text, offset=offset)
    elif name not in _OWN and not (name.startswith(_FLEX) and operator in COMPUTING):
        text = f"it needs the operator {name!r}, which is code outside TensorFlow Lite"
        yield Observation(code="tensorflow.custom-operators", message=text, offset=offset, detail=name)
