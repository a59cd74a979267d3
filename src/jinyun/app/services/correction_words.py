"""What a correction comes to, as rows for a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from jinyun.app.services.windows import LEVELS
from jinyun.app.services.words import PERIODS, STATS, factor_unit, factor_words
from jinyun.domains.emission import marking
from jinyun.domains.warehouse.corrections import reasons
from jinyun.judge.cascade import Change
from jinyun.judge.edits import LimitEdit, Resolved, value_text
from jinyun.kernel.flags import flag_words
from jinyun.kernel.terms import Flag, Verdict
from jinyun.methods.windows import WindowFigure
from jinyun.store.query import Found
from jinyun.store.window_foresee import WindowChange, WindowForesight

if TYPE_CHECKING:
    from jinyun.app.assemble import House

Row = dict[str, Any]

FLAG_OF_MARK: Mapping[str, Flag] = {
    "maintenance": Flag.MAINTENANCE,
    "fault": Flag.FAULT,
    "calibration": Flag.CALIBRATION,
    "link_lost": Flag.NO_LINK,
}
"""Device marks make data invalid; a flag of HJ 212 says the same of a reading."""


def reason_list() -> list[Row]:
    """The warehouse's reasons, then the marks of 公告2022年第21号."""
    own = [
        {"code": one.code, "zh": one.zh, "en": one.en, "flag": one.flag.name, "group": "", "source": one.source}
        for one in reasons().values()
    ]
    marks = [
        {
            "code": f"mark:{kind.industry}:{kind.code}".replace("::", ":"), "zh": f"标记：{kind.zh}",
            "en": f"mark: {kind.en}", "flag": FLAG_OF_MARK.get(kind.code, Flag.NORMAL).name,
            "group": kind.industry or "device", "source": kind.source,
        }
        for kind in marking.kinds().values()
        if kind.effect == "invalid"
    ]  # fmt: skip
    return own + marks


def reading_rows(resolved: Resolved, limit: int) -> list[Row]:
    """Each new version beside the one that stands."""
    found = []
    for n in range(min(limit, len(resolved.rows))):
        series = int(resolved.rows.series[n])
        site, like = resolved.series[series]
        zh, en, _, _ = factor_words(like.factor)
        found.append({
            "series": series, "site": site, "factor": like.factor, "zh": zh, "en": en,
            "unit": factor_unit(like.factor, like.stat), "stat": like.stat.name, "period": like.period.name,
            "stat_zh": f"{PERIODS[like.period][0]}{STATS[like.stat][0]}", "time": int(resolved.rows.time[n]),
            "was": _value(resolved.was, n) if resolved.was.seq[n] >= 0 else None, "would": _value(resolved.rows, n),
        })  # fmt: skip
    return found


def _value(columns: Any, n: int) -> Row:
    flag = Flag(int(columns.flag[n]))
    zh, en = flag_words(flag)
    return {"value": value_text(int(columns.value[n])), "flag": flag.name, "flag_zh": zh, "flag_en": en}


def window_rows(house: House, resolved: Resolved, limit: int) -> tuple[list[Row], WindowForesight]:
    """Kept windows that would be others, the longest first, as they are and as they would be."""
    rows = resolved.rows
    told = house.windows.foresee(Found(rows.series, rows.time, rows.value, rows.flag, rows.seq))
    return [_window(house, one) for one in told.changes[:limit]], told


def _window(house: House, one: WindowChange) -> Row:
    key = house.readings.series_key(one.series)
    zh, en, _, _ = factor_words(key.factor)
    level_zh, level_en = LEVELS[one.level]
    return {
        "series": one.series, "site": key.site, "factor": key.factor, "zh": zh, "en": en,
        "unit": factor_unit(key.factor, key.stat), "level": one.level.name, "level_zh": level_zh,
        "level_en": level_en, "start": one.start, "was": _figure(one.was), "would": _figure(one.would),
    }  # fmt: skip


def _figure(one: WindowFigure | None) -> Row | None:
    if one is None:
        return None
    value = None if one.value is None else value_text(one.value)
    return {"value": value, "state": one.state.name, "valid": one.valid, "due": one.due}


def limit_rows(limits: Sequence[LimitEdit]) -> list[Row]:
    return [
        {
            "type": one.type, "id": one.id,
            "differs": {
                name: [one.before.get(name), one.after.get(name)]
                for name in sorted({*one.before, *one.after})
                if one.before.get(name) != one.after.get(name)
            },
        }
        for one in limits
    ]  # fmt: skip


def verdict_rows(house: House, changes: Sequence[Change], limit: int) -> list[Row]:
    """What would change, flips first, then by time."""
    ordered = sorted(changes, key=lambda one: (not one.flips, not one.changed, one.window.start, one.site))
    found = []
    for one in ordered[:limit]:
        judge = house.judge.judges[one.judge]
        site = house.sites.get(one.site)
        found.append({
            "judge": one.judge, "zh": judge.zh, "en": judge.en, "site": one.site,
            "site_name": site.name if site else one.site, "period": one.window.period.name,
            "start": one.window.start, "end": one.window.end, "was": _head(one.was), "would": _head(one.would),
            "changed": list(one.changed), "flip": one.flips,
        })  # fmt: skip
    return found


def _head(verdict: Verdict | None) -> Row | None:
    if verdict is None:
        return None
    return {
        "id": verdict.id or None, "status": str(verdict.status), "figure": verdict.figure, "unit": verdict.unit,
        "limit": verdict.limit, "level": verdict.level, "label_zh": verdict.label_zh, "label_en": verdict.label_en,
        "deciding": list(verdict.deciding),
    }  # fmt: skip
