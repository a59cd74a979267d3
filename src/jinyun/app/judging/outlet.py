"""`outlet`: figures of outlets against a national standard, a local one, or a permit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa

from jinyun.app.judging.cells import Kind, number
from jinyun.app.judging.headings import Recognised, Want
from jinyun.app.judging.limit_file import limits
from jinyun.app.judging.rows import Rows
from jinyun.app.judging.verb import TIMES, Options, Verb, any_of, day_window
from jinyun.app.judging.verdicts import JOIN, TEXT, WHOLE, common, multiples
from jinyun.domains.emission.emission_limit import EmissionLimit
from jinyun.domains.emission.outlet import judge_outlet
from jinyun.domains.emission.standards import limits_of, standard_named
from jinyun.kernel.errors import BadInput, NotFound
from jinyun.kernel.factors import factors
from jinyun.kernel.terms import CHINA, Period, Window, instant
from jinyun.methods.editions import NoEdition

KINDS: Mapping[str, tuple[str, str]] = {
    "rate": ("_rate", "排放速率"), "fugitive": ("_boundary", "厂界浓度"), "removal": ("_removal", "去除率"),
}  # fmt: skip
"""Kind of limit -> what its column's meaning ends with, and how the column is called."""

FAR = date(9998, 12, 31)
"""A day when every limit without an end is in force."""

FACT_COLUMNS = {"water_temp": "degC", "height": "m"}
"""Facts that choose a limit and may stand in a column of their own."""


