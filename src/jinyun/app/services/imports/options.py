"""What the importing person says of a file: the same from a page's form, a query and a command line."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from jinyun.app.services.words import parse_period, parse_stat
from jinyun.kernel.errors import BadInput
from jinyun.kernel.terms import Flag, Period, Stat

FORMS = ("auto", "wide", "long")
LABELS = ("begin", "end")
DIFFERENT = ("keep", "replace")
ZONE = re.compile(r"([+-])(\d{1,2})(?::?(\d{2}))?")
MINUTE_S, HOUR_S, WIDEST_H = 60, 3600, 14


@dataclass(frozen=True, slots=True)
class Options:
    """How a file is read.

    `maps` is heading → meaning[unit]; `sites` text in the file → site id; `zone` the UTC offset of times that name
    none; `flag` what a value without a flag is stored as; `different` says what becomes of a value that differs from
    the stored one: kept as it is and listed, or replaced by a new version.
    """

    site: str = ""
    period: str = "HOUR"
    stat: str = "AVG"
    label: str = "begin"
    zone: str = "+08:00"
    form: str = "auto"
    flag: str = "NORMAL"
    different: str = "keep"
    sheet: str = ""
    header_row: int = 1
    maps: tuple[tuple[str, str], ...] = ()
    sites: tuple[tuple[str, str], ...] = ()
    detection: tuple[tuple[str, str], ...] = ()

    @property
    def as_period(self) -> Period:
        return Period[self.period]

    @property
    def as_stat(self) -> Stat:
        return Stat[self.stat]

    @property
    def zone_s(self) -> int:
        """Offset of the file's clock from UTC. [s]"""
        return zone_seconds(self.zone)

    def as_dict(self) -> dict[str, Any]:
        told = {one.name: getattr(self, one.name) for one in fields(self)}
        return told | {name: dict(told[name]) for name in ("maps", "sites", "detection")}

    def digest(self) -> str:
        return hashlib.sha256(json.dumps(self.as_dict(), sort_keys=True).encode()).hexdigest()


def zone_seconds(text: str) -> int:
    """Seconds of ``+08:00``, ``+8``, ``UTC`` or ``Z``."""
    if text.strip().casefold() in ("utc", "z"):
        return 0
    found = ZONE.fullmatch(text.strip())
    seconds = int(found[2]) * HOUR_S + int(found[3] or 0) * MINUTE_S if found else 0
    if not found or seconds > WIDEST_H * HOUR_S:
        raise BadInput(f"{text!r} is no time zone", field="zone", hint="an offset such as +08:00, or UTC")
    return -seconds if found[1] == "-" else seconds


def pairs_of(given: Any, field: str) -> tuple[tuple[str, str], ...]:
    """``{"a": "b"}`` or ``["a=b"]``, sorted."""
    if isinstance(given, Mapping):
        return tuple(sorted((str(a), str(b)) for a, b in given.items()))
    found = {}
    for one in given or ():
        left, equals, right = str(one).rpartition("=")
        if not equals or not left.strip() or not right.strip():
            raise BadInput(f"{field} {one!r} is not text=meaning", field=field)
        found[left.strip()] = right.strip()
    return tuple(sorted(found.items()))


def options_of(given: Mapping[str, Any]) -> Options:
    """Checked options. Raises `BadInput` naming the option and what it may be."""
    known = {one.name for one in fields(Options)}
    for name in given:
        if name not in known:
            raise BadInput(f"no option {name!r} of an import", field=name, hint=f"known: {', '.join(sorted(known))}")
    plain: dict[str, Any] = {name: str(value).strip() for name, value in given.items() if value not in (None, "")}
    for name in ("maps", "sites", "detection"):
        plain[name] = pairs_of(given.get(name), name)
    plain["header_row"] = _row(given.get("header_row") or 1)
    if "period" in plain:
        plain["period"] = parse_period(plain["period"]).name
    if "stat" in plain:
        plain["stat"] = parse_stat(plain["stat"]).name
    if "flag" in plain:
        plain["flag"] = _flag(plain["flag"])
    for name, allowed in (("label", LABELS), ("form", FORMS), ("different", DIFFERENT)):
        _one_of(name, plain.get(name, allowed[0]), allowed)
    made = Options(**plain)
    zone_seconds(made.zone)
    return made


def _one_of(name: str, value: str, allowed: Sequence[str]) -> None:
    if value not in allowed:
        raise BadInput(f"{name} {value!r} is not known", field=name, hint=f"one of {', '.join(allowed)}")


def _row(value: Any) -> int:
    try:
        row = int(value)
    except (TypeError, ValueError):
        row = 0
    if row < 1:
        raise BadInput(f"header_row {value!r} is no row", field="header_row", hint="1 is the first")
    return row


def _flag(text: str) -> str:
    if text.upper() not in ("NORMAL", "UNKNOWN"):
        raise BadInput(f"flag {text!r} is not known", field="flag", hint="normal or unknown")
    return Flag[text.upper()].name
