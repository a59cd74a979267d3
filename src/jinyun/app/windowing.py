"""What the house knows of windows: the domains' rules, and what they depend on at a site. Wired here for `store`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from fractions import Fraction
from importlib.resources import files

from jinyun.app.discover import domains
from jinyun.domains.air.judges import grade_of
from jinyun.domains.air.limits import limit
from jinyun.domains.emission.rules import rule_text
from jinyun.domains.noise.energy import level_of
from jinyun.domains.noise.levels import Setting
from jinyun.kernel.errors import BadInput
from jinyun.kernel.ports import MICRO
from jinyun.kernel.terms import Site
from jinyun.methods.window_rules import TABLE, RuleBook, load
from jinyun.store.window_build import Knowledge, SiteFacts

PLACES = 6
"""Decimals that the store keeps."""


def rule_book() -> RuleBook:
    """The rules of all domains that have a ``windows.csv``."""
    packages = [f"jinyun.domains.{id}" for id in sorted(domains())]
    return load(one for one in packages if files(one).joinpath("tables", TABLE).is_file())


def knowledge(site_of: Callable[[str], Site | None]) -> Knowledge:
    """For the windows of a node whose sites `site_of` tells."""
    return Knowledge(
        rules=rule_book(), facts=lambda site: facts_of(site_of(site)), energy=energy_mean, limit_8h=ozone_limit,
        flow=rule_text("flow", "water"),
    )  # fmt: skip


def facts_of(site: Site | None) -> SiteFacts:
    """What the rules of a site's windows depend on; a site that is not registered has the house's own rules only."""
    if site is None:
        return SiteFacts()
    try:
        setting = Setting.of(site.data.get("day_hours"))
    except BadInput:  # the judge says it where it matters; the hours of the standard until then
        setting = Setting()
    return SiteFacts(site.kind, setting.day_from, setting.night_from, setting.night, grade_of(site.data))


def ozone_limit(grade: str, day: date) -> int | None:
    """8 h limit of O3. [1e-6 ug/m3]"""
    value = limit("o3", "daily_max_8h", day, grade)
    return None if value is None else int(value * MICRO)


def energy_mean(levels: Sequence[int]) -> int:
    """Energy mean of sound levels, kept to the store's decimals. [1e-6 dB]"""
    share = Fraction(1, len(levels))
    return int(level_of([(share, one) for one in levels], PLACES) * MICRO)
