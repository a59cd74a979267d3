"""Noise at boundaries and in rooms beside them: GB 12348-2008, GB 22337-2008 and GB 12523-2011. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache

from jinyun.domains.noise.answers import Compared, day_window, printed_level, verdict
from jinyun.domains.noise.limits import NIGHT, PERIODS, Edition, edition, one_row, period_of, value_of, zone_of
from jinyun.kernel.errors import BadInput
from jinyun.kernel.rounding import round_gb
from jinyun.kernel.terms import ReadingRef, Verdict, Window
from jinyun.methods.limit_rows import LimitRow

PARTS: Mapping[str, tuple[str, str, str]] = {
    "GB 12348": ("factory", "厂界", "factory boundary"),
    "GB 22337": ("social", "社会生活噪声边界", "boundary of a noise source of social life"),
    "GB 12523": ("construction", "施工场界", "boundary of a construction site"),
}
"""Boundary standards: their part in ``editions.csv``, what they speak of."""

SITE_BOUNDARY = "site_boundary"  # GB 12523 knows no zones
BURSTS: Mapping[str, tuple[str, str]] = {
    "frequent": ("夜间频发噪声最大声级", "frequent night noise, largest level"),
    "occasional": ("夜间偶发噪声最大声级", "occasional night noise, largest level"),
}
ROOMS: Mapping[str, tuple[str, str, str]] = {
    "room_a": ("A类房间", "room of type A", "a bedroom or the like"),
    "room_b": ("B类房间", "room of type B", "a living room or the like"),
}
STRUCTURE = "structure-borne indoor"
_ROOM_WORDS: Mapping[str, str] = {
    "a": "room_a",
    "room_a": "room_a",
    "a类": "room_a",
    "b": "room_b",
    "room_b": "room_b",
    "b类": "room_b",
}
_INDOOR = re.compile(r"limit - (\d+)")
_STEP = re.compile(r"difference (?:>(?P<above>\d+)|(?P<low>\d+)(?:\.\.(?P<high>\d+))?) dB")


def _table(standard: str, day: date) -> tuple[Edition, str, str]:
    key = next((key for key in PARTS if str(standard).strip().upper().startswith(key)), None)
    if key is None:
        raise BadInput(f"no boundary standard {standard!r}", field="standard", hint=f"one of {', '.join(PARTS)}")
    part, zh, en = PARTS[key]
    return edition(part, day), zh, en


def _group(standard: str, zone: str | None) -> tuple[str, str, str]:
    """The table's group of a zone: 4a and 4b are zone 4 at a boundary; a construction site has none."""
    if standard.startswith("GB 12523"):
        return SITE_BOUNDARY, "", ""
    if zone is None:
        raise BadInput(f"{standard} needs the zone the boundary lies in", field="zone", hint="0, 1, 2, 3 or 4")
    found = zone_of(zone)
    group = "zone_4" if found.id in ("zone_4a", "zone_4b") else found.id
    return group, found.zh, found.en


# --- background -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Step:
    low: int
    high: int
    added: Decimal


@cache
def _steps(rows: tuple[LimitRow, ...]) -> tuple[int, tuple[_Step, ...]]:
    """Above which difference nothing is corrected, and what is added in each step of whole decibels below it."""
    above, steps = 0, []
    for row in rows:
        if row.group == "background_correction":
            hit = _STEP.match(row.condition)
            if hit is None or row.value is None:
                raise BadInput(f"{row.clause}: cannot read {row.condition!r}", field="condition")
            if hit["above"]:
                above = int(hit["above"])
            else:
                low = int(hit["low"])
                steps.append(_Step(low, int(hit["high"] or low), row.value))
    return above, tuple(steps)


def background_correction(
    measured: Decimal, background: Decimal, *, day: date | None = None, standard: str = "GB 12348-2008"
) -> Decimal | None:
    """A reading corrected for the background, GB 12348-2008 table 4; None when it cannot be used. [dB(A)]

    The difference is tested unrounded: above 10 dB nothing is corrected, below 3 dB the background has to be lowered
    first (None). Between, it is rounded to a whole number (half to even) and looked up: 3 takes 3 off, 4 and 5 take 2,
    6 to 10 take 1.

    Parameters
    ----------
    measured, background : Decimal
        Level with the source on, and with it off. [dB(A)]
    day : date, optional
        Chooses the edition; without it the newest.
    """
    table, _, _ = _table(standard, day or date.max)
    above, steps = _steps(_correction_rows(table, day))
    difference = measured - background
    if difference > above:
        return measured
    if difference < lowest_difference(table, day):
        return None
    whole = int(round_gb(difference, 0))
    return measured + next(step.added for step in steps if step.low <= whole <= step.high)


def lowest_difference(table: Edition, day: date | None) -> int:
    """Below this difference from the background a reading cannot be used. [dB]"""
    return min(step.low for step in _steps(_correction_rows(table, day))[1])


