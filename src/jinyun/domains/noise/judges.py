"""Judges of noise: a function zone's day and night by GB 3096, a boundary point's hour by GB 12348."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from jinyun.domains.noise.answers import Compared, verdict
from jinyun.domains.noise.boundary import judge_boundary
from jinyun.domains.noise.levels import HOUR_S, Setting, enough_hours, ld_ln, leq
from jinyun.domains.noise.limits import DAY, NIGHT, PERIODS, edition, number, zone_of
from jinyun.domains.noise.zone import FACTORS, LMAX, judge_zone
from jinyun.kernel.declare import Judge, JudgeInput
from jinyun.kernel.errors import BadInput
from jinyun.kernel.terms import LENGTHS, Period, Reading, ReadingRef, Stat, Verdict, Window, china_time
from jinyun.methods.measured import STORED_PLACES, covered_minutes, ref, usable

LEQ = "leq"
STATION, BOUNDARY = ("noise_station",), ("noise_boundary",)
NOON_S = LENGTHS[Period.DAY] // 2
"""A night's window runs from noon to noon, so that the night lies in it in one piece. [s]"""
MINUTES = (Period.MINUTE, Period.TEN_MINUTE)


@dataclass(frozen=True, slots=True)
class HourLevel:
    """Leq of one hour and the readings it rests on. [dB(A)]"""

    value: Decimal
    readings: tuple[ReadingRef, ...]


def hour_level(rows: Sequence[Reading], start: int) -> HourLevel | None:
    """Leq of the hour from `start`: the device's own, else the energy mean of its minute levels.

    `rows`: Leq readings of the hour, of any period. None when there is none that counts, when the device's own has a
    flag that does not count, or when minute levels stand for too little of the hour (``rules.csv``: 45 min).
    """
    sent = [row for row in rows if row.period is Period.HOUR]
    if sent:
        one = sent[-1]  # its flag is the device's word on the whole hour
        return HourLevel(one.value, (ref(one),)) if usable(one) and one.value is not None else None
    for period in MINUTES:
        fine = [row for row in rows if row.period is period]
        good = [row for row in fine if usable(row)]
        least = number("hour_least_seconds") // LENGTHS[Period.MINUTE]
        if good and covered_minutes(fine, good, Window(Period.HOUR, start, start + HOUR_S), least) >= least:
            level = leq([row.value for row in good if row.value is not None], places=STORED_PLACES)
            return HourLevel(level, tuple(map(ref, good)))
    return None


