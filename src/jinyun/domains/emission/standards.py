"""Limits of the national emission standards for one outlet on one day, from the tables. Pure.

``limits_of("GB 18918-2002", group="grade_1a", on=date(2026, 3, 1), facts={"water_temp": Decimal("12.1")})``

A limit is chosen by the most special row that holds (see `selection`). What depends on a fact that nobody gave is kept
open with its alternatives: a value that meets or breaks all of them can still be judged. What is known to be limited
but could not be obtained is handed out as such: nothing can be judged by it, and the reason is said.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from functools import cache

from jinyun.domains.emission import selection
from jinyun.domains.emission.emission_limit import EmissionLimit
from jinyun.domains.emission.rate import rate_row
from jinyun.domains.emission.rules import PACKAGE, rule_text
from jinyun.domains.emission.selection import Facts, Group, known
from jinyun.kernel.errors import NotFound
from jinyun.kernel.factors import factors
from jinyun.kernel.tables import csv_rows
from jinyun.methods.editions import NoEdition
from jinyun.methods.limit_checks import Problem
from jinyun.methods.limit_checks import check_rows as _check_rows
from jinyun.methods.limit_rows import USER_VERIFIED, LimitRow, limit_rows
from jinyun.methods.measured import both
from jinyun.methods.wording import listed

PERIODS: Mapping[str, str] = {"hourly": "hour", "hour": "hour", "daily": "day", "day": "day"}
"""Periods as tables write them, and as limits of outlets are kept."""

FACT_WORDS: Mapping[str, tuple[str, str]] = {
    "stage": ("时段（现有、新建或特别排放限值）", "stage (in use, new or special)"),
    "built": ("建成时间", "date of building"),
    "water_temp": ("水温", "water temperature"),
    "fuel": ("燃料", "fuel"),
    "height": ("排气筒高度", "height of the stack"),
}

NO_NUMBER = both("限值不是数值，须人工判断", "the limit is no number: for a person to judge")

REFERENCE = "reference_o2"
"""Item of the rows that say the reference oxygen content."""

STAGES = ("new", "in_use")
"""Stages a source may be in when nobody says; special regions are always said."""


def standards() -> list[str]:
    """Names of the emission standards that hold limits or are known to."""
    return list(
        dict.fromkeys(row["standard"] for row in csv_rows(PACKAGE, "editions.csv") if _is_limit_table(row["table"]))
    )


@cache
def _is_limit_table(name: str) -> bool:
    return "op" in (csv_rows(PACKAGE, name) or ({},))[0]


def standard_named(name: str, extra: Iterable[str] = ()) -> str:
    """The full name of a standard: ``GB8978`` and ``gb 8978-1996`` are ``GB 8978-1996``.

    Raises
    ------
    NotFound
        With the nearest known name.
    """

    def plain(text: str) -> str:
        return re.sub(r"[\s_/]", "", text).casefold()

    names = list(dict.fromkeys([*standards(), *extra]))
    for one in names:
        if plain(name) in (plain(one), plain(one).rpartition("-")[0], plain(one).replace("-", "")):
            return one
    raise NotFound("emission standard", name, known=names)


@cache
def table_of(standard: str) -> tuple[LimitRow, ...]:
    """Rows of a shipped standard, those of removal rates with them."""
    tables = [row["table"] for row in csv_rows(PACKAGE, "editions.csv") if row["standard"] == standard]
    if "gb18918_2002.csv" in tables:
        tables.append("gb18918_removal.csv")
    return tuple(row for table in dict.fromkeys(tables) for row in limit_rows(csv_rows(PACKAGE, table), name=table))


def in_force(standard: str, on: date, stage: str = "") -> bool:
    """True when the standard was in force on a day, for sources of a stage.

    Raises
    ------
    NoEdition
        Naming when it is, for a day it is not.
    """
    rows = [row for row in csv_rows(PACKAGE, "editions.csv") if row["standard"] == standard]
    mine = [row for row in rows if not row["stage"] or not stage or row["stage"] == stage]
    text = on.isoformat()
    if not rows or any(row["valid_from"] <= text <= (row["valid_to"] or "9999") for row in mine):
        return True
    spans = ", ".join(f"{row['stage']} {row['valid_from']}…{row['valid_to'] or 'now'}".strip() for row in rows)
    raise NoEdition(f"{standard} was not in force on {text}" + (f" for {stage} sources" if stage else ""), hint=spans)


@cache
def factor_for(item: str, medium: str) -> str:
    """Factor of an item; an item that is a factor itself is its own; "" when the dictionary has none."""
    for row in csv_rows(PACKAGE, "items.csv"):
        if row["medium"] == medium and row["item"] == item:
            return row["factor"]
    return item if item in factors() else ""


def limits_of(
    standard: str,
    *,
    group: str | Sequence[str] | None = None,
    conditions: Sequence[str] = (),
    stage: str | None = None,
    on: date,
    facts: Facts | None = None,
    extra_rows: Sequence[Mapping[str, str]] = (),
) -> tuple[EmissionLimit, ...]:
    """Limits of a standard that hold for one outlet on a day.

    Parameters
    ----------
    standard : str
        ``GB 8978-1996``, also ``GB8978``; or the name in `extra_rows`.
    group : str or several, optional
        Kind of outlet or grade: ``grade_1a``, ``coal``, ``kiln``…; see ``groups.csv``. None: by
        ``facts["receiving_class"]``, or the only one.
    conditions : sequence of str
        Conditions of rows that hold here, e.g. the industry ``leather`` of GB 8978.
    stage : {"new", "in_use", "special"}, optional
        None: not known; limits that depend on it keep their alternatives.
    on : date
        Day of the data.
    facts : mapping, optional
        ``province`` (name or code), ``built`` (date), ``fuel``, ``water_temp`` [degC], ``height`` [m] of the stack,
        ``buildings`` [m] the highest within 200 m, ``receiving_class``, ``position`` (workshop, plant),
        ``inflow_cod_cr``, ``inflow_bod5`` [mg/L], ``capacity_mw`` [MW].
    extra_rows : sequence of mappings
        Rows of a local standard or permit as the user's file has them (limit columns, ``valid_from``, ``valid_to``).
        Of the same standard and item they replace what is shipped.

    Raises
    ------
    NotFound
        For an unknown standard.
    BadInput
        For an unknown group or condition.
    NoEdition
        For a day before the standard was in force.
    """
    mine = [row for row in extra_rows if row.get("standard")]
    name = standard_named(standard, (str(row["standard"]) for row in mine))
    facts = dict(facts or {})
    extra = _user_rows([row for row in mine if row["standard"] == name], on)
    replaced = {row.item_code for row in extra}
    shipped = table_of(name)
    rows = [*extra, *(row for row in shipped if row.item_code not in replaced or row.item_code == REFERENCE)]
    if not rows:
        return ()
    if stage is None and known(facts.get("stage")):
        stage = str(facts["stage"])
    if shipped:
        in_force(name, on, stage or "")
    groups = selection.choose_groups(rows, name, group, facts)
    selection.check_conditions(rows, conditions)
    stages = (stage,) if stage or not selection.depends_on_stage(rows) else STAGES
    found: dict[tuple[str, str, str], list[tuple[str, EmissionLimit]]] = {}
    for one in groups:
        for which in stages:
            for limit in _for_stage(rows, one, which or "", conditions, facts):
                found.setdefault((limit.item, limit.kind, limit.period), []).append((which or "", limit))
    return tuple(_merged([limit for _, limit in many], "stage" if len(stages) > 1 else "") for many in found.values())


def _user_rows(rows: Sequence[Mapping[str, str]], on: date) -> list[LimitRow]:
    text = on.isoformat()
    kept = [
        {**row, "verified": row.get("verified") or USER_VERIFIED}
        for row in rows
        if str(row.get("valid_from") or "") <= text <= str(row.get("valid_to") or "9999")
    ]
    oxygen = [
        {**row, "item_code": REFERENCE, "op": "text", "value": str(row["reference_o2"]), "condition": "", "stage": ""}
        for row in kept
        if row.get("reference_o2")
    ]
    return list(limit_rows([*kept, *oxygen], name="added rows"))


def _for_stage(
    rows: Sequence[LimitRow], group: Group, stage: str, conditions: Sequence[str], facts: Facts
) -> list[EmissionLimit]:
    """Limits of one group and stage: per item and kind the most special rows that hold."""
    facts = {**facts, "stage": stage}
    candidates: dict[tuple[str, str, str], list[tuple[LimitRow, selection.Fit]]] = {}
    for row in rows:
        if row.item_code == REFERENCE or (row.group not in group.includes and row.group):
            continue
        if group.items and row.item_code not in group.items:
            continue
        if not selection.stage_fits(row.standard, row.stage, stage):
            continue
        if row.group.startswith("rate_"):
            continue
        fit = selection.fit(row, facts, conditions)
        if fit.holds is not False:
            kind = "concentration" if kind_of(row) == "removal" else kind_of(row)  # one replaces the other
            candidates.setdefault((row.item_code, kind, row.period), []).append((row, fit))
    oxygen = _reference(rows, group.reference_o2)
    found = []
    for many in candidates.values():
        sure = max((fit.rank for _, fit in many if fit.holds), default=-1)
        best = [(row, fit) for row, fit in many if fit.rank >= sure]
        limits = [_limit(row, group, oxygen, facts) for row, _ in best]
        missing = tuple(dict.fromkeys(name for _, fit in best for name in fit.missing))
        found.append(_merged(limits, *missing) if missing else _strictest(limits))
    have = {limit.item for limit in found}
    for gap in _gaps(rows[0].standard):
        # No row holds, yet the standard limits it by a table that was not obtained: never "not limited".
        if gap["group"] == group.name and gap["stage"] == stage:
            lost = [row for row in rows if row.item_code in gap["item"].split() and row.group in group.includes]
            first = {row.item_code: row for row in reversed(lost) if row.item_code not in have}
            found += [_limit(row, group, oxygen, facts) for row in first.values()]
    for which in group.includes:
        if which.startswith("rate_"):
            found += _rates(rows, group, which, conditions, facts)
    return found


def _limit(row: LimitRow, group: Group, oxygen: Decimal | None, facts: Facts) -> EmissionLimit:
    medium, kind = medium_of(row, group), kind_of(row)
    gap = _gap(row, group, facts)
    usable = not gap and row.obtained
    reason = gap or (NO_NUMBER if row.op == "text" else "")
    own = kind in ("concentration", "rate")  # a figure at the boundary is not one of the outlet's factors
    return EmissionLimit(
        row.standard, row.item_code, row.item_zh, factor_for(row.item_code, medium) if own else "", kind, row.op,
        row.value if usable and row.op != "text" else None, row.value_hi if usable else None, row.unit,
        PERIODS.get(row.period or rule_text("period_unstated", medium), ""), group.name or row.group, row.condition,
        row.stage, oxygen if kind == "concentration" and medium == "gas" and _converts(row) else None, row.clause,
        row.note, row.source, "not obtained" if gap else row.verified, reason=reason, text=row.text if usable else "",
    )  # fmt: skip


def _converts(row: LimitRow) -> bool:
    """Concentrations are converted; blackness is not."""
    return row.unit in ("mg/m3", "ug/m3", "ng/m3")


def _gap(row: LimitRow, group: Group, facts: Facts) -> str:
    """Why this limit was not obtained; "" when it was."""
    for gap in _gaps(row.standard):
        if gap["group"] and gap["group"] != group.name:
            continue
        if (gap["stage"] and gap["stage"] != facts.get("stage")) or (
            gap["item"] and row.item_code not in gap["item"].split()
        ):
            continue
        if gap["fact"]:
            fact = facts.get(gap["fact"])
            if not known(fact) or not selection.compare(fact, gap["op"], gap["value"], gap["fact"]):
                continue
        elif not gap["group"] and row.obtained:
            continue
        return both(gap["zh"], gap["en"])
    return "" if row.obtained else both("限值未获得", "the limit was not obtained")


@cache
def _gaps(standard: str) -> Sequence[Mapping[str, str]]:
    """What is known of a standard but was not obtained."""
    return [row for row in csv_rows(PACKAGE, "gaps.csv") if row["standard"] == standard]


@cache
def _media(item: str) -> frozenset[str]:
    return frozenset(row["medium"] for row in csv_rows(PACKAGE, "items.csv") if row["item"] == item)


def _reference(rows: Sequence[LimitRow], group: str | None) -> Decimal | None:
    for row in rows:
        if group is not None and row.item_code == REFERENCE and row.group == group:
            return Decimal(row.text) if row.text else row.value
    return None


def _rates(
    rows: Sequence[LimitRow], group: Group, which: str, conditions: Sequence[str], facts: Facts
) -> list[EmissionLimit]:
    """Rate limits by the height of the stack: GB 16297-1996 7.1–7.4, annex B."""
    found = []
    for item in dict.fromkeys(row.item_code for row in rows if row.group == which):
        row, missing = rate_row(
            [one for one in rows if one.group == which and one.item_code == item], facts, conditions
        )
        limit = _limit(row, group, None, facts)
        if missing:
            limit = replace(
                limit, value=None, missing_facts=missing,
                reason=both("未登记排气筒高度，不能确定排放速率限值", "the rate limit needs the height of the stack"),
            )  # fmt: skip
        found.append(limit)
    return found


def _strictest(limits: Sequence[EmissionLimit]) -> EmissionLimit:
    """Of several rows of one rank the strictest holds."""
    upper = [one for one in limits if one.op in ("le", "lt") and one.value is not None]
    if len(limits) == 1 or len(upper) != len(limits):
        return limits[0]
    return min(upper, key=lambda one: one.value or Decimal(0))


def _merged(limits: Sequence[EmissionLimit], *missing: str) -> EmissionLimit:
    """One limit of several possible ones; when all say the same it is determined after all."""
    flat = [part for one in limits for part in (one.alternatives or (one,))]
    kept = list({(one.op, one.value, one.value_hi, one.kind, one.reason): one for one in flat}.values())
    names = tuple(dict.fromkeys([*(n for one in limits for n in one.missing_facts), *(n for n in missing if n)]))
    if len(kept) == 1:
        return kept[0] if not kept[0].missing_facts or kept[0].reason else replace(kept[0], missing_facts=())
    words = [FACT_WORDS.get(one, (one, one)) for one in names]
    return replace(
        kept[0], value=None, value_hi=None, alternatives=tuple(kept), missing_facts=names,
        reason=both(
            f"限值取决于未给出的{listed(zh for zh, _ in words)}",
            f"the limit depends on what was not given: {listed((en for _, en in words), english=True)}",
        ),
    )  # fmt: skip


def kind_of(row: LimitRow) -> str:
    """What a limit is held against: a concentration in the outlet, a rate, a figure at the boundary, a removal rate."""
    if row.unit == "kg/h":
        return "rate"
    if row.unit == "%":
        return "removal"
    if row.unit == "m":
        return "structure"
    return "fugitive" if row.group == "fugitive" or "boundary" in row.condition else "concentration"


def medium_of(row: LimitRow, group: Group) -> str:
    """water or gas, by the unit, the item and the group."""
    if row.unit.endswith("/L"):
        return "water"
    if row.unit.endswith("/m3") or row.unit == "kg/h":
        return "gas"
    held = _media(row.item_code)
    return next(iter(held)) if len(held) == 1 else group.medium or "water"


def check_rows(rows: Iterable[Mapping[str, str]]) -> list[Problem]:
    """Problems of a table that a user adds: by the same checks as the shipped ones (`methods.limit_checks`).

    Returns
    -------
    list of Problem
        Row (header = 1), column, what is wrong, what would work. Empty: the table can be added.
    """
    return _check_rows(rows, user=True)
