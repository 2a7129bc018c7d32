"""Classes of values, as :mod:`dataclasses` makes them, without what making them costs.

A decorated class has the fields, ``==``, ``hash`` and ``repr`` that ``dataclasses.dataclass(slots=True)`` gives it,
and for :mod:`dataclasses` and ``match`` it is one. That module would write the source of six methods for each class
and compile them when the class is imported: for the hundred classes of this package a third of the time that it
takes to check a small file. Here nothing is compiled: the methods are closures over :func:`operator.attrgetter`, and
``__init__`` is one of a few functions with its parameters renamed, when the first value is made. A type checker sees
``dataclasses.dataclass`` itself.
"""

from __future__ import annotations

from operator import attrgetter

TYPE_CHECKING = False  # the module of that name would be a tenth of the start
if TYPE_CHECKING:
    from typing import Any

__all__ = ["FIELDS", "dataclass", "field", "field_names", "fields_of", "is_value", "replace"]

# The attribute that every class of values has, and nothing else.
FIELDS = "__value_fields__"


def field_names(kind: type) -> tuple[str, ...]:
    """Return the names of the fields of a class of values, in their order."""
    return tuple(getattr(kind, FIELDS))


def is_value(value: object) -> bool:
    """Whether it is one of these values, and no class."""
    return hasattr(type(value), FIELDS)


def fields_of(value: object) -> dict[str, Any]:
    """Return the fields of a value by their names; what they hold is not copied."""
    return {name: getattr(value, name) for name in getattr(value, FIELDS)}


if TYPE_CHECKING:
    from dataclasses import dataclass, field, replace
