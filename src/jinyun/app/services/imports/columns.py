"""From a table's cells to values of series: which column is what, and what each row says, column by column.

A wide table has a column per factor, a long one a column that names the factor and one that holds its value. Headings,
units and cells are read as for `jinyun judge` (app/judging).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import numpy as np

from jinyun.app.judging.cells import Kind, NoDate, When, number, plain, when
from jinyun.app.judging.headings import Recognised, Want, key, read_heading, recognise, spellings, unit_named
from jinyun.app.judging.rows import Reader
from jinyun.app.services.imports.options import Options
from jinyun.app.services.imports.places import Places
from jinyun.app.services.words import PERIODS
from jinyun.kernel.errors import BadInput
from jinyun.kernel.factors import Factor
from jinyun.kernel.terms import CHINA, LENGTHS, Period, SeriesKey, period_start
from jinyun.kernel.units import unit_factor

ZONED = re.compile(r".*\d(?:z|[+-]\d{2}:?\d{2})\s*", re.IGNORECASE)
CHINA_S = int(CHINA.utcoffset(None).total_seconds())
AHEAD_S = LENGTHS[Period.DAY]
"""A moment further ahead of the house's clock than this is no measurement. [s]"""

FACTOR_WORDS = (
    "factor", "factor_code", "parameter", "pollutant", "analyte", "variable", "item", "因子", "因子编码", "因子名称",
    "污染物", "污染物编码", "污染物名称", "监测项目", "监测因子", "监测指标", "项目", "指标", "参数",
)  # fmt: skip
VALUE_WORDS = ("value", "result", "concentration", "值", "数值", "监测值", "实测值", "监测结果", "结果", "浓度")
UNIT_WORDS = ("unit", "units", "uom", "单位", "计量单位")
FLAG_WORDS = ("flag", "qc", "mark", "status_flag", "标记", "数据标记", "数据标识", "质控标识", "状态标识", "数据状态")