def _correction_rows(table: Edition, day: date | None) -> tuple[LimitRow, ...]:
    """The correction table; GB 22337 and GB 12523 have the same one, transcribed with GB 12348."""
    mine = tuple(row for row in table.rows if row.group == "background_correction")
    return mine or tuple(r for r in edition("factory", day or date.max).rows if r.group == "background_correction")


# --- boundaries -------------------------------------------------------------------------------------------------------


def boundary_limit(
    zone: str | None, period: str, day: date, *, standard: str = "GB 12348-2008", indoor: bool = False
) -> Decimal:
    """Limit of Leq at a boundary. [dB(A)]

    `indoor`: measured inside, the boundary being less than 1 m from a sensitive building: limit - 10 (GB 12348 4.1.5).
    """
    table, _, _ = _table(standard, day)
    group, _, _ = _group(table.standard, zone)
    return _leq_limit(table, group, period_of(period), indoor=indoor)[0]


def _leq_limit(table: Edition, group: str, period: str, *, indoor: bool) -> tuple[Decimal, str]:
    row = one_row(table, item="leq", group=group, period=period)
    limit, clause = value_of(row), row.clause
    if indoor:
        rule = next(r for r in table.rows if r.op == "text" and _INDOOR.match(r.text))
        hit = _INDOOR.match(rule.text)
        assert hit is not None
        limit, clause = limit - int(hit[1]), f"{clause}；{rule.standard} {rule.table_no}"
    return limit, clause


def judge_boundary(
    name: str,
    *,
    zone: str | None = None,
    leq: Decimal | None,
    period: str,
    day: date,
    background: Decimal | None = None,
    lmax: Decimal | None = None,
    lmax_kind: str = "frequent",
    indoor: bool = False,
    standard: str = "GB 12348-2008",
    window: Window | None = None,
    why: tuple[str, str] = ("未测", "not measured"),
    readings: tuple[ReadingRef, ...] = (),
    subject: str | None = None,
    judge: str = "noise.boundary",
) -> Verdict:
    """Verdict on one boundary measurement by GB 12348, GB 22337 or GB 12523.

    The reading is corrected for its background (`background_correction`), rounded to 0.1 dB and compared; one equal to
    the limit complies. Without a background it is judged as read, and the verdict says so.

    Parameters
    ----------
    zone : str, optional
        Zone outside the boundary: 0, 1, 2, 3, 4 (4a and 4b count as 4). GB 12523 needs none.
    leq : Decimal, optional
        Of the source's typical time (GB 12523: 20 min). [dB(A)]
    period : str
        ``day`` or ``night``.
    lmax, lmax_kind : Decimal, str
        Largest level of the night, and whether the noise is ``frequent`` (limit + 10) or ``occasional`` (limit + 15);
        at a construction site always + 15. By day it is not judged. [dB(A)]
    indoor : bool
        Measured in the room, the boundary being closer than 1 m: limit - 10.

    Raises
    ------
    BadInput
        For an unknown zone, part of the day, kind of noise or standard.

    References
    ----------
    .. [1] GB 12348-2008, 4.1 and 5.7; GB 22337-2008, 4.1; GB 12523-2011, 4.
    """
    table, where_zh, where_en = _table(standard, day)
    group, zone_zh, zone_en = _group(table.standard, zone)
    part = period_of(period)
    limit, clause = _leq_limit(table, group, part, indoor=indoor)
    value, note, not_used = leq, ("", ""), why
    if leq is not None and background is not None:
        value = background_correction(leq, background, day=day, standard=table.standard)
        difference = leq - background
        if value is None:
            least = lowest_difference(table, day)
            not_used = (
                f"实测 {leq}、背景 {background}，差值 {difference} dB 低于 {least} dB，应降低背景噪声后重测",
                f"read {leq} over a background of {background}, {difference} dB and less than {least}: "
                "the background must be lowered first",
            )
        elif value != leq:
            note = (f"背景修正 {value - leq} dB（实测 {leq}）", f"corrected by {value - leq} dB (read {leq})")
    elif leq is not None:
        note = ("未作背景修正", "not corrected for background")
    zh, en = PERIODS[part]
    words = (f"{zh}等效声级", f"{en} level")
    parts = [
        Compared(
            "leq", words, printed_level(value), limit, "dB(A)", clause, why=not_used, note=note, readings=readings
        )
    ]  # fmt: skip
    if lmax is not None and part == NIGHT:
        parts.append(_burst(table, group, lmax, lmax_kind, limit))
    at_zh, at_en = (f"{zone_zh}区" if zone_zh else "") + where_zh, ", ".join(filter(None, (where_en, zone_en.lower())))
    if indoor:
        at_zh, at_en = at_zh + "室内", at_en + ", indoors"
    return verdict(
        judge, (subject or name, f"{name}（{at_zh}）", f"{name} ({at_en})"), window or day_window(day), parts,
        edition=table.standard, notes=[note] if note[0] else [],
        extra={"zone": group, "period": part, "indoor": indoor, "measured": None if leq is None else str(leq),
               "background": None if background is None else str(background)},
    )  # fmt: skip


