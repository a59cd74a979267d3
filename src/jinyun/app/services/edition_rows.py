"""What differs between two judgements, as rows: nested for the page, flat for CSV, with a sentence to read out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from jinyun.app.services.periods.spans import day_of
from jinyun.app.services.words import factor_words
from jinyun.judge.what_if import Again
from jinyun.kernel.terms import Status, Verdict

STATUS_ZH = {Status.ATTAINS: "达标", Status.EXCEEDS: "超标", Status.CANNOT_JUDGE: "无法判定"}
STATUS_EN = {Status.ATTAINS: "attains", Status.EXCEEDS: "exceeds", Status.CANNOT_JUDGE: "cannot be judged"}


def turn_words(was: str, would: str) -> dict[str, str]:
    """From one status to another, in both languages."""
    return {
        lang: f"{words[Status(was)]} → {words[Status(would)]}" for lang, words in (("zh", STATUS_ZH), ("en", STATUS_EN))
    }


def flat_row(row: dict[str, Any]) -> dict[str, Any]:
    """A row of what differs, without nesting."""
    plain = {name: row[name] for name in ("verdict", "judge", "site", "name", "date", "start", "end")}
    for side in ("was", "would"):
        one = row[side]
        plain |= {
            f"{side}_{name}": one[name] for name in ("status", "level", "figure", "label_zh", "edition", "clause")
        }
        plain[f"{side}_deciding"] = " ".join(one["deciding"])
    return plain | {
        "changed": " ".join(row["changed"]), "flip": row["flip"], "edition_only": row["edition_only"],
        "sentence_zh": row["sentence_zh"],
    }  # fmt: skip


def again_row(one: Again) -> dict[str, Any]:
    """A window judged as on another day."""
    was = {
        "status": str(one.was.status), "level": one.was.level, "figure": one.was.figure, "label_zh": one.was.label_zh,
        "label_en": one.was.label_en, "edition": one.was.edition, "clause": one.was.clause,
        "deciding": list(one.was.deciding),
    }  # fmt: skip
    return _row(
        one.was.id, one.was, one.site.name, was=was, would=_side(one.would), changed=one.changed,
        edition_only=one.edition_only, judge=one.judge.id,
    )  # fmt: skip


def revised_row(was: Verdict, new: Verdict, name: str, changed: Iterable[str]) -> dict[str, Any]:
    """A window of the site `name` that has a new revision."""
    return _row(new.id, new, name, was=_side(was), would=_side(new), changed=changed, edition_only=False)


def _side(verdict: Verdict | None) -> dict[str, Any]:
    if verdict is None:
        return {"status": str(Status.CANNOT_JUDGE), "level": None, "figure": None, "label_zh": "无结论",
                "label_en": "no verdict", "edition": "", "clause": "", "deciding": []}  # fmt: skip
    return {
        "status": str(verdict.status), "level": verdict.level, "figure": verdict.figure, "label_zh": verdict.label_zh,
        "label_en": verdict.label_en, "edition": verdict.edition, "clause": verdict.clause,
        "deciding": list(verdict.deciding),
    }  # fmt: skip


def _row(
    id: int,
    of: Any,
    name: str,
    *,
    was: dict[str, Any],
    would: dict[str, Any],
    changed: Iterable[str],
    edition_only: bool,
    judge: str = "",
) -> dict[str, Any]:
    start, end = (of.start, of.end) if hasattr(of, "start") else (of.window.start, of.window.end)
    day = day_of(start)
    names = list(changed)
    told_zh, told_en = ((f"{_told(side, zh)}" for side in (was, would)) for zh in (True, False))
    (was_zh, would_zh), (was_en, would_en) = tuple(told_zh), tuple(told_en)
    return {
        "verdict": id, "judge": judge or of.judge, "site": of.subject, "name": name, "start": start, "end": end,
        "date": day.isoformat(), "was": was, "would": would, "changed": names,
        "flip": "status" in names or "level" in names, "edition_only": edition_only,
        "sentence_zh": f"{name}{day.month}月{day.day}日：{was_zh} → {would_zh}。",
        "sentence_en": f"{name}, {day.isoformat()}: {was_en} → {would_en}.",
    }  # fmt: skip


def _told(side: dict[str, Any], zh: bool) -> str:
    """One side of a change: ``达标，良，92，PM2.5``."""
    status = Status(side["status"])
    words = [
        STATUS_ZH[status] if zh else STATUS_EN[status],
        side["label_zh" if zh else "label_en"],
        side["figure"] or "",
    ]
    words += [factor_words(one)[0 if zh else 1] for one in side["deciding"]]
    return ("，" if zh else ", ").join(word for word in words if word)