class Parser:
    """Reads the batches of one file.

    Raises `BadInput` at once where headings, units or options do not do. What is wrong with a row or a cell is found
    later (`reading.read_batch`): it is refused and the rest goes on.
    """

    def __init__(self, headings: Sequence[str], options: Options, places: Places, now: int) -> None:
        self.options, self.places, self._now = options, places, now
        self.keys: list[SeriesKey] = []
        self._numbers: dict[SeriesKey, int] = {}
        maps = dict(options.maps)
        every = places.factors()
        known = _told_apart(every, {text.split("[")[0].strip() for text in maps.values()})
        self.factors: Mapping[str, Factor] = {one.id: one for one in known}
        self.long = options.form == "long" or (options.form == "auto" and _looks_long(headings, maps))
        wants = self._wants(known)
        self.found: Recognised = _recognise(headings, wants, known, options, maps)
        _not_mistaken(self.found, [one for one in every if one.id not in self.factors], self.factors)
        self.notes = [*self.found.notes, *self._check()]
        self._headings = list(headings)
        columns = {("at" if name == "time" else name): one for name, one in self.found.columns.items()}
        if "hour" in columns and "at" in columns:
            columns["time"] = columns.pop("at")
        self.reader = Reader(columns, {one.meaning: one for one in wants}, detection=self._detection())
        self._times: dict[str, int | tuple[str, str]] = {}
        self._sites: dict[str, int | tuple[str, str]] = {}

    # --- columns ------------------------------------------------------------------------------------------------------

    def _wants(self, known: Sequence[Factor]) -> list[Want]:
        texts = [Want(name) for name in ("name", "time", "hour", "year", "month", "month_day")]
        if self.long:
            return [
                *texts, Want("factor", needed=True, spellings=FACTOR_WORDS),
                Want("value", needed=True, spellings=VALUE_WORDS), Want("unit", spellings=UNIT_WORDS),
                Want("flag", spellings=FLAG_WORDS),
            ]  # fmt: skip
        wants = [Want("flag", spellings=FLAG_WORDS)]
        for one in known:
            signed = one.minimum is None or one.minimum < 0
            wants.append(Want(one.id, one.unit or "1", signed=signed))
            names = [name for name in (one.code, one.id, one.zh) if name]
            marks = [f"{name}-{word}" for name in names for word in ("flag", "标记", "标识")]
            wants.append(Want(f"{one.id}.flag", spellings=tuple(marks)))
        return [*texts, *wants]

    def _check(self) -> list[str]:
        """What is needed and not there is an error; what was taken for granted is said."""
        columns, notes = self.found.columns, []
        if "time" not in columns and "month" not in columns:
            raise BadInput("no column was recognised as the time; " + self.found.sentence(), field="time",
                           hint='name it with --map "heading=time"')  # fmt: skip
        if "name" not in columns and not self.places.site:
            raise BadInput("no column names the site; " + self.found.sentence(), field="site",
                           hint='say whose data they are with --site, or --map "heading=name"')  # fmt: skip
        if not self.long and not any(name in self.factors for name in columns):
            raise BadInput("no column was recognised as a factor; " + self.found.sentence(), field="factor",
                           hint='name one with --map "heading=pm2_5[ug/m3]"')  # fmt: skip
        assumed = [one.heading for one in columns.values() if one.assumed and one.meaning in self.factors]
        if assumed:
            notes.append(f"no unit in the headings {', '.join(assumed)}: the factor's own unit is taken")
        if "flag" not in columns and not any(name.endswith(".flag") for name in columns):
            notes.append(f"no column of flags: values are stored as {self.options.flag.lower()}")
        return notes

    def _detection(self) -> dict[str, Decimal]:
        found = {}
        for name, text in self.options.detection:
            cell = number(text)
            if name not in self.factors or cell.kind is not Kind.VALUE or cell.value is None:
                raise BadInput(f"detection limit {name}={text} is not factor=number", field="detection")
            found[name] = cell.value
        return found

    def described(self) -> list[dict[str, Any]]:
        """The columns for a page: heading, meaning, unit."""
        by = {one.position: one for one in self.found.columns.values()}
        told = []
        for position, heading in enumerate(self._headings):
            one = by.get(position)
            factor = self.factors.get(one.meaning) if one else None
            told.append({
                "heading": heading, "meaning": one.meaning if one else "", "unit": one.unit if one else "",
                "assumed": bool(one and one.assumed), "said": bool(one and one.said),
                "zh": factor.zh if factor else "", "en": factor.en if factor else "",
                "stored_unit": factor.unit if factor else "",
            })  # fmt: skip
        return told

    # --- what cells mean ----------------------------------------------------------------------------------------------

    def heading(self, meaning: str) -> str:
        """Heading of the column that means this, "" when there is none."""
        one = self.found.columns.get(meaning)
        return one.heading if one else ""

    def place(self, text: str) -> int | tuple[str, str]:
        if text not in self._sites:
            self._sites[text] = self.places.of(text)
        return self._sites[text]

    def second(self, text: str) -> int | tuple[str, str]:
        known = self._times.get(text)
        if known is None:
            try:
                found: Any = when(text) or ("no-time", "the row has no time")
            except NoDate as wrong:
                found = ("bad-time", str(wrong))
            if len(self._times) > 1_000_000:
                self._times.clear()
            known = self._times[text] = self.of_when(found, zoned=bool(ZONED.fullmatch(text)), text=text)
        return known

    def of_when(self, found: Any, *, zoned: bool, text: str) -> int | tuple[str, str]:
        """Start of the period that a label names. [s]"""
        if not isinstance(found, When):
            problem: tuple[str, str] = found
            return problem
        options, period = self.options, self.options.as_period
        midnight = int((found.day.toordinal() - 719_163) * LENGTHS[Period.DAY])
        if found.second is None:
            if period < Period.DAY:
                return ("no-time", f"{text or found.day} names a day, not the {PERIODS[period][1]} of it")
            start = midnight - CHINA_S
        else:
            start = midnight + found.second - (CHINA_S if zoned else options.zone_s)
            if options.label == "end" and period is not Period.REALTIME:
                length = LENGTHS.get(period)
                start = start - length if length else period_start(period, start - 1)
        if period_start(period, start) != start:
            return ("off-grid", f"{text or found.day} is no {options.label} of a {PERIODS[period][1]} in China time; "
                    "check period, label and time zone")  # fmt: skip
        if start > self._now + AHEAD_S:
            return ("in-the-future", f"{text or found.day} lies ahead of the node's clock")
        return start

    def _key(self, place: int, factor: str) -> int:
        one = SeriesKey(self.places.ids[place], factor, self.options.as_stat, self.options.as_period)
        if one not in self._numbers:
            self._numbers[one] = len(self.keys)
            self.keys.append(one)
        return self._numbers[one]

    def key_codes(self, place: np.ndarray, factor: str) -> np.ndarray:
        table = np.full(len(self.places.ids) + 1, -1, np.int64)
        for one in np.unique(place).tolist():
            table[one] = self._key(one, factor)
        codes: np.ndarray = table[place]
        return codes

    def meant(self, text: str, unit: str) -> tuple[Any, Any]:
        """(factor, scale) of a factor's text and a unit's, or (reason code, sentence)."""
        if not text.strip():
            return ("no-factor", "the row names no factor")
        wants = [Want(one.id, one.unit or "1") for one in self.factors.values()]
        uses = frozenset(("any", *_uses(self.factors.values(), self.options)))
        read = read_heading(text, spellings(wants, uses), uses)
        found = [name for name, _ in read.meanings]
        if len(found) != 1:
            said = f"may be {' or '.join(found)}; use the id" if found else "is no factor that the site measures"
            return ("ambiguous-factor" if found else "unknown-factor", f"{text!r} {said}")
        factor = self.factors[found[0]]
        given = unit_named(unit) or unit.strip() if unit.strip() else read.unit
        try:
            return factor, unit_factor(given, factor.unit) if given is not None else Decimal(1)
        except BadInput as wrong:
            return ("wrong-unit", f"{factor.id}: {wrong}")


