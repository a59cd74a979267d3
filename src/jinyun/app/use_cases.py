"""All use cases of one house, made once for the web and the verbs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from datetime import date
from typing import TYPE_CHECKING, Any

from jinyun.app.accounts import Accounts
from jinyun.app.accounts.keys import Keys
from jinyun.app.accounts.oidc import Oidc
from jinyun.app.care.holds import holds
from jinyun.app.care.jobs import CareJobs
from jinyun.app.local import open_door
from jinyun.app.reports import Reports
from jinyun.app.services.as_of import house_as_of
from jinyun.app.services.catalogue import Catalogue
from jinyun.app.services.corrections import Corrections
from jinyun.app.services.editions import Editions
from jinyun.app.services.export import Exports
from jinyun.app.services.fieldwork import Fieldwork
from jinyun.app.services.figures import Figures
from jinyun.app.services.gaps import Gaps
from jinyun.app.services.imports import Imports
from jinyun.app.services.links import Links
from jinyun.app.services.matters import Matters
from jinyun.app.services.overview import Overview
from jinyun.app.services.periods import Periods
from jinyun.app.services.registers import Registers
from jinyun.app.services.sensorthings import SensorThings
from jinyun.app.services.sites import Sites
from jinyun.app.services.system import SystemState
from jinyun.app.services.windows import WindowFigures
from jinyun.app.services.words import plain
from jinyun.app.why import Why
from jinyun.kernel.terms import china_time

if TYPE_CHECKING:
    from jinyun.app.assemble import House
    from jinyun.app.rights import Reach


class UseCases:
    """What may be asked of the house, by subject."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.local_token = open_door(house.settings)
        self.accounts = Accounts(house.kv, folder=house.settings.folder)
        self.keys = Keys(house.kv)
        self.oidc = Oidc(self.accounts, house.kv)
        self.overview = Overview(house)
        self.registers = Registers(house)
        house.jobs.every(3600.0, "attachments", self.registers.attachments.sweep)
        self.sites = Sites(house, self.overview)
        self.matters = Matters(house, self.overview, self.registers)
        self.links = Links(house, self.overview)
        self.system = SystemState(house, self.overview)
        self.why = Why(house)
        self.periods = Periods(house)
        self.reports = Reports(self.periods, bureau=house.settings.issuer, area=house.settings.jurisdiction_name)
        self.windows = WindowFigures(house)
        self.editions = Editions(house)
        self.corrections = Corrections(house, self.periods)
        self.figures = Figures(house)
        self.corrections.dependents_of = self.figures.dependents_of
        self.imports = Imports(house)
        self.imports.resume()
        self.catalogue = Catalogue(house)
        self.gaps = Gaps(house, self.catalogue)
        house.jobs.every(5.0, "catalogue", self.catalogue.tick)
        house.jobs.every(30.0, "gaps", self.gaps.tick)
        self.sensorthings = SensorThings(house)
        self.exports = Exports(house)
        self.care_jobs = CareJobs(house)
        self.fieldwork = Fieldwork(house)
        house.jobs.every(3600.0, "field uploads", self.fieldwork.uploads.sweep)
        self._told_to: dict[str, int] = {}
        self._open_doors()

    def _open_doors(self) -> None:
        from jinyun.app.rights import Rights  # lazy: it narrows this class
        from jinyun.app.rights.narrow import Doors
        from jinyun.app.rights.trail import Trail

        self.trail = Trail(self.house)
        self.rights = Rights(self.house, self.accounts.separated)
        self.doors = Doors(self, self.rights)

    def ears(self, reach: Reach) -> Callable[[Mapping[str, Any]], bool]:
        """Which live events somebody of a reach hears."""
        from jinyun.app.rights.view import sees_event

        return lambda data: sees_event(self.house, self.rights, reach, data)

    def periods_as_of(self, as_of: int | None) -> Periods:
        """Period figures of what was known at a moment [µs]; None: of now."""
        return self.periods if as_of is None else Periods(house_as_of(self.house, as_of))

    def reports_as_of(self, as_of: int | None) -> Reports:
        """Reports of what was known at a moment [µs]; None: of now."""
        settings = self.house.settings
        if as_of is None:
            return self.reports
        return Reports(self.periods_as_of(as_of), bureau=settings.issuer, area=settings.jurisdiction_name)

    def now(self) -> int:
        """The house's clock. [µs]"""
        now: int = self.house.clock.now()
        return now

    def today(self) -> date:
        """China date of the house's clock."""
        return china_time(self.now() // 1_000_000).date()

    def held(self) -> dict[str, Any]:
        """What open cases and alarms keep from being dropped."""
        return holds(self.house).as_dict()

    def dropped(self, *, kind: str, limit: int, offset: int) -> list[dict[str, Any]]:
        """The ledger of dropped files, newest first."""
        found = self.house.care.retention.ledger.find(kinds=[kind] if kind else [], limit=limit, offset=offset)
        return [asdict(one) for one in found]

    def live_values(self, site_ids: Iterable[str]) -> dict[str, list[dict[str, Any]]]:
        """What came for sites since this was last asked, in the short form of the live stream; of a site not asked
        before what its last message brought. Sites with nothing new are left out. For one asker: the live stream."""
        told: dict[str, list[dict[str, Any]]] = {}
        for site, readings in self.sites.live_values(list(site_ids)).items():
            newest = max((one.seq for one in readings), default=0)
            since = self._told_to.get(site, newest - 1)
            fresh = [one for one in readings if one.seq > since]
            self._told_to[site] = newest
            if fresh:
                told[site] = [
                    {
                        "factor": one.factor,
                        "stat": one.stat.name,
                        "period": one.period.name,
                        "value": plain(one.value),
                        "flag": one.flag.name,
                        "time": one.time,
                    }
                    for one in fresh
                ]
        return told
