"""Rows of a table of limits, as all quality and emission standards are kept: read, compared, printed, checked.

The columns are ``standard, table_no, item_no, item_code, item_zh, group, condition, period, stage, op, value, value_hi,
unit, note, source, verified``; a local standard that a user adds has the same ones (and may lack ``table_no``,
``item_no`` and ``note``). Pure: whoever reads a file hands over its rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from jinyun.kernel.errors import BadInput

COLUMNS = (
    "standard", "table_no", "item_no", "item_code", "item_zh", "group", "condition", "period", "stage", "op", "unit",
    "note", "source", "verified",
)  # fmt: skip
NEEDED = ("standard", "item_code", "op", "source", "verified")
OPS = ("le", "lt", "ge", "gt", "range", "not_detected", "text")
VERIFIED = ("two independent public sources agree", "one source", "memory only", "not obtained", "project choice")
USER_VERIFIED = "entered by the user"
"""The mark of rows that a user adds: nobody but them has checked the figure."""

SIGNS: Mapping[str, str] = {"le": "≤", "lt": "<", "ge": "≥", "gt": ">"}


@dataclass(frozen=True, slots=True)
class LimitRow:
    """One limit. `value` is None where `op` compares with no number (``text``, ``not_detected``, not obtained)."""

    standard: str
    table_no: str
    item_no: str
    item_code: str
    item_zh: str
    group: str
    condition: str
    period: str
    stage: str
    op: str
    value: Decimal | None
    value_hi: Decimal | None
    unit: str
    note: str
    source: str
    verified: str
    text: str = ""  # the value as written where it is no number

    @property
    def obtained(self) -> bool:
        """False where the standard is known to set a limit that nobody could read: then nothing can be judged by it."""
        return self.verified != "not obtained"

    @property
    def printed(self) -> str:
        """The limit as a person reads it, without its unit: ``≤ 50``, ``≥ 6``, ``6–9``."""
        if self.op == "range":
            return f"{self.value}–{self.value_hi}"
        if self.op in SIGNS and self.value is not None:
            return f"{SIGNS[self.op]} {self.value}"
        return "不得检出" if self.op == "not_detected" else self.text

    @property
    def clause(self) -> str:
        """Where it stands: standard and table, ``GB 8978-1996 表4``."""
        return f"{self.standard} 表{self.table_no}" if self.table_no else self.standard

    def met_by(self, value: Decimal) -> bool | None:
        """True when `value` [the row's unit] keeps the limit; a value equal to it does, unless `op` says otherwise.

        None when the row compares with no number. For ``not_detected`` only a value of zero keeps it: hand over a
        non-detect as zero there.
        """
        if self.op == "not_detected":
            return value == 0
        if self.value is None:
            return None
        if self.op == "range":
            return self.value_hi is not None and self.value <= value <= self.value_hi
        return {"le": value.__le__, "lt": value.__lt__, "ge": value.__ge__, "gt": value.__gt__}[self.op](self.value)


def limit_rows(rows: Iterable[Mapping[str, str]], *, name: str = "table") -> tuple[LimitRow, ...]:
    """Rows of a table of limits.

    Raises
    ------
    BadInput
        Naming the table, the row and the column that cannot be read.
    """
    return tuple(_row(row, f"{name} row {number}") for number, row in enumerate(rows, 2))


def _row(row: Mapping[str, str], where: str) -> LimitRow:
    for column in NEEDED:
        if not (row.get(column) or "").strip():
            raise BadInput(f"{where}: {column} is empty", field=column, hint=f"every row needs {', '.join(NEEDED)}")
    op = row["op"]
    if op not in OPS:
        raise BadInput(f"{where}: op {op!r} is unknown", field="op", hint=f"one of {', '.join(OPS)}")
    obtained = row["verified"] != "not obtained"
    compares = op not in ("text", "not_detected") and obtained
    value = _number(row, "value", where, needed=compares)
    if value is not None and compares and not (row.get("unit") or "").strip():
        raise BadInput(
            f"{where}: unit is empty", field="unit", hint="a figure needs a unit; write dimensionless if it has none"
        )
    high = _number(row, "value_hi", where, needed=compares and op == "range")
    if op == "range" and value is not None and high is not None and high < value:
        raise BadInput(f"{where}: value_hi {high} is below value {value}", field="value_hi")
    texts = {column: (row.get(column) or "").strip() for column in COLUMNS}
    return LimitRow(**texts, value=value, value_hi=high, text=(row.get("value") or "").strip())


def _number(row: Mapping[str, str], column: str, where: str, *, needed: bool) -> Decimal | None:
    text = (row.get(column) or "").strip()
    try:
        number = Decimal(text)
    except InvalidOperation:
        if not needed:
            return None
        hint = "write the number as the standard prints it"
        raise BadInput(f"{where}: {column} {text!r} is no number", field=column, hint=hint) from None
    if not number.is_finite():
        raise BadInput(f"{where}: {column} {text!r} is no finite number", field=column)
    return number


def pick(
    rows: Sequence[LimitRow],
    *,
    item: str,
    group: str | None = None,
    condition: str | None = None,
    period: str | None = None,
    stage: str | None = None,
) -> tuple[LimitRow, ...]:
    """Rows of an item; a selector that is None does not select."""
    return tuple(
        row
        for row in rows
        if row.item_code == item
        and all(
            want is None or have == want
            for want, have in (
                (group, row.group), (condition, row.condition), (period, row.period), (stage, row.stage)
            )
        )
    )  # fmt: skip
