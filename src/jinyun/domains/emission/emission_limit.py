"""One limit of an emission standard as it holds for an outlet on a day: compared, printed, in the factor's unit."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import cache

from jinyun.domains.emission.rules import PACKAGE
from jinyun.kernel.factors import factors
from jinyun.kernel.tables import csv_rows
from jinyun.kernel.units import convert, unit_of
from jinyun.methods.limit_rows import LimitRow


@dataclass(frozen=True, slots=True)
class EmissionLimit:
    """One limit that holds for an outlet on a day.

    `value`/`value_hi` are in `unit` as the table prints them; `bound` hands them over in `factor_unit`, the unit the
    house keeps the factor in. `value` is None where nothing can be compared: `reason` says why, or `alternatives` are
    what it may be, undecided by `missing_facts`.
    """

    standard: str
    item: str  # item_code of the table
    item_zh: str
    factor: str  # id of the factor dictionary; empty: the dictionary has none
    kind: str  # concentration, rate, fugitive, removal, structure
    op: str
    value: Decimal | None
    value_hi: Decimal | None
    unit: str
    period: str  # hour, day, or empty
    group: str
    condition: str
    stage: str
    reference_o2: Decimal | None  # None: the measured value is judged
    clause: str
    note: str
    source: str
    verified: str
    reason: str = ""
    alternatives: tuple[EmissionLimit, ...] = ()
    missing_facts: tuple[str, ...] = ()
    text: str = ""

    @property
    def key(self) -> str:
        """What values are handed over by: the factor where there is one, else the item."""
        return self.factor or self.item

    @property
    def factor_unit(self) -> str:
        """Unit in which a value is compared: the factor's own, or the table's where it has none."""
        if self.kind != "concentration" or not self.factor:
            return unit_of(self.unit)
        own = factors()[self.factor].unit
        return own or unit_of(self.unit)

    @property
    def printed(self) -> str:
        """The limit as a person reads it, without unit: ``≤ 50``, ``6–9``, ``≤ 5 或 ≤ 8``."""
        if self.alternatives:
            return " 或 ".join(dict.fromkeys(one.printed for one in self.alternatives))
        return self._row().printed if self.op else self.text

    @property
    def judgeable(self) -> bool:
        """False where no comparison is possible, whatever the value."""
        return bool(self.alternatives) or self.value is not None or (self.op == "not_detected" and not self.reason)

    def met_by(self, value: Decimal) -> bool | None:
        """True when `value` [`factor_unit`] keeps the limit; None when it cannot be told.

        A value equal to the limit complies unless `op` says otherwise. Hand over a non-detect as zero for
        ``not_detected``.
        """
        if self.alternatives:
            answers = {one.met_by(value) for one in self.alternatives}
            return answers.pop() if len(answers) == 1 else None
        if not self.judgeable:
            return None
        return self._row().met_by(value / self._scale())

    def bound(self) -> tuple[Decimal | None, Decimal | None]:
        """`value` and `value_hi` in `factor_unit`."""
        scale = self._scale()
        return (None if self.value is None else self.value * scale), (
            None if self.value_hi is None else self.value_hi * scale
        )

    def _scale(self) -> Decimal:
        """What a figure in `unit` is multiplied by to be in `factor_unit`."""
        unit = table_unit(self.item, self.unit)
        return Decimal(1) if self.factor_unit == unit_of(unit) else convert(Decimal(1), unit, self.factor_unit)

    def _row(self) -> LimitRow:
        return LimitRow(
            self.standard, "", "", self.item, self.item_zh, self.group, self.condition, self.period, self.stage,
            self.op, self.value, self.value_hi, self.unit, self.note, self.source, self.verified, self.text,
        )  # fmt: skip


@cache
def table_unit(item: str, unit: str) -> str:
    """The unit of a figure in the house's words: a Ringelmann number is a pure number."""
    for row in csv_rows(PACKAGE, "items.csv"):
        if row["item"] == item and row["table_unit"] == unit and row["unit"]:
            return row["unit"]
    return unit
