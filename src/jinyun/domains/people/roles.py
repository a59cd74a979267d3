"""Roles and what each may do, as the tables say: pure look-ups, no rule of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

from jinyun.kernel.tables import csv_rows

PACKAGE = "jinyun.domains.people"
REACHES = ("all", "bureau", "place", "enterprise", "shared", "none")
"""`bureau`: the whole node unless the account has a unit or jurisdictions; `place`: only where the account says so."""


@dataclass(frozen=True, slots=True)
class Role:
    """One role: how far its holder sees, personal fields, passwords in raw frames, and whether it stands alone."""

    id: str
    zh: str
    en: str
    reach: str
    personal: bool
    raw: bool
    alone: bool
    note: str


@dataclass(frozen=True, slots=True)
class Action:
    """One kind of call. `whole`: it moves or shows all of the node, so a limited reach is not enough."""

    id: str
    zh: str
    en: str
    whole: bool
    audited: bool
    roles: frozenset[str]


@cache
def roles() -> Mapping[str, Role]:
    """All roles by id."""
    return {
        row["id"]: Role(
            row["id"], row["zh"], row["en"], row["reach"], row["personal"] == "yes", row["raw"] == "yes",
            row["alone"] == "yes", row["note"],
        )
        for row in csv_rows(PACKAGE, "roles.csv")
    }  # fmt: skip


@cache
def actions() -> Mapping[str, Action]:
    """All actions by id; the house and the set-up administrator may do each."""
    return {
        row["id"]: Action(
            row["id"], row["zh"], row["en"], row["whole"] == "yes", row["audited"] == "yes",
            frozenset(roles()) if row["roles"] == "*" else frozenset(row["roles"].split()) | {"admin", "system"},
        )
        for row in csv_rows(PACKAGE, "actions.csv")
    }  # fmt: skip


def known(names: Iterable[str]) -> list[Role]:
    """The roles of that name; names of no role count for nothing."""
    return [roles()[name] for name in names if name in roles()]


def problem_of(names: Iterable[str]) -> str:
    """What is wrong with an account of these roles; "" when nothing is."""
    wanted = list(dict.fromkeys(names))
    for name in wanted:
        if name not in roles() or name == "system":
            return f"there is no role {name!r}; roles are {', '.join(one for one in roles() if one != 'system')}"
    alone = [name for name in wanted if roles()[name].alone]
    if alone and len(wanted) > 1:
        return f"{alone[0]} ({roles()[alone[0]].zh}) stands alone: no account holds it beside another role"
    return "" if wanted else "an account needs at least one role"


def prefixes_of(places: Iterable[str]) -> tuple[str, ...]:
    """Beginnings of division codes that are covered: 500000 is all of 50, 500100 all of 5001, 500109 itself and its
    townships. Cells and ``*`` are left out."""
    found = []
    for code in places:
        if code.isdigit():
            short = code
            while len(short) in (4, 6) and len(code) <= 6 and short.endswith("00"):
                short = short[:-2]
            found.append(short)
    return tuple(dict.fromkeys(found))


def cells_of(places: Iterable[str]) -> tuple[str, ...]:
    """Cells named among the places, without their mark."""
    return tuple(one.removeprefix("cell:") for one in places if one.startswith("cell:"))
