"""Farmland 农用地 by GB 15618-2018: screening and control values by pH and use. Pure; contents in mg/kg."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import lru_cache

from jinyun.domains.soil.answers import (
    Found,
    Sample,
    State,
    over_screening,
    undetected,
    unknown,
    unusable,
    verdict,
)
from jinyun.domains.soil.limits import CONTROL, SCREENING, Edition, Land, Limits, edition, in_bin, land_of
from jinyun.kernel.errors import BadInput, UnknownFactor
from jinyun.kernel.factors import factor
from jinyun.kernel.terms import Verdict, Window
from jinyun.methods.limit_rows import LimitRow, pick

STATES: Sequence[State] = (
    State("low_risk", "优先保护类", "priority protection", "不超过筛选值，风险低", "low risk", exceeds=False),
    State(
        "safe_use", "安全利用类", "safe use", "可能存在风险，应加强土壤和农产品协同监测，采取安全利用措施",
        "there may be a risk: watch soil and crops together and use the land safely", exceeds=True,
    ),
    State(
        "strict_control", "严格管控类", "strict control", "风险高，原则上应采取禁止种植食用农产品等严格管控措施",
        "high risk: no edible crops in principle", exceeds=True,
    ),
)  # fmt: skip
LOW, SAFE, STRICT = (state.id for state in STATES)

GROUPS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "paddy": (("paddy", "other", "all"),),
    "other": (("other", "all"),),
    "orchard": (("orchard", "other", "all"),),
    "rotation": (("paddy", "other", "all"), ("other", "all")),
}
"""Groups of the table that hold for a use, the first that an item has; of several lines the stricter value holds."""


def _rows(table: Edition, code: str, land: str, ph: Decimal | None) -> list[LimitRow]:
    """The screening row of each line of `GROUPS`."""
    mine = [row for row in pick(table.by_item[code], item=code, stage=SCREENING) if in_bin(row.condition, ph)]
    found = []
    for line in GROUPS[land]:
        row = next((row for group in line for row in mine if row.group == group), None)
        if row is not None:
            found.append(row)
    return found


@lru_cache(maxsize=8192)
def _limits(table: Edition, code: str, land: str, ph: Decimal | None) -> Limits:
    rows = _rows(table, code, land, ph)
    control = [r for r in pick(table.by_item[code], item=code, stage=CONTROL) if in_bin(r.condition, ph)]
    any_row = table.by_item[code][0]
    chosen = min((row for row in rows if row.value is not None), key=lambda row: row.value or Decimal(0), default=None)
    return Limits(
        code, any_row.item_zh, any_row.unit, (chosen or any_row).clause, chosen.value if chosen else None,
        control[0].value if control else None, chosen.group if chosen else "",
    )  # fmt: skip


def limits_of(item: str, ph: Decimal | None, land: str, day: date) -> Limits:
    """Screening and control value of an item. [mg/kg]

    Cd, Hg, As, Pb and Cr have a control value; Cu, Ni, Zn, HCH, DDT and benzo[a]pyrene have none.

    Parameters
    ----------
    ph : Decimal or None
        Of the sample; the bins are ≤ 5.5, ≤ 6.5, ≤ 7.5 and above. None: only items without bins have values.
    land : str
        ``paddy``, ``other``, ``orchard`` (its own values for Cu only), ``rotation`` (the stricter of paddy and other),
        or the Chinese word.

    Raises
    ------
    UnknownFactor, BadInput, NoEdition
    """
    table = edition("farmland", day)
    code = table.item(item)
    if code is None:
        raise UnknownFactor(item, table=table.standard, known=table.items)
    return _limits(table, code, land_use(land, day).code, _checked(ph))


def land_use(word: str, day: date) -> Land:
    """Use of farmland: paddy 水田, other 旱地…, orchard 果园, rotation 水旱轮作."""
    return land_of(word, edition("farmland", day).standard)


def _checked(ph: Decimal | None) -> Decimal | None:
    scale = factor("ph")
    if ph is not None and not (ph.is_finite() and (scale.minimum or 0) <= ph <= (scale.maximum or ph)):
        raise BadInput(f"no soil has pH {ph}", field="ph", hint=f"{scale.minimum} to {scale.maximum}")
    return ph


def _judge(table: Edition, land: str, sample: Sample, word: str) -> Found:
    code, value = table.item(word), sample.values[word]
    if code is None:
        return unknown(table, sample.id, word, value)
    limits = _limits(table, code, land, sample.ph)
    bad = unusable(sample.id, limits, value)
    if bad is not None:
        return bad
    assert value is not None
    if limits.screening is None:
        return Found(sample.id, limits, value, "", why=("缺 pH，无法选用限值", "no pH, so that no limit can be chosen"))
    if {word, code} & sample.non_detects:
        return undetected(sample.id, limits, value, LOW)
    over = over_screening(value, limits.screening)
    if over is None:
        return Found(sample.id, limits, value, LOW)
    state = STRICT if limits.control is not None and value > limits.control else SAFE
    return Found(sample.id, limits, value, state, over)


def judge_farmland(
    name: str,
    values: Mapping[str, Decimal | None],
    *,
    ph: Decimal | None,
    land: str,
    day: date,
    non_detects: Iterable[str] = (),
    window: Window | None = None,
    subject: str | None = None,
) -> Verdict:
    """Verdict on one sample of farmland.

    C ≤ screening: low risk, priority protection (``low_risk``); above it: safe use (``safe_use``); above the control
    value, of the items that have one: strict control (``strict_control``). A value equal to a limit complies. The class
    here is by the soil alone; the final class of a unit also weighs its crops.

    Parameters
    ----------
    values : mapping
        Content by item code (cd, hg, as, pb, cr, cu, ni, zn, hch_total, ddt_total, benzo_a_pyrene) or Chinese name.
        [mg/kg]
    ph : Decimal or None
        Of the sample; without it items with pH bins cannot be judged.
    land : str
        ``paddy``, ``other``, ``orchard``, ``rotation``, or the Chinese word.
    day : date
        Of the sampling: chooses the edition.
    non_detects : iterable
        Items whose value is the detection limit.

    Returns
    -------
    Verdict
        `extra`: ``state``, ``land``, ``by_state``, ``worst_sample``.

    Raises
    ------
    BadInput
        For an unknown use, or a pH outside 0…14.
    NoEdition
        For a day before 2018-08-01.

    References
    ----------
    .. [1] GB 15618-2018, 4 to 6, tables 1, 2 and 3.
    """
    one = Sample(name, values, frozenset(non_detects), ph)
    return judge_unit(name, [one], land=land, day=day, window=window, subject=subject)


def judge_unit(
    name: str,
    samples: Sequence[Sample],
    *,
    land: str,
    day: date,
    window: Window | None = None,
    subject: str | None = None,
) -> Verdict:
    """Verdict on a unit of farmland 单元 from several samples, each with its own pH: the worst sample gives it.

    Each item names its worst sample and the share above screening. How a unit of mixed samples is finally classed is
    left to people: the guide on it was not read.

    Raises
    ------
    BadInput
        For no samples, an unknown use, or a pH outside 0…14.
    """
    if not samples:
        raise BadInput(f"{name} has no samples", field="samples")
    table, use = edition("farmland", day), land_use(land, day)
    for sample in samples:
        _checked(sample.ph)
    found = [_judge(table, use.code, sample, word) for sample in samples for word in sample.values]
    judged = len({one.limits.item for one in found if one.state})
    ph = f"，pH {samples[0].ph}" if len(samples) == 1 and samples[0].ph is not None else ""
    return verdict(
        "soil.farmland",
        (subject or name, f"{name}（{use.zh}{ph}）", f"{name} ({use.en}{ph.replace('，', ', ')})"),
        day, [sample.id for sample in samples], found, table=table, states=STATES, window=window,
        extra={"land": use.code, "ph": None if len(samples) > 1 or samples[0].ph is None else str(samples[0].ph)},
        measured=(f"评价{judged}项", f"{judged} items judged"),
    )  # fmt: skip
