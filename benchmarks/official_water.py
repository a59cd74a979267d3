"""The official class of every row of the national automatic stations, recomputed; each row that differs is explained.

    PYTHONPATH=src python benchmarks/official_water.py [--data FOLDER] [--brief] [--out differs.csv]

The publication says for no section whether it is a river or a lake, and the two have different limits of total
phosphorus. Which it is, is **inferred**: from the other rows of the same section (never from the row's own answer), by
which limits reproduce their class; where no other row can tell, from the name (湖, 水库); else river.

What a difference is put down to is tested against the data, and the tests' controls are printed:

stale      the class is that of the section's row before: published before the new values were judged. Control: how many
           of the same rows fit the row *after*, and at which hours they fall.
on a limit a value is printed just on a limit, and the class is that of a value above it: the platform judged digits
           that it did not print. Control: the files with all digits have no such row.
mixture    the class fits if some values are those of the row before.
other body the class fits the limits of the other kind of water body.
"""

from __future__ import annotations

import argparse
import csv
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from itertools import pairwise, product
from math import isnan
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from jinyun.domains.water.columns import section_classes
from jinyun.domains.water.limits import LABELS_ZH, Edition, edition
from jinyun.domains.water.quality import section_class
from jinyun.kernel.rounding import round_gb
from jinyun.methods.columns import PLACES, from_texts
from jinyun.methods.statistics import decimals

DATA = Path(__file__).parents[2] / "shared" / "data" / "water-cn-auto"
COLUMNS = {"ph": "ph", "do": "do", "cod_mn": "codmn", "nh3_n": "nh3n", "tp": "tp", "water_temp": "temp"}
LEVELS = {label: level for level, label in LABELS_ZH.items()}
BODIES = ("river", "lake")
LAKE_WORDS = ("湖心", "湖中", "水库", "库心", "湖区")


@dataclass(slots=True)
class Row:
    """One published row. `levels`: class by each kind of body, 0 without a value."""

    file: str
    place: tuple[str, str]  # province, section
    time: Any
    official: int  # 0: none published
    texts: dict[str, str]  # values as printed
    levels: tuple[int, int] = (0, 0)
    body: int = 0
    how: str = ""
    reasons: list[str] = field(default_factory=list)
    first: bool = False  # of its section in its file: no row before to compare with

    @property
    def ours(self) -> int:
        return self.levels[self.body]

    def values(self) -> dict[str, Decimal]:
        return {code: Decimal(text) for code, text in self.texts.items() if text and code != "water_temp"}


def printed(value: float | None) -> str:
    """The figure behind a 32-bit float, which keeps six digits; "" for none."""
    if value is None or isnan(value):
        return ""
    number = Decimal(f"{value:.6g}")
    return format(round_gb(number, min(PLACES, decimals(number))), "f")


def read(folder: Path) -> list[Row]:
    """All rows of all files, judged by both kinds of limits."""
    rows: list[Row] = []
    for path in sorted(folder.glob("*.parquet")):
        for one in pq.read_table(path).to_pylist():
            texts = {code: printed(one[column]) for code, column in COLUMNS.items()}
            official = LEVELS.get(one["wq_class"] or "", 0)
            rows.append(Row(path.stem, (one["province"], one["section"]), one["time"], official, texts))
    columns = {code: from_texts([row.texts[code] for row in rows], name=code) for code in COLUMNS}
    found = [section_classes(columns, table, oxygen_by_saturation=False).level for table in tables()]
    for row, river, lake in zip(rows, *found, strict=True):
        row.levels = (int(river), int(lake))
    return rows


def tables() -> tuple[Edition, Edition]:
    """Limits of rivers and of lakes; one edition holds for all of the data."""
    river, lake = (edition(date(2021, 4, 1), body) for body in BODIES)
    return river, lake


def infer_bodies(rows: Sequence[Row]) -> None:
    """River or lake for each row, from the other rows of its section, else its name, else river."""
    votes: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    for row in rows:
        for body in telling(row):
            votes[row.place][body] += 1
    for row in rows:
        river, lake = votes[row.place]
        own = telling(row)
        river, lake = river - (0 in own), lake - (1 in own)
        if river != lake:
            row.body, row.how = int(lake > river), "other rows"
        elif any(word in row.place[1] for word in LAKE_WORDS):
            row.body, row.how = 1, "name"
        else:
            row.body, row.how = 0, "default"


def telling(row: Row) -> tuple[int, ...]:
    """The one kind of body whose limits give the row's official class; none where both or neither do."""
    if not row.official or row.levels[0] == row.levels[1]:
        return ()
    return tuple(body for body in (0, 1) if row.levels[body] == row.official)


def by_section(rows: Sequence[Row]) -> Iterator[list[Row]]:
    """Rows of one file and section, in time order."""
    groups: dict[tuple[str, tuple[str, str]], list[Row]] = defaultdict(list)
    for row in rows:
        if row.time is not None:
            groups[row.file, row.place].append(row)
    for group in groups.values():
        yield sorted(group, key=lambda row: row.time)


