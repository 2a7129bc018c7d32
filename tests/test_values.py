"""Values are to a program what dataclasses are; only the making of their classes differs."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import pickle
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secureload.values import dataclass, field, field_names, fields_of, is_value, replace


@dataclass(frozen=True, slots=True)
class Point:
    x: object
    y: object = 0
    note: str = field(default="", compare=False, repr=False)
    kept: list[int] = field(default_factory=list)

    @property
    def both(self) -> tuple[object, object]:
        return self.x, self.y


@dataclasses.dataclass(frozen=True, slots=True)
class Reference:
    x: object
    y: object = 0
    note: str = dataclasses.field(default="", compare=False, repr=False)
    kept: list[int] = dataclasses.field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Changing:
    count: int = 0
    names: list[str] = field(default_factory=list)


PLAIN = (
    st.none()
    | st.integers()
    | st.text(max_size=5)
    | st.floats()
    | st.tuples(st.integers(), st.text(max_size=3))
)


@given(PLAIN, PLAIN, PLAIN, PLAIN)
def test_it_is_equal_hashed_and_shown_as_a_dataclass_is(x: object, y: object, z: object, w: object) -> None:
    ours, theirs = (Point(x, y), Point(z, w, "?")), (Reference(x, y), Reference(z, w, "?"))
    assert (ours[0] == ours[1]) is (theirs[0] == theirs[1])
    assert ours[0] == ours[0]
    assert repr(ours[0]).replace("Point", "Reference") == repr(theirs[0])


def test_what_is_left_out_of_comparing_does_not_tell_values_apart() -> None:
    assert Point(1, 2, "a") == Point(1, 2, "b")
    assert Point(1, 2) != Reference(1, 2)
    assert Point(1, 2).both == (1, 2)


def test_a_frozen_value_is_hashed_by_its_fields_and_a_changing_one_is_not() -> None:
    @dataclass(frozen=True, slots=True)
    class Pair:
        a: int
        b: int = field(default=0, compare=False)

    assert hash(Pair(1, 2)) == hash(Pair(1, 3))
    assert len({Pair(1), Pair(1), Pair(2)}) == 2
    with pytest.raises(TypeError):
        hash(Changing())


def test_a_frozen_value_cannot_be_changed_and_another_can() -> None:
    point = Point(1)
    with pytest.raises(dataclasses.FrozenInstanceError):
        point.x = 2  # type: ignore[misc]  # that is what is tried
    with pytest.raises(dataclasses.FrozenInstanceError):
        del point.x
    changing = Changing(count=1)
    changing.count += 1
    assert changing == Changing(count=2)
    with pytest.raises(AttributeError):
        changing.other = 1  # type: ignore[attr-defined]  # it has slots


def test_a_factory_makes_one_for_each() -> None:
    first, second = Changing(), Changing()
    first.names.append("a")
    assert second.names == []


def test_defaults_and_factories_in_any_order_are_those_of_their_fields() -> None:
    @dataclass(slots=True)
    class Mixed:
        first: list[int] = field(default_factory=list)
        second: bool = True
        third: dict[str, int] = field(default_factory=dict)

    assert fields_of(Mixed()) == {"first": [], "second": True, "third": {}}
    assert fields_of(Mixed([1], third={"a": 1})) == {"first": [1], "second": True, "third": {"a": 1}}


def test_what_it_is_made_from_is_checked() -> None:
    for kind, args, kwargs in ((Point, (), {}), (Point, (1,), {"z": 2}), (Changing, (3,), {})):
        with pytest.raises(TypeError):
            kind(*args, **kwargs)


def test_dataclasses_match_copy_and_pickle_take_it_for_one_of_theirs() -> None:
    point = Point(1, 2, "n", [3])
    assert dataclasses.is_dataclass(point)
    assert [f.name for f in dataclasses.fields(Point)] == ["x", "y", "note", "kept"]
    assert dataclasses.replace(point, x=5) == replace(point, x=5) == Point(5, 2, "n", [3])
    assert dataclasses.asdict(point) == fields_of(point) == {"x": 1, "y": 2, "note": "n", "kept": [3]}
    assert copy.deepcopy(point) == point
    assert pickle.loads(pickle.dumps(point)) == point
    assert list(inspect.signature(Point).parameters) == list(field_names(Point))
    match point:
        case Point(x, y):
            assert (x, y) == (1, 2)
    assert Point.__match_args__ == Reference.__match_args__
    assert not hasattr(point, "__dict__")


def test_a_class_is_no_value_and_neither_is_anything_else() -> None:
    assert is_value(Point(1))
    assert not is_value(Point)
    assert not is_value(1)


def test_what_a_class_defines_itself_stays() -> None:
    @dataclass(frozen=True, slots=True)
    class Own:
        a: int

        def __repr__(self) -> str:
            return "own"

        def __eq__(self, other: object) -> bool:
            return isinstance(other, int)

        def __hash__(self) -> int:
            return 7

        def __post_init__(self) -> None:
            if self.a < 0:
                raise ValueError("negative")

    assert repr(Own(1)) == "own"
    assert Own(1) == 3
    assert hash(Own(1)) == 7
    with pytest.raises(ValueError, match="negative"):
        Own(-1)


def test_a_class_of_many_fields_is_made_like_one_of_few() -> None:
    @dataclass(frozen=True, slots=True)
    class Many:
        a: int
        b: int = 1
        c: int = 2
        d: int = 3
        e: int = 4
        f: int = 5
        g: int = 6
        h: int = 7
        i: int = 8
        j: int = 9
        k: int = 10
        l: int = 11  # noqa: E741  # the twelfth
        m: list[int] = field(default_factory=list)

    assert fields_of(Many(0, m=[1])) == dict(zip("abcdefghijklm", [*range(12), [1]], strict=True))
    assert Many(0, 5) == Many(a=0, b=5) == replace(Many(1, 5), a=0)
    assert Many(0).m is not Many(0).m
    wrong: list[tuple[list[int], dict[str, int]]] = [
        ([], {}),
        ([1], {"a": 1}),
        ([1], {"z": 1}),
        ([1] * 14, {}),
    ]
    for args, kwargs in wrong:
        with pytest.raises(TypeError):
            Many(*args, **kwargs)  # type: ignore[arg-type]  # wrong on purpose


def test_making_classes_and_values_imports_neither_dataclasses_nor_typing() -> None:
    lone = (
        "import importlib.util as u, sys; "
        f"s = u.spec_from_file_location('values', {inspect.getsourcefile(dataclass)!r}); "
        "m = u.module_from_spec(s); s.loader.exec_module(m); "
        "sys.exit(any(name in sys.modules for name in ('dataclasses', 'inspect')))"
    )
    assert subprocess.run([sys.executable, "-S", "-c", lone], check=False).returncode == 0