def _by_hour(readings: Sequence[Reading], factor: str) -> Mapping[int, list[Reading]]:
    """Readings of a factor by the start of their hour."""
    groups: dict[int, list[Reading]] = {}
    for row in readings:
        if row.factor == factor:
            groups.setdefault(row.time // HOUR_S * HOUR_S, []).append(row)  # China's hours are UTC's
    return groups


def _zone_judge(id: str, period: str) -> Callable[[JudgeInput], Verdict | None]:
    def run(given: JudgeInput) -> Verdict | None:
        groups = {
            at: [row for row in rows if row.stat is Stat.AVG] for at, rows in _by_hour(given.readings, LEQ).items()
        }
        if not groups:
            return None
        setting = Setting.of(given.site.data.get("day_hours"))
        data_day = china_time(given.window.start).date()
        due = setting.hours(data_day, period)
        found = {at: hour_level(groups[at], at) for at in due if at in groups}
        good = {at: one for at, one in found.items() if one is not None}
        word = str(given.site.data.get("zone") or "")
        why = None if enough_hours(len(good), len(due), period) else _too_few(len(good), len(due), period)
        try:
            zone_of(word)
        except BadInput:
            return _no_zone(id, given, FACTORS[period], PERIODS[period], word)
        levels = ld_ln({at: one.value for at, one in good.items()}, data_day, setting=setting)
        value = None if why else (levels.ld if period == DAY else levels.ln)
        refs = {FACTORS[period]: tuple(r for one in good.values() for r in one.readings)}
        lmax, lmax_refs = _lmax(given.readings, due) if period == NIGHT else (None, ())
        return judge_zone(
            given.site.name, word, **{FACTORS[period]: value}, lmax_night=lmax, day=given.day, window=given.window,
            railway_approved=_approved(given), lmax_decides=bool(number("lmax_decides_in_node")),
            missing={FACTORS[period]: why} if why else None, readings={**refs, LMAX: lmax_refs},
            subject=given.site.id, judge=id,
        )  # fmt: skip

    return run


def _approved(given: JudgeInput) -> date | None:
    text = str(given.site.data.get("railway_approved") or "")
    return date.fromisoformat(text) if text else None


def _too_few(used: int, due: int, period: str) -> tuple[str, str]:
    least = due - number(f"{period}_most_missing")
    return (
        f"有效小时仅{used}个，不足{least}个（应有{due}个）",
        f"only {used} valid hours of the {least} needed ({due} are due)",
    )


def _no_zone(id: str, given: JudgeInput, factor: str, words: tuple[str, str], word: str) -> Verdict:
    """A station whose record names no zone cannot be judged: its limit is not known."""
    why = (
        ("点位未登记声环境功能区类别", "its record names no noise zone")
        if not word
        else (f"不认识的声环境功能区“{word}”", f"its noise zone {word!r} is not known")
    )
    standard = edition("zone", given.day).standard
    part = Compared(factor, (f"{words[0]}等效声级", f"{words[1]} level"), None, None, "dB(A)", standard, why=why)
    name = (given.site.id, given.site.name, given.site.name)
    return verdict(id, name, given.window, [part], edition=standard, extra={"zone": ""})


def _lmax(readings: Sequence[Reading], due: Sequence[int]) -> tuple[Decimal | None, tuple[ReadingRef, ...]]:
    """The largest level of the night, of hours and, where there are none, of minutes."""
    hours = set(due)
    rows = [row for row in readings if row.factor == LMAX and row.time // HOUR_S * HOUR_S in hours and usable(row)]
    best = max(rows, key=lambda row: row.value or Decimal(0), default=None)
    return (None, ()) if best is None else (best.value, (ref(best),))


def judge_boundary_hour(given: JudgeInput) -> Verdict | None:
    """`noise.boundary_hour`: the hour's Leq against GB 12348, as read: no background is known."""
    rows = [row for row in given.readings if row.factor == LEQ and row.stat is Stat.AVG]
    if not rows:
        return None
    one = hour_level(rows, given.window.start)
    period = Setting.of(given.site.data.get("day_hours")).period_at(given.window.start)
    word = str(given.site.data.get("zone") or "")
    try:
        zone_of(word)
    except BadInput:
        return _no_zone("noise.boundary_hour", given, LEQ, PERIODS[period], word)
    return judge_boundary(
        given.site.name, zone=word, leq=None if one is None else one.value, period=period, day=given.day,
        window=given.window, why=("本小时无有效数据", "no valid data in this hour"),
        readings=() if one is None else one.readings, subject=given.site.id, judge="noise.boundary_hour",
    )  # fmt: skip


ZONE_DAY = Judge(
    id="noise.zone_day",
    zh="声环境功能区（昼间）",
    en="Noise function zone, day",
    site_kinds=STATION,
    period=Period.DAY,
    reading_periods=(Period.HOUR, *MINUTES),
    stats=(Stat.AVG,),
    factors=(LEQ,),
    run=_zone_judge("noise.zone_day", DAY),
)

ZONE_NIGHT = Judge(
    id="noise.zone_night",
    zh="声环境功能区（夜间）",
    en="Noise function zone, night",
    site_kinds=STATION,
    period=Period.DAY,
    reading_periods=(Period.HOUR, *MINUTES),
    stats=(Stat.AVG, Stat.MAX),
    factors=(LEQ, LMAX),
    run=_zone_judge("noise.zone_night", NIGHT),
    offset_s=NOON_S,
)

BOUNDARY_HOUR = Judge(
    id="noise.boundary_hour",
    zh="厂界噪声（小时）",
    en="Boundary noise, hourly",
    site_kinds=BOUNDARY,
    period=Period.HOUR,
    reading_periods=(Period.HOUR, *MINUTES),
    stats=(Stat.AVG,),
    factors=(LEQ,),
    run=judge_boundary_hour,
)
