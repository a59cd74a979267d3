"""Registers made for measuring: sites, units and many cases with whole histories, written straight into the tables.

What is written is what `SqlRecords` would have written: the same index entries, search text and history entries.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
from sqlalchemy import Engine, Table, insert

from jinyun.kernel.records import RecordType
from jinyun.kernel.terms import china_time
from jinyun.store import record_rules as rules
from jinyun.store.database import writing
from jinyun.store.schema import record, record_history, record_index

HOUR_US = 3_600_000_000
NOW = int(datetime(2026, 11, 20, tzinfo=UTC).timestamp()) * 1_000_000
SPAN_US = 2 * 365 * 24 * HOUR_US
PART = 2_000

TOWNS = (
    "北温泉", "龙凤桥", "朝阳", "天生", "东阳", "歇马", "蔡家岗", "童家溪", "施家梁", "复兴", "静观", "水土", "澄江",
    "三圣", "柳荫", "金刀峡", "天府",
)  # fmt: skip
RIVERS = ("梁滩河", "龙凤溪", "马鞍溪", "黑水滩河", "后河", "明家溪", "嘉陵江", "竹溪河", "桃花溪", "盘溪河")
TRADES = (
    "电镀", "印染", "造纸", "制药", "水泥", "火电", "垃圾焚烧", "城镇污水处理", "屠宰", "化工", "铸造", "酿造",
    "家具喷涂", "混凝土搅拌",
)  # fmt: skip
FACTORS = (
    "氨氮",
    "总磷",
    "化学需氧量",
    "高锰酸盐指数",
    "总氮",
    "二氧化硫",
    "氮氧化物",
    "颗粒物",
    "六价铬",
    "非甲烷总烃",
)
SOUND = (
    "夜间施工噪声扰民",
    "餐饮油烟直排",
    "渣土车抛洒",
    "露天焚烧秸秆",
    "污水漫溢",
    "河面漂浮油膜",
    "粉尘外逸",
    "异味刺鼻",
)
KINDS = (
    "outlet_exceedance", "section_class", "air_quality", "device", "complaint", "inspection", "rectification", "other",
)  # fmt: skip
STEPS = (
    ("create", "opened"), ("acknowledge", "acknowledged"), ("dispatch", "dispatched"), ("accept", "accepted"),
    ("begin", "acting"), ("add_cause", ""), ("add_measure", ""), ("report", "reported"), ("recover", "observing"),
    ("close", "closed"),
)  # fmt: skip
"""Ten entries of a case that went its way; one in ten takes another turn through reopening."""
PLACES, UNITS, FIRMS = 400, 40, 600


def _row(kind: RecordType, record_id: str, data: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "type": kind.id, "id": record_id, "version": 1, "state": "", "data": _json(data),
        "search": rules.search_text(kind, record_id, data), "created_at": NOW - SPAN_US, "updated_at": NOW - SPAN_US,
        "updated_by": "system", "deleted": False, "procedure": kind.procedure.version if kind.procedure else 1, **more,
    }  # fmt: skip


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def grounds(types: Mapping[str, RecordType]) -> Iterator[tuple[RecordType, str, dict[str, Any]]]:
    """Units, enterprises and sites that cases are about; a division has seventeen towns."""
    for n in range(UNITS):
        yield types["unit"], unit(n), {
            "name": f"{TOWNS[n % 17]}{('街道', '镇')[n % 2]}环保办{n:02d}", "kind": "town", "jurisdictions": [town(n)],
        }  # fmt: skip
    for n in range(FIRMS):
        yield types["enterprise"], f"e{n:04d}", {
            "name": f"重庆{TOWNS[n % 17]}{TRADES[n % 14]}第{n}有限公司", "jurisdiction": town(n), "industry": "3360",
        }  # fmt: skip
    for n in range(PLACES):
        name = f"{RIVERS[n % 10]}{TOWNS[n % 17]}{n:03d}断面" if n % 2 else f"{TRADES[n % 14]}厂{n:03d}号总排口"
        yield types["site"], f"s{n:04d}", {
            "name": name, "kind": "water_section" if n % 2 else "water_outlet", "jurisdiction": town(n),
            "enterprise": None if n % 2 else f"e{n % FIRMS:04d}",
        }  # fmt: skip


def unit(n: int) -> str:
    return f"u{n % UNITS:02d}"


def town(n: int) -> str:
    return f"500109{100 + n % 17:03d}"


def case(n: int, chance: random.Random) -> tuple[str, dict[str, Any], list[tuple[int, str, str]]]:
    """Id, data and history (µs, step, state after) of one case: three in four are closed."""
    place, level, kind = chance.randrange(PLACES), chance.randint(1, 4), chance.choice(KINDS)
    river, place_name, factor = chance.choice(RIVERS), TOWNS[place % 17], chance.choice(FACTORS)
    title = chance.choice((
        f"{river}{place_name}断面{factor}超标Ⅳ类", f"{place_name}{chance.choice(TRADES)}厂总排口{factor}超标",
        f"{place_name}{chance.choice(SOUND)}", f"{place_name}在线设备{factor}数据缺失", f"{river}水质异常波动，疑似偷排",  # noqa: E501
        f"督察反馈第{n % 97}项：{river}沿线整改不到位",
    ))  # fmt: skip
    closed = chance.random() < 0.75
    opened = NOW - (chance.randrange(SPAN_US) if closed else chance.randrange(60 * 24 * HOUR_US))
    steps = list(STEPS) if closed else list(STEPS[: chance.randint(2, 8)])
    if not closed:
        while len(steps) < 10:
            steps.append(("add_measure", ""))
    history, at = [], opened
    for step, state in steps:
        history.append((at, step, state or history[-1][2]))
        at += chance.randrange(12 * HOUR_US)
    site = f"s{place:04d}"
    data = {
        "title": title, "kind": kind, "matter": f"{kind}:{site}:{n}", "subject": site, "level": level,
        "enterprise": f"e{place:04d}" if place % 2 == 0 else None, "owner": unit(chance.randrange(UNITS)),
        "opened_at": china_time(opened // 1_000_000).isoformat(), "jurisdiction": town(place),
        "deadline": china_time(opened // 1_000_000 + 72 * 3600).isoformat(),
        "overdue": not closed and chance.random() < 0.2, "verdict_open": n + 1,
        "causes": [{"text": f"{factor}浓度升高，{place_name}上游来水异常", "by": "li", "at": "2026-01-01T00:00:00+08:00"}],  # noqa: E501
        "measures": [{"text": "加药、停产检修、加密监测", "by": "li", "at": "2026-01-01T00:00:00+08:00"}],
        "recovery": {"judge": "water.section_class", "subject": site, "status": "attains", "windows": 3,
                     "within_days": 7, "observe_days": 7, "max_level": 3},
        "report": "已责令企业停产整改，" * 10,
    }  # fmt: skip
    return f"{chance.getrandbits(64):016x}", {k: v for k, v in data.items() if v is not None}, history


def make(engine: Engine, types: Mapping[str, RecordType], cases: int, entries: int = 10) -> tuple[int, int]:
    """Write them; returns how many cases and history rows there are. `entries` of each case at most."""
    chance, kind, histories = random.Random(5), types["case"], 0
    batch = _Batch(engine)
    for one, record_id, data in grounds(types):
        clean = {name: value for name, value in data.items() if value is not None}
        batch.add(one, _row(one, record_id, clean), clean, [(NOW - SPAN_US, "create", "")])
    for n in range(cases):
        record_id, data, history = case(n, chance)
        history = history[:entries]
        histories += len(history)
        row = _row(
            kind, record_id, data, version=len(history), state=history[-1][2], created_at=history[0][0],
            updated_at=history[-1][0], updated_by=f"officer{n % 50:02d}",
        )  # fmt: skip
        batch.add(kind, row, data, history)
    batch.write()
    return cases, histories


class _Batch:
    """Rows by table, written together."""

    def __init__(self, engine: Engine) -> None:
        self.engine, self.made = engine, 0
        self.records: list[dict[str, Any]] = []
        self.histories: list[dict[str, Any]] = []
        self.index: list[dict[str, Any]] = []

    def add(
        self, kind: RecordType, row: dict[str, Any], data: Mapping[str, Any], history: list[tuple[int, str, str]]
    ) -> None:
        self.records.append(row)
        before = ""
        for version, (at, step, state) in enumerate(history, 1):
            after = data if version == 1 else {"causes": data["causes"]} if step == "add_cause" else {}
            self.histories.append({
                "type": kind.id, "id": row["id"], "version": version, "at": at, "actor": f"officer{version:02d}",
                "step": step, "state_before": before, "state_after": state, "before": "{}", "after": _json(after),
                "given": _json({"text": "现场核查"} if version > 1 else {}), "note": "",
            })  # fmt: skip
            before = state
        self.index += [
            {"type": kind.id, "id": row["id"], "field": name, "value": value, "number": number}
            for name, value, number in rules.index_entries(kind, data)
        ]
        if len(self.records) >= PART:
            self.write()

    def write(self) -> None:
        with writing(self.engine) as connection:
            for table, rows in ((record, self.records), (record_history, self.histories), (record_index, self.index)):
                if rows and self.engine.dialect.name == "postgresql":
                    _copy(connection, table, rows)
                elif rows:
                    connection.execute(insert(table), rows)
        for rows in (self.records, self.histories, self.index):
            rows.clear()


def _copy(connection: Any, table: Table, rows: list[dict[str, Any]]) -> None:
    names = list(rows[0])
    columns = ", ".join(f'"{name}"' for name in names)
    with connection.connection.cursor() as cursor, cursor.copy(f'COPY "{table.name}" ({columns}) FROM STDIN') as out:
        for row in rows:
            out.write_row([row[name] for name in names])
