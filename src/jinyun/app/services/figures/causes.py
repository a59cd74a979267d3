"""Why a published figure rests on other inputs today than on its day: every cause once, and nothing else.

Causes are found from what the stores keep, not guessed from times: the verdict of then against the verdict of today on
the same window, the versions of each reading between the two, the frames that carried those, the editions both name,
the history of the sites' records. Kinds:

==============  =======================================================================================
correction      a correction session (or frame) put a new version of a reading; one cause a session
resent          the device or a back-fill sent another value for a reading that was there; one a site
late            readings of days that count arrived after publishing; one a site
edition         verdicts, or the period itself, are judged by another edition of a standard
code            the same readings, edition and records give another verdict: another version of the code
record          a record the figure rests on was changed (target class, zone, limit); one a change
site_added      a site counts that did not
site_removed    a site does not count any more
period          the period was not over when it was published: its further days
rejudged        a window was judged (again) after publishing on data that were there before
==============  =======================================================================================
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from jinyun.app.services.figures.evidence import series_name
from jinyun.app.services.figures.moments import Answer, Key, Moment, Question, Stores
from jinyun.app.services.periods.spans import day_of
from jinyun.app.services.words import factor_words, plain
from jinyun.domains.warehouse.figures import site_basis
from jinyun.kernel.ports import HistoryEntry
from jinyun.kernel.terms import Frame, Origin, Reading, Verdict, china_time

Words = tuple[str, str]
_Refs = dict[tuple[int, int], int]  # (series, time) -> seq of the version that is cited
_Pair = tuple[_Refs, _Refs]  # then, now
_Kept = tuple[Mapping[tuple[int, int], Sequence[Reading]], Mapping[int, Frame]]  # versions and their frames
_STEPS: Mapping[str, Words] = {
    "late": ("迟到数据", "late data"), "resent": ("重新上报", "sent again"), "correction": ("数据更正", "correction"),
}  # fmt: skip


@dataclass(slots=True)
class Cause:
    """One thing that happened since."""

    kind: str
    key: tuple[Any, ...]
    zh: str = ""
    en: str = ""
    at: int | None = None  # [µs]
    by: str = ""
    reason: str = ""
    session: str = ""
    was: Any = None
    now: Any = None
    readings: dict[tuple[int, int, int], dict[str, Any]] = field(default_factory=dict)
    windows: dict[Key, dict[str, Any]] = field(default_factory=dict)

    def join(self, other: Cause) -> None:
        self.readings |= other.readings
        self.windows |= other.windows
        if other.at is not None:
            self.at = other.at if self.at is None else min(self.at, other.at)

    def as_dict(self) -> dict[str, Any]:
        zh, en = sentences(self)
        return {
            "kind": self.kind, "sentence_zh": zh, "sentence_en": en, "at": self.at, "by": self.by,
            "reason": self.reason, "session": self.session, "was": self.was, "now": self.now,
            "readings": sorted(self.readings.values(), key=lambda one: (one["time"], one["series"], one["seq"])),
            "verdicts": [self.windows[key] for key in sorted(self.windows, key=lambda k: (k[2], k[1], k[0]))],
        }  # fmt: skip


class Causes:
    """Collects causes; the same one found twice is one."""

    def __init__(self) -> None:
        self.found: dict[tuple[Any, ...], Cause] = {}

    def add(self, cause: Cause) -> None:
        known = self.found.get(cause.key)
        if known is None:
            self.found[cause.key] = cause
        else:
            known.join(cause)

    def listed(self) -> list[Cause]:
        return sorted(self.found.values(), key=lambda one: (one.kind, one.at or 0, str(one.key)))


class Differ:
    """Compares two answers to one question: of the day of publishing, and of today."""

    def __init__(self, stores: Stores, then: Moment, today: Moment, code_then: str) -> None:
        self._stores, self._house, self._passports = stores, stores.house, stores.passports
        self._then, self._today, self._code = then, today, code_then

    def causes(self, question: Question, was: Answer, now: Answer) -> list[Cause]:
        """Every cause that makes the inputs, or what is printed, another."""
        found = Causes()
        here = self._sites(found, was, now)
        pairs = self._pairs(found, was, now, here)
        self._windows(found, pairs)
        if was.edition != now.edition:
            found.add(_edition(was.edition, now.edition))
        self._records(found, question, now, here)
        if not found.found and was.printed() != now.printed():
            found.add(self._unexplained())
        return found.listed()

    def gone(self, was: Answer) -> list[Cause]:
        """Causes when the question has no site left."""
        found = Causes()
        self._sites(found, was, replace(was, scope=replace(was.scope, sites=())))
        return found.listed()

    # --- sites --------------------------------------------------------------------------------------------------------

    def _sites(self, found: Causes, was: Answer, now: Answer) -> set[str]:
        """Sites in both; those in one only are causes."""
        before, after = ({site.id: site for site in one.scope.sites} for one in (was, now))
        for ids, kind, sites in (
            (after.keys() - before.keys(), "site_added", after),
            (before.keys() - after.keys(), "site_removed", before),
        ):
            for id in sorted(ids):
                entry = self._last_change(id)
                name, at = sites[id].name, entry.at if entry else None
                by, reason = (entry.actor, entry.note) if entry else ("", "")
                found.add(Cause(kind, (kind, id), name, name, at=at, by=by, reason=reason, was=id, now=id))
        return set(before) & set(after)

    def _last_change(self, site: str) -> HistoryEntry | None:
        return next((one for one in reversed(self._changes()) if one.id == site), None)

    def _changes(self) -> Sequence[HistoryEntry]:
        return self._stores.site_changes(self._then.at)

    # --- windows ------------------------------------------------------------------------------------------------------

    def _pairs(self, found: Causes, was: Answer, now: Answer, here: set[str]) -> dict[Key, tuple[int | None, int]]:
        """Windows of sites in both answers whose verdict is another one."""
        pairs: dict[Key, tuple[int | None, int]] = {}
        for key, row in now.rows.items():
            old = was.rows.get(key)
            if key[1] not in here or (old is not None and old.id == row.id):
                continue
            if old is None and row.end > self._then.seconds:
                cause = Cause("period", ("period",), at=self._then.at, was=was.span.as_dict()["until"],
                              now=now.span.as_dict()["until"])  # fmt: skip
                cause.windows[key] = _window(key, None, row.id, None, row.figure)
                found.add(cause)
                continue
            pairs[key] = (None if old is None else old.id, row.id)
        for key, row in was.rows.items():  # a verdict is never taken back: only a judge that fell silent
            if key[1] in here and key not in now.rows:
                cause = self._unexplained()
                cause.windows[key] = _window(key, row.id, None, row.figure, None)
                found.add(cause)
        return pairs

    def _windows(self, found: Causes, pairs: Mapping[Key, tuple[int | None, int]]) -> None:
        if not pairs:
            return
        verdicts = self._house.verdicts.get_many([id for pair in pairs.values() for id in pair if id is not None])
        refs: dict[Key, _Pair] = {}
        asked: set[tuple[int, int]] = set()
        for key, (old, new) in pairs.items():
            before, after = (_refs(verdicts[id]) if id is not None else {} for id in (old, new))
            refs[key] = (before, after)
            asked |= {one for one in {**before, **after} if before.get(one) != after.get(one)}
        versions = self._house.readings.versions_of(list(asked)) if asked else {}
        frames = self._frames(versions, refs)
        for key, (old, new) in pairs.items():
            was = verdicts[old] if old is not None else None
            now = verdicts[new]
            row = _window(key, old, new, was.figure if was else None, now.figure)
            named = self._steps(found, row, refs[key], (versions, frames))
            if was is not None and was.edition != now.edition:
                cause = _edition(was.edition, now.edition)
                cause.windows[key] = row
                found.add(cause)
                named = True
            if was is not None and _limits(was) != _limits(now) and was.edition == now.edition:
                named = self._changed_records(found, key, row) or named
            if not named:
                named = was is not None and self._changed_records(found, key, row)
            if not named:
                cause = self._code_change(was, now)
                cause.windows[key] = row
                found.add(cause)

    def _frames(
        self, versions: Mapping[tuple[int, int], Sequence[Reading]], refs: Mapping[Key, _Pair]
    ) -> Mapping[int, Frame]:
        wanted: set[int] = set()
        for before, after in refs.values():
            for one in {**before, **after}:
                if before.get(one) != after.get(one):
                    wanted |= {step.frame for step in _between(versions.get(one, ()), before.get(one), after.get(one))}
        found: Mapping[int, Frame] = self._house.readings.frames(sorted(wanted))
        return found

    def _steps(self, found: Causes, row: dict[str, Any], refs: _Pair, kept: _Kept) -> bool:
        """Causes among the readings of one window: each version between what was used and what is used."""
        (before, after), (versions, frames) = refs, kept
        named, key = False, (row["judge"], row["site"], row["start"])
        for one in {**before, **after}:
            if before.get(one) == after.get(one):
                continue
            story = versions.get(one, ())
            for step in _between(story, before.get(one), after.get(one)):
                frame = frames[step.frame]
                if one not in before and frame.received_at <= self._then.at and frame.origin is not Origin.CORRECTION:
                    continue  # it was there already: what made it count is another cause
                older = [v for v in story if v.seq < step.seq]
                cause = self._step(key[1], step, older[-1] if older else None, frame)
                cause.windows[key] = row
                found.add(cause)
                named = True
        return named

    def _step(self, site: str, step: Reading, older: Reading | None, frame: Frame) -> Cause:
        kind = "late" if older is None else "resent"
        key: tuple[Any, ...] = (kind, site)
        if frame.session or frame.origin is Origin.CORRECTION:
            kind = "correction"
            key = (kind, frame.session or frame.id)
        zh, en = factor_words(step.factor)[:2]
        row = {
            "series": step.series, "name": series_name(self._house, step.series), "site": site, "factor": step.factor,
            "zh": zh, "en": en, "time": step.time, "seq": step.seq, "old": _version(older), "new": _version(step),
            "received_at": frame.received_at, "origin": frame.origin.name, "mn": frame.mn,
        }  # fmt: skip
        cause = Cause(kind, key, at=frame.received_at, session=frame.session)
        if kind == "correction":
            cause.by, cause.reason = frame.author, frame.reason
        else:
            place = self._today.sites.get(site)
            cause.zh = cause.en = place.name if place else site
        cause.readings[step.series, step.time, step.seq] = row
        return cause

    def _code_change(self, was: Verdict | None, now: Verdict) -> Cause:
        """Nothing that was kept explains it: another version of the code, or judged only after publishing."""
        if was is not None and was.code_version != now.code_version:
            pair = (was.code_version, now.code_version)
            return Cause("code", ("code", *pair), was=pair[0], now=pair[1], at=now.computed_at)
        return Cause("rejudged", ("rejudged", now.judge), now.judge, now.judge, at=now.computed_at)

    def _unexplained(self) -> Cause:
        from jinyun import __version__

        if self._code != __version__:
            return Cause("code", ("code", self._code, __version__), was=self._code, now=__version__)
        return Cause("rejudged", ("rejudged", ""), at=self._today.at)

    # --- records ------------------------------------------------------------------------------------------------------

    def _changed_records(self, found: Causes, key: Key, row: dict[str, Any]) -> bool:
        """Records of the window's site that the judge rests on and that changed since; whether there are any."""
        judge = self._house.judge.judges.get(key[0])
        named = False
        for entry in self._site_changes(key[1]):
            cause = _record(entry)
            cause.windows[key] = row
            found.add(cause)
            named = True
        for kind in judge.needs_records if judge else ():
            for entry in self._passports.changes_since(kind, self._then.at):
                data = {**entry.before, **entry.after}
                if data.get("site", key[1]) == key[1]:
                    cause = _record(entry)
                    cause.windows[key] = row
                    found.add(cause)
                    named = True
        return named

    def _site_changes(self, site: str) -> list[HistoryEntry]:
        """Changes of fields of a site that figures may rest on."""
        return [
            one
            for one in self._changes()
            if one.id == site and site_basis(one.before) != site_basis(one.after) and one.step == "update"
        ]

    def _records(self, found: Causes, question: Question, now: Answer, here: set[str]) -> None:
        """Records of sites on which the period itself rests: put back one by one, and all together, does what is
        printed become another?"""
        changed = [
            site for site in now.scope.sites
            if site.id in here and self._then.versions.get(site.id) != self._today.versions.get(site.id)
            and site_basis(self._then.sites[site.id].data) != site_basis(site.data)
        ]  # fmt: skip
        if not changed:
            return
        printed = now.printed()

        def without(some: Iterable[str]) -> bool:
            back = set(some)
            sites = tuple(self._then.sites[s.id] if s.id in back else s for s in now.scope.sites)
            return self._stores.again(question, now, replace(now.scope, sites=sites)).printed() != printed

        moved = [site.id for site in changed if without([site.id])]
        if not moved and without(site.id for site in changed):
            moved = [site.id for site in changed]
        for site in moved:
            for entry in self._site_changes(site):
                found.add(_record(entry))


