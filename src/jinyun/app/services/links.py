"""Links: every data logger's line as the centre sees it, its commands, and taking in one that is not registered yet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from jinyun.app.services.overview import Overview
from jinyun.app.services.words import MASK
from jinyun.kernel.errors import BadInput, NotFound
from jinyun.kernel.ports import Actor

if TYPE_CHECKING:
    from jinyun.app.assemble import House

STATES = ("online", "late", "silent", "gone", "quarantine")
SECRETS = ("password", "sm4_key")
PARAMS_MOST = 40


class Links:
    """What a page may ask of links."""

    def __init__(self, house: House, overview: Overview) -> None:
        self._house, self._overview = house, overview

    def find(self, *, text: str = "", state: str = "") -> list[dict[str, Any]]:
        """Links filtered by words in MN, name, site and by states; those in trouble first."""
        wanted = state.split(",") if state else list(STATES)
        for one in wanted:
            if one not in STATES:
                raise BadInput(f"a link is never {one!r}", field="state", hint=f"one of {', '.join(STATES)}")
        words = text.lower().split()
        found = []
        for link in self._overview.links.get():
            named = self._named(link)
            hay = " ".join(str(named.get(k) or "") for k in ("mn", "name", "site", "site_name", "peer")).lower()
            if named.get("state") in wanted and all(word in hay for word in words):
                found.append(named)
        order = {"quarantine": 0, "gone": 1, "silent": 2, "late": 3, "online": 4}
        return sorted(found, key=lambda one: (order.get(str(one["state"]), 5), str(one["mn"])))

    def _named(self, link: Mapping[str, Any]) -> dict[str, Any]:
        site = self._house.sites.get(str(link.get("site") or ""))
        return {**link, "site_name": site.name if site else None}

    def page(self, mn: str) -> dict[str, Any]:
        """One link with its last frames, refusals, gaps, commands and what to tell its vendor."""
        shown = self._named(self._house.centre.link(mn))
        profile = shown.get("profile")
        if isinstance(profile, Mapping):
            shown["profile"] = {k: (MASK if k in SECRETS and v else v) for k, v in profile.items()}
        return shown

    def catalogue(self) -> list[dict[str, Any]]:
        """The commands a page may offer, with their words and parameters."""
        from jinyun.sense.hj212.codes import COMMANDS  # lazy: the codec's tables are large

        return [one.as_dict() for one in COMMANDS.values() if one.down in ("R", "N")]

    def commands(self, mn: str) -> list[dict[str, Any]]:
        return [dict(one) for one in self._house.centre.commands(mn)]

    def command(self, mn: str, cn: str, params: Mapping[str, Any], actor: Actor) -> dict[str, Any]:
        """Queue a command for a device; it is sent when the device is on line."""
        if len(params) > PARAMS_MOST:
            raise BadInput(f"a command takes at most {PARAMS_MOST} parameters", field="params")
        self._house.centre.link(mn)  # refuses an MN nobody knows
        return _dict(self._house.centre.command(mn, cn, params, actor))

    def register(self, mn: str, data: Mapping[str, Any], actor: Actor) -> dict[str, Any]:
        """Register a device in quarantine at a known site, or at a new one; its kept messages are taken in.

        `data`: ``{"site": id}`` or ``{"site": {name, kind, place…}}``, and optionally ``device`` fields.
        """
        house = self._house
        site, device = data.get("site"), data.get("device") or {}
        if not isinstance(device, Mapping):
            raise BadInput("the device's fields must be an object", field="device")
        if isinstance(site, Mapping):
            given = {name: value for name, value in site.items() if name != "id"}
            site_id = str(site["id"]) if site.get("id") else None
            site = house.records.create("site", given, actor, id=site_id, note=f"with device {mn}").id
        elif not isinstance(site, str) or not site:
            raise BadInput(
                "say at which site the device is", field="site", hint="the id of a site, or a new site's fields"
            )
        else:
            house.records.get("site", site)
        record = house.records.create(
            "device", {**device, "mn": mn, "site": site}, actor, id=mn, note="from quarantine"
        )
        taken = house.centre.adopt(mn)
        self._overview.links.forget()
        return {"mn": mn, "site": site, "version": record.version, "adopted": taken}

    def quarantine(self) -> list[dict[str, Any]]:
        return [dict(one) for one in self._house.centre.quarantine()]


def _dict(value: Any) -> dict[str, Any]:
    if isinstance(value, Mapping):
        return dict(value)
    if hasattr(value, "as_dict"):
        return dict(value.as_dict())
    raise NotFound("command", value)
