"""What period figures are asked of: all sites of a node, a city or district, a river, one site."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from jinyun.kernel.errors import BadInput, NotFound
from jinyun.kernel.terms import Site

SUBJECT_KINDS = {
    "air": ("air_station",),
    "water": ("water_section",),
    "noise": ("noise_station",),
}
"""Sites that count for a scope of several; a micro-station is indicative, so it is asked for by its own id only."""

ALSO_ALONE = {"air": ("air_micro",), "water": ("water_micro",), "noise": ()}

SUBJECTS = tuple(SUBJECT_KINDS)


@dataclass(frozen=True, slots=True)
class Scope:
    """Which sites, and what they are called together."""

    id: str
    kind: str  # all, city, river, site
    zh: str
    en: str
    sites: tuple[Site, ...]

    def as_dict(self) -> dict[str, object]:
        return {"id": self.id, "kind": self.kind, "zh": self.zh, "en": self.en, "sites": len(self.sites)}


def scope(subject: str, text: str, sites: Iterable[Site], *, home: tuple[str, str]) -> Scope:
    """The scope that `text` names; `home` is (code, name) of the node's own jurisdiction.

    Raises
    ------
    BadInput
        For a subject or a form that does not exist, or a scope without a single site.
    NotFound
        For an unknown site.
    """
    check_subject(subject)
    every = list(sites)
    mine = ordered(one for one in every if one.kind in SUBJECT_KINDS[subject])
    kind, _, name = (text or "all").partition(":")
    if kind in ("all", "basin") and not name:
        found = Scope("all", "all", f"{home[1]}全部点位", f"{home[1]}, all sites", tuple(mine))
    elif kind == "site" and name:
        return _single(subject, name, every)
    elif kind == "city" and name.isdigit() and 2 <= len(name) <= 12:
        zh = home[1] if name == home[0] else f"行政区{name}"
        en = home[1] if name == home[0] else f"division {name}"
        found = Scope(f"city:{name}", "city", zh, en, tuple(s for s in mine if s.jurisdiction.startswith(name)))
    elif kind == "river" and name and subject == "water":
        found = Scope(f"river:{name}", "river", name, name, tuple(s for s in mine if s.data.get("river") == name))
    else:
        forms = "all, site:ID, city:CODE" + (", river:NAME" if subject == "water" else "")
        raise BadInput(f"no scope {text!r} of {subject}", field="scope", hint=f"one of {forms}")
    if not found.sites:
        kinds = ", ".join(SUBJECT_KINDS[subject])
        raise BadInput(f"scope {found.id!r} has no site", field="scope", hint=f"it counts sites of kind {kinds}")
    return found


def check_subject(subject: str) -> None:
    if subject not in SUBJECT_KINDS:
        raise BadInput(f"no period figures of {subject!r}", field="subject", hint=f"one of {', '.join(SUBJECTS)}")


def _single(subject: str, id: str, sites: Sequence[Site]) -> Scope:
    one = next((site for site in sites if site.id == id), None)
    if one is None:
        raise NotFound("site", id, known=[site.id for site in sites])
    kinds = (*SUBJECT_KINDS[subject], *ALSO_ALONE[subject])
    if one.kind not in kinds:
        raise BadInput(f"{id} is a {one.kind}", field="scope", hint=f"{subject} figures are of {', '.join(kinds)}")
    return Scope(f"site:{id}", "site", one.name, one.name, (one,))


def scopes(subject: str, sites: Iterable[Site], *, home: tuple[str, str]) -> list[Scope]:
    """All scopes that have sites: all, divisions (of 6, then 4 digits where several are under one), rivers, sites."""
    every = list(sites)
    mine = [one for one in every if one.kind in SUBJECT_KINDS[subject]]
    if not mine:
        return []
    codes = {one.jurisdiction[:6] for one in mine if one.jurisdiction}
    wider = {code[:4] for code in codes if sum(other.startswith(code[:4]) for other in codes) > 1}
    rivers = sorted({str(one.data["river"]) for one in mine if one.data.get("river")}) if subject == "water" else []
    names = ["all", *(f"city:{code}" for code in sorted(wider | codes)), *(f"river:{river}" for river in rivers)]
    names += [f"site:{one.id}" for one in ordered(mine)]
    return [scope(subject, name, every, home=home) for name in names]


def ordered(sites: Iterable[Site]) -> list[Site]:
    """Rivers by name, each from its head down; then the rest by id."""
    return sorted(sites, key=lambda s: (str(s.data.get("river") or "\uffff"), km(s) or Decimal(0), s.id))


def km(site: Site) -> Decimal | None:
    """Distance from the river's head. [km]"""
    try:
        return Decimal(str(site.data["order_km"]))
    except (KeyError, InvalidOperation):
        return None
