"""SensorThings over one house: sites, devices, factors and series as entities, readings as Observations.

Entities are built from the registers when these changed; counts, first and latest readings come from what the store
maintains, pages from `store.pages`.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from jinyun.app.services.sensorthings_entities import Catalogue
from jinyun.kernel.conditions import Condition
from jinyun.kernel.errors import BadInput, NotPermitted
from jinyun.kernel.ports import MICRO, NO_VALUE, Actor, Arrival, Block
from jinyun.kernel.terms import Flag, Origin, Period, Reject, SeriesKey, china_time
from jinyun.share.sensorthings import (
    Answer,
    Ask,
    BadQuery,
    Entity,
    New,
    NotAllowed,
    Reader,
    Row,
    StaError,
    Writer,
    parse_options,
    period_end,
)
from jinyun.store.pages import Page

if TYPE_CHECKING:
    from jinyun.app.assemble import House
    from jinyun.store.query import Found

StaAnswer = Answer
ROLES = ("officer", "admin")
"""Who may create Observations: one of these roles."""
LINK = "sta"
REMEMBERED = 20_000
"""Sequence numbers whose moment of arrival is kept in memory."""
_FLAGS = {int(flag): flag for flag in Flag}


class SensorThings:
    """GET and POST of the service."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._source = HouseSource(house)

    def get(self, path: str, pairs: Sequence[tuple[str, str]], base: str) -> Answer:
        """The answer to a GET of `path` below the service's address `base`, with (option, text) pairs.

        Raises
        ------
        StaError
            With the HTTP status in `status_hint`.
        """
        reader = Reader(self._source, base)
        try:
            return reader.get(path, parse_options(pairs)) if path.strip("/") else reader.root()
        except BadInput as wrong:
            raise _bad(wrong) from None

    def post(self, path: str, body: bytes, base: str, actor: Actor, peer: str = "") -> Answer:
        """Create Observations. What is refused goes to the table of rejects, with its sentence."""
        if not set(ROLES) & set(actor.roles):
            raise NotPermitted(f"creating Observations needs one of the roles {', '.join(ROLES)}")
        writer = Writer(self._source, Reader(self._source, base), actor.name)
        try:
            answer = writer.post(path, _parsed(body))
        except StaError as wrong:
            self._refuse([(str(wrong), body)], peer)
            raise
        self._refuse([(one.sentence, _bytes(one.body)) for one in writer.refused], peer)
        return answer

    def not_changed(self, path: str) -> StaError:
        """What a PUT, PATCH or DELETE is told."""
        hint = "a correction of a reading is made at /api/corrections, a change of a site or device in its record"
        return NotAllowed(f"{path[:80]!r}: nothing is changed or deleted here; {hint}")

    def _refuse(self, refused: Sequence[tuple[str, bytes]], peer: str) -> None:
        now = self._house.clock.now()
        self._house.rejects.add(
            [
                Reject(at=now, link=LINK, peer=peer, mn="", reason="sta-observation", sentence=why, data=data[:4000])
                for why, data in refused
            ]
        )


