"""`water-section`: class of every section row, GB 3838-2002 by 环办[2011]22号."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import pyarrow as pa

from jinyun.app.judging.files_in import Arrow
from jinyun.app.judging.headings import Recognised, Want
from jinyun.app.judging.rows import Rows
from jinyun.app.judging.section_columns import SectionBatch
from jinyun.app.judging.verb import TIMES, Options, Verb, any_of, day_window, taken
from jinyun.app.judging.verdicts import JOIN, TEXT, WHOLE, common, multiples
from jinyun.app.judging.words import value_of
from jinyun.domains.water.items import items
from jinyun.domains.water.limits import LABELS_ZH, edition, rule
from jinyun.domains.water.section import judge_section, unit_of
from jinyun.kernel.terms import Verdict

TEMPERATURE = "water_temp"


def section_wants() -> list[Want]:
    """All items of GB 3838 that can be judged, in the unit they are handled in; a bare heading is in the table's."""
    newest = edition(date.max)
    limits = {**newest.items, **newest.source_items}
    wants = [
        Want(code, unit_of(code, date.max), spellings=spelled(code), assumed=limits[code].table_unit) for code in limits
    ]
    wants.append(Want("tn", unit_of("tn", date.max), spellings=spelled("tn"), assumed="mg/L"))
    wants.append(Want(TEMPERATURE, "degC", signed=True, spellings=("水温",)))
    return wants


def spelled(code: str) -> tuple[str, ...]:
    """How the water standards call an item."""
    known = items().get(code)
    return (known.zh, known.en) if known else ()


class WaterSection(Verb):
    """One row, one section."""

    name = "water-section"
    uses = ("water",)

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self.body = value_of("body", str(options.get("body", "river")))
        self.target = int(value_of("target", str(options.get("target") or rule("default_target"))))
        self.due = bool(options.get("missing_is_due", False))
        self.items: tuple[str, ...] = ()

    def wants(self) -> Sequence[Want]:
        return (Want("name"), *TIMES, Want("river"), Want("basin"), Want("body"), Want("target"), *section_wants())

    def check(self, found: Recognised) -> None:
        self.items = tuple(one.meaning for one in found.columns.values() if one.unit)
        any_of(found, edition(date.max).evaluated, "the items of GB 3838")
        if "body" not in found.columns:
            self.notes.append(
                f"every row was judged as a {self.body}; --body lake, or a column 水体类型, says otherwise"
            )

    def columns(self) -> dict[str, pa.DataType]:
        return {
            "judged_class": WHOLE, "judged_class_label": TEXT, "judged_level": WHOLE, "judged_category": TEXT,
            "deciding_factors": TEXT, "judged_main_indicators": TEXT, "judged_exceed_multiple": TEXT,
            "judged_item_classes": TEXT, "judged_items_used": TEXT, "judged_missing": TEXT, **self.tail(),
        }  # fmt: skip

    # --- by columns ----------------------------------------------------------------------------------------------

    def judge(self, rows: Rows) -> dict[str, Arrow]:
        """Rows of plain figures of the evaluated items go by columns; the rest, and what is worse, one by one."""
        if self.options.exact or self.options.sentences or self.due:
            return super().judge(rows)
        return SectionBatch(self, rows).judge()

    # --- one by one ----------------------------------------------------------------------------------------------

    def body_word(self, word: str) -> str:
        """The kind of water body that a cell names."""
        return value_of("body", word) if word else self.body

    def target_word(self, word: str) -> int:
        """The target class that a cell names."""
        return int(value_of("target", word)) if word else self.target

    def one(self, rows: Rows, row: int) -> dict[str, Any]:
        values, below, absent = taken(rows, row, self.items)
        body, target = self.body_word(rows.text("body", row)), self.target_word(rows.text("target", row))
        if not self.due:
            values = {code: value for code, value in values.items() if value is not None}
        verdict = judge_section(
            rows.text("name", row) or f"第{rows.batch.row_number(row)}行", values, day=rows.judged_on(row),
            body=body, window=day_window(rows.when(row).day), target=target,
            non_detects=below,
        )  # fmt: skip
        return {
            **class_columns(verdict),
            "judged_missing": JOIN.join(absent) or None,
            **common(verdict, rows.reader.as_on),
        }


def class_columns(verdict: Verdict) -> dict[str, Any]:
    """Class, deciding factors and main indicators of a verdict on water."""
    extra, level = verdict.extra, verdict.level
    graded = [item for item in verdict.items if item.grade and item.figure is not None]
    return {
        "judged_class": level,
        "judged_class_label": LABELS_ZH.get(level) if level else None,
        "judged_level": level,
        "judged_category": extra.get("status_zh") if level else None,
        "deciding_factors": JOIN.join(verdict.deciding) or None,
        "judged_main_indicators": "、".join(extra.get("main_indicators_zh") or ()) or None,
        "judged_exceed_multiple": multiples(verdict) or None,
        "judged_item_classes": JOIN.join(f"{item.factor}={item.grade}" for item in graded) or None,
        "judged_items_used": f"{extra['evaluated']} of {extra['of']}" if "evaluated" in extra else None,
    }
