"""Corrections in sessions: drafted, previewed down to alarms and period figures, accepted; then everything follows.

Accepting writes the session's new state first. Then the versions are stored and exactly the windows that rest on them
are judged again; what was cut short by a kill is found in the records at the next start and done to its end.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import structlog

from jinyun.app.services.correction_words import limit_rows, reading_rows, reason_list, verdict_rows, window_rows
from jinyun.app.services.correction_words import period_rows as words_of_periods
from jinyun.app.services.periods import Periods
from jinyun.app.services.words import record_dict
from jinyun.domains.emission import marking
from jinyun.domains.warehouse.corrections import Edit, checked_edit, digest_of, edit_of, reasons
from jinyun.judge.cascade import Cascade, Foreseen
from jinyun.judge.edits import Resolved, Resolver
from jinyun.judge.overlay import Overlay
from jinyun.kernel.errors import BadInput, Busy, JinyunError, NotFound, NotPermitted, Refused
from jinyun.kernel.ports import SYSTEM, Actor, Arrival, Block, Record
from jinyun.kernel.terms import Origin, Period, Verdict, china_time

if TYPE_CHECKING:
    from jinyun.app.assemble import House

log = structlog.get_logger("corrections")

MAKERS = frozenset({"officer", "admin"})
SPACE = "correction"
PATIENCE_S = 1.5  # a preview or cascade that is done by then is answered at once
RESULTS_KEPT = 24
PAGES = 500  # rows of each list that a result shows
WINDOWS_SHOWN = 200
BEHIND_AT_MOST = 5_000  # frames: kept windows further behind follow in their own job
MARK = "mark:"  # reason codes of 公告2022年第21号

DependentsOf = Callable[[Sequence[int]], Sequence[Mapping[str, Any]]]


@dataclass(slots=True)
class Work:
    """A preview or a cascade under way."""

    kind: str  # preview, cascade
    session: str
    state: str = "running"  # done, failed, cancelled
    done: int = 0
    total: int = 0
    problem: str = ""
    began: float = field(default_factory=time.monotonic)
    seconds: float = 0.0
    over: threading.Event = field(default_factory=threading.Event)
    stop: threading.Event = field(default_factory=threading.Event)

    def as_dict(self) -> dict[str, Any]:
        return {
            "kind": self.kind, "state": self.state, "done": self.done, "total": self.total, "problem": self.problem,
            "seconds": round(self.seconds or time.monotonic() - self.began, 3),
        }  # fmt: skip


class Corrections:
    """Sessions of corrections of one house."""

    def __init__(self, house: House, periods: Periods | None = None) -> None:
        self._house, self._periods = house, periods or Periods(house)
        self._works: OrderedDict[str, Work] = OrderedDict()
        self._results: OrderedDict[str, dict[str, Any]] = OrderedDict()
        self._edits: dict[str, tuple[Edit, ...]] = {}
        self._lock = threading.Lock()
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
        work = self._start("preview", id, lambda one: self._preview(record, one))
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
        result = self._result_of(record, resolved, told)
        now = self._iso()
        changes = {
            "previewed_digest": digest_of(record.data["edits"]), "previewed_at": now, "counts": result["counts"],
            "sites": self._sites_of(resolved, told), "data_digest": _digest_of_data(resolved),
        }  # fmt: skip
        self._house.records.step(
            "correction", record.id, "preview", {}, SYSTEM, changes=changes, version=record.version
        )
        self._keep(record.id, result)

    def _foresee(self, resolved: Resolved, work: Work) -> Foreseen:
        def progress(done: int, total: int) -> None:
            work.done, work.total = done, total

        return self._cascade().foresee(resolved, progress=progress, stopped=work.stop.is_set)

    def _result_of(self, record: Record, resolved: Resolved, told: Foreseen) -> dict[str, Any]:
        """All that would follow, as a page shows it."""
        house = self._house
        pairs: list[tuple[Verdict, Verdict | None]] = [(one.would, one.was) for one in told.changes]
        acted = house.act.foresee(pairs)
        rests = [one.was.id for one in told.changes if one.was is not None]
        figures = [dict(one) for one in self.dependents_of(rests)] if self.dependents_of is not None and rests else []
        periods = words_of_periods(house, self._periods, told.changes)
        counts = {
            "readings": len(resolved.rows), "unchanged": resolved.unchanged, "left": resolved.left,
            "limits": len(resolved.limits), "windows": told.judged, "running": told.running, "same": told.same,
            "changed": sum(bool(one.changed) for one in told.changes),
            "renewed": sum(not one.changed for one in told.changes), "flips": sum(one.flips for one in told.changes),
            "alarms": len(acted["alarms"]), "cases": len(acted["cases"]), "figures": len(figures),
            "periods": len(periods), "problems": len(told.problems),
        }  # fmt: skip
        readings = reading_rows(resolved, PAGES)
        windows, kept = window_rows(house, resolved, WINDOWS_SHOWN)
        counts |= {"kept_windows": len(kept.changes), "kept_same": kept.same}
        verdicts = verdict_rows(house, told.changes, PAGES)
        return {
            "counts": counts, "readings": readings, "limits": limit_rows(resolved.limits), "verdicts": verdicts,
            "windows": windows,
            "alarms": acted["alarms"][:PAGES], "cases": acted["cases"][:PAGES], "figures": figures[:PAGES],
            "periods": periods, "problems": told.problems[:50], "warnings": self._warnings(record, resolved),
            "cut": {
                "readings": max(0, len(resolved.rows) - len(readings)),
                "verdicts": max(0, len(told.changes) - len(verdicts)), "windows": len(kept.changes) - len(windows),
            },
        }  # fmt: skip

    def _warnings(self, record: Record, resolved: Resolved) -> list[dict[str, str]]:
        """A manual mark after noon of the next day changes nothing by the rules: said before it is accepted."""
        reason = str(record.data.get("reason") or "")
        if not reason.startswith(MARK) or not len(resolved.rows):
            return []
        now = self._house.clock.now() // 1_000_000
        days = {china_time(int(at)).date() for at in np.unique(resolved.rows.time // 3600 * 3600)}
        late = sorted(day for day in days if not marking.in_time(day, now))
        if not late:
            return []
        zh = f"{late[0]} 等 {len(late)} 天的标记已过次日12时，按公告2022年第21号不再有效，数据照用"
        en = f"marks for {late[0]} ({len(late)} days) come after noon of the next day: by the rules the data stand"
        return [{"zh": zh, "en": en}]

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
        work = self._start("cascade", id, lambda one: self._follow(record, one))
        work.over.wait(None if wait else PATIENCE_S)
        return self.get(id)

    def _still_as_seen(self, record: Record) -> None:
        resolved = self._resolver().resolve([edit_of(one) for one in record.data.get("edits") or ()])
        if record.data.get("data_digest") != _digest_of_data(resolved):
            zh, en = "预览后数据有变化，请重新预览", "the data changed since the preview: preview it again"
            raise Refused(en, missing=[{"code": "preview", "zh": zh, "en": en}])

    def _follow(self, record: Record, work: Work) -> None:
        """Store the versions, judge the windows, say that it is done. Doing it twice changes nothing."""
        house = self._house
        with self._one_cascade:
            limits_before = record.data.get("limits_before") or {}
            resolver = self._resolver(own=record.id, limits_before=limits_before)
            resolved = resolver.resolve([edit_of(one) for one in record.data.get("edits") or ()])
            self._store(record, resolved)
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

    def _store(self, record: Record, resolved: Resolved) -> None:
        """The new versions, each frame with author, reason and session; those already there are left."""
        house, rows = self._house, resolved.rows
        if len(rows):
            series, moment = np.unique(rows.series).tolist(), rows.time
            every = house.readings.read_versions(series, int(moment.min()), int(moment.max()) + 1)
            sessions = house.readings.correction_sessions(every.seq)
            mine = np.array([seq for seq, name in sessions.items() if name == record.id], np.int64)
            there = np.isin(every.seq, mine)
            stored = set(zip(every.series[there].tolist(), every.time[there].tolist(), strict=True))
            for block in self._blocks(record, resolved, stored):
                house.readings.put(block)
            house.readings.flush()
        for limit in resolved.limits:
            present = house.records.get(limit.type, limit.id).data
            changes = {
                name: limit.after.get(name)
                for name in {*limit.before, *limit.after}
                if limit.before.get(name) != limit.after.get(name) and present.get(name) != limit.after.get(name)
            }
            if changes:
                note = f"{record.data['title']} ({record.id})"
                house.records.update(limit.type, limit.id, changes, Actor(record.data["author"], ()), note=note)

    def _blocks(self, record: Record, resolved: Resolved, stored: set[tuple[int, int]]) -> Any:
        rows, received = resolved.rows, self._house.clock.now()
        reason = _reason_words(record)
        period = np.array([int(resolved.series[int(s)][1].period) for s in rows.series], np.uint8)
        site = [resolved.series[int(s)][0] for s in rows.series]
        order = sorted(range(len(rows)), key=lambda n: (int(rows.time[n]), int(period[n]), site[n]))
        group: list[int] = []
        for place, n in enumerate(order):
            group.append(n)
            nearest = order[place + 1] if place + 1 < len(order) else None
            if nearest is None or (rows.time[nearest], period[nearest], site[nearest]) != (
                rows.time[n], period[n], site[n],
            ):  # fmt: skip
                kept = [i for i in group if (int(rows.series[i]), int(rows.time[i])) not in stored]
                if kept:
                    yield Block(
                        int(rows.time[n]), rows.series[kept].astype(np.int32), rows.value[kept], rows.flag[kept],
                        received, Origin.CORRECTION, "", site[n], None, record.data["author"], reason,
                        Period(int(period[n])), record.id,
                    )  # fmt: skip
                group = []

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

    def _start(self, kind: str, session: str, what: Callable[[Work], None]) -> Work:
        work = Work(kind, session)
        with self._lock:
            present = self._works.get(session)
            if present is not None and not present.over.is_set():
                raise Busy(f"session {session} is at work: {present.kind} {present.done} of {present.total}")
            self._works[session] = work
            self._works.move_to_end(session)
            while len(self._works) > RESULTS_KEPT:
                self._works.popitem(last=False)

        def run() -> None:
            try:
                what(work)
                work.state = "cancelled" if work.stop.is_set() else "done"
            except JinyunError as wrong:
                work.state, work.problem = "failed", str(wrong)
            except Exception as wrong:  # the session stays as it is and can be tried again
                work.state, work.problem = "failed", f"{type(wrong).__name__}: {wrong}"
                log.exception("correction failed", kind=kind, session=session)
            work.seconds = time.monotonic() - work.began
            work.over.set()

        threading.Thread(target=run, name=f"correction-{kind}", daemon=True).start()
        return work

    def _forget(self, id: str) -> None:
        work = self._works.pop(id, None)
        if work is not None:
            work.stop.set()
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


def _reason_words(record: Record) -> str:
    return f"{record.data['reason']}: {record.data['reason_text']}"


def _digest_of_data(resolved: Resolved) -> str:
    """Of the versions a session would make and of those it saw: changes when anything it speaks of does."""
    found = hashlib.sha256()
    for part in (resolved.rows, resolved.was):  # not the seq of the rows: it is provisional
        for column in (part.series, part.time, part.value, part.flag):
            found.update(np.ascontiguousarray(column).tobytes())
    found.update(resolved.was.seq.tobytes())
    found.update(
        repr([(one.id, sorted(one.before.items()), sorted(one.after.items())) for one in resolved.limits]).encode()
    )
    return found.hexdigest()
