"""The use cases of somebody who sees a part of the node: the same services, built over a `View`."""

from __future__ import annotations

import copy
import threading
from collections import OrderedDict
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from jinyun.app.reports import Reports
from jinyun.app.rights.checks import CHECKS
from jinyun.app.rights.raw import without_passwords
from jinyun.app.rights.reach import Reach
from jinyun.app.rights.rights import Rights
from jinyun.app.rights.view import View
from jinyun.app.services.catalogue import Catalogue
from jinyun.app.services.export import Exports
from jinyun.app.services.gaps import Gaps
from jinyun.app.services.links import Links
from jinyun.app.services.matters import Matters
from jinyun.app.services.overview import Overview
from jinyun.app.services.periods import Periods
from jinyun.app.services.registers import Registers
from jinyun.app.services.sensorthings import SensorThings
from jinyun.app.services.sites import Sites
from jinyun.app.services.windows import WindowFigures
from jinyun.app.use_cases import UseCases
from jinyun.app.why import Node, Why
from jinyun.kernel.errors import NotFound, NotPermitted
from jinyun.kernel.terms import Frame, Origin, SeriesKey

if TYPE_CHECKING:
    from jinyun.app.services.figures import Figures

VIEWS_KEPT = 48
WHOLE_ONLY = ("editions", "corrections", "imports", "system", "care_jobs")
"""Services about the whole node: their calls are open only to those who see all of it, so they need no view."""
FIGURE = CHECKS.point("figures.show", "the passport of a published figure is of a scope within reach")


class NarrowWhy(Why):
    """Why-trees whose raw messages hide passwords, and without the rows of imported files, which hold other sites."""

    def __init__(self, view: Any) -> None:
        super().__init__(view)
        self._reach: Reach = view.reach

    def _raw(self, frame: Frame) -> Node | None:
        if frame.origin is Origin.IMPORT and not self._reach.whole:
            return None
        node = super()._raw(frame)
        return None if node is None else without_passwords(node, self._reach)


class NarrowCatalogue(Catalogue):
    """The catalogue over a view: counts are the house's own, series out of reach are not there."""

    def __init__(self, view: Any, whole: Catalogue) -> None:
        super().__init__(view)
        self.tally = whole.tally

    def key(self, series: int) -> tuple[SeriesKey, int | None]:
        key, interval = super().key(series)
        if not key.site:
            raise NotFound("series", series)
        return key, interval


class NarrowFigures:
    """Published figures of scopes within reach."""

    def __init__(self, view: View, whole: Figures) -> None:
        self._view, self._whole = view, whole
        self._listed = copy.copy(whole)
        self._listed._house = view  # type: ignore[assignment]
        self.public_key = whole.public_key

    def __getattr__(self, name: str) -> Any:
        raise NotPermitted(f"published figures: {name} is not open to somebody who sees a part of the node only")

    def find(self, **asked: Any) -> dict[str, Any]:
        """As `Figures.find`."""
        return self._listed.find(**asked)

    def show(self, id: str) -> dict[str, Any]:
        """As `Figures.show`: all that a visible figure rests on lies within its scope."""
        self._check(id)
        return self._whole.show(id)

    def dependents_of(self, verdicts: Iterable[int]) -> list[dict[str, Any]]:
        """As `Figures.dependents_of`, of verdicts and figures within reach."""
        mine = self._view.verdicts.get_many(list(verdicts))
        return [one for one in self._whole.dependents_of(mine) if self._seen(one)]

    def _seen(self, one: Any) -> bool:
        try:
            self._check(str(one["id"]))
        except NotFound:
            return False
        return True

    def _check(self, id: str) -> None:
        house, rights = self._view.house, self._view.rights
        record = house.records.get("figure", id)
        kind = house.types["figure"]
        if not CHECKS.ask(FIGURE, self._view.reach, lambda mine: rights.sees(mine, kind, id, record.data)):
            raise NotFound("figure", id)


class NarrowCases(UseCases):
    """What may be asked by an actor of a limited reach."""

    def __init__(self, whole: UseCases, rights: Rights, reach: Reach) -> None:
        view = View(whole.house, rights, reach)
        house: Any = view
        self.house, self.whole = house, whole
        self.local_token, self.accounts = whole.local_token, whole.accounts
        self.overview = Overview(house)
        self.registers = Registers(house)
        self.registers.clocks.kept = whole.registers.clocks.kept
        self.sites = Sites(house, self.overview)
        self.matters = Matters(house, self.overview, self.registers)
        self.links = Links(house, self.overview)
        self.why = NarrowWhy(house)
        self.periods = Periods(house)
        settings = whole.house.settings
        self.reports = Reports(self.periods, bureau=settings.issuer, area=settings.jurisdiction_name)
        self.windows = WindowFigures(house)
        self.catalogue = NarrowCatalogue(house, whole.catalogue)
        self.gaps = Gaps(house, self.catalogue)
        self.sensorthings = SensorThings(house)
        self.exports = Exports(house)
        self.figures = NarrowFigures(view, whole.figures)  # type: ignore[assignment]
        self._told_to: dict[str, int] = {}

    def __getattr__(self, name: str) -> Any:
        whole = self.__dict__.get("whole")
        if whole is None or name.startswith("_"):
            raise AttributeError(name)
        if name in WHOLE_ONLY or name in ("rights", "trail", "keys", "oidc", "doors"):
            return getattr(whole, name)  # the call itself was checked to be open to this actor
        raise NotPermitted(f"{name} is not open to somebody who sees a part of the node only")

    def held(self) -> dict[str, Any]:
        return self.whole.held()

    def dropped(self, *, kind: str, limit: int, offset: int) -> list[dict[str, Any]]:
        return self.whole.dropped(kind=kind, limit=limit, offset=offset)

    def close(self) -> None:
        """Take its ears off the house."""
        self.house.close()


class Doors:
    """Use cases by reach, made when first asked for; the least used are closed."""

    def __init__(self, whole: UseCases, rights: Rights) -> None:
        self._whole, self._rights = whole, rights
        self._lock = threading.Lock()
        self._kept: OrderedDict[Reach, NarrowCases] = OrderedDict()

    def ready(self, reach: Reach) -> UseCases | None:
        """Those of a reach if they are there already."""
        if reach.open:
            return self._whole
        with self._lock:
            found = self._kept.get(reach)
            if found is not None:
                self._kept.move_to_end(reach)
            return found

    def open(self, reach: Reach) -> UseCases:
        """Those of a reach; call in a worker thread when `ready` has none."""
        found = self.ready(reach)
        if found is not None:
            return found
        made = NarrowCases(self._whole, self._rights, reach)
        with self._lock:
            held = self._kept.setdefault(reach, made)
            late = [self._kept.popitem(last=False)[1] for _ in range(max(0, len(self._kept) - VIEWS_KEPT))]
        for one in late if held is made else (*late, made):
            one.close()
        return held

    def then(self, reach: Reach, as_of: int) -> UseCases:
        """Those of a reach as of a moment [µs]; call in a worker thread."""
        from jinyun.app.rights.then import CasesThen  # lazy: it builds on this file

        return CasesThen(self._whole, self._rights, reach, as_of)

    def forget(self) -> None:
        """Close all: after what they rest on was changed by a test."""
        with self._lock:
            kept, self._kept = list(self._kept.values()), OrderedDict()
        for one in kept:
            one.close()
