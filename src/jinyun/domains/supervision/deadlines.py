"""By when a case is to be finished: natural hours by kind and level. Working-day clocks join the same door later."""

from __future__ import annotations

from jinyun.kernel.tables import toml_table

TABLE = "deadlines.toml"


def deadline_hours(kind: str, level: int) -> int:
    """Natural hours that a case of `kind` and `level` (1 most serious … 4) may take. [h]"""
    table = toml_table("jinyun.domains.supervision", TABLE)
    hours: int = table.get(kind, table["default"])[str(level)]
    return hours


def deadline(opened_at: int, hours: int) -> int:
    """The last moment, given the opening. [s]"""
    return opened_at + hours * 3600


def overdue(deadline_at: int, now: int) -> bool:
    """Whether the deadline is over; the moment itself still counts. [s]"""
    return now > deadline_at
