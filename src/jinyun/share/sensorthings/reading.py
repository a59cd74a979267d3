"""Answers to GET: collections with all query options, entities, properties, references, data arrays. OGC 18-088 9."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from functools import cmp_to_key
from typing import Any
from urllib.parse import quote

import msgspec

from jinyun.kernel.conditions import TRUE, Condition
from jinyun.kernel.terms import Flag, china_time
from jinyun.share.sensorthings.address import Address, Finder
from jinyun.share.sensorthings.conformance import CONFORMANCE
from jinyun.share.sensorthings.errors import BadQuery, NoSuchEntity
from jinyun.share.sensorthings.evaluate import holds, sort_key, values
from jinyun.share.sensorthings.expressions import Call, Expression, Path
from jinyun.share.sensorthings.model import KINDS, Entity, Kind, stretch, to_json
from jinyun.share.sensorthings.options import MOST_TOP, Options, check_names, check_path
from jinyun.share.sensorthings.rows import OBSERVATION, Compiler, observation_id, quality
from jinyun.share.sensorthings.source import Ask, Row, Source

_QUALITY = {flag: quality(flag) for flag in Flag}
_tokens = msgspec.json.Encoder()
COMPONENTS = ("id", "phenomenonTime", "resultTime", "result", "resultQuality", "parameters")
"""Columns of a data array when `$select` names none."""


@dataclass(slots=True)
class Answer:
    """A body for JSON (or text), a status, headers."""

    body: Any
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    text: bool = False


@dataclass(slots=True)
class _Part:
    """A collection's page: entities, the query of the next page ("" when this is the last), the whole count."""

    entities: Sequence[Entity]
    following: str = ""
    count: int | None = None


