"""Domains are found by being there; a declaration that cannot stand is refused at start."""

import pytest

from jinyun.app.discover import domains, judges, record_types
from jinyun.kernel.declare import Domain
from jinyun.kernel.records import Field, RecordType


def test_the_spine_is_found():
    assert {"registry", "supervision", "water", "air", "emission"} <= set(domains())
    assert {"enterprise", "site", "outlet", "permit_limit", "device", "alarm", "case"} <= set(record_types())
    assert {"water.section_class", "air.aqi_hour", "air.aqi_day", "emission.outlet_hour"} <= set(judges())


def test_a_type_declared_twice_or_pointing_nowhere_is_refused():
    plot = RecordType("plot", "地块", "Plot", (Field("name", "名称", "Name"),))
    with pytest.raises(ValueError, match="declared twice, the second time by b"):
        record_types([Domain("a", "甲", "A", records=(plot,)), Domain("b", "乙", "B", records=(plot,))])
    lost = RecordType("plan", "方案", "Plan", (Field("plot", "地块", "Plot", "reference", to="plot"),))
    with pytest.raises(ValueError, match="refers to unknown record type 'plot'"):
        record_types([Domain("a", "甲", "A", records=(lost,))])
