"""What an expression says of one entity. A path over a relation with many targets holds when it holds for any of them.

An interval is compared by its start, then by its end; a moment stands for the start of an interval it is compared
with. Whatever is null compares as false, but for ``eq null`` and ``ne null``.
"""

from __future__ import annotations

import itertools
import operator
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal, DecimalException
from typing import Any

import shapely
from shapely.errors import GEOSException
from shapely.geometry import shape

from jinyun.kernel.terms import CHINA
from jinyun.share.sensorthings.errors import BadQuery
from jinyun.share.sensorthings.expressions import EARLIEST, LATEST, Expression, Interval, Literal, Path
from jinyun.share.sensorthings.model import Entity

Related = Callable[[Entity, str], Sequence[Entity]]
_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "lt": operator.lt, "le": operator.le, "gt": operator.gt, "ge": operator.ge,
}  # fmt: skip
_RELATE: Mapping[str, Callable[[Any, Any], bool]] = {
    "geo.intersects": shapely.intersects, "st_equals": shapely.equals, "st_disjoint": shapely.disjoint,
    "st_touches": shapely.touches, "st_within": shapely.within, "st_overlaps": shapely.overlaps,
    "st_crosses": shapely.crosses, "st_intersects": shapely.intersects, "st_contains": shapely.contains,
}  # fmt: skip


def holds(tree: Expression, entity: Entity, related: Related, now: datetime) -> bool:
    """Whether a `$filter` keeps an entity.

    Raises
    ------
    BadQuery
        When types do not fit, e.g. a text compared with a number.
    """
    return any(one is True for one in values(tree, entity, related, now))


def values(tree: Expression, entity: Entity, related: Related, now: datetime) -> list[Any]:
    """All values of an expression; more than one only over relations with many targets."""
    if isinstance(tree, Literal):
        return [tree.value]
    if isinstance(tree, Path):
        return _path_values(tree, entity, related)
    if tree.name == "and":
        return [all(holds(one, entity, related, now) for one in tree.given)]
    if tree.name == "or":
        return [any(holds(one, entity, related, now) for one in tree.given)]
    if tree.name == "not":
        return [not holds(tree.given[0], entity, related, now)]
    given = [values(one, entity, related, now) for one in tree.given]
    return [apply(tree.name, one, now) for one in itertools.product(*given)]


def _path_values(path: Path, entity: Entity, related: Related) -> list[Any]:
    here = [entity]
    for place, part in enumerate(path.parts):
        if part in entity.kind.relations:
            here = [target for one in here for target in related(one, part)]
            if not here:
                return [None]
            entity = here[0]
            continue
        rest = path.parts[place + 1 :]
        return [_deep(_property(one, part), rest) for one in here]
    raise BadQuery(f"{path} is an entity, not a value; write {path}/id")


def _property(entity: Entity, name: str) -> Any:
    if name in ("id", "@iot.id"):
        return Decimal(entity.id) if isinstance(entity.id, int) else entity.id
    return entity.get(name)


def _deep(value: Any, keys: Sequence[str]) -> Any:
    for key in keys:
        if not isinstance(value, Mapping):
            return None
        value = value.get(key)
        value = value() if callable(value) else value
    if isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value)
    return Decimal(str(value)) if isinstance(value, float) else value


def apply(name: str, given: Sequence[Any], now: datetime) -> Any:
    """One function or operator on values."""
    try:
        return _apply(name, given, now)
    except (TypeError, AttributeError):
        told = " and ".join(_type_name(one) for one in given)
        raise BadQuery(f"{name} does not take {told}") from None
    except (DecimalException, OverflowError, ValueError, GEOSException) as wrong:
        raise BadQuery(f"{name} cannot be computed: {type(wrong).__name__}") from None


def _apply(name: str, given: Sequence[Any], now: datetime) -> Any:
    if name in ("eq", "ne"):
        return _equal(*given) is (name == "eq")
    if name in ("now", "mindatetime", "maxdatetime"):
        return {"now": now, "mindatetime": EARLIEST, "maxdatetime": LATEST}[name]
    if any(one is None for one in given):
        return None
    if name in _COMPARE:
        left, right = _alike(*given)
        return _COMPARE[name](left, right)
    if name in _RELATE:
        return bool(_RELATE[name](geometry(given[0]), geometry(given[1])))
    for group in (_ARITHMETIC, _TEXT, _TIME, _GEO):
        if name in group:
            return group[name](*given)
    raise BadQuery(f"there is no function {name!r}")


def _equal(left: Any, right: Any) -> bool:
    if left is None or right is None:
        return left is None and right is None
    left, right = _alike(left, right)
    return bool(left == right)


def _alike(left: Any, right: Any) -> tuple[Any, Any]:
    """Two values in forms that compare with each other."""
    left, right = _plain(left), _plain(right)
    if isinstance(left, Interval) or isinstance(right, Interval):
        pair = [(one.start, one.end) if isinstance(one, Interval) else (one,) for one in (left, right)]
        both = min(len(one) for one in pair)
        left, right = (one[:both] for one in pair)
    if isinstance(left, shapely.Geometry) or isinstance(right, shapely.Geometry):
        raise BadQuery("geometries are compared by st_equals and its kin, not by eq")
    if type(left) is not type(right) and not (isinstance(left, datetime) and isinstance(right, datetime)):
        if isinstance(left, (tuple, datetime)) and isinstance(right, (tuple, datetime)):
            return (left if isinstance(left, tuple) else (left,)), (right if isinstance(right, tuple) else (right,))
        raise BadQuery(f"{_type_name(left)} does not compare with {_type_name(right)}")
    return left, right


