"""The house as a limited actor sees it: the same ports, each giving only what lies within the actor's reach.

Services are built over a `View` as over a `House`; what they are not given here they cannot ask for. A site that is
out of reach is not refused but unknown (404), so that nobody learns by asking that it is there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from jinyun.app.rights.checks import CHECKS
from jinyun.app.rights.raw import without_passwords
from jinyun.app.rights.reach import Reach
from jinyun.app.rights.rights import Rights
from jinyun.app.rights.view_readings import ViewReadings, ViewWindows
from jinyun.app.rights.view_records import ViewRecords
from jinyun.app.rights.view_verdicts import ViewJudge, ViewVerdicts
from jinyun.kernel.errors import NotFound, NotPermitted
from jinyun.kernel.ports import Actor, DeviceProfile
from jinyun.kernel.terms import Site

if TYPE_CHECKING:
    from jinyun.app.assemble import House
    from jinyun.app.bus import Event

SITES = CHECKS.point("sites.get", "the directory of sites gives those within reach")
DEVICES = CHECKS.point("devices.get", "the directory of devices gives those of sites within reach")
LINKS = CHECKS.point("links.list", "the list of links holds those of sites within reach")
LINK = CHECKS.point("links.one", "a link, its commands and frames are of a site within reach")
REJECTS = CHECKS.point("rejects.find", "refused messages are of devices within reach")
EVENTS = CHECKS.point("events", "live events are of sites within reach")
PASSED = (
    "settings", "clock", "as_of", "wall", "types", "domains", "started_at", "life", "journal", "act", "kv",
    "attachments",
)  # fmt: skip
"""What belongs to no place, or is only asked for by something that was reached already."""


class View:
    """A house narrowed to a reach. `close` when it is no longer used."""

    def __init__(self, house: House, rights: Rights, reach: Reach) -> None:
        self.house, self.rights, self.reach = house, rights, reach
        self.sites = ViewSites(self)
        self.directory = ViewDevices(self)
        self.records = ViewRecords(self)
        self.verdicts = ViewVerdicts(self)
        self.readings = ViewReadings(self)
        self.windows = ViewWindows(self)
        self.judge = ViewJudge(self)
        self.centre = ViewCentre(self)
        self.rejects = ViewRejects(self)
        self.bus = ViewBus(self)
        self.jobs = NoJobs()
        house.bus.taps.append(self.bus.hear)
        house.records.listeners.append(self.records.heard)
        house.verdicts.listeners.append(self.verdicts.heard)

    def close(self) -> None:
        """Hear of nothing more."""
        house = self.house
        pairs: list[tuple[list[Any], Any]] = [
            (house.bus.taps, self.bus.hear),
            (house.records.listeners, self.records.heard),
            (house.verdicts.listeners, self.verdicts.heard),
        ]
        for taken, mine in pairs:
            if mine in taken:
                taken.remove(mine)

    def __getattr__(self, name: str) -> Any:
        if name in PASSED:
            return getattr(self.house, name)
        raise NotPermitted(f"{name} is not open to somebody who sees a part of the node only")

    def sees(self, point: str, site: str | None) -> bool:
        """Whether a site is within reach, asked at a point."""
        return CHECKS.ask(point, self.reach, lambda mine: site in self.rights.sites(mine))

    def check(self, point: str, site: str) -> None:
        """Raise `NotFound` for a site out of reach."""
        if not self.sees(point, site):
            raise NotFound("site", site)


class NoJobs:
    """Background work is the house's own."""

    def every(self, seconds: float, name: str, work: Callable[[], Any]) -> None:
        """Nothing: the house does it for all."""


class ViewSites:
    """`SiteDirectory`."""

    def __init__(self, view: View) -> None:
        self._view = view

    @property
    def version(self) -> Any:
        """Changes with sites and with whose they are."""
        house = self._view.house
        return house.sites.version, house.records.versions.get("outlet", 0)

    def get(self, site: str) -> Site | None:
        return self._view.house.sites.get(site) if self._view.sees(SITES, site) else None

    def known(self, site: str) -> bool:
        """Whether there is such a site within reach."""
        return self._view.sees(SITES, site) and self._view.house.sites.known(site)

    def all(self) -> list[Site]:
        return [one for one in self._view.house.sites.all() if self._view.sees(SITES, one.id)]


class ViewDevices:
    """`DeviceDirectory`."""

    def __init__(self, view: View) -> None:
        self._view = view

    @property
    def version(self) -> int:
        return self._view.house.directory.version

    def get(self, mn: str) -> DeviceProfile | None:
        found = self._view.house.directory.get(mn)
        return found if found is not None and self._view.sees(DEVICES, found.site) else None

    def all(self) -> list[DeviceProfile]:
        return [one for one in self._view.house.directory.all() if self._view.sees(DEVICES, one.site)]


class ViewCentre:
    """What pages ask of the HJ 212 centre."""

    def __init__(self, view: View) -> None:
        self._view, self._centre = view, view.house.centre
        self.gaps, self.desk = self._centre.gaps, self._centre.desk  # asked by MN, of devices that were reached

    def links(self) -> list[dict[str, Any]]:
        """Rows of links; those in quarantine belong to no site and are nobody's."""
        return [dict(one) for one in self._centre.links() if self._view.sees(LINKS, one.get("site"))]

    def link(self, mn: str) -> dict[str, Any]:
        self._check(mn)
        return dict(without_passwords(dict(self._centre.link(mn)), self._view.reach))

    def commands(self, mn: str) -> list[dict[str, Any]]:
        self._check(mn)
        return [dict(one) for one in self._centre.commands(mn)]

    def command(self, mn: str, cn: str, params: Mapping[str, Any], actor: Actor) -> Any:
        self._check(mn)
        return self._centre.command(mn, cn, params, actor)

    def _check(self, mn: str) -> None:
        profile = self._view.house.directory.get(mn)
        if not self._view.sees(LINK, profile.site if profile else None):
            raise NotFound("link", mn)


class ViewRejects:
    """What was refused of devices within reach."""

    def __init__(self, view: View) -> None:
        self._view = view

    def find(self, *, mn: str | None = None, limit: int = 200) -> list[Mapping[str, Any]]:
        profile = self._view.house.directory.get(mn or "")
        if not self._view.sees(REJECTS, profile.site if profile else None):
            return []
        return self._view.house.rejects.find(mn=mn, limit=limit)

    def add(self, rejects: Any) -> None:
        self._view.house.rejects.add(rejects)


class ViewBus:
    """Events within reach; what is published goes to the house."""

    def __init__(self, view: View) -> None:
        self._view = view
        self.taps: list[Callable[[Event], None]] = []
        self.hear = self._hear  # one bound method, so that it can be taken off again

    def publish(self, topic: str, event: Mapping[str, Any]) -> None:
        self._view.house.bus.publish(topic, event)

    def _hear(self, event: Event) -> None:
        if self.taps and sees_event(self._view.house, self._view.rights, self._view.reach, event.data):
            for tap in self.taps:
                tap(event)


def sees_event(house: House, rights: Rights, reach: Reach, data: Mapping[str, Any]) -> bool:
    """Whether an event is of a site within reach; one that names no site is for those who see the whole node."""

    def test(mine: Reach) -> bool:
        if mine.whole:
            return True
        site = data.get("site") or data.get("subject")
        if not site and data.get("mn"):
            profile = house.directory.get(str(data["mn"]))
            site = profile.site if profile else None
        return site in rights.sites(mine)

    return CHECKS.ask(EVENTS, reach, test)