def _refs(one: Verdict) -> _Refs:
    return {(ref.series, ref.time): ref.seq for ref in one.evidence()}


def _between(story: Sequence[Reading], old: int | None, new: int | None) -> list[Reading]:
    """Versions that came after the one used then, up to the one used now; a reading not used now: to its newest."""
    first = -1 if old is None else old
    last = max((one.seq for one in story), default=-1) if new is None else new
    return [one for one in story if first < one.seq <= last]


def _limits(one: Verdict) -> list[tuple[str, str | None]]:
    return [("", one.limit), *((item.factor, item.limit) for item in one.items)]


def _edition(was: str, now: str) -> Cause:
    return Cause("edition", ("edition", was, now), was=was, now=now)


def _record(entry: HistoryEntry) -> Cause:
    return Cause(
        "record", ("record", entry.type, entry.id, entry.version), entry.type, entry.type, at=entry.at, by=entry.actor,
        reason=entry.note, was={"type": entry.type, "id": entry.id, **entry.before}, now=dict(entry.after),
    )  # fmt: skip


def _window(key: Key, old: int | None, new: int | None, was: str | None, now: str | None) -> dict[str, Any]:
    return {
        "judge": key[0], "site": key[1], "start": key[2], "date": day_of(key[2]).isoformat(), "was": old, "now": new,
        "figure_was": was, "figure_now": now,
    }  # fmt: skip


