"""Answers to POST: new Observations, one or as data arrays. What cannot be taken is told in a sentence each.

Things, Sensors and the rest are made in the node's registers, series by what devices send: only Observations are
created here. OGC 18-088 10.2 and 14.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from jinyun.kernel.errors import UnknownFactor
from jinyun.kernel.factors import factor
from jinyun.kernel.ports import MICRO
from jinyun.kernel.terms import Flag, Period, SeriesKey, Stat, china_time, instant, window_of
from jinyun.share.sensorthings.address import segments
from jinyun.share.sensorthings.errors import BadQuery, NotAllowed
from jinyun.share.sensorthings.evaluate import epoch
from jinyun.share.sensorthings.expressions import Interval, parse_interval, parse_moment
from jinyun.share.sensorthings.model import Entity
from jinyun.share.sensorthings.options import Options
from jinyun.share.sensorthings.reading import Answer, Reader
from jinyun.share.sensorthings.source import New, Source

MOST_AT_ONCE = 20_000
LARGEST = Decimal(10**12)
"""First value that DECIMAL(18,6) cannot hold."""
ARRAY_COMPONENTS = (
    "phenomenonTime", "resultTime", "result", "resultQuality", "parameters", "FeatureOfInterest/id",
    "FeatureOfInterest/@iot.id", "validTime",
)  # fmt: skip
MEMBERS = (
    "phenomenonTime", "resultTime", "result", "resultQuality", "validTime", "parameters", "Datastream",
    "FeatureOfInterest", "@iot.id", "id",
)  # fmt: skip
AHEAD_S = 86_400
"""How far in the future a reading may lie: clocks differ, days do not. [s]"""


@dataclass(slots=True)
class Refused:
    """An Observation that was not taken, and why."""

    sentence: str
    body: Any


class Writer:
    """Creates Observations in the name of `author`."""

    def __init__(self, source: Source, reader: Reader, author: str) -> None:
        self._source, self._reader, self._author = source, reader, author
        self.refused: list[Refused] = []
        """What `arrays` left out."""

    def post(self, path: str, body: Any) -> Answer:
        """Create what a POST asks for.

        Raises
        ------
        BadQuery
            When the body cannot be taken.
        NotAllowed
            When the path is none that Observations are created at.
        """
        parts = segments(path)
        if not parts:
            raise NotAllowed("nothing is created at the service itself; POST to Observations or CreateObservations")
        name, id = parts[0]
        if len(parts) == 1 and id is None and name == "Observations":
            return self._one(body, None)
        if len(parts) == 2 and parts[1] == ("Observations", None) and name in ("Datastreams", "FeaturesOfInterest"):
            if name == "Datastreams":
                return self._one(body, id)
            raise NotAllowed("Observations are created at a Datastream; the FeatureOfInterest follows from it")
        if parts == [("CreateObservations", None)]:
            return self._arrays(body)
        made = {
            "Things": "a site record", "Locations": "the place of a site record", "Sensors": "a device record",
            "Datastreams": "the first reading of the series", "ObservedProperties": "the factor dictionary",
            "FeaturesOfInterest": "a site record", "HistoricalLocations": "a change of a site's place",
        }.get(parts[-1][0], "")  # fmt: skip
        if not made:
            raise NotAllowed(f"nothing is created at {path[:80]!r}; POST to Observations or CreateObservations")
        raise NotAllowed(f"{parts[-1][0]} are not created here: {made} makes one (page 档案 or /api/records)")

    def _one(self, body: Any, datastream: Any) -> Answer:
        new = self.parse(body, datastream)
        fresh = self._source.create([new], self._author)[0]
        row = self._source.row(new.series, new.time)
        assert row is not None
        link = self._reader.observation_link(new.series, new.time)
        headers = {"location": link} if fresh else {"location": link, "x-jinyun-duplicate": "1"}
        return Answer(self._reader.entity(row, Options()), 201, headers)

    def _arrays(self, body: Any) -> Answer:
        """``CreateObservations``: for each Observation its link, or the word error."""
        if not isinstance(body, list) or not all(isinstance(one, Mapping) for one in body):
            raise BadQuery("CreateObservations takes an array of objects with Datastream, components, dataArray")
        told: list[str | None] = []
        news: list[New] = []
        for group in body:
            for one in self._rows(group):
                if len(told) >= MOST_AT_ONCE:
                    raise BadQuery(f"at most {MOST_AT_ONCE} Observations at once; nothing of this was stored")
                try:
                    news.append(self.parse(one, None))
                    told.append(None)
                except BadQuery as wrong:
                    self.refused.append(Refused(str(wrong), one))
                    told.append("error")
        repeated = 0
        if news:
            repeated = sum(not fresh for fresh in self._source.create(news, self._author))
        links = iter([self._reader.observation_link(new.series, new.time) for new in news])
        answer = [next(links) if one is None else one for one in told]
        return Answer(answer, 201, {"x-jinyun-duplicates": str(repeated), "x-jinyun-refused": str(len(self.refused))})

    def _rows(self, group: Mapping[str, Any]) -> list[dict[str, Any]]:
        components, rows = group.get("components"), group.get("dataArray")
        if "Datastream" not in group or not isinstance(components, list) or not isinstance(rows, list):
            raise BadQuery("each object of CreateObservations has Datastream, components and dataArray")
        if unknown := [one for one in components if one not in ARRAY_COMPONENTS]:
            raise BadQuery(f"components may be {', '.join(ARRAY_COMPONENTS)}, not {unknown[0]!r}")
        count = group.get("dataArray@iot.count", len(rows))
        if count != len(rows):
            raise BadQuery(f"dataArray@iot.count says {count}, but the array has {len(rows)} rows")
        made = []
        for row in rows:
            if not isinstance(row, list) or len(row) != len(components):
                raise BadQuery(f"a row of dataArray has as many values as components: {len(components)}")
            one: dict[str, Any] = {"Datastream": group["Datastream"]}
            for name, value in zip(components, row, strict=True):
                head, _, key = name.partition("/")
                one[head] = {key: value} if key else value
            made.append(one)
        return made

    # --- one Observation ----------------------------------------------------------------------------------------------

    def parse(self, body: Any, datastream: Any) -> New:
        """Check one Observation; `datastream` from the path, or None when the body names it."""
        if not isinstance(body, Mapping):
            raise BadQuery("an Observation is an object with phenomenonTime, result and Datastream")
        if unknown := [one for one in body if one not in MEMBERS and not str(one).endswith("@iot.navigationLink")]:
            raise BadQuery(f"an Observation has no {str(unknown[0])[:60]!r}; known: {', '.join(MEMBERS)}")
        stream = self._datastream(body.get("Datastream"), datastream)
        key: SeriesKey = self._source.key_of(int(stream.id))
        self._check_feature(body.get("FeatureOfInterest"), key)
        parameters = body.get("parameters") or {}
        if not isinstance(parameters, Mapping):
            raise BadQuery("parameters is an object")
        flag = _flag(parameters.get("flag"), body.get("resultQuality"))
        moment = _moment(body.get("phenomenonTime"), key, self._source.now())
        if (told := body.get("resultTime")) is not None and not isinstance(told, str):
            raise BadQuery("resultTime is a moment as text, or null")
        if told is not None:
            parse_moment(told)
        value = _result(body.get("result"), key)
        return New(int(stream.id), moment, value, flag, str(parameters.get("reason") or "")[:500])

    def _datastream(self, named: Any, from_path: Any) -> Entity:
        id = from_path
        if named is not None:
            if not isinstance(named, Mapping) or not ({"@iot.id", "id"} & named.keys()):
                raise BadQuery('name an existing Datastream by its id: "Datastream": {"@iot.id": 12}')
            id = named.get("@iot.id", named.get("id"))
            if from_path is not None and id != from_path:
                raise BadQuery(f"the body names Datastream {id!r}, the path {from_path!r}")
        if id is None:
            raise BadQuery('an Observation needs a Datastream: "Datastream": {"@iot.id": 12}')
        found = self._source.get("Datastreams", id) if isinstance(id, int) and not isinstance(id, bool) else None
        if found is None:
            raise BadQuery(f"there is no Datastream {str(id)[:40]!r}; ids are numbers, listed at Datastreams")
        return found

    def _check_feature(self, named: Any, key: SeriesKey) -> None:
        if named is None:
            return
        id = named.get("@iot.id", named.get("id")) if isinstance(named, Mapping) else None
        if id != key.site:
            raise BadQuery(f"the FeatureOfInterest of this Datastream is its site, {key.site!r}")


def _flag(parameter: Any, quality: Any) -> Flag:
    """The flag that is said; UNKNOWN when none is, which is not NORMAL and does not count for judging."""
    told = parameter
    if told is None and quality is not None:
        first = quality[0] if isinstance(quality, Sequence) and not isinstance(quality, str) and quality else quality
        if isinstance(first, Mapping):
            result = first.get("DQ_Result")
            told = result.get("code") if isinstance(result, Mapping) else None
        elif isinstance(first, str):
            told = first
        if told is None:
            raise BadQuery('resultQuality is written [{"nameOfMeasure": "flag", "DQ_Result": {"code": "NORMAL"}}]')
    if told is None:
        return Flag.UNKNOWN
    if not isinstance(told, str) or told not in Flag.__members__:
        raise BadQuery(f"there is no flag {str(told)[:40]!r}; known: {', '.join(Flag.__members__)}")
    return Flag[told]


def _moment(told: Any, key: SeriesKey, now: datetime) -> int:
    """Start of the period, checked against the series' period."""
    if told is None:
        if key.period is not Period.REALTIME:
            raise BadQuery(f"phenomenonTime is missing; a {key.period.name} series needs the interval of its period")
        return instant(now)
    if not isinstance(told, str):
        raise BadQuery("phenomenonTime is a moment or an interval as text, e.g. 2026-01-01T08:00:00+08:00")
    value = parse_interval(told) if "/" in told else parse_moment(told)
    first = value.start if isinstance(value, Interval) else value
    seconds = epoch(first)
    if seconds != int(seconds):
        if key.period is not Period.REALTIME:
            raise BadQuery(f"{told} does not begin a period of {key.period.name}")
        raise BadQuery(f"{told}: readings are of whole seconds")
    moment = int(seconds)
    window = window_of(key.period, moment)
    if not 0 <= moment <= instant(now) + AHEAD_S:
        raise BadQuery(f"{told} lies before 1970 or more than a day ahead of this node's clock")
    if key.period is Period.REALTIME:
        if isinstance(value, Interval) and value.end != value.start:
            raise BadQuery(f"{told}: a REALTIME series takes a moment, not an interval")
        return moment
    if window.start != moment or (isinstance(value, Interval) and epoch(value.end) != window.end):
        right = f"{china_time(window.start).isoformat()}/{china_time(window.end).isoformat()}"
        raise BadQuery(f"{told} is no period of a {key.period.name} series; the one around it is {right}")
    return moment


def _result(told: Any, key: SeriesKey) -> Decimal:
    """The value, exact and inside what is physically possible."""
    if isinstance(told, bool) or not isinstance(told, (int, Decimal)):
        raise BadQuery(f"result is a number, not {str(told)[:40]!r}; a value that is missing is not sent at all")
    value = Decimal(told)
    if not value.is_finite() or abs(value) >= LARGEST:
        raise BadQuery(f"result {str(told)[:40]} is out of the range a reading can have (below 10^12)")
    micro = value * MICRO
    if micro != micro.to_integral_value():
        raise BadQuery(f"result {told} has more than six decimals")
    try:
        known = factor(key.factor)
    except UnknownFactor:
        return value
    if key.stat in (Stat.COU, Stat.STATE, Stat.RUN_HOURS):
        return value
    if known.minimum is not None and value < known.minimum:
        raise BadQuery(f"result {told} is below what {known.en} can be ({known.minimum} {known.unit})")
    if known.maximum is not None and value > known.maximum:
        raise BadQuery(f"result {told} is above what {known.en} can be ({known.maximum} {known.unit})")
    return value
