"""Filters and orders of Observations as conditions on rows.

What rests only on the Datastream or the FeatureOfInterest is decided here, once per series, and what rests only on the
flag once per flag; the rest goes to the store as a `kernel.conditions` tuple.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Any

from jinyun.kernel.conditions import FALSE, TRUE, Condition, Term, both, either
from jinyun.kernel.flags import flag_words
from jinyun.kernel.terms import CHINA, Flag
from jinyun.share.sensorthings.errors import BadQuery, NotImplementedHere
from jinyun.share.sensorthings.evaluate import apply, epoch, holds
from jinyun.share.sensorthings.expressions import COMPARISONS, Call, Expression, Interval, Literal, Path
from jinyun.share.sensorthings.model import KINDS, Entity
from jinyun.share.sensorthings.source import Source

OBSERVATION = KINDS["Observations"]
_COLUMNS = {
    ("phenomenonTime",): "time",
    ("resultTime",): "end",
    ("result",): "value",
    ("parameters", "seq"): "seq",
    ("Datastream", "id"): "series",
    ("Datastream", "@iot.id"): "series",
}
_TIMES = ("time", "end")
_FLIPPED = {"eq": "eq", "ne": "ne", "lt": "gt", "le": "ge", "gt": "lt", "ge": "le"}
_DATE_PARTS = ("year", "month", "day", "hour", "minute", "second")
_CHINA_MINUTES = Decimal(int(CHINA.utcoffset(None).total_seconds()) // 60)


def quality(flag: Flag) -> list[dict[str, Any]]:
    """`resultQuality`: the flag, with its words."""
    zh, en = flag_words(flag)
    return [{"nameOfMeasure": "flag", "DQ_Result": {"code": flag.name, "zh": zh, "en": en}}]


def observation_id(series: int, moment: int) -> str:
    return f"{series}:{moment}"


def split_id(id: str | int) -> tuple[int, int] | None:
    """(series, time) of an Observation's id; None for what none has."""
    series, _, moment = str(id).partition(":")
    if series.isascii() and series.isdigit() and moment.isascii() and moment.isdigit() and len(str(id)) < 24:
        return int(series), int(moment)
    return None