def _version(one: Reading | None) -> dict[str, Any] | None:
    return None if one is None else {"value": plain(one.value), "flag": one.flag.name, "seq": one.seq}


def merged(causes: Iterable[tuple[Cause, Sequence[str]]]) -> list[dict[str, Any]]:
    """Causes of many figures as one list: each once, with the figures it reaches. Editions that name the same standard
    as gone or as come are one change."""
    found: dict[tuple[Any, ...], Cause] = {}
    figures: dict[tuple[Any, ...], list[str]] = {}
    for cause, ids in causes:
        if cause.key in found:
            found[cause.key].join(cause)
        else:
            found[cause.key] = replace(cause, readings=dict(cause.readings), windows=dict(cause.windows))
        figures.setdefault(cause.key, []).extend(ids)
    told = []
    for group in _editions([one for one in found.values() if one.kind == "edition"]):
        first = group[0]
        names = [id for one in group for id in figures[one.key]]
        for other in group[1:]:
            first.join(other)
            first.was, first.now = max((first.was, other.was), key=len), max((first.now, other.now), key=len)
        told.append((first, names))
    told += [(one, figures[one.key]) for one in found.values() if one.kind != "edition"]
    told.sort(key=lambda pair: (pair[0].kind, pair[0].at or 0, str(pair[0].key)))
    return [one.as_dict() | {"figures": sorted(set(ids))} for one, ids in told]