else:
    _MISSING = object()

    class _Field:
        """What a class says of one field."""

        __slots__ = ("compare", "default", "default_factory", "repr")

        def __init__(self, default=_MISSING, default_factory=_MISSING, repr=True, compare=True):  # noqa: A002  # as dataclasses has it
            self.default = default
            self.default_factory = default_factory
            self.repr = repr
            self.compare = compare

    def field(*, default=_MISSING, default_factory=_MISSING, repr=True, compare=True):  # noqa: A002  # as dataclasses has it
        """Return what stands behind a field in its class, see :func:`dataclasses.field`."""
        return _Field(default, default_factory, repr, compare)

    def replace(value, /, **changes):
        """Return a value like ``value`` with some fields changed, see :func:`dataclasses.replace`."""
        for name in value.__value_fields__:
            if name not in changes:
                changes[name] = getattr(value, name)
        return type(value)(**changes)

    def dataclass(cls=None, /, *, frozen=False, slots=True, kw_only=False):
        """Make a class of values, see :func:`dataclasses.dataclass`; it has slots."""
        if cls is None:
            return lambda cls: _made(cls, frozen, slots, kw_only)
        return _made(cls, frozen, slots, kw_only)

    def _made(cls, frozen, slots, kw_only):
        if not slots:
            raise TypeError("values have slots")
        space = dict(cls.__dict__)
        fields = {name: _taken(space, name) for name in cls.__annotations__}
        for name in ("__dict__", "__weakref__"):
            space.pop(name, None)
        compared = [name for name, one in fields.items() if one.compare]
        key = attrgetter(*compared) if compared else _nothing
        space["__slots__"] = space["__match_args__"] = tuple(fields)
        space[FIELDS] = fields
        space["__init__"] = _Init(kw_only)
        space["__dataclass_fields__"] = _DataclassFields(kw_only)
        space.setdefault("__repr__", _repr)
        if "__eq__" not in cls.__dict__:
            space["__eq__"] = _equality(key)
            space.setdefault("__hash__", _hashing(key) if frozen else None)
            if not frozen:
                space["__hash__"] = None
        if frozen:
            space["__setattr__"], space["__delattr__"] = _refuse_to_set, _refuse_to_delete
            space["__getstate__"], space["__setstate__"] = _state, _set_state
        if kw_only:
            space["__match_args__"] = ()
        made = type(cls)(cls.__name__, cls.__bases__, space)
        made.__qualname__ = cls.__qualname__
        return made

    def _taken(space, name):
        """Return what a class says of the field, and take it away: its place is the slot's."""
        said = space.pop(name, _MISSING)
        return said if type(said) is _Field else _Field(said)

    class _Init:
        """``__init__`` until somebody looks at it."""

        __slots__ = ("_kw_only",)

        def __init__(self, kw_only):
            self._kw_only = kw_only

        def __get__(self, instance, owner):
            owner = next(kind for kind in owner.__mro__ if kind.__dict__.get("__init__") is self)
            made = _init(owner, self._kw_only)
            made.__module__ = owner.__module__
            made.__annotations__ = {name: owner.__annotations__[name] for name in owner.__value_fields__}
            type.__setattr__(owner, "__init__", made)
            return made.__get__(instance, owner)

    def _init(owner, kw_only):
        """Return the ``__init__`` of a class: a function from below with its parameters renamed."""
        fields = owner.__value_fields__
        setters = [_setter(owner.__dict__[name].__set__, one) for name, one in fields.items()]
        if hasattr(owner, "__post_init__"):
            setters[-1] = _then_checked(setters[-1], owner.__post_init__)
        if len(fields) >= len(_INITS):
            return _init_of_many(owner.__qualname__, fields, setters, kw_only)
        code = _INITS[len(fields)].__code__.replace(
            co_name="__init__", co_qualname=f"{owner.__qualname__}.__init__", co_varnames=("self", *fields)
        )
        defaults = {
            name: one.default  # that of a factory stands for it
            for name, one in fields.items()
            if one.default is not _MISSING or one.default_factory is not _MISSING
        }
        if kw_only:
            code = code.replace(co_argcount=1, co_kwonlyargcount=len(fields))
        made = type(_init)(code, {f"_{letter}": one for letter, one in zip(_LETTERS, setters, strict=False)})
        if kw_only:
            made.__kwdefaults__ = defaults
        else:
            made.__defaults__ = tuple(defaults.values())
        return made

    def _setter(put, one):
        make = one.default_factory
        if make is _MISSING:
            return put
        return lambda self, value: put(self, make() if value is _MISSING else value)

    def _then_checked(put, check):
        def put_last(self, value):
            put(self, value)
            check(self)

        return put_last

    def _init_of_many(qualified, fields, setters, kw_only):
        count = len(fields)
        places = {name: place for place, name in enumerate(fields)}
        filled = [one.default for one in fields.values()]
        free = [one.default is _MISSING and one.default_factory is _MISSING for one in fields.values()]

        def __init__(self, *args, **kwargs):  # noqa: N807  # it becomes one
            if len(args) > (0 if kw_only else count):
                raise TypeError(f"{qualified}() takes fewer positional arguments: {len(args)} were given")
            values = [*args, *filled[len(args) :]]
            given = free[:]
            given[: len(args)] = [False] * len(args)
            for name, value in kwargs.items():
                place = places.get(name, -1)
                if place < len(args):
                    raise TypeError(f"{qualified}() got an unexpected or a second argument {name!r}")
                values[place] = value
                given[place] = False
            if True in given:
                raise TypeError(f"{qualified}() misses the argument {[*fields][given.index(True)]!r}")
            for put, value in zip(setters, values, strict=True):
                put(self, value)

        return __init__

    # Each setter gets its name in the globals of the function. It returns None, so that "or" goes to the next.
    _LETTERS = "abcdefgh"
    _a = _b = _c = _d = _e = _f = _g = _h = None
    # fmt: off
    _INITS = (
        lambda self: None,
        lambda self, a: _a(self, a),
        lambda self, a, b: _a(self, a) or _b(self, b),
        lambda self, a, b, c: _a(self, a) or _b(self, b) or _c(self, c),
        lambda self, a, b, c, d: _a(self, a) or _b(self, b) or _c(self, c) or _d(self, d),
        lambda self, a, b, c, d, e: _a(self, a) or _b(self, b) or _c(self, c) or _d(self, d)
            or _e(self, e),
        lambda self, a, b, c, d, e, f: _a(self, a) or _b(self, b) or _c(self, c) or _d(self, d)
            or _e(self, e) or _f(self, f),
        lambda self, a, b, c, d, e, f, g: _a(self, a) or _b(self, b) or _c(self, c) or _d(self, d)
            or _e(self, e) or _f(self, f) or _g(self, g),
        lambda self, a, b, c, d, e, f, g, h: _a(self, a) or _b(self, b) or _c(self, c) or _d(self, d)
            or _e(self, e) or _f(self, f) or _g(self, g) or _h(self, h),
    )
    # fmt: on

    def _nothing(_value):
        return ()

    def _equality(key):
        def __eq__(self, other):  # noqa: N807  # it becomes one
            if self is other:
                return True
            if type(self) is not type(other):
                return NotImplemented
            return key(self) == key(other)

        return __eq__

    def _hashing(key):
        return lambda self: hash(key(self))

    def _repr(self):
        shown = [f"{name}={getattr(self, name)!r}" for name, one in self.__value_fields__.items() if one.repr]
        return f"{type(self).__qualname__}({', '.join(shown)})"

    def _refuse_to_set(self, name, value):
        from dataclasses import FrozenInstanceError

        raise FrozenInstanceError(f"cannot assign to field {name!r}")

    def _refuse_to_delete(self, name):
        from dataclasses import FrozenInstanceError

        raise FrozenInstanceError(f"cannot delete field {name!r}")

    def _state(self):
        return [getattr(self, name) for name in self.__value_fields__]

    def _set_state(self, state):
        for name, value in zip(self.__value_fields__, state, strict=True):
            object.__setattr__(self, name, value)

    class _DataclassFields:
        """What :func:`dataclasses.fields` and its like look at, made when they do."""

        __slots__ = ("_kw_only",)

        def __init__(self, kw_only):
            self._kw_only = kw_only

        def __get__(self, instance, owner):
            import dataclasses

            made = {}
            for name, one in owner.__value_fields__.items():
                options = {"repr": one.repr, "compare": one.compare, "kw_only": self._kw_only}
                if one.default is not _MISSING:
                    options["default"] = one.default
                if one.default_factory is not _MISSING:
                    options["default_factory"] = one.default_factory
                made[name] = dataclasses.field(**options)
                made[name].name, made[name].type = name, owner.__annotations__[name]
                made[name]._field_type = dataclasses._FIELD
            type.__setattr__(owner, "__dataclass_fields__", made)
            return made
