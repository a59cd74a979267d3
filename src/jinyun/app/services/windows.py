"""Windows of a site's factor as people ask for them: which series they rest on, their figures, rules and labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from jinyun.app.services.words import STATS, factor_unit, factor_words, plain
from jinyun.kernel.errors import BadInput, NotFound
from jinyun.kernel.terms import CHINA, Period, SeriesKey, Stat
from jinyun.methods.statistics import round_fraction
from jinyun.methods.windows import (
    ARITHMETIC,
    NON_DETECT,
    TOO_LARGE,
    UNFLAGGED,
    Level,
    State,
    WindowFigure,
    WindowRule,
    bounds,
)

if TYPE_CHECKING:
    from jinyun.app.assemble import House

MOST = 20_000
ZONE = "Asia/Shanghai"
KEPT_PLACES = 6
FAR_FUTURE = 253_402_300_799  # 9999-12-31T23:59:59Z

LEVELS: Mapping[Level, tuple[str, str]] = {
    Level.TEN_MINUTE: ("十分钟", "ten minutes"),
    Level.HOUR: ("小时", "hour"),
    Level.DAY: ("日", "day"),
    Level.MONTH: ("月", "month"),
    Level.QUARTER: ("季", "quarter"),
    Level.YEAR: ("年", "year"),
    Level.MAX_8H: ("日最大8小时平均", "daily maximum 8 h mean"),
    Level.MOVING_8H: ("8小时滑动平均", "moving 8 h mean"),
    Level.LD: ("昼间", "day part"),
    Level.LN: ("夜间", "night"),
}
STATES: Mapping[State, tuple[str, str]] = {
    State.VALID: ("有效", "valid"),
    State.FEW: ("有效数据不足", "too few valid data"),
    State.NONE: ("无有效数据", "no valid data"),
}
LABELS: Mapping[str, tuple[str, str]] = {
    "begin": ("时间为时段开始时刻", "the time is the begin of the window"),
    "end": ("时间为时段结束时刻", "the time is the end of the window"),
}
MARKS: Mapping[int, tuple[str, str]] = {
    NON_DETECT: ("未检出，值为检出限", "not detected: the figure is the detection limit"),
    UNFLAGGED: ("含未带标记数据", "holds data without a flag"),
    TOO_LARGE: ("超出存储范围", "beyond what the store holds"),
    ARITHMETIC: ("流量数据不足，取算术平均", "arithmetic mean: flow data lacking"),
}
SPAN: Mapping[Level, int] = {
    Level.TEN_MINUTE: 2, Level.HOUR: 31, Level.MOVING_8H: 31, Level.DAY: 366, Level.MAX_8H: 366, Level.LD: 366,
    Level.LN: 366, Level.MONTH: 3660, Level.QUARTER: 3660, Level.YEAR: 18300,
}  # fmt: skip
"""Days shown when nobody says from when."""
FINE = (Period.HOUR, Period.MINUTE, Period.TEN_MINUTE, Period.REALTIME)
COARSE_AFTER_S: Sequence[tuple[int, Level]] = ((120 * 86400, Level.DAY), (3 * 86400, Level.HOUR))
"""A curve longer than so many seconds is drawn from windows of that level."""
LATE_S = 2 * 3600
"""A curve takes windows that are not further behind than this from the kept ones, but for the hours of the lag."""
NOW_FOR: Mapping[Stat, Stat] = {
    Stat.AVG: Stat.RTD, Stat.ZS_AVG: Stat.ZS_RTD, Stat.RTD: Stat.RTD, Stat.ZS_RTD: Stat.ZS_RTD,
}  # fmt: skip
"""The statistic of real-time data that stands for a mean."""


class WindowFigures:
    """What may be asked of windows."""

    def __init__(self, house: House) -> None:
        self._house = house

    def figures(
        self,
        site_id: str,
        *,
        factor: str,
        stat: Stat = Stat.AVG,
        period: str = "hour",
        start: int | None = None,
        end: int | None = None,
        label: str = "begin",
        as_of: int | None = None,
        source: str = "",
    ) -> dict[str, Any]:
        """Windows that begin in [start, end), one for each, with what makes them valid.

        Parameters
        ----------
        period : str
            ``ten_minute``, ``hour``, ``day``, ``month``, ``quarter``, ``year``, ``max_8h``, ``moving_8h``, ``ld``,
            ``ln``.
        label : str
            ``begin`` or ``end``: which instant names a window.
        as_of : int, optional
            Made from what was known then, not from the kept windows. [s]
        source : str
            A period of readings (``MINUTE``…): windows of that series only. Left out: of the series that a judge would
            take, the device's own means first.
        """
        level, label = parse_level(period), parse_label(label)
        start, end = self._span(level, start, end)
        if not self._house.sites.known(site_id):
            raise NotFound("site", site_id)
        site = self._house.sites.get(site_id)
        series = self.series(site_id, factor, stat, level, source)
        windows = self._house.windows
        if self._house.as_of is not None:  # a house as it was known then
            as_of = self._house.as_of // 1_000_000
            found = windows.read(series, level, start, end)
        elif as_of is None:
            found = windows.read(series, level, start, end)
        else:
            found = windows.compute(series, level, start, end, as_of=as_of * 1_000_000)
        chosen = _chosen(level, series, found)
        shown = chosen[:MOST]
        zh, en, _, places = factor_words(factor)
        now = self._house.clock.now() // 1_000_000
        rules: dict[str, dict[str, Any]] = {}
        items = []
        for number, one in shown:
            rule = windows.rule_by_id(one.rule)
            rules.setdefault(one.rule, rule_dict(rule))
            items.append(self._item(number, one, rule, label=label, places=places, now=now))
        return {
            "site": site_id, "name": site.name if site else site_id, "factor": factor, "zh": zh, "en": en,
            "unit": factor_unit(factor, stat), "decimals": places, "stat": stat.name, "stat_zh": STATS[stat][0],
            "period": level.name.lower(), "period_zh": LEVELS[level][0], "period_en": LEVELS[level][1],
            "from": start, "to": end, "label": label, "label_zh": LABELS[label][0], "label_en": LABELS[label][1],
            "time_zone": ZONE, "source_time_zone": self.source_zone(site_id), "as_of": as_of,
            "behind": 0 if as_of is not None else windows.behind(), "rules": rules, "items": items,
            "count": len(items), "cut": len(chosen) - len(shown),
        }  # fmt: skip

    def rows(self, told: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Flat rows for tables and files: each says its label, zone, clause and coverage."""
        return flat_rows(told)

    def curve(self, site_id: str, told: Mapping[str, Any]) -> dict[str, Any] | None:
        """The points of a long curve from windows, in the shape of a series' points; None: it is short enough, its
        readings are coarse already, or such windows are not made."""
        stat, period = Stat[told["stat"]], Period[told["period"]]
        level = next((one for length, one in COARSE_AFTER_S if told["to"] - told["from"] > length), None)
        if level is None or level.value <= period.value:
            return None
        series = self.series(site_id, told["factor"], stat, level, period.name)
        if not series:
            return None
        found = self._up_to_date(series[0], level, told["from"], told["to"])
        if not found:
            return None
        words = {State.VALID: "NORMAL", State.FEW: "FEW", State.NONE: "NONE"}
        zh, en = LEVELS[level]
        return {
            **told, "points": [[one.start, _six(one), words[one.state], 0] for one in found[-MOST:]], "series": None,
            "count": min(len(found), MOST), "cut": max(0, len(found) - MOST),
            "windows": {"period": level.name, "zh": f"{zh}窗口", "en": f"{en} windows", "label": "begin"},
        }  # fmt: skip

    def _up_to_date(self, series: int, level: Level, start: int, end: int) -> list[WindowFigure]:
        """Kept windows, and where they lag (a node under load, or taking up a long history) the same made from the
        readings: of the last hours, or all of them when the lag is long."""
        windows = self._house.windows
        since = windows.waiting_since()
        if since is None:
            return windows.read([series], level, start, end).get(series, [])
        late = self._house.clock.now() - since > LATE_S * 1_000_000
        edge = start if late else min(end, max(start, bounds(level, since // 1_000_000 - LATE_S)[0]))
        kept = windows.read([series], level, start, edge).get(series, []) if start < edge else []
        fresh = windows.compute([series], level, edge, end).get(series, []) if edge < end else []
        return [*kept, *fresh]

    def series(self, site_id: str, factor: str, stat: Stat, level: Level, source: str = "") -> list[int]:
        """Series that such windows may rest on, the one that a judge would take first."""
        order: tuple[Period, ...] = FINE
        if level not in (Level.TEN_MINUTE, Level.HOUR, Level.MOVING_8H):
            order = (Period.HOUR, Period.DAY, *FINE[1:])
        if source:
            try:
                order = (Period[source.upper()],)
            except KeyError:
                raise BadInput(f"no period of readings {source!r}", field="source", hint="e.g. MINUTE, HOUR") from None
        book = self._house.readings
        found: dict[SeriesKey, int] = {book.series_key(n): n for n in self._house.windows.of_site(site_id, factor)}
        keys = (
            SeriesKey(site_id, factor, NOW_FOR.get(stat, stat) if period is Period.REALTIME else stat, period)
            for period in order
        )
        return [found[key] for key in keys if key in found]

    def source_zone(self, site_id: str) -> str:
        """The zone in which the site's devices stamp their data, as their records name it; HJ 212 means China's."""
        devices = self._house.records.find("device", {"site": site_id})
        zones = sorted({str(one.data.get("time_zone") or ZONE) for one in devices}) or [ZONE]
        return ";".join(zones)

    def _span(self, level: Level, start: int | None, end: int | None) -> tuple[int, int]:
        if end is None:
            end = self._house.clock.now() // 1_000_000 + 1
        if start is None:
            start = max(0, end - SPAN[level] * 86400)
        if not (0 <= start < end <= FAR_FUTURE):
            raise BadInput(f"from {start} to {end} is no span of time", field="from", hint="seconds, from before to")
        return start, end

    def _item(
        self, series: int, one: WindowFigure, rule: WindowRule, *, label: str, places: int | None, now: int
    ) -> dict[str, Any]:
        key = self._house.readings.series_key(series)
        real = self._house.windows.as_part_of_date(one, key)
        words = STATES[one.state]
        marks = [MARKS[bit] for bit in MARKS if one.marks & bit]
        exact = one.exact
        return {
            "time": real.end if label == "end" else real.start, "begin": real.start, "end": real.end,
            "figure": None if exact is None else plain_places(exact, places if rule.places is None else rule.places),
            "value": _six(one),
            "low": _micro(one.low), "high": _micro(one.high), "due": one.due, "present": one.present,
            "valid": one.valid, "of": rule.unit, "need": rule.need(one.due, month_of(one.start)),
            "coverage": str(round_fraction(one.coverage, 4)), "status": one.state.name.lower(), "status_zh": words[0],
            "status_en": words[1], "open": real.end > now, "marks_zh": "；".join(zh for zh, _ in marks),
            "marks_en": "; ".join(en for _, en in marks), "rule": one.rule, "series": series,
            "built_from": key.period.name,
        }  # fmt: skip


def flat_rows(told: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Flat rows for tables and files: each says its label, zone, clause and coverage."""
    return [
        {
            "time": clock_text(one["time"]), "label": told["label"], "begin": clock_text(one["begin"]),
            "end": clock_text(one["end"]), "time_zone": told["time_zone"],
            "source_time_zone": told["source_time_zone"], "site": told["site"], "factor": told["factor"],
            "stat": told["stat"], "period": told["period"], "figure": one["figure"], "value": one["value"],
            "unit": told["unit"], "low": one["low"], "high": one["high"], "due": one["due"],
            "present": one["present"], "valid": one["valid"], "of": one["of"], "coverage": one["coverage"],
            "status": one["status"], "need": one["need"], "rule": told["rules"][one["rule"]]["id"],
            "clause": told["rules"][one["rule"]]["clause"], "built_from": one["built_from"], "marks": one["marks_en"],
        }
        for one in told["items"]
    ]  # fmt: skip


def _chosen(
    level: Level, series: Sequence[int], found: Mapping[int, Sequence[WindowFigure]]
) -> list[tuple[int, WindowFigure]]:
    """One window for each start: of hours and days the first series that has one, as a judge takes it; of longer ones
    that with the most valid parts."""
    best: dict[int, tuple[int, WindowFigure]] = {}
    for number in series:
        for one in found.get(number, ()):
            known = best.get(one.start)
            better = known is None or (
                level in (Level.MONTH, Level.QUARTER, Level.YEAR)
                and (one.state, one.valid) > (known[1].state, known[1].valid)
            )
            if better:
                best[one.start] = (number, one)
    return [best[start] for start in sorted(best)]


def rule_dict(rule: WindowRule) -> dict[str, Any]:
    """A rule in words: what a window needs, by which clause, and how sure that is."""
    word = {"least": ">=", "share": ">= %", "missing": "missing <="}[rule.test]
    return {
        "id": rule.id, "how": str(rule.how), "built_from": rule.built_from, "test": f"{word} {rule.least}",
        "unit": rule.unit, "february": rule.february, "each_month": rule.each_month,
        "each_february": rule.each_february, "part_places": rule.part_places, "places": rule.places,
        "standard": rule.standard, "clause": rule.clause, "source": rule.source,
        "verified": rule.verified,
    }  # fmt: skip


def parse_level(text: str) -> Level:
    """Raises `BadInput` for a period that has no windows."""
    try:
        return Level[text.upper()]
    except KeyError:
        known = ", ".join(one.name.lower() for one in Level)
        raise BadInput(f"no windows of {text!r}", field="period", hint=f"one of {known}") from None


def parse_label(text: str) -> str:
    """``begin`` or ``end``."""
    if text not in LABELS:
        raise BadInput(f"no label {text!r}", field="label", hint="begin or end")
    return text


def parse_moment(text: str) -> int | None:
    """Seconds, or a date or date and time of China's clock unless it names its zone."""
    if not text:
        return None
    if text.isdigit() and len(text) > 8:
        return int(text)
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise BadInput(f"{text!r} is no moment", hint="2026-11-01, 2026-11-01T08:00 or seconds since 1970") from None
    return int((when if when.tzinfo else when.replace(tzinfo=CHINA)).timestamp())


def clock_text(at: int) -> str:
    """An instant on China's clock, with its offset."""
    return datetime.fromtimestamp(at, UTC).astimezone(CHINA).isoformat()


def month_of(at: int) -> int:
    """Month of an instant on China's clock."""
    return datetime.fromtimestamp(at, UTC).astimezone(CHINA).month


def plain_places(exact: Fraction, places: int | None) -> str:
    """A figure divided and rounded once (GB/T 8170), with the places a person is shown."""
    return format(round_fraction(exact, KEPT_PLACES if places is None else places), "f")


def _micro(value: int | None) -> str | None:
    return None if value is None else plain(Decimal(value).scaleb(-KEPT_PLACES))


def _six(one: WindowFigure) -> str | None:
    """The figure kept to the store's six decimals."""
    return _micro(one.value)
