"""Checks that the reading versions which verdicts rest on are in the store, or were dropped by retention."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from sqlalchemy import text

from jinyun.app.care.rules import figure
from jinyun.store.verdict_bodies import evidence_of

if TYPE_CHECKING:
    from jinyun.app.care.verify import Report, Store

_STEP = 2_000


def check_evidence(store: Store, report: Report, files: list[Any], *, everything: bool) -> None:
    """Of all verdicts, or of a sample: the newest half and an even choice of the rest."""
    connection = store.connection
    assert connection is not None
    ids = [row.id for row in connection.execute(text("SELECT id FROM verdict ORDER BY id"))]
    most = figure("evidence_sample")
    if not everything and len(ids) > most:
        newest, rest = ids[-most // 2 :], ids[: -most // 2]
        ids = rest[:: max(1, len(rest) * 2 // most)] + newest
    for first in range(0, len(ids), _STEP):
        chosen = ids[first : first + _STEP]
        marks = ", ".join(str(int(one)) for one in chosen)
        refs: dict[tuple[int, int, int], int] = {}
        for row in connection.execute(text(f"SELECT id, body FROM verdict WHERE id IN ({marks})")):
            report.count("verdicts_checked")
            try:
                for series, time, seq in evidence_of(bytes(row.body)):
                    refs[series, time, seq] = row.id
            except Exception as wrong:  # zstandard, msgspec: damage has many faces
                report.add("evidence", f"verdict {row.id} cannot be read: {wrong}")
        if refs:
            _look_up(store, report, files, refs)


def _look_up(store: Store, report: Report, files: list[Any], refs: dict[tuple[int, int, int], int]) -> None:
    assert store.hot is not None
    columns = np.array(list(refs), np.int64)
    series, time, seq = columns.T
    report.count("readings_checked", len(columns))
    wanted = pa.table({"series": series, "time": time, "seq": seq})
    sources = ["SELECT series, time, seq FROM rows"]
    dropped = np.zeros(len(columns), bool)
    paths = []
    for one in files:
        if one.kind != "rows":
            continue
        inside = (time >= one.time_from) & (time <= one.time_to) & (seq >= one.seq_from) & (seq <= one.seq_to)
        if one.state == "dropped":
            dropped |= inside
        elif inside.any():
            paths.append(str(store.folder / "sealed" / one.path))
    if paths:
        listed = ", ".join("'" + path.replace("'", "''") + "'" for path in paths)
        low, high = int(time.min()), int(time.max())
        sources.append(f"SELECT series, time, seq FROM read_parquet([{listed}]) WHERE time BETWEEN {low} AND {high}")
    cursor = store.hot.cursor()
    try:
        cursor.register("wanted", wanted)
        missing = cursor.execute(
            f"SELECT series, time, seq FROM wanted ANTI JOIN ({' UNION ALL '.join(sources)}) USING (series, time, seq)"
        ).fetchall()
        cursor.unregister("wanted")
    finally:
        cursor.close()
    beyond = {tuple(int(n) for n in columns[place]) for place in np.flatnonzero(dropped)}
    gone = [one for one in missing if tuple(one) in beyond]
    report.count("readings_beyond_retention", len(gone))
    lost = [one for one in missing if tuple(one) not in beyond]
    if store.running and lost:  # sealed and trimmed between the manifest and the hot file: asked of the files then
        lost = _still_lost(store, lost)
    for one in lost[:20]:
        report.add("evidence", f"verdict {refs[tuple(one)]} rests on a reading that is not there: series {one[0]}, "
                   f"time {one[1]}, sequence {one[2]}")  # fmt: skip
    if len(lost) > 20:
        report.add("evidence", f"and {len(lost) - 20} more readings that verdicts rest on")


def _still_lost(store: Store, lost: list[Any]) -> list[Any]:
    """What is missing by the manifest as it is now too."""
    assert store.connection is not None
    assert store.hot is not None
    if store.connection.in_transaction():
        store.connection.rollback()
    rows = store.connection.execute(text("SELECT path FROM manifest WHERE kind = 'rows' AND state = 'live'"))
    paths = [str(store.folder / "sealed" / row.path) for row in rows]
    present = [one for one in paths if Path(one).exists()]
    if not present:
        return lost
    cursor = store.hot.cursor()
    try:
        keys = ", ".join(f"({a}, {b}, {c})" for a, b, c in lost)
        cursor.execute(
            f"SELECT series, time, seq FROM (VALUES {keys}) AS v(series, time, seq) ANTI JOIN "
            "(SELECT series, time, seq FROM read_parquet(?) UNION ALL SELECT series, time, seq FROM rows) "
            "USING (series, time, seq)",
            [present],
        )
        return cursor.fetchall()
    finally:
        cursor.close()