def above(row: Row, table: Edition) -> int:
    """Class if each value printed just on a limit were a hair worse."""
    values = row.values()
    for code, value in values.items():
        limits = table.item(code)
        if value in limits.limits:
            values[code] = value + Decimal("0.00001") * (-1 if limits.op == "ge" else 1)
        elif value in limits.lows:
            values[code] = value - Decimal("0.00001")
    found = section_class(values, table)
    return found.level if found else 0


def mixtures(row: Row, before: Row, table: Edition) -> set[int]:
    """Classes when some values are those of the row before."""
    new, old = row.values(), before.values()
    found = set()
    for pick in product((False, True), repeat=len(new)):
        pairs = zip(pick, new.items(), strict=True)
        mixed = {code: old.get(code, value) if take else value for take, (code, value) in pairs}
        if judged := section_class(mixed, table):
            found.add(judged.level)
    return found


def explain(rows: Sequence[Row]) -> list[Row]:
    """Rows that differ, with every reason that fits."""
    both = tables()
    previous = {id(row): before for group in by_section(rows) for before, row in pairwise(group)}
    differ = [row for row in rows if row.official and row.ours and row.ours != row.official]
    for row in differ:
        before = previous.get(id(row))
        if row.official > row.ours and above(row, both[row.body]) == row.official:
            row.reasons.append("on a limit")
        if before is not None and before.levels[row.body] == row.official:
            row.reasons.append("stale")
        elif before is not None and row.official in mixtures(row, before, both[row.body]):
            row.reasons.append("mixture")
        if row.levels[1 - row.body] == row.official:
            row.reasons.append("other body")
        row.first = before is None
    return differ


def hinges(rows: Sequence[Row]) -> tuple[int, int, int]:
    """Rows whose class would be worse if values on a limit were a hair above it: as ours, as that, as neither."""
    both, counts = tables(), Counter[str]()
    limits = [{code: set(map(str, (*table.item(code).limits, *table.item(code).lows))) for code in COLUMNS
               if code != "water_temp"} for table in both]  # fmt: skip
    for row in rows:
        if not row.official or not row.ours:
            continue
        if not any(row.texts[code] in known for code, known in limits[row.body].items()):
            continue
        if (worse := above(row, both[row.body])) != row.ours:
            counts["ours" if row.official == row.ours else "worse" if row.official == worse else "neither"] += 1
    return counts["ours"], counts["worse"], counts["neither"]


def share(rows: Sequence[Row], levels: Sequence[int]) -> str:
    """How many rows with an official class and a value have this class."""
    pairs = [(row.official, level) for row, level in zip(rows, levels, strict=True) if row.official and level]
    same = sum(official == level for official, level in pairs)
    return f"{same:,} of {len(pairs):,} = {100 * same / len(pairs):.2f} %"


def rounded_to_limits(row: Row, table: Edition) -> int:
    """Class if values were rounded to the decimals of their limits before they are compared."""
    values = {}
    for code, value in row.values().items():
        limits = table.item(code)
        values[code] = round_gb(value, max(decimals(limit) for limit in (*limits.limits, *limits.lows)))
    found = section_class(values, table)
    return found.level if found else 0


def summary(rows: Sequence[Row], differ: Sequence[Row], folder: Path) -> list[str]:
    """What was found, line by line."""
    files = sorted({row.file for row in rows})
    judged = [row for row in rows if row.official and row.ours]
    classed = sum(bool(row.official) for row in rows)
    lines = [
        f"{len(rows):,} rows in {len(files)} files; {classed:,} have an official class, {len(judged):,} of them a "
        "value we can judge",
        "",
        "class as published:",
        f"  river limits for all           {share(rows, [row.levels[0] for row in rows])}",
        "  river or lake, whichever fits  "
        + share(rows, [row.official if row.official in row.levels else row.levels[0] for row in rows]),
        f"  river or lake inferred         {share(rows, [row.ours for row in rows])}   <- the figure to hold",
    ]
    for name in files:
        mine = [row for row in rows if row.file == name]
        lines.append(f"    {name}: {share(mine, [row.ours for row in mine])}")
    how = Counter((row.how, row.official == row.ours) for row in judged)
    for word in ("other rows", "name", "default"):
        lines.append(f"    body by {word}: {how[word, True]:,} agree, {how[word, False]:,} differ")
    lines += ["", "other readings of the rules, each over the same rows:"]
    columns = {code: from_texts([row.texts[code] for row in rows], name=code) for code in COLUMNS}
    which = np.array([row.body for row in rows])
    saturated = section_classes(columns, tables(), which, oxygen_by_saturation=True).level.tolist()
    changed = [(row, level) for row, level in zip(rows, saturated, strict=True) if row.official and level != row.ours]
    lines.append(f"  oxygen class I also by 90 % saturation: {share(rows, saturated)}")
    lines.append(
        f"    it changes {len(changed):,} rows: the published class is the one without it in "
        f"{sum(row.official == row.ours for row, _ in changed):,}, with it in "
        f"{sum(row.official == level for row, level in changed):,}: the platform does not use it"
    )
    both = tables()
    lines.append(
        "  values rounded to the limits' decimals before comparing: "
        + share(rows, [rounded_to_limits(row, both[row.body]) if row.official else row.ours for row in rows])
    )
    lines += ["", f"{len(differ)} rows differ. Reasons that fit (a row may have several):"]
    for words, number in Counter(why(row) for row in differ).most_common():
        lines.append(f"  {number:4d}  {words}")
    lines += ["", "how sure the reasons are:"]
    lines += controls(rows, differ)
    known = folder / "sections.csv"
    if known.is_file():
        with known.open(encoding="utf-8", newline="") as file:
            theirs = {one["section"]: one["tp_rule"] for one in csv.DictReader(file)}
        names = {row.place[1]: BODIES[row.body] for row in rows if row.how == "other rows"}
        common = [name for name in names if theirs.get(name) in BODIES]
        same = sum(names[name] == theirs[name] for name in common)
        lines.append(f"  inferred bodies against sections.csv: {same:,} of {len(common):,} sections the same")
    return lines


