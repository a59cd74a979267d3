"""How long period figures take: a year (and the year before) of 17 air stations and 45 sections through SqlVerdicts.

    python benchmarks/periods.py [--readings]     # --readings: each day rests on as many readings as a real one

Prints CPU time for a first question (nothing in memory), for one after a day of it was judged again, and for a
remembered one.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))
from days import air_day, days_from, make_house, water_day

from jinyun.app.services.periods import Periods

AIR, WATER = 17, 45
NOW = "2026-11-22T10:00:00+08:00"


def sites() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {f"A{n:02d}": {"kind": "air_station"} for n in range(AIR)}
    for n in range(WATER):
        found[f"S{n:02d}"] = {
            "kind": "water_section", "river": f"河{n % 5}", "order_km": str(n), "target_class": 3, "body": "river",
        }  # fmt: skip
    return found


def fill(house: Any, readings: bool) -> int:
    chance, count = random.Random(1), 0
    for day in days_from(date(2024, 11, 1), date(2026, 11, 22)):
        made = []
        for n in range(AIR):
            values = {
                "so2": str(chance.randrange(4, 14)), "no2": str(chance.randrange(15, 45)),
                "co": str(Decimal(chance.randrange(3, 14)) / 10), "o3": str(chance.randrange(40, 190)),
                "pm10": str(chance.randrange(20, 140)), "pm2_5": str(chance.randrange(10, 100)),
            }  # fmt: skip
            made.append(air_day(f"A{n:02d}", day, values, readings=24 if readings else 0))
        for n in range(WATER):
            values = {
                "ph": "7.8", "do": str(Decimal(chance.randrange(50, 110)) / 10),
                "cod_mn": str(Decimal(chance.randrange(10, 70)) / 10),
                "nh3_n": str(Decimal(chance.randrange(5, 130)) / 100),
                "tp": str(Decimal(chance.randrange(2, 25)) / 100),
            }  # fmt: skip
            made.append(water_day(f"S{n:02d}", day, values, readings=6 if readings else 0))
        house.verdicts.add(made)
        count += len(made)
    return count


def timed(work: Callable[[], Any]) -> float:
    """CPU seconds: the machine may have other work."""
    began = time.process_time()
    work()
    return time.process_time() - began


def main() -> None:
    readings = "--readings" in sys.argv
    with tempfile.TemporaryDirectory() as folder:
        house = make_house(Path(folder) / "var", NOW, sites())
        try:
            print(f"{fill(house, readings)} day verdicts of {AIR} stations and {WATER} sections")
            for subject, scope, period, at in (
                ("air", "all", "month", "2026-10"), ("water", "all", "month", "2026-10"),
                ("air", "all", "year", "2025"), ("water", "all", "year", "2025"),
                ("air", "all", "ytd", "2026-10"), ("water", "all", "ytd", "2026-10"),
            ):  # fmt: skip
                periods = Periods(house)

                def ask(of: Periods = periods, asked: Any = (subject, scope, period, at)) -> Any:
                    return of.figures(asked[0], scope=asked[1], period=asked[2], at=asked[3])

                first = timed(ask)
                day = date(int(at[:4]), 5 if period != "month" else 10, 3)
                house.verdicts.add(
                    [air_day("A03", day, {"pm2_5": "40"}) if subject == "air" else water_day("S03", day, {"tp": "0.3"})]
                )
                again = timed(ask)
                print(
                    f"{subject:5} {period:5} {at:7}  first {first * 1000:7.1f} ms   one day judged again "
                    f"{again * 1000:7.1f} ms   remembered {timed(ask) * 1e6:6.0f} us"
                )
                house.verdicts.listeners.clear()
        finally:
            house.close()


if __name__ == "__main__":
    main()
