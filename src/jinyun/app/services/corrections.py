"""Corrections in sessions: drafted, previewed down to alarms and period figures, accepted; then everything follows.

Accepting writes the session's new state first. Then the versions are stored and exactly the windows that rest on them
are judged again; what was cut short by a kill is found in the records at the next start and done to its end.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import structlog

from jinyun.app.services.correction_figures import DependentsOf
from jinyun.app.services.correction_result import digest_of_data, result_of
from jinyun.app.services.correction_store import store_versions
from jinyun.app.services.correction_words import reason_list
from jinyun.app.services.correction_works import Work, Works
from jinyun.app.services.periods import Periods
from jinyun.app.services.words import record_dict
from jinyun.domains.warehouse.corrections import Edit, checked_edit, digest_of, edit_of, reasons
from jinyun.judge.cascade import Cascade, Foreseen
from jinyun.judge.edits import Resolved, Resolver
from jinyun.judge.overlay import Overlay
from jinyun.kernel.errors import BadInput, NotFound, NotPermitted, Refused
from jinyun.kernel.ports import SYSTEM, Actor, Arrival, Record
from jinyun.kernel.terms import china_time

if TYPE_CHECKING:
    from jinyun.app.assemble import House

log = structlog.get_logger("corrections")

MAKERS = frozenset({"officer", "admin"})
SPACE = "correction"
PATIENCE_S = 1.5  # a preview or cascade that is done by then is answered at once
RESULTS_KEPT = 24
BEHIND_AT_MOST = 5_000  # frames: kept windows further behind follow in their own job


class Corrections:
    """Sessions of corrections of one house."""

    def __init__(self, house: House, periods: Periods | None = None) -> None:
        self._house, self._periods = house, periods or Periods(house)
        self._works = Works()
        self._results: OrderedDict[str, dict[str, Any]] = OrderedDict()
        self._edits: dict[str, tuple[Edit, ...]] = {}
        self._one_cascade = threading.Lock()
        self.dependents_of: DependentsOf | None = None
        """Published figures that rest on some verdicts; set by whoever publishes."""

    # --- sessions -----------------------------------------------------------------------------------------------------

    def reasons(self) -> list[dict[str, Any]]:
        """Reasons to choose from: the warehouse's, and the marks of 公告2022年第21号."""
        return reason_list()

    def create(self, data: Mapping[str, Any], actor: Actor) -> dict[str, Any]:
        """A new session: title, reason, reason_text, edits, evidence. Raises `BadInput`, `NotPermitted`."""
        _allowed(actor)
        fields = self._fields(data)
        record = self._house.records.create("correction", {**fields, "author": actor.name}, SYSTEM, note=actor.name)
        return self._told(record)

    def edit(self, id: str, data: Mapping[str, Any], actor: Actor, *, version: int | None = None) -> dict[str, Any]:
        """Change a session that is not accepted yet; `add` appends edits, `edits` replaces them."""
        _allowed(actor)
        record = self._record(id)
        merged = {**record.data, **{name: value for name, value in data.items() if name != "add"}}
        merged["edits"] = [*(merged.get("edits") or ()), *(data.get("add") or ())]
        fields = self._fields(merged)
        record = self._house.records.step(
            "correction", id, "edit", {}, SYSTEM, changes=fields, version=version, note=actor.name
        )
        self._forget(id)
        return self._told(record)

    def drop(self, id: str, actor: Actor, *, note: str = "") -> dict[str, Any]:
        """Give a session up; its record stays."""
        _allowed(actor)
        self._forget(id)
        return self._told(self._house.records.step("correction", id, "drop", {}, SYSTEM, note=note or actor.name))

    def sessions(self, *, state: str = "", site: str = "", limit: int = 100, offset: int = 0) -> dict[str, Any]:
        """Sessions, newest first."""
        where = {"sites": site} if site else {}
        states = [one for one in state.split(",") if one]
        records = self._house.records
        found = records.find("correction", where, states=states, order="-created_at", limit=limit, offset=offset)
        return {"items": [self._told(one) for one in found], "total": records.count("correction", where, states=states)}

    def get(self, id: str) -> dict[str, Any]:
        """A session with what its preview or its cascade came to, and its history."""
        record = self._record(id)
        history = [
            {"at": one.at, "step": one.step, "state": one.state_after, "note": one.note, "version": one.version}
            for one in self._house.records.history("correction", id)
        ]
        return {**self._told(record), "result": self._result(id), "history": history}

    # --- preview ------------------------------------------------------------------------------------------------------

    def preview(self, id: str, actor: Actor, *, wait: bool = False) -> dict[str, Any]:
        """Work out what the session would change; the session with the result, or with how far the work is."""
        _allowed(actor)
        record = self._record(id)
        if record.state not in ("draft", "previewed"):
            raise Refused(f"session {id} is {record.state}: only a draft is previewed")
        if not record.data.get("edits"):
            raise BadInput("the session has no edits", field="edits", hint="add what shall be corrected")
        work = self._works.start("preview", id, lambda one: self._preview(record, one))
        work.over.wait(None if wait else PATIENCE_S)
        if work.state == "failed" and wait:
            raise BadInput(work.problem)
        return self.get(id)

    def _preview(self, record: Record, work: Work) -> None:
        edits = [edit_of(one) for one in record.data["edits"]]
        resolved = self._resolver().resolve(edits)
        told = self._foresee(resolved, work)
        if work.stop.is_set():
            return
        result = result_of(self._house, self._periods, self.dependents_of, record=record, resolved=resolved, told=told)
        now = self._iso()
        changes = {
            "previewed_digest": digest_of(record.data["edits"]), "previewed_at": now, "counts": result["counts"],
            "sites": self._sites_of(resolved, told), "data_digest": digest_of_data(resolved),
        }  # fmt: skip
        self._house.records.step(
            "correction", record.id, "preview", {}, SYSTEM, changes=changes, version=record.version
        )
        self._keep(record.id, result)

    def _foresee(self, resolved: Resolved, work: Work) -> Foreseen:
        def progress(done: int, total: int) -> None:
            work.done, work.total = done, total

        return self._cascade().foresee(resolved, progress=progress, stopped=work.stop.is_set)

    # --- accepting ----------------------------------------------------------------------------------------------------

    def accept(self, id: str, actor: Actor, *, note: str = "", wait: bool = False) -> dict[str, Any]:
        """Make a previewed session true; the session, done or with how far it is.

        Raises
        ------
        Refused
            When it was edited since its preview, or the data it speaks of changed since.
        """
        _allowed(actor)
        record = self._record(id)
        if record.state == "previewed":
            self._still_as_seen(record)
        before = {
            edit["id"]: dict(self._house.records.get(edit["type"], edit["id"]).data)
            for edit in record.data.get("edits") or ()
            if edit["kind"] == "limit"
        }
        changes = {
            "accepted_by": actor.name, "accepted_at": self._iso(), "cascade": "pending", "limits_before": before,
        }  # fmt: skip
        record = self._house.records.step(
            "correction", id, "accept", {}, SYSTEM, changes=changes, version=record.version, note=note or actor.name
        )
        work = self._works.start("cascade", id, lambda one: self._follow(record, one))
        work.over.wait(None if wait else PATIENCE_S)
        return self.get(id)

    def _still_as_seen(self, record: Record) -> None:
        resolved = self._resolver().resolve([edit_of(one) for one in record.data.get("edits") or ()])
        if record.data.get("data_digest") != digest_of_data(resolved):
            zh, en = "预览后数据有变化，请重新预览", "the data changed since the preview: preview it again"
            raise Refused(en, missing=[{"code": "preview", "zh": zh, "en": en}])

    def _follow(self, record: Record, work: Work) -> None:
        """Store the versions, judge the windows, say that it is done. Doing it twice changes nothing."""
        house = self._house
        with self._one_cascade:
            limits_before = record.data.get("limits_before") or {}
            resolver = self._resolver(own=record.id, limits_before=limits_before)
            resolved = resolver.resolve([edit_of(one) for one in record.data.get("edits") or ()])
            store_versions(house, record, resolved)
            over, running = self._cascade().dirty(resolved)
            overlay = Overlay(house.readings)
            work.total = len(over)
            with house.act.together():
                mark = house.verdicts.newest_id()
                house.judge.judge_windows(self._pieces(overlay, over, work), overlay)
            self._touch(resolved, {key.site for key in running})
            if len(resolved.rows) and house.windows.behind() <= BEHIND_AT_MOST:
                house.windows.catch_up()
            for edit in record.data.get("edits") or ():
                if edit["kind"] == "withdraw":
                    house.records.update("correction", edit["session"], {"withdrawn_by": record.id}, SYSTEM)
            counts = {
                **(record.data.get("counts") or {}), "readings": len(resolved.rows), "windows": len(over),
                "stored": house.verdicts.newest_id() - mark,
            }  # fmt: skip
            done = {"cascade": "done", "done_at": self._iso(), "counts": counts}
            house.records.update("correction", record.id, done, SYSTEM, note="cascade")

    def _pieces(self, overlay: Overlay, keys: Sequence[Any], work: Work) -> Any:
        for piece in self._cascade().held(overlay, keys):
            yield piece
            work.done += len(piece)

    def _touch(self, resolved: Resolved, sites: set[str]) -> None:
        """Windows that still run are the judge room's own."""
        now, rows = self._house.clock.now(), resolved.rows
        recent = rows.time >= now // 1_000_000 - 3 * 86400
        marks = {
            (resolved.series[s], t // 3600 * 3600)
            for s, t in zip(rows.series[recent].tolist(), rows.time[recent].tolist(), strict=True)
            if resolved.series[s][0] in sites
        }
        for (site, like), hour in marks:
            self._house.judge.touch(Arrival(site, "", like.period, hour, now))

    def resume(self) -> int:
        """At start: finish cascades that a kill cut short; how many."""
        found = self._house.records.find("correction", {"cascade": "pending"}, states=("accepted",), limit=1000)
        for record in sorted(found, key=lambda one: str(one.data.get("accepted_at"))):
            log.warning("cascade resumed", session=record.id)
            self._follow(record, Work("cascade", record.id))
        return len(found)

    # --- inside -------------------------------------------------------------------------------------------------------

    def _resolver(self, *, own: str = "", limits_before: Mapping[str, Any] | None = None) -> Resolver:
        house = self._house
        house.readings.flush()
        return Resolver(house.readings, house.records, self._edits_of, own=own, limits_before=limits_before)

    def _cascade(self) -> Cascade:
        house = self._house
        return Cascade(
            judges=house.judge.judges, readings=house.readings, records=house.records, verdicts=house.verdicts,
            sites=house.sites.get, clock=house.clock,
        )  # fmt: skip

    def _edits_of(self, session: str) -> Sequence[Edit]:
        """Edits of an accepted session; kept, since they never change."""
        known = self._edits.get(session)
        if known is None:
            record = self._record(session)
            if record.state != "accepted":
                raise Refused(f"session {session} is {record.state}: only an accepted one can be withdrawn")
            known = self._edits[session] = tuple(edit_of(one) for one in record.data.get("edits") or ())
        return known

    def _fields(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """What a person gives of a session, checked."""
        known = {**reasons(), **{one["code"]: None for one in reason_list()}}
        reason = str(data.get("reason") or "")
        if reason not in known:
            raise BadInput(f"no reason {reason!r}", field="reason", hint=f"one of {', '.join(known)}")
        for name in ("title", "reason_text"):
            if not str(data.get(name) or "").strip():
                raise BadInput(f"a correction needs its {name}", field=name, hint="say what is corrected and why")
        edits = [checked_edit(one) for one in data.get("edits") or ()]
        for edit in edits:
            if edit.get("site") and self._house.sites.get(edit["site"]) is None:
                raise NotFound("site", edit["site"], known=[one.id for one in self._house.sites.all()])
        return {
            "title": str(data["title"]).strip(), "reason": reason, "reason_text": str(data["reason_text"]).strip(),
            "edits": edits, "evidence": [str(one) for one in data.get("evidence") or ()],
            "sites": sorted({edit["site"] for edit in edits if edit.get("site")}),
        }  # fmt: skip

    def _record(self, id: str) -> Record:
        return self._house.records.get("correction", id)

    def _told(self, record: Record) -> dict[str, Any]:
        work = self._works.get(record.id)
        told = record_dict(record, self._house.types["correction"], ("admin",))
        return {**told, "work": work.as_dict() if work else None}

    def _forget(self, id: str) -> None:
        self._works.forget(id)
        self._results.pop(id, None)

    def _keep(self, id: str, result: dict[str, Any]) -> None:
        self._results[id] = result
        self._results.move_to_end(id)
        while len(self._results) > RESULTS_KEPT:
            self._results.popitem(last=False)
        self._house.kv.set(SPACE, id, {**result, **{n: result[n][:100] for n in ("readings", "verdicts", "windows")}})

    def _result(self, id: str) -> dict[str, Any] | None:
        return self._results.get(id) or self._house.kv.get(SPACE, id)

    def _sites_of(self, resolved: Resolved, told: Foreseen) -> list[str]:
        return sorted({*resolved.sites(), *(one.site for one in told.changes)})

    def _iso(self) -> str:
        return china_time(self._house.clock.now() // 1_000_000).isoformat()


def _allowed(actor: Actor) -> None:
    if not MAKERS & set(actor.roles):
        raise NotPermitted(f"a correction needs one of the roles {', '.join(sorted(MAKERS))}")
