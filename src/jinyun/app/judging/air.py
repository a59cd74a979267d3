"""`air-hour` and `air-day`: AQI of every row, a million rows at a time where the figures allow it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from jinyun.app.judging.cells import Kind
from jinyun.app.judging.files_in import Arrow
from jinyun.app.judging.headings import Recognised, Want
from jinyun.app.judging.rows import Rows
from jinyun.app.judging.verb import TIMES, Options, Verb, any_of
from jinyun.app.judging.verdicts import JOIN, TEXT, WHOLE, edition_text, picked
from jinyun.domains.air.aqi import Aqi, aqi_daily, aqi_hourly, rounded
from jinyun.domains.air.columns import AqiColumns, aqi_columns
from jinyun.domains.air.judges import CATEGORY_EN
from jinyun.domains.air.limits import IndexEdition, Key, index_edition, limit, limits_edition
from jinyun.kernel.errors import BadInput, JinyunError
from jinyun.kernel.factors import factor as factor_of
from jinyun.kernel.terms import CHINA, Period, Status, Window, instant
from jinyun.methods.columns import MISSING, round_half_even
from jinyun.methods.wording import listed, unit_words, window_words

POLLUTANTS = ("so2", "no2", "co", "o3", "pm10", "pm2_5")
ROLLING: Mapping[str, Key] = {
    "o3_8h": ("o3", "8h"), "pm10_24h": ("pm10", "24h"), "pm2_5_24h": ("pm2_5", "24h"), "so2_24h": ("so2", "24h"),
}  # fmt: skip
"""Rolling means that only the hourly text of 2012 uses."""


class NonDetect(BadInput):
    """A rule needs a figure, and the cell says that nothing was detected."""

    code = "non-detect"


class Air(Verb):
    """What hours and days share."""

    report = ""
    pollutants: tuple[str, ...] = POLLUTANTS

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self.grade = str(options.get("grade", "level2"))
        if self.grade not in ("level1", "level2"):
            raise BadInput(f"--grade {self.grade!r} is unknown", field="grade", hint="level1 or level2")
        self.left_out = tuple(options.get("not_monitored", ()))
        for name in self.left_out:
            if name not in POLLUTANTS:
                raise BadInput(f"--not-monitored {name!r} is no item of the AQI", hint=", ".join(POLLUTANTS))

    def wants(self) -> Sequence[Want]:
        return (Want("name"), *TIMES, *(Want(p, factor_of(_base(p)).unit) for p in self.pollutants))

    def check(self, found: Recognised) -> None:
        any_of(found, POLLUTANTS, "pollutants")
        absent = [p for p in POLLUTANTS if p not in found.columns and p not in self.left_out]
        if absent:
            self.notes.append(f"no column of {', '.join(absent)}: missing in every row")

    def columns(self) -> dict[str, pa.DataType]:
        parts = {f"judged_iaqi_{p}": WHOLE for p in POLLUTANTS}
        return {
            "judged_aqi": WHOLE, "judged_level": WHOLE, "judged_category": TEXT, "judged_primary": TEXT, **parts,
            **self.tail(),
        }  # fmt: skip

    # --- one by one ----------------------------------------------------------------------------------------------

    def figures(self, rows: Rows, row: int) -> dict[str, Decimal | None]:
        """The figures of a row; None: missing. Raises `BadInput` for a non-detect: an index needs a figure."""
        found: dict[str, Decimal | None] = {}
        for name in self.pollutants:
            if rows.has(name):
                cell = rows.figures(name).at(row)
                if cell.kind is Kind.NON_DETECT:
                    raise NonDetect(f"{name} was not detected, and an AQI has no rule for it",
                                   hint="write the figure, or leave the cell empty")  # fmt: skip
                found[name] = cell.value
        return found

    def index(self, values: Mapping[str, Decimal | None], table: IndexEdition) -> Aqi:
        raise NotImplementedError

    def over(self, values: Mapping[str, Decimal | None], result: Aqi, table: IndexEdition, day: date) -> bool:
        raise NotImplementedError

    def one(self, rows: Rows, row: int) -> dict[str, Any]:
        day = rows.judged_on(row)
        table, values = index_edition(day), self.figures(rows, row)
        result = self.index(values, table)
        status = Status.CANNOT_JUDGE
        if result.value is not None or self.over(values, result, table, day):
            status = Status.EXCEEDS if self.over(values, result, table, day) else Status.ATTAINS
        given: dict[str, Any] = {
            "judged_aqi": result.value,
            "judged_level": result.level.level if result.level else None,
            "judged_category": result.level.category_zh if result.level else "NA",
            "judged_primary": JOIN.join(result.primary) or None,
            **{f"judged_iaqi_{name}": result.of(name) for name in POLLUTANTS},
            "judged_status": status.value,
            "judged_limit": str(table.good_up_to),
            "judged_reason": _missing_text(result.missing) if result.value is None else None,
            **self._words(day, table, rows.reader.as_on),
        }
        if self.options.sentences:
            given |= self._sentences(rows, row, values, result, table)
        return given

    def _words(self, day: date, table: IndexEdition, as_on: date | None) -> dict[str, str]:
        standard, stage = limits_edition(day)
        words = {"transition": "（过渡阶段）", "final": "（最终阶段）"}.get(stage, "")
        return {
            "judged_edition": edition_text(table.standard, as_on),
            "judged_clause": f"{table.standard}；{standard}{words}",
        }

    def window(self, rows: Rows, row: int) -> Window:
        raise NotImplementedError

    def _sentences(
        self, rows: Rows, row: int, values: Mapping[str, Decimal | None], result: Aqi, table: IndexEdition
    ) -> dict[str, str]:
        """Two sentences that can be read out, as the node's own verdicts say them."""
        when_zh, when_en = window_words(self.window(rows, row))
        name = rows.text("name", row) or f"第{rows.batch.row_number(row)}行"
        if result.value is None or result.level is None:
            lost_zh = listed(factor_of(one).zh for one in result.missing)
            lost_en = listed((factor_of(one).en for one in result.missing), english=True)
            return {
                "judged_sentence_zh": f"{name}{when_zh}AQI不发布（NA）：{lost_zh}有效数据不足。",
                "judged_sentence_en": f"{name}, {when_en}: no AQI (NA), not enough valid data for {lost_en}.",
            }
        category = result.level.category_zh
        zh = f"{name}{when_zh}AQI {result.value}，{category}（{result.level.level_zh}）"
        en = f"{name}, {when_en}: AQI {result.value}, {CATEGORY_EN[category]}"
        parts = [(factor_of(p), rounded(p, v, table)) for p in result.primary if (v := values.get(p)) is not None]
        if parts:
            zh += "，首要污染物：" + listed(f"{f.zh} {n}{unit_words(f.unit)}" for f, n in parts)
            en += "; primary pollutant " + listed((f"{f.en} {n}{unit_words(f.unit)}" for f, n in parts), english=True)
        return {"judged_sentence_zh": zh + "。", "judged_sentence_en": en + "."}

    # --- by columns ----------------------------------------------------------------------------------------------

    def judge(self, rows: Rows) -> dict[str, Arrow]:
        """The rows whose figures fit millionths go by columns, edition by edition; the rest one by one."""
        if self.options.exact or self.options.sentences:
            return super().judge(rows)
        values: dict[str, NDArray[np.int64]] = {}
        plain = np.ones(rows.count, bool)
        for name in self.pollutants:
            if rows.has(name):
                values[name], fits = rows.micros(name)
                plain &= fits
        plain[list(rows.problems)] = False
        days = rows.days()
        editions: dict[tuple[str, str], tuple[date, list[int]]] = {}
        for code, day in enumerate(days.cells):
            if day is None:
                continue
            try:
                mark = (index_edition(day).standard, "".join(limits_edition(day)))
            except JinyunError:
                continue  # said row by row
            editions.setdefault(mark, (day, []))[1].append(code)
        pieces: list[tuple[NDArray[np.int64], dict[str, Arrow]]] = []
        for day, codes in editions.values():
            known = np.zeros(len(days.cells), bool)
            known[codes] = True
            mine = np.flatnonzero(plain & known[days.codes])
            if len(mine):
                picked = {name: column[mine] for name, column in values.items()}
                pieces.append((mine, self._piece(picked, day, rows.reader.as_on)))
        return self.together(rows, pieces)

    def index_columns(self, values: Mapping[str, NDArray[np.int64]], table: IndexEdition) -> AqiColumns:
        raise NotImplementedError

    def over_columns(
        self, values: Mapping[str, NDArray[np.int64]], found: AqiColumns, table: IndexEdition, day: date
    ) -> NDArray[np.bool_]:
        raise NotImplementedError

    def _piece(self, values: Mapping[str, NDArray[np.int64]], day: date, as_on: date | None) -> dict[str, Arrow]:
        """The judged columns of rows that one edition judges."""
        table = index_edition(day)
        found = self.index_columns(values, table)
        none = found.aqi < 0
        over = self.over_columns(values, found, table, day)
        categories = ["NA", *(level.category_zh for level in table.levels)]
        masks, back = np.unique(found.primary, return_inverse=True)
        primary = [JOIN.join(found.names(int(mask))) or None for mask in masks]
        lacks, lack_back = np.unique(np.where(none, found.missing, 0), return_inverse=True)
        reasons = [_missing_text(found.names(int(m))) if m else None for m in lacks]
        states = [Status.ATTAINS.value, Status.EXCEEDS.value, Status.CANNOT_JUDGE.value]
        state = np.where(over, 1, np.where(none, 2, 0))
        ranks = {0: 0, **{level.level: n for n, level in enumerate(table.levels, 1)}}
        rank = np.array([ranks.get(n, 0) for n in range(max(ranks) + 1)], np.int64)
        count = len(none)
        words = {**self._words(day, table, as_on), "judged_limit": str(table.good_up_to)}
        return {
            "judged_aqi": pa.array(found.aqi.astype(np.int32), mask=none),
            "judged_level": pa.array(found.level.astype(np.int32), mask=none),
            "judged_category": picked(categories, rank[found.level]),
            "judged_primary": picked(primary, back.reshape(-1)),
            **{
                f"judged_iaqi_{name}": pa.array(part.astype(np.int32), mask=part < 0)
                for name, part in found.iaqi.items()
            },
            "judged_status": picked(states, state),
            "judged_reason": picked(reasons, lack_back.reshape(-1)),
            **{name: pa.repeat(pa.scalar(word), count) for name, word in words.items()},
        }


