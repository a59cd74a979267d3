"""All that would follow from a correction, as a page shows it: what a preview keeps."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np

from jinyun.app.services.correction_figures import DependentsOf, figures_foreseen
from jinyun.app.services.correction_words import limit_rows, reading_rows, verdict_rows, window_rows
from jinyun.app.services.periods import Periods
from jinyun.domains.emission import marking
from jinyun.judge.cascade import Foreseen
from jinyun.judge.edits import Resolved
from jinyun.kernel.ports import Record
from jinyun.kernel.terms import Verdict, china_time

if TYPE_CHECKING:
    from jinyun.app.assemble import House

PAGES = 500  # rows of each list that a result shows
WINDOWS_SHOWN = 200
MARK = "mark:"  # reason codes of 公告2022年第21号


def result_of(
    house: House,
    periods: Periods,
    dependents_of: DependentsOf | None,
    *,
    record: Record,
    resolved: Resolved,
    told: Foreseen,
) -> dict[str, Any]:
    """Each list from its own source: readings and limits from the edits; windows by the kept windows' own arithmetic
    (`store.window_foresee`); verdicts by their judges over the edited readings (`judge.cascade`); alarms and cases by
    folding those verdicts (`act.foresight`); periods from day verdicts (`services.periods`), figures by the passports
    that name those verdicts, reports by the figures in them (`correction_figures`)."""
    pairs: list[tuple[Verdict, Verdict | None]] = [(one.would, one.was) for one in told.changes]
    acted = house.act.foresee(pairs)
    figures = figures_foreseen(house, periods, told.changes, dependents_of)
    windows, kept = window_rows(house, resolved, WINDOWS_SHOWN)
    readings = reading_rows(resolved, PAGES)
    verdicts = verdict_rows(house, told.changes, PAGES)
    counts = {
        "readings": len(resolved.rows), "unchanged": resolved.unchanged, "left": resolved.left,
        "limits": len(resolved.limits), "windows": told.judged, "running": told.running, "same": told.same,
        "changed": sum(bool(one.changed) for one in told.changes),
        "renewed": sum(not one.changed for one in told.changes), "flips": sum(one.flips for one in told.changes),
        "kept_windows": len(kept.changes), "kept_same": kept.same, "alarms": len(acted["alarms"]),
        "cases": len(acted["cases"]), "figures": len(figures.figures), "periods": len(figures.periods),
        "reports": len(figures.reports), "problems": len(told.problems),
    }  # fmt: skip
    return {
        "counts": counts, "readings": readings, "limits": limit_rows(resolved.limits), "windows": windows,
        "windows_known": kept.known, "verdicts": verdicts, "alarms": acted["alarms"][:PAGES],
        "cases": acted["cases"][:PAGES], "figures": figures.figures[:PAGES], "periods": figures.periods[:PAGES],
        "reports": figures.reports[:PAGES], "problems": told.problems[:50],
        "warnings": _warnings(record, resolved, house.clock.now() // 1_000_000),
        "cut": {
            "readings": len(resolved.rows) - len(readings), "verdicts": len(told.changes) - len(verdicts),
            "windows": len(kept.changes) - len(windows), "periods": figures.cut,
        },
    }  # fmt: skip


def _warnings(record: Record, resolved: Resolved, now: int) -> list[dict[str, str]]:
    """A manual mark after noon of the next day changes nothing by the rules: said before it is accepted."""
    reason = str(record.data.get("reason") or "")
    if not reason.startswith(MARK) or not len(resolved.rows):
        return []
    days = {china_time(int(at)).date() for at in np.unique(resolved.rows.time // 3600 * 3600)}
    late = sorted(day for day in days if not marking.in_time(day, now))
    if not late:
        return []
    zh = f"{late[0]} 等 {len(late)} 天的标记已过次日12时，按公告2022年第21号不再有效，数据照用"
    en = f"marks for {late[0]} ({len(late)} days) come after noon of the next day: by the rules the data stand"
    return [{"zh": zh, "en": en}]


def digest_of_data(resolved: Resolved) -> str:
    """Of the versions a session would make and of those it saw: changes when anything it speaks of does."""
    found = hashlib.sha256()
    for part in (resolved.rows, resolved.was):  # not the seq of the rows: it is provisional
        for column in (part.series, part.time, part.value, part.flag):
            found.update(np.ascontiguousarray(column).tobytes())
    found.update(resolved.was.seq.tobytes())
    found.update(
        repr([(one.id, sorted(one.before.items()), sorted(one.after.items())) for one in resolved.limits]).encode()
    )
    return found.hexdigest()
