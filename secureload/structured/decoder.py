"""The structured file → a model. Nothing of the file runs: it names classes of the allow-list, and holds data.

Objects are made by ``__new__``, filled by ``__setstate__`` or their dictionary, and what scikit-learn's C code
would follow without looking (:mod:`secureload.structured.checks`) is looked at before anybody gets the model.
"""

from __future__ import annotations

import base64
import binascii
import json
import warnings
from collections.abc import Callable, Sequence
from typing import Any

from secureload.errors import LimitError, MalformedError
from secureload.limits import DEFAULT_LIMITS, Limits
from secureload.printable import printable
from secureload.structured import arrays, container
from secureload.structured.checks import check_object
from secureload.structured.container import forged
from secureload.structured.containers import CONTAINERS, is_named_tuple
from secureload.structured.kinds.trees import TREE, Links, check_trees, links_of
from secureload.structured.known import Known, resolve
from secureload.structured.number_runs import unpacked
from secureload.structured.special import SPECIAL

__all__ = ["decode"]

_MAX_RANGE = 1 << 62
# Names that Python itself looks up on an object, and not only on its class.
_NAME_CHARS = 1_000


def decode(
    data: container.Buffer, known: Known, limits: Limits = DEFAULT_LIMITS, *, checksum: bool = True
) -> Any:
    """Return the model in ``data``; its large arrays lie where they lie in ``data``, which has to stay.

    ``checksum`` False leaves out what finds damage; what makes a forged file harmless is never left out.

    Raises:
        MalformedError: the file breaks a rule of the format, or its state is not one that a model can have.
        LimitError: it holds more than ``limits`` allow.
    """
    parsed = container.parse(data, limits, checksum=checksum)
    decoder = _Decoder(parsed, known, limits)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the caller is told of versions in words of our own
            model = decoder.root()
            decoder.check()
    except (MalformedError, LimitError):
        raise
    except RecursionError:
        raise forged("is nested too deep") from None
    except MemoryError:
        raise LimitError(
            "the structured model does not fit into memory", limit="memory", allowed=0, seen=0
        ) from None
    except Exception as error:  # whatever a forged state leads numpy, scipy or scikit-learn to
        raise forged(f"cannot be built: {type(error).__name__}: {printable(error, 200)}") from error
    return model


