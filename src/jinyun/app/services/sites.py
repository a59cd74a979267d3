"""A site: what it is, its latest values against their limits, its series with limit lines, its verdicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from jinyun.app.services.limits import Limits
from jinyun.app.services.overview import Overview
from jinyun.app.services.words import (
    factor_unit,
    factor_words,
    plain,
    reading_dict,
    record_dict,
    verdict_dict,
    verdict_head,
)
from jinyun.app.then import stamped
from jinyun.kernel.errors import BadInput, NotFound
from jinyun.kernel.ports import Actor, Record
from jinyun.kernel.terms import Flag, Period, Reading, Stat

if TYPE_CHECKING:
    from jinyun.app.assemble import House

MOST_POINTS = 20_000
DEFAULT_SPAN_S: Mapping[Period, int] = {
    Period.REALTIME: 6 * 3600,
    Period.MINUTE: 24 * 3600,
    Period.TEN_MINUTE: 3 * 86400,
    Period.HOUR: 7 * 86400,
    Period.DAY: 365 * 86400,
    Period.MONTH: 10 * 365 * 86400,
    Period.QUARTER: 20 * 365 * 86400,
    Period.YEAR: 50 * 365 * 86400,
}
FAR_FUTURE = 253_402_300_799  # 9999-12-31T23:59:59Z


class Sites:
    """What a page may ask of sites."""

    def __init__(self, house: House, overview: Overview) -> None:
        self._house, self._overview = house, overview
        self.limits = Limits(house)

    def find(self, *, kind: str = "", text: str = "") -> list[dict[str, Any]]:
        """Sites as on the map, filtered by kind and by words in name, id, river, enterprise."""
        kinds = set(kind.split(",")) if kind else set()
        words = text.lower().split()
        found = []
        for one in (row.told for row in self._overview.sites(self._house.clock.now())):
            if kinds and one["kind"] not in kinds:
                continue
            hay = " ".join(str(one.get(k) or "") for k in ("id", "name", "river", "enterprise_name")).lower()
            if all(word in hay for word in words):
                found.append(one)
        return found

    def page(self, site_id: str, actor: Actor) -> dict[str, Any]:
        """Everything of one site's page but the curves."""
        house = self._house
        site = house.records.get("site", site_id)

        def shown(record: Record) -> dict[str, Any]:
            return record_dict(record, house.types[record.type], actor.roles)

        outlets = house.records.find("outlet", {"site": site_id})
        devices = house.records.find("device", {"site": site_id})
        company = next(
            (str(id_) for id_ in (site.data.get("enterprise"), *(o.data.get("enterprise") for o in outlets)) if id_),
            None,
        )
        limits = [one for outlet in outlets for one in house.records.find("permit_limit", {"outlet": outlet.id})]
        alarms = house.records.find("alarm", {"subject": site_id}, limit=50)
        cases = house.records.find("case", {"subject": site_id}, limit=50)
        verdicts = self._overview.verdicts.get()
        links = {str(one.get("mn")): one for one in self._overview.links.get()}
        told = {
            "site": shown(site),
            "enterprise": self._company(company, actor),
            "outlets": [shown(one) for one in outlets],
            "limits": [shown(one) for one in limits],
            "devices": [shown(one) | {"link": links.get(one.id)} for one in devices],
            "latest": self.latest(site_id),
            "verdicts": [verdict_dict(v) for (subject, _), v in sorted(verdicts.items()) if subject == site_id],
            "alarms": [shown(one) for one in alarms],
            "cases": [shown(one) for one in cases],
        }
        return stamped(house, told)

    def _company(self, company: str | None, actor: Actor) -> dict[str, Any] | None:
        if not company:
            return None
        try:
            record = self._house.records.get("enterprise", company)
        except NotFound:
            return None
        return record_dict(record, self._house.types["enterprise"], actor.roles)

    def latest(self, site_id: str) -> list[dict[str, Any]]:
        """The newest reading of each series, beside the limit that applies to it now."""
        house = self._house
        readings = house.readings.latest([site_id]).get(site_id, ())
        limits = self.limits.of_site(site_id, house.clock.now() // 1_000_000)
        frames = house.readings.frames(sorted({one.frame for one in readings}))
        shown = []
        for one in sorted(readings, key=_latest_rank):
            limit = limits.limit_for(one.factor, one.stat, one.period, one.value)
            exceeds = (
                None if limit is None or one.value is None or one.flag is not Flag.NORMAL else limit.exceeded(one.value)
            )
            received = frames[one.frame].received_at
            text = limits.shown(one.factor, one.stat, one.period, one.value)
            shown.append(reading_dict(one, received) | {"limit": text, "exceeds": exceeds})
        return shown

    def live_values(self, site_ids: Sequence[str]) -> Mapping[str, Sequence[Reading]]:
        """Newest readings of several sites, for the live stream."""
        found: Mapping[str, Sequence[Reading]] = self._house.readings.latest(site_ids)
        return found

    def series(
        self,
        site_id: str,
        *,
        factor: str,
        stat: Stat = Stat.AVG,
        period: Period = Period.HOUR,
        start: int | None = None,
        end: int | None = None,
    ) -> dict[str, Any]:
        """One curve with its limit lines; times in s. A curve longer than `MOST_POINTS` keeps its newest part and says
        how many points were cut."""
        house = self._house
        self._check(site_id)
        now = house.clock.now() // 1_000_000
        if end is None:
            end = now + 3600
        if start is None:
            start = max(0, end - DEFAULT_SPAN_S[period])
        if not (0 <= start < end <= FAR_FUTURE):
            raise BadInput(f"from {start} to {end} is no span of time", field="from", hint="seconds, from before to")
        found = house.readings.read(
            site_id,
            factors=(factor,),
            stats=(stat,),
            periods=(period,),
            start=start,
            end=end,
        )
        kept = found[-MOST_POINTS:]
        zh, en, _, decimals = factor_words(factor)
        told = {
            "site": site_id,
            "factor": factor,
            "zh": zh,
            "en": en,
            "unit": factor_unit(factor, stat),
            "decimals": decimals,
            "stat": stat.name,
            "period": period.name,
            "from": start,
            "to": end,
            "series": kept[-1].series if kept else None,
            "points": [[one.time, plain(one.value), one.flag.name, one.seq] for one in kept],
            "limits": self.limits.of_site(site_id, min(now, end - 1)).lines(factor, stat, period),
            "count": len(kept),
            "cut": len(found) - len(kept),
        }
        return stamped(house, told)

    def _check(self, site_id: str) -> None:
        """Raise `NotFound` for a site nobody knows; one that was not registered yet had nothing."""
        if not self._house.sites.known(site_id):
            raise NotFound("site", site_id)

    def verdicts(
        self,
        site_id: str,
        *,
        judge: str | None = None,
        start: int | None = None,
        end: int | None = None,
        limit: int = 500,
    ) -> list[dict[str, Any]]:
        """Current verdicts of a site, newest window first."""
        self._check(site_id)
        found = self._house.verdicts.find(subject=site_id, judge=judge or None, start=start, end=end, limit=limit)
        return [verdict_head(one) for one in found]

    def verdict(self, verdict_id: int) -> dict[str, Any]:
        return verdict_dict(self._house.verdicts.get(verdict_id))


def _latest_rank(reading: Reading) -> tuple[str, int, int]:
    return reading.factor, int(reading.period), int(reading.stat)
