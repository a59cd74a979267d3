"""What people do to cases that changes more than one record: open, merge, split, cite, contest, tasks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from jinyun.app.services.cases.dispatch import Facts, division_at, suggestions
from jinyun.domains.supervision.deadlines import MILDEST, deadline, deadline_hours
from jinyun.domains.supervision.guards import conditions_of
from jinyun.domains.supervision.records import OPEN_STATES
from jinyun.kernel.errors import BadInput, NotFound, NotPermitted, Refused
from jinyun.kernel.ports import MICRO, SYSTEM, Actor, Record
from jinyun.kernel.terms import china_time

if TYPE_CHECKING:
    from jinyun.app.assemble import House

OPENERS = frozenset({"officer", "admin"})
MOST = 5000
GIVEN = ("title", "kind", "subject", "enterprise", "owner", "person", "place", "level", "complaints", "findings",
         "verdicts", "recovery", "jurisdiction")  # fmt: skip
LINKED: Mapping[str, str] = {"complaints": "complaint", "findings": "inspection_finding"}


class CaseWork:
    """The case desk, for one actor's reach."""

    def __init__(self, house: House) -> None:
        self._house = house

    # --- opening ------------------------------------------------------------------------------------------------------

    def open(self, given: Mapping[str, Any], actor: Actor, *, note: str = "") -> Record:
        """A case by hand: of complaints, findings, verdicts of any domain, or of nothing but what an officer says.

        Raises
        ------
        NotPermitted, InvalidRecord, BadInput
        """
        _demand(actor)
        unknown = [name for name in given if name not in GIVEN]
        if unknown:
            raise BadInput(f"a new case has no {unknown[0]!r}", field=unknown[0], hint=f"it has {', '.join(GIVEN)}")
        self._verdicts(given.get("verdicts") or ())
        level, now = int(given.get("level") or MILDEST), self._now()
        data = {
            **given, "level": level, "opened_at": _iso(now), "overdue": False, "reopened": 0,
            "deadline": _iso(deadline(now, deadline_hours(str(given.get("kind")), level))),
            "jurisdiction": given.get("jurisdiction") or self._division(given),
        }  # fmt: skip
        if data.get("recovery"):  # somebody says there is something to put right: only figures from now on disprove it
            data["counted_from"] = data["opened_at"]
        data = {k: v for k, v in data.items() if v is not None}
        with self._house.records.together():
            case = self._house.records.create("case", data, actor, note=note)
            for name, type_id in LINKED.items():
                for one in given.get(name) or ():
                    self._house.records.update(type_id, one, {"case": case.id}, actor)
        self._changed(case, "open", "新工单", "New case", actor)
        return case

    def _division(self, given: Mapping[str, Any]) -> str | None:
        site = self._house.sites.get(str(given.get("subject") or ""))
        own = str(site.data.get("jurisdiction") or "") if site else ""
        return own or division_at(given.get("place")) or None

    # --- one case of several, several of one --------------------------------------------------------------------------

    def merge(self, case_id: str, into: str, actor: Actor, *, note: str = "", version: int | None = None) -> Record:
        """`case_id` becomes part of `into`, which takes its alarms, verdicts, evidence and recovery conditions. Said
        in both histories; one transaction."""
        _demand(actor)
        with self._house.records.together():
            case, other = self._merge(case_id, into, actor, note=note, version=version)
        self._changed(other, "take_in", "并案", "Cases merged", actor)
        return case

    def _merge(self, case_id: str, into: str, actor: Actor, *, note: str, version: int | None) -> tuple[Record, Record]:
        """The case merged, and the one that took it in."""
        case, other = self._get(case_id), self._get(into)
        if case_id == into:
            raise BadInput("a case is not merged into itself", field="into", hint="name another case")
        if other.state not in OPEN_STATES:
            raise Refused(f"case {into} is {other.state}; merge into a case that is open")
        mine, theirs = case.data, other.data
        changes: dict[str, Any] = {
            name: _union(theirs.get(name), mine.get(name))
            for name in ("alarms", "verdicts", "complaints", "findings", "evidence", "causes", "measures")
            if mine.get(name)
        }
        changes["merged_from"] = _union(theirs.get("merged_from"), [case_id])
        own = conditions_of(theirs)
        further = [one for one in conditions_of(mine) if one not in own]
        if further:
            changes["also"] = [*(theirs.get("also") or ()), *further]
            since = [one for one in (theirs.get("counted_from"), mine.get("counted_from")) if one]
            changes["counted_from"] = max(since, default=None)
        changes["verdicts"] = _union(changes.get("verdicts") or theirs.get("verdicts"), _ids(mine.get("verdict_open")))
        changes["level"] = min(one for one in (mine.get("level"), theirs.get("level"), MILDEST) if one)
        if case_id not in (theirs.get("merged_from") or ()):  # else an earlier version stopped half-way
            other = self._step(other, "take_in", {"from": case_id, "note": note}, actor, changes=changes)
        case = self._step(case, "merge", {"into": into, "note": note}, actor, version=version)
        for alarm in mine.get("alarms") or ():
            self._house.records.update("alarm", alarm, {"case": into}, SYSTEM)
        for name, type_id in LINKED.items():
            for one in mine.get(name) or ():
                self._house.records.update(type_id, one, {"case": into}, actor)
        for task in self._house.records.find("task", {"case": case_id}, limit=MOST):  # they hold the case they are of
            self._house.records.update("task", task.id, {"case": into}, actor)
        return case, other

    def split(
        self, case_id: str, given: Mapping[str, Any], actor: Actor, *, note: str = "", version: int | None = None
    ) -> Record:
        """A new case of some of a case's alarms, verdicts, complaints or findings; both histories say so. One
        transaction.

        Parameters
        ----------
        given : mapping
            ``title``; ids in ``alarms``, ``verdicts``, ``complaints``, ``findings``; perhaps ``kind``, ``owner``,
            ``subject``.
        """
        _demand(actor)
        with self._house.records.together():
            made = self._split(case_id, given, actor, note=note, version=version)
        self._changed(made, "open", "分案", "Split off", actor)
        return made

    def _split(self, case_id: str, given: Mapping[str, Any], actor: Actor, *, note: str, version: int | None) -> Record:
        case = self._get(case_id)
        taken = {name: [str(one) for one in given.get(name) or ()] for name in ("alarms", *LINKED)}
        verdicts = [int(one) for one in given.get("verdicts") or ()]
        sources: dict[str, list[Any]] = {**taken, "verdicts": verdicts}
        for name, ids in sources.items():
            lost = [one for one in ids if one not in (case.data.get(name) or ())]
            if lost:
                raise BadInput(f"case {case_id} has no {name[:-1]} {lost[0]}", field=name)
        if not verdicts and not any(taken.values()):
            raise BadInput("nothing is split off", field="alarms", hint="name alarms, verdicts, complaints or findings")
        alarms = [self._house.records.get("alarm", one) for one in taken["alarms"]]
        subjects = {str(one.data.get("subject")) for one in alarms}
        conditions = conditions_of(case.data)
        moved = [one for one in conditions if one["subject"] in subjects] if len(conditions) > 1 else []
        subject = given.get("subject") or (subjects.pop() if len(subjects) == 1 else case.data.get("subject"))
        now, level = self._now(), int(case.data.get("level") or MILDEST)
        kind = given.get("kind") or case.data["kind"]
        data: dict[str, Any] = {
            "title": given.get("title") or f"{case.data['title']}（分案）", "kind": kind, "subject": subject,
            "enterprise": case.data.get("enterprise"), "owner": given.get("owner") or case.data.get("owner"),
            "place": case.data.get("place"), "jurisdiction": case.data.get("jurisdiction"), "level": level,
            "opened_at": _iso(now), "deadline": _iso(deadline(now, deadline_hours(str(kind), level))),
            "overdue": False, "reopened": 0, "split_from": case_id, "verdicts": verdicts,
            "verdict_open": next((one.data.get("verdict_open") for one in alarms), None),
            "matter": f"{kind}|{subject}" if subject and subject != case.data.get("subject") else None,
            "recovery": moved[0] if moved else (case.data.get("recovery") if alarms else None),
            "also": moved[1:], "counted_from": case.data.get("counted_from"), **taken,
        }  # fmt: skip
        data = {name: value for name, value in data.items() if value not in (None, [])}
        made = self._house.records.create("case", data, actor, note=note or f"分自 {case_id}")
        stays = [one for one in conditions if one not in moved]
        changes: dict[str, Any] = {
            "verdicts": [one for one in case.data.get("verdicts") or () if one not in verdicts],
            **{name: [one for one in case.data.get(name) or () if one not in ids] for name, ids in taken.items()},
            "recovery": stays[0] if stays else None, "also": stays[1:],
        }  # fmt: skip
        changes = {name: value or None for name, value in changes.items()}
        case = self._step(case, "split_off", {"to": made.id, "note": note}, actor, changes=changes, version=version)
        for name, type_id in (("alarms", "alarm"), *LINKED.items()):
            for one in taken[name]:
                self._house.records.update(type_id, one, {"case": made.id}, SYSTEM if name == "alarms" else actor)
        return made

    def cite(self, case_id: str, verdicts: Sequence[int], actor: Actor, *, note: str = "") -> Record:
        """The case rests on these verdicts too, of whatever domain."""
        case = self._get(case_id)
        self._verdicts(verdicts)
        changes = {"verdicts": _union(case.data.get("verdicts"), verdicts)}
        case = self._step(case, "cite", {"verdicts": list(verdicts), "note": note}, actor, changes=changes)
        self._changed(case, "cite", "引用评价", "Verdicts cited", actor)
        return case

    # --- contest ------------------------------------------------------------------------------------------------------

    def contest(self, case_id: str, given: Mapping[str, Any], actor: Actor) -> Record:
        """The enterprise contests a verdict of the case, the one it was opened by when none is named."""
        case = self._get(case_id)
        verdict = given.get("verdict") or case.data.get("verdict_open")
        if verdict is not None:
            self._verdicts([verdict])
        filled = {"text": given.get("text"), "files": given.get("files") or None, "verdict": verdict, "contest": "open"}
        changes = {"contest_reply": None, "contest_verdict_after": None}
        case = self._step(case, "contest_it", _filled(filled), actor, changes=changes)
        self._changed(case, "contest_it", "企业申辩", "Contested", actor)
        return case

    def answer_contest(self, case_id: str, given: Mapping[str, Any], actor: Actor) -> Record:
        """The reply; the verdict as it is now stays beside the one that was contested."""
        case = self._get(case_id)
        if case.data.get("contest") != "open":
            raise Refused(f"case {case_id} has no contest that waits for a reply")
        after = given.get("verdict") or self._as_now(case.data.get("contest_verdict"))
        if after is not None:
            self._verdicts([after])
        filled = {
            "text": given.get("text"), "outcome": given.get("outcome"), "files": given.get("files") or None,
            "verdict": after,
        }  # fmt: skip
        case = self._step(case, "answer_contest", _filled(filled), actor)
        self._changed(case, "answer_contest", "申辩已答复", "Contest answered", actor)
        return case

    def _as_now(self, verdict: Any) -> int | None:
        if verdict is None:
            return None
        one = self._house.verdicts.get(int(verdict))
        now = self._house.verdicts.current(one.judge, one.subject, one.window)
        return now.id if now is not None else one.id

    # --- tasks --------------------------------------------------------------------------------------------------------

    def suggest(self, case_id: str) -> list[dict[str, Any]]:
        """Units for a case, by cell, reach and division, with who is on duty."""
        return [one.as_dict() for one in self._suggested(self._get(case_id))]

    def task(self, case_id: str, given: Mapping[str, Any], actor: Actor) -> Record:
        """A task of the case, for the unit named or else for the nearest."""
        _demand(actor)
        case = self._get(case_id)
        found = self._suggested(case)
        nearest = next((one for one in found if given.get("owner") in (None, one.owner, one.name)), None)
        owner = given.get("owner") or (nearest.owner if nearest else None)
        if not owner:
            raise BadInput("no unit covers the place of the case", field="owner", hint="name a unit")
        data = {
            "title": given.get("title") or case.data["title"], "kind": given.get("kind") or "check", "case": case_id,
            "owner": owner, "person": given.get("person") or (nearest.person if nearest else None) or None,
            "why": nearest.grounds if nearest else None, "place": given.get("place") or case.data.get("place"),
            "jurisdiction": case.data.get("jurisdiction") or self._division(case.data),
            "site": case.data.get("subject"), "level": case.data.get("level") or MILDEST,
            "instructions": given.get("instructions"),
        }  # fmt: skip
        return self._house.records.create("task", _filled(data), actor)

    def _suggested(self, case: Record) -> list[Any]:
        records = self._house.records
        site = self._house.sites.get(str(case.data.get("subject") or ""))
        of_site: Mapping[str, Any] = site.data if site else {}
        km = of_site.get("order_km")
        facts = Facts(
            kind=str(case.data["kind"]), place=case.data.get("place") or of_site.get("place"),
            jurisdiction=str(case.data.get("jurisdiction") or of_site.get("jurisdiction") or ""),
            river=str(of_site.get("river") or ""), order_km=None if km is None else Decimal(str(km)),
        )  # fmt: skip
        return suggestions(
            facts, cells=records.find("cell", limit=MOST), units=records.find("unit", limit=MOST, order="id"),
            reaches=records.find("river_reach", {"river": facts.river}, limit=MOST) if facts.river else (),
            duties=records.find("duty", limit=MOST), now=datetime.fromtimestamp(self._now(), UTC),
        )  # fmt: skip

    # --- inside -------------------------------------------------------------------------------------------------------

    def _get(self, case_id: str) -> Record:
        found: Record = self._house.records.get("case", case_id)
        return found

    def _verdicts(self, ids: Sequence[Any]) -> None:
        wanted = [int(one) for one in ids]
        known = self._house.verdicts.get_many(wanted)
        for one in wanted:
            if one not in known:
                raise NotFound("verdict", one)

    def _step(self, case: Record, step: str, given: Mapping[str, Any], actor: Actor, **more: Any) -> Record:
        context = {**self._house.act.case_context(case.id), "desk": True}
        taken: Record = self._house.records.step(
            "case", case.id, step, _filled(given), actor, context=context, note=str(given.get("note") or ""), **more
        )
        return taken

    def _changed(self, case: Record, step: str, zh: str, en: str, actor: Actor) -> None:
        self._house.act.case_changed(case.id)
        title = case.data.get("title")
        self._house.bus.publish(
            "case",
            {
                "at": self._house.clock.now(), "id": case.id, "ref": case.id, "step": step, "state": case.state,
                "actor": actor.name, "subject": case.data.get("subject"), "level": case.data.get("level"),
                "title": title, "version": case.version, "zh": f"{zh}：{title}", "en": f"{en}: {title}",
            },
        )  # fmt: skip

    def _now(self) -> int:
        return self._house.clock.now() // MICRO


def _demand(actor: Actor) -> None:
    if not OPENERS & set(actor.roles):
        raise NotPermitted(f"{actor.name}: this needs one of the roles {', '.join(sorted(OPENERS))}")


def _iso(at: int) -> str:
    return china_time(at).isoformat()


def _ids(value: Any) -> list[int]:
    return [] if value is None else [int(value)]


def _filled(given: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in given.items() if value not in (None, "", [])}


def _union(one: Sequence[Any] | None, other: Sequence[Any] | None) -> list[Any]:
    """Both, each once, in order."""
    made = list(one or ())
    made += [each for each in other or () if each not in made]
    return made
