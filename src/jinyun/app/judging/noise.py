"""`noise`: function zones, boundaries, and the area and road noise of a city."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa

from jinyun.app.judging.headings import Recognised, Want, missing
from jinyun.app.judging.rows import Rows
from jinyun.app.judging.verb import TIMES, Options, Verb, day_window
from jinyun.app.judging.verdicts import JOIN, TEXT, WHOLE, common
from jinyun.app.judging.words import value_of
from jinyun.domains.noise.boundary import judge_boundary
from jinyun.domains.noise.city import judge_city
from jinyun.domains.noise.levels import HOUR_S, DayNight, Setting, day_from_seconds, ld_ln, ldn, night_of
from jinyun.domains.noise.zone import attainment, judge_zone
from jinyun.kernel.errors import BadInput, JinyunError
from jinyun.kernel.ports import MICRO, NO_VALUE
from jinyun.kernel.terms import CHINA, Verdict, instant

DB = "dB(A)"
SETTINGS = ("day_from", "night_from", "night")

LEVELS: dict[str, pa.DataType] = {"judged_ld": TEXT, "judged_ln": TEXT, "judged_ldn": TEXT}
ZONE_COLUMNS: dict[str, pa.DataType] = {
    **LEVELS, "judged_lmax_night": TEXT, "judged_day_status": TEXT, "judged_night_status": TEXT,
    "judged_day_limit": TEXT, "judged_night_limit": TEXT, "judged_level": WHOLE, "judged_class_label": TEXT,
    "deciding_factors": TEXT,
}  # fmt: skip


def zone_columns(verdict: Verdict, as_on: date | None) -> dict[str, Any]:
    """What a verdict on a point of a zone says of day and night."""
    items = {item.factor: item for item in verdict.items}
    ld, ln, top = items.get("ld"), items.get("ln"), items.get("lmx")
    return {
        "judged_ld": ld.figure if ld else None,
        "judged_ln": ln.figure if ln else None,
        "judged_lmax_night": top.figure if top else None,
        "judged_day_status": ld.status.value if ld else None,
        "judged_night_status": ln.status.value if ln else None,
        "judged_day_limit": ld.limit if ld else None,
        "judged_night_limit": ln.limit if ln else None,
        "judged_level": verdict.level,
        "judged_class_label": verdict.label_zh,
        "deciding_factors": JOIN.join(verdict.deciding) or None,
        **common(verdict, as_on),
    }


class Noise(Verb):
    uses = ("noise",)

    def wants(self) -> Sequence[Want]:
        numbers = ("leq", "ld", "ln", "lmax", "background")
        return (
            Want("name"), *TIMES, Want("zone"), Want("part"), Want("city"), *(Want(n, DB) for n in numbers),
            Want("length", "m"),
        )  # fmt: skip

    def need(self, found: Recognised, *names: str) -> None:
        for name in names:
            if name not in found.columns:
                raise missing(name, found)

    def zone_of(self, rows: Rows, row: int) -> str:
        word = rows.text("zone", row) or str(self.options.get("zone") or "")
        if not word:
            raise BadInput("the row names no noise zone", field="zone", hint="a column 功能区, or --zone 2")
        return word

    def part_of(self, rows: Rows, row: int, setting: Setting | None = None) -> str:
        """``day`` or ``night``: the column, the option, or the hour."""
        word = rows.text("part", row) or str(self.options.get("part") or "")
        if word:
            return value_of("part", word)
        found = rows.when(row)
        if found.second is None:
            raise BadInput("the row does not say whether it is of the day or of the night", field="part",
                           hint="a column 时段 (昼间, 夜间), times with hours, or --part day")  # fmt: skip
        return (setting or Setting()).period_at(_midnight(found.day) + found.second)

    def called(self, rows: Rows, row: int) -> str:
        return rows.text("name", row) or f"第{rows.batch.row_number(row)}行"


class ZoneRows(Noise):
    """Rows that have Ld and Ln already."""

    def columns(self) -> dict[str, pa.DataType]:
        return {**ZONE_COLUMNS, **self.tail()}

    def finish(self) -> None:
        if self.verdicts:
            self.notes.append(attainment(self.verdicts).sentence_zh)

    def check(self, found: Recognised) -> None:
        self.verdicts: list[Verdict] = []
        if not self.options.get("zone"):
            self.need(found, "zone")

    def one(self, rows: Rows, row: int) -> dict[str, Any]:
        ld, ln, top = (rows.figures(n).at(row).value if rows.has(n) else None for n in ("ld", "ln", "lmax"))
        lost = {n: ("缺测", "missing") for n, v in (("ld", ld), ("ln", ln)) if v is None and rows.has(n)}
        verdict = judge_zone(
            self.called(rows, row), self.zone_of(rows, row), ld=ld, ln=ln, lmax_night=top, day=rows.judged_on(row),
            window=day_window(rows.when(row).day), missing=lost,
        )  # fmt: skip
        self.verdicts.append(verdict)
        found = zone_columns(verdict, rows.reader.as_on)
        return {**found, "judged_ldn": None if ld is None or ln is None else str(ldn(ld, ln))}


@dataclass(slots=True)
class _Point:
    """Samples of one point."""

    zone: str
    times: list[np.ndarray] = field(default_factory=list)
    levels: list[np.ndarray] = field(default_factory=list)
    bursts: list[tuple[int, Decimal]] = field(default_factory=list)  # largest levels with their time


class ZoneSamples(Noise):
    """Hourly or 1-s rows: Ld, Ln and Ldn of every point and date, its verdict, and the attainment of zones."""

    grouped = True

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self.hour_ends = options.get("hour_label", "start") == "end"
        given = {name: options.get(name) for name in SETTINGS if options.get(name) not in (None, "", -1)}
        self.setting = Setting(**given)
        self.points: dict[str, _Point] = {}

    def fitting(self, found: Recognised) -> Verb:
        """A file with Ld and Ln instead of samples is judged row by row."""
        if "leq" not in found.columns and {"ld", "ln"} & set(found.columns):
            return ZoneRows(self.options)
        return self

    def check(self, found: Recognised) -> None:
        self.need(found, "leq")
        if "time" not in found.columns and "hour" not in found.columns:
            raise missing("time", found)
        if not self.options.get("zone"):
            self.need(found, "zone")

    def columns(self) -> dict[str, pa.DataType]:
        return {
            "scope": TEXT, "name": TEXT, "zone": TEXT, "date": TEXT, **ZONE_COLUMNS, "judged_day_hours": TEXT,
            "judged_night_hours": TEXT, "judged_day_rate": TEXT, "judged_night_rate": TEXT, **self.tail(),
        }  # fmt: skip

    def take(self, rows: Rows) -> None:
        levels, fits = rows.micros("leq")
        lut = [self._at(one) for one in rows.whens.cells] if rows.whens is not None else []
        for row in range(rows.count):
            if row in rows.problems:
                continue
            at = lut[rows.whens.codes[row]] if rows.whens is not None else None
            if at is None:
                rows.problem(row, "no-hour", "the row has a day but no time of the day")
            elif not fits[row]:
                rows.problem(row, "non-detect", "a sound level is a figure")
        names = [rows.text("name", row) for row in range(rows.count)]
        kept: dict[str, list[int]] = {}
        for row, name in enumerate(names):
            if row not in rows.problems:
                kept.setdefault(name, []).append(row)
        for name, mine in kept.items():
            try:
                zone = self.zone_of(rows, mine[0])
            except BadInput as wrong:
                for row in mine:
                    rows.problem(row, wrong.code, str(wrong))
                continue
            point = self.points.setdefault(name, _Point(zone))
            at = np.array([lut[rows.whens.codes[row]] for row in mine], np.int64)  # type: ignore[union-attr]
            point.times.append(at)
            point.levels.append(levels[mine])
            if rows.has("lmax"):
                tops = [(t, rows.figures("lmax").at(r).value) for t, r in zip(at.tolist(), mine, strict=True)]
                point.bursts += [(t, top) for t, top in tops if top is not None]

    def _at(self, when: Any) -> int | None:
        if isinstance(when, tuple) or when is None or when.second is None:
            return None
        return _midnight(when.day) + int(when.second) - (HOUR_S if self.hour_ends else 0)

    def results(self) -> list[dict[str, Any]]:
        out: list[dict[str, Any]] = []
        verdicts: list[Verdict] = []
        for name, point in self.points.items():
            for found, verdict in self._days(name or "测点", point):
                out.append(found)
                verdicts.append(verdict)
        if verdicts:
            rates = attainment(verdicts)
            self.notes.append(rates.sentence_zh)
            zones = dict.fromkeys(rate.zone for rate in rates.rates)
            for zone in zones:
                day, night = rates.of(zone, "day"), rates.of(zone, "night")
                out.append({"scope": "zone", "zone": zone, "judged_day_rate": _text(day.rate),
                            "judged_night_rate": _text(night.rate)})  # fmt: skip
            out.append({"scope": "all", "judged_day_rate": _text(rates.day.rate),
                        "judged_night_rate": _text(rates.night.rate)})  # fmt: skip
        return out

    def _days(self, name: str, point: _Point) -> list[tuple[dict[str, Any], Verdict]]:
        times, levels = np.concatenate(point.times), np.concatenate(point.levels)
        order = np.argsort(times, kind="stable")
        times, levels = times[order], levels[order]
        twice = np.flatnonzero(np.diff(times) == 0)
        if len(twice):
            self.notes.append(f"{name}: {len(twice)} times occur twice; the first figure of each counts")
            keep = np.r_[True, np.diff(times) != 0]
            times, levels = times[keep], levels[keep]
        step = int(np.median(np.diff(times))) if len(times) > 1 else HOUR_S
        hourly = step >= HOUR_S
        hours = {
            int(t): None if v == NO_VALUE else Decimal(int(v)) / MICRO
            for t, v in zip(times.tolist(), levels.tolist(), strict=True)
        } if hourly else {}  # fmt: skip
        dates = sorted({night_of(int(t), self.setting) if self.setting.period_at(int(t)) == "night" else _date(int(t))
                        for t in _hour_starts(times)})  # fmt: skip
        tops: dict[date, Decimal] = {}
        for at, top in point.bursts:
            if self.setting.period_at(at) == "night":
                day = night_of(at, self.setting)
                tops[day] = max(top, tops.get(day, top))
        out = []
        for day in dates:
            found = (
                ld_ln(hours, day, setting=self.setting) if hourly
                else day_from_seconds(times, levels, day, step_s=step, setting=self.setting)
            )  # fmt: skip
            if found.ld is None and found.ln is None and found.day_used == 0:
                continue  # the tail of a night that began before the file does
            try:
                verdict = self._verdict(name, point, day, found, tops.get(day))
            except JinyunError as wrong:
                self.notes.append(f"{name} {day}: {wrong}")
                continue
            row = {
                "scope": "day", "name": name, "zone": verdict.extra.get("zone"), "date": day.isoformat(),
                **zone_columns(verdict, self.options.edition_on), "judged_ldn": _text(found.ldn),
                "judged_day_hours": f"{found.day_used}/{found.day_due}",
                "judged_night_hours": f"{found.night_used}/{found.night_due}",
            }  # fmt: skip
            out.append((row, verdict))
        return out

    def _verdict(self, name: str, point: _Point, day: date, found: DayNight, top: Decimal | None) -> Verdict:
        lost = {}
        for factor, value, used, due in (
            ("ld", found.ld, found.day_used, found.day_due), ("ln", found.ln, found.night_used, found.night_due)
        ):  # fmt: skip
            if value is None:
                lost[factor] = (f"有效小时仅{used}个，应有{due}个", f"only {used} valid hours of {due}")
        return judge_zone(
            name, point.zone, ld=found.ld, ln=found.ln, lmax_night=top, day=self.options.edition_on or day,
            window=day_window(day), missing=lost,
        )  # fmt: skip


class BoundaryRows(Noise):
    """``--kind boundary``: one row, one measurement at a boundary."""

    def check(self, found: Recognised) -> None:
        self.need(found, "leq")

    def columns(self) -> dict[str, pa.DataType]:
        return {
            "judged_leq": TEXT, "judged_part": TEXT, "judged_lmax_night": TEXT, "judged_level": WHOLE,
            "judged_class_label": TEXT, "deciding_factors": TEXT, **self.tail(),
        }  # fmt: skip

    def one(self, rows: Rows, row: int) -> dict[str, Any]:
        def figure(name: str) -> Decimal | None:
            value: Decimal | None = rows.figures(name).at(row).value if rows.has(name) else None
            return value

        standard = str(self.options.get("standard") or "GB 12348-2008")
        standard = _named(standard)
        zone = None if standard.startswith("GB 12523") else self.zone_of(rows, row)
        part = self.part_of(rows, row)
        verdict = judge_boundary(
            self.called(rows, row), zone=zone, leq=figure("leq"), period=part, day=rows.judged_on(row),
            background=figure("background"), lmax=figure("lmax"),
            lmax_kind=str(self.options.get("lmax_kind") or "frequent"), indoor=bool(self.options.get("indoor")),
            standard=standard, window=day_window(rows.when(row).day),
        )  # fmt: skip
        items = {item.factor: item for item in verdict.items}
        return {
            "judged_leq": items["leq"].figure, "judged_part": part,
            "judged_lmax_night": items["lmx"].figure if "lmx" in items else None, "judged_level": verdict.level,
            "judged_class_label": verdict.label_zh, "deciding_factors": JOIN.join(verdict.deciding) or None,
            **common(verdict, rows.reader.as_on),
        }  # fmt: skip


class CityNoise(Noise):
    """``--kind area`` and ``--kind road``: one row of a city, year and part of the day from its grid or its roads."""

    grouped = True

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self.topic = str(options.get("kind"))
        self.groups: dict[tuple[str, int, str], list[tuple[Decimal, Decimal | None]]] = {}
        self.newest: dict[tuple[str, int, str], date] = {}

    def check(self, found: Recognised) -> None:
        self.need(found, "leq")
        if self.topic == "road":
            self.need(found, "length")

    def columns(self) -> dict[str, pa.DataType]:
        return {
            "name": TEXT, "year": WHOLE, "part": TEXT, "points": WHOLE, "judged_mean": TEXT, "judged_change": TEXT,
            "judged_level": WHOLE, "judged_class_label": TEXT, **self.tail(),
        }  # fmt: skip

    def take(self, rows: Rows) -> None:
        for row in range(rows.count):
            if row in rows.problems:
                continue
            try:
                part, day = self.part_of(rows, row), rows.when(row).day
            except JinyunError as wrong:
                rows.problem(row, wrong.code, str(wrong))
                continue
            cell = rows.figures("leq").at(row)
            length = rows.figures("length").at(row).value if self.topic == "road" else None
            if cell.value is None or (self.topic == "road" and length is None):
                rows.problem(row, "missing", "the level is missing" if cell.value is None else "the length is missing")
                continue
            key = (rows.text("city", row) or str(self.options.get("city") or "全市"), day.year, part)
            self.groups.setdefault(key, []).append((cell.value, length))
            self.newest[key] = max(day, self.newest.get(key, day))

    def results(self) -> list[dict[str, Any]]:
        out = []
        means: dict[tuple[str, int, str], Decimal] = {}
        for key in sorted(self.groups):
            (name, year, part), pairs, day = key, self.groups[key], self.newest[key]
            before = means.get((name, year - 1, part))
            try:
                verdict = judge_city(
                    name, self.topic, [level for level, _ in pairs], day=self.options.edition_on or day, period=part,
                    lengths=[length or Decimal(0) for _, length in pairs] if self.topic == "road" else None,
                    before=before, window=day_window(day),
                )  # fmt: skip
            except JinyunError as wrong:
                self.notes.append(f"{name} {year} {part}: {wrong}")
                out.append(
                    {"name": name, "year": year, "part": part, "points": len(pairs), "judged_problem": str(wrong)}
                )
                continue
            means[key] = Decimal(verdict.figure or 0)
            out.append(
                {
                    "name": name, "year": year, "part": part, "points": len(pairs), "judged_mean": verdict.figure,
                    "judged_change": verdict.extra.get("change"), "judged_level": verdict.level,
                    "judged_class_label": verdict.label_zh, **common(verdict, self.options.edition_on),
                    "judged_limit": verdict.items[0].limit,
                }
            )  # fmt: skip
        return out


def _named(word: str) -> str:
    digits = "".join(c for c in word if c.isdigit())
    for standard in ("GB 12348-2008", "GB 22337-2008", "GB 12523-2011"):
        if digits.startswith(standard[3:8]):
            return standard
    raise BadInput(f"--standard {word!r} is no boundary standard", field="standard",
                   hint="gb12348 (factory), gb22337 (social life) or gb12523 (construction site)")  # fmt: skip


def _text(value: Decimal | None) -> str | None:
    return None if value is None else format(value, "f")


def _midnight(day: date) -> int:
    return instant(datetime.combine(day, time(), CHINA))


def _date(at: int) -> date:
    return datetime.fromtimestamp(at, CHINA).date()


def _hour_starts(times: np.ndarray) -> list[int]:
    return [int(one) * HOUR_S for one in np.unique(times // HOUR_S)]


def noise_verb(options: Options) -> Verb:
    """By ``--kind``."""
    kind = str(options.get("kind") or "zone")
    makers: dict[str, Any] = {"zone": ZoneSamples, "area": CityNoise, "road": CityNoise, "boundary": BoundaryRows}
    if kind not in makers:
        raise BadInput(f"--kind {kind!r} is unknown", field="kind", hint=f"one of {', '.join(makers)}")
    verb: Verb = makers[kind](options)
    return verb
