"""Scripted events in the physical world: what changes a true value, for how long, and by how much."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np

from jinyun.kernel.errors import BadInput
from jinyun.sim.chance import bump

if TYPE_CHECKING:
    from jinyun.sim.district import Place
    from jinyun.sim.script import Span


@dataclass(slots=True)
class Scene:
    """One site in one hour: `out` is (factors × samples), to be changed in place."""

    place: Place
    names: Sequence[str]
    times: np.ndarray
    out: np.ndarray
    noise: np.ndarray
    rain: np.ndarray  # [mm/h]
    wet: np.ndarray  # 0…1

    def row(self, factor: str) -> np.ndarray:
        row: np.ndarray = self.out[self.names.index(factor)]
        return row

    def blend(self, factor: str, level: np.ndarray | float, part: np.ndarray) -> None:
        """Go `part` of the way from what is there to `level`."""
        row = self.row(factor)
        row += (level - row) * part


class Event(Protocol):
    """Something that changes true values while it is on."""

    @property
    def span(self) -> Span: ...

    def apply(self, scene: Scene) -> None: ...


def share(span: Span, times: np.ndarray, ramp: int) -> np.ndarray:
    """0 outside the event, 1 inside, rising and falling over `ramp` seconds within it."""
    out = np.zeros(len(times))
    for start, end in span.during(int(times[0]), int(times[-1]) + 1):
        inside = (times >= start) & (times < end)
        slope = np.minimum(1.0, np.minimum(times - start + 30.0, end - times) / ramp) if ramp else 1.0
        out = np.where(inside, slope, out)
    return out


def _index(place: Place, factor: str, where: str) -> None:
    from jinyun.sim.channels import factors_of

    if factor not in factors_of(place):
        raise BadInput(
            f"{where}: {place.id} does not measure {factor!r}", hint=f"it has {', '.join(factors_of(place))}"
        )


@dataclass(frozen=True, slots=True)
class Exceedance:
    """An outlet's treatment fails: the concentration goes to `multiple` × its permit limit."""

    PARAMS: ClassVar[frozenset[str]] = frozenset({"factor", "multiple", "ramp"})
    span: Span
    factor: str
    target: float
    reference_o2: float | None
    ramp: int

    @classmethod
    def of(cls, span: Span, place: Place, fault: Mapping[str, Any], where: str) -> Exceedance:
        factor = str(fault.get("factor"))
        _index(place, factor, where)
        limits = [one for one in place.limits if one.factor == factor]
        if not limits:
            known = ", ".join(one.factor for one in place.limits)
            raise BadInput(f"{where}: {place.id} has no permit limit for {factor!r}", hint=f"it has them for {known}")
        reference = float(place.reference_o2) if limits[0].converted and place.reference_o2 is not None else None
        target = float(limits[0].limit) * float(fault.get("multiple", 1.5))
        return cls(span, factor, target, reference, int(fault.get("ramp", 0)))

    def apply(self, scene: Scene) -> None:
        level = self.target * (1.0 + 0.03 * scene.noise[scene.names.index(self.factor)])
        if self.reference_o2 is not None:  # the limit is for the converted value
            level = level * (21.0 - scene.row("o2")) / (21.0 - self.reference_o2)
        scene.blend(self.factor, level, share(self.span, scene.times, self.ramp))


@dataclass(frozen=True, slots=True)
class Cause:
    """Pollution that gets into a river outlet: `sewage` all day, `spoil_heap` washed out by rain. Loads in g/s."""

    PARAMS: ClassVar[frozenset[str]] = frozenset({"cause", "load"})
    span: Span
    cause: str
    load: Mapping[str, float]

    @classmethod
    def of(cls, span: Span, place: Place, fault: Mapping[str, Any], where: str) -> Cause:
        cause = str(fault.get("cause"))
        if cause not in ("sewage", "spoil_heap"):
            raise BadInput(f"{where}: no cause {cause!r}", hint="there are sewage, spoil_heap")
        if place.kind != "river_outlet":
            raise BadInput(f"{where}: {place.id} is not a river outlet")
        load = {str(k): float(v) for k, v in dict(fault.get("load", {})).items()}
        for factor in load:
            _index(place, factor, where)
        return cls(span, cause, load)

    def apply(self, scene: Scene) -> None:
        if self.cause == "sewage":
            hours = ((scene.times + 28800) % 86400) / 3600.0
            shape = 0.95 + 0.08 * bump(hours, 8.0, 3.0) + 0.08 * bump(hours, 20.0, 3.0) + 0.6 * scene.wet
        else:
            shape = np.minimum(1.0, 0.55 * np.minimum(1.0, scene.rain / 5.0) + 0.75 * scene.wet)
        part = share(self.span, scene.times, 0) * shape
        for factor, load in self.load.items():
            row = scene.row(factor)
            row += load * 1000.0 / scene.out[0] * part  # mg/s over L/s


@dataclass(frozen=True, slots=True)
class Constant:
    """An analyser that hangs: one value, over and over."""

    PARAMS: ClassVar[frozenset[str]] = frozenset({"factor", "value"})
    span: Span
    factor: str
    value: float

    @classmethod
    def of(cls, span: Span, place: Place, fault: Mapping[str, Any], where: str) -> Constant:
        _index(place, str(fault.get("factor")), where)
        return cls(span, str(fault["factor"]), float(fault.get("value", 0)))

    def apply(self, scene: Scene) -> None:
        scene.blend(self.factor, self.value, share(self.span, scene.times, 0))


@dataclass(frozen=True, slots=True)
class Pulse:
    """A sharp addition to one factor, for tests of travel and dilution. In the factor's unit."""

    PARAMS: ClassVar[frozenset[str]] = frozenset({"factor", "add"})
    span: Span
    factor: str
    add: float

    @classmethod
    def of(cls, span: Span, place: Place, fault: Mapping[str, Any], where: str) -> Pulse:
        _index(place, str(fault.get("factor")), where)
        return cls(span, str(fault["factor"]), float(fault.get("add", 1)))

    def apply(self, scene: Scene) -> None:
        row = scene.row(self.factor)
        row += self.add * share(self.span, scene.times, 0)


EVENTS: Mapping[str, Any] = {
    "exceedance": Exceedance, "pollution": Cause, "constant": Constant, "pulse": Pulse,
}  # fmt: skip
