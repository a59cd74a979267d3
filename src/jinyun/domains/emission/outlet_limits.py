"""All limits of an outlet in the node: its permit's, and those of the standard that its record names. Pure.

Of a factor that both limit for the same period and kind of value, the stricter decides; the other is kept beside it, so
that a verdict shows both and says which.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any

from jinyun.domains.emission.emission_limit import EmissionLimit
from jinyun.domains.emission.limits import BadLimit, Limit, limits_on
from jinyun.domains.emission.standards import limits_of
from jinyun.kernel.errors import JinyunError
from jinyun.kernel.factors import factors
from jinyun.methods.measured import both

Record = Mapping[str, Any]

FACT_FIELDS: Mapping[str, str] = {
    "built": "built", "fuel": "fuel", "height": "stack_height", "buildings": "buildings_height",
}  # fmt: skip
"""Facts of `standards.limits_of` and the outlet's field that says them."""

ROW_FIELDS = (
    "standard", "table_no", "item_zh", "group", "condition", "stage", "period", "op", "value", "value_hi", "unit",
    "source", "note", "reference_o2", "valid_from", "valid_to",
)  # fmt: skip
"""Fields of a ``standard_limit`` record that are columns of the tables of limits; its ``item`` is ``item_code``."""

HELD_BY = ("concentration", "rate")


def rows_of(records: Sequence[Record]) -> list[dict[str, str]]:
    """``standard_limit`` records as rows in the columns of the tables of limits."""
    return [
        {"item_code": str(one.get("item") or ""), **{name: _text(one.get(name)) for name in ROW_FIELDS}}
        for one in records
    ]


def record_of(row: Mapping[str, str]) -> dict[str, str]:
    """Data of a ``standard_limit`` record from a row of a user's file that passed `standards.check_rows`."""
    data = {"item": row["item_code"], **{name: row.get(name) or "" for name in ROW_FIELDS}}
    return {name: value.strip() for name, value in data.items() if value.strip()}


@lru_cache(maxsize=1024)
def _plain(name: str | None) -> str:
    return "".join((name or "").split()).casefold()


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def limits_in_force(
    day: date,
    permit_limits: Sequence[Record],
    outlets: Sequence[Record],
    standard_limits: Sequence[Record] = (),
    *,
    jurisdiction: str = "",
    stack: bool = False,
    facts: Mapping[str, Any] | None = None,
) -> tuple[list[Limit], list[BadLimit]]:
    """Limits of the outlets in force on `day`, and what cannot be used of them with why.

    Parameters
    ----------
    jurisdiction : str
        Division code of the site; its first two digits are the province.
    stack : bool
        True for flue gas, whose limits are held by the hour; water's by the day.
    facts : mapping, optional
        Facts of the moment, e.g. ``water_temp`` [degC].
    """
    limits, bad = limits_on(day, permit_limits, outlets)
    for outlet in outlets:
        name = str(outlet.get("standard") or "").strip()
        if not name:
            continue
        try:
            found = _of_standard(day, outlet, standard_limits, jurisdiction, facts or {})
        except (
            JinyunError
        ) as wrong:  # a record that names something that is not there must not stop the permit's limits
            why = both(f"执行标准{name}不能使用：{wrong}", f"the standard {name} cannot be used: {wrong}")
            bad.append(BadLimit(str(outlet["id"]), "", "hour" if stack else "day", why, why))
            continue
        limits += [one for one in found if isinstance(one, Limit)]
        bad += [one for one in found if isinstance(one, BadLimit)]
    return _merged(_with_oxygen(limits)), bad


def _of_standard(
    day: date, outlet: Record, standard_limits: Sequence[Record], jurisdiction: str, facts: Mapping[str, Any]
) -> Sequence[Limit | BadLimit]:
    given = {fact: str(outlet[field]) for fact, field in FACT_FIELDS.items() if outlet.get(field) not in (None, "")}
    if jurisdiction:
        given["province"] = jurisdiction
    key = (
        str(outlet["id"]), str(outlet["standard"]), str(outlet.get("standard_group") or ""),
        str(outlet.get("standard_stage") or ""), tuple(str(one) for one in outlet.get("standard_conditions") or ()),
    )  # fmt: skip
    mine = [one for one in standard_limits if _plain(one.get("standard")) == _plain(outlet["standard"])]
    extra = tuple(tuple(sorted(row.items())) for row in rows_of(mine))
    found, missing = _cached(key, tuple(sorted(given.items())), extra, day)
    asked = missing & facts.keys()
    if asked:
        given |= {name: str(facts[name]) for name in asked}
        found, _ = _cached(key, tuple(sorted(given.items())), extra, day)
    return found


