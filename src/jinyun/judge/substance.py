"""When two verdicts on one window say the same, so that only what changed is kept and told."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace

from jinyun.kernel.terms import Status, Verdict


def outline(verdict: Verdict) -> Hashable:
    """What a duty officer would notice: enough for windows that still run, whose means move with every reading."""
    return (str(verdict.status), verdict.level, tuple(verdict.deciding))


def said(verdict: Verdict) -> Hashable:
    """All that a verdict says, not what it rests on."""
    return (
        outline(verdict),
        verdict.figure,
        verdict.limit,
        verdict.edition,
        tuple(
            (item.factor, item.figure, item.unit, str(item.status), item.limit, item.grade, item.multiple, item.reason)
            for item in verdict.items
        ),
    )


def substance(verdict: Verdict) -> Hashable:
    """All that a verdict says and rests on, but not when it was computed or by which code."""
    return (
        outline(verdict),
        verdict.figure,
        verdict.limit,
        verdict.edition,
        tuple(
            (
                item.factor, item.figure, item.unit, str(item.status), item.limit, item.grade, item.multiple,
                item.reason, frozenset((ref.series, ref.time, ref.seq) for ref in item.readings),
            )
            for item in verdict.items
        ),
    )  # fmt: skip


def voided(was: Verdict) -> Verdict:
    """What takes the place of a verdict whose judge has nothing to say any more after a correction, e.g. because the
    limit it rested on was not valid on that day: it must not go on standing."""
    return replace(
        was, id=0, status=Status.CANNOT_JUDGE, figure=None, limit=None, level=None, label_zh="无评价",
        label_en="no longer judged", deciding=(), items=(), sentence_zh="更正后这一时段没有可评价的内容。",
        sentence_en="After a correction there is nothing to judge in this window.", extra={"void": True},
    )  # fmt: skip
