"""The value of one limited factor over an hour, a day or now: flags, validity, conversion, weighting. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from jinyun.domains.emission.conversion import NotConvertible, flow_weighted, to_reference_oxygen
from jinyun.domains.emission.limits import Limit
from jinyun.domains.emission.rate import emission_rate
from jinyun.domains.emission.rules import Rules, rule, rule_text
from jinyun.kernel.factors import factor as factor_of
from jinyun.kernel.rounding import round_gb
from jinyun.kernel.terms import Flag, Period, Reading, Stat, Window
from jinyun.methods.measured import (
    MISSING_EN,
    MISSING_ZH,
    STORED_PLACES,
    Index,
    Measured,
    averaged,
    day_value,
    hour_value,
    ref,
    refused,
    single,
    usable,
)
from jinyun.methods.statistics import decimals, round_fraction

OXYGEN = "o2"

EACH_READING: Sequence[tuple[Period, tuple[Stat, ...]]] = (
    (Period.HOUR, (Stat.AVG, Stat.MIN, Stat.MAX)),
    (Period.MINUTE, (Stat.AVG, Stat.MIN, Stat.MAX)),
    (Period.TEN_MINUTE, (Stat.AVG, Stat.MIN, Stat.MAX)),
    (Period.REALTIME, (Stat.RTD,)),
)
"""Where single readings of pH are looked for: the hour's extremes stand for the readings they were taken from."""

NEWEST: Sequence[tuple[Period, Stat, Stat]] = (
    (Period.REALTIME, Stat.RTD, Stat.ZS_RTD),
    (Period.MINUTE, Stat.AVG, Stat.ZS_AVG),
    (Period.TEN_MINUTE, Stat.AVG, Stat.ZS_AVG),
)


@dataclass(frozen=True, slots=True)
class Context:
    """What a value is taken from."""

    groups: Index
    window: Window
    rules: Rules
    stack: bool


def hour(limit: Limit, context: Context) -> Measured:
    """Hour mean to hold against `limit`; pH each reading, a rate with the flow of the hour."""
    if limit.kind == "rate":
        return hour_rate(limit, context)
    if limit.factor == "ph":
        return each_reading(limit, context)
    least = context.rules.hour_minutes

    def take(factor: str, stat: Stat) -> Measured:
        return hour_value(context.groups, factor, context.window, stat, least_minutes=least)

    if not limit.converted:
        return take(limit.factor, Stat.AVG)
    return converted(limit, take(limit.factor, Stat.ZS_AVG), take(limit.factor, Stat.AVG), take(OXYGEN, Stat.AVG))


def day(limit: Limit, context: Context) -> Measured:
    """Day mean to hold against `limit`: gas arithmetic, water weighted by flow; pH each reading."""
    if limit.factor == "ph":
        return each_reading(limit, context)
    if not context.stack:
        return water_day(limit.factor, context)
    least = context.rules.day_hours

    def take(factor: str, stat: Stat) -> Measured:
        return day_value(context.groups, factor, stat, least_hours=least)

    if not limit.converted:
        return take(limit.factor, Stat.AVG)
    return converted(limit, take(limit.factor, Stat.ZS_AVG), take(limit.factor, Stat.AVG), take(OXYGEN, Stat.AVG))


def now(limit: Limit, context: Context) -> Measured:
    """Newest reading to hold against `limit`: indicative, no mean."""

    def take(factor: str, converted_value: bool) -> Measured:
        rows = [
            row
            for period, plain, zs in NEWEST
            for row in context.groups.get((factor, zs if converted_value else plain, period), ())
        ]
        if not rows:
            return Measured(factor, why="missing", note_zh=MISSING_ZH, note_en=MISSING_EN)
        return single(factor, max(rows, key=lambda row: row.time), "now")

    if not limit.converted:
        return take(limit.factor, False)
    return converted(limit, take(limit.factor, True), take(limit.factor, False), take(OXYGEN, False))


def converted(limit: Limit, sent: Measured, plain: Measured, oxygen: Measured) -> Measured:
    """Value at reference oxygen: as the device sent it, else converted here from the measured one.

    With an oxygen content near or above that of air nothing is converted, and the value as sent is not used either:
    an air leak, a sensor fault or a stopped plant would make it meaningless.
    """
    if oxygen.value is not None and oxygen.value >= rule("oxygen_suspect"):
        return Measured(
            limit.factor, why="oxygen", refs=oxygen.refs,
            note_zh=f"含氧量{oxygen.value}%接近空气，不折算（漏风、氧表故障或停产，请核实）",
            note_en=f"oxygen {oxygen.value} % is near that of air: not converted (leak, sensor fault or stopped plant)",
        )  # fmt: skip
    if sent.value is not None or sent.why == "flag":
        return sent
    if plain.value is None:
        return plain if plain.why != "missing" else sent
    if limit.reference_o2 is None:
        return Measured(
            limit.factor, why="reference", note_zh="无折算值，且排放口未登记基准含氧量",
            note_en="no converted value sent, and the outlet's record has no reference oxygen",
        )  # fmt: skip
    if oxygen.value is None:
        return Measured(
            limit.factor, why="oxygen", note_zh="无折算值，且无有效含氧量，不能折算",
            note_en="no converted value sent and no valid oxygen content to convert with",
        )  # fmt: skip
    try:
        value = to_reference_oxygen(plain.value, oxygen.value, limit.reference_o2)
    except NotConvertible as wrong:
        return Measured(limit.factor, why="oxygen", note_zh="含氧量不允许折算", note_en=str(wrong))
    places = max(decimals(plain.value), factor_of(limit.factor).decimals or 0)
    return replace(
        plain, value=round_fraction(value, places), refs=(*plain.refs, *oxygen.refs), places=places,
        unflagged=plain.unflagged or oxygen.unflagged,
        note_zh=f"由实测{plain.value:f}、含氧量{oxygen.value:f}%折算到{limit.reference_o2:f}%",
        note_en=f"converted from {plain.value:f} at {oxygen.value:f} % O2 to {limit.reference_o2:f} %",
    )  # fmt: skip