def _burst(table: Edition, group: str, lmax: Decimal, kind: str, limit: Decimal) -> Compared:
    """The night's largest level beside the night limit and what it may exceed it by."""
    if kind not in BURSTS:
        raise BadInput(f"no such night noise {kind!r}", field="lmax_kind", hint=f"one of {', '.join(BURSTS)}")
    rows = [row for row in table.rows if row.item_code == "lmax" and row.period == NIGHT]
    row = next((r for r in rows if r.condition == f"{kind} night noise"), None)
    if row is None:
        row = next((r for r in rows if r.group == group and not r.condition), None)
    words, figure = BURSTS[kind], printed_level(lmax)
    if row is None:
        why = (f"{table.standard}表中无最大声级限值", f"the table of {table.standard} has no limit for it")
        return Compared("lmx", words, figure, None, "dB(A)", table.standard, why=why, optional=True)
    if row.group == SITE_BOUNDARY:
        words = ("夜间最大声级", "largest level of the night")
    return Compared("lmx", words, figure, limit + value_of(row), "dB(A)", f"{row.standard} {row.table_no}")


# --- rooms ------------------------------------------------------------------------------------------------------------


def room_limit(
    zone: str, room: str, period: str, day: date, *, band: str | None = None, standard: str = "GB 12348-2008"
) -> Decimal:
    """Indoor limit of structure-borne noise: Leq [dB(A)], or of an octave band such as ``"125 Hz"`` [dB].

    Raises
    ------
    BadInput
        For a room other than A and B, or a band the standard does not have.
    """
    table, _, _ = _table(standard, day)
    return value_of(_room_row(table, zone, room, period_of(period), band))


def _room(word: str) -> str:
    found = _ROOM_WORDS.get(str(word).strip().lower().removesuffix("房间"))
    if found is None:
        raise BadInput(f"no type of room {word!r}", field="room", hint="A (to sleep in) or B")
    return found


def _room_row(table: Edition, zone: str, room: str, period: str, band: str | None) -> LimitRow:
    group, _, _ = _group(table.standard, zone)
    group = "zone_2_3_4" if group in ("zone_2", "zone_3", "zone_4") else group
    item = "leq" if band is None else "octave_spl"
    kind = _room(room)
    tail = "" if band is None else f";{band}"
    rows = [r for r in table.rows if (r.item_code, r.group, r.period) == (item, group, period)]
    for condition in (f"{STRUCTURE};{kind}{tail}", f"{STRUCTURE};room_a_b{tail}"):
        for row in rows:
            if row.condition == condition:
                return row
    bands = ", ".join(dict.fromkeys(r.condition.rpartition(";")[2] for r in rows if STRUCTURE in r.condition))
    what = f"in a {ROOMS[kind][1]}" + (f" at {band}" if band else "")
    raise BadInput(f"{table.standard} sets no limit {what}", field="band" if band else "room", hint=f"it has {bands}")


def judge_room(
    name: str,
    *,
    zone: str,
    room: str,
    period: str,
    day: date,
    leq: Decimal | None = None,
    bands: Mapping[str, Decimal] | None = None,
    standard: str = "GB 12348-2008",
    window: Window | None = None,
    subject: str | None = None,
) -> Verdict:
    """Verdict on structure-borne noise in a room: the level, and each octave band given.

    Parameters
    ----------
    zone : str
        Zone the building stands in.
    room : str
        ``A``: rooms to sleep in; ``B``: others where quiet is needed by day.
    leq : Decimal, optional
        Indoor level. [dB(A)]
    bands : mapping, optional
        Level by octave band, ``"31.5 Hz"`` to ``"500 Hz"``. [dB]

    Raises
    ------
    BadInput
        Without a level and without bands, or for an unknown zone, room or band.

    References
    ----------
    .. [1] GB 12348-2008, tables 2 and 3; GB 22337-2008, tables 2 and 3.
    """
    table, _, _ = _table(standard, day)
    part, kind = period_of(period), _room(room)
    zone_zh, zone_en = _group(table.standard, zone)[1:]
    parts = []
    if leq is not None:
        row = _room_row(table, zone, room, part, None)
        words = (f"{PERIODS[part][0]}等效声级", f"{PERIODS[part][1]} level")
        parts.append(Compared("leq", words, printed_level(leq), value_of(row), "dB(A)", row.clause))
    for band, level in (bands or {}).items():
        row = _room_row(table, zone, room, part, band)
        words = (f"{band} 倍频带声压级", f"octave band {band}")
        parts.append(
            Compared(f"octave_{band.removesuffix(' Hz')}", words, printed_level(level), value_of(row), "dB", row.clause)
        )
    if not parts:
        raise BadInput("nothing to judge", field="leq", hint="give the level, octave bands, or both")
    zh, en, _ = ROOMS[kind]
    return verdict(
        "noise.room", (subject or name, f"{name}（{zone_zh}区{zh}）", f"{name} ({en}, {zone_en.lower()})"),
        window or day_window(day), parts, edition=table.standard,
        extra={"zone": zone_of(zone).id, "room": kind, "period": part},
    )  # fmt: skip