class Reader:
    """Answers to one client; `base` is the service's address without a slash at its end."""

    def __init__(self, source: Source, base: str) -> None:
        self._source, self._base, self._finder = source, base, Finder(source)
        self._received: dict[int, int] = {}

    def root(self) -> Answer:
        """The landing page: entity sets and conformance."""
        sets = [{"name": name, "url": f"{self._base}/{name}"} for name in KINDS]
        body: dict[str, Any] = {"value": sets, "serverSettings": {"conformance": list(CONFORMANCE)}}
        body["serverSettings"]["jinyun"] = {
            "timeZone": "Asia/Shanghai (UTC+08:00)",
            "periodLabel": "phenomenonTime is the interval [start, end) of the averaging period, or a moment",
            "mostTop": MOST_TOP,
        }
        return Answer(body)

    def get(self, path: str, options: Options) -> Answer:
        """What a path leads to."""
        here = self._finder.find(path)
        if here.keys:
            return self._property(here)
        check_names(here.kind, options, dict(KINDS))
        self._check_paths(here.kind, options)
        if here.entity is not None:
            entity = self._whole(here.entity)
            if here.ref:
                return Answer({"@iot.selfLink": self._link(entity)})
            return Answer(self._render([entity], options)[0])
        return self._collection(here, path, options)

    def entity(self, row: Row, options: Options) -> dict[str, Any]:
        """One Observation as a body."""
        return self._render([self._observation(row)], options)[0]

    def observation_link(self, series: int, time: int) -> str:
        return f"{self._base}/Observations('{observation_id(series, time)}')"

    # --- collections ------------------------------------------------------------------------------------------------

    def _collection(self, here: Address, path: str, options: Options) -> Answer:
        if here.count:
            return Answer(
                str(self._part(here.kind, here.parent, here.relation, options, count_only=True).count), text=True
            )
        part = self._part(here.kind, here.parent, here.relation, options)
        body: dict[str, Any] = {}
        if part.count is not None:
            body["@iot.count"] = part.count
        if part.following:
            place = quote(path.rstrip("/"), safe="/()':,@=;$")
            body["@iot.nextLink"] = f"{self._base}/{place}?{part.following}"
        if here.ref:
            body["value"] = [{"@iot.selfLink": self._link(one)} for one in part.entities]
        elif options.data_array:
            if here.kind is not OBSERVATION:
                raise BadQuery("$resultFormat=dataArray is for Observations")
            body["value"] = self._arrays(part.entities, options)
        else:
            body["value"] = self._render(part.entities, options)
        return Answer(body)

    def _part(
        self, kind: Kind, parent: Entity | None, relation: str, options: Options, *, count_only: bool = False
    ) -> _Part:
        if kind is OBSERVATION:
            among = None if parent is None else self._source.series_of(parent)
            return self._observations(among, options, count_only=count_only)
        found = self._source.all(kind.plural) if parent is None else self._finder.related(parent, relation)
        return self._chosen(found, options, count_only=count_only)

    def _chosen(self, found: Sequence[Entity], options: Options, *, count_only: bool = False) -> _Part:
        """Filter, order and page of entities that are in memory."""
        if options.token:
            raise BadQuery("$skiptoken belongs to Observations")
        now, related = self._source.now(), self._finder.related
        tree = options.filter
        if tree is not None:
            found = self._by_id(tree, found) if _is_id(tree) else [e for e in found if holds(tree, e, related, now)]
        count = len(found) if options.count or count_only else None
        if count_only:
            return _Part((), count=count)
        if options.order:
            found = self._ordered(found, options.order)
        page = found[options.skip : options.skip + options.limit]
        more = len(found) > options.skip + len(page) and options.limit > 0
        return _Part(page, options.query(skip=str(options.skip + len(page))) if more else "", count)

    @staticmethod
    def _by_id(tree: Expression, found: Sequence[Entity]) -> Sequence[Entity]:
        assert isinstance(tree, Call)
        wanted = next(one.value for one in tree.given if not isinstance(one, (Path, Call)))
        return [one for one in found if one.id == wanted]

    def _ordered(self, found: Sequence[Entity], order: Sequence[tuple[Expression, bool]]) -> Sequence[Entity]:
        now, related = self._source.now(), self._finder.related
        rows = [([sort_key(values(tree, one, related, now)[0]) for tree, _ in order], one) for one in found]

        def compare(left: Any, right: Any) -> int:
            for (_, descending), one, two in zip(order, left[0], right[0], strict=True):
                if one != two:
                    if one[0] != two[0]:  # nulls last, whatever the direction
                        return -1 if one[0] < two[0] else 1
                    return (-1 if one < two else 1) * (-1 if descending else 1)
            return 0

        try:
            return [one for _, one in sorted(rows, key=cmp_to_key(compare))]
        except TypeError:
            raise BadQuery("$orderby compares values of different types") from None

    # --- observations -------------------------------------------------------------------------------------------------

    def _observations(self, among: Sequence[int] | None, options: Options, *, count_only: bool = False) -> _Part:
        compiler = Compiler(self._source, among)
        where = compiler.condition(options.filter)
        count = self._source.count(among, where) if options.count or count_only else None
        if count_only or options.limit == 0:
            return _Part((), count=count)
        order = compiler.order(options.order)
        if _only_newest(where, order, options):
            rows = list(self._source.latest(among))[:1]
            more = bool(rows) and self._source.count(among, where) > 1
            following = options.query(skiptoken=_token(rows[0], order)) if more else ""
            return _Part(self._entities(rows, options), following, count)
        ask = Ask(
            None if among is None else tuple(among), where, order, _after(options.token, order),
            0 if options.token else options.skip, options.limit + 1,
        )  # fmt: skip
        rows = self._source.page(ask)
        page = rows[: options.limit]
        following = options.query(skiptoken=_token(page[-1], order)) if len(rows) > len(page) else ""
        return _Part(self._entities(page, options), following, count)

    def _observations_of(self, parents: Sequence[Entity], options: Options) -> list[_Part]:
        """The Observations of each of many entities, for `$expand`: of Datastreams in one question."""
        if not parents or parents[0].kind.plural != "Datastreams" or options.token:
            return [self._observations(self._source.series_of(one), options) for one in parents]
        series = tuple(int(one.id) for one in parents)
        compiler = Compiler(self._source, series)
        where = compiler.condition(options.filter)
        order = compiler.order(options.order)
        counts: Mapping[int, int] = self._source.counts(series, where) if options.count else {}
        rows: Mapping[int, Sequence[Row]] = {}
        newest = _only_newest(where, order, options)
        if newest:
            rows = {row.series: (row,) for row in self._source.latest(series)}
            counts = self._source.counts(series, where)
        elif options.limit:
            rows = self._source.pages(Ask(series, where, order, None, options.skip, options.limit + 1))
        self._receive([row for one in rows.values() for row in one], options)
        parts = []
        for number in series:
            mine = rows.get(number, ())
            page = mine[: options.limit]
            more = counts.get(number, 0) > 1 if newest else len(mine) > len(page)
            following = options.query(skiptoken=_token(page[-1], order)) if more and page else ""
            count = counts.get(number, 0) if options.count else None
            parts.append(_Part([self._observation(row) for row in page], following, count))
        return parts

    def _entities(self, rows: Sequence[Row], options: Options) -> list[Entity]:
        self._receive(rows, options)
        return [self._observation(row) for row in rows]

    def _receive(self, rows: Iterable[Row], options: Options) -> None:
        """Fetch when messages were received, where the answer shows it."""
        if not options.select or any(one.startswith("parameters") for one in options.select):
            self._received |= self._source.received(sorted({row.seq for row in rows} - self._received.keys()))

    def _observation(self, row: Row) -> Entity:
        span = stretch(row.time, row.time if row.end is None else row.end)
        data = {
            "phenomenonTime": span.start if row.end is None else span,
            "resultTime": span.end,
            "result": row.value,
            "resultQuality": _QUALITY[row.flag],
            "parameters": lambda: self._parameters(row),
        }
        return Entity(OBSERVATION, observation_id(row.series, row.time), data, row.series)

    def _parameters(self, row: Row) -> dict[str, Any]:
        if row.seq not in self._received:
            self._received |= self._source.received([row.seq])
        at = self._received.get(row.seq)
        shown = None if at is None else china_time(at // 1_000_000).replace(microsecond=at % 1_000_000)
        return {"flag": row.flag.name, "flag_code": int(row.flag), "seq": row.seq, "received_at": shown}

    def _whole(self, entity: Entity) -> Entity:
        if entity.kind is not OBSERVATION:
            return entity
        series, _, moment = str(entity.id).partition(":")
        row = self._source.row(int(series), int(moment))
        if row is None:
            raise NoSuchEntity(f"there is no Observation {entity.id!r}")
        return self._observation(row)

    # --- bodies -------------------------------------------------------------------------------------------------------

    def _link(self, entity: Entity) -> str:
        return f"{self._base}/{entity.address}"

    def _render(self, entities: Sequence[Entity], options: Options) -> list[dict[str, Any]]:
        bodies = [self._plain(one, options) for one in entities]
        for relation, deeper in options.expand.items():
            if entities:
                self._expand(entities, bodies, relation, deeper)
        return bodies

    def _plain(self, entity: Entity, options: Options) -> dict[str, Any]:
        kind, select, link = entity.kind, options.select, self._link(entity)
        heads = {one.split("/")[0] for one in select}
        body: dict[str, Any] = {}
        parts = any("/" in one for one in select)
        if not select or heads & {"id", "@iot.id"}:
            body["@iot.id"] = entity.id
        if not select or "@iot.selfLink" in heads:
            body["@iot.selfLink"] = link
        for name in kind.properties:
            if not select or name in heads:
                shown = to_json(_selected(entity.get(name), name, select)) if parts else entity.json(name)
                if shown is not None or name in ("result", "resultTime"):
                    body[name] = shown
        for name in kind.relations:
            if name not in options.expand and (not select or name in heads):
                body[f"{name}@iot.navigationLink"] = f"{link}/{name}"
        return body

    def _expand(
        self, entities: Sequence[Entity], bodies: Sequence[dict[str, Any]], relation: str, deeper: Options
    ) -> None:
        target, many = entities[0].kind.relations[relation]
        if target == "Observations":
            parts = self._observations_of(entities, deeper)
        elif many:
            parts = [self._chosen(self._finder.related(one, relation), deeper) for one in entities]
        else:
            parts = [_Part(self._finder.related(one, relation)[:1]) for one in entities]
        distinct = {one.address: one for part in parts for one in part.entities}
        shown = dict(zip(distinct, self._render(list(distinct.values()), deeper), strict=True))
        for entity, body, part in zip(entities, bodies, parts, strict=True):
            inside = [shown[one.address] for one in part.entities]
            if part.count is not None:
                body[f"{relation}@iot.count"] = part.count
            body[relation] = inside if many else inside[0] if inside else None
            body[f"{relation}@iot.navigationLink"] = f"{self._link(entity)}/{relation}"
            if part.following:
                body[f"{relation}@iot.nextLink"] = f"{self._link(entity)}/{relation}?{part.following}"

    def _arrays(self, entities: Sequence[Entity], options: Options) -> list[dict[str, Any]]:
        """Observations as one array for each Datastream, in the page's order."""
        if options.expand:
            raise BadQuery("a data array has no room for $expand")
        names = tuple(one for one in options.select if "/" not in one) or COMPONENTS
        groups: dict[int, list[Entity]] = {}
        for one in entities:
            groups.setdefault(one.series, []).append(one)
        made = []
        for series, group in groups.items():
            rows = [
                [to_json(one.id if name in ("id", "@iot.id") else one.get(name)) for name in names] for one in group
            ]
            made.append(
                {
                    "Datastream@iot.navigationLink": f"{self._base}/Datastreams({series})",
                    "components": list(names),
                    "dataArray@iot.count": len(rows),
                    "dataArray": rows,
                }
            )
        return made

    def _property(self, here: Address) -> Answer:
        assert here.entity is not None
        entity = self._whole(here.entity)
        head, *keys = here.keys
        value: Any = entity.id if head in ("id", "@iot.id") else entity.get(head)
        if head == "@iot.selfLink":
            value = self._link(entity)
        for key in keys:
            if not isinstance(value, Mapping) or key not in value:
                raise NoSuchEntity(f"{entity.address}/{'/'.join(here.keys)} is not there")
            value = value[key]
            value = value() if callable(value) else value
        if value is None:
            return Answer("", 204, text=True)
        shown = to_json(value)
        if not here.value:
            return Answer({here.keys[-1]: shown})
        if isinstance(shown, (dict, list)):
            return Answer(shown)
        if isinstance(value, Decimal):
            shown = bytes(shown).decode()
        return Answer(str(shown), text=True)

    def _check_paths(self, kind: Kind, options: Options) -> None:
        trees = [one for one in (options.filter, *(tree for tree, _ in options.order)) if one is not None]
        for tree in trees:
            for path in _paths(tree):
                check_path(kind, path, dict(KINDS))
        for name, deeper in options.expand.items():
            self._check_paths(KINDS[kind.relations[name][0]], deeper)


def _only_newest(where: Condition, order: Sequence[tuple[str, bool]], options: Options) -> bool:
    """Whether the newest row of each series is all that is asked: kept in memory."""
    return where == TRUE and order[0] == ("time", True) and options.limit == 1 and not (options.skip or options.token)


def _paths(tree: Expression) -> Iterable[Path]:
    if isinstance(tree, Path):
        yield tree
    elif isinstance(tree, Call):
        for one in tree.given:
            yield from _paths(one)


def _is_id(tree: Expression) -> bool:
    """Whether a filter is ``id eq …`` with a text."""
    if not isinstance(tree, Call) or tree.name != "eq":
        return False
    path = next((one for one in tree.given if isinstance(one, Path)), None)
    literal = next((one for one in tree.given if not isinstance(one, (Path, Call))), None)
    if path is None or literal is None or path.parts not in (("id",), ("@iot.id",)):
        return False
    return isinstance(literal.value, str)


def _selected(value: Any, name: str, select: Sequence[str]) -> Any:
    """A property, or of an object only the keys that ``$select=properties/key`` names."""
    keys = {one.split("/")[1] for one in select if one.startswith(f"{name}/")}
    if not keys or name in select or not isinstance(value, Mapping):
        return value
    return {key: one for key, one in value.items() if key in keys}


def _token(row: Row, order: Sequence[tuple[str, bool]]) -> str:
    """Where the next page begins: the order's columns of the last row, opaque to clients."""
    end = row.time if row.end is None else row.end
    columns = {
        "time": row.time, "series": row.series, "end": end, "seq": row.seq, "flag": int(row.flag),
        "value": None if row.value is None else str(row.value),
    }  # fmt: skip
    text = _tokens.encode([columns[name] for name, _ in order])
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


def _after(token: str, order: Sequence[tuple[str, bool]]) -> tuple[Decimal | None, ...] | None:
    if not token:
        return None
    try:
        told = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        found = tuple(None if one is None else Decimal(one) for one in told)
    except (ValueError, TypeError, binascii.Error, InvalidOperation):
        found = ()
    if len(found) != len(order) or any(one is not None and not one.is_finite() for one in found):
        raise BadQuery("this $skiptoken does not belong to this query; begin again at the first page")
    return found
