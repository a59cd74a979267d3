"""The dictionary of series: site × factor × statistic × period ↔ a small integer. The database has the say."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np
from sqlalchemy import Engine, insert, select

from jinyun.kernel.errors import NotFound
from jinyun.kernel.terms import Period, SeriesKey, Stat
from jinyun.store.database import reading, writing
from jinyun.store.schema import series as table


class SeriesBook:
    """All series, in memory; new ones are written at once. Ids count from 0 without holes."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._ids: dict[SeriesKey, int] = {}
        self._keys: list[SeriesKey] = []
        self._by_site: dict[str, list[int]] = {}
        self._arrays: dict[str, np.ndarray] = {}
        with reading(engine) as connection:
            for row in connection.execute(select(table).order_by(table.c.id)):
                self._remember(row.id, SeriesKey(row.site, row.factor, Stat(row.stat), Period(row.period)))

    def __len__(self) -> int:
        return len(self._keys)

    def ids(self, keys: Sequence[SeriesKey]) -> np.ndarray:
        """Ids (int32) of `keys`; those not known yet are created, all in one transaction."""
        known = self._ids
        try:
            return np.fromiter((known[key] for key in keys), np.int32, len(keys))
        except KeyError:
            self._create(keys)
            return np.fromiter((known[key] for key in keys), np.int32, len(keys))

    def known(self, keys: Sequence[SeriesKey]) -> np.ndarray:
        """Ids (int32) of `keys`, -1 for those not known; creates none."""
        return np.fromiter((self._ids.get(key, -1) for key in keys), np.int32, len(keys))

    def key(self, series: int) -> SeriesKey:
        if not 0 <= series < len(self._keys):
            raise NotFound("series", series)
        return self._keys[series]

    def keys(self) -> Sequence[SeriesKey]:
        """All keys; the place in the list is the id. Do not change it."""
        return self._keys

    def sites(self) -> list[str]:
        return list(self._by_site)

    def of_site(
        self, site: str, factors: Sequence[str] = (), stats: Sequence[Stat] = (), periods: Sequence[Period] = ()
    ) -> list[int]:
        """Ids of a site's series; an empty choice means all."""
        keys = self._keys
        chosen = [
            one
            for one in self._by_site.get(site, ())
            if (not factors or keys[one].factor in factors)
            and (not stats or keys[one].stat in stats)
            and (not periods or keys[one].period in periods)
        ]
        return sorted(chosen)

    def array_of_site(self, site: str) -> np.ndarray:
        """All of a site's ids (int64), ascending; kept, so do not change it."""
        known = self._arrays.get(site)
        have = self._by_site.get(site, ())
        if known is None or len(known) != len(have):
            known = self._arrays[site] = np.sort(np.array(have, np.int64))
        return known

    def _create(self, keys: Sequence[SeriesKey]) -> None:
        with self._lock:
            fresh = [key for key in dict.fromkeys(keys) if key not in self._ids]
            if not fresh:
                return
            first = len(self._keys)
            rows = [
                {"id": n, "site": k.site, "factor": k.factor, "stat": int(k.stat), "period": int(k.period)}
                for n, k in enumerate(fresh, first)
            ]
            with writing(self._engine) as connection:
                connection.execute(insert(table), rows)
            for number, key in enumerate(fresh, first):
                self._remember(number, SeriesKey(key.site, key.factor, Stat(key.stat), Period(key.period)))

    def _remember(self, number: int, key: SeriesKey) -> None:
        if number != len(self._keys):
            raise NotFound("series", len(self._keys))
        self._keys.append(key)
        self._by_site.setdefault(key.site, []).append(number)
        self._ids[key] = number
