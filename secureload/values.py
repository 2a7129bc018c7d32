"""Classes of values, as :mod:`dataclasses` makes them, without what making them costs.

A decorated class has the fields, ``==``, ``hash`` and ``repr`` that ``dataclasses.dataclass(slots=True)`` gives it,
and for :mod:`dataclasses` and ``match`` it is one. That module would write the source of six methods for each class
and compile them when the class is imported: for the hundred classes of this package a third of the time that it
takes to check a small file. Here only ``__init__`` is compiled, and when the first value is made; the others are
closures over :func:`operator.attrgetter`. A type checker sees ``dataclasses.dataclass`` itself.
"""

from __future__ import annotations

from operator import attrgetter

TYPE_CHECKING = False  # the module of that name would be a tenth of the start

__all__ = ["dataclass", "field", "field_names", "fields_of", "is_value", "replace"]

_FIELDS = "__value_fields__"


def field_names(kind: type) -> tuple[str, ...]:
    """Return the names of the fields of a class of values, in their order."""
    return tuple(getattr(kind, _FIELDS))


def is_value(value: object) -> bool:
    """Whether it is one of these values, and no class."""
    return hasattr(type(value), _FIELDS)


def fields_of(value: object) -> dict[str, object]:
    """Return the fields of a value by their names; what they hold is not copied."""
    return {name: getattr(value, name) for name in getattr(value, _FIELDS)}


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
        space[_FIELDS] = fields
        space["__init__"] = _Init(kw_only, frozen)
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

        __slots__ = ("_frozen", "_kw_only")

        def __init__(self, kw_only, frozen):
            self._kw_only = kw_only
            self._frozen = frozen

        def __get__(self, instance, owner):
            owner = next(kind for kind in owner.__mro__ if kind.__dict__.get("__init__") is self)
            made = _init(owner, self._kw_only, self._frozen)
            type.__setattr__(owner, "__init__", made)
            return made.__get__(instance, owner)

    def _init(owner, kw_only, frozen):
        space = {"_missing": _MISSING}
        words, lines = ["self"], []
        if kw_only and owner.__value_fields__:
            words.append("*")
        for name, one in owner.__value_fields__.items():
            value = name
            if one.default_factory is not _MISSING:
                space["_make_" + name] = one.default_factory
                words.append(name + "=_missing")
                value = f"_make_{name}() if {name} is _missing else {name}"
            elif one.default is not _MISSING:
                space["_default_" + name] = one.default
                words.append(f"{name}=_default_{name}")
            else:
                words.append(name)
            if frozen:
                space["_set_" + name] = owner.__dict__[name].__set__
                lines.append(f" _set_{name}(self, {value})")
            else:
                lines.append(f" self.{name} = {value}")
        if hasattr(owner, "__post_init__"):
            lines.append(" self.__post_init__()")
        source = f"def __init__({', '.join(words)}):\n" + ("\n".join(lines) or " pass")
        exec(source, space)  # noqa: S102  # the names of the fields, from our own sources
        made = space["__init__"]
        made.__qualname__ = f"{owner.__qualname__}.__init__"
        made.__module__ = owner.__module__
        made.__annotations__ = {name: owner.__annotations__[name] for name in owner.__value_fields__}
        return made

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
