"""Marks on online data 自动监测数据标记: 公告2022年第21号. Pure.

A mark says that a monitor was not measuring (device marks of every industry) or that the plant was in an abnormal
condition (condition marks of an industry). Marks are append-only: a mistake is withdrawn by a later mark that names it,
and both stay. Marks for a day are in by noon of the next; what comes later changes nothing: the data stand.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import cache

from jinyun.domains.emission.rules import PACKAGE, table_figure, table_row
from jinyun.domains.emission.standards import factor_for
from jinyun.kernel.errors import BadInput, Conflict, NotFound
from jinyun.kernel.tables import csv_rows
from jinyun.kernel.terms import CHINA, china_time, instant
from jinyun.methods.editions import NoEdition, edition_on
from jinyun.methods.measured import both

TABLE = "online_marking_rules.csv"
HOUR_S = 3600


@dataclass(frozen=True, slots=True)
class MarkKind:
    """A kind of mark of the rules: what it is called and what it does."""

    industry: str  # empty: every industry
    kind: str  # device, condition
    code: str
    zh: str
    en: str
    effect: str  # invalid, exempt, limit
    hours: Decimal | None  # time limit of an exemption [h]
    extended_hours: Decimal | None  # where the rule lets it be extended [h]
    limit: Decimal | None  # limit that still holds [mg/m3]
    factors: tuple[str, ...]  # concerned; empty: all
    source: str
    verified: str


@dataclass(frozen=True, slots=True)
class Mark:
    """One mark as it was set. Never changed: `withdraws` takes back an earlier one by its id."""

    id: str
    outlet: str
    industry: str
    code: str
    start: int  # [s]
    end: int  # [s]
    author: str
    at: int  # when it was set [s]
    reason: str
    evidence: tuple[str, ...] = ()
    automatic: bool = False  # set by the device itself
    controls_kept: bool = True  # pollution control still met its requirements
    extended: bool = False
    withdraws: str = ""


@dataclass(frozen=True, slots=True)
class Effect:
    """What the marks do to one hour of one factor."""

    valid: bool = True  # False: the data are not valid
    judged: bool = True  # False: not used to judge exceedance
    limit: Decimal | None = None  # another limit holds meanwhile [mg/m3]
    reason: str = ""  # both languages
    marks: tuple[str, ...] = ()


@cache
def kinds() -> Mapping[tuple[str, str], MarkKind]:
    """Kinds of marks by industry and code."""
    found = {}
    for row in csv_rows(PACKAGE, "marks.csv"):
        exempt, limit = row["effect"] == "exempt", row["effect"] == "limit"
        standard = {"boiler": "HJ 953-2018", "thermal_power": "thermal power"}.get(row["industry"], row["industry"])
        rule_row = table_row(TABLE, row["rule_code"], standard=standard.replace("_", " ")) if exempt or limit else {}
        figure = Decimal(rule_row["value"]) if rule_row else None
        found[row["industry"], row["code"]] = MarkKind(
            row["industry"], row["kind"], row["code"], row["zh"], row["en"], row["effect"], figure if exempt else None,
            Decimal(row["extended_hours"]) if row["extended_hours"] else None, figure if limit else None,
            tuple(factor_for(item, "gas") for item in row["items"].split()), row["source"], row["verified"],
        )  # fmt: skip
    return found


def kind_of(mark: Mark) -> MarkKind:
    """The kind of a mark: one of its industry, or a device mark of every industry.

    Raises
    ------
    NotFound
        With the nearest known code.
    """
    for industry in (mark.industry, ""):
        if (industry, mark.code) in kinds():
            return kinds()[industry, mark.code]
    known = [code for industry, code in kinds() if industry in (mark.industry, "")]
    raise NotFound(f"mark of {mark.industry or 'any industry'}", mark.code, known=known)


def deadline(data_day: date) -> int:
    """Until when manual marks for a day count: noon of the next day, China time, that minute itself included. [s]"""
    row = table_row(TABLE, "manual_mark")
    return instant(datetime.combine(data_day + timedelta(days=1), time.fromisoformat(row["value"]), CHINA))


def in_time(data_day: date, marked_at: int) -> bool:
    """True when a manual mark made at `marked_at` [s] counts for the data of `data_day`."""
    return marked_at <= deadline(data_day)


def append(marks: Sequence[Mark], mark: Mark) -> tuple[Mark, ...]:
    """The marks with one more. Nothing is ever changed or taken out.

    Raises
    ------
    BadInput
        For a mark without reason, author or duration.
    Conflict
        For an id that there is already.
    NotFound
        For an unknown kind, or a withdrawn id that there is not.
    """
    kind_of(mark)
    if mark.end <= mark.start:
        raise BadInput("a mark ends after it starts", field="end", hint="give start < end in seconds")
    for name in ("reason", "author", "outlet", "id"):
        if not getattr(mark, name).strip():
            raise BadInput(f"a mark needs its {name}", field=name, hint="say who marks what, and why")
    if not mark.automatic and not mark.evidence and not mark.withdraws:
        raise BadInput("a manual mark needs evidence", field="evidence", hint="name the record, photo or log")
    known = {one.id for one in marks}
    if mark.id in known:
        raise Conflict(f"there is a mark {mark.id!r} already: marks are added, never changed")
    if mark.withdraws and mark.withdraws not in known:
        raise NotFound("mark", mark.withdraws, known=known)
    return (*marks, mark)


def standing(marks: Sequence[Mark]) -> list[Mark]:
    """Marks that hold: those not withdrawn, without the withdrawals themselves."""
    gone = {one.withdraws for one in marks if one.withdraws}
    return [one for one in marks if not one.withdraws and one.id not in gone]


def effect_on(marks: Sequence[Mark], hour: int, factor: str, *, length_s: int = HOUR_S) -> Effect:
    """What the marks do to the data of one factor over [`hour`, `hour` + `length_s`). [s]

    Device marks make data invalid. A condition mark takes an hour that lies wholly inside it, and inside the rule's
    time limit counted from its start, out of the judging of exceedance, while pollution control kept to its
    requirements. Late marks do nothing, and the effect says so.
    """
    day = china_time(hour).date()
    mine = [one for one in standing(marks) if one.start < hour + length_s and hour < one.end]
    try:
        edition_on(csv_rows(PACKAGE, "editions.csv"), "marking", day)
    except NoEdition as none:
        return Effect(reason=both("标记规则尚未施行", str(none)) if mine else "")
    found = Effect()
    for one in mine:
        kind = kind_of(one)
        if not one.automatic and not in_time(day, one.at):
            found = _also(
                found, one, both(f"{kind.zh}标记逾期，数据照用", f"mark {kind.en!r} came too late: the data stand")
            )
        elif kind.effect == "invalid":
            why = both(f"{kind.zh}，数据无效", f"{kind.en}: not valid")
            found = Effect(False, False, None, _joined(found.reason, why), (*found.marks, one.id))
        elif kind.factors and factor not in kind.factors:
            continue
        elif kind.effect == "limit":
            why = both(f"{kind.zh}期间执行{kind.limit} mg/m³", f"{kind.en}: {kind.limit} mg/m3 holds")
            found = Effect(found.valid, found.judged, kind.limit, _joined(found.reason, why), (*found.marks, one.id))
        else:
            found = _exempt(found, one, kind, hour, length_s)
    return found


def _exempt(found: Effect, mark: Mark, kind: MarkKind, hour: int, length_s: int) -> Effect:
    hours = kind.extended_hours if mark.extended and kind.extended_hours is not None else kind.hours
    if not mark.controls_kept:
        why = both(
            f"{kind.zh}，污染治理设施不符合要求，照常判定", f"{kind.en}: control did not meet its requirements, judged"
        )
        return _also(found, mark, why)
    if hours is not None and hour + length_s > mark.start + hours * HOUR_S:
        return _also(
            found, mark, both(f"{kind.zh}已超过{hours}小时，照常判定", f"{kind.en}: past its {hours} h, judged")
        )
    if hour < mark.start or hour + length_s > mark.end:
        return _also(found, mark, both(f"{kind.zh}未覆盖整小时，照常判定", f"{kind.en}: not the whole hour, judged"))
    why = both(f"{kind.zh}，时限内不用于超标判定", f"{kind.en}: inside its time limit, not used to judge exceedance")
    return Effect(found.valid, False, found.limit, _joined(found.reason, why), (*found.marks, mark.id))


def _also(found: Effect, mark: Mark, why: str) -> Effect:
    return Effect(found.valid, found.judged, found.limit, _joined(found.reason, why), (*found.marks, mark.id))


def _joined(*notes: str) -> str:
    pairs = [note.split(" | ") for note in notes if note]
    return both("；".join(pair[0] for pair in pairs), "; ".join(pair[-1] for pair in pairs))


def exempt_hours(industry: str, code: str) -> Decimal | None:
    """Time limit of a condition mark, e.g. cold start of a boiler 4 h. [h]"""
    return kinds()[industry, code].hours


def device_rules() -> Sequence[str]:
    """Letters of HJ 212 flags in the table, as sent by devices."""
    return [row["value"] for row in csv_rows(PACKAGE, TABLE) if row["rule_group"] == "data_flag"]


def start_stop_limit() -> Decimal:
    """Hourly particles that waste incineration keeps while starting or stopping. [mg/m3]"""
    return table_figure(TABLE, "start_stop_pm")
