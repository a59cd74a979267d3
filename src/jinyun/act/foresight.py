"""What alarms and cases would become if some verdicts were others: the same folding over a view, nothing written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from jinyun.act.alarms import AlarmDesk
from jinyun.act.cases import CaseDesk
from jinyun.act.episodes import Episode
from jinyun.act.line import Line
from jinyun.act.lines import Lines
from jinyun.act.rules import Rule
from jinyun.act.would import WouldVerdicts
from jinyun.domains.supervision.records import OPEN_STATES
from jinyun.kernel.ports import Record, VerdictStore
from jinyun.kernel.terms import Verdict

Told = dict[str, Any]
COMPARED = ("level", "started_at", "peak_figure", "peak_at", "ended_at", "last_figure")
"""Fields of an alarm whose difference is worth telling."""

WORDS: Mapping[str, tuple[str, str]] = {
    "open": ("新报警", "would open"),
    "resume": ("重新报警", "would resume"),
    "end": ("报警解除", "would end"),
    "withdraw": ("报警撤销", "would be withdrawn"),
    "change": ("报警内容改变", "would change"),
}


class _Desk:
    """Takes what an `AlarmDesk` would write."""

    def __init__(self, desk: AlarmDesk) -> None:
        self._desk = desk
        self.told: list[Told] = []

    def of_matter(self, matter: str) -> Record | None:
        return self._desk.of_matter(matter)

    def withdraw(self, record: Record, reason: str, note: str) -> Record:
        self.told.append(_row("withdraw", record, record.data, {"end_reason": reason}) | {"note": note})
        return record

    def write(self, record: Record | None, rule: Rule, matter: str, subject: str, episode: Episode) -> None:
        fields = self._desk.fields(rule, matter, subject, episode)
        if record is None:
            self.told.append(_row("open", None, fields, {}) | {"case": _case_words(rule)})
            return
        withdrawn = record.data.get("end_reason") in ("corrected", "merged")
        again = withdrawn or (record.state == "ended" and episode.ended_at is None)
        over = record.state == "open" and episode.ended_at is not None
        before = {name: record.data.get(name) for name in COMPARED}
        after = {name: fields.get(name) for name in COMPARED}
        differs = {name: [before[name], after[name]] for name in COMPARED if before[name] != after[name]}
        if again or over or differs:
            what = "resume" if again else "end" if over else "change"
            self.told.append(_row(what, record, record.data, differs))


class _View(Lines):
    """Lines over a view of the verdicts; `write` only tells."""

    def write(
        self,
        line: Line,
        matter: str,
        rule: Rule,
        subject: str,
        *,
        episode: Episode,
        record: Record | None,
        thorough: bool = False,  # noqa: ARG002
    ) -> Record:
        self._alarms.write(record, rule, matter, subject, episode)
        line.alarms[matter] = record.id if record else ""
        return record  # type: ignore[return-value]  # nobody looks at it


class _Once:
    """Verdicts that are asked for once: what is and what would be look at the same long lines."""

    def __init__(self, store: VerdictStore) -> None:
        self._store = store
        self._found: dict[tuple[Any, ...], list[Verdict]] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def find(self, **asked: Any) -> list[Verdict]:
        key = tuple(sorted((name, value) for name, value in asked.items() if value is not None))
        if key not in self._found:
            self._found[key] = self._store.find(**asked)
        return self._found[key]


def foresee(
    changes: Sequence[tuple[Verdict, Verdict | None]],
    lines: Lines,
    cases: CaseDesk,
    settled: Callable[[Verdict], bool],
) -> dict[str, list[Told]]:
    """Alarms and cases that would change: `changes` are (would, was), of windows that are over."""
    first: dict[tuple[str, str], int] = {}
    before: dict[tuple[str, str], dict[int, Verdict | None]] = {}
    touched: dict[tuple[str, str], list[tuple[Verdict, Verdict | None]]] = {}
    for would, was in changes:
        if not settled(would):
            continue
        key = (would.judge, would.subject)
        touched.setdefault(key, []).append((would, was))
        before.setdefault(key, {})[would.window.start] = was
        if lines.concerns(would, was):
            first[key] = min(first.get(key, would.window.start), would.window.start)
    if not touched:
        return {"alarms": [], "cases": []}
    store = _Once(lines.verdicts)
    view = WouldVerdicts(store, [would for would, _ in changes])
    desk = _Desk(lines.desk)
    scratch = lines.over(_View, view, desk)
    for key, around in first.items():
        scratch.read_again(key, around, before[key])
    return {"alarms": desk.told, "cases": _cases(touched, cases.seeing(store), view)}


def _cases(
    touched: Mapping[tuple[str, str], Sequence[tuple[Verdict, Verdict | None]]], desk: CaseDesk, view: WouldVerdicts
) -> list[Told]:
    """Open cases whose recovery would be further or less far, and closed ones that rest on a verdict that changes."""
    told: list[Told] = []
    for (judge, subject), mine in touched.items():
        gone = {was.id for _, was in mine if was is not None}
        for case in desk.of(judge, subject):
            if case.state in OPEN_STATES:
                now, then = desk.recovery(case).progress, desk.seeing(view).recovery(case).progress
                if now is None or then is None or (now.held, now.have) == (then.held, then.have):
                    continue
                what = "holds" if then.held and not now.held else "fails" if now.held and not then.held else "progress"
                told.append(_case(case, what) | {"have": [now.have, then.have], "need": then.need})
            elif gone & {*(case.data.get("progress") or {}).get("verdicts", ()), case.data.get("verdict_close")}:
                then = desk.seeing(view).recovery(case).progress
                told.append(_case(case, "rests_on") | {"held": bool(then and then.held)})
    return told


CASE_WORDS: Mapping[str, tuple[str, str]] = {
    "holds": ("恢复条件将满足", "its recovery condition would hold"),
    "fails": ("恢复条件将不再满足", "its recovery condition would no longer hold"),
    "progress": ("恢复进度改变", "its recovery would be another"),
    "rests_on": ("办结所依据的评价将改变", "the verdicts that closed it would change"),
}


def _case(case: Record, what: str) -> Told:
    zh, en = CASE_WORDS[what]
    return {
        "id": case.id, "title": case.data.get("title"), "state": case.state, "what": what, "zh": zh, "en": en,
        "subject": case.data.get("subject"),
    }  # fmt: skip


def _row(what: str, record: Record | None, fields: Mapping[str, Any], differs: Mapping[str, Any]) -> Told:
    zh, en = WORDS[what]
    return {
        "id": record.id if record else None, "what": what, "zh": zh, "en": en, "rule": fields.get("rule"),
        "matter": fields.get("matter"), "subject": fields.get("subject"), "level": fields.get("level"),
        "started_at": fields.get("started_at"), "sentence_zh": fields.get("sentence_zh"),
        "sentence_en": fields.get("sentence_en"), "differs": dict(differs),
    }  # fmt: skip


def _case_words(rule: Rule) -> str:
    return rule.case.kind if rule.case is not None else ""
