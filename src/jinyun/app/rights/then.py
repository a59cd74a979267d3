"""The use cases as of an earlier moment: the same services, built over a `HouseThen`, narrowed to a reach as ever."""

from __future__ import annotations

import copy
from types import SimpleNamespace
from typing import Any

from jinyun.app.rights.narrow import NarrowCatalogue, NarrowWhy
from jinyun.app.rights.reach import Reach
from jinyun.app.rights.rights import Rights
from jinyun.app.rights.view import View
from jinyun.app.services.catalogue import Catalogue
from jinyun.app.services.export import Exports
from jinyun.app.services.matters import Matters
from jinyun.app.services.overview import Overview
from jinyun.app.services.registers import Registers
from jinyun.app.services.sites import Sites
from jinyun.app.services.tally import Tally
from jinyun.app.services.windows import WindowFigures
from jinyun.app.then import HouseThen
from jinyun.app.use_cases import UseCases
from jinyun.app.why import Why
from jinyun.kernel.errors import BadInput


class CasesThen(UseCases):
    """What may be asked of a moment [µs] by an actor of a reach: rights are those of now, answers of then."""

    def __init__(self, whole: UseCases, rights: Rights, reach: Reach, as_of: int) -> None:
        then: Any = HouseThen(whole.house, as_of)
        house: Any = then if reach.open else View(then, rights, reach)
        self.house, self.whole = house, whole
        self.overview = Overview(house)
        self.registers = Registers(house)
        self.sites = Sites(house, self.overview)
        self.matters = Matters(house, self.overview, self.registers)
        self.why = Why(house) if reach.open else NarrowWhy(house)
        self.windows = WindowFigures(house)
        self.exports = Exports(house)
        counted: Any = SimpleNamespace(tally=Tally(then))
        self.catalogue = Catalogue(then) if reach.open else NarrowCatalogue(house, counted)
        self.figures = copy.copy(whole.figures)
        self.figures._house = house

    def __getattr__(self, name: str) -> Any:
        whole = self.__dict__.get("whole")
        if whole is None or name.startswith("_"):
            raise AttributeError(name)
        if name == "rights":
            return whole.rights
        raise BadInput(f"{name} answers of now only", field="as_of", hint="leave it out")
