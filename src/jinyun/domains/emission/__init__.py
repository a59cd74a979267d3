"""Emission of outlets 污染源排放: readings against permit limits, by the validity rules of HJ 75 and HJ 356."""

from jinyun.domains.emission.judges import OUTLET_DAY, OUTLET_HOUR, OUTLET_NOW
from jinyun.kernel.declare import Domain

DOMAIN = Domain(
    id="emission",
    zh="污染源排放",
    en="Emission of outlets",
    judges=(OUTLET_NOW, OUTLET_HOUR, OUTLET_DAY),
    maturity="done",
)
