"""All official hourly rows of ../shared/data/air-cn-stations, judged again: AQI, level and primary pollutants.

    PYTHONPATH=src python benchmarks/official_air.py [--data FOLDER]

Every row that the centre published with an AQI is compared; each one that differs is listed with its reason. Rows are
told apart by whether the station was live and had all six values, as the data's own README tells them.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from jinyun.domains.air.columns import NA, aqi_columns
from jinyun.domains.air.limits import index_edition
from jinyun.methods.columns import MISSING, decimal_at, from_floats

FILES = ("official_hourly_snapshots_2018_2019.parquet", "national_hourly_2020-03-26_2020-04-05.parquet")
COLUMNS = {"so2": "so2", "no2": "no2", "co": "co", "o3": "o3", "pm10": "pm10", "pm2_5": "pm25"}
WORDS = {
    "细颗粒物(PM2.5)": "pm2_5", "颗粒物(PM10)": "pm10", "二氧化硫": "so2", "二氧化氮": "no2", "一氧化碳": "co",
    "臭氧1小时": "o3",
}  # fmt: skip
DATA = Path(__file__).parents[2] / "shared" / "data" / "air-cn-stations"


@dataclass
class Tally:
    """Rows of one kind that agree, and those that do not with the reason."""

    rows: int = 0
    aqi: int = 0
    level: int = 0
    primary: int = 0
    misses: list[str] = field(default_factory=list)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, default=DATA)
    folder = parser.parse_args().data
    if not folder.is_dir():
        print(f"skipped: no folder {folder}; it holds the official rows, which have no licence to ship")
        return 0
    kinds: dict[str, Tally] = {}
    other: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    started = time.perf_counter()
    for name in FILES:
        Official(folder / name).compare(kinds, other, reasons)
    seconds = time.perf_counter() - started
    show(kinds, other, reasons, seconds)
    best = "live, all six values"
    good = all(one.rows == one.aqi == one.level == one.primary for kind, one in kinds.items() if kind == best)
    rest = [one for kind, one in kinds.items() if kind != best]
    share = sum(one.aqi for one in rest) / max(1, sum(one.rows for one in rest))
    return 0 if good and share >= 0.999 else 1


class Official:
    """One file: what was published, and what we reckon from the same values."""

    def __init__(self, path: Path) -> None:
        self.name, self.table = path.name, pq.read_table(path)
        self.edition = index_edition(date(2019, 7, 18))
        self.values = {key: from_floats(self.table[name].to_numpy(), name=name) for key, name in COLUMNS.items()}
        self.ours = aqi_columns(self.values, self.edition)
        self.aqi = self.table["aqi"].to_numpy()
        self.quality, self.primary = self.table["quality"].to_pylist(), self.table["primary"].to_pylist()
        live = ["live"] * self.table.num_rows
        self.state = self.table["state"].to_pylist() if "state" in self.table.column_names else live
        self.six = np.all([column != MISSING for column in self.values.values()], axis=0)
        self.words = {level.level: level.category_zh for level in self.edition.levels}

    def compare(self, kinds: dict[str, Tally], other: Counter[str], reasons: Counter[str]) -> None:
        for row in range(self.table.num_rows):
            if np.isnan(self.aqi[row]):
                other[self.without(row)] += 1
                continue
            kind = f"{self.state[row]}, {'all six values' if self.six[row] else 'a value missing'}"
            tally = kinds.setdefault(kind, Tally())
            same = (
                int(self.aqi[row]) == self.ours.aqi[row],
                self.quality[row] == self.category(row),
                named(self.primary[row]) == set(self.our_primary(row)),
            )
            tally.rows += 1
            tally.aqi += same[0]
            tally.level += same[1]
            tally.primary += same[2]
            if not all(same):
                why = self.reason(row, same)
                reasons[why] += 1
                tally.misses.append(f"{self.name} row {row + 1}: {why}; {self.line(row)}")

    def category(self, row: int) -> str | None:
        return self.words.get(int(self.ours.level[row]))

    def our_primary(self, row: int) -> tuple[str, ...]:
        return self.ours.names(int(self.ours.primary[row]))

    def reason(self, row: int, same: tuple[bool, bool, bool]) -> str:
        """Why a row differs, as far as its own figures tell."""
        if not same[0]:
            if self.ours.aqi[row] == NA:
                return "an AQI was published without any of the six values"
            return "the AQI rests on a value that was not published with it"
        if not same[1]:
            return "no category was published" if self.quality[row] is None else "its category does not fit its own AQI"
        if self.primary[row] is None:
            return "no primary pollutant was published although the AQI is above 50"
        if self.ours.aqi[row] <= self.edition.primary_above:
            return "a primary pollutant was published at an AQI of 50 or less"
        published = named(self.primary[row])
        if any(self.values[one][row] == MISSING for one in published):
            return "a pollutant is named whose value was not published"
        return "of tied pollutants not all were named" if published < set(self.our_primary(row)) else "not explained"

    def without(self, row: int) -> str:
        """What a row without a published AQI is."""
        if self.ours.aqi[row] == NA:
            return "no AQI published, and no value to reckon one from"
        if self.quality[row] is None:
            return "neither AQI nor category published, values are there"
        fits = "fits" if self.quality[row] == self.category(row) else "does not fit"
        return f"no AQI published, a category is and {fits} the values"

    def line(self, row: int) -> str:
        where = " ".join(str(self.table[name][row].as_py()) for name in ("time", "code", "city", "station"))
        values = ", ".join(f"{name} {decimal_at(column, row)}" for name, column in self.values.items())
        published = f"published AQI {self.aqi[row]:g} {self.quality[row]} {self.primary[row]}"
        return f"{where}; {values}; {published}; ours {self.ours.aqi[row]} {self.category(row)} {self.our_primary(row)}"


def named(text: str | None) -> set[str]:
    """Pollutants that a row names as primary."""
    return {WORDS[word] for word in text.split(",")} if text else set()


def show(kinds: dict[str, Tally], other: Counter[str], reasons: Counter[str], seconds: float) -> None:
    print("| rows | number | AQI | level | primary |\n|---|---:|---:|---:|---:|")
    for kind, one in sorted(kinds.items()):
        shares = (f"{100 * part / one.rows:.3f} %" for part in (one.aqi, one.level, one.primary))
        print(f"| {kind} | {one.rows:,} | {' | '.join(shares)} |")
    print(
        f"\n{sum(one.rows for one in kinds.values()):,} rows with an AQI compared in {seconds:.1f} s (reading included)"
    )
    for text, count in other.most_common():
        print(f"not compared: {count:,} rows, {text}")
    print(f"\n{sum(reasons.values())} rows differ")
    for text, count in reasons.most_common():
        print(f"- {count} rows: {text}")
    for kind, one in sorted(kinds.items()):
        for miss in one.misses:
            print(f"  {kind}: {miss}")


if __name__ == "__main__":
    raise SystemExit(main())