class _Decoder:
    """One walk over one file."""

    def __init__(self, parsed: container.Container, known: Known, limits: Limits) -> None:
        self._known = known
        self._limits = limits
        self._tensors = parsed.tensors
        self._used = bytearray(len(parsed.tensors))
        try:
            side = json.loads(str(parsed.side, "utf-8"), object_pairs_hook=container.unique)
        except (ValueError, RecursionError) as error:
            raise forged(f"has a structure that is no JSON ({type(error).__name__})") from None
        if (
            not isinstance(side, list)
            or len(side) != 3
            or not isinstance(side[0], list)
            or not isinstance(side[1], list)
        ):
            raise forged("has a structure that is none")
        self._names, self._shapes, self._root = side
        self._objects: list[Any] = []
        self._known_by_number: list[Any] = []
        self._trees: list[tuple[Any, Links]] = []
        self._forms: dict[int, tuple[type, list[str], bool]] = {}
        self._globals: dict[str, Any] = {}
        self._depth = 0
        self._items = 0
        if not all(isinstance(name, str) and len(name) <= _NAME_CHARS for name in self._names):
            raise forged("has a list of names that is none")

    def root(self) -> Any:
        """Build the model."""
        model = self.decode(self._root)
        if not all(self._used):
            raise forged("has a tensor that its structure does not use")
        return model

    def check(self) -> None:
        """Look at everything that C code would follow."""
        check_trees(self._trees)
        for value in self._objects:
            check_object(value)

    def decode(self, node: Any, keep: Callable[[Any], None] | None = None) -> Any:
        """Return the value of ``node``; ``keep`` is told of it as soon as it exists, before it is filled."""
        kind = type(node)
        if kind is not list and kind is not dict:  # JSON has nothing else that holds anything
            return node
        self._items += 1
        if self._items > self._limits.structured_nodes_items:
            raise LimitError(
                "the structured model has too many parts",
                limit="structured_nodes_items",
                allowed=self._limits.structured_nodes_items,
                seen=self._items,
            )
        self._depth += 1
        if self._depth > 2 * self._limits.structured_depth:
            raise forged("is nested too deep")
        if kind is dict:
            target: dict[str, Any] = {}
            if keep is not None:
                keep(target)
            self._fill(target, node)
            value: Any = target
        else:
            build = _BUILDERS.get(node[0]) if node and type(node[0]) is str else None
            if build is None:
                raise forged(f"has a value of the unknown form {printable(node[:1], 40)}")
            value = build(self, node, keep)
        self._depth -= 1
        return value

    # -- what has no identity --------------------------------------------------------------------------

    def _items_of(self, node: Sequence[Any], start: int = 1) -> list[Any]:
        decode = self.decode
        return [item if type(item) is str or type(item) is int else decode(item) for item in node[start:]]

    def _fill(self, target: dict[str, Any], node: dict[str, Any]) -> None:
        decode = self.decode
        for key, item in node.items():
            target[key] = item if type(item) is int or type(item) is str else decode(item)

    def _float(self, node: list[Any], _keep: Any) -> Any:
        return arrays.number_of(node)

    def _bytes(self, node: list[Any], _keep: Any) -> bytes:
        _, text = _exactly(node, 2)
        try:
            return base64.b64decode(text, validate=True)
        except (TypeError, ValueError, binascii.Error):
            raise forged("has bytes that are no base64") from None

    def _bytearray(self, node: list[Any], keep: Any) -> Any:
        return _kept(bytearray(self._bytes(node, None)), keep)

    def _complex(self, node: list[Any], _keep: Any) -> complex:
        _, real, imaginary = _exactly(node, 3)
        return complex(float(arrays.number_of(real)), float(arrays.number_of(imaginary)))

    def _tuple(self, node: list[Any], _keep: Any) -> Any:
        return tuple(self._items_of(node))

    def _frozenset(self, node: list[Any], _keep: Any) -> Any:
        return frozenset(self._items_of(node))

    def _slice(self, node: list[Any], _keep: Any) -> Any:
        return slice(*self._items_of(_exactly(node, 4)))

    def _range(self, node: list[Any], _keep: Any) -> Any:
        _, *bounds = _exactly(node, 4)
        if not all(type(bound) is int and abs(bound) < _MAX_RANGE for bound in bounds):
            raise forged("has a range that is none")
        return range(*bounds)

    def _dtype(self, node: list[Any], _keep: Any) -> Any:
        import numpy as np

        _, text = _exactly(node, 2)
        return np.dtype(object) if text == "O" else arrays.dtype_of(text)

    def _scalar(self, node: list[Any], _keep: Any) -> Any:
        return arrays.scalar_of(*_exactly(node, 3)[1:])

    def _scalar_tensor(self, node: list[Any], _keep: Any) -> Any:
        array = self._array(["a", *node[1:]], None)
        if array.ndim:
            raise forged("has a scalar that is an array")
        return array[()]

    def _named_tuple(self, node: list[Any], _keep: Any) -> Any:
        kind = self._class(node[1] if len(node) > 1 else None)
        if not is_named_tuple(kind):
            raise forged("has a tuple with names that is none")
        return kind(*self._items_of(node, 2))

    def _reference(self, node: list[Any], _keep: Any) -> Any:
        _, number = _exactly(node, 2)
        name = self._name(number)
        if not self._known.has_reference(name):
            raise forged(f"refers to {printable(name, 100)}, which is not on the list")
        return self._resolved(name)

    # -- what has identity -----------------------------------------------------------------------------

    def _numbered(self, node: list[Any], _keep: Any) -> Any:
        """Decode what is met again: it gets the next number, before whatever it holds gets one."""
        _, inner = _exactly(node, 2)
        number = len(self._known_by_number)
        self._known_by_number.append(_PENDING)

        def keep(value: Any) -> None:
            self._known_by_number[number] = value

        value = self.decode(inner, keep)
        self._known_by_number[number] = value
        return value

    def _again(self, node: list[Any], _keep: Any) -> Any:
        _, number = _exactly(node, 2)
        if type(number) is not int or not 0 <= number < len(self._known_by_number):
            raise forged("refers to an object that does not exist")
        value = self._known_by_number[number]
        if value is _PENDING:
            raise forged("has an object that holds itself where none can")
        return value

    def _list(self, node: list[Any], keep: Any) -> Any:
        target: list[Any] = _kept([], keep)
        target.extend(self._items_of(node))
        return target

    def _set(self, node: list[Any], keep: Any) -> Any:
        target: set[Any] = _kept(set(), keep)
        target.update(self._items_of(node))
        return target

    def _dict(self, node: list[Any], keep: Any) -> Any:
        target: dict[Any, Any] = _kept({}, keep)
        if len(node) % 2 != 1:
            raise forged("has a dictionary with a key without a value")
        parts = self._items_of(node)
        target.update(zip(parts[::2], parts[1::2], strict=True))
        return target

    def _list_of_numbers(self, node: list[Any], keep: Any) -> Any:
        _, array = _exactly(node, 2)
        return _kept(unpacked(self.decode(array)), keep)

    def _numbers_by_key(self, node: list[Any], keep: Any) -> Any:
        numbers, keys = unpacked(self.decode(node[1] if len(node) > 1 else None)), node[2:]
        if len(keys) != len(numbers) or set(map(type, keys)) != {str}:
            raise forged("has a dictionary of numbers whose keys do not fit them")
        target = dict(zip(keys, numbers, strict=True))
        if len(target) != len(keys):
            raise forged("has a dictionary with the same key twice")
        return _kept(target, keep)

    def _array(self, node: list[Any], keep: Any) -> Any:
        _, number, said, order = [*node, "", ""][:4] if 2 <= len(node) <= 4 else _exactly(node, 4)
        if type(said) is int:
            said = self._name(said)
        if type(number) is not int or not 0 <= number < len(self._tensors) or self._used[number]:
            raise forged("has an array whose tensor does not exist, or is another's")
        self._used[number] = 1
        return _kept(arrays.array_of(*self._tensors[number], said, order), keep)

    def _small(self, node: list[Any], keep: Any) -> Any:
        return _kept(arrays.inline_array(*_exactly(node, 4)[1:]), keep)

    def _objects_array(self, node: list[Any], keep: Any) -> Any:
        import numpy as np

        shape = node[1] if len(node) > 1 else None
        count = len(node) - 2
        if (
            not isinstance(shape, list)
            or not all(type(n) is int and 0 <= n < _MAX_RANGE for n in shape)
            or len(shape) > 8
        ):
            raise forged("has an array of objects with a shape that is none")
        total = 1
        for length in shape:
            total *= length
        if total != count:
            raise forged("has an array of objects whose shape does not fit")
        flat = np.empty(count, object)
        array = flat.reshape(shape)
        if keep is not None:
            keep(array)
        for position, item in enumerate(node[2:]):
            flat[position] = item if type(item) is str else self.decode(item)
        return array

    def _masked(self, node: list[Any], keep: Any) -> Any:
        import numpy as np

        _, data, mask, fill = _exactly(node, 4)
        values, hidden = self.decode(data), self.decode(mask)
        if (
            not isinstance(values, np.ndarray)
            or not isinstance(hidden, np.ndarray)
            or values.shape != hidden.shape
        ):
            raise forged("has a masked array whose mask does not fit")
        array = np.ma.MaskedArray(values, mask=hidden, fill_value=self.decode(fill))
        return _kept(array, keep)

    def _container(self, node: list[Any], keep: Any) -> Any:
        name = self._name(node[1] if len(node) > 1 else None)
        form = CONTAINERS.get(name)
        if form is None:
            raise forged(f"has a container {printable(name, 100)} that is none")
        target = _kept(form.make(), keep)
        form.fill(target, *self._items_of(node, 2))
        return target

    def _special(self, node: list[Any], keep: Any) -> Any:
        name = self._name(node[1] if len(node) > 1 else None)
        form = SPECIAL.get(name)
        if form is None:
            raise forged(f"has an object of {printable(name, 100)}, which is not on the list")
        parts = self._items_of(node, 2)
        value = form.put_together(self._resolved(name), *parts)
        if name == TREE:
            self._trees.append((value, links_of(parts[5])))
        return _kept(value, keep)

    def _instance(self, node: list[Any], keep: Any) -> Any:
        number = node[1] if len(node) > 1 else None
        form = self._forms.get(number) if type(number) is int else None
        kind, keys, with_method = form if form is not None else self._form(number)
        if len(node) != len(keys) + 2:
            raise forged(f"has a {kind.__name__} with another number of attributes than it says")
        target: Any = object.__new__(kind)
        if keep is not None:
            keep(target)
        values = dict(zip(keys, node[2:], strict=True))
        for key, item in values.items():
            if type(item) is list or type(item) is dict:
                values[key] = self.decode(item)
        if with_method:
            target.__setstate__(values)
        elif hasattr(target, "__dict__"):
            target.__dict__.update(values)
        else:
            for key, value in values.items():
                object.__setattr__(target, key, value)
        self._objects.append(target)
        return target

    def _form(self, number: Any) -> tuple[type, list[str], bool]:
        """Return the class, the attributes and whether the class takes them itself, once for all its objects."""
        if type(number) is not int or not 0 <= number < len(self._shapes):
            raise forged("has an object whose attributes are not said")
        shape = self._shapes[number]
        if not isinstance(shape, list) or not shape or not all(isinstance(key, str) for key in shape[1:]):
            raise forged("has an object whose attributes are not said")
        kind, keys = self._class(shape[0]), shape[1:]
        if len(set(keys)) != len(keys):
            raise forged(f"has a {kind.__name__} with an attribute twice")
        for key in keys:
            _check_attribute(kind, key)
        library = kind.__module__.partition(".")[0] in ("sklearn", "scipy")
        form = kind, keys, library and hasattr(kind, "__setstate__")
        self._forms[number] = form
        return form

    def _class(self, number: Any) -> type:
        name = self._name(number)
        if not self._known.has_class(name) or name in SPECIAL or name in CONTAINERS:
            raise forged(f"has an object of {printable(name, 100)}, which is not on the list")
        kind = self._resolved(name)
        if not isinstance(kind, type):
            raise forged(f"names {printable(name, 100)} as a class, which is none")
        return kind

    def _resolved(self, name: str) -> Any:
        found = self._globals.get(name)
        if found is None:
            found = self._globals[name] = resolve(name)
        return found

    def _name(self, number: Any) -> str:
        if type(number) is not int or not 0 <= number < len(self._names):
            raise forged("refers to a name that does not exist")
        name: str = self._names[number]
        return name