def _base(name: str) -> str:
    return name if name in POLLUTANTS else name.rsplit("_", 1)[0]


def _missing_text(names: Sequence[str]) -> str:
    return "missing: " + ", ".join(names)


class AirHour(Air):
    """``air-hour``: AQI of hours. A label names the end of its hour unless --hour-label start says otherwise."""

    name = "air-hour"
    uses = ("air", "air-hour")

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self.method = str(options.get("method", "published"))
        self.hour_ends = options.get("hour_label", "end") == "end"
        if self.method == "text_2012":
            self.pollutants = (*POLLUTANTS, *ROLLING)

    def window(self, rows: Rows, row: int) -> Window:
        found = rows.when(row)
        start = _midnight(found.day) + (found.second or 0) // 3600 * 3600 - (3600 if self.hour_ends else 0)
        return Window(Period.HOUR if found.second is not None else Period.DAY, start, start + 3600)

    def _rolling(self, values: Mapping[str, Any]) -> dict[Key, Any]:
        return {key: values[name] for name, key in ROLLING.items() if values.get(name) is not None}

    def index(self, values: Mapping[str, Decimal | None], table: IndexEdition) -> Aqi:
        plain = {name: value for name, value in values.items() if name in POLLUTANTS}
        return aqi_hourly(plain, table, method=self.method, rolling=self._rolling(values), not_monitored=self.left_out)

    def over(self, values: Mapping[str, Decimal | None], result: Aqi, table: IndexEdition, day: date) -> bool:
        del values, day  # an hour is judged by its index
        return result.value is not None and result.value > table.good_up_to

    def index_columns(self, values: Mapping[str, NDArray[np.int64]], table: IndexEdition) -> AqiColumns:
        report = self.method if self.method in table.items else "published"
        plain = {n: v for n, v in values.items() if n in POLLUTANTS and n not in self.left_out}
        return aqi_columns(plain, table, report, rolling=self._rolling(values), not_monitored=self.left_out)

    def over_columns(
        self, values: Mapping[str, NDArray[np.int64]], found: AqiColumns, table: IndexEdition, day: date
    ) -> NDArray[np.bool_]:
        del values, day
        return found.aqi > table.good_up_to


