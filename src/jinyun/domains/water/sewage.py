"""Sewage treatment rate 污水处理率: treated by plants to the standard, of all that is discharged. From memory. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from jinyun.domains.water.limits import rule
from jinyun.kernel.errors import BadInput
from jinyun.methods.statistics import round_fraction


@dataclass(frozen=True, slots=True)
class TreatmentRate:
    """Rate of a place and period. `over`: more treated than discharged: rain water, or a wrong figure."""

    percent: Fraction  # exact
    printed: str
    over: bool


def treatment_rate(treated: Decimal, discharged: Decimal) -> TreatmentRate:
    """Sewage treated by plants, of the sewage discharged in the same place and period.

    Parameters
    ----------
    treated, discharged : Decimal
        In the same unit, ten thousand m3 or m3. A rate above 100 % is kept and marked, not cut.

    Raises
    ------
    BadInput
        When nothing was discharged, or a figure is negative.
    """
    if treated < 0 or discharged <= 0:
        raise BadInput(
            f"{treated} treated of {discharged} discharged has no rate", field="discharged",
            hint="the amount treated is zero or more, the amount discharged above zero",
        )  # fmt: skip
    share = Fraction(treated) / Fraction(discharged) * 100
    return TreatmentRate(share, str(round_fraction(share, int(rule("sewage_rate_places")))), treated > discharged)
