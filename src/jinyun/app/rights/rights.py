"""The one place where rights are decided: calls by role, rows by reach, fields by role."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from jinyun.app.rights.checks import CHECKS
from jinyun.app.rights.reach import Reach
from jinyun.domains.people.roles import Action, actions, cells_of, known, prefixes_of
from jinyun.kernel.errors import NotFound, NotPermitted
from jinyun.kernel.ports import Actor, Record
from jinyun.kernel.records import RecordType
from jinyun.kernel.rows import Clause, Rows
from jinyun.kernel.tables import csv_rows

if TYPE_CHECKING:
    from jinyun.app.assemble import House

T = TypeVar("T")
KEPT = 256
EVERYTHING = 1_000_000
OWN_PLACE = "jurisdiction"
"""Where a record is placed by a reference and has none, this field of its own places it."""
PUBLIC = "public"
"""The action of calls that need no log-in."""

CALL = CHECKS.point("call.action", "the role may do the action of the call", ("removed", "inverted"))
WHOLE = CHECKS.point("call.whole", "an act on the whole node needs a reach over all of it", ("removed", "inverted"))
TYPE = CHECKS.point("call.register", "the register is open to the role", ("removed", "inverted"))
SEPARATE = CHECKS.point("call.separation", "the set-up role counts for nothing once administrators are separated",
                        ("removed", "inverted"))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Decision:
    """Allowed, or why not."""

    allowed: bool
    why_zh: str = ""
    why_en: str = ""

    def demand(self) -> None:
        """Raise `NotPermitted` with the reason."""
        if not self.allowed:
            raise NotPermitted(self.why_en)


YES = Decision(True)


class Rights:
    """Rights at one house. `separated` says whether the three administrators are parted."""

    def __init__(self, house: House, separated: Callable[[], bool] = lambda: False) -> None:
        self._house, self._separated = house, separated
        self._lock = threading.Lock()
        self._kept: OrderedDict[Hashable, Any] = OrderedDict()

    # --- calls --------------------------------------------------------------------------------------------------------

    def roles(self, actor: Actor) -> frozenset[str]:
        """The roles that count: with separated administrators the set-up role does not."""
        mine = frozenset(actor.roles)
        if "admin" in mine and not CHECKS.ask(SEPARATE, Reach(), lambda _: not self._separated()):
            mine -= {"admin"}
        return mine

    def may(self, actor: Actor, action: str, type_id: str | None = None, record: Record | None = None) -> Decision:
        """Whether `actor` may do `action`, on a register, on a record."""
        act = actions().get(action)
        if act is None:
            return Decision(False, f"没有登记的操作 {action}", f"no such action {action!r}: the call is not declared")
        roles = self.roles(actor)
        if not CHECKS.ask(CALL, Reach(), lambda _: self._by_role(act, roles, type_id)):
            held = "、".join(sorted(roles)) or "无"
            return Decision(
                False, f"角色({held})不能进行:{act.zh}",
                f"{actor.name} ({', '.join(sorted(roles)) or 'no role'}) may not: {act.en} ({act.id}); "
                f"that needs one of the roles {', '.join(sorted(act.roles - {'system'}))}",
            )  # fmt: skip
        reach = self.reach(actor)
        if act.whole and not CHECKS.ask(WHOLE, reach, lambda mine: mine.whole):
            return Decision(
                False, f"{act.zh}涉及整个节点,需要全辖区权限",
                f"{act.en} ({act.id}) is about the whole node; {actor.name} sees only a part of it",
            )  # fmt: skip
        if type_id is not None and (kind := self._house.types.get(type_id)) is not None:
            readers = frozenset(kind.read_roles)
            if readers and not CHECKS.ask(TYPE, reach, lambda _: bool(roles & (readers | {"admin", "system"}))):
                return Decision(False, f"登记册“{kind.zh}”不对该角色开放", f"the register {type_id} is not open to you")
            if record is not None and not self.sees(reach, kind, record.id, record.data):
                return Decision(False, f"没有{kind.zh} {record.id}", f"no {type_id} {record.id!r}")
        return YES

    def _by_role(self, act: Action, roles: frozenset[str], type_id: str | None) -> bool:
        kind = self._house.types.get(type_id or "")
        writers = frozenset(kind.write_roles) if kind is not None and act.id == "register.write" else frozenset()
        if writers:  # the register itself says who writes it
            return bool(roles & (writers | {"admin", "system"}))
        return bool(roles & act.roles)

    # --- reach --------------------------------------------------------------------------------------------------------

    def reach(self, actor: Actor) -> Reach:
        """How far `actor` sees."""
        return self._remembered(("reach", actor, self._separated()), self._versions("unit"), lambda: self._reach(actor))

    def _reach(self, actor: Actor) -> Reach:
        held = known(self.roles(actor))
        reaches = {one.reach for one in held}
        personal, raw = any(one.personal for one in held), any(one.raw for one in held)
        if reaches & {"none", "shared"} or not held:
            return Reach()
        if "enterprise" in reaches:
            return Reach(enterprise=actor.enterprise, personal=personal, raw=raw)
        units, places = self._units(actor.unit)
        places = actor.jurisdictions or places
        bound = bool(actor.unit or actor.jurisdictions)
        if "all" in reaches or "*" in places or ("bureau" in reaches and not bound):
            return Reach(whole=True, personal=personal, raw=raw)
        return Reach(
            prefixes=prefixes_of(places),
            cells=cells_of(places),
            owners=(actor.name, *units),
            personal=personal,
            raw=raw,
        )

    def _units(self, unit: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Ids and names of a unit and those below it; its jurisdictions."""
        if not unit:
            return (), ()
        every = {one.id: one.data for one in self._house.records.find("unit", limit=EVERYTHING, order="id")}
        if unit not in every:
            return (unit,), ()
        mine, grown = {unit}, True
        while grown:
            below = {id for id, data in every.items() if data.get("parent") in mine} - mine
            mine, grown = mine | below, bool(below)
        names = tuple(text for id in sorted(mine) for text in (id, str(every[id].get("name") or id)))
        return tuple(dict.fromkeys(names)), tuple(every[unit].get("jurisdictions") or ())

    # --- rows ---------------------------------------------------------------------------------------------------------

    def visible(self, actor: Actor, type_id: str) -> Rows | None:
        """The filter for lists of a register; None: all of it."""
        return self.rows(self.reach(actor), self._house.types[type_id])

    def rows(self, reach: Reach, kind: RecordType) -> Rows | None:
        """The same for a reach."""
        if reach.whole:
            return None
        row = _type_rows().get(kind.id, {})
        if row.get("shared") == "yes" and reach.placed:
            return None
        if kind.id == "figure":
            return self._figures(reach)
        path = kind.jurisdiction or row.get("jurisdiction", "")
        owner = kind.owner or row.get("owner", "")
        clauses: list[Clause] = []
        if path:
            hops, field, last = self._walk(kind, path)
            if reach.prefixes:
                clauses.append(Clause(field, reach.prefixes, True, hops))
                if hops and OWN_PLACE in {one.name for one in kind.fields}:  # a case of no site, of a complaint
                    clauses.append(Clause(OWN_PLACE, reach.prefixes, True, (), unless=hops[0][0]))
            if reach.cells:
                clauses += [
                    Clause(one.name, reach.cells, False, hops) for one in last.fields if one.name in ("cell", "cells")
                ]
            if reach.enterprise and hops:
                clauses += self._of_enterprise(reach, hops)
        if owner and reach.owners:
            clauses.append(Clause(owner, reach.owners))
        if reach.enterprise:
            mine = (reach.enterprise,)
            if kind.id == "enterprise":
                clauses.append(Clause("id", mine))
            if kind.id == "site":
                clauses.append(Clause("id", tuple(sorted(self._sites_of_enterprise(reach.enterprise)))))
            clauses += [
                Clause(one.name, mine) for one in kind.fields if one.kind == "reference" and one.to == "enterprise"
            ]
        return Rows(tuple(one for one in clauses if one.values))

    def _of_enterprise(self, reach: Reach, hops: tuple[tuple[str, str], ...]) -> list[Clause]:
        """Records that hang on a site of the enterprise."""
        names = [target for _, target in hops]
        if "site" not in names:
            return []
        upto = hops[: names.index("site") + 1]
        return [Clause("id", tuple(sorted(self._sites_of_enterprise(reach.enterprise))), False, upto)]

    def _figures(self, reach: Reach) -> Rows:
        """Published figures of a division or of a site inside the reach."""
        sites = tuple(f"site:{one}" for one in sorted(self.sites(reach)))
        divisions = tuple(f"city:{one}" for one in reach.prefixes)
        return Rows(tuple(one for one in (Clause("scope", sites), Clause("scope", divisions, True)) if one.values))

    def _walk(self, kind: RecordType, path: str) -> tuple[tuple[tuple[str, str], ...], str, RecordType]:
        *steps, field = path.split(".")
        hops = []
        for name in steps:
            target = kind.field(name).to
            hops.append((name, target))
            kind = self._house.types[target]
        return tuple(hops), field, kind

    def sees(self, reach: Reach, kind: RecordType, record_id: str, data: Mapping[str, Any]) -> bool:
        """Whether a record is within a reach: the same clauses as `rows`, asked of one."""
        found = self.rows(reach, kind)
        return found is None or found.holds(record_id, data, self._follow)

    def _follow(self, type_id: str, record_id: str) -> Mapping[str, Any] | None:
        if type_id == "site":
            site = self._house.sites.get(record_id)
            if site is not None:
                return site.data
        try:
            found: Record = self._house.records.get(type_id, record_id)
        except NotFound:
            return None
        return found.data

    # --- sites: what readings, verdicts, links and events hang on --------------------------------------------------

    def sites(self, reach: Reach) -> frozenset[str]:
        """Ids of the sites within a reach."""
        return self._remembered(("sites", reach), self._versions("site", "outlet"), lambda: self._sites(reach))

    def _sites(self, reach: Reach) -> frozenset[str]:
        kind = self._house.types["site"]
        rows = self.rows(reach, kind)
        every = self._house.sites.all()
        return frozenset(one.id for one in every if rows is None or rows.holds(one.id, one.data, self._follow))

    def _sites_of_enterprise(self, enterprise: str) -> frozenset[str]:
        return self._remembered(
            ("enterprise", enterprise), self._versions("site", "outlet"), lambda: self._owned(enterprise)
        )

    def _owned(self, enterprise: str) -> frozenset[str]:
        find = self._house.records.find
        own = {one.id for one in find("site", {"enterprise": enterprise}, limit=EVERYTHING)}
        outlets = find("outlet", {"enterprise": enterprise}, limit=EVERYTHING)
        return frozenset(own | {str(one.data["site"]) for one in outlets})

    # --- fields -------------------------------------------------------------------------------------------------------

    def fields(self, actor: Actor, type_id: str) -> frozenset[str]:
        """Names of the fields that are shown masked."""
        return masked_fields(self._house.types[type_id], self.reach(actor).personal)

    def forget(self) -> None:
        """Work everything out anew."""
        with self._lock:
            self._kept.clear()

    # --- inside -------------------------------------------------------------------------------------------------------

    def _versions(self, *types: str) -> Hashable:
        versions = self._house.records.versions
        return self._house.sites.version, *(versions.get(one, 0) for one in types)

    def _remembered(self, key: Hashable, version: Hashable, make: Callable[[], T]) -> T:
        with self._lock:
            held = self._kept.get(key)
            if held is not None and held[0] == version:
                self._kept.move_to_end(key)
                found: T = held[1]
                return found
        made = make()
        with self._lock:
            self._kept[key] = version, made
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return made


def masked_fields(kind: RecordType, personal: bool) -> frozenset[str]:
    """Secrets always; personal fields of those without the right."""
    return frozenset(one.name for one in kind.fields if one.secret or (one.personal and not personal))


def _type_rows() -> Mapping[str, Mapping[str, str]]:
    return {row["type"]: row for row in csv_rows("jinyun.domains.people", "types.csv")}
