"""The house as it was known at an earlier moment: every store asked at that moment, the clock standing there.

Services are built over a `HouseThen` as over a `House`, so each answers of the past by the code that answers of now.
What was known is what had been received or recorded: readings by when their message came, verdicts by when they were
computed, records by when their changes were written. Words, types, rules and rights are those of now.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from jinyun.act.cases import CaseDesk
from jinyun.app.directory import Devices, SiteDirectory
from jinyun.judge.reader import asked
from jinyun.judge.room import JudgeRoom
from jinyun.judge.substance import substance
from jinyun.kernel.errors import BadInput
from jinyun.kernel.ports import MICRO, Record
from jinyun.kernel.terms import CHINA, Verdict, window_of
from jinyun.sense.hj212.links import Link

if TYPE_CHECKING:
    from jinyun.app.assemble import House

MICROSECONDS_FROM = 10**13
PASSED = frozenset({"settings", "types", "domains", "started_at", "life", "journal", "kv", "attachments", "database"})
"""What is the same at any moment, or is only asked for by something that was known."""


def parse_as_of(text: str) -> int | None:
    """Seconds, microseconds, or a date and time (China's unless it says its zone) as µs; None: now.

    Raises
    ------
    BadInput
        For anything else.
    """
    if not text:
        return None
    if text.isascii() and text.isdigit() and len(text) < 19:
        number = int(text)
        return number if number >= MICROSECONDS_FROM else number * MICRO
    try:
        when = datetime.fromisoformat(text)
        return int((when if when.tzinfo else when.replace(tzinfo=CHINA)).timestamp() * MICRO)
    except (ValueError, OverflowError):
        hint = "2026-11-01T08:00, seconds or microseconds since 1970"
        raise BadInput(f"{text!r} is no moment", field="as_of", hint=hint) from None


def stamped(house: Any, told: dict[str, Any]) -> dict[str, Any]:
    """An answer that says as of which moment it is [µs]; of now it says nothing."""
    return told if house.as_of is None else told | {"as_of": house.as_of}


class HouseThen:
    """One node at a moment [µs], for asking only."""

    def __init__(self, house: House, as_of: int) -> None:
        self.present = house
        self.as_of: int | None = min(as_of, house.clock.now())
        self.clock, self.wall = Standing(self.as_of), house.clock
        self.records = house.records.at(self.as_of)
        self.readings = house.readings.at(self.as_of)
        self.windows = house.windows.at(self.as_of)
        self.bus = NoBus()
        self.jobs = NoJobs()

    def __getattr__(self, name: str) -> Any:
        if name in PASSED:
            return getattr(self.present, name)
        raise BadInput(f"{name} is known only as it is now", field="as_of", hint="leave it out")

    @cached_property
    def verdicts(self) -> Any:
        """Verdicts computed by then."""
        return self.present.verdicts.at(self.clock.now())

    @cached_property
    def sites(self) -> SitesThen:
        """Sites as their records stood."""
        return SitesThen(self.present, self.records)

    @cached_property
    def directory(self) -> Devices:
        """Devices that were registered."""
        made = Devices(self.records, self.sites)
        made.refresh()
        return made

    @cached_property
    def judge(self) -> JudgeThen:
        """What the judging room would have said."""
        return JudgeThen(self)

    @cached_property
    def act(self) -> ActThen:
        """How far cases were."""
        return ActThen(self)

    @cached_property
    def centre(self) -> CentreThen:
        """Which devices were heard."""
        return CentreThen(self)


class Standing:
    """A clock that stands."""

    def __init__(self, now: int) -> None:
        self._now = now

    def now(self) -> int:
        return self._now


class NoBus:
    """There is no news of the past."""

    def __init__(self) -> None:
        self.taps: list[Any] = []

    def publish(self, topic: str, event: Mapping[str, Any]) -> None:
        """Nobody hears."""


class NoJobs:
    """Background work is of the present."""

    def every(self, seconds: float, name: str, work: Any) -> None:
        """Nothing."""


class SitesThen(SiteDirectory):
    """Sites as they stood."""

    def __init__(self, house: House, records: Any) -> None:
        super().__init__(records)
        self._present = house.sites
        self.refresh()

    def known(self, site: str) -> bool:
        """Whether there was or is such a site."""
        return self.get(site) is not None or self._present.known(site)


class JudgeThen:
    """Indicative verdicts of the moment are kept by nobody: judged again, of the readings known then."""

    def __init__(self, house: HouseThen) -> None:
        self.judges = house.present.judge.judges
        self._house = house

    def now_verdicts(self) -> dict[tuple[str, str], Verdict]:
        """By (site, judge)."""
        house = self._house
        judges = [one for one in self.judges.values() if one.newest_only]
        kinds = {kind for one in judges for kind in one.site_kinds}
        wanted = {one.id: one for one in house.sites.all() if one.kind in kinds}
        room = JudgeRoom(
            judges=judges, readings=house.readings, records=house.records, verdicts=house.verdicts,
            sites=house.sites.get, clock=house.clock, on_verdict=_nobody,
        )  # fmt: skip
        newest = house.readings.latest(list(wanted))
        found = {}
        for judge in judges:
            for site, readings in newest.items():
                asked_for = [one for one in readings if asked(judge, one)]
                if wanted[site].kind not in judge.site_kinds or not asked_for:
                    continue
                last = max(asked_for, key=lambda one: one.time)
                where = window_of(judge.period, last.time)
                closed = (where.end + room.pace.close_after_s) * MICRO
                if house.readings.frame(last.frame).received_at >= closed:
                    continue  # an indication of a time gone by was given to nobody
                said = room.judge_now(judge.id, site, where)
                if said is not None:
                    kept = house.verdicts.latest().get((site, judge.id))
                    same = kept is not None and kept.window == said.window and substance(kept) == substance(said)
                    found[site, judge.id] = kept if same else said
        return found


def _nobody(new: Verdict, previous: Verdict | None) -> None:
    """Verdicts of the past are told to nobody."""


class ActThen:
    """What pages ask of the acting room."""

    def __init__(self, house: HouseThen) -> None:
        self.rules = house.present.act.rules
        sites: Any = _Nowhere()
        self._records = house.records
        self._desk = CaseDesk(
            house.records, house.verdicts, rules=self.rules, sites=sites, clock=house.clock, bus=house.bus
        )

    def recovery(self, case: Record) -> Any:
        """How far the recovery of a case was, with the verdicts that counted."""
        return self._desk.recovery(case, evidence=True)

    def case_context(self, case_id: str) -> dict[str, Any]:
        """As `ActRoom.case_context`."""
        case = self._records.get("case", case_id)
        return self._desk.context(case, self.recovery(case))


class _Nowhere:
    """Places of new cases: none is opened in the past."""

    def get(self, _: str) -> None:
        return None


class CentreThen:
    """Links by the messages that brought readings: beats and refusals leave no trace that lasts."""

    gaps = desk = None  # requests for what is missing are of the present

    def __init__(self, house: HouseThen) -> None:
        self._house = house

    def links(self) -> list[dict[str, Any]]:
        """One row per device that was registered, in the shape of the centre's."""
        profiles, now = list(self._house.directory.all()), self._house.clock.now()
        heard = self._house.readings.heard([one.mn for one in profiles])
        rows = []
        for one in profiles:
            link = Link(one.mn, last_at=heard.get(one.mn, 0))
            rows.append({
                "mn": one.mn, "name": one.name, "site": one.site or None, "site_kind": one.site_kind or None,
                "state": link.state(one if one.site else None, now), "last_at": link.last_at or None,
                "rate_per_min": None, "rejects": None, "crc_guess": "", "clock_offset_s": None, "gaps": None,
                "peer": "", "connected": None, "frames": None,
            })  # fmt: skip
        return rows
