"""Construction land 建设用地 by GB 36600-2018: screening and control values of 85 items. Pure; contents in mg/kg."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import cache

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
from jinyun.domains.soil.limits import (
    CONTROL,
    SCREENING,
    Edition,
    Land,
    Limits,
    background_items,
    edition,
    land_of,
    rule,
)
from jinyun.kernel.errors import BadInput, UnknownFactor
from jinyun.kernel.terms import Verdict, Window
from jinyun.methods.limit_rows import pick

STATES: Sequence[State] = (
    State("negligible", "风险可忽略", "risk negligible", "不超过筛选值", "not above screening", exceeds=False),
    State(
        "within_background", "不高于背景值", "within natural background",
        "超过筛选值但不高于土壤环境背景值，不按污染地块管理",
        "above screening but not above the natural background: not managed as contaminated", exceeds=False,
    ),
    State(
        "investigate", "超筛选值", "above screening", "应开展详细调查和风险评估",
        "a detailed survey and a risk assessment are due", exceeds=True,
    ),
    State(
        "above_control", "超管制值", "above control", "风险不可接受，应采取风险管控或修复措施",
        "the risk is not acceptable: control or remediation is due", exceeds=True,
    ),
)  # fmt: skip
NEGLIGIBLE, BACKGROUND, INVESTIGATE, ABOVE = (state.id for state in STATES)


def land_class(use: str | None, day: date) -> Land:
    """Land class of a use: 1 or 2, a code of GB 50137 (R, A33, A5, A6, M, W, B…) or its Chinese name.

    None or "" is a use that is not settled: class 1 (GB 36600-2018, 4.1).

    Raises
    ------
    BadInput
        For a word that is no use of land.
    """
    return land_of(
        str(use).strip() or rule("unknown_use") if use else rule("unknown_use"), edition("construction", day).standard
    )


def limits_of(item: str, land: str | None, day: date) -> Limits:
    """Screening and control value of an item for a use of land. [mg/kg]

    Raises
    ------
    UnknownFactor
        For an item that GB 36600 does not have.
    BadInput
        For an unknown use of land.
    """
    table = edition("construction", day)
    code = table.item(item)
    if code is None:
        raise UnknownFactor(item, table=table.standard, known=table.items)
    return _limits(table, code, land_class(land, day).group)


@cache
def _limits(table: Edition, code: str, group: str) -> Limits:
    screening = pick(table.by_item[code], item=code, group=group, stage=SCREENING)
    control = pick(table.by_item[code], item=code, group=group, stage=CONTROL)
    one, beyond = screening[0], control[0].value if control else None
    return Limits(code, one.item_zh, one.unit, f"{one.clause} {one.item_no}", one.value, beyond, group)


def _judge(table: Edition, group: str, sample: Sample, background: Mapping[str, Decimal], word: str) -> Found:
    code, value = table.item(word), sample.values[word]
    if code is None:
        return unknown(table, sample.id, word, value)
    limits = _limits(table, code, group)
    bad = unusable(sample.id, limits, value)
    if bad is not None:
        return bad
    assert value is not None
    assert limits.screening is not None
    if {word, code} & sample.non_detects:
        return undetected(sample.id, limits, value, NEGLIGIBLE)
    over = over_screening(value, limits.screening)
    if over is None:
        return Found(sample.id, limits, value, NEGLIGIBLE)
    natural = background.get(code)
    if natural is not None and code in background_items() and value <= natural:
        why = (f"不高于土壤环境背景值 {natural}", f"not above the natural background {natural}")
        return Found(sample.id, limits, value, BACKGROUND, over, why)
    state = ABOVE if limits.control is not None and value > limits.control else INVESTIGATE
    return Found(sample.id, limits, value, state, over)


def judge_sample(
    name: str,
    values: Mapping[str, Decimal | None],
    *,
    land: str | None,
    day: date,
    background: Mapping[str, Decimal] | None = None,
    non_detects: Iterable[str] = (),
    window: Window | None = None,
    subject: str | None = None,
) -> Verdict:
    """Verdict on one sample of a plot; see `judge_plot`. [mg/kg]"""
    one = Sample(name, values, frozenset(non_detects))
    return judge_plot(name, [one], land=land, day=day, background=background, window=window, subject=subject)


def judge_plot(
    name: str,
    values: Mapping[str, Decimal | None] | Sequence[Sample],
    *,
    land: str | None,
    day: date,
    background: Mapping[str, Decimal] | None = None,
    non_detects: Iterable[str] = (),
    window: Window | None = None,
    subject: str | None = None,
) -> Verdict:
    """Verdict on a plot of construction land, from one sample or from many.

    C ≤ screening value: risk negligible (``negligible``); up to the control value: detailed survey and risk assessment
    (``investigate``); above it: not acceptable (``above_control``). As, Co and V above screening but not above the
    natural background are ``within_background``. A value equal to a limit complies. Of many samples the worst gives the
    verdict; each item names its worst sample and the share above screening. No upper confidence limit is invented.

    A non-detect (its value is the detection limit) is below every limit above that; when the detection limit lies above
    the screening value the item cannot be told, and the plot cannot be judged unless something else exceeds. Missing
    items, and items that the standard does not have, are named and left out; how many of the 45 basic items were judged
    is said.

    Parameters
    ----------
    name : str
        The plot as a sentence calls it.
    values : mapping or Sequence[Sample]
        Content by item code (``as``, ``cr6``, ``benzo_a_pyrene``…) or Chinese name, or samples. [mg/kg]
    land : str or None
        1 or 2, a code of GB 50137, its Chinese name; None is class 1.
    day : date
        Of the sampling: chooses the edition.
    background : mapping, optional
        Natural background by item code. [mg/kg]
    non_detects : iterable
        Items of `values` whose value is the detection limit.

    Returns
    -------
    Verdict
        `extra`: ``state``, ``land_class``, ``basic_used``, ``by_state`` (samples), ``worst_sample`` (by item).

    Raises
    ------
    BadInput
        For an unknown use of land, or no samples.
    NoEdition
        For a day before 2018-08-01.

    References
    ----------
    .. [1] GB 36600-2018, 4, 5 and tables 1 and 2.
    """
    table, where = edition("construction", day), land_class(land, day)
    samples = [Sample(name, values, frozenset(non_detects))] if isinstance(values, Mapping) else list(values)
    if not samples:
        raise BadInput(f"{name} has no samples", field="values")
    natural = {table.item(word) or word: value for word, value in (background or {}).items()}
    found = [_judge(table, where.group, sample, natural, word) for sample in samples for word in sample.values]
    told = {one.limits.item for one in found if one.state}
    used = told & table.basic
    if where.code in ("1", "2"):
        called_zh, called_en = where.zh, where.en
    else:
        base = land_of(where.group, table.standard)
        called_zh, called_en = f"{where.zh}，{base.zh}", f"{where.en}, {base.en}"
    return verdict(
        "soil.construction", (subject or name, f"{name}（{called_zh}）", f"{name} ({called_en})"), day,
        [sample.id for sample in samples], found, table=table, states=STATES, window=window,
        extra={"land_class": where.group, "land": where.code, "basic_used": len(used), "basic": len(table.basic)},
        measured=(
            f"评价{len(told)}项，其中基本项目{len(used)}/{len(table.basic)}",
            f"{len(told)} items judged, {len(used)} of {len(table.basic)} basic ones",
        ),
    )  # fmt: skip
