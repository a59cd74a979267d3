"""One outlet against its limits over one hour, day or sample: the library's door to the judging of emissions. Pure.

The judges of the node (`judges`) take readings and records; this function takes figures, so that a table, a report or
another program can be judged by the same rules.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from jinyun.domains.emission.conversion import NotConvertible, to_reference_oxygen
from jinyun.domains.emission.emission_limit import EmissionLimit
from jinyun.domains.emission.rate import emission_rate
from jinyun.domains.emission.rules import rule
from jinyun.kernel.factors import factors
from jinyun.kernel.terms import CHINA, Period, Status, Verdict, VerdictItem, Window, instant, window_of
from jinyun.kernel.units import convert, unit_of
from jinyun.methods.measured import both
from jinyun.methods.statistics import decimals, multiple, printed, round_fraction
from jinyun.methods.wording import listed, unit_words, window_words

Values = Mapping[str, Decimal | None]

LABELS: Mapping[Status, tuple[str, str]] = {
    Status.EXCEEDS: ("超标", "exceeds"),
    Status.ATTAINS: ("达标", "attains"),
    Status.CANNOT_JUDGE: ("无法判定", "cannot be judged"),
}
KIND_WORDS: Mapping[str, tuple[str, str]] = {
    "rate": ("排放速率", "rate of "),
    "fugitive": ("厂界", "at the boundary "),
    "removal": ("去除率", "removal of "),
}
OXYGEN_MISSING = both("无含氧量，不能折算", "no oxygen content to convert with")


@dataclass(frozen=True, slots=True)
class Held:
    """One factor held against what limits it: the limit that decides and those beside it."""

    limit: EmissionLimit
    beside: tuple[EmissionLimit, ...]
    value: Decimal | None  # [unit]
    unit: str
    status: Status
    reason: str
    converted: bool = False


def judge_outlet(
    name: str,
    values: Values,
    limits: Sequence[EmissionLimit],
    *,
    day: date,
    window: Window | None = None,
    oxygen: Decimal | None = None,
    converted: Collection[str] = (),
    non_detects: Collection[str] = (),
    units: Mapping[str, str] | None = None,
    rates: Values | None = None,
    boundary: Values | None = None,
    removal: Values | None = None,
    flow: Decimal | None = None,
    judge: str = "emission.outlet",
) -> Verdict:
    """Judge one outlet.

    Parameters
    ----------
    name : str
        Name or id of the outlet: the verdict's subject.
    values : mapping
        Concentration by factor id or table item; None: due, but missing or not valid, so that it cannot be judged.
        What is not in it was not measured and is not judged. [`EmissionLimit.factor_unit`, or as `units` says]
    limits : sequence of EmissionLimit
        From `standards.limits_of`; several of one factor (a standard and a permit): the stricter decides.
    day : date
        Day of the data.
    window : Window, optional
        Hour or day judged; None: the day window of `day`, as for a single sample.
    oxygen : Decimal, optional
        Oxygen measured, for limits at a reference oxygen content. [%]
    converted : collection of str
        Keys whose value is already at the reference oxygen content.
    non_detects : collection of str
        Keys whose value is a detection limit: it attains above it, otherwise it cannot be told.
    units : mapping, optional
        Unit of a value where it is not the factor's.
    rates, boundary, removal : mapping, optional
        Emission rates [kg/h], concentrations at the boundary [unit of the table], removal rates [%], by factor or item.
    flow : Decimal, optional
        Dry standard flow of gas, or flow of water; gives rates that are not in `rates`, and amounts. [m3/h]

    Returns
    -------
    Verdict
        ``extra``: ``not_measured`` (limited, no value), ``no_limit`` (value, not limited), ``amounts`` [kg] in the
        window when `flow` is given, ``beside`` (limits that are not the strictest).

    References
    ----------
    .. [1] HJ 75-2017 annex (conversion); GB 13271-2014, GB 13223-2011, GB 4915-2013 (reference oxygen);
       GB 16297-1996 (concentration, rate and fugitive limits all hold); GB/T 8170-2008 (rounding).
    """
    window = window or window_of(Period.DAY, instant(datetime.combine(day, time(), CHINA)))
    units = units or {}
    given: Mapping[str, Values] = {
        "concentration": values, "rate": _rates(values, rates, flow, units), "fugitive": boundary or {},
        "removal": removal or {}, "structure": values,
    }  # fmt: skip
    groups: dict[tuple[str, str, bool], list[EmissionLimit]] = {}
    absent: list[str] = []
    for limit in limits:
        if _key_in(limit, given[limit.kind]) is None:
            absent.append(limit.key)
        else:
            groups.setdefault((limit.key, limit.kind, limit.reference_o2 is not None), []).append(limit)
    held = []
    for (_, kind, _), group in groups.items():
        key = _key_in(group[0], given[kind]) or ""
        held.append(
            _hold(
                given[kind][key], group, oxygen, at_reference=key in converted, non_detect=key in non_detects,
                unit=units.get(key),
            )
        )  # fmt: skip
    named = {n for limit in limits for n in (limit.factor, limit.item)}
    extra: dict[str, Any] = {
        "not_measured": list(dict.fromkeys(absent)),
        "no_limit": [key for key in values if key not in named],
        "missing": [one.limit.key for one in held if one.status is Status.CANNOT_JUDGE],
        "beside": [f"{other.key} {other.printed} {other.clause}" for one in held for other in one.beside],
    }
    if flow is not None:
        extra["amounts"] = _amounts(values, units, flow, window)
    return _verdict(name, window, held, limits, extra=extra, judge=judge)


def _rates(values: Values, rates: Values | None, flow: Decimal | None, units: Mapping[str, str]) -> Values:
    found = dict(rates or {})
    for key, value in values.items():
        if flow is None or key in found:
            continue
        unit = units.get(key) or (factors()[key].unit if key in factors() else "")
        if value is not None and unit_of(unit).endswith("/m3"):
            found[key] = emission_rate(value, flow, unit=unit)
    return found


def _amounts(values: Values, units: Mapping[str, str], flow: Decimal, window: Window) -> dict[str, str]:
    """Amounts emitted in the window: concentration times flow times hours, of the measured value. [kg]"""
    hours = Decimal(window.end - window.start) / 3600
    found = {}
    for key, value in values.items():
        unit = unit_of(units.get(key) or (factors()[key].unit if key in factors() else ""))
        if value is not None and unit.endswith(("g/m3", "g/L")):
            found[key] = format((convert(value, unit, "kg/m3") * flow * hours).normalize(), "f")
    return found


def _key_in(limit: EmissionLimit, values: Values) -> str | None:
    return next((key for key in (limit.factor, limit.item) if key and key in values), None)


def _hold(
    value: Decimal | None, limits: Sequence[EmissionLimit], oxygen: Decimal | None, *, at_reference: bool,
    non_detect: bool, unit: str | None,
) -> Held:  # fmt: skip
    first = limits[0]
    own = first.factor_unit
    if value is None:
        reason = both("无有效数据", "no valid value")
        return Held(first, tuple(limits[1:]), None, own, Status.CANNOT_JUDGE, reason)
    value = convert(value, unit, own) if unit and first.kind == "concentration" else value
    reason, was_converted = "", first.reference_o2 is not None
    if first.reference_o2 is not None and not at_reference:
        found, reason = _convert(first, value, oxygen)
        if found is None:
            return Held(first, tuple(limits[1:]), None, own, Status.CANNOT_JUDGE, reason)
        value = found
    ordered = sorted(limits, key=lambda one: _order(one, value, non_detect))
    status, why = _status(ordered[0], value, non_detect)
    if len(ordered) > 1:
        others = "、".join(f"{one.printed}（{one.clause}）" for one in ordered[1:])
        english = ", ".join(f"{one.printed} ({one.clause})" for one in ordered[1:])
        beside = both(
            f"以较严的{ordered[0].clause}为准，另有限值{others}", f"the stricter decides; also limited: {english}"
        )
        why = _joined(why, beside)
    return Held(ordered[0], tuple(ordered[1:]), value, own, status, _joined(reason, why), was_converted)


def _order(limit: EmissionLimit, value: Decimal, non_detect: bool) -> tuple[int, Decimal]:
    """Broken limits first, then the stricter."""
    status, _ = _status(limit, value, non_detect)
    rank = {Status.EXCEEDS: 0, Status.CANNOT_JUDGE: 1, Status.ATTAINS: 2}[status]
    low, high = limit.bound()
    edge = high if high is not None else low
    if edge is None:
        return rank, Decimal(0)
    return rank, -edge if limit.op in ("ge", "gt") else edge


def _status(limit: EmissionLimit, value: Decimal, non_detect: bool) -> tuple[Status, str]:
    if non_detect and limit.op == "not_detected":
        return Status.ATTAINS, both("未检出", "not detected")
    met = limit.met_by(value)
    if met is None:
        return Status.CANNOT_JUDGE, limit.reason
    if not met and non_detect:
        why = both("检出限高于限值，无法判定", "the detection limit is above the limit: cannot be told")
        return Status.CANNOT_JUDGE, why
    why = both("未检出，按检出限比较", "not detected, compared by its detection limit") if non_detect else ""
    return (Status.ATTAINS if met else Status.EXCEEDS), why


def _convert(limit: EmissionLimit, value: Decimal, oxygen: Decimal | None) -> tuple[Decimal | None, str]:
    """A value at reference oxygen, rounded once, with how; None and why not."""
    assert limit.reference_o2 is not None
    if oxygen is None:
        return None, OXYGEN_MISSING
    if oxygen >= rule("oxygen_suspect"):
        return None, both(
            f"含氧量{oxygen:f}%接近或高于空气，不折算（漏风、氧表故障或停产，请核实）",
            f"oxygen {oxygen:f} % is near that of air or above: not converted (leak, sensor fault or stopped plant)",
        )
    try:
        exact = to_reference_oxygen(value, oxygen, limit.reference_o2)
    except NotConvertible as wrong:
        return None, both("含氧量不允许折算", str(wrong))
    shown = factors()[limit.factor].decimals if limit.factor else None
    found = round_fraction(exact, max(decimals(value), shown or 0))
    return found, both(
        f"由实测{value:f}、含氧量{oxygen:f}%折算到{limit.reference_o2:f}%",
        f"converted from {value:f} at {oxygen:f} % O2 to {limit.reference_o2:f} %",
    )


def _joined(*notes: str) -> str:
    pairs = [note.split(" | ") for note in notes if note]
    return both("；".join(pair[0] for pair in pairs), "; ".join(pair[-1] for pair in pairs)) if pairs else ""


def _places(limit: EmissionLimit) -> int:
    return (factors()[limit.factor].decimals or 0) if limit.factor and limit.kind == "concentration" else 0


def _words(limit: EmissionLimit, english: bool) -> str:
    if limit.factor:
        name = factors()[limit.factor].en if english else factors()[limit.factor].zh
    else:
        name = limit.item.replace("_", " ") if english else limit.item_zh or limit.item
    extra = KIND_WORDS.get(limit.kind, ("", ""))
    return extra[1] + name if english else name + extra[0]


def _item(one: Held) -> VerdictItem:
    limit, times = one.limit, None
    low, high = limit.bound()
    edge = high if high is not None else low
    if one.status is Status.EXCEEDS and one.value is not None and edge and limit.op in ("le", "lt"):
        times = str(multiple(one.value, edge, int(rule("multiple_places"))))
    figure = None if one.value is None else printed(one.value, _places(limit))
    return VerdictItem(
        limit.key, figure, one.unit, one.status, _limit_text(one), multiple=times, clause=limit.clause,
        reason=one.reason if one.status is not Status.CANNOT_JUDGE or one.reason else limit.reason,
    )  # fmt: skip


def _limit_text(one: Held) -> str:
    """The limit as printed; with its own unit where values are kept in another."""
    own, text = unit_of(one.limit.unit), one.limit.printed.removeprefix("≤ ")
    return text if own == one.unit or not own else f"{text} {own}"


def _told(one: Held, english: bool) -> str:
    item = _item(one)
    unit = unit_words(one.unit)
    zs = ("converted " if english else "折算") if one.converted else ""
    if english:
        over = f", {item.multiple} times over" if item.multiple else ""
        return f"{zs}{_words(one.limit, True)} {item.figure}{unit} against {item.limit} ({one.limit.clause}){over}"
    over = f"，超标{item.multiple}倍" if item.multiple else ""
    return f"{_words(one.limit, False)}{zs}{item.figure}{unit}，限值{item.limit}（{one.limit.clause}）{over}"


def _ratio(one: Held) -> Decimal:
    """Nearness to the limit, for order only."""
    low, high = one.limit.bound()
    edge = high if high is not None else low
    return Decimal(-1) if one.value is None else (one.value / edge if edge else one.value)


def _verdict(
    name: str, window: Window, held: Sequence[Held], limits: Sequence[EmissionLimit], *, extra: Mapping[str, Any],
    judge: str,
) -> Verdict:  # fmt: skip
    over = sorted((one for one in held if one.status is Status.EXCEEDS), key=lambda one: -_ratio(one))
    unsure = [one for one in held if one.status is Status.CANNOT_JUDGE]
    status = Status.EXCEEDS if over else Status.ATTAINS
    if not over and (unsure or not held):
        status = Status.CANNOT_JUDGE
    sure = [one for one in held if one.status is Status.ATTAINS]
    head = over[0] if over else max(sure, key=_ratio, default=None)
    item = _item(head) if head is not None else None
    zh, en = window_words(window)
    zh, en = f"{name}{zh}", f"{name}, {en}: "
    if over:
        zh += "超标：" + "；".join(_told(one, False) for one in over)
        en += "exceeds, " + "; ".join(_told(one, True) for one in over)
    elif status is Status.ATTAINS and head is not None:
        zh += f"{len(held)}项均达标，最接近限值的是{_told(head, False)}"
        en += f"all {len(held)} items attain, nearest to its limit {_told(head, True)}"
    else:
        zh, en = f"{zh}无法判定", f"{en}cannot be judged"
        if not held:
            zh, en = f"{zh}：没有可与限值比较的数据", f"{en}: no value to hold against a limit"
    for one in unsure:
        reason = (_item(one).reason or "").split(" | ")
        zh += f"；{_words(one.limit, False)}{reason[0]}"
        en += f"; {_words(one.limit, True)}: {reason[-1]}"
    names = list(dict.fromkeys(one.standard for one in ([o.limit for o in held] or limits)))
    level = {Status.EXCEEDS: int(rule("level_exceeds")), Status.ATTAINS: int(rule("level_attains"))}.get(status)
    return Verdict(
        judge=judge, subject=name, window=window, status=status, figure=item.figure if item else None,
        unit=item.unit if item else "", limit=item.limit if item else None,
        clause=head.limit.clause if head is not None else "；".join(names), edition=listed(names), level=level,
        label_zh=LABELS[status][0], label_en=LABELS[status][1],
        deciding=tuple(dict.fromkeys(one.limit.key for one in over)), items=tuple(_item(one) for one in held),
        sentence_zh=f"{zh}。", sentence_en=f"{en}.", extra=extra,
    )  # fmt: skip