class HouseSource:
    """The `Source` port over one house."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._catalogue = Catalogue(house)
        self._creating = threading.Lock()
        self._received: dict[int, int] = {}

    def now(self) -> datetime:
        micros = self._house.clock.now()
        return china_time(micros // MICRO).replace(microsecond=micros % MICRO)

    def all(self, kind: str) -> Sequence[Entity]:
        return self._catalogue.all(kind)

    def get(self, kind: str, id: str | int) -> Entity | None:
        return self._catalogue.get(kind, id)

    def related(self, entity: Entity, relation: str) -> Sequence[Entity]:
        return self._catalogue.related(entity, relation)

    def series_of(self, entity: Entity) -> tuple[int, ...]:
        return self._catalogue.series_of(entity)

    def all_series(self) -> Sequence[int]:
        return [number for number, key in enumerate(list(self._house.readings.series_keys())) if key.site]

    def key_of(self, series: int) -> SeriesKey:
        key: SeriesKey = self._house.readings.series_key(series)
        return key

    # --- rows ----------------------------------------------------------------------------------------

    def page(self, ask: Ask) -> list[Row]:
        return self._rows(self._house.readings.pages.page(_asked(ask)))

    def pages(self, ask: Ask) -> Mapping[int, Sequence[Row]]:
        found = self._house.readings.pages.pages(_asked(ask))
        return {series: self._rows(one) for series, one in found.items()}

    def latest(self, series: Sequence[int] | None) -> Sequence[Row]:
        return self._rows(self._house.readings.pages.latest(series))

    def count(self, series: Sequence[int] | None, where: Condition) -> int:
        return int(self._house.readings.pages.count(series, where))

    def counts(self, series: Sequence[int], where: Condition) -> Mapping[int, int]:
        found: Mapping[int, int] = self._house.readings.pages.counts(series, where)
        return found

    def row(self, series: int, time: int) -> Row | None:
        where = ("eq", ("col", "time"), ("num", Decimal(time)))
        return next(iter(self.page(Ask((series,), where, limit=1))), None)

    def received(self, seqs: Sequence[int]) -> Mapping[int, int]:
        """When the messages of some sequence numbers came [µs]; what was looked up is remembered: it never changes."""
        known = self._received
        found = {seq: known[seq] for seq in seqs if seq in known}
        if lacking := [seq for seq in seqs if seq not in found]:
            fresh = self._house.readings.pages.received(lacking)
            found |= fresh
            self._received = {**known, **fresh} if len(known) + len(fresh) <= REMEMBERED else dict(fresh)
        return found

    def _rows(self, found: Found) -> list[Row]:
        columns = (found.series, found.time, found.value, found.flag, found.seq)
        keys = self._house.readings.series_keys()
        rows = []
        for series, moment, value, flag, seq in zip(*(one.tolist() for one in columns), strict=True):
            number = None if value == NO_VALUE else Decimal(value).scaleb(-6)
            rows.append(Row(series, moment, period_end(keys[series].period, moment), number, _FLAGS[flag], seq))
        return rows

    # --- creating ------------------------------------------------------------------------------------

    def create(self, new: Sequence[New], author: str) -> Sequence[bool]:
        """Through the store's own intake, as an import by `author`; returns when all is committed to disk."""
        house = self._house
        with self._creating:
            fresh = self._fresh(new)
            now = house.clock.now()
            blocks: dict[tuple[str, Period, int, str], list[New]] = {}
            for one in new:
                key = house.readings.series_key(one.series)
                blocks.setdefault((key.site, key.period, one.time, one.reason), []).append(one)
            for (site, period, moment, reason), group in blocks.items():
                house.readings.put(
                    Block(
                        time=moment,
                        series=np.array([one.series for one in group], np.int32),
                        values=np.array([int(one.value * MICRO) for one in group], np.int64),
                        flags=np.array([int(one.flag) for one in group], np.uint8),
                        received_at=now, origin=Origin.IMPORT, mn="", site=site, ref=None, author=author,
                        reason=reason or "SensorThings", period=period,
                    )
                )  # fmt: skip
            house.readings.flush()
        arrived = {key[:3] for key, group in blocks.items()}
        for site, period, moment in arrived:
            house.judge.touch(Arrival(site, "", period, moment, now))
            house.bus.publish("arrival", {"site": site, "mn": "", "period": period})
        return fresh

    def _fresh(self, new: Sequence[New]) -> list[bool]:
        """Which of them say something new, given what is stored and those before them."""
        keys = sorted({(one.series, one.time) for one in new})
        known, value, flag = self._house.readings.pages.current_of(
            np.array([series for series, _ in keys], np.int64), np.array([moment for _, moment in keys], np.int64)
        )
        state = {key: (int(v), int(f)) for key, k, v, f in zip(keys, known, value, flag, strict=True) if k}
        fresh = []
        for one in new:
            said = int(one.value * MICRO), int(one.flag)
            fresh.append(state.get((one.series, one.time)) != said)
            state[one.series, one.time] = said
        return fresh


def _asked(ask: Ask) -> Page:
    return Page(ask.series, ask.where, ask.order, ask.after, ask.skip, ask.limit)


def _bad(wrong: BadInput) -> StaError:
    return BadQuery(str(wrong))


def _parsed(body: bytes) -> Any:
    """JSON with exact decimals."""

    def constant(name: str) -> Any:
        raise ValueError(f"{name} is no JSON number")

    try:
        return json.loads(body, parse_float=Decimal, parse_constant=constant)
    except (ValueError, RecursionError) as wrong:
        raise BadQuery(f"the body is no JSON: {wrong}") from None


def _bytes(body: Any) -> bytes:
    return msgspec.json.encode(body)
