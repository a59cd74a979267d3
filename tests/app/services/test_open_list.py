"""Lists of what is open: after a failure nothing is missing."""

from types import SimpleNamespace

import pytest

from jinyun.app.services.open_list import OpenList
from jinyun.domains.supervision.records import CASE
from jinyun.kernel.ports import SYSTEM
from jinyun.store.records import SqlRecords


def test_a_row_that_could_not_be_made_is_made_the_next_time(sqlite, steady_clock):
    records = SqlRecords(sqlite, {"case": CASE}, steady_clock)
    opened = {"kind": "complaint", "opened_at": "2026-03-01T08:00:00+08:00"}
    records.create("case", {"title": "a", **opened}, SYSTEM, id="a")
    failing = [True]

    def shown(record):
        if failing:
            raise OSError(failing.pop())
        return {"id": record.id, "level": record.data.get("level")}

    rows = OpenList(
        SimpleNamespace(records=records), "case", ("opened",), shown=shown, rank=lambda one: one.id, beside=lambda: 0
    )
    with pytest.raises(OSError, match="True"):
        rows.read()
    assert rows.read() == [{"id": "a", "level": None}]
    records.update("case", "a", {"level": 2}, SYSTEM)
    records.create("case", {"title": "b", **opened}, SYSTEM, id="b")
    failing.append(True)
    with pytest.raises(OSError, match="True"):
        rows.read()
    assert rows.read() == [{"id": "a", "level": 2}, {"id": "b", "level": None}]
