"""Topics: which changes of records are told, and in which words. The data is ``topics.toml``; a node may add to it."""

from __future__ import annotations

import string
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinyun.kernel.errors import BadInput
from jinyun.kernel.notices import NoticeEvent
from jinyun.kernel.ports import HistoryEntry, Record
from jinyun.kernel.records import RecordType, Transition
from jinyun.kernel.terms import china_time

LEVELS: Mapping[int | None, tuple[str, str]] = {
    1: ("一级", "level 1"),
    2: ("二级", "level 2"),
    3: ("三级", "level 3"),
    4: ("四级", "level 4"),
    None: ("", ""),
}
STEP = "step"
"""The topic of steps that say `emits` and whose topic no file describes."""


@dataclass(frozen=True, slots=True)
class Topic:
    """One kind of news."""

    id: str
    zh: str
    en: str
    title_zh: str
    title_en: str
    text_zh: str
    text_en: str
    type: str = ""
    steps: tuple[str, ...] = ()
    where: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    changed: tuple[str, ...] = ()
    graver: bool = False
    to: tuple[str, ...] = ()
    ack: Mapping[int, int] = field(default_factory=dict)  # level -> minutes

    def fits(self, record: Record, entry: HistoryEntry) -> bool:
        """Whether a change of a record is this news."""
        if self.type != record.type or entry.step not in self.steps:
            return False
        if any(name not in entry.after for name in self.changed):
            return False
        if any(record.data.get(name) not in values for name, values in self.where.items()):
            return False
        if self.graver:
            before, after = entry.before.get("level"), entry.after.get("level")
            return before is not None and after is not None and int(after) < int(before)
        return True


@dataclass(frozen=True, slots=True)
class Topics:
    """All topics in the order they are looked at, and what holds for all."""

    every: Mapping[str, Topic]
    defaults: Mapping[str, Any]
    backoff: tuple[int, ...]  # [s]
    attempts: int

    def get(self, id: str) -> Topic:
        """The topic, or the one for any step."""
        return self.every.get(id) or self.every[STEP]

    def watches(self, kind: RecordType) -> bool:
        """Whether changes of a type are looked at at all."""
        return kind.id in {one.type for one in self.every.values()} or any(
            step.emits for procedure in kind.versions for step in procedure.transitions
        )

    def wait(self, attempts: int) -> int:
        """Seconds until the next attempt after so many."""
        return self.backoff[min(max(attempts, 1), len(self.backoff)) - 1]

    # --- events -------------------------------------------------------------------------------------------------------

    def events_of(self, kind: RecordType, record: Record, entry: HistoryEntry) -> list[NoticeEvent]:
        """What a change of a record is told as: one event, or none."""
        topic = next((one for one in self.every.values() if one.fits(record, entry)), None)
        step = _step(kind, record, entry)
        if step is not None and step.emits and (topic is None or step.emits in self.every):
            topic_id, to = step.emits, self.get(step.emits).to
        elif topic is not None:
            topic_id, to = topic.id, topic.to
        else:
            return []
        data = record.data
        return [
            NoticeEvent(
                key=f"{record.type}/{record.id}/{record.version}",
                topic=topic_id,
                at=entry.at,
                type=record.type,
                record=record.id,
                version=record.version,
                matter=f"{record.type}/{record.id}",
                subject=str(data.get("subject") or data.get("site") or ""),
                kind=str(data.get("kind") or data.get("rule") or ""),
                level=level_of(data),
                facts=_facts(kind, record, entry, step),
                to=tuple(_named(to, kind, data)),
            )
        ]


def level_of(data: Mapping[str, Any]) -> int | None:
    """The level of a record, when it has one."""
    text = str(data.get("level") or "")
    return int(text) if text.isdigit() else None


def _step(kind: RecordType, record: Record, entry: HistoryEntry) -> Transition | None:
    procedure = kind.procedure_at(record.procedure)
    return next((one for one in procedure.transitions if one.name == entry.step), None) if procedure else None


def _facts(kind: RecordType, record: Record, entry: HistoryEntry, step: Transition | None) -> dict[str, Any]:
    """Words of the record for templates. Personal and secret fields never leave the register."""
    hidden = {one.name for one in kind.fields if one.personal or one.secret}
    kinds = {one.name: one.kind for one in kind.fields}
    plain = {
        name: value
        for name, value in record.data.items()
        if name not in hidden
        and value is not None
        and (isinstance(value, str | int | float | bool))
        and kinds.get(name) != "json"
    }
    given_hidden = {one.name for one in (step.fields if step else ()) if one.personal or one.secret}
    given = {
        f"given_{name}": value
        for name, value in entry.given.items()
        if name not in given_hidden and isinstance(value, str | int)
    }
    zh, en = LEVELS.get(level_of(record.data), ("", ""))
    state = kind.state_words(record.state, record.procedure) or ("", "")
    return {
        **plain,
        **given,
        "title": str(record.data.get(kind.title) or record.id),
        "type_zh": kind.zh, "type_en": kind.en, "actor": entry.actor, "note": entry.note, "step": entry.step,
        "step_zh": step.zh if step else entry.step, "step_en": step.en if step else entry.step,
        "state_zh": state[0], "state_en": state[1], "level_zh": zh, "level_en": en,
    }  # fmt: skip