@lru_cache(maxsize=1024)
def _cached(
    key: tuple[str, str, str, str, tuple[str, ...]],
    facts: tuple[tuple[str, str], ...],
    extra: tuple[tuple[tuple[str, str], ...], ...],
    day: date,
) -> tuple[tuple[Limit | BadLimit, ...], frozenset[str]]:
    """Limits in the judges' shape, and the facts that would decide those left open."""
    outlet, standard, group, stage, conditions = key
    found = limits_of(
        standard, group=group or None, stage=stage or None, conditions=conditions, on=day, facts=dict(facts),
        extra_rows=[dict(row) for row in extra],
    )  # fmt: skip
    missing = frozenset(name for one in found for name in one.missing_facts)
    return tuple(_limit(one, outlet) for one in found if one.factor and one.kind in HELD_BY), missing


def _limit(one: EmissionLimit, outlet: str) -> Limit | BadLimit:
    """A limit of a standard in the shape the judges hold values against."""
    ids = f"{outlet}:{one.standard}"
    if not one.judgeable:
        return BadLimit(ids, one.factor, one.period, one.reason, one.reason)
    if one.alternatives:
        several = [_limit(each, outlet) for each in one.alternatives]
        good = [each for each in several if isinstance(each, Limit)]
        if len(good) < len(several) or any(each.high is None or each.low is not None for each in good):
            return BadLimit(ids, one.factor, one.period, one.reason, one.reason)
        ordered = sorted(good, key=lambda each: each.high or Decimal(0))
        return replace(
            ordered[0], laxest=ordered[-1].high, why_open=one.reason,
            text="/".join(dict.fromkeys(each.text for each in ordered)),
        )  # fmt: skip
    low, high = one.bound()
    if one.op == "not_detected":
        low, high = None, Decimal(0)
    elif one.op in ("le", "lt"):
        low, high = None, low
    texts = [format(side.normalize(), "f") for side in (low, high) if side is not None]
    text = "–".join(texts) if len(texts) > 1 else {"ge": "≥", "gt": ">", "lt": "<"}.get(one.op, "") + texts[0]
    return Limit(
        id=ids, factor=one.factor, period=one.period, high=high, low=low,
        text="不得检出" if one.op == "not_detected" else text,
        unit=one.factor_unit if one.kind == "rate" else factors()[one.factor].unit or one.factor_unit,
        converted=one.reference_o2 is not None, reference_o2=one.reference_o2, basis=one.clause,
        kind=one.kind, strict=one.op in ("lt", "gt"), standard=True, outlet=outlet,
    )  # fmt: skip


def _with_oxygen(limits: Sequence[Limit]) -> list[Limit]:
    """A permit limit on converted values takes the standard's reference oxygen where the outlet's record has none."""
    known = {(one.outlet, one.factor): one.reference_o2 for one in limits if one.standard and one.converted}
    return [
        replace(one, reference_o2=known.get((one.outlet, one.factor)))
        if one.converted and one.reference_o2 is None
        else one
        for one in limits
    ]


def _merged(limits: Sequence[Limit]) -> list[Limit]:
    """One limit per factor, period and kind of value: the stricter, the others beside it."""
    groups: dict[tuple[Any, ...], list[Limit]] = {}
    for one in limits:
        lower_only = one.high is None
        groups.setdefault((one.outlet, one.factor, one.period, one.converted, one.kind, lower_only), []).append(one)
    found = []
    for many in groups.values():
        if len(many) == 1 or not any(one.standard for one in many):
            found += many
            continue
        ordered = sorted(many, key=_strictness)
        first = ordered[0]
        beside = "、".join(f"{one.text}（{one.basis or '许可限值'}）" for one in ordered[1:])
        also = ", ".join(f"{one.text} ({one.basis or 'permit'})" for one in ordered[1:])
        found.append(
            replace(
                first, beside=both(f"以较严者为准，另有限值{beside}", f"the stricter decides; also limited: {also}")
            )
        )
    return found


def _strictness(one: Limit) -> tuple[Decimal, bool]:
    """The stricter first; of equals the permit's."""
    if one.high is not None:
        low = one.low if one.low is not None else Decimal(0)
        return one.high - low, one.standard
    return -(one.low or Decimal(0)), one.standard
