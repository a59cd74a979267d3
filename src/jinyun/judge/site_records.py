"""The records that judges ask for, by site: read once, kept until somebody changes them."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from jinyun.kernel.errors import NotFound
from jinyun.kernel.ports import Record, RecordStore

ALL = 10_000_000
PATCH_AT_MOST = 64
"""Up to so many changed records are read one by one; beyond that all are read again."""

Row = dict[str, Any]


class SiteRecords:
    """Records of some types by the site they belong to.

    A record belongs to the site that its field ``site`` names, or to the site of the outlet that its field ``outlet``
    names. A record with neither field (a limit of a local standard) belongs to no site: every judge that asks for its
    type gets it, whatever the site.
    """

    def __init__(
        self,
        records: RecordStore,
        types: Iterable[str],
        *,
        over: Mapping[tuple[str, str], Mapping[str, Any]] | None = None,
    ) -> None:
        """`over`: data of (type, id) to be taken instead of what is stored, for a what-if."""
        self._records, self._over = records, over or {}
        asked = set(types)
        # Outlets come first: other records reach their site through them.
        self.types: tuple[str, ...] = (
            tuple(sorted(asked | {"outlet"}, key=lambda t: (t != "outlet", t))) if asked else ()
        )
        self._rows: dict[str, dict[str, Row]] = {}
        self._by_site: dict[str, dict[str, tuple[Row, ...]]] = {}
        self._common: dict[str, tuple[Row, ...]] = {}
        self._changed: set[tuple[str, str]] = set()
        self._stale = True
        self._lock = threading.Lock()

    def changed(self, type_id: str, id: str) -> None:
        """Say that a record was created, changed or deleted. Cheap; any thread."""
        if type_id in self.types:
            with self._lock:
                self._changed.add((type_id, id))

    def refresh(self) -> frozenset[str]:
        """Bring the copy up to date; the sites whose records changed (empty after the first reading)."""
        if not self.types:
            return frozenset()
        with self._lock:
            changed, self._changed = self._changed, set()
        if self._stale:
            self._read_all()
            return frozenset()
        if not changed:
            return frozenset()
        before = {id: self._site_of(self._rows[kind].get(id, {})) for kind, id in changed}
        if len(changed) > PATCH_AT_MOST or any(kind == "outlet" for kind, _ in changed):
            self._read_all()
        else:
            for kind, id in changed:
                self._read_one(kind, id)
            self._index()
        after = {id: self._site_of(self._rows[kind].get(id, {})) for kind, id in changed}
        return frozenset(site for site in (*before.values(), *after.values()) if site)

    def of(self, site: str, types: Sequence[str]) -> Mapping[str, Sequence[Row]]:
        """The site's records of `types`, and those that belong to no site."""
        mine = self._by_site.get(site, {})
        return {kind: mine.get(kind, ()) + self._common.get(kind, ()) for kind in types}

    def _read_all(self) -> None:
        self._rows = {
            kind: {record.id: _row(record) for record in self._records.find(kind, limit=ALL) if not record.deleted}
            for kind in self.types
        }
        for (kind, id), data in self._over.items():
            if kind in self._rows:
                self._rows[kind][id] = {**data, "id": id}
        self._stale = False
        self._index()

    def _read_one(self, kind: str, id: str) -> None:
        try:
            record = self._records.get(kind, id)
        except NotFound:
            self._rows[kind].pop(id, None)
            return
        if record.deleted:
            self._rows[kind].pop(id, None)
        else:
            self._rows[kind][id] = _row(record)

    def _site_of(self, row: Mapping[str, Any]) -> str:
        site = row.get("site")
        if site:
            return str(site)
        outlet = self._rows.get("outlet", {}).get(str(row.get("outlet") or ""), {})
        return str(outlet.get("site") or "")

    def _index(self) -> None:
        found: dict[str, dict[str, list[Row]]] = {}
        common: dict[str, list[Row]] = {}
        for kind in self.types:
            for row in self._rows[kind].values():
                site = self._site_of(row)
                if site:
                    found.setdefault(site, {}).setdefault(kind, []).append(row)
                elif "site" not in row and "outlet" not in row:
                    common.setdefault(kind, []).append(row)
        self._common = {kind: tuple(sorted(rows, key=lambda row: row["id"])) for kind, rows in common.items()}
        self._by_site = {
            site: {kind: tuple(sorted(rows, key=lambda row: row["id"])) for kind, rows in kinds.items()}
            for site, kinds in found.items()
        }


def _row(record: Record) -> Row:
    return {**record.data, "id": record.id}
