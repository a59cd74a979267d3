"""Verdicts, append-only: a window judged again gives a higher revision, and the highest is current.

Laid out for millions of rows: judge, subject and period are one small key; what is asked by (key, window start) stands
in columns under a unique constraint; everything else, items and evidence too, is one compressed body.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from sys import intern
from typing import Any

import msgspec
import zstandard
from sqlalchemy import Engine, and_, exists, func, insert, select, tuple_
from sqlalchemy.exc import IntegrityError

from jinyun.kernel.errors import Conflict, NotFound
from jinyun.kernel.ports import MICRO, VerdictBrief
from jinyun.kernel.terms import Period, ReadingRef, Status, Verdict, VerdictItem, Window
from jinyun.store.database import reading, writing
from jinyun.store.schema import verdict as table
from jinyun.store.schema import verdict_key as key_table
from jinyun.store.verdict_bodies import BRIEF_DECODER, DECODER, LIGHT_DECODER, Body, BriefBody, Item
from jinyun.store.verdicts_then import VerdictsThen

_STATUSES = (Status.ATTAINS, Status.EXCEEDS, Status.CANNOT_JUDGE)  # stored by place: only ever add at the end
_CHUNK = 300
_CELLS = 50_000  # different (factor, figure, unit, reason) kept to be shared between briefs
_AHEAD_S = 3 * 86400
"""A window begins at most so long after the moment its verdict was computed, whatever a device's clock says. [s]"""
_Key = tuple[str, str, int]  # judge, subject, period


