"""City water quality index CWQI and the ranking of cities. The formulas are from memory (`cwqi.csv`). Pure.

Index of an item: C / S_III; dissolved oxygen S_III / C; pH (7 − pH)/(7 − 6) up to 7 and (pH − 7)/(9 − 7) above. The sum
over the 21 items is the index of a city's rivers, or of its lakes; both are combined by sections and points.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

from jinyun.domains.water.limits import Edition, edition, edition_row, rule
from jinyun.kernel.errors import BadInput
from jinyun.methods.statistics import round_fraction

NEUTRAL_PH = 7


@dataclass(frozen=True, slots=True)
class Cwqi:
    """Index of rivers or of lakes. `total` None: an item is missing, and `reason_zh`, `reason_en` name it."""

    total: Fraction | None  # exact
    terms: Mapping[str, Fraction]
    missing: tuple[str, ...]
    reason_zh: str = ""
    reason_en: str = ""

    @property
    def printed(self) -> str | None:
        """The index rounded once, dimensionless; None without one."""
        return None if self.total is None else str(round_fraction(self.total, int(rule("cwqi_places"))))


def _term(table: Edition, code: str, value: Decimal) -> Fraction:
    limits, reference = table.item(code), int(rule("reference_class"))
    exact = Fraction(value)
    if limits.op == "range":
        low, high = Fraction(limits.lows[reference - 1]), Fraction(limits.limits[reference - 1])
        return (
            (NEUTRAL_PH - exact) / (NEUTRAL_PH - low)
            if exact <= NEUTRAL_PH
            else (exact - NEUTRAL_PH) / (high - NEUTRAL_PH)
        )
    limit = Fraction(limits.limits[reference - 1])
    if limits.op != "ge":
        return exact / limit
    if not exact:
        raise BadInput("dissolved oxygen of zero has no index", field=code)
    return limit / exact


def cwqi(values: Mapping[str, Decimal | None], *, body: str = "river", on: date | None = None) -> Cwqi:
    """Index of a city's rivers, or of its lakes, from the city's mean of each item.

    Parameters
    ----------
    values : mapping
        Arithmetic mean over all sections (points) of the city, by item code in the item's unit; of non-detects with
        half the detection limit (`means.mean_samples`).
    body : str
        ``river`` or ``lake``: total phosphorus has a limit for each.
    on : date, optional
        Day of the data.

    Returns
    -------
    Cwqi
        Without a total when one of the 21 items is missing: a shorter sum is not comparable.

    Raises
    ------
    BadInput
        For dissolved oxygen of zero.
    """
    day = on or date.max
    edition_row("cwqi", day)
    table = edition(day, body)
    terms = {code: _term(table, code, value) for code in table.evaluated if (value := values.get(code)) is not None}
    missing = tuple(code for code in table.evaluated if code not in terms)
    if missing:
        zh, en = f"缺{len(missing)}项：{'、'.join(missing)}", f"{len(missing)} items are missing: {', '.join(missing)}"
        return Cwqi(None, terms, missing, zh, en)
    return Cwqi(sum(terms.values(), Fraction(0)), terms, ())


def city_cwqi(
    river: Fraction | None, lake: Fraction | None, *, river_sections: int = 0, lake_points: int = 0
) -> Fraction:
    """Index of a city: (CWQI_river · M + CWQI_lake · N) / (M + N).

    Parameters
    ----------
    river, lake : Fraction or None
        None: the city has none.
    river_sections, lake_points : int
        M and N.

    Raises
    ------
    BadInput
        When an index and its number do not go together, or there is neither.
    """
    for one, number, word in ((river, river_sections, "river_sections"), (lake, lake_points, "lake_points")):
        if (one is None) != (number <= 0):
            raise BadInput(f"{number} {word} with index {one}", field=word, hint="give both or neither")
    total = river_sections + lake_points
    if not total:
        raise BadInput("a city without sections or points has no index")
    return ((river or Fraction(0)) * river_sections + (lake or Fraction(0)) * lake_points) / total


def cwqi_change(now: Fraction, base: Fraction) -> Fraction:
    """(CWQI − CWQI_base) / CWQI_base. [%], exact; negative: better.

    Raises
    ------
    BadInput
        When the base is not above zero.
    """
    if base <= 0:
        raise BadInput("the base index must be positive", field="base")
    return (now - base) / base * 100


@dataclass(frozen=True, slots=True)
class Ranked:
    """A city's place; cities with the same index share it."""

    place: int
    city: str
    index: Fraction
    printed: str


def rank_cities(cities: Mapping[str, Fraction], *, by_change: bool = False) -> Sequence[Ranked]:
    """Cities in order, the smallest index (or change) first. Equal ones share a place and the next is skipped.

    Parameters
    ----------
    by_change : bool
        The figures are changes in per cent (`cwqi_change`), printed as such.
    """
    places = int(rule("share_places" if by_change else "cwqi_places"))
    ordered = sorted(cities.items(), key=lambda pair: pair[1])
    first: dict[Fraction, int] = {}
    for place, (_, index) in enumerate(ordered, 1):
        first.setdefault(index, place)
    return [Ranked(first[index], city, index, str(round_fraction(index, places))) for city, index in ordered]
