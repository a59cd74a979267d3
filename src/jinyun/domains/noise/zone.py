"""Acoustic function zones 声环境功能区 by GB 3096-2008: a point's day and night, and attainment rates. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

from jinyun.domains.noise.answers import Compared, day_window, printed_level, verdict
from jinyun.domains.noise.limits import (
    DAY,
    NIGHT,
    PERIODS,
    Edition,
    Zone,
    edition,
    number,
    one_row,
    rule,
    value_of,
    zone_of,
    zones,
)
from jinyun.kernel.errors import BadInput
from jinyun.kernel.terms import ReadingRef, Status, Verdict, Window
from jinyun.methods.statistics import round_fraction

FACTORS: Mapping[str, str] = {DAY: "ld", NIGHT: "ln"}
LMAX = "lmx"
RAIL_ZONE, OLD_RAIL = "zone_4b", "existing_rail_corridor"
OLD_RAIL_CONDITION = "background without passing trains"
BOUNDARY_ONLY = "zone_4"


def zone_limit(zone: str, period: str, day: date, *, railway_approved: date | None = None) -> Decimal:
    """Limit of Leq of a zone by day or night, GB 3096-2008 table 1. [dB(A)]

    Parameters
    ----------
    zone : str
        0, 1, 2, 3, 4a, 4b (also ``zone_4a``, 4a类).
    period : str
        ``day`` or ``night``.
    day : date
        Chooses the edition.
    railway_approved : date, optional
        Of 4b: when the line's environmental assessment was approved; see `judge_zone`.

    Raises
    ------
    BadInput, NoEdition
    """
    found, _, _ = _limit(edition("zone", day), zone_of(zone), period, railway_approved)
    return found


def _limit(table: Edition, zone: Zone, period: str, approved: date | None) -> tuple[Decimal, str, tuple[str, str]]:
    """The limit, its clause, and what has to be said about it."""
    if zone.id == BOUNDARY_ONLY:
        raise BadInput("zone 4 is parted into 4a and 4b by GB 3096", field="zone", hint="4a or 4b")
    if (
        zone.id == RAIL_ZONE
        and approved is not None
        and approved < date.fromisoformat(rule("railway_approved_from", RAIL_ZONE))
    ):
        row = one_row(table, item="leq", group=OLD_RAIL, period=period, condition=OLD_RAIL_CONDITION)
        note = ("既有铁路，按不通过列车时的背景噪声评价", "an older railway: judged by the background without trains")
        return value_of(row), f"{row.standard} {row.table_no}", note
    row = one_row(table, item="leq", group=zone.id, period=period)
    note = ("", "")
    if zone.id == RAIL_ZONE and approved is None:
        note = (
            "4b类按2011年后批准的铁路执行，批准日期未给出",
            "4b holds for railways approved from 2011 on; the date was not given",
        )
    return value_of(row), row.clause, note


def judge_zone(
    name: str,
    zone: str,
    *,
    ld: Decimal | None = None,
    ln: Decimal | None = None,
    lmax_night: Decimal | None = None,
    day: date,
    window: Window | None = None,
    railway_approved: date | None = None,
    lmax_decides: bool = True,
    missing: Mapping[str, tuple[str, str]] | None = None,
    readings: Mapping[str, tuple[ReadingRef, ...]] | None = None,
    subject: str | None = None,
    judge: str = "noise.zone",
) -> Verdict:
    """Verdict on one point of a function zone: Ld and Ln against the zone's limits, night bursts within limit + 15.

    Levels are rounded to 0.1 dB first; one equal to its limit complies. What is not given is not judged: a point with
    Ld alone has a verdict on the day.

    Parameters
    ----------
    name : str
        The point as a sentence calls it.
    zone : str
        0, 1, 2, 3, 4a, 4b.
    ld, ln, lmax_night : Decimal, optional
        Day level, night level, largest level of the night. [dB(A)]
    day : date
        Of the data: chooses the edition, and the window unless one is given.
    railway_approved : date, optional
        4b is for railways whose environmental assessment was approved from 2011-01-01 on (GB 3096-2008, 4); for an
        older one the levels must be those without passing trains, against 70 and 55 (5.3, recalled).
    lmax_decides : bool
        False: `lmax_night` is shown for reference only.
    missing : mapping, optional
        Why a level that is due is not there, by ``ld`` or ``ln`` (zh, en): that part cannot be judged.
    readings : mapping, optional
        Readings that a level rests on, by ``ld``, ``ln``, ``lmx``.

    Raises
    ------
    BadInput
        For an unknown zone.
    NoEdition
        For a day before 2008-10-01.

    References
    ----------
    .. [1] GB 3096-2008, table 1, 5.3 and 5.4.
    """
    table, where = edition("zone", day), zone_of(zone)
    missing, refs = missing or {}, readings or {}
    parts: list[Compared] = []
    notes: list[tuple[str, str]] = []
    given = {DAY: printed_level(ld), NIGHT: printed_level(ln)}
    for period, factor in FACTORS.items():
        value = given[period]
        limit, clause, note = _limit(table, where, period, railway_approved)
        if value is None and factor not in missing:
            continue
        zh, en = PERIODS[period]
        if note[0]:
            notes.append(note)
        parts.append(
            Compared(
                factor, (f"{zh}等效声级", f"{en} level"), value, limit, "dB(A)", clause,
                why=missing.get(factor, ("", "")), readings=refs.get(factor, ()),
            )
        )  # fmt: skip
    if lmax_night is not None:
        parts.append(_burst(table, where, lmax_night, railway_approved, refs.get(LMAX, ()), decides=lmax_decides))
    if not parts:
        limit, clause, _ = _limit(table, where, DAY, railway_approved)
        why = ("昼间和夜间等效声级均缺", "neither Ld nor Ln is there")
        parts.append(Compared("leq", ("等效声级", "level"), None, limit, "dB(A)", clause, why=why))
    called = (subject or name, f"{name}（{where.zh}区）", f"{name} ({where.en.lower()})")
    return verdict(
        judge, called, window or day_window(day), parts, edition=table.standard, notes=list(dict.fromkeys(notes)),
        extra={"zone": where.id, "zone_zh": where.zh, "zone_en": where.en},
    )  # fmt: skip


def _burst(
    table: Edition,
    zone: Zone,
    lmax: Decimal,
    approved: date | None,
    refs: tuple[ReadingRef, ...],
    *,
    decides: bool,
) -> Compared:
    night, _, _ = _limit(table, zone, NIGHT, approved)
    row = one_row(table, item="lmax", group="all_zones", period=NIGHT, condition="sudden night noise")
    limit, clause = night + value_of(row), f"{row.standard} {row.table_no}"
    words, note = ("夜间突发噪声最大声级", "largest level of the night"), ("", "")
    if not decides:
        words = ("夜间最大声级（参考）", "largest level of the night (for reference)")
        note = ("自动监测不能区分突发噪声，仅供参考", "automatic data cannot tell sudden noise: for reference")
    return Compared(LMAX, words, printed_level(lmax), limit, "dB(A)", clause, note=note, readings=refs, decides=decides)


# --- attainment -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ZoneRate:
    """Attainment of one kind of zone (or of all, `zone` empty) by day or by night, in point-times 点次."""

    zone: str
    period: str
    attaining: int
    judged: int
    not_judged: int

    @property
    def rate(self) -> Decimal | None:
        """Attaining of judged point-times; None when none was judged. [%]"""
        if not self.judged:
            return None
        return round_fraction(Fraction(100 * self.attaining, self.judged), number("rate_places"))


@dataclass(frozen=True, slots=True)
class Attainment:
    """Attainment of function zones over a period."""

    rates: tuple[ZoneRate, ...]  # by zone and part of the day, in the order of zones; points without a zone last
    day: ZoneRate
    night: ZoneRate
    sentence_zh: str
    sentence_en: str

    def of(self, zone: str, period: str) -> ZoneRate:
        """The rate of one kind of zone; zero point-times when it had none."""
        wanted = zone_of(zone).id
        found = [one for one in self.rates if (one.zone, one.period) == (wanted, period)]
        return found[0] if found else ZoneRate(wanted, period, 0, 0, 0)


def attainment(verdicts: Iterable[Verdict], *, before: Attainment | None = None) -> Attainment:
    """Attainment rates 点次达标率 of function zones, day and night apart; with `before`, the change in points.

    Each Ld and each Ln in the verdicts of `judge_zone` (or of the node's judges) is one point-time. Night bursts are
    in a point's verdict but not in the rate, which is of Ld and Ln. What could not be judged is counted apart, and is
    not in the denominator.

    Raises
    ------
    BadInput
        For a verdict that names no zone.

    References
    ----------
    .. [1] GB 3096-2008, annex B; HJ 640-2012.
    """
    counts: dict[tuple[str, str], list[int]] = {}
    parts = {factor: period for period, factor in FACTORS.items()}
    for one in verdicts:
        zone = str(one.extra.get("zone") or "")
        if not one.judge.startswith("noise.zone") or (zone and zone not in zones()):
            raise BadInput(f"the verdict of {one.subject} names no noise zone", hint="give verdicts of noise.zone…")
        for item in one.items:
            period = parts.get(item.factor)
            if period is not None:
                count = counts.setdefault((zone, period), [0, 0, 0])
                count[_column(item.status)] += 1
    rates = tuple(
        ZoneRate(zone, period, good, good + bad, none)
        for zone in (*zones(), "")
        for period in (DAY, NIGHT)
        if (found := counts.get((zone, period)))
        for good, bad, none in (found,)
    )
    day, night = (_sum(rates, period) for period in (DAY, NIGHT))
    return Attainment(rates, day, night, *_sentences(rates, day, night, before))


def _column(status: Status) -> int:
    return {Status.ATTAINS: 0, Status.EXCEEDS: 1, Status.CANNOT_JUDGE: 2}[status]


def _sum(rates: Sequence[ZoneRate], period: str) -> ZoneRate:
    mine = [one for one in rates if one.period == period]
    return ZoneRate(
        "", period, sum(one.attaining for one in mine), sum(one.judged for one in mine), sum(o.not_judged for o in mine)
    )


def rate_change(now: ZoneRate, before: ZoneRate) -> Decimal | None:
    """Change of an attainment rate, of the printed rates; None where one of them has none. [percentage points]"""
    return None if now.rate is None or before.rate is None else now.rate - before.rate


def _sentences(rates: Sequence[ZoneRate], day: ZoneRate, night: ZoneRate, before: Attainment | None) -> tuple[str, str]:
    """As bureaus print it: 功能区昼间点次达标率 95.8%，夜间点次达标率 91.7%。"""

    def one(rate: ZoneRate) -> tuple[str, str]:
        zh, en = PERIODS[rate.period]
        if rate.rate is None:
            return f"{zh}无有效点次", f"no {en} point-time was judged"
        share = f"({rate.attaining}/{rate.judged})"
        zh, en = f"{zh}点次达标率 {rate.rate}%{share}", f"{en} attainment {rate.rate} % of point-times {share}"
        points = rate_change(rate, before.day if rate.period == DAY else before.night) if before else None
        if points is None:
            return zh, en
        if not points:
            return f"{zh}、同比持平", f"{en} (unchanged)"
        return f"{zh}、同比{'上升' if points > 0 else '下降'} {abs(points)} 个百分点", f"{en} ({points:+} points)"

    heads = [one(day), one(night)]
    zh, en = "功能区" + "，".join(h[0] for h in heads), "Function zones: " + ", ".join(h[1] for h in heads)
    for zone in dict.fromkeys(rate.zone for rate in rates):
        mine = [rate for rate in rates if rate.zone == zone and rate.rate is not None]
        if mine:
            zh += f"；{zones()[zone].zh}区" + "、".join(f"{PERIODS[r.period][0]} {r.rate}%" for r in mine)
            en += f"; {zones()[zone].en.lower()} " + ", ".join(f"{PERIODS[r.period][1]} {r.rate} %" for r in mine)
    left = day.not_judged + night.not_judged
    if left:
        zh, en = (
            f"{zh}；另有{left}个点次无法判定，未计入",
            f"{en}; {left} point-times could not be judged and are left out",
        )
    return zh + "。", en + "."
