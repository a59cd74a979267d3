"""A lake or reservoir: mean over time at each point, then over points, then one class; large lakes by part. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date

from jinyun.domains.water.limits import LAKE, edition
from jinyun.domains.water.means import Sample, mean_samples, time_mean
from jinyun.domains.water.section import ItemValue, day_window, judge_items
from jinyun.kernel.errors import BadInput
from jinyun.kernel.terms import Verdict, Window
from jinyun.methods.wording import listed


def evaluate_lake(
    name: str,
    points: Mapping[str, Sequence[Sample]],
    *,
    day: date,
    window: Window | None = None,
    target: int | None = None,
    ice: bool = False,
    ph: str = "values",
    subject: str | None = None,
) -> Verdict:
    """Class of a lake from the samplings at its points.

    Parameters
    ----------
    points : mapping of point name to its samplings
        Of a year the monthly values. A non-detect counts with half its detection limit in a mean.
    day : date
        Of the data: it chooses the edition.
    window : Window, optional
        Period judged: it says how many samplings a value needs (`means.samples_needed`); without it the day.
    ice : bool
        Ice prevents sampling for some months: eight are enough for a year.

    Returns
    -------
    Verdict
        As `section.judge_section`; `extra["too_few"]` names the items of points left out for too few samplings. An
        item for which no point has enough of them is missing: the lake then cannot be judged unless the rest is
        worse than its target.

    Raises
    ------
    BadInput
        Without points.
    """
    if not points:
        raise BadInput(f"{name} has no points", field="points")
    where = window or day_window(day)
    by_point = {key: time_mean(samples, where.period, ice=ice, ph=ph) for key, samples in points.items()}
    few = {key: dict(one.too_few) for key, one in by_point.items() if one.too_few}
    means = mean_samples([Sample(one.values, one.non_detects) for one in by_point.values()], ph=ph)
    given = {code: ItemValue(value, code in means.non_detects) for code, value in means.values.items()}
    for lost in few.values():
        given |= {code: ItemValue(None) for code in lost if code not in given}
    verdict = judge_items("water.lake", subject or name, name, given, edition(day, LAKE), window=where, target=target)
    zh = f"按{len(points)}个点位均值评价"
    en = f"by the mean over {len(points)} points"
    if few:
        zh, en = f"{zh}，{listed(few)}采样次数不足", f"{en}, too few samplings at {listed(few, english=True)}"
    return replace(
        verdict, sentence_zh=f"{verdict.sentence_zh.removesuffix('。')}；{zh}。",
        sentence_en=f"{verdict.sentence_en.removesuffix('.')}; {en}.",
        extra={**verdict.extra, "points": len(points), "too_few": few, "ph_mean": ph},
    )  # fmt: skip


def evaluate_parts(
    name: str,
    parts: Mapping[str, Sequence[str]],
    points: Mapping[str, Sequence[Sample]],
    *,
    day: date,
    window: Window | None = None,
    target: int | None = None,
    ice: bool = False,
    ph: str = "values",
) -> dict[str, Verdict]:
    """Each part of a large lake for itself, and the whole lake under its own name.

    Parameters
    ----------
    parts : mapping of part name to names of points

    Raises
    ------
    BadInput
        When a part names a point that is not there, or has the lake's own name.
    """
    if name in parts:
        raise BadInput(f"a part of {name} has the name of the whole lake", field="parts")
    found: dict[str, Verdict] = {}
    for part, names in parts.items():
        if unknown := [one for one in names if one not in points]:
            raise BadInput(
                f"{part}: no point {listed(unknown, english=True)}", field="parts",
                hint=f"there are {listed(points, english=True)}",
            )  # fmt: skip
        mine = {one: points[one] for one in names}
        found[part] = evaluate_lake(
            f"{name}{part}", mine, day=day, window=window, target=target, ice=ice, ph=ph, subject=part
        )
    found[name] = evaluate_lake(name, points, day=day, window=window, target=target, ice=ice, ph=ph)
    return found
