"""Functions that do something with every part of a list or an object: `map`, `filter`, `reduce` and their like.

How often a body runs is known before its first round, so all its steps are paid for at once.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from gateway_runtime.expressions.casts import text_of
from gateway_runtime.expressions.code import Code, Run, checked
from gateway_runtime.expressions.errors import NULL_VALUE, TOO_LARGE, WRONG_TYPE, Stop
from gateway_runtime.expressions.limits import LIST_LENGTH
from gateway_runtime.expressions.types import ANY, BOOLEAN, EVERY, NUMBER, STRING, Kind, Type, optional, union
from gateway_runtime.expressions.writing import json_bytes

_CORE, _ARRAYS = "dw::Core", "dw::core::Arrays"
# A pass over the parts of a value: each call of the body with the places of its parameters filled.
Rounds = Iterable[tuple[Any, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopKind:
    """A loop: its value is of `over`; its body takes up to `takes` values and gives one of `body`.

    `collect` gets the value, pairs of each part and what the body has given for it, and the frame; `reduce` has none,
    as each of its rounds needs what the one before has given.
    """

    over: Kind
    takes: int
    body: Kind
    collect: Callable[[Any, Rounds, Any], Any] | None
    gives: Callable[[Type, Type], Type]
    of_null: Any = None
    module: str = _CORE


def within_list(made: Any) -> Any:
    """Return a list or an object that is not too large. Raises `Stop`."""
    if len(made) > LIST_LENGTH:
        raise Stop(TOO_LARGE)
    return made


def _map(whole: Any, rounds: Rounds, frame: Any) -> Any:
    within_list(whole)
    return [given for _, given in rounds]


def _filter(whole: Any, rounds: Rounds, frame: Any) -> Any:
    return within_list([item for item, kept in rounds if kept])


def _flat_map(whole: Any, rounds: Rounds, frame: Any) -> Any:
    made: list[Any] = []
    for _, given in rounds:
        frame.spend(len(given))
        made += given
        within_list(made)
    return made


def _distinct_by(whole: Any, rounds: Rounds, frame: Any) -> Any:
    frame.spend(len(whole))
    found: dict[Any, Any] = {}
    for item, given in rounds:
        found.setdefault(_identity(given, frame), item)
    return within_list([*found.values()])


def _identity(value: Any, frame: Any) -> Any:
    """Return what equal values have in common and others have not."""
    kind = type(value)
    if kind is list or kind is dict:
        written = json_bytes(value, frame, sort=True)
        return kind, written
    return (float, value) if kind is int else (kind, value)


def _group_by(whole: Any, rounds: Rounds, frame: Any) -> Any:
    frame.spend(len(whole))
    found: dict[str, list[Any]] = {}
    for item, given in rounds:
        found.setdefault(text_of(given), []).append(item)
    return within_list(found)


def _order_by(whole: Any, rounds: Rounds, frame: Any) -> Any:
    within_list(whole)
    keyed = [(given, item) for item, given in rounds]
    kinds = {float if type(key) is int else type(key) for key, _ in keyed}
    if None in (key for key, _ in keyed):
        raise Stop(NULL_VALUE)
    if len(kinds) > 1 or not kinds <= {float, str}:
        raise Stop(WRONG_TYPE)
    frame.spend(len(keyed) * 4)
    return [item for _, item in sorted(keyed, key=lambda pair: pair[0])]


def _some(whole: Any, rounds: Rounds, frame: Any) -> bool:
    return any(given for _, given in rounds)


def _every(whole: Any, rounds: Rounds, frame: Any) -> bool:
    return all(given for _, given in rounds)


def _map_object(whole: Any, rounds: Rounds, frame: Any) -> Any:
    made: dict[str, Any] = {}
    for _, given in rounds:
        frame.spend(len(given))
        made.update(given)
        within_list(made)
    return made


def _filter_object(whole: Any, rounds: Rounds, frame: Any) -> Any:
    return within_list({name: value for (name, value), kept in rounds if kept})


def _listed(items: Type) -> Type:
    return Type(Kind.LIST, items=items)


def _same(whole: Type, body: Type) -> Type:
    return _listed(whole.items or ANY)


_MADE_OBJECT = Type(Kind.OBJECT, items=ANY)
LOOPS: dict[str, LoopKind] = {
    "map": LoopKind(over=Kind.LIST, takes=2, body=EVERY, collect=_map, gives=lambda whole, body: _listed(body)),
    "filter": LoopKind(over=Kind.LIST, takes=2, body=Kind.BOOLEAN, collect=_filter, gives=_same),
    "reduce": LoopKind(over=Kind.LIST, takes=2, body=EVERY, collect=None, gives=lambda whole, body: body),
    "flatMap": LoopKind(
        over=Kind.LIST, takes=2, body=Kind.LIST, collect=_flat_map,
        gives=lambda whole, body: _listed(body.items or ANY),
    ),
    "distinctBy": LoopKind(over=Kind.LIST, takes=2, body=EVERY, collect=_distinct_by, gives=_same),
    "groupBy": LoopKind(
        over=Kind.LIST, takes=2, body=Kind.STRING | Kind.NUMBER | Kind.BOOLEAN, collect=_group_by,
        gives=lambda whole, body: Type(Kind.OBJECT, items=_listed(whole.items or ANY)),
    ),
    "orderBy": LoopKind(
        over=Kind.LIST, takes=2, body=Kind.STRING | Kind.NUMBER | Kind.NULL, collect=_order_by, gives=_same
    ),
    "some": LoopKind(
        over=Kind.LIST, takes=1, body=Kind.BOOLEAN, collect=_some, gives=lambda whole, body: BOOLEAN, of_null=False,
        module=_ARRAYS,
    ),
    "every": LoopKind(
        over=Kind.LIST, takes=1, body=Kind.BOOLEAN, collect=_every, gives=lambda whole, body: BOOLEAN, of_null=True,
        module=_ARRAYS,
    ),
    "mapObject": LoopKind(
        over=Kind.OBJECT, takes=3, body=Kind.OBJECT, collect=_map_object, gives=lambda whole, body: _MADE_OBJECT
    ),
    "filterObject": LoopKind(
        over=Kind.OBJECT, takes=3, body=Kind.BOOLEAN, collect=_filter_object, gives=lambda whole, body: _MADE_OBJECT
    ),
    "pluck": LoopKind(over=Kind.OBJECT, takes=3, body=EVERY, collect=_map, gives=lambda whole, body: _listed(body)),
}  # fmt: skip


def loop_name(written: str) -> str | None:
    """Return the loop that a name means, with or without its module; None where there is none."""
    module, _, name = written.rpartition("::")
    kind = LOOPS.get(name)
    return None if kind is None or (module and module != kind.module) else name


def parameter_types(kind: LoopKind, whole: Type) -> tuple[Type, ...]:
    """Return the types of what a body gets."""
    part = whole.items or ANY
    if kind.over is Kind.LIST:
        return part, NUMBER
    fields = [*whole.fields.values()] if whole.fields else [part]
    return union(*fields), STRING, NUMBER


def loop(name: str, whole: Code, body: Code, places: tuple[int, ...], cost: int) -> Code:
    """Compile a loop. `places` are those of its parameters in the frame; a round costs so many steps."""
    kind = LOOPS[name]
    read, run = checked(whole, kind.over | Kind.NULL), checked(body, kind.body)
    collect, of_null = kind.collect, kind.of_null
    assert collect is not None
    rounds = (_over_list if kind.over is Kind.LIST else _over_object)(run, places)

    def each(context: Any, frame: Any) -> Any:
        value = read(context, frame)
        if value is None:
            return of_null
        frame.spend(len(value) * cost)
        return collect(value, rounds(value, context, frame), frame)

    type_ = kind.gives(whole.type, body.type)
    if whole.type.has(Kind.NULL) and of_null is None:
        type_ = optional(type_)
    return Code(run=each, type=type_, at=body.at)


def _over_list(run: Run, places: tuple[int, ...]) -> Callable[[Any, Any, Any], Rounds]:
    def rounds(whole: Any, context: Any, frame: Any) -> Rounds:
        own, item_at, index_at = frame.places, places[0], places[-1]
        for index, item in enumerate(whole):
            # With one parameter both places are the same, and the item stays.
            own[index_at] = index
            own[item_at] = item
            yield item, run(context, frame)

    return rounds


def _over_object(run: Run, places: tuple[int, ...]) -> Callable[[Any, Any, Any], Rounds]:
    def rounds(whole: Any, context: Any, frame: Any) -> Rounds:
        own = frame.places
        for index, (name, value) in enumerate(whole.items()):
            for place, part in zip(places, (value, name, index), strict=False):
                own[place] = part
            yield (name, value), run(context, frame)

    return rounds


def reduction(whole: Code, body: Code, start: Code | None, places: tuple[int, ...], cost: int) -> Code:
    """Compile `reduce`: the second place holds what the rounds before have come to."""
    read, run = checked(whole, Kind.LIST | Kind.NULL), body.run
    begin = start.run if start is not None else None
    item_at, so_far = places[0], places[-1]

    def each(context: Any, frame: Any) -> Any:
        items = read(context, frame)
        if items is None:
            return None
        frame.spend(len(items) * cost)
        rest = iter(items)
        value = next(rest, None) if begin is None else begin(context, frame)
        own = frame.places
        for item in rest:
            own[so_far] = value
            own[item_at] = item
            value = run(context, frame)
        return value

    first = start.type if start is not None else optional(whole.type.items or ANY)
    type_ = union(first, body.type)
    return Code(run=each, type=optional(type_) if whole.type.has(Kind.NULL) else type_, at=body.at)