class AirDay(Air):
    """``air-day``: AQI of days from daily means, O3 the daily maximum 8 h mean (and 1 h mean in the 2012 edition)."""

    name = "air-day"
    uses = ("air", "air-day")
    pollutants = (*POLLUTANTS, "o3_1h")

    def window(self, rows: Rows, row: int) -> Window:
        start = _midnight(rows.when(row).day)
        return Window(Period.DAY, start, start + 86400)

    def index(self, values: Mapping[str, Decimal | None], table: IndexEdition) -> Aqi:
        return aqi_daily(values, table, not_monitored=self.left_out)

    def _limits(self, table: IndexEdition, day: date) -> dict[str, Decimal]:
        """Limits that a day's figures are held against."""
        found: dict[str, Decimal | None] = {
            p: limit(p, "daily_max_8h" if p == "o3" else "daily", day, self.grade)
            for p in POLLUTANTS if p not in self.left_out
        }  # fmt: skip
        if ("o3", "1h") in table.items["daily"] and "o3" not in self.left_out:
            found["o3_1h"] = limit("o3", "hourly", day, self.grade)
        return {name: top for name, top in found.items() if top is not None}

    def over(self, values: Mapping[str, Decimal | None], result: Aqi, table: IndexEdition, day: date) -> bool:
        """A day attains by concentration: the 2026 text has no more exceedance pollutants."""
        del result
        limits = self._limits(table, day)
        return any(
            value is not None and name in limits and rounded(_base(name), value, table) > limits[name]
            for name, value in values.items()
        )

    def index_columns(self, values: Mapping[str, NDArray[np.int64]], table: IndexEdition) -> AqiColumns:
        hour = ("o3", "1h") in table.items["daily"]
        use = {n: v for n, v in values.items() if n not in self.left_out and (n != "o3_1h" or hour)}
        return aqi_columns(use, table, "daily", not_monitored=self.left_out)

    def over_columns(
        self, values: Mapping[str, NDArray[np.int64]], found: AqiColumns, table: IndexEdition, day: date
    ) -> NDArray[np.bool_]:
        over = np.zeros(len(found.aqi), bool)
        for name, top in self._limits(table, day).items():
            if name in values:
                places = table.places.get(_base(name), 0)
                steps = round_half_even(values[name], places)
                over |= (steps != MISSING) & (steps > int(top.scaleb(places)))
        return over


def _midnight(day: date) -> int:
    return instant(datetime.combine(day, time(), CHINA))
