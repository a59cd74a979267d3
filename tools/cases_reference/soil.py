"""Cases of soil: every limit of farmland, both land classes of construction land, equal and one step above."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from cases_reference.tables import Row, half_even, plain, rows, step_of

Case = dict[str, Any]
BINS = {
    "pH<=5.5": ("4.8", "5.5"),
    "5.5<pH<=6.5": ("5.51", "6.5"),
    "6.5<pH<=7.5": ("6.51", "7.5"),
    "pH>7.5": ("7.51", "8.9"),
    "": ("6.0",),
}


def _above(row: Row) -> list[Fraction]:
    limit = Fraction(row["value"])
    return [limit, limit + step_of(row["value"])]


def _of(table: list[Row], item: str, groups: tuple[str, ...], condition: str, stage: str) -> Row | None:
    for group in groups:
        for row in table:
            if (row["item_code"], row["group"], row["stage"]) == (item, group, stage) and row["condition"] in (
                "",
                condition,
            ):
                return row
    return None


def farmland() -> Iterator[Case]:
    table = [row for row in rows("gb15618_2018.csv") if row["op"] == "le"]
    for row in table:
        lands = {"all": ("paddy", "other"), "orchard": ("orchard",), "paddy": ("paddy",), "other": ("other",)}[
            row["group"]
        ]
        for ph, land in ((ph, land) for ph in BINS[row["condition"]] for land in lands):
            ours = (land, "all") if land != "orchard" else ("orchard", "other", "all")
            screening = _of(table, row["item_code"], ours, row["condition"], "screening")
            control = _of(table, row["item_code"], ours, row["condition"], "control")
            if screening is None:
                continue
            for value in _above(row):
                low = value <= Fraction(screening["value"])
                strict = control is not None and value > Fraction(control["value"])
                yield {
                    "kind": "derived",
                    "rule": "farmland",
                    "input": {"item": row["item_code"], "ph": plain(Fraction(ph)), "land": land, "mg_kg": plain(value)},
                    "expected": {
                        "screening": plain(Fraction(screening["value"])),
                        "control": None if control is None else plain(Fraction(control["value"])),
                        "result": "low_risk" if low else "strict_control" if strict else "safe_use",
                    },
                    "why": f"{'at' if value == Fraction(row['value']) else 'one step above'} the {row['stage']} value",
                    "source": f"GB 15618-2018 table {row['table_no']}",
                }


def construction() -> Iterator[Case]:
    table = [row for row in rows("gb36600_2018.csv") if row["op"] == "le" and row["unit"] == "mg/kg"]
    for row in table:
        screening = _of(table, row["item_code"], (row["group"],), row["condition"], "screening")
        control = _of(table, row["item_code"], (row["group"],), row["condition"], "control")
        if screening is None or control is None:
            continue
        low, high = Fraction(screening["value"]), Fraction(control["value"])
        for value in _above(row):
            over = value > low
            yield {
                "kind": "derived",
                "rule": "construction_land",
                "input": {"item": row["item_code"], "land": row["group"], "mg_kg": plain(value)},
                "expected": {
                    "screening": plain(low),
                    "control": plain(high),
                    "result": "above_control" if value > high else "investigate" if over else "negligible",
                    "screening_multiple": plain(half_even((value - low) / low, 2)) if over else None,
                },
                "why": f"{'at' if value == Fraction(row['value']) else 'one step above'} the {row['stage']} value",
                "source": f"GB 36600-2018 table {row['table_no']}",
            }
