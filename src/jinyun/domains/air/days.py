"""The values of one day of one place: what every period, ranking and comparison starts from. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class DayValues:
    """One day of one place.

    `values` are day means by item (so2, no2, co, pm10, pm2_5; tsp, nox, pb, benzo_a_pyrene where measured), ``o3`` the
    daily maximum 8 h mean, ``o3_1h`` the daily maximum 1 h mean (used by HJ 633-2012 only). None or absent: no valid
    value, which is not zero. [µg/m³; CO mg/m³]. `stamps` mark days that an assessor may leave out, e.g. ``sand_dust``.
    """

    day: date
    values: Mapping[str, Decimal | None]
    stamps: frozenset[str] = field(default_factory=frozenset)

    def of(self, item: str) -> Decimal | None:
        """The valid value of an item."""
        return self.values.get(item)
