"""What is kept how long: the shipped table, overridden by `[retention]` of jinyun.toml. And the figures of care."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any

from jinyun.kernel.errors import BadInput
from jinyun.kernel.tables import csv_rows

if TYPE_CHECKING:
    from jinyun.app.settings import Settings

PACKAGE = "jinyun.app.care"


@dataclass(frozen=True, slots=True)
class Keep:
    """How long one class of data is kept."""

    id: str
    zh: str
    en: str
    days: int | None  # None: for good
    least_days: int | None  # short of space, down to this; None: never early
    dropped_as: str
    note_zh: str
    note_en: str

    @property
    def droppable(self) -> bool:
        return self.dropped_as != "never"


@cache
def defaults() -> Mapping[str, Keep]:
    """The shipped table by class."""
    return {
        row["class"]: Keep(
            row["class"], row["zh"], row["en"], _days(row["days"]), _days(row["least_days"]), row["dropped_as"],
            row["note_zh"], row["note_en"],
        )
        for row in csv_rows(PACKAGE, "retention.csv")
    }  # fmt: skip


def _days(text: str) -> int | None:
    return int(text) if text else None


def retention_of(settings: Settings) -> dict[str, Keep]:
    """The classes with the node's own days. In jinyun.toml::

        [retention]
        journal = 730         # days; 0: for good
        journal_least = 365   # short of space, not below
        readings = 3650

    Raises
    ------
    BadInput
        A class that is not there, or cannot be dropped.
    """
    kept = dict(defaults())
    kept["journal"] = replace(kept["journal"], days=settings.journal_days or None)
    for name, value in settings.retention.items():
        one, least = name.removesuffix("_least"), name.endswith("_least")
        if one not in kept or not kept[one].droppable:
            able = ", ".join(each.id for each in kept.values() if each.droppable)
            raise BadInput(f"[retention] {name}: this class is never dropped", field=name, hint=f"set days of {able}")
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise BadInput(f"[retention] {name} must be whole days, not {value!r}", field=name)
        days = value or None
        kept[one] = replace(kept[one], least_days=days) if least else replace(kept[one], days=days)
    least_notices = figure("notices_least_days")
    if (days := kept["notices"].days) is not None and days < least_notices:
        raise BadInput(f"[retention] notices must be {least_notices} days or more, or 0 for good", field="notices")
    for keep in kept.values():
        if keep.days is not None and keep.least_days is not None and keep.least_days > keep.days:
            kept[keep.id] = replace(keep, least_days=keep.days)
    return kept


@cache
def figure(name: str) -> int:
    """A figure of ``care.csv``, in the unit it says."""
    return int(next(row["value"] for row in csv_rows(PACKAGE, "care.csv") if row["name"] == name))


def as_dict(keep: Keep) -> dict[str, Any]:
    return {name: getattr(keep, name) for name in Keep.__slots__}
