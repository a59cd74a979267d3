"""A live node with a few hours of data: an outlet over its limit, a section of class II, a stranger."""

from __future__ import annotations

from pathlib import Path

from live import Live, register
from web_rows import HOURS, OUTLET_MN, OVER, ROWS, SECTION_MN, this_hour

from jinyun.sense.hj212 import compose

STRANGER_MN = "WEBTEST0000009"


def over_its_limit(folder: Path) -> Live:
    """Started, fed over real sockets, settled; the caller closes it."""
    live = Live(folder, lambda house: register(house, ROWS))
    try:
        first = this_hour() - HOURS * 3600
        for number, value in enumerate(OVER):
            at = first + number * 3600
            live.send(OUTLET_MN, "2061", at, [compose.item("w01018", "N", Avg=value, Min=value, Max=value)])
            section = [("w01001", "7.8"), ("w01009", "8.2"), ("w01019", "1.8"), ("w21003", "0.61"), ("w21011", "0.081")]
            live.send(SECTION_MN, "2061", at, [compose.item(code, "N", Avg=v) for code, v in section], st="21")
        live.send(STRANGER_MN, "2011", first, [compose.item("w01018", "N", Rtd="31.5")])
        live.settle()
    except BaseException:
        live.close()
        raise
    return live