_PENDING = object()


def _kept(value: Any, keep: Callable[[Any], None] | None) -> Any:
    if keep is not None:
        keep(value)
    return value


def _exactly(node: list[Any], count: int) -> list[Any]:
    if len(node) != count:
        raise forged(
            f"has a value {printable(node[:1], 40)} with {len(node) - 1} parts instead of {count - 1}"
        )
    return node


def _check_attribute(kind: type, key: str) -> None:
    """An attribute never takes the place of a method: the model's code stays the library's."""
    if key.startswith("__") or (
        key not in _DATA and callable(getattr(kind, key, None)) and not isinstance(getattr(kind, key), type)
    ):
        raise forged(f"has a {kind.__name__} whose {printable(key, 60)} is not its own")


# Attributes that scikit-learn itself gives objects in the place of a method.
_DATA: frozenset[str] = frozenset()

_BUILDERS: dict[str, Callable[[_Decoder, list[Any], Any], Any]] = {
    "f": _Decoder._float,
    "b": _Decoder._bytes,
    "ba": _Decoder._bytearray,
    "c": _Decoder._complex,
    "t": _Decoder._tuple,
    "fs": _Decoder._frozenset,
    "sl": _Decoder._slice,
    "ra": _Decoder._range,
    "dt": _Decoder._dtype,
    "n": _Decoder._scalar,
    "n0": _Decoder._scalar_tensor,
    "nt": _Decoder._named_tuple,
    "g": _Decoder._reference,
    "#": _Decoder._numbered,
    "r": _Decoder._again,
    "l": _Decoder._list,
    "s": _Decoder._set,
    "d": _Decoder._dict,
    "ln": _Decoder._list_of_numbers,
    "k": _Decoder._numbers_by_key,
    "a": _Decoder._array,
    "v": _Decoder._small,
    "o": _Decoder._objects_array,
    "ma": _Decoder._masked,
    "m": _Decoder._container,
    "x": _Decoder._special,
    "i": _Decoder._instance,
}
