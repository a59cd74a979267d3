"""`soil`: construction land by GB 36600 and farmland by GB 15618, one row one sample."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import pyarrow as pa

from jinyun.app.judging.headings import Recognised, Want
from jinyun.app.judging.rows import Rows
from jinyun.app.judging.verb import TIMES, Options, Verb, any_of, day_window, taken
from jinyun.app.judging.verdicts import JOIN, TEXT, WHOLE, common, multiples
from jinyun.domains.soil.construction import judge_plot
from jinyun.domains.soil.farmland import judge_farmland
from jinyun.domains.soil.limits import Edition, edition
from jinyun.kernel.errors import BadInput
from jinyun.kernel.terms import Verdict

PARTS = {"gb36600": "construction", "gb15618": "farmland"}


class Soil(Verb):
    name = "soil"
    uses = ("soil",)
    part = ""

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self.land = str(options.get("land", "") or "")
        self.items: tuple[str, ...] = ()

    def table(self) -> Edition:
        """The newest edition: whose items a file may have."""
        return edition(self.part, date.max)

    def wants(self) -> Sequence[Want]:
        table = self.table()
        items = [Want(code, rows[0].unit, spellings=(rows[0].item_zh,)) for code, rows in table.by_item.items()]
        return (Want("name"), *TIMES, Want("land"), Want("ph", "dimensionless"), *items)

    def check(self, found: Recognised) -> None:
        codes = self.table().items
        self.items = tuple(one.meaning for one in found.columns.values() if one.meaning in codes)
        any_of(found, list(codes), f"the items of {self.table().standard}")

    def columns(self) -> dict[str, pa.DataType]:
        return {
            "judged_class": TEXT, "judged_class_label": TEXT, "judged_level": WHOLE, "deciding_factors": TEXT,
            "judged_exceed_multiple": TEXT, "judged_item_states": TEXT, "judged_land": TEXT, "judged_missing": TEXT,
            **self.tail(),
        }  # fmt: skip

    def land_of(self, rows: Rows, row: int) -> str:
        return rows.text("land", row) or self.land

    def verdict(self, rows: Rows, row: int, values: dict[str, Any], below: list[str]) -> Verdict:
        raise NotImplementedError

    def one(self, rows: Rows, row: int) -> dict[str, Any]:
        values, below, absent = taken(rows, row, self.items)
        given = {code: value for code, value in values.items() if value is not None}
        verdict = self.verdict(rows, row, given, below)
        extra = verdict.extra
        return {
            "judged_class": extra.get("state") or None,
            "judged_class_label": verdict.label_zh,
            "judged_level": verdict.level,
            "deciding_factors": JOIN.join(verdict.deciding) or None,
            "judged_exceed_multiple": multiples(verdict) or None,
            "judged_item_states": JOIN.join(f"{item.factor}={item.grade}" for item in verdict.items if item.grade)
            or None,
            "judged_land": extra.get("land_class") or extra.get("land"),
            "judged_missing": JOIN.join(absent) or None,
            **common(verdict, rows.reader.as_on),
        }

    def called(self, rows: Rows, row: int) -> str:
        return rows.text("name", row) or f"第{rows.batch.row_number(row)}行"


class ConstructionLand(Soil):
    part = "construction"

    def check(self, found: Recognised) -> None:
        super().check(found)
        if "land" not in found.columns and not self.land:
            self.notes.append("no column of land use: judged as class 1 land, as GB 36600 says of an unknown use")

    def verdict(self, rows: Rows, row: int, values: dict[str, Any], below: list[str]) -> Verdict:
        return judge_plot(
            self.called(rows, row), values, land=self.land_of(rows, row) or None, day=rows.judged_on(row),
            non_detects=below, window=day_window(rows.when(row).day),
        )  # fmt: skip


class Farmland(Soil):
    part = "farmland"

    def check(self, found: Recognised) -> None:
        super().check(found)
        if "land" not in found.columns and not self.land:
            raise BadInput("farmland is judged by its use, and there is no column of it", field="land",
                           hint='give --land paddy|other|orchard|rotation, or --map "your heading=land"')  # fmt: skip

    def verdict(self, rows: Rows, row: int, values: dict[str, Any], below: list[str]) -> Verdict:
        ph = rows.figures("ph").at(row).value if rows.has("ph") else None
        return judge_farmland(
            self.called(rows, row), values, ph=ph, land=self.land_of(rows, row), day=rows.judged_on(row),
            non_detects=below, window=day_window(rows.when(row).day),
        )  # fmt: skip


class AnySoil(Soil):
    """Without ``--standard``: samples with their pH are farmland, others construction land."""

    def wants(self) -> Sequence[Want]:
        both = [one for verb in (ConstructionLand, Farmland) for one in verb(self.options).wants()]
        return tuple({one.meaning: one for one in both}.values())

    def fitting(self, found: Recognised) -> Verb:
        fits = Farmland(self.options) if "ph" in found.columns else ConstructionLand(self.options)
        why = "a column of pH" if fits.part == "farmland" else "no column of pH"
        fits.notes.append(f"judged by {fits.table().standard}, since there is {why}; --standard says otherwise")
        return fits


def soil_verb(options: Options) -> Soil:
    """By ``--standard gb36600`` or ``gb15618``; without it by the columns."""
    if not options.get("standard"):
        return AnySoil(options)
    word = "".join(c for c in str(options.get("standard", "")).casefold() if c.isalnum())
    for start, maker in (("gb36600", ConstructionLand), ("gb15618", Farmland)):
        if word.startswith(start):
            return maker(options)
    raise BadInput(f"--standard {options.get('standard') or ''!r} is no standard of soil", field="standard",
                   hint="gb36600 (construction land) or gb15618 (farmland)")  # fmt: skip
