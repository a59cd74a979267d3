"""Kept windows compared with those made from the readings a second time."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import duckdb
import numpy as np

from jinyun.methods.windows import DAY_S, Level, bounds
from jinyun.store import window_source as source
from jinyun.store import window_tables as tables
from jinyun.store.query import Snapshot
from jinyun.store.window_answers import WindowAnswers
from jinyun.store.window_build import distinct
from jinyun.store.window_tables import KEPT

Pairs = tuple[np.ndarray, np.ndarray]


class WindowChecks(WindowAnswers):
    """The checking part of `windows.Windows`."""

    _lock: threading.RLock

    def catch_up(self) -> int:
        """See `windows.Windows`."""
        raise NotImplementedError

    def _make_base(
        self, cursor: duckdb.DuckDBPyConnection, state: Snapshot, series: np.ndarray, hour: np.ndarray,
        *, prefix: str = "window", fresh: bool = False,
    ) -> tuple[int, Pairs]:  # fmt: skip
        raise NotImplementedError

    def _make_above(
        self, cursor: duckdb.DuckDBPyConnection, dates: Pairs, *, prefix: str = "window", fresh: bool = False
    ) -> int:
        raise NotImplementedError

    def rebuild(self, series: Sequence[int] | None = None) -> dict[str, Any]:
        """Make the windows of some series (None: all) from the readings into a second set of tables, and compare.

        Everything committed is taken up first. ``equal``, and per level the digests of both and how many rows differ;
        where they do, the second set is right: `mark` the series.
        """
        with self._lock:
            self.catch_up()
            chosen = np.array(sorted(series), np.int64) if series is not None else np.empty(0, np.int64)
            where = "true" if series is None else f"series IN ({', '.join(map(str, chosen.tolist())) or 'NULL'})"
            with self._snapshot() as state, self._file.lent_cursor() as cursor:
                tables.make_tables(cursor, "again")
                span = source.times(state)
                whole: list[np.ndarray] = []
                day = bounds(Level.DAY, span[0])[0] if span is not None else 0
                while span is not None and day <= span[1]:
                    pairs = source.hours_of(state, chosen, day, day + DAY_S)
                    _, dates = self._make_base(cursor, state, *pairs, prefix="again", fresh=True)
                    whole.append(np.stack(dates))
                    day += DAY_S
                if whole:
                    self._make_above(cursor, distinct(*np.concatenate(whole, axis=1)), prefix="again", fresh=True)
                told = {
                    level.name.lower(): {
                        "kept": tables.digest(cursor, level, where=where),
                        "rebuilt": tables.digest(cursor, level, "again", where),
                        "differing": tables.differing(cursor, level, "again", where),
                    }
                    for level in KEPT
                }
                for level in KEPT:
                    cursor.execute(f"DROP TABLE {tables.table_of(level, 'again')}")
        return {
            "equal": all(one["kept"] == one["rebuilt"] and not one["differing"] for one in told.values()),
            "seq": self._seq,
            "levels": told,
        }

    def digests(self) -> dict[str, str]:
        """Per level a figure that is equal for equal windows."""
        with self._file.lent_cursor() as cursor:
            return {level.name.lower(): tables.digest(cursor, level) for level in KEPT}
