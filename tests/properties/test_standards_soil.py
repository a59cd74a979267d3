"""GB 36600 and GB 15618 at every figure: below, on and above each screening and control value."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from standard_rows import step_of, table

from jinyun.domains.soil.construction import judge_plot
from jinyun.domains.soil.farmland import judge_farmland
from jinyun.kernel.terms import Status

DAY = date(2026, 5, 1)
BINS = {"pH<=5.5": ("4.0", "5.5"), "5.5<pH<=6.5": ("5.51", "6.5"), "6.5<pH<=7.5": ("6.51", "7.5"),
        "pH>7.5": ("7.51", "9.5"), "": ("6.0",)}  # fmt: skip


def around(value):
    step = step_of(value)
    return (value - step, value, value + step)


def test_every_value_of_construction_land():
    rows = [row for row in table("soil", "gb36600_2018.csv") if row.op == "le"]
    values = {(row.item_code, row.group, row.stage): row.value for row in rows}
    for row in rows:
        low, high = (values[row.item_code, row.group, stage] for stage in ("screening", "control"))
        for value in around(row.value):
            if value < 0:
                continue
            verdict = judge_plot("plot", {row.item_code: value}, land=row.group, day=DAY)
            state = "negligible" if value <= low else "investigate" if value <= high else "above_control"
            assert verdict.extra["state"] == state, (row, value, verdict)
            assert verdict.status is (Status.ATTAINS if value <= low else Status.EXCEEDS), (row, value)
    assert len(rows) == 340


def test_every_value_of_farmland():
    rows = [row for row in table("soil", "gb15618_2018.csv") if row.op == "le"]
    for row in rows:
        lands = {"all": ("paddy", "other"), "paddy": ("paddy",), "other": ("other",), "orchard": ("orchard",)}[
            row.group
        ]
        for land in lands:
            for ph in BINS[row.condition]:
                mine = [r for r in rows if r.item_code == row.item_code and r.condition == row.condition]
                low = next(r.value for r in mine if r.stage == "screening" and r.group in (land, "all"))
                high = next((r.value for r in mine if r.stage == "control"), None)
                for value in around(row.value):
                    verdict = judge_farmland("field", {row.item_code: value}, ph=Decimal(ph), land=land, day=DAY)
                    over = high is not None and value > high
                    state = "low_risk" if value <= low else "strict_control" if over else "safe_use"
                    assert verdict.extra["state"] == state, (row, ph, value, verdict)
    assert len(rows) == 79
