"""`groundwater`: class of every well row, GB/T 14848-2017."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa

from jinyun.app.judging.headings import Recognised, Want
from jinyun.app.judging.rows import Rows
from jinyun.app.judging.verb import TIMES, Options, Verb, any_of, day_window, taken
from jinyun.app.judging.verdicts import JOIN, TEXT, WHOLE, common, multiples
from jinyun.app.judging.water import spelled
from jinyun.app.judging.words import value_of
from jinyun.domains.water.groundwater import GroundItem, ground_items, judge_groundwater
from jinyun.domains.water.limits import LABELS_ZH, edition_row


class Groundwater(Verb):
    name = "groundwater"
    uses = ("water",)

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self.target = int(value_of("target", str(options.get("target")))) if options.get("target") else None
        self.due = bool(options.get("missing_is_due", False))
        self.items: tuple[str, ...] = ()
        self.texts: tuple[str, ...] = ()

    def known(self) -> dict[str, GroundItem]:
        """Items of the newest edition."""
        return dict(ground_items(edition_row("groundwater", date.max)["table"]))

    def wants(self) -> Sequence[Want]:
        items = [
            Want(code, one.unit, spellings=(one.zh, *spelled(code)), assumed=one.table_unit)
            for code, one in self.known().items()
        ]
        return (Want("name"), *TIMES, Want("target"), *items)

    def check(self, found: Recognised) -> None:
        known = self.known()
        mine = [one.meaning for one in found.columns.values() if one.meaning in known]
        self.items = tuple(code for code in mine if not known[code].is_text)
        self.texts = tuple(code for code in mine if known[code].is_text)
        any_of(found, list(known), "the items of GB/T 14848")

    def columns(self) -> dict[str, pa.DataType]:
        return {
            "judged_class": WHOLE, "judged_class_label": TEXT, "judged_level": WHOLE, "deciding_factors": TEXT,
            "judged_exceed_multiple": TEXT, "judged_item_classes": TEXT, "judged_items_used": TEXT,
            "judged_missing": TEXT, **self.tail(),
        }  # fmt: skip

    def one(self, rows: Rows, row: int) -> dict[str, Any]:
        values: dict[str, Decimal | str | None] = {}
        figures, below, absent = taken(rows, row, self.items)
        values |= figures
        for code in self.texts:
            values[code] = rows.text(code, row) or None
            if values[code] is None:
                absent.append(code)
        if not self.due:
            values = {code: value for code, value in values.items() if value is not None}
        word = rows.text("target", row)
        verdict = judge_groundwater(
            rows.text("name", row) or f"第{rows.batch.row_number(row)}行", values, day=rows.judged_on(row),
            window=day_window(rows.when(row).day), target=int(value_of("target", word)) if word else self.target,
            non_detects=below,
        )  # fmt: skip
        graded = [item for item in verdict.items if item.grade]
        level = verdict.level
        return {
            "judged_class": level,
            "judged_class_label": LABELS_ZH.get(level) if level else None,
            "judged_level": level,
            "deciding_factors": JOIN.join(verdict.deciding) or None,
            "judged_exceed_multiple": multiples(verdict) or None,
            "judged_item_classes": JOIN.join(f"{item.factor}={item.grade}" for item in graded) or None,
            "judged_items_used": f"{verdict.extra['evaluated']} of {verdict.extra['of']}",
            "judged_missing": JOIN.join(absent) or None,
            **common(verdict, rows.reader.as_on),
        }
