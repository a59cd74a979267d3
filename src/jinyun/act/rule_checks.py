"""Checks of an alarm-rule file: every fault at once, each naming the rule and the key, and what would work."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from typing import Any

from jinyun.domains.supervision.records import CASE_KINDS
from jinyun.kernel.terms import SITE_KINDS, Status

TOP = ("rule", "silence", "owner", "default_owner", "groups", "late")
RULE_KEYS = (
    "id", "zh", "en", "enabled", "on", "site_kinds", "by", "live", "open", "windows", "seconds", "gap", "end", "level",
    "cool_down", "refresh", "case",
)  # fmt: skip
OPEN_KEYS = ("status", "level_at_least", "worse_than_target", "figure_above", "drop", "drop_hours")
SILENCE_KEYS = (
    "id", "zh", "en", "enabled", "site_kinds", "late", "late_s", "silent", "silent_s", "gone", "gone_s", "open_at",
    "level", "cool_down",
)  # fmt: skip
OWNER_KEYS = ("zh", "en", "kinds", "site_kinds", "jurisdiction")
RECOVERY_KEYS = ("judge", "windows", "status", "max_level", "within_days", "observe_days")
GRADINGS = ("fixed", "multiple", "verdict_level", "class_excess", "drop")
OPENING_STAGES = ("late", "silent", "gone")


@dataclass(slots=True)
class _Table:
    """A table of the file under check; `fault` keeps what is wrong with one of its keys."""

    where: str
    data: Mapping[str, Any]
    faults: list[str]

    def fault(self, key: str, text: str) -> None:
        self.faults.append(f"{self.where}, key {key}: {text}")

    def known(self, keys: tuple[str, ...]) -> None:
        for key in self.data:
            if key not in keys:
                near = get_close_matches(key, keys, n=1)
                self.fault(key, "unknown" + (f"; did you mean {near[0]!r}?" if near else f"; known: {', '.join(keys)}"))

    def text(self, *keys: str) -> None:
        for key in keys:
            value = self.data.get(key)
            if not isinstance(value, str) or not value:
                self.fault(key, "must be given, as text")

    def whole(self, key: str, least: int, most: int | None = None, *, required: bool = False) -> None:
        if key not in self.data:
            if required:
                self.fault(key, "must be given")
            return
        value = self.data[key]
        bounds = f"from {least}" + (f" to {most}" if most is not None else "")
        if (
            isinstance(value, bool)
            or not isinstance(value, int)
            or value < least
            or (most is not None and value > most)
        ):
            self.fault(key, f"{value!r} must be a whole number {bounds}")

    def one_of(self, key: str, choices: tuple[str, ...]) -> None:
        value = self.data.get(key)
        if value not in choices:
            near = get_close_matches(str(value), choices, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"one of {', '.join(choices)}"
            self.fault(key, f"{value!r} is not known; {hint}")

    def list_of(self, key: str, choices: tuple[str, ...] | None, *, required: bool = False) -> None:
        values = self.data.get(key, [])
        if not isinstance(values, list) or (required and not values):
            self.fault(key, "must be a list" + (" that is not empty" if required else ""))
            return
        for value in values:
            if not isinstance(value, str) or (choices is not None and value not in choices):
                near = get_close_matches(str(value), choices or (), n=1)
                self.fault(key, f"{value!r} is not known" + (f"; did you mean {near[0]!r}?" if near else ""))

    def inner(self, key: str, keys: tuple[str, ...]) -> _Table | None:
        value = self.data.get(key)
        if not isinstance(value, Mapping):
            self.fault(key, "must be given, as a table")
            return None
        table = _Table(f"{self.where}, {key}", value, self.faults)
        table.known(keys)
        return table

    def decimal(self, key: str) -> None:
        if isinstance(self.data[key], float):
            self.fault(
                key, f'{self.data[key]!r} must be written as text, e.g. "{self.data[key]}", so that it stays exact'
            )
            return
        try:
            Decimal(str(self.data[key]))
        except InvalidOperation:
            self.fault(key, f"{self.data[key]!r} is not a number")


def check(table: Mapping[str, Any], *, judges: frozenset[str] | None = None) -> list[str]:
    """Everything that is wrong with a rule file; an empty list when nothing is."""
    faults: list[str] = []
    file = _Table("the file", table, faults)
    file.known(TOP)
    if "late" in table and (late := file.inner("late", ("days",))) is not None:
        late.whole("days", 1, 3660, required=True)
    for one in _rows("rule", table, faults, RULE_KEYS):
        _rule(one, judges)
    for one in _rows("silence", table, faults, SILENCE_KEYS):
        _silence(one)
    for one in _rows("owner", table, faults, OWNER_KEYS, named=False):
        one.text("zh", "en")
        one.list_of("kinds", tuple(CASE_KINDS))
        one.list_of("site_kinds", tuple(SITE_KINDS))
    if "default_owner" in table and (owner := _Table("the file", table, faults).inner("default_owner", ("zh", "en"))):
        owner.text("zh", "en")
    for name, members in table.get("groups", {}).items():
        if not isinstance(members, list) or not all(isinstance(one, str) for one in members):
            faults.append(f"groups, key {name}: must be a list of factor ids")
    return faults


def _rows(
    kind: str, table: Mapping[str, Any], faults: list[str], keys: tuple[str, ...], *, named: bool = True
) -> Iterator[_Table]:
    rows = table.get(kind, [])
    if not isinstance(rows, list):
        faults.append(f"key {kind}: write [[{kind}]], one table each")
        return
    seen: set[str] = set()
    for number, data in enumerate(rows, start=1):
        name = str(data.get("id") or f"number {number}")
        one = _Table(f"{kind} {name!r}" if data.get("id") else f"{kind} {name}", data, faults)
        one.known(keys)
        if named:
            one.text("id", "zh", "en")
            if name in seen:
                one.fault("id", "there are two of this id in the file")
            seen.add(name)
        yield one


def _rule(rule: _Table, judges: frozenset[str] | None) -> None:
    data = rule.data
    on = [data["on"]] if isinstance(data.get("on"), str) else data.get("on")
    if not isinstance(on, list) or not on:
        rule.fault("on", "must name the judge or judges whose verdicts it looks at")
    elif judges is not None:
        for judge in on:
            if judge not in judges:
                near = get_close_matches(judge, judges, n=1)
                rule.fault("on", f"there is no judge {judge!r}" + (f"; did you mean {near[0]!r}?" if near else ""))
    rule.list_of("site_kinds", tuple(SITE_KINDS), required=True)
    if "by" in data:
        rule.one_of("by", ("subject", "factor", "group"))
    for key, least in (("windows", 1), ("seconds", 0), ("gap", 1), ("cool_down", 0), ("refresh", 0)):
        rule.whole(key, least)
    for key in ("live", "enabled"):
        if not isinstance(data.get(key, True), bool):
            rule.fault(key, "must be true or false")
    if "seconds" in data and not data.get("live"):
        rule.fault("seconds", "only a live rule counts seconds; give windows")
    if "windows" in data and data.get("live"):
        rule.fault("windows", "a live rule counts seconds; give seconds")
    _open(rule)
    if end := rule.inner("end", ("seconds" if data.get("live") else "windows", "level_at_most")):
        end.whole("windows", 1, required=not data.get("live"))
        end.whole("seconds", 0, required=bool(data.get("live")))
        end.whole("level_at_most", 1, 6)
    _grading(rule)
    if "case" in data:
        _case(rule, judges)


def _open(rule: _Table) -> None:
    if not (opens := rule.inner("open", OPEN_KEYS)):
        return
    data = opens.data
    if not set(data) - {"drop_hours"}:
        rule.fault("open", f"names no condition; one of {', '.join(OPEN_KEYS)}")
    if "status" in data:
        opens.one_of("status", tuple(str(one) for one in Status))
    opens.whole("level_at_least", 1, 6)
    opens.whole("drop", 1, 5)
    opens.whole("drop_hours", 1, 720)
    if "figure_above" in data:
        opens.decimal("figure_above")
    if not isinstance(data.get("worse_than_target", True), bool):
        opens.fault("worse_than_target", "must be true or false")
    by_item = rule.data.get("by", "subject") != "subject"
    if by_item and set(data) - {"status"}:
        rule.fault(
            "open", "a rule by factor looks at the factor's status only; the other conditions are of a whole verdict"
        )
    if rule.data.get("live") and "drop" in data:
        opens.fault("drop", "a live rule keeps no history; leave live out")


def _grading(rule: _Table) -> None:
    if not (level := rule.inner("level", ("by", "level", "bands"))):
        return
    level.one_of("by", GRADINGS)
    if level.data.get("by") == "fixed":
        level.whole("level", 1, 4, required=True)
        return
    bands = level.data.get("bands")
    if not isinstance(bands, list) or not bands or not all(isinstance(b, list) and len(b) == 2 for b in bands):
        level.fault("bands", 'must be a list of [from, alarm level], e.g. [["0", 3], ["0.5", 2]]')
        return
    starts = []
    for start, grade in bands:
        band = _Table(f"{level.where}, bands", {"from": start, "level": grade}, level.faults)
        before = len(level.faults)
        band.decimal("from")
        band.whole("level", 1, 4)
        if len(level.faults) == before:
            starts.append(Decimal(str(start)))
    if starts != sorted(starts):
        level.fault("bands", "must rise from band to band")


def _case(rule: _Table, judges: frozenset[str] | None) -> None:
    if rule.data.get("live"):
        rule.fault("case", "a live rule is indicative and opens no case; let the hour or day rule open it")
    if not (case := rule.inner("case", ("kind", "hours", "recovery"))):
        return
    case.one_of("kind", tuple(CASE_KINDS))
    if "hours" in case.data and (hours := case.inner("hours", ("1", "2", "3", "4"))):
        for level in hours.data:
            hours.whole(level, 1)
    if recovery := case.inner("recovery", RECOVERY_KEYS):
        recovery.text("judge")
        if judges is not None and recovery.data.get("judge") not in judges:
            recovery.fault("judge", f"there is no judge {recovery.data.get('judge')!r}")
        recovery.whole("windows", 1, required=True)
        recovery.whole("within_days", 1)
        recovery.whole("observe_days", 0)
        if recovery.data.get("max_level") != "target":
            recovery.whole("max_level", 1, 6)
        if "status" in recovery.data:
            recovery.one_of("status", tuple(str(one) for one in Status))


def _silence(rule: _Table) -> None:
    rule.list_of("site_kinds", tuple(SITE_KINDS))
    for stage in OPENING_STAGES:
        rule.whole(stage, 1, required=True)
        rule.whole(f"{stage}_s", 0)
    rule.whole("cool_down", 0)
    if "open_at" in rule.data:
        rule.one_of("open_at", OPENING_STAGES)
    _rising(rule, rule.data.get)
    _rising(rule, lambda stage: rule.data.get(f"{stage}_s", 0))
    opening = OPENING_STAGES[OPENING_STAGES.index(rule.data["open_at"]) :] if _is_stage(rule) else ("silent", "gone")
    if level := rule.inner("level", OPENING_STAGES):
        for stage in opening:
            level.whole(stage, 1, 4, required=True)


def _is_stage(rule: _Table) -> bool:
    return rule.data.get("open_at") in OPENING_STAGES


def _rising(rule: _Table, value: Callable[[str], Any]) -> None:
    values = [value(stage) for stage in OPENING_STAGES]
    if all(isinstance(one, int) for one in values) and values != sorted(values):
        rule.fault("late, silent, gone", "must rise in this order")