def _named(to: Sequence[str], kind: RecordType, data: Mapping[str, Any]) -> list[str]:
    """``owner`` becomes whom the record names; ``duty`` and ``role:…`` stay."""
    found = []
    for one in to:
        if one == "owner":
            people = {one.name for one in kind.fields if one.kind == "person" and one.name == "person"}
            found += [str(data[name]) for name in (kind.owner or "owner", *people) if data.get(name)]
        else:
            found.append(one)
    return found


# --- words ------------------------------------------------------------------------------------------------------------


class _Words(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return ""


class _Plain(string.Formatter):
    """Names only: a template reaches no attribute and no item of what it prints."""

    def get_field(self, field_name: str, _args: Any, kwargs: Any) -> Any:
        if not field_name.isidentifier():
            raise BadInput(f"{{{field_name}}} in a template: only names of facts may stand there")
        return kwargs[field_name], field_name


_FORMAT = _Plain()


def words(topics: Topics, event: NoticeEvent, lang: str = "zh", site: str = "") -> tuple[str, str]:
    """Title and text of an event."""
    topic = topics.get(event.topic)
    facts = _Words(event.facts)
    facts.setdefault("site", site or event.facts.get("title", ""))
    facts.setdefault("level", event.level or "")
    for name, of in (("deadline_zh", "deadline"), ("observe_zh", "observe_until"), ("opened_zh", "opened_at")):
        facts.setdefault(name, _moment(event.facts.get(of)))
    title, text = (topic.title_en, topic.text_en) if lang == "en" else (topic.title_zh, topic.text_zh)
    return " ".join(_FORMAT.vformat(title, (), facts).split()), _FORMAT.vformat(text, (), facts).strip()


def _moment(text: Any) -> str:
    """ "11-22 08:00" of a record's datetime."""
    from datetime import datetime

    try:
        return china_time(int(datetime.fromisoformat(str(text)).timestamp())).strftime("%m-%d %H:%M")
    except ValueError:
        return "—"


# --- the file ---------------------------------------------------------------------------------------------------------


def load_topics(*own: Path) -> Topics:
    """The shipped topics, and those of the node's own files in front of them; of one id the node's stands.

    Raises
    ------
    BadInput
        Naming the file and the topic that is not well formed.
    """
    shipped = files("jinyun.act.notify").joinpath("topics.toml").read_text(encoding="utf-8")
    tables = [(str(path), tomllib.loads(path.read_text(encoding="utf-8"))) for path in own]
    tables.append(("topics.toml", tomllib.loads(shipped)))
    every: dict[str, Topic] = {}
    defaults: dict[str, Any] = {}
    backoff: dict[str, Any] = {}
    for name, table in tables:
        for one in table.get("topic", ()):
            topic = _topic(name, one)
            every.setdefault(topic.id, topic)
        defaults = {**table.get("defaults", {}), **defaults}
        backoff = {**table.get("backoff", {}), **backoff}
    return Topics(every, defaults, tuple(int(one) for one in backoff["seconds"]), int(backoff["attempts"]))


def _topic(file: str, one: Mapping[str, Any]) -> Topic:
    known = {*Topic.__slots__}
    wrong = set(one) - known
    if wrong or not one.get("id"):
        raise BadInput(f"{file}: topic {one.get('id', '?')!r}: unknown {', '.join(sorted(wrong)) or 'id'}")
    given = dict(one)
    for name in ("steps", "changed", "to"):
        given[name] = tuple(given.get(name, ()))
    given["where"] = {name: tuple(values) for name, values in given.get("where", {}).items()}
    given["ack"] = {int(level): int(minutes) for level, minutes in given.get("ack", {}).items()}
    try:
        topic = Topic(**given)
    except TypeError as wrong_one:
        raise BadInput(f"{file}: topic {one['id']!r}: {wrong_one}") from wrong_one
    for template in (topic.title_zh, topic.title_en, topic.text_zh, topic.text_en):
        try:
            _FORMAT.vformat(template, (), _Words())
        except (ValueError, BadInput) as wrong_two:
            raise BadInput(f"{file}: topic {topic.id!r}: {template!r}: {wrong_two}") from wrong_two
    return topic
