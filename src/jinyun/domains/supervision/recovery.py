"""When a matter counts as recovered: a condition on verdicts, how far it is, and when it breaks again. Pure.

The condition asks for the last `windows` consecutive verdicts of one judge on one subject to attain. A verdict that
cannot be judged is no proof and breaks the run; a window without any verdict (a silent device, an outlet that
did not run) does neither, but all counted windows must lie within `within_days`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from jinyun.domains.supervision.rules import compares
from jinyun.kernel.errors import BadInput
from jinyun.kernel.factors import factors
from jinyun.kernel.records import Missing
from jinyun.kernel.terms import LENGTHS, Period, Status, Verdict, VerdictItem, china_time, period_start

DAY = LENGTHS[Period.DAY]

PERIOD_WORDS: Mapping[Period, tuple[str, str]] = {
    Period.REALTIME: ("次", "samples"),
    Period.MINUTE: ("分钟", "minutes"),
    Period.TEN_MINUTE: ("个十分钟", "ten-minute windows"),
    Period.HOUR: ("小时", "hours"),
    Period.DAY: ("日", "days"),
    Period.MONTH: ("月", "months"),
    Period.QUARTER: ("个季度", "quarters"),
    Period.YEAR: ("年", "years"),
}

OPERATORS: Mapping[str, tuple[str, str]] = {
    "le": ("不高于", "at most"), "lt": ("低于", "below"), "ge": ("不低于", "at least"), "gt": ("高于", "above"),
}  # fmt: skip
BELOW = "<"
"""Leads a printed result below detection."""
OF_FACTOR = ("factor", "limit", "op")

WATER_CLASSES = ("", "Ⅰ", "Ⅱ", "Ⅲ", "Ⅳ", "Ⅴ", "劣Ⅴ")


@dataclass(frozen=True, slots=True)
class Condition:
    """What must hold before a case may close; kept in the case as JSON."""

    judge: str
    subject: str
    windows: int
    status: str = str(Status.ATTAINS)
    max_level: int | None = None
    within_days: int = 7
    observe_days: int = 7
    factor: str = ""  # the item of the verdict that is looked at; "": the verdict as a whole
    limit: str | None = None  # of the factor, in the unit its figures are printed in; None: the item must attain
    op: str = "le"  # le, lt, ge, gt: how the figure meets `limit`

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Condition:
        """From its JSON.

        Raises
        ------
        BadInput
            Naming the key that is unknown, missing or out of range.
        """
        known = tuple(cls.__dataclass_fields__)
        for key in data:
            if key not in known:
                raise BadInput(f"recovery condition: unknown key {key!r}", field=key, hint=f"known: {', '.join(known)}")
        for key in ("judge", "subject", "windows"):
            if not data.get(key):
                raise BadInput(f"recovery condition: {key} is missing", field=key)
        made = cls(**data)
        if made.status not in tuple(Status):
            known_status = ", ".join(Status)
            raise BadInput(f"recovery condition: status {made.status!r} is not one of {known_status}", field="status")
        for key in ("windows", "within_days"):
            value = getattr(made, key)
            if not isinstance(value, int) or value < 1:
                raise BadInput(f"recovery condition: {key} = {value!r} must be a whole number from 1", field=key)
        if not isinstance(made.observe_days, int) or made.observe_days < 0:
            raise BadInput("recovery condition: observe_days must be a whole number from 0", field="observe_days")
        made._check_figure()
        return made

    def _check_figure(self) -> None:
        if self.limit is not None and not self.factor:
            raise BadInput("recovery condition: a limit needs the factor it is for", field="factor")
        if self.limit is not None and _number(self.limit) is None:
            raise BadInput(f"recovery condition: limit {self.limit!r} is no number", field="limit")
        if self.op not in OPERATORS:
            raise BadInput(f"recovery condition: op {self.op!r}", field="op", hint=f"one of {', '.join(OPERATORS)}")

    def as_json(self) -> dict[str, Any]:
        """Its JSON; what asks nothing of a factor says nothing of one."""
        whole = asdict(self)
        return whole if self.factor else {name: value for name, value in whole.items() if name not in OF_FACTOR}


def condition_problem(data: Any) -> str:
    """What is wrong with the JSON of a condition, "" when nothing is: the check of a record field."""
    if not isinstance(data, Mapping):
        return "must be an object with judge, subject and windows"
    try:
        Condition.of(data)
    except BadInput as wrong:
        return str(wrong)
    return ""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a recovery is. Times in s."""

    have: int  # consecutive windows that count, at most `need`
    need: int
    held: bool
    missing: tuple[Missing, ...]
    since: int | None  # start of the unbroken run
    held_at: int | None  # end of the window with which it first held: the observation period runs from here
    verdicts: tuple[int, ...]  # ids of the windows counted, oldest first
    next_possible: int | None  # the earliest moment at which it can hold, when it does not

    def as_json(self) -> dict[str, Any]:
        """What the case keeps of it."""
        return {
            "have": self.have,
            "need": self.need,
            "held": self.held,
            "since": self.since,
            "held_at": self.held_at,
            "verdicts": list(self.verdicts),
            "missing": [one.as_dict() for one in self.missing],
        }