def hour_rate(limit: Limit, context: Context) -> Measured:
    """Rate of the hour: measured concentration times flow. [mg/m3, m3/s -> kg/h]"""
    least, flow_factor = context.rules.hour_minutes, rule_text("flow", "stack")
    plain = hour_value(context.groups, limit.factor, context.window, Stat.AVG, least_minutes=least)
    flow = hour_value(context.groups, flow_factor, context.window, Stat.AVG, least_minutes=least)
    for one in (plain, flow):
        if one.value is None:
            return replace(one, factor=limit.factor)
    assert plain.value is not None
    assert flow.value is not None
    per_hour = flow.value * (context.window.end - context.window.start)
    value = emission_rate(plain.value, per_hour, unit=factor_of(limit.factor).unit)
    return replace(
        plain, value=round_gb(value, STORED_PLACES), refs=(*plain.refs, *flow.refs), places=STORED_PLACES,
        unflagged=plain.unflagged or flow.unflagged,
        note_zh=f"实测{plain.value:f}与流量{flow.value:f} m³/s之积",
        note_en=f"measured {plain.value:f} times a flow of {flow.value:f} m3/s",
    )  # fmt: skip


def mean_of(groups: Index, factor: str) -> Decimal | None:
    """Mean of the valid readings of a factor in the window, the coarsest period first; None without any."""
    for period in (Period.DAY, Period.HOUR, Period.MINUTE, Period.TEN_MINUTE, Period.REALTIME):
        stat = Stat.RTD if period is Period.REALTIME else Stat.AVG
        valid = [row for row in groups.get((factor, stat, period), ()) if usable(row)]
        if valid:
            return averaged(factor, valid, "hours").value
    return None


def each_reading(limit: Limit, context: Context) -> Measured:
    """The worst single reading of a factor that is judged by each reading (pH)."""
    for period, stats in EACH_READING:
        rows = [row for stat in stats for row in context.groups.get((limit.factor, stat, period), ())]
        if not rows:
            continue
        valid = [row for row in rows if usable(row)]
        if not valid:
            return refused(limit.factor, rows)
        worst = max(valid, key=lambda row: _distance(limit, row))
        return single(limit.factor, worst, "worst")
    return Measured(limit.factor, why="missing", note_zh=MISSING_ZH, note_en=MISSING_EN)


def _distance(limit: Limit, row: Reading) -> Decimal:
    """How far a value is past the nearer bound; negative inside."""
    value = row.value or Decimal(0)
    sides = [value - limit.high] if limit.high is not None else []
    if limit.low is not None:
        sides.append(limit.low - value)
    return max(sides)


def water_day(factor: str, context: Context) -> Measured:
    """Day value of water: mean of valid hour means weighted by flow; hours without flow are not due (HJ 356).

    Without any flow data the mean is arithmetic, and says so. Negative values are not valid.
    """
    rows = context.groups.get((factor, Stat.AVG, Period.HOUR), ())
    if not rows:
        return day_value(context.groups, factor)
    flows = {
        row.time: row
        for row in context.groups.get((rule_text("flow", "water"), Stat.AVG, Period.HOUR), ())
        if usable(row) and row.value is not None and row.value >= 0
    }
    still = {time for time, row in flows.items() if row.value == 0}
    valid = [row for row in rows if usable(row) and (row.value or 0) >= 0 and row.time not in still]
    hours_due = int(rule("day_hours_due"))
    least = -(-context.rules.day_hours * (hours_due - len(still)) // hours_due)
    if not valid:
        return refused(factor, rows)
    if len(valid) < least:
        return Measured(
            factor, why="few", used=len(valid),
            note_zh=f"有效小时均值仅{len(valid)}个，不足应有的{least}个",
            note_en=f"only {len(valid)} valid hour means of the {least} needed",
        )  # fmt: skip
    weighed = [row for row in valid if row.time in flows]
    if len(weighed) < least or any(row.flag is Flag.NON_DETECT for row in valid):
        return replace(
            averaged(factor, valid, "hours"),
            note_zh="流量数据不足或含未检出，取算术平均", note_en="arithmetic mean: flow data missing or a non-detect",
        )  # fmt: skip
    values = [row.value for row in weighed if row.value is not None]
    weights = [flow.value for row in weighed if (flow := flows[row.time]).value is not None]
    places = max(decimals(value) for value in values)
    return Measured(
        factor, round_fraction(flow_weighted(values, weights), places), "flow_weighted", len(weighed),
        refs=tuple(ref(row) for row in weighed) + tuple(ref(flows[row.time]) for row in weighed),
        unflagged=any(row.flag is Flag.UNKNOWN for row in weighed), places=places,
    )  # fmt: skip
