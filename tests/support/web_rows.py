"""The small district that the web's tests look at."""

from __future__ import annotations

import time
from functools import cache

OUTLET_MN, SECTION_MN = "WEBTEST0000001", "WEBTEST0000002"
ROWS = [
    ("enterprise", "e1", {"name": "示范水务公司", "contact": "张工", "phone": "13800000000", "jurisdiction": "500109"}),
    ("site", "s-up", {"name": "北碚断面", "kind": "water_section", "river": "嘉陵江", "target_class": 3,
                      "place": {"lon": 106.43, "lat": 29.82}, "jurisdiction": "500109"}),
    ("site", "s-out", {"name": "一号排口", "kind": "water_outlet", "enterprise": "e1",
                       "place": {"lon": 106.45, "lat": 29.8}, "jurisdiction": "500109"}),
    ("site", "s-mute", {"name": "三号微站", "kind": "water_micro", "river": "嘉陵江",
                        "place": {"lon": 106.5, "lat": 29.7}, "jurisdiction": "500109"}),
    ("outlet", "o1", {"name": "一号排口", "kind": "water", "site": "s-out", "enterprise": "e1",
                       "receiving_water": "s-up"}),
    ("permit_limit", "l1", {"outlet": "o1", "factor": "cod_cr", "period": "hour", "limit": "50", "unit": "mg/L",
                            "converted": False, "valid_from": "2020-01-01", "basis": "许可证 91500109-001"}),
    ("device", OUTLET_MN, {"mn": OUTLET_MN, "name": "排口数采仪", "site": "s-out", "edition": "2017",
                           "password": "123456", "periods": ["hour"], "set_clock": False}),
    ("device", SECTION_MN, {"mn": SECTION_MN, "name": "断面数采仪", "site": "s-up", "edition": "2017",
                            "periods": ["hour"], "set_clock": False}),
]  # fmt: skip
HOURS = 6
OVER = ("20.5", "61.2", "80.4", "75.0", "90.1", "66.6")  # mg/L, the limit is 50


@cache
def this_hour() -> int:
    """The hour in which this process first asked: the same for a node and for the tests that look at it, whenever the
    clock strikes in between. [s]"""
    return int(time.time()) // 3600 * 3600