def _plain(value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value)
    return value


def _type_name(value: Any) -> str:
    names = {
        str: f"the text {value!r}"[:60], Decimal: f"the number {value}"[:60], bool: "a truth value",
        datetime: "a moment", Interval: "an interval", time: "a time of day", date: "a date", type(None): "null",
        timedelta: "a duration", tuple: "an interval", dict: "an object", list: "a list",
    }  # fmt: skip
    return next((told for kind, told in names.items() if isinstance(value, kind)), "a geometry")


def geometry(value: Any) -> shapely.Geometry:
    """A geometry of GeoJSON (also a Feature) or as given."""
    if isinstance(value, shapely.Geometry):
        return value
    if isinstance(value, Mapping):
        body = value.get("geometry") if value.get("type") == "Feature" else value
        return shapely.from_wkt("POINT EMPTY") if body is None else shape(body)
    raise BadQuery(f"{_type_name(value)} is no geometry; write geography'POINT(106.5 29.6)'")


def start_of(value: Any) -> datetime:
    """The moment a date function looks at: in China civil time for what the house keeps, as written else."""
    moment: datetime = value.start if isinstance(value, Interval) else value
    if not isinstance(moment, datetime):
        raise TypeError
    return moment


def _divide(left: Decimal, right: Decimal) -> Decimal:
    return left / right


def _sum(left: Any, right: Any) -> Any:
    return (left.start if isinstance(left, Interval) else left) + right


def _difference(left: Any, right: Any) -> Any:
    return (left.start if isinstance(left, Interval) else left) - right


_ARITHMETIC: Mapping[str, Callable[..., Any]] = {
    "add": _sum, "sub": _difference, "mul": lambda a, b: a * b, "div": _divide, "mod": lambda a, b: a % b,
    "neg": lambda a: -a,
    "round": lambda a: a.quantize(Decimal(1), ROUND_HALF_UP),
    "floor": lambda a: a.quantize(Decimal(1), ROUND_FLOOR),
    "ceiling": lambda a: a.quantize(Decimal(1), ROUND_CEILING),
}  # fmt: skip


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _substring(text: str, start: Decimal, count: Decimal | None = None) -> str:
    first = int(start)
    return _text(text)[first:] if count is None else _text(text)[first : first + int(count)]


_TEXT: Mapping[str, Callable[..., Any]] = {
    "substringof": lambda part, text: _text(part) in _text(text),
    "contains": lambda text, part: _text(part) in _text(text),
    "startswith": lambda text, part: _text(text).startswith(_text(part)),
    "endswith": lambda text, part: _text(text).endswith(_text(part)),
    "length": lambda text: Decimal(len(_text(text))),
    "indexof": lambda text, part: Decimal(_text(text).find(_text(part))),
    "substring": _substring,
    "tolower": lambda text: _text(text).lower(),
    "toupper": lambda text: _text(text).upper(),
    "trim": lambda text: _text(text).strip(),
    "concat": lambda one, two: _text(one) + _text(two),
}


def _fraction(moment: datetime) -> Decimal:
    return Decimal(moment.microsecond).scaleb(-6)


def _offset(moment: datetime) -> Decimal:
    return Decimal(int((moment.utcoffset() or timedelta()).total_seconds()) // 60)


_TIME: Mapping[str, Callable[[Any], Any]] = {
    **{
        name: lambda value, _name=name: Decimal(getattr(start_of(value), _name))  # type: ignore[misc]
        for name in ("year", "month", "day", "hour", "minute", "second")
    },
    "fractionalseconds": lambda value: _fraction(start_of(value)),
    "date": lambda value: start_of(value).replace(hour=0, minute=0, second=0, microsecond=0),
    "time": lambda value: start_of(value).time(),
    "totaloffsetminutes": lambda value: _offset(start_of(value)),
}


def _relate(one: Any, two: Any, pattern: Any) -> bool:
    return bool(shapely.relate_pattern(geometry(one), geometry(two), _text(pattern)))


_GEO: Mapping[str, Callable[..., Any]] = {
    "geo.distance": lambda one, two: Decimal(repr(float(shapely.distance(geometry(one), geometry(two))))),
    "geo.length": lambda one: Decimal(repr(float(shapely.length(geometry(one))))),
    "st_relate": _relate,
}


def sort_key(value: Any) -> tuple[int, Any]:
    """Nulls last; values of one type among themselves."""
    if value is None:
        return 2, ""
    if isinstance(value, bool):
        return 0, Decimal(int(value))
    if isinstance(value, Interval):
        return 0, value.start
    if isinstance(value, (Decimal, str, datetime)):
        return 0, value
    return 1, str(value)


def china(moment: datetime) -> datetime:
    """The same moment in China civil time."""
    return moment.astimezone(CHINA)


def epoch(moment: datetime) -> Decimal:
    """Seconds since the epoch, exactly."""
    span = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return Decimal(span.days * 86400 + span.seconds) + Decimal(span.microseconds).scaleb(-6)
