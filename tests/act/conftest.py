"""A desk over the real stores: verdicts go in as the judge room would tell them, alarms and cases come out."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event, insert, update

from jinyun.act.room import ActRoom
from jinyun.act.rules import Rules, load_rules
from jinyun.domains import registry, supervision
from jinyun.kernel.ports import MICRO, SYSTEM, Actor, DeviceProfile, Record
from jinyun.kernel.terms import (
    CHINA,
    LENGTHS,
    Period,
    ReadingRef,
    Status,
    Verdict,
    VerdictItem,
    Window,
    china_time,
    instant,
)
from jinyun.store.database import make_engine, open_database
from jinyun.store.kv import SqlKeyValue
from jinyun.store.records import SqlRecords
from jinyun.store.schema import attachment
from jinyun.store.schema import record as record_table
from jinyun.store.verdicts import SqlVerdicts

OFFICER = Actor("li", ("officer",))
TYPES = {one.id: one for one in (*registry.DOMAIN.records, *supervision.DOMAIN.records)}
ROMAN = ("", "Ⅰ", "Ⅱ", "Ⅲ", "Ⅳ", "Ⅴ", "劣Ⅴ")


class Bus:
    """Keeps what was said."""

    def __init__(self) -> None:
        self.said: list[tuple[str, Mapping[str, Any]]] = []

    def publish(self, topic: str, event: Mapping[str, Any]) -> None:
        self.said.append((topic, event))


class HandClock:
    def __init__(self, at: int) -> None:
        self.at = at

    def now(self) -> int:
        return self.at * MICRO


class Directory:
    def __init__(self) -> None:
        self.version = 1
        self.profiles: dict[str, DeviceProfile] = {}

    def get(self, mn: str) -> DeviceProfile | None:
        return self.profiles.get(mn)

    def all(self) -> list[DeviceProfile]:
        return list(self.profiles.values())


class Desk:
    """One act room over real stores, with hands to move time and verdicts."""

    day = instant(datetime(2026, 3, 2, tzinfo=CHINA))  # a Monday, China time

    def __init__(self, engine: Any, rules: Rules | None = None) -> None:
        self.clock, self.bus, self.directory = HandClock(self.day), Bus(), Directory()
        self.seen: dict[str, int] = {}
        self.engine, self.rules = engine, rules or load_rules()
        self.records, self.kv = SqlRecords(engine, TYPES, self.clock), SqlKeyValue(engine)
        self.verdicts = SqlVerdicts(engine)
        self.room = self.new_room()
        self._sites()

    def new_room(self) -> ActRoom:
        return ActRoom(
            records=self.records, verdicts=self.verdicts, rules=self.rules, kv=self.kv, clock=self.clock,
            bus=self.bus, profiles=self.directory, last_seen=lambda: self.seen,
        )  # fmt: skip

    def restart(self) -> None:
        """As after a kill: everything in memory is gone, the stores are read anew."""
        self.records, self.kv = SqlRecords(self.engine, TYPES, self.clock), SqlKeyValue(self.engine)
        self.verdicts = SqlVerdicts(self.engine)
        self.room = self.new_room()
        self.room.recover()

    def _sites(self) -> None:
        create = self.records.create
        create("enterprise", {"name": "缙云纸业", "uscc": "91130200699229617X"}, SYSTEM, id="e1")
        for name, kind, more in (
            ("o1", "water_outlet", {"enterprise": "e1", "jurisdiction": "500109"}),
            ("o2", "stack_outlet", {"enterprise": "e1"}),
            ("s1", "water_section", {"target_class": 3, "river": "龙凤溪"}),
            ("a1", "air_station", {}),
            ("n1", "noise_station", {}),
        ):
            create("site", {"name": f"{name}点", "kind": kind, "place": {"lon": 106.4, "lat": 29.8}, **more}, SYSTEM,
                   id=name)  # fmt: skip

    # --- time and verdicts ------------------------------------------------------------------------------------------

    def hour(self, n: int) -> int:
        """Start of the n-th hour of the story."""
        return self.day + n * 3600

    def to(self, at: int) -> None:
        self.clock.at = max(self.clock.at, at)

    def tell(self, verdict: Verdict) -> Verdict:
        """Store a verdict and say so, as the judge room does, at the end of its window or now if that is later."""
        self.to(verdict.window.end)
        previous = self.verdicts.current(verdict.judge, verdict.subject, verdict.window)
        stored = self.verdicts.add([verdict])[0]
        self.room.on_verdict(stored, previous)
        return stored

    def outlet(self, n: int, cod: str | None, nh3: str | None = "1.0", *, subject: str = "o1") -> Verdict:
        return self.tell(outlet_verdict(self.hour(n), {"cod_cr": cod, "nh3_n": nh3}, subject=subject))

    def section(self, n: int, level: int | None, *, target: int = 3, subject: str = "s1") -> Verdict:
        return self.tell(section_verdict(self.hour(n), level, target=target, subject=subject))

    def aqi(self, n: int, value: int) -> Verdict:
        return self.tell(aqi_verdict(self.hour(n), value))

    def device(self, mn: str = "M1", site: str = "o1", **more: Any) -> None:
        self.directory.profiles[mn] = DeviceProfile(mn, site, "water_outlet", name="总排口数采仪", **more)

    def hear(self, mn: str = "M1") -> None:
        self.seen[mn] = self.clock.now()

    # --- what came of it --------------------------------------------------------------------------------------------

    def alarms(self, rule: str = "", *, state: str = "") -> list[Record]:
        found = self.records.find("alarm", states=(state,) if state else (), order="started_at")
        return [one for one in found if rule in ("", one.data["rule"])]

    def cases(self) -> list[Record]:
        return self.records.find("case", order="created_at")

    def steps(self, case: Record) -> list[str]:
        return [one.step for one in self.records.history("case", case.id) if one.step != "update"]

    def attachment(self) -> str:
        """A file that was uploaded."""
        made = secrets.token_hex(8)
        row = {
            "id": made, "sha256": "0" * 64, "name": "现场.jpg", "media": "image/jpeg", "bytes": 9, "at": 0,
            "actor": "li", "meta": "{}", "used": False,
        }  # fmt: skip
        with self.engine.begin() as connection:
            connection.execute(insert(attachment), row)
        return made

    def run_on(self, record: Record, version: int) -> None:
        """As one that began when that version of the procedure was the newest."""
        with self.engine.begin() as connection:
            mine = (record_table.c.type == record.type, record_table.c.id == record.id)
            connection.execute(update(record_table).where(*mine).values(procedure=version))

    def act(self, case: Record, step: str, actor: Actor = OFFICER, **given: Any) -> Record:
        context = self.room.case_context(case.id)
        return self.records.step("case", case.id, step, given, actor, context=context)

    def at(self, n: int) -> str:
        """The n-th hour as records write it."""
        return china_time(self.hour(n)).isoformat()


LIMITS = {"cod_cr": Decimal(50), "nh3_n": Decimal(5)}


def outlet_verdict(
    start: int, figures: Mapping[str, str | None], *, subject: str = "o1", judge: str = "emission.outlet_hour",
    period: Period = Period.HOUR, moment: int = 0,
) -> Verdict:  # fmt: skip
    """An outlet verdict on limits of COD 50 and NH3-N 5 mg/L; None cannot be judged; equal to a limit attains."""
    items = []
    for factor, text in figures.items():
        limit = LIMITS[factor]
        over = text is not None and Decimal(text) > limit
        status = Status.CANNOT_JUDGE if text is None else Status.EXCEEDS if over else Status.ATTAINS
        times = str(((Decimal(text) - limit) / limit).quantize(Decimal("0.01"))) if over and text else None
        refs = (ReadingRef(1, moment, 1),) if moment else ()
        items.append(VerdictItem(factor, text, "mg/L", status, str(limit), multiple=times, readings=refs))
    states = [one.status for one in items]
    status = next((s for s in (Status.EXCEEDS, Status.CANNOT_JUDGE) if s in states), Status.ATTAINS)
    worst = max(items, key=lambda one: Decimal(one.figure or 0) / LIMITS[one.factor])
    return Verdict(
        judge=judge, subject=subject, window=Window(period, start, start + LENGTHS[period]), status=status,
        figure=worst.figure, unit="mg/L", limit=worst.limit, clause="许可限值", edition="permit",
        level={"attains": 1, "exceeds": 5}.get(status), label_zh="", label_en="",
        deciding=tuple(i.factor for i in items if i.status is Status.EXCEEDS), items=tuple(items),
        sentence_zh="", sentence_en="",
    )  # fmt: skip


def section_verdict(start: int, level: int | None, *, target: int = 3, subject: str = "s1") -> Verdict:
    status = Status.CANNOT_JUDGE if level is None else Status.EXCEEDS if level > target else Status.ATTAINS
    return Verdict(
        judge="water.section_class", subject=subject, window=Window(Period.HOUR, start, start + 3600), status=status,
        figure=None if level is None else str(level), unit="", limit=str(target), clause="表1", edition="GB 3838-2002",
        level=level, label_zh=f"{ROMAN[level]}类" if level else "无法判定", label_en=f"Class {ROMAN[level or 0]}",
        deciding=("nh3_n",) if status is Status.EXCEEDS else (), items=(), sentence_zh="", sentence_en="",
        extra={"target_class": target},
    )  # fmt: skip


def aqi_verdict(start: int, value: int) -> Verdict:
    """HJ 633: levels at 50, 100, 150, 200, 300; good days are those to 100."""
    level = 1 + sum(value > top for top in (50, 100, 150, 200, 300))
    return Verdict(
        judge="air.aqi_hour", subject="a1", window=Window(Period.HOUR, start, start + 3600),
        status=Status.ATTAINS if value <= 100 else Status.EXCEEDS, figure=str(value), unit="", limit="100",
        clause="", edition="HJ 633-2012", level=level, label_zh="", label_en="", deciding=("pm2_5",), items=(),
        sentence_zh="", sentence_en="",
    )  # fmt: skip


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with its schema in place, to be copied."""
    path = tmp_path_factory.mktemp("act") / "empty.db"
    open_database(path).dispose()
    return path


def _careless(connection: Any, _: Any) -> None:
    """Tests kill rooms, not machines: no waiting for the disk."""
    connection.execute("PRAGMA synchronous=OFF")


@pytest.fixture
def make_desk(tmp_path: Path, empty_database: Path) -> Iterator[Callable[..., Desk]]:
    """Desks of their own, each on a fresh database."""
    engines: list[Engine] = []

    def make(rules: Rules | None = None) -> Desk:
        path = tmp_path / f"desk{len(engines)}.db"
        shutil.copy(empty_database, path)
        engine = make_engine(path)  # a copy of the empty one: nothing to migrate
        event.listen(engine, "connect", _careless)
        engines.append(engine)
        return Desk(engines[-1], rules)

    yield make
    for engine in engines:
        engine.dispose()


@pytest.fixture
def desk(make_desk: Callable[..., Desk]) -> Desk:
    return make_desk()


@pytest.fixture
def verdict_of() -> Mapping[str, Any]:
    """The makers of verdicts, by name."""
    return {"outlet": outlet_verdict, "section": section_verdict, "aqi": aqi_verdict}
