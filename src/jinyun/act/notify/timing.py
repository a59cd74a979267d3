"""When a notice goes: at once, after quiet hours, with a digest, or together with others on its matter. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from jinyun.kernel.ports import MICRO
from jinyun.kernel.terms import china_time

DAY, HOUR, MINUTE = 86_400, 3_600, 60


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a person wants, of one subscription. Clock times ``HH:MM`` in China civil time."""

    quiet_from: str = ""
    quiet_to: str = ""
    through: int = 2  # this level and graver go at once whatever else is said; 0: none does
    digest: str = "none"  # none, hourly, daily
    digest_at: str = "08:00"
    throttle: int = 0  # [min]


@dataclass(frozen=True, slots=True)
class When:
    """The moment [µs], and with what it is put together ("": it goes alone)."""

    at: int
    bundle: str = ""


def when(wishes: Wishes, level: int | None, now: int, *, last: int | None = None, matter: str = "") -> When:
    """When a notice of `level` goes. `now` and `last` (same matter told last, or to be told) in µs.

    A level that breaks the quiet is not held for digests and quiet hours; the throttle holds it all the same when it
    is on the same topic of the same matter.
    """
    urgent = level is not None and level <= wishes.through
    if not urgent and wishes.digest != "none":
        return When(_after_quiet(wishes, _next_digest(wishes, now)), f"digest/{wishes.digest}")
    if wishes.throttle and last is not None and now < last + wishes.throttle * MINUTE * MICRO:
        at = last if last > now else last + wishes.throttle * MINUTE * MICRO  # one waits already: go with it
        return When(at if urgent else _after_quiet(wishes, at), f"matter/{matter}")
    if not urgent and (end := quiet_until(wishes, now)) is not None:
        return When(end, "quiet")
    return When(now)


def quiet_until(wishes: Wishes, at: int) -> int | None:
    """The end of the quiet hours that `at` lies in, or None. [µs]"""
    start, end = _minutes(wishes.quiet_from), _minutes(wishes.quiet_to)
    if start is None or end is None or start == end:
        return None
    seconds = at // MICRO
    local = china_time(seconds)
    minute = local.hour * 60 + local.minute
    inside = start <= minute < end if start < end else minute >= start or minute < end
    if not inside:
        return None
    midnight = seconds - (local.hour * HOUR + local.minute * MINUTE + local.second)
    over = midnight + end * MINUTE
    return (over if over > seconds else over + DAY) * MICRO


def _after_quiet(wishes: Wishes, at: int) -> int:
    return quiet_until(wishes, at) or at


def _next_digest(wishes: Wishes, now: int) -> int:
    seconds = now // MICRO
    if wishes.digest == "hourly":
        return (seconds // HOUR + 1) * HOUR * MICRO
    local = china_time(seconds)
    midnight = seconds - (local.hour * HOUR + local.minute * MINUTE + local.second)
    today = midnight + (_minutes(wishes.digest_at) or 0) * MINUTE
    return (today if today > seconds else today + DAY) * MICRO


def _minutes(text: str) -> int | None:
    hours, _, minutes = (text or "").partition(":")
    return int(hours) * 60 + int(minutes) if hours.isdigit() and minutes.isdigit() else None
