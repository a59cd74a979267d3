"""Which edition of a standard holds on a day: always the day of the data, never the day of the run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from jinyun.kernel.errors import BadInput


class NoEdition(BadInput):
    """No edition that we hold was in force on the day of the data."""

    code = "no-edition"


def edition_on(rows: Sequence[Mapping[str, str]], part: str, day: date) -> Mapping[str, str]:
    """The row of an ``editions.csv`` whose `part` fits and whose valid_from…valid_to (both inside) holds `day`.

    Raises
    ------
    NoEdition
        Naming the editions there are.
    """
    text = day.isoformat()
    for row in rows:
        if row["part"] == part and row["valid_from"] <= text and (not row["valid_to"] or text <= row["valid_to"]):
            return row
    spans = ", ".join(
        f"{row['standard']} {row['valid_from'] or '…'}…{row['valid_to'] or 'now'}"
        for row in rows
        if row["part"] == part
    )
    raise NoEdition(f"no edition of {part!r} was in force on {text}", hint=f"there are: {spans or 'none'}")