class Outlet(Verb):
    name = "outlet"
    uses = ("outlet", "water")

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        file = options.get("limits")
        self.extra = limits(Path(file)) if file else []
        self.standards = [str(options.get("standard"))] if options.get("standard") else []
        if not self.standards:
            self.standards = list(dict.fromkeys(row["standard"] for row in self.extra))
        if not self.standards:
            raise BadInput("nothing to hold the outlets against", field="standard",
                           hint='give --standard "GB 18918-2002" --group grade_1a, or --limits permit.csv')  # fmt: skip
        if self.extra and options.get("standard"):
            self.standards += [one for one in dict.fromkeys(row["standard"] for row in self.extra)
                               if one != self.standards[0]]  # fmt: skip
        self.period = str(options.get("period", "") or "")
        self.converted = bool(options.get("converted", False))
        self.reference = _figure(options.get("reference_o2"), "--reference-o2")
        self.facts = dict(_fact(pair) for pair in options.get("facts", ()))
        self._known: dict[tuple[Any, ...], tuple[EmissionLimit, ...]] = {}
        self.keys: dict[str, tuple[str, str]] = {}  # meaning -> kind, key
        self.items: tuple[str, ...] = ()

    # --- which limits ---------------------------------------------------------------------------------------------

    def limits(self, on: date, facts: Mapping[str, Any], outlet: str = "") -> tuple[EmissionLimit, ...]:
        """Limits that hold on a day."""
        mine = [row for row in self.extra if not row.get("outlet") or row["outlet"] == outlet or not outlet]
        key = (on, tuple(sorted(facts.items())), outlet if any(row.get("outlet") for row in self.extra) else "")
        if key not in self._known:
            found: list[EmissionLimit] = []
            for standard in self.standards:
                own = all(row["standard"] != standard for row in self.extra)
                if not own and not any(row["standard"] == standard for row in mine) and not self._shipped(standard):
                    continue  # the file limits other outlets only
                found += limits_of(
                    standard, group=self.options.get("group") if own or len(self.standards) == 1 else None,
                    conditions=self.options.get("conditions", ()) if own else (), stage=self.options.get("stage"),
                    on=on, facts=facts, extra_rows=mine,
                )  # fmt: skip
            self._known[key] = tuple(self._chosen(found))
        return self._known[key]

    @staticmethod
    def _shipped(standard: str) -> bool:
        try:
            return bool(standard_named(standard))
        except NotFound:
            return False

    def _chosen(self, limits: Sequence[EmissionLimit]) -> list[EmissionLimit]:
        kept = [one for one in limits if not self.period or one.period in ("", self.period)]
        if self.reference is not None:
            kept = [replace(one, reference_o2=self.reference) if _bare_gas(one) else one for one in kept]
        return kept

    def _days(self) -> list[date]:
        """Days that show which items can be limited at all."""
        days = {self.options.edition_on, self.options.day, FAR}
        for row in self.extra:
            for column in ("valid_from", "valid_to"):
                if row.get(column):
                    days.add(date.fromisoformat(row[column]))
        return sorted(day for day in days if day is not None)

    def wants(self) -> Sequence[Want]:
        wants: dict[str, Want] = {}
        for day in self._days():
            try:
                limits = self.limits(day, self.facts)
            except NoEdition:
                continue
            for one in limits:
                if one.kind == "structure":
                    continue
                ending, word = KINDS.get(one.kind, ("", ""))
                meaning = f"{one.key}{ending}"
                names = [one.item_zh, one.item, one.key]
                if one.factor:
                    names += [factors()[one.factor].zh, factors()[one.factor].en, factors()[one.factor].code]
                spelled = tuple(f"{name}{word}" if word and not name.isascii() else f"{name}{ending}" for name in names
                                if name)  # fmt: skip
                unit = one.factor_unit or "1"
                wants.setdefault(meaning, Want(meaning, unit, spellings=spelled, assumed=one.unit or unit))
                self.keys[meaning] = (one.kind, one.key)
        for name, unit in FACT_COLUMNS.items():
            wants.setdefault(name, Want(name, unit, signed=True))
        flow = Want("flow", "m3/h", spellings=("标干流量", "废气流量", "废水流量", "流量"))
        return (Want("name"), *TIMES, Want("o2", "%"), flow, *wants.values())

    def check(self, found: Recognised) -> None:
        self.items = tuple(one.meaning for one in found.columns.values() if one.meaning in self.keys)
        any_of(found, list(self.keys), f"what {', '.join(self.standards)} limits")

    def columns(self) -> dict[str, pa.DataType]:
        return {
            "judged_level": WHOLE, "judged_class_label": TEXT, "deciding_factors": TEXT,
            "judged_exceed_multiple": TEXT, "judged_figures": TEXT, "judged_limits": TEXT, "judged_missing": TEXT,
            **self.tail(),
        }  # fmt: skip

    # --- one row --------------------------------------------------------------------------------------------------

    def one(self, rows: Rows, row: int) -> dict[str, Any]:
        name = rows.text("name", row)
        facts = {**self.facts, **self._facts(rows, row)}
        limits = self.limits(rows.judged_on(row), facts, name)
        if not limits:
            raise BadInput(f"no limit holds for {name or 'the row'} on {rows.judged_on(row)}", field="limits",
                           hint="the file of limits may name other outlets, or other days")  # fmt: skip
        self._one_period(limits)
        values: dict[str, dict[str, Decimal | None]] = {}
        below, absent = [], []
        for meaning in self.items:
            kind, key = self.keys[meaning]
            cell = rows.figures(meaning).at(row)
            values.setdefault(kind, {})[key] = cell.value
            if cell.kind is Kind.NON_DETECT:
                below.append(key)
            elif cell.value is None:
                absent.append(meaning)
        concentrations = values.get("concentration", {})
        verdict = judge_outlet(
            name or f"第{rows.batch.row_number(row)}行", concentrations, limits, day=rows.judged_on(row),
            window=self._window(rows, row), oxygen=rows.figures("o2").at(row).value if rows.has("o2") else None,
            converted=tuple(concentrations) if self.converted else (), non_detects=below, rates=values.get("rate"),
            boundary=values.get("fugitive"), removal=values.get("removal"),
            flow=rows.figures("flow").at(row).value if rows.has("flow") else None,
        )  # fmt: skip
        shown = [item for item in verdict.items if item.figure is not None]
        return {
            "judged_level": verdict.level,
            "judged_class_label": verdict.label_zh,
            "deciding_factors": JOIN.join(verdict.deciding) or None,
            "judged_exceed_multiple": multiples(verdict) or None,
            "judged_figures": JOIN.join(f"{item.factor}={item.figure}" for item in shown) or None,
            "judged_limits": JOIN.join(f"{i.factor}={i.limit}" for i in verdict.items if i.limit) or None,
            "judged_missing": JOIN.join(absent) or None,
            **common(verdict, rows.reader.as_on),
        }

    def _facts(self, rows: Rows, row: int) -> dict[str, Any]:
        found = {}
        for name in FACT_COLUMNS:
            if rows.has(name) and (value := rows.figures(name).at(row).value) is not None:
                found[name] = value
        return found

    def _one_period(self, limits: Sequence[EmissionLimit]) -> None:
        """A figure stands for an hour or a day: limits of both cannot be held against it."""
        seen: dict[tuple[str, str], set[str]] = {}
        for one in limits:
            seen.setdefault((one.key, one.kind), set()).add(one.period)
        if any(len(periods - {""}) > 1 for periods in seen.values()):
            raise BadInput("the limits are for hours and for days", field="period",
                           hint="say what the figures are with --period hour or --period day")  # fmt: skip

    def _window(self, rows: Rows, row: int) -> Window:
        found = rows.when(row)
        if self.period != "hour" or found.second is None:
            return day_window(found.day)
        start = instant(datetime.combine(found.day, time(), CHINA)) + found.second // 3600 * 3600
        return Window(Period.HOUR, start, start + 3600)


def _bare_gas(one: EmissionLimit) -> bool:
    """A concentration of flue gas whose limit names no reference oxygen: a permit's."""
    return one.kind == "concentration" and one.reference_o2 is None and one.factor_unit.endswith("/m3")


def _figure(value: Any, option: str) -> Decimal | None:
    if value in (None, ""):
        return None
    cell = number(str(value))
    if cell.kind is not Kind.VALUE:
        raise BadInput(f"{option} {value!r} is no number")
    return cell.value


def _fact(pair: str) -> tuple[str, Any]:
    name, equals, text = pair.partition("=")
    if not equals or not text.strip():
        raise BadInput(f"--fact {pair!r} is not name=value", hint="such as province=重庆, built=2004-05-01, height=25")
    cell = number(text, signed=True)
    value: Any = cell.value if cell.kind is Kind.VALUE else text.strip()
    return name.strip(), value
