"""Judges of surface water: the class of a section by the hour and by the day."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from jinyun.domains.water.limits import edition, rule
from jinyun.domains.water.section import ItemValue, judge_items
from jinyun.kernel.declare import Judge, JudgeInput
from jinyun.kernel.terms import Period, Stat, Verdict
from jinyun.methods.measured import Index, Measured, day_value, hour_value, index, seen

KINDS = ("water_section", "water_micro")


def target_of(site_data: Mapping[str, Any]) -> int:
    """Class a section has to keep: its record's, else the table's default."""
    return int(site_data.get("target_class") or rule("default_target"))


def _judge(
    judge_id: str, measure: Callable[[Index, str, JudgeInput], Measured]
) -> Callable[[JudgeInput], Verdict | None]:
    def run(given: JudgeInput) -> Verdict | None:
        table = edition(given.day, str(given.site.data.get("body") or ""))
        groups = index(given.readings)
        here = seen(groups)
        due = {factor for factor in table.evaluated if factor in here}
        if not due:
            return None  # nothing that could give a class was sent
        # Due and silent is missing: not the same as not measured.
        due |= {factor for factor in table.evaluated if given.monitored and factor in given.monitored}
        found = {factor: _value(measure(groups, factor, given)) for factor in table.evaluated if factor in due}
        for factor in ("water_temp", *table.reference):
            if factor in here and (one := _value(measure(groups, factor, given))).value is not None:
                found[factor] = one
        return judge_items(
            judge_id, given.site.id, given.site.name, found, table, window=given.window,
            target=target_of(given.site.data),
        )  # fmt: skip

    return run


def _value(one: Measured) -> ItemValue:
    return ItemValue(one.value, one.non_detect, one.reason, one.refs)


def _hour(groups: Index, factor: str, given: JudgeInput) -> Measured:
    """No rule sets a least number of minutes for surface water: one valid reading gives an (indicative) class."""
    return hour_value(groups, factor, given.window)


def _day(groups: Index, factor: str, _: JudgeInput) -> Measured:
    return day_value(groups, factor)


SECTION_CLASS = Judge(
    id="water.section_class",
    zh="断面水质类别（小时）",
    en="Class of a section, hourly",
    site_kinds=KINDS,
    period=Period.HOUR,
    reading_periods=(Period.HOUR, Period.MINUTE, Period.TEN_MINUTE, Period.REALTIME),
    stats=(Stat.AVG, Stat.RTD),
    run=_judge("water.section_class", _hour),
    on_arrival=True,
)

SECTION_CLASS_DAY = Judge(
    id="water.section_class_day",
    zh="断面水质类别（日）",
    en="Class of a section, daily",
    site_kinds=KINDS,
    period=Period.DAY,
    reading_periods=(Period.HOUR, Period.DAY),
    stats=(Stat.AVG,),
    run=_judge("water.section_class_day", _day),
)