class Compiler:
    """Turns expressions over Observations into conditions. `among`: the series that are asked about, None for all."""

    def __init__(self, source: Source, among: Sequence[int] | None) -> None:
        self._source, self._among, self._now = source, among, source.now()

    def condition(self, tree: Expression | None) -> Condition:
        """The condition of a `$filter`."""
        if tree is None:
            return TRUE
        if isinstance(tree, Call) and tree.name in ("and", "or"):
            parts = [self.condition(one) for one in tree.given]
            return both(*parts) if tree.name == "and" else either(*parts)
        if isinstance(tree, Call) and tree.name == "not":
            inner = self.condition(tree.given[0])
            return {TRUE: FALSE, FALSE: TRUE}.get(inner, ("not", inner))
        rests_on = _rests_on(tree)
        if not rests_on:
            return TRUE if holds(tree, _NOBODY, _no_relation, self._now) else FALSE
        if rests_on == {"id"}:
            return self._by_id(tree)
        if rests_on == {"flag"}:
            kept = tuple(int(flag) for flag in Flag if self._flag_holds(tree, flag))
            return ("in", "flag", kept) if kept else FALSE
        if "series" in rests_on and rests_on <= {"series", "series-id"}:
            return self._series_condition(tree)
        if not rests_on <= {"row", "series-id"}:
            raise NotImplementedHere(
                "one comparison of $filter cannot rest on a property of the Observation and on one of its Datastream, "
                "flag or id together; compare each with a constant"
            )
        if isinstance(tree, Call) and tree.name in COMPARISONS:
            return self._comparison(tree)
        raise BadQuery("a $filter of Observations is made of comparisons, and, or, not")

    # --- per series, per flag, per id ---------------------------------------------------------------------------

    def _series_condition(self, tree: Expression) -> Condition:
        series = self._source.all_series() if self._among is None else self._among
        datastreams = (self._source.get("Datastreams", one) for one in series)
        kept = [
            int(one.id)
            for one in datastreams
            if one is not None and holds(tree, _standing_for(one), self._related(one), self._now)
        ]
        if not kept:
            return FALSE
        return TRUE if len(kept) == len(series) else ("in", "series", tuple(kept))

    def _related(self, datastream: Entity) -> Callable[[Entity, str], Sequence[Entity]]:
        def related(entity: Entity, relation: str) -> Sequence[Entity]:
            if entity.kind is not OBSERVATION:
                return self._source.related(entity, relation)
            if relation == "Datastream":
                return (datastream,)
            things = self._source.related(datastream, "Thing")
            found = [self._source.get("FeaturesOfInterest", one.id) for one in things]
            return [one for one in found if one is not None]

        return related

    def _flag_holds(self, tree: Expression, flag: Flag) -> bool:
        data = {"resultQuality": quality(flag), "parameters": {"flag": flag.name, "flag_code": int(flag)}}
        return holds(tree, Entity(OBSERVATION, "", data), _no_relation, self._now)

    def _by_id(self, tree: Expression) -> Condition:
        if isinstance(tree, Call) and tree.name in ("eq", "ne"):
            literal = next((one.value for one in tree.given if isinstance(one, Literal)), None)
            found = split_id(literal) if isinstance(literal, str) else None
            here: Condition = FALSE
            if found is not None:
                here = both(("in", "series", (found[0],)), ("eq", ("col", "time"), ("num", Decimal(found[1]))))
            return here if tree.name == "eq" else ("not", here) if here != FALSE else TRUE
        raise NotImplementedHere("ids of Observations are texts that compare by eq and ne only")

    # --- rows ------------------------------------------------------------------------------------------------------

    def _comparison(self, tree: Call) -> Condition:
        name, (left, right) = tree.name, tree.given
        if _is_null(left) or _is_null(right):
            term = self.term(right if _is_null(left) else left)
            if name not in ("eq", "ne"):
                return FALSE
            return ("null", term) if name == "eq" else ("not", ("null", term))
        if isinstance(left, Literal):
            name, left, right = _FLIPPED[name], right, left
        timely = self._is_time(left)
        if isinstance(right, Literal) and isinstance(right.value, Interval):
            if not timely:
                raise BadQuery(f"{name}: an interval compares with a time only")
            return self._with_interval(name, left, right.value)
        first, second = self.term(left), self.term(right)
        if timely != self._is_time(right):
            raise BadQuery(f"{name}: a time compares with a time, a number with a number")
        return name, first, second

    def _with_interval(self, name: str, left: Expression, interval: Interval) -> Condition:
        """By the start, then by the end: as in `evaluate`."""
        start, end = (("num", epoch(one)) for one in (interval.start, interval.end))
        begin = self.term(left)
        if begin != ("col", "time"):
            return name, begin, start
        until: Term = ("col", "end")
        same = both(("eq", begin, start), ("eq", until, end))
        if name in ("eq", "ne"):
            return same if name == "eq" else ("not", same)
        strict = "lt" if name in ("lt", "le") else "gt"
        return either((strict, begin, start), both(("eq", begin, start), (name, until, end)))

    def _is_time(self, tree: Expression) -> bool:
        if isinstance(tree, Literal):
            return isinstance(tree.value, (datetime, Interval, time))
        if isinstance(tree, Path):
            return _COLUMNS.get(tree.parts) in _TIMES
        if tree.name in ("now", "mindatetime", "maxdatetime", "date", "time"):
            return True
        return tree.name in ("add", "sub") and self._is_time(tree.given[0]) and not self._is_time(tree.given[1])

    def term(self, tree: Expression) -> Term:
        """A value as a term on columns; constants are computed here."""
        if isinstance(tree, Literal) or not _rests_on(tree):
            return "num", self._constant(tree)
        if isinstance(tree, Path):
            return "col", _COLUMNS[tree.parts]
        name, given = tree.name, tree.given
        if name in ("add", "sub", "mul", "div", "mod"):
            if name in ("mul", "div", "mod") and any(self._is_time(one) for one in given):
                raise BadQuery(f"{name} does not take times")
            return name, self.term(given[0]), self.term(given[1])
        if name == "neg":
            return "neg", self.term(given[0])
        timely = self._is_time(given[0]) if given else False
        if name in ("round", "floor", "ceiling") and not timely:
            return name, self.term(given[0])
        if timely:
            if name in _DATE_PARTS or name == "date":
                return name, self.term(given[0])
            if name == "time":
                return "time_of_day", self.term(given[0])
            if name == "totaloffsetminutes":
                return "num", _CHINA_MINUTES
            if name == "fractionalseconds":
                return "num", Decimal(0)  # readings are of whole seconds
        raise BadQuery(f"{name} does not take this property of an Observation")

    def _constant(self, tree: Expression) -> Decimal:
        if isinstance(tree, Call):
            value = apply(tree.name, [self._value(one) for one in tree.given], self._now)
        else:
            value = self._value(tree)
        if isinstance(value, datetime):
            return epoch(value)
        if isinstance(value, timedelta):
            return Decimal(value // timedelta(microseconds=1)).scaleb(-6)
        if isinstance(value, time):
            return Decimal(value.hour * 3600 + value.minute * 60 + value.second)
        if isinstance(value, Decimal):
            return value
        raise BadQuery(f"{value!r} does not compare with a number or a time of an Observation")

    def _value(self, tree: Expression) -> Any:
        if isinstance(tree, Call):
            return apply(tree.name, [self._value(one) for one in tree.given], self._now)
        assert isinstance(tree, Literal)
        return tree.value

    def order(self, wanted: Sequence[tuple[Expression, bool]]) -> tuple[tuple[str, bool], ...]:
        """Columns of an `$orderby`, ending in ones that make the order unique."""
        made: list[tuple[str, bool]] = []
        for tree, descending in wanted:
            if isinstance(tree, Path) and tree.parts in (("id",), ("@iot.id",)):
                made += [("series", descending), ("time", descending)]
            elif isinstance(tree, Path) and tree.parts in (("parameters", "flag"), ("parameters", "flag_code")):
                made.append(("flag", descending))
            elif isinstance(tree, Path) and tree.parts in _COLUMNS:
                made.append((_COLUMNS[tree.parts], descending))
            else:
                raise NotImplementedHere(
                    "Observations are ordered by phenomenonTime, resultTime, result, id, Datastream/id, "
                    "parameters/flag_code and parameters/seq"
                )
        for column in ("time", "series"):
            made.append((column, False))
        unique: dict[str, bool] = {}
        for column, descending in made:
            unique.setdefault(column, descending)
        return tuple(unique.items())


_NOBODY = Entity(OBSERVATION, "", {})


def _standing_for(datastream: Entity) -> Entity:
    return Entity(OBSERVATION, "", {}, int(datastream.id))


def _no_relation(_: Entity, relation: str) -> Sequence[Entity]:
    raise BadQuery(f"{relation} is not known here")


def _is_null(tree: Expression) -> bool:
    return isinstance(tree, Literal) and tree.value is None


def _rests_on(tree: Expression) -> set[str]:
    """What a subexpression looks at: row, series, series-id, flag, id."""
    if isinstance(tree, Literal):
        return set()
    if isinstance(tree, Call):
        found = set().union(*(_rests_on(one) for one in tree.given)) if tree.given else set()
        if found == {"series-id"} and tree.name not in COMPARISONS:
            return {"series"}
        return found
    if tree.parts in _COLUMNS:
        return {"series-id"} if _COLUMNS[tree.parts] == "series" else {"row"}
    if tree.parts[0] in ("Datastream", "FeatureOfInterest"):
        return {"series"}
    if tree.parts[0] in ("id", "@iot.id"):
        return {"id"}
    if tree.parts[0] == "resultQuality" or tree.parts[:2] in (("parameters", "flag"), ("parameters", "flag_code")):
        return {"flag"}
    if tree.parts[0] == "validTime":
        return {"flag"}  # always null
    raise NotImplementedHere(
        f"Observations are not filtered by {tree}; known: phenomenonTime, resultTime, result, parameters/flag, "
        "parameters/seq, id and all of the Datastream and the FeatureOfInterest"
    )
