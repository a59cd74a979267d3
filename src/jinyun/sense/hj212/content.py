"""From a packet to what it says: readings in canonical units, states, logs, answers. Exact: no float anywhere."""

from __future__ import annotations

from typing import NamedTuple

from jinyun.kernel.ports import DeviceProfile
from jinyun.kernel.terms import Period, Stat
from jinyun.sense.hj212.packet import Packet


class Refused(NamedTuple):
    """One value that holds no number, or cannot be kept."""

    name: str  # as sent, e.g. "w01018-Rtd"
    text: str
    reason: str  # empty, not-a-number, sentinel, format-limit, out-of-decimal, duplicate, bad-time
    sentence: str


class Plan:
    """How packets of one shape are read; cached, hashable by identity, the same object for every packet of the shape.

    The centre may keep what it derives from `keys` (series ids) by plan: ``ids[plan]``.
    """

    keys: tuple[tuple[str, Stat], ...]  # (factor id, statistic), parallel to Content.values and Content.flags
    kind: str
    period: Period | None
    unknown: tuple[str, ...]  # codes that the factor dictionary does not know, kept under the raw code
    notes: tuple[str, ...]  # oddities tolerated


class Content:
    """What a packet says."""

    __slots__ = ("cn", "flags", "notes", "plan", "refused", "texts", "time", "values")
    plan: Plan
    cn: str
    time: int | None  # DataTime, [s UTC]; with profile.label_end shifted to the start of the period
    values: list[int]  # millionths of the canonical unit; NO_VALUE where there is no number
    flags: list[int]  # kernel Flag
    refused: list[Refused]  # their rows stay in `values` as NO_VALUE, so that keys always fit
    texts: list[str]  # all values of CP as sent, parallel to plan.names
    notes: tuple[str, ...]

    @property
    def kind(self) -> str:
        """data, state, log, parameter, notice, alarm, answer, command, other."""
        raise NotImplementedError

    @property
    def period(self) -> Period | None: ...
    @property
    def keys(self) -> tuple[tuple[str, Stat], ...]: ...
    @property
    def unknown(self) -> tuple[str, ...]: ...
    @property
    def extras(self) -> list[tuple[str, str]]:
        """What is no reading: SampleTime, EFlag, Info, QnRtn… as (name, text) in order."""
        raise NotImplementedError


def decode(packet: Packet, *, profile: DeviceProfile | None = None, site_kind: str = "") -> Content:
    """Read the data area of a packet. Never raises for what a device may send."""
    raise NotImplementedError


def china_seconds(text: str) -> int | None:
    """``YYYYMMDDhhmmss`` (more digits are cut off) in China time → [s UTC]; None when it is no time."""
    raise NotImplementedError


def china_text(seconds: int) -> str:
    """[s UTC] → ``YYYYMMDDhhmmss`` in China time."""
    raise NotImplementedError