def _editions(causes: Sequence[Cause]) -> list[list[Cause]]:
    """Changes of edition that belong together: the period names all its standards, a day's verdict only one of them."""
    groups: list[tuple[set[str], set[str], list[Cause]]] = []
    for one in causes:
        was, now = (set(text.replace("; ", "；").split("；")) for text in (one.was, one.now))
        gone, come, mine = was - now, now - was, [one]
        apart = []
        for group in groups:
            if group[0] & gone or group[1] & come:
                gone, come, mine = gone | group[0], come | group[1], group[2] + mine
            else:
                apart.append(group)
        groups = [*apart, (gone, come, mine)]
    return [group[2] for group in groups]


# --- words -----------------------------------------------------------------------------------------------------------


def sentences(one: Cause) -> Words:
    """What happened, to read out."""
    days = len({(key[1], key[2]) for key in one.windows})
    reach_zh, reach_en = (f"，涉及{days}个日评价", f"; {days} day verdicts") if days else ("", "")
    when = _moment(one.at)
    if one.kind in _STEPS:
        zh, en = _step_words(one, when)
    elif one.kind == "edition":
        zh, en = f"评价标准由{one.was}改为{one.now}", f"judged by {one.now} instead of {one.was}"
    elif one.kind == "code":
        zh, en = f"程序版本由{one.was}变为{one.now}", f"code version {one.now} instead of {one.was}"
    elif one.kind == "record":
        fields = "、".join(f"{k}：{one.was.get(k, '—')}→{v}" for k, v in one.now.items())
        zh = f"{one.by}于{when}修改{one.was['type']} {one.was['id']}（{fields}）"
        en = f"{one.by} changed {one.was['type']} {one.was['id']} at {when} ({fields})"
    elif one.kind == "site_added":
        zh, en = f"新增点位{one.zh}（{one.now}）", f"site {one.en} ({one.now}) counts now"
    elif one.kind == "site_removed":
        zh, en = f"点位{one.zh}（{one.was}）不再计入", f"site {one.en} ({one.was}) does not count any more"
    elif one.kind == "period":
        zh, en = (
            f"发布时该时段未结束（截至{one.was}），现至{one.now}",
            f"not over when published ({one.was}), now to {one.now}",
        )
    else:
        zh, en = "发布后重新评价，所用数据当时已在库", "judged after publishing, on data that were there"
    return f"{zh}{reach_zh}。", f"{en}{reach_en}."