class SqlVerdicts:
    """The `VerdictStore` port. The newest window's verdict of each (subject, judge) is kept in memory."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.RLock()
        self.listeners: list[Callable[[Sequence[Verdict]], None]] = []
        """Told of verdicts once they are stored, in the thread that stored them."""
        self._cells: dict[tuple[str, str | None, str, str], tuple[str, str | None, str, str]] = {}
        self._keys: dict[_Key, int] = {}
        self._names: dict[int, _Key] = {}
        self._newest: dict[int, tuple[int, int]] = {}  # key -> (start, revision) of its newest window
        self._latest: dict[tuple[str, str], Verdict] = {}
        with reading(engine) as connection:
            for row in connection.execute(select(key_table)):
                self._remember((row.judge, row.subject, row.period), row.id)
            self._next = (connection.execute(select(func.max(table.c.id))).scalar() or 0) + 1
        self._load_latest()

    def add(self, verdicts: Sequence[Verdict]) -> list[Verdict]:
        """Store all in one transaction; returned with their ids, in the same order."""
        with self._lock:
            keys = [(v.judge, v.subject, int(v.window.period)) for v in verdicts]
            fresh = [key for key in dict.fromkeys(keys) if key not in self._keys]
            numbers = {key: n for n, key in enumerate(fresh, len(self._keys) + 1)}
            places = [
                (self._keys.get(key) or numbers[key], v.window.start) for key, v in zip(keys, verdicts, strict=True)
            ]
            try:
                with writing(self._engine) as connection:
                    if fresh:
                        names = ("judge", "subject", "period")
                        rows = [{"id": n, **dict(zip(names, key, strict=True))} for key, n in numbers.items()]
                        connection.execute(insert(key_table), rows)
                    revisions = self._revisions(connection, places)
                    rows, stored = [], []
                    for place, one in zip(places, verdicts, strict=True):
                        revisions[place] = revision = revisions.get(place, -1) + 1
                        kept = replace(one, id=self._next + len(rows))
                        rows.append(_row(kept, place[0], revision))
                        stored.append((kept, place, revision))
                    if rows:
                        connection.execute(insert(table), rows)
            except IntegrityError as wrong:
                raise Conflict(
                    "another process wrote verdicts to this store; a node's database has one owner"
                ) from wrong
            self._next += len(rows)
            for key, number in numbers.items():
                self._remember(key, number)
            for kept, (number, start), revision in stored:
                self._take_over(kept, number, start, revision)
        told = [kept for kept, _, _ in stored]
        for listener in self.listeners:
            listener(told)
        return told

    def get(self, id: int) -> Verdict:
        with reading(self._engine) as connection:
            row = connection.execute(select(table).where(table.c.id == id)).first()
        if row is None:
            raise NotFound("verdict", id)
        return self._verdict(row)

    def get_many(self, ids: Sequence[int]) -> dict[int, Verdict]:
        """Verdicts by id; those that are not there are left out."""
        found: dict[int, Verdict] = {}
        wanted = list(dict.fromkeys(ids))
        with reading(self._engine) as connection:
            for first in range(0, len(wanted), _CHUNK):
                query = select(table).where(table.c.id.in_(wanted[first : first + _CHUNK]))
                found |= {row.id: self._verdict(row) for row in connection.execute(query)}
        return found

    def current(self, judge: str, subject: str, window: Window) -> Verdict | None:
        """The highest revision for this window."""
        number = self._keys.get((judge, subject, int(window.period)))
        if number is None:
            return None
        query = select(table).where(table.c.key_id == number, table.c.start == window.start)
        with reading(self._engine) as connection:
            row = connection.execute(query.order_by(table.c.revision.desc()).limit(1)).first()
        return None if row is None else self._verdict(row)

    def at(self, as_of: int) -> VerdictsThen:
        """The verdicts as they stood at a moment [µs], for asking only."""
        return VerdictsThen(self, as_of)

    def currents(
        self, judge: str, subjects: Sequence[str], window: Window, *, up_to: int | None = None
    ) -> dict[str, Verdict]:
        """`current` of many subjects in one question; those without a verdict are left out. `up_to` a verdict's id:
        those that were current when that one was the newest in the store."""
        period = int(window.period)
        keys = {number: s for s in subjects if (number := self._keys.get((judge, s, period))) is not None}
        found: dict[str, Verdict] = {}
        numbers = list(keys)
        with reading(self._engine) as connection:
            for first in range(0, len(numbers), _CHUNK):
                query = select(table).where(
                    table.c.key_id.in_(numbers[first : first + _CHUNK]), table.c.start == window.start,
                    ~(_superseded if up_to is None else _superseded_by(up_to)),
                )  # fmt: skip
                if up_to is not None:
                    query = query.where(table.c.id <= up_to)
                found |= {keys[row.key_id]: self._verdict(row) for row in connection.execute(query)}
        return found

    def find(
        self,
        *,
        subject: str | None = None,
        judge: str | None = None,
        start: int | None = None,
        end: int | None = None,
        limit: int = 500,
        as_of: int | None = None,
        evidence: bool = True,
    ) -> list[Verdict]:
        """Current verdicts whose window starts in [start, end), newest window first; `as_of` [µs]: those that stood
        then, by when they were computed. Without `evidence` the readings they rest on are left out."""
        query = select(table)
        if subject is not None or judge is not None:
            with self._lock:
                numbers = [n for n, (j, s, _) in self._names.items() if subject in (None, s) and judge in (None, j)]
            if not numbers:
                return []
            if subject is not None:
                query = query.where(table.c.key_id.in_(numbers))
            else:
                query = query.where(table.c.key_id.in_(select(key_table.c.id).where(key_table.c.judge == judge)))
        if start is not None:
            query = query.where(table.c.start >= start)
        if end is not None:
            query = query.where(table.c.start < end)
        if as_of is None:
            query = query.where(~_superseded)
        else:
            up_to = self.newest_id_at(as_of)
            query = query.where(table.c.id <= up_to, ~_superseded_by(up_to))
        query = query.order_by(table.c.start.desc(), table.c.key_id).limit(limit)
        with reading(self._engine) as connection:
            return [self._verdict(row, evidence=evidence) for row in connection.execute(query)]

    def briefs(
        self, judge: str, subjects: Sequence[str] | None, start: int, end: int, *, up_to: int | None = None
    ) -> list[VerdictBrief]:
        """Current verdicts of one judge whose window starts in [start, end), by (subject, start), without readings.

        `up_to` a verdict's id: those that were current when that one was the newest in the store (`newest_id`)."""
        with self._lock:
            wanted = None if subjects is None else frozenset(subjects)
            keys = [n for n, (j, s, _) in self._names.items() if j == judge and (wanted is None or s in wanted)]
        unpack = zstandard.ZstdDecompressor().decompress
        found: list[VerdictBrief] = []
        columns = (table.c.id, table.c.key_id, table.c.start, table.c.end, table.c.level, table.c.status, table.c.body)
        with reading(self._engine) as connection:
            for first in range(0, len(keys), _CHUNK):
                query = select(*columns).where(
                    table.c.key_id.in_(keys[first : first + _CHUNK]), table.c.start >= start, table.c.start < end,
                    ~(_superseded if up_to is None else _superseded_by(up_to)),
                )  # fmt: skip
                if up_to is not None:
                    query = query.where(table.c.id <= up_to)
                rows = connection.execute(query)
                found += (self._brief(row, BRIEF_DECODER.decode(unpack(row.body))) for row in rows)
        found.sort(key=lambda one: (one.subject, one.start))
        return found

    def counted(self, judge: str, subjects: Sequence[str] | None, start: int, end: int) -> int:
        """How many windows that start in [start, end) have a verdict."""
        with self._lock:
            wanted = None if subjects is None else frozenset(subjects)
            keys = [n for n, (j, s, _) in self._names.items() if j == judge and (wanted is None or s in wanted)]
        total = 0
        with reading(self._engine) as connection:
            for first in range(0, len(keys), _CHUNK):
                query = select(func.count()).where(
                    table.c.key_id.in_(keys[first : first + _CHUNK]), table.c.start >= start, table.c.start < end,
                    table.c.revision == 0,
                )  # fmt: skip
                total += connection.execute(query).scalar_one()
        return total

    def bounds(self, judges: Sequence[str], subjects: Sequence[str]) -> tuple[int | None, int | None]:
        """Start of the first and of the last window judged. [s]"""
        with self._lock:
            asked, wanted = frozenset(judges), frozenset(subjects)
            keys = [number for number, (j, s, _) in self._names.items() if j in asked and s in wanted]
        found: list[int] = []
        with reading(self._engine) as connection:
            for first in range(0, len(keys), _CHUNK):
                mine = table.c.key_id.in_(keys[first : first + _CHUNK])
                row = connection.execute(select(func.min(table.c.start), func.max(table.c.start)).where(mine)).one()
                found += (at for at in row if at is not None)
        return (min(found), max(found)) if found else (None, None)

    def newest_id(self) -> int:
        """Id of the verdict stored last; 0 when there is none."""
        with self._lock:
            return self._next - 1

    def newest_id_at(self, as_of: int) -> int:
        """Id of the verdict stored last up to a moment [µs]; 0 when there was none. Ids rise with time: one owner
        stores what it has just computed."""
        low, high = 0, self.newest_id()
        with reading(self._engine) as connection:
            while low < high:
                middle = (low + high + 1) // 2
                first = select(table.c.computed_at).where(table.c.id >= middle).order_by(table.c.id).limit(1)
                found = connection.execute(first).scalar()
                if found is not None and found <= as_of:
                    low = middle
                else:
                    high = middle - 1
        return low

    def revisions(self, judge: str, subject: str, window: Window) -> list[Verdict]:
        """All verdicts ever given on a window, oldest first."""
        number = self._keys.get((judge, subject, int(window.period)))
        query = select(table).where(table.c.key_id == number, table.c.start == window.start).order_by(table.c.revision)
        with reading(self._engine) as connection:
            return [self._verdict(row) for row in connection.execute(query)]

    def latest(self) -> Mapping[tuple[str, str], Verdict]:
        """Newest window's verdict per (subject, judge); from memory."""
        with self._lock:
            return dict(self._latest)

    def latest_at(self, up_to: int, as_of: int) -> dict[tuple[str, str], Verdict]:
        """`latest` when the verdict `up_to` was the newest in the store, at `as_of` [µs]."""
        newest = (
            select(table.c.id)
            .where(table.c.key_id == key_table.c.id, table.c.id <= up_to, table.c.start <= as_of // MICRO + _AHEAD_S)
            .order_by(table.c.start.desc(), table.c.revision.desc())
            .limit(1)
            .scalar_subquery()
        )
        found: dict[tuple[str, str], Verdict] = {}
        if not up_to:
            return found
        with reading(self._engine) as connection:
            for row in connection.execute(select(table).where(table.c.id.in_(select(newest).select_from(key_table)))):
                one = self._verdict(row)
                held = found.get((one.subject, one.judge))
                if held is None or (one.window.start, one.id) >= (held.window.start, held.id):
                    found[one.subject, one.judge] = one
        return found

    def since(self, id: int, *, limit: int = 1000) -> list[Verdict]:
        """Verdicts with a higher id, superseded ones too, in the order they were stored."""
        query = select(table).where(table.c.id > id).order_by(table.c.id).limit(limit)
        with reading(self._engine) as connection:
            return [self._verdict(row) for row in connection.execute(query)]

    # --- inside -------------------------------------------------------------------------------------------------------

    def _revisions(self, connection: Any, places: Sequence[tuple[int, int]]) -> dict[tuple[int, int], int]:
        """Highest stored revision of each (key, start) that may be there already."""
        known: dict[tuple[int, int], int] = {}
        ask: list[tuple[int, int]] = []
        for place in dict.fromkeys(places):
            number, start = place
            newest = self._newest.get(number)
            if newest is None or start > newest[0]:
                continue
            if start == newest[0]:
                known[place] = newest[1]
            else:
                ask.append(place)
        for first in range(0, len(ask), _CHUNK):
            query = (
                select(table.c.key_id, table.c.start, func.max(table.c.revision))
                .where(tuple_(table.c.key_id, table.c.start).in_(ask[first : first + _CHUNK]))
                .group_by(table.c.key_id, table.c.start)
            )
            known.update({(number, start): revision for number, start, revision in connection.execute(query)})
        return known

    def _load_latest(self) -> None:
        """One index seek per key, not a scan of years."""
        newest = (
            select(table.c.id)
            .where(table.c.key_id == key_table.c.id)
            .order_by(table.c.start.desc(), table.c.revision.desc())
            .limit(1)
            .scalar_subquery()
        )
        with reading(self._engine) as connection:
            for row in connection.execute(select(table).where(table.c.id.in_(select(newest).select_from(key_table)))):
                self._take_over(self._verdict(row), row.key_id, row.start, row.revision)

    def _take_over(self, one: Verdict, number: int, start: int, revision: int) -> None:
        known = self._newest.get(number)
        if known is None or (start, revision) > known:
            self._newest[number] = (start, revision)
        name = (one.subject, one.judge)
        shown = self._latest.get(name)
        if shown is None or (one.window.start, one.id) >= (shown.window.start, shown.id):
            self._latest[name] = one

    def _remember(self, key: _Key, number: int) -> None:
        self._keys[key] = number
        self._names[number] = key

    def _verdict(self, row: Any, *, evidence: bool = True) -> Verdict:
        judge, subject, period = self._names[row.key_id]
        text = zstandard.ZstdDecompressor().decompress(row.body)
        body: Any = (DECODER if evidence else LIGHT_DECODER).decode(text)
        items = tuple(
            VerdictItem(
                i.factor, i.figure, i.unit, _STATUSES[i.status], i.limit, i.grade, i.multiple, i.clause, i.reason,
                tuple(ReadingRef(*ref) for ref in i.readings) if evidence else (),
            )
            for i in body.items
        )  # fmt: skip
        return Verdict(
            judge, subject, Window(Period(period), row.start, row.end), _STATUSES[row.status], body.figure, body.unit,
            body.limit, body.clause, body.edition, row.level, body.label_zh, body.label_en, tuple(body.deciding), items,
            body.sentence_zh, body.sentence_en, row.id, row.computed_at, body.code_version, body.extra,
        )  # fmt: skip

    def _brief(self, row: Any, body: BriefBody) -> VerdictBrief:
        """Texts that come again and again are kept once: thousands of these are held in memory."""
        cells, kept = [], self._cells
        for item in body.items:
            cell = (item.factor, item.figure, item.unit, "" if item.figure is not None else item.reason)
            cells.append(kept.setdefault(cell, cell))
        if len(kept) > _CELLS:
            kept.clear()
        return VerdictBrief(
            row.id, self._names[row.key_id][1], row.start, row.end, _STATUSES[row.status], row.level,
            body.figure and intern(body.figure), intern(body.clause), intern(body.edition), intern(body.label_zh),
            intern(body.label_en), tuple(map(intern, body.deciding)), tuple(cells),
        )  # fmt: skip


_later = table.alias()
_superseded = (
    exists()
    .where(
        and_(_later.c.key_id == table.c.key_id, _later.c.start == table.c.start, _later.c.revision > table.c.revision)
    )
    .correlate(table)
)  # fmt: skip
"""A condition on `table`: a later verdict on the same window exists. Made once: it takes longer to make than to ask."""


def _superseded_by(up_to: int) -> Any:
    """A condition on `table`: a later verdict on the same window existed when `up_to` was the newest id."""
    same = and_(_later.c.key_id == table.c.key_id, _later.c.start == table.c.start)
    later = and_(_later.c.revision > table.c.revision, _later.c.id <= up_to)
    return exists().where(and_(same, later)).correlate(table)


def _row(one: Verdict, number: int, revision: int) -> dict[str, Any]:
    items = [
        Item(
            i.factor, i.figure, i.unit, _STATUSES.index(i.status), i.limit, i.grade, i.multiple, i.clause, i.reason,
            [(r.series, r.time, r.seq) for r in i.readings],
        )
        for i in one.items
    ]  # fmt: skip
    body = Body(
        one.figure, one.unit, one.limit, one.clause, one.edition, one.label_zh, one.label_en, list(one.deciding), items,
        one.sentence_zh, one.sentence_en, one.code_version, dict(one.extra),
    )  # fmt: skip
    return {
        "id": one.id, "key_id": number, "start": one.window.start, "revision": revision, "end": one.window.end,
        "level": one.level, "status": _STATUSES.index(one.status), "computed_at": one.computed_at,
        "body": zstandard.ZstdCompressor(level=3).compress(msgspec.json.encode(body)),
    }  # fmt: skip