def controls(rows: Sequence[Row], differ: Sequence[Row]) -> list[str]:
    """What speaks for and against each reason."""
    following = {id(row): after for group in by_section(rows) for row, after in pairwise(group)}
    stale = [row for row in differ if "stale" in row.reasons]
    timed = [row for row in rows if row.official and row.time is not None and "national_4h" in row.file]
    midnight = [row for row in differ if row.time is not None and row.time.hour == 0 and "national_4h" in row.file]
    nexts = [(row, following[id(row)]) for row in differ if id(row) in following]
    after = sum(one.levels[row.body] == row.official for row, one in nexts)
    base = Counter(row.time.hour == 0 for row in timed)
    lines = [
        f"  stale: {len(stale)} rows fit the row before; as a control {after} of the {len(differ)} fit the row after. "
        f"{sum(row.time.hour == 0 for row in stale if row.time is not None)} of them are of 00:00, "
        f"which has {100 * base[True] / (base[True] + base[False]):.0f} % of the 4-hourly rows",
        f"    of the {len(midnight)} differing rows of 00:00, {sum('stale' in row.reasons for row in midnight)} fit it",
    ]
    for name in sorted({row.file for row in rows}):
        ours, worse, neither = hinges([row for row in rows if row.file == name])
        lines.append(
            f"  on a limit, {name}: of {ours + worse + neither} rows whose class hangs on a value printed just on a "
            f"limit, {ours} are judged as printed, {worse} as above it, {neither} as neither"
        )
    other = [row for row in differ if row.reasons == ["other body"]]
    lines.append(
        f"  other body alone: {len(other)} rows, {sum(row.how == 'default' for row in other)} of them of sections that "
        "no other row tells about: an inference that failed, not a class that is wrong"
    )
    return lines


def why(row: Row) -> str:
    """The reasons that fit, in words."""
    none = "no reason found" + (", but no row before to compare with" if row.first else "")
    return " or ".join(row.reasons) or none


def told(row: Row) -> str:
    """One differing row as a line."""
    when = row.time.strftime("%Y-%m-%d %H:%M") if row.time is not None else "no time"
    values = " ".join(f"{code}={text}" for code, text in row.texts.items() if text)
    return (
        f"{when}  {row.place[0]} {row.place[1]}: published {LABELS_ZH[row.official]}, ours {LABELS_ZH[row.ours]} "
        f"({BODIES[row.body]} by {row.how}); {values}; {why(row)}"
    )


def write(differ: Sequence[Row], path: Path) -> None:
    """The differing rows as a CSV."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        out = csv.writer(file)
        names = ["file", "time", "province", "section", "published", "ours", "body", "body_by"]
        out.writerow([*names, *COLUMNS, "reasons"])
        for row in differ:
            levels = (LABELS_ZH[row.official], LABELS_ZH[row.ours])
            cells = [row.file, row.time, *row.place, *levels, BODIES[row.body], row.how, *row.texts.values()]
            out.writerow([*cells, why(row)])


def main() -> int:
    """Print the findings; 1 when fewer than 99 % of the classes are reproduced."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--brief", action="store_true", help="without the list of rows")
    parser.add_argument("--out", type=Path, help="write the differing rows as CSV")
    given = parser.parse_args()
    if not given.data.is_dir():
        print(f"no folder {given.data}; give --data", file=sys.stderr)
        return 2
    start = time.perf_counter()
    rows = read(given.data)
    infer_bodies(rows)
    differ = explain(rows)
    print("\n".join(summary(rows, differ, given.data)))
    if given.out:
        write(differ, given.out)
    if not given.brief:
        print(f"\nevery row that differs ({len(differ)}):")
        print("\n".join(told(row) for row in differ))
    print(f"\n{time.perf_counter() - start:.1f} s")
    judged = [row for row in rows if row.official and row.ours]
    return 0 if sum(row.official == row.ours for row in judged) >= 0.99 * len(judged) else 1


if __name__ == "__main__":
    raise SystemExit(main())