def _step_words(one: Cause, when: str) -> Words:
    rows = sorted(one.readings.values(), key=lambda row: (row["time"], row["series"], row["seq"]))
    if one.kind != "correction":
        zh, en = _STEPS[one.kind]
        return f"{one.zh}{zh}{len(rows)}条（{when}起到达）", f"{en} of {one.en}: {len(rows)} readings from {when} on"
    first = rows[0]
    old, new = (side and (side["value"] if side["flag"] == "NORMAL" else f"{side['value'] or ''}[{side['flag']}]")
                for side in (first["old"], first["new"]))  # fmt: skip
    at = china_time(first["time"]).strftime("%Y-%m-%d %H:%M")
    more_zh, more_en = (f"等{len(rows)}条", f" and {len(rows) - 1} more") if len(rows) > 1 else ("", "")
    session = f" {one.session}" if one.session else ""
    was = old or "—"
    zh = f"数据更正{session}（{one.by}，{when}）：{first['site']} {first['zh']} {at} {was}→{new}{more_zh}"
    en = f"correction{session} by {one.by} at {when}: {first['site']} {first['en']} {at} {was} → {new}{more_en}"
    return f"{zh}；原因：{one.reason}", f"{en}; reason: {one.reason}"


def _moment(at: int | None) -> str:
    return "—" if at is None else china_time(at // 1_000_000).strftime("%Y-%m-%d %H:%M")