def meets(condition: Condition, verdict: Verdict) -> bool:
    """Whether one verdict is as the condition asks."""
    if condition.factor:
        item = _item(condition, verdict)
        if item is None or not _judged(condition, verdict):
            return False
        if condition.limit is None:
            return item.status == condition.status
        return _meets_limit(condition, item.figure or "", Decimal(condition.limit))
    if verdict.status != condition.status:
        return False
    return condition.max_level is None or (verdict.level is not None and verdict.level <= condition.max_level)


def recovery_progress(condition: Condition, verdicts: Iterable[Verdict], *, now: int | None = None) -> Progress:
    """How far `condition` is, judged by the current `verdicts` of its judge and subject, in any order.

    Parameters
    ----------
    now : int, optional
        Windows that have not ended by then are left out, and `within_days` counts back from it; without it, from the
        end of the newest window. [s]
    """
    line = _in_order(condition, verdicts, now)
    run: list[Verdict] = []
    for verdict in line:
        run = [*run, verdict] if meets(condition, verdict) else []
    reference = now if now is not None else (line[-1].window.end if line else 0)
    oldest = reference - condition.within_days * DAY
    counted = [v for v in run if v.window.start >= oldest][-condition.windows :]
    held = len(counted) >= condition.windows
    next_possible = None if held else _next_possible(condition, line, len(counted), now)
    return Progress(
        have=len(counted),
        need=condition.windows,
        held=held,
        missing=()
        if held
        else (
            _missing(
                condition, line, len(counted), stale=len(run) > len(counted), next_possible=next_possible, now=now
            ),
        ),
        since=run[0].window.start if run else None,
        held_at=_held_at(condition, run) if held else None,
        verdicts=tuple(v.id for v in counted),
        next_possible=next_possible,
    )


def relapse(condition: Condition, verdicts: Iterable[Verdict], since: int) -> Verdict | None:
    """The first verdict whose window starts at or after `since` and breaks the condition, or None.

    One that cannot be judged is no relapse: nothing was measured to be bad again.
    """
    for verdict in _in_order(condition, verdicts, None):
        late_enough = verdict.window.start >= since
        if late_enough and _judged(condition, verdict) and not meets(condition, verdict):
            return verdict
    return None


def _item(condition: Condition, verdict: Verdict) -> VerdictItem | None:
    return next((one for one in verdict.items if one.factor == condition.factor), None)


def _judged(condition: Condition, verdict: Verdict) -> bool:
    """Whether the verdict says anything on what the condition looks at: of a factor, that it was measured."""
    if not condition.factor:
        return verdict.status != Status.CANNOT_JUDGE
    item = _item(condition, verdict)
    if item is None:
        return False
    if condition.limit is None:
        return item.status != Status.CANNOT_JUDGE
    return _number((item.figure or "").removeprefix(BELOW)) is not None


def _meets_limit(condition: Condition, text: str, limit: Decimal) -> bool:
    """Whether a printed figure meets the limit; one below detection does where all below its bound does."""
    figure = _number(text.removeprefix(BELOW))
    if figure is None:
        return False
    if text.startswith(BELOW):
        return condition.op in ("le", "lt") and figure <= limit
    return compares(condition.op, figure, limit)


def _number(text: str | None) -> Decimal | None:
    """A printed figure as a number; None when it is none."""
    try:
        made = Decimal(text) if text else None
    except InvalidOperation:
        return None
    return made if made is not None and made.is_finite() else None


