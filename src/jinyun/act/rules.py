"""Alarm rules: the data of ``rules.toml`` as checked, immutable objects. The checks are in `jinyun.act.rule_checks`."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinyun.act.rule_checks import check
from jinyun.domains.supervision.deadlines import deadline_hours
from jinyun.kernel.errors import BadInput
from jinyun.kernel.terms import LENGTHS, Period

SHIPPED = "rules.toml"
LATE_DAYS = 7  # where no file says it
STAGES = ("online", "late", "silent", "gone")


@dataclass(frozen=True, slots=True)
class OpenWhen:
    """What makes one verdict (or one factor in it) bad: everything given must hold."""

    status: str | None = None
    level_at_least: int | None = None
    worse_than_target: bool = False
    figure_above: Decimal | None = None
    drop: int | None = None  # classes lost against the best of the last `drop_hours`
    drop_hours: int = 24


@dataclass(frozen=True, slots=True)
class Grading:
    """Alarm level (1 most serious … 4) of a bad verdict, from a number of it."""

    by: str
    bands: tuple[tuple[Decimal, int], ...]  # (from, alarm level), ascending

    def level(self, value: Decimal | None) -> int:
        """The level of the last band that starts at or below `value`; unknown is the mildest."""
        if value is None:
            return self.bands[0][1]
        return next((level for start, level in reversed(self.bands) if value >= start), self.bands[0][1])


@dataclass(frozen=True, slots=True)
class CaseRule:
    """Whether and how an alarm becomes a case."""

    kind: str
    recovery: Mapping[str, Any]
    hours: Mapping[int, int]

    def condition(self, subject: str, target: int | None) -> dict[str, Any]:
        """The recovery condition of a case on `subject`, whose target class is `target`."""
        filled = {"status": "attains", "max_level": None, **self.recovery, "subject": subject}
        if filled["max_level"] == "target":
            filled["max_level"] = target
        return filled


@dataclass(frozen=True, slots=True)
class Rule:
    """One alarm rule on verdicts."""

    id: str
    zh: str
    en: str
    on: tuple[str, ...]
    site_kinds: frozenset[str]
    by: str
    open: OpenWhen
    grading: Grading
    end_windows: int = 1
    end_level_at_most: int | None = None
    live: bool = False
    windows: int = 1
    seconds: int = 0  # of a live rule
    end_seconds: int = 0
    gap: int = 3
    cool_down: int = 0
    refresh: int = 0
    case: CaseRule | None = None

    def most_apart(self, length: int) -> int:
        """Two windows of `length` further apart than this are not consecutive. [s]"""
        return self.gap * max(length, LENGTHS[Period.MINUTE])

    def reach(self, length: int) -> int:
        """How far back a verdict can bear on a later one, when no alarm is open. [s]"""
        span = max(self.windows, self.end_windows) * (self.most_apart(length) + length)
        return span + self.cool_down + (self.open.drop_hours * 3600 if self.open.drop else 0)


@dataclass(frozen=True, slots=True)
class SilenceRule:
    """One rule on devices that send nothing."""

    id: str
    zh: str
    en: str
    site_kinds: frozenset[str]  # empty: any
    multiples: Mapping[str, int]  # stage -> multiple of the reporting interval
    least: Mapping[str, int]  # stage -> [s]
    open_at: str
    level: Mapping[str, int]
    cool_down: int = 0

    def stage(self, quiet_s: int, interval_s: int) -> str:
        """online, late, silent or gone after `quiet_s` without data from a device that reports every `interval_s`."""
        for stage in ("gone", "silent", "late"):
            if quiet_s > max(self.multiples[stage] * interval_s, self.least[stage]):
                return stage
        return STAGES[0]


@dataclass(frozen=True, slots=True)
class Owner:
    """A unit that cases go to."""

    zh: str
    en: str
    kinds: frozenset[str] = frozenset()
    site_kinds: frozenset[str] = frozenset()
    jurisdiction: str = ""

    def fits(self, kind: str, site_kind: str, jurisdiction: str) -> bool:
        return (
            (not self.kinds or kind in self.kinds)
            and (not self.site_kinds or site_kind in self.site_kinds)
            and jurisdiction.startswith(self.jurisdiction)
        )

    def weight(self) -> tuple[int, bool, bool]:
        """The more specific row is heavier: place first, then site kind, then kind of case."""
        return len(self.jurisdiction), bool(self.site_kinds), bool(self.kinds)


@dataclass(frozen=True, slots=True)
class Rules:
    """All rules in force."""

    verdict: tuple[Rule, ...]
    silence: tuple[SilenceRule, ...] = ()
    owners: tuple[Owner, ...] = ()
    default_owner: Owner = field(default_factory=lambda: Owner("", ""))
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    late_days: int = LATE_DAYS  # a window that ended longer ago opens no alarm

    def by_judge(self) -> dict[str, tuple[Rule, ...]]:
        judges = dict.fromkeys(judge for rule in self.verdict for judge in rule.on)
        return {judge: tuple(rule for rule in self.verdict if judge in rule.on) for judge in judges}

    def by_id(self) -> dict[str, Rule]:
        return {rule.id: rule for rule in self.verdict}

    def owner(self, kind: str, site_kind: str, jurisdiction: str) -> Owner:
        """Who a case of `kind` on a site of `site_kind` in `jurisdiction` goes to."""
        fitting = [one for one in self.owners if one.fits(kind, site_kind, jurisdiction)]
        return max(fitting, key=Owner.weight, default=self.default_owner)

    def group_of(self, factor: str) -> str:
        """The factor group of a factor; one that is in none stands for itself."""
        return next((name for name, members in self.groups.items() if factor in members), factor)


def load_rules(*more: Path, judges: Iterable[str] | None = None) -> Rules:
    """The shipped rules, then those of the files `more`; `judges` are the known judge ids, when they are to be checked.

    Raises
    ------
    BadInput
        With every fault found, each naming file, rule and key.
    """
    text = files("jinyun.act").joinpath(SHIPPED).read_text(encoding="utf-8")
    return rules_of([(SHIPPED, _parse(SHIPPED, text)), *((str(path), _read(path)) for path in more)], judges=judges)


def rules_of(sources: Iterable[tuple[str, Mapping[str, Any]]], *, judges: Iterable[str] | None = None) -> Rules:
    """Rules from parsed tables, each with the name of where it came from; later ones replace earlier ones by id."""
    known = None if judges is None else frozenset(judges)
    rules: dict[str, Mapping[str, Any]] = {}
    silences: dict[str, Mapping[str, Any]] = {}
    owners: list[Mapping[str, Any]] = []
    groups: dict[str, tuple[str, ...]] = {}
    default: Mapping[str, Any] = {"zh": "", "en": ""}
    late_days = LATE_DAYS
    faults: list[str] = []
    for name, table in sources:
        found = [f"{name}: {fault}" for fault in check(table, judges=known)]
        faults += found
        if found:
            continue
        rules |= {one["id"]: one for one in table.get("rule", ())}
        silences |= {one["id"]: one for one in table.get("silence", ())}
        owners += table.get("owner", ())
        groups |= {group: tuple(members) for group, members in table.get("groups", {}).items()}
        default = table.get("default_owner", default)
        late_days = int(table.get("late", {}).get("days", late_days))
    if faults:
        raise BadInput("alarm rules not accepted: " + "; ".join(faults), field="rules")
    return Rules(
        verdict=tuple(_rule(one) for one in rules.values() if one.get("enabled", True)),
        silence=tuple(_silence(one) for one in silences.values() if one.get("enabled", True)),
        owners=tuple(_owner(one) for one in owners),
        default_owner=_owner(default),
        groups=groups,
        late_days=late_days,
    )


def _read(path: Path) -> Mapping[str, Any]:
    try:
        return _parse(str(path), path.read_text(encoding="utf-8"))
    except OSError as wrong:
        raise BadInput(f"alarm rules {path} cannot be read: {wrong.strerror}") from wrong


def _parse(name: str, text: str) -> Mapping[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as wrong:
        raise BadInput(f"alarm rules {name} are no TOML: {wrong}") from wrong


def _rule(data: Mapping[str, Any]) -> Rule:
    opens = dict(data["open"])
    if "figure_above" in opens:
        opens["figure_above"] = Decimal(str(opens["figure_above"]))
    plain = {key: data[key] for key in ("live", "windows", "seconds", "gap", "cool_down", "refresh") if key in data}
    on = data["on"]
    return Rule(
        id=data["id"], zh=data["zh"], en=data["en"], on=(on,) if isinstance(on, str) else tuple(on),
        site_kinds=frozenset(data["site_kinds"]), by=data.get("by", "subject"), open=OpenWhen(**opens),
        end_windows=data["end"].get("windows", 1), end_seconds=data["end"].get("seconds", 0),
        end_level_at_most=data["end"].get("level_at_most"),
        grading=_grading(data["level"]), case=_case(data["case"]) if "case" in data else None, **plain,
    )  # fmt: skip


def _grading(data: Mapping[str, Any]) -> Grading:
    if data["by"] == "fixed":
        return Grading("fixed", ((Decimal(0), data["level"]),))
    return Grading(data["by"], tuple((Decimal(str(start)), level) for start, level in data["bands"]))


def _case(data: Mapping[str, Any]) -> CaseRule:
    given = {int(level): hours for level, hours in data.get("hours", {}).items()}
    hours = {level: given.get(level, deadline_hours(data["kind"], level)) for level in (1, 2, 3, 4)}
    return CaseRule(data["kind"], dict(data["recovery"]), hours)


def _silence(data: Mapping[str, Any]) -> SilenceRule:
    stages = STAGES[1:]
    return SilenceRule(
        id=data["id"], zh=data["zh"], en=data["en"], site_kinds=frozenset(data.get("site_kinds", ())),
        multiples={stage: data[stage] for stage in stages},
        least={stage: data.get(f"{stage}_s", 0) for stage in stages},
        open_at=data.get("open_at", "silent"), level=dict(data["level"]), cool_down=data.get("cool_down", 0),
    )  # fmt: skip


def _owner(data: Mapping[str, Any]) -> Owner:
    return Owner(
        data["zh"], data["en"], frozenset(data.get("kinds", ())), frozenset(data.get("site_kinds", ())),
        data.get("jurisdiction", ""),
    )  # fmt: skip
