"""Rates by which online monitoring is assessed: captured, transmitted, valid. Pure, exact; definitions are printed."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from jinyun.domains.emission.rules import rule, rule_row
from jinyun.kernel.errors import BadInput
from jinyun.methods.statistics import round_fraction


@dataclass(frozen=True, slots=True)
class Rate:
    """A share in per cent with what it was made of. `exact` None: nothing was due, so there is no rate."""

    name: str
    exact: Fraction | None  # [%]
    counted: Decimal
    due: Decimal
    definition_zh: str
    definition_en: str
    source: str

    @property
    def value(self) -> Decimal | None:
        """Rounded once (GB/T 8170). [%]"""
        return None if self.exact is None else round_fraction(self.exact, int(rule("rate_places", "percent")))


def _rate(name: str, counted: Decimal | int, due: Decimal | int) -> Rate:
    counted, due = Decimal(counted), Decimal(due)
    if counted < 0 or due < 0 or counted > due:
        raise BadInput(f"{name}: {counted} of {due} is no share", field=name, hint="0 ≤ counted ≤ due")
    row = rule_row("definition", name)
    exact = Fraction(counted) / Fraction(due) * 100 if due else None
    return Rate(name, exact, counted, due, row["note"], row["value"], row["source"])


def capture_rate(hours: Decimal | int, stopped: Decimal | int, invalid: Decimal | int) -> Rate:
    """Data capture rate of a period 数据捕集率: valid hours among those in operation (HJ 75-2017). [h, h, h -> %]"""
    running = Decimal(hours) - Decimal(stopped)
    return _rate("capture_rate", running - Decimal(invalid), running)


def transmission_rate(received: int, due: int) -> Rate:
    """Transmission rate 传输率: data received among data due; stopped periods are not due. [count -> %]"""
    return _rate("transmission_rate", received, due)


def valid_rate(valid: int, received: int) -> Rate:
    """Valid rate 有效率: valid data among data received. [count -> %]"""
    return _rate("valid_rate", valid, received)


def effective_transmission_rate(transmission: Rate, valid: Rate) -> Rate:
    """Effective transmission rate 传输有效率: the product of both. [%]"""
    row = rule_row("definition", "effective_transmission_rate")
    exact = None if transmission.exact is None or valid.exact is None else transmission.exact * valid.exact / 100
    return Rate(
        "effective_transmission_rate", exact, valid.counted, transmission.due, row["note"], row["value"], row["source"]
    )