def _in_order(condition: Condition, verdicts: Iterable[Verdict], now: int | None) -> list[Verdict]:
    mine = (v for v in verdicts if v.judge == condition.judge and v.subject == condition.subject)
    ended = (v for v in mine if now is None or v.window.end <= now)
    return sorted(ended, key=lambda v: (v.window.end, v.window.start, v.id))


def _held_at(condition: Condition, run: Sequence[Verdict]) -> int | None:
    for last in range(condition.windows - 1, len(run)):
        first = run[last - condition.windows + 1]
        if run[last].window.end - first.window.start <= condition.within_days * DAY:
            return run[last].window.end
    return None


def _next_possible(condition: Condition, line: Sequence[Verdict], have: int, now: int | None) -> int | None:
    if not line:
        return None
    window = line[-1].window
    length = window.end - window.start
    begin = window.end if now is None else max(window.end, period_start(window.period, now))
    return begin + (condition.windows - have) * length


def wanted_words(condition: Condition) -> tuple[str, str]:
    """What the condition asks of each window, in Chinese and English."""
    level = condition.max_level
    if condition.factor:
        name_zh, name_en = _factor_words(condition.factor)
        if condition.limit is None:
            return f"{name_zh}达标", f"with {name_en} within its limit"
        zh, en = OPERATORS[condition.op]
        return f"{name_zh}{zh}{condition.limit}", f"with {name_en} {en} {condition.limit}"
    if level is None:
        return "达标", "within limit"
    if condition.judge.startswith("water.") and 0 < level < len(WATER_CLASSES):
        return f"达到{WATER_CLASSES[level]}类", f"in Class {WATER_CLASSES[level]} or better"
    return f"达标且不差于{level}级", f"within limit and level {level} or better"


def _missing(
    condition: Condition,
    line: Sequence[Verdict],
    have: int,
    *,
    stale: bool,
    next_possible: int | None,
    now: int | None,
) -> Missing:
    wanted_zh, wanted_en = wanted_words(condition)
    if not line:
        return Missing(
            "recovery-no-verdict",
            f"需连续{condition.windows}次评价{wanted_zh}，目前没有一次评价",
            f"needs {condition.windows} consecutive verdicts {wanted_en}; has none at all",
        )
    zh_unit, en_unit = PERIOD_WORDS[line[-1].window.period]
    zh = f"需连续{condition.windows}{zh_unit}{wanted_zh}，已有{have}{zh_unit}"
    en = f"needs {condition.windows} consecutive {en_unit} {wanted_en}; has {have}"
    if stale:
        zh += f"（只计近{condition.within_days}天）"
        en += f" (only the last {condition.within_days} days count)"
    elif not have:
        last_zh, last_en = _last_words(condition, line[-1])
        zh += f"，最近一次（{_moment(line[-1].window.start, now)}）{last_zh}"
        en += f"; the last one ({_moment(line[-1].window.start, now)}) {last_en}"
    if next_possible is not None:
        zh += f"，最早{_moment(next_possible, now)}可满足"
        en += f"; next possible {_moment(next_possible, now)}"
    return Missing("recovery-stale" if stale else "recovery-windows", zh, en)


def _factor_words(factor_id: str) -> tuple[str, str]:
    found = factors().get(factor_id)
    return (found.zh, found.en) if found else (factor_id, factor_id)


def _last_words(condition: Condition, verdict: Verdict) -> tuple[str, str]:
    if condition.factor:
        item = _item(condition, verdict)
        if item is None or item.figure is None:
            return "没有该项目的数据", "had no figure of it"
        figure = f"{item.figure} {item.unit}".strip()
        return f"为{figure}", f"was {figure}"
    if verdict.status == Status.CANNOT_JUDGE:
        return "无法评价", "could not be judged"
    figure = f"{verdict.figure or verdict.label_zh} {verdict.unit}".strip()
    return f"为{figure}", f"was {figure}"


def _moment(at: int, now: int | None) -> str:
    """ "14:00" on the day of `now`, else "11-23 14:00"."""
    when = china_time(at)
    same_day = now is not None and china_time(now).date() == when.date()
    return when.strftime("%H:%M" if same_day else "%m-%d %H:%M")
