"""Whose a gap is: missing at the source, lost by us, or not known, with the rule that says so. Pure.

A slot that should hold a reading and holds none is looked at with what the house kept about that time. The first rule
that holds decides; `CAUSES` lists them in that order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

SOURCE, LOST, UNKNOWN = "missing_at_source", "lost_by_us", "unknown"
VERDICTS: Mapping[str, tuple[str, str]] = {
    SOURCE: ("源头缺失", "Missing at source"),
    LOST: ("我方丢失", "Lost by us"),
    UNKNOWN: ("原因未知", "Not known"),
}

CAUSES: Mapping[str, tuple[str, str, str]] = {
    "flagged_stopped": (SOURCE, "设备上报该时段停运或断线", "The device itself flagged the stretch as stopped"),
    "not_in_message": (SOURCE, "该时段报文已收到，但不含该因子", "The message of that time came without this factor"),
    "device_has_none": (SOURCE, "补数时设备答复无数据", "Asked again, the device answered that it has none"),
    "refused": (LOST, "该时段报文已到达，但被拒收", "A message came at that time and was refused"),
    "node_down": (LOST, "该时段本节点停机", "The node was down at that time"),
    "stopped_before": (SOURCE, "此前最后一次上报为停运", "The last word before was that it had stopped"),
    "no_answer": (UNKNOWN, "已多次补数，设备未答复", "Asked several times, without an answer"),
    "asked": (UNKNOWN, "正在补数", "It is being asked for"),
    "before_first_run": (UNKNOWN, "本节点尚未启用", "The node did not run yet"),
    "silent": (UNKNOWN, "设备无上报，尚未补数", "The device was silent and has not been asked"),
}
"""Cause → verdict, Chinese, English; in the order they are tried."""


@dataclass(frozen=True, slots=True)
class Clues:
    """What is known of one slot; each says whether that cause holds."""

    flagged_stopped: bool = False
    not_in_message: bool = False
    device_has_none: bool = False
    refused: bool = False
    node_down: bool = False
    stopped_before: bool = False
    no_answer: bool = False
    asked: bool = False
    before_first_run: bool = False


def cause_of(clues: Clues) -> str:
    """The first cause that holds; ``silent`` when none does."""
    return next((name for name in CAUSES if name != "silent" and getattr(clues, name)), "silent")


def verdict_of(cause: str) -> str:
    """`SOURCE`, `LOST` or `UNKNOWN`."""
    return CAUSES[cause][0]