def _told_apart(known: Sequence[Factor], said: set[str]) -> list[Factor]:
    """Without factors that nobody gave a name but their code, where their words are those of one that has a name:
    ``PM10`` is ``pm10``, not ``a34005`` of another table. A map that says the code gets it all the same."""
    named = {key(word) for one in known if one.id != one.code for word in (one.id, one.zh, one.en)}
    return [one for one in known if one.id != one.code or one.id in said or not named & {key(one.zh), key(one.en)}]


def _not_mistaken(found: Recognised, left_out: Sequence[Factor], taken: Mapping[str, Factor]) -> None:
    """``PM1.0`` and ``PM10`` differ by their point alone, which headings do without: the point has the last word."""
    for column in found.columns.values():
        one = taken.get(column.meaning)
        if one is None or column.said:
            continue
        heading = plain(column.heading)
        for other in left_out:
            words = [plain(word) for word in (other.zh, other.en) if "." in word]
            if any(word in heading for word in words) and plain(one.en) not in heading:
                raise BadInput(
                    f"the heading {column.heading!r} looks like {other.id} ({other.zh}), not {one.id}",
                    field=column.heading, hint=f'say which with --map "{column.heading}={other.id}"',
                )  # fmt: skip


def _uses(known: Any, options: Options) -> tuple[str, ...]:
    media = {one.medium for one in known}
    hourly = options.as_period <= Period.HOUR
    air = ("air", "air-hour") if hourly else ("air",)
    return (*(air if "air" in media else ()), *(("water",) if "water" in media else ()))


def _looks_long(headings: Sequence[str], maps: Mapping[str, str]) -> bool:
    meanings = {text.split("[")[0].strip() for text in maps.values()}
    if {"factor", "value"} <= meanings:
        return True
    left = {key(one) for one in headings if maps.get(one, "") != "-"}
    has_factor = "factor" in meanings or left & {key(one) for one in FACTOR_WORDS}
    return bool(has_factor and ("value" in meanings or left & {key(one) for one in VALUE_WORDS}))


def _recognise(
    headings: Sequence[str], wants: Sequence[Want], known: Sequence[Factor], options: Options, maps: Mapping[str, str]
) -> Recognised:
    return recognise(headings, wants, _uses(known, options), maps)
