"""Records are found by their very title among any number that only hold its words, on both databases."""

import pytest

from jinyun.app.services.registers.naming import titled
from jinyun.kernel.ports import SYSTEM
from jinyun.kernel.records import Field, RecordType
from jinyun.store.records import SqlRecords


@pytest.mark.parametrize("indexed", [True, False])
def test_all_of_that_very_title_and_no_other(database, steady_clock, indexed):
    kind = RecordType("plot", "地块", "Plot", (Field("name", "名称", "Name", indexed=indexed),), title="name")
    records = SqlRecords(database, {"plot": kind}, steady_clock)
    long = "长" * 400
    first = [("p", "大桥 A"), ("q", "大桥 A"), ("r", "大桥 a"), ("s", long)]
    records.put_many("plot", [(id, {"name": name}) for id, name in first], SYSTEM)
    later = [(f"n{n}", {"name": f"大桥 A {n}"}) for n in range(600)] + [("t", {"name": f"{long}江"})]
    records.put_many("plot", later, SYSTEM)
    assert sorted(titled(records, kind, "大桥 A")) == ["p", "q"]
    assert titled(records, kind, long) == ["s"]
    assert titled(records, kind, "大桥") == []
