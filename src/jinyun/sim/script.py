"""Fault scripts: a TOML story of what goes wrong, when, and when it is put right. See `sim/faults/README.md`.

Times are ``-26h``, ``+1h30m``, ``now`` (all from the simulation's origin) or ISO 8601 with a time zone. A fault without
`from` has always been, one without `until` never ends, one with `every` comes again.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinyun.kernel.errors import BadInput
from jinyun.sim.chance import key, unit
from jinyun.sim.district import District, Logger
from jinyun.sim.events import EVENTS, Event
from jinyun.sim.names import device_number

FOREVER = 1 << 40
LINK_KINDS: Mapping[str, frozenset[str]] = {
    "silent": frozenset({"connected"}),
    "cut": frozenset(),
    "skew": frozenset({"seconds", "obeys"}),
    "duplicate": frozenset({"share"}),
    "split": frozenset({"parts"}),
    "half": frozenset({"share"}),
    "bad_crc": frozenset({"share"}),
    "dialect": frozenset({"crc"}),
    "noise": frozenset({"share"}),
}
"""Faults of a link or logger, with the parameters each takes."""

COMMON = frozenset({"kind", "from", "until", "every", "note"})
OTHER_KINDS: Mapping[str, frozenset[str]] = {
    "rain": frozenset({"mm_per_h"}),
    "flag": frozenset({"site", "factors", "flag"}),
    "unknown": frozenset({"like"}),
}


@dataclass(frozen=True, slots=True)
class Span:
    """When a fault is on: [start, end), again every `every` seconds when that is not 0."""

    start: int
    end: int
    every: int = 0

    def during(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """The whole stretches of it that touch [start, end)."""
        if not self.every:
            if self.start < end and self.end > start:
                yield self.start, self.end
            return
        turn = max(0, (start - self.end) // self.every)
        while (begin := self.start + turn * self.every) < end:
            stop = self.end + turn * self.every
            if stop > start:
                yield begin, stop
            turn += 1

    def holds(self, at: int) -> bool:
        return any(True for _ in self.during(at, at + 1))


@dataclass(frozen=True, slots=True)
class LinkFault:
    """A fault of one device's link."""

    kind: str
    mn: str
    span: Span
    params: Mapping[str, Any]

    def strikes(self, what: str) -> bool:
        """Whether a fault with a `share` hits the message named `what`; the same answer every time."""
        share = float(self.params.get("share", 1.0))
        return share >= 1.0 or unit(key(self.kind, self.mn, what)) < share


@dataclass(frozen=True, slots=True)
class FlagFault:
    """Values of a site carry another flag than N for a while."""

    site: str
    factors: frozenset[str]  # empty: all
    letter: str
    span: Span


@dataclass(frozen=True)
class Plan:
    """A script bound to a district and an origin: every time absolute, every target an id."""

    events: Mapping[str, Sequence[Event]] = field(default_factory=dict)  # by site
    rain: Sequence[tuple[Span, float]] = ()
    flagged: Mapping[str, Sequence[FlagFault]] = field(default_factory=dict)
    links: Mapping[str, Sequence[LinkFault]] = field(default_factory=dict)  # by MN
    strangers: Sequence[Logger] = ()

    def physical(self, site: str, start: int, end: int) -> list[Event]:
        """What happens at a site in [start, end)."""
        return [e for e in self.events.get(site, ()) if any(True for _ in e.span.during(start, end))]

    def showers(self, start: int, end: int) -> Iterator[tuple[int, int, float]]:
        for span, strength in self.rain:
            for begin, stop in span.during(start, end):
                yield begin, stop, strength

    def flags(self, site: str, start: int, end: int) -> list[FlagFault]:
        return [f for f in self.flagged.get(site, ()) if any(True for _ in f.span.during(start, end))]

    def link(self, mn: str, kind: str, at: int) -> LinkFault | None:
        """The fault of a kind that a device has at a time."""
        for one in self.links.get(mn, ()):
            if one.kind == kind and one.span.holds(at):
                return one
        return None


@dataclass(frozen=True)
class Script:
    """A script as written."""

    name: str
    faults: Sequence[Mapping[str, Any]] = ()
    align: int = 1  # the origin is cut to a multiple of this [s]

    def bind(self, district: District, origin: int) -> Plan:
        """Give every fault its absolute times and ids.

        Raises
        ------
        BadInput
            Naming the fault, what is wrong with it and what would work.
        """
        return _Binder(self, district, (origin + 28800) // self.align * self.align - 28800).plan()


def load_script(name: str | Path) -> Script:
    """A script file, or the name of a shipped one (``demo``).

    Raises
    ------
    BadInput
        When there is neither, or it is not TOML.
    """
    path = Path(name)
    if path.suffix != ".toml":
        shipped = files("jinyun.sim").joinpath("faults", f"{name}.toml")
        if not shipped.is_file():
            known = sorted(
                f.name[:-5] for f in files("jinyun.sim").joinpath("faults").iterdir() if f.name[-5:] == ".toml"
            )
            raise BadInput(f"no fault script {str(name)!r}", hint=f"a .toml file, or one of {', '.join(known)}")
        text = shipped.read_text(encoding="utf-8")
    else:
        try:
            text = path.read_text(encoding="utf-8")
        except OSError as wrong:
            raise BadInput(f"cannot read fault script {path}: {wrong.strerror}") from None
    return parse_script(text, str(name))


def parse_script(text: str, name: str = "script") -> Script:
    try:
        written = tomllib.loads(text)
    except tomllib.TOMLDecodeError as wrong:
        raise BadInput(f"{name} is not TOML: {wrong}") from None
    extra = set(written) - {"fault", "align", "about"}
    if extra:
        raise BadInput(f"{name}: unknown {', '.join(sorted(extra))}", hint="a script has [[fault]], align and about")
    return Script(name, tuple(written.get("fault", ())), max(1, duration(written.get("align", "1s"), name)))


_PART = re.compile(r"(\d+)([dhms])")
_SECONDS = {"d": 86400, "h": 3600, "m": 60, "s": 1}


def duration(text: str, where: str = "duration") -> int:
    """``1d2h30m`` in seconds; a leading sign is kept."""
    body = text.lstrip("+-")
    if not body or _PART.sub("", body):
        raise BadInput(f"{where}: {text!r} is not a duration", hint="write 90s, 30m, 26h, 1d2h")
    total = sum(int(n) * _SECONDS[u] for n, u in _PART.findall(body))
    return -total if text.startswith("-") else total


class _Binder:
    def __init__(self, script: Script, district: District, origin: int) -> None:
        self.script, self.district, self.origin = script, district, origin

    def plan(self) -> Plan:
        events: dict[str, list[Event]] = {}
        flagged: dict[str, list[FlagFault]] = {}
        links: dict[str, list[LinkFault]] = {}
        rain: list[tuple[Span, float]] = []
        strangers: list[Logger] = []
        for number, fault in enumerate(self.script.faults, 1):
            kind = str(fault.get("kind"))
            where = f"{self.script.name}, fault {number} ({kind})"
            span = self._span(fault, where)
            if kind in EVENTS:
                self._known(fault, EVENTS[kind].PARAMS | {"site"}, where)
                for site in self._sites(fault.get("site"), where):
                    place = self.district.places[site]
                    events.setdefault(site, []).append(EVENTS[kind].of(span, place, fault, where))
            elif kind in LINK_KINDS:
                self._known(fault, LINK_KINDS[kind] | {"device", "among"}, where)
                params = {k: v for k, v in fault.items() if k in LINK_KINDS[kind]}
                for mn in self._devices(fault, where, number):
                    links.setdefault(mn, []).append(LinkFault(kind, mn, span, params))
            elif kind == "rain":
                self._known(fault, OTHER_KINDS[kind], where)
                rain.append((span, float(fault.get("mm_per_h", 8))))
            elif kind == "flag":
                self._known(fault, OTHER_KINDS[kind], where)
                for site in self._sites(fault.get("site"), where):
                    one = FlagFault(site, frozenset(fault.get("factors", ())), str(fault.get("flag", "M")), span)
                    flagged.setdefault(site, []).append(one)
            elif kind == "unknown":
                self._known(fault, OTHER_KINDS[kind], where)
                strangers.append(self._stranger(fault, where, number))
            else:
                known = ", ".join(sorted((*EVENTS, *LINK_KINDS, *OTHER_KINDS)))
                raise BadInput(f"{where}: no such kind of fault", hint=f"there are {known}")
        return Plan(events, rain, flagged, links, strangers)

    def _known(self, fault: Mapping[str, Any], params: frozenset[str], where: str) -> None:
        extra = set(fault) - params - COMMON
        if extra:
            takes = ", ".join(sorted(params | COMMON))
            raise BadInput(f"{where}: unknown {', '.join(sorted(extra))}", hint=f"it takes {takes}")

    def _span(self, fault: Mapping[str, Any], where: str) -> Span:
        start = self._time(fault["from"], where) if "from" in fault else -FOREVER
        end = self._time(fault["until"], where) if "until" in fault else FOREVER
        if end <= start:
            raise BadInput(f"{where}: ends before it begins")
        every = duration(fault["every"], where) if "every" in fault else 0
        if every and (every < end - start or -FOREVER in (start,) or end == FOREVER):
            raise BadInput(f"{where}: `every` needs `from` and `until` that lie closer than it")
        return Span(start, end, every)

    def _time(self, text: Any, where: str) -> int:
        if isinstance(text, datetime):
            text = text.isoformat()
        if text == "now":
            return self.origin
        if str(text)[:1] in "+-":
            return self.origin + duration(str(text), where)
        try:
            moment = datetime.fromisoformat(str(text))
        except ValueError:
            raise BadInput(f"{where}: {text!r} is not a time", hint="write -26h, +90m, now or ISO 8601") from None
        if moment.tzinfo is None:
            raise BadInput(f"{where}: {text!r} must say its time zone", hint=f"write {text}+08:00")
        return int(moment.timestamp())

    def _sites(self, given: Any, where: str) -> list[str]:
        """Ids of ``E0002-W1``, of ``water_outlet#2`` (the second by id), or of a list of such."""
        if isinstance(given, list):
            return [site for one in given for site in self._sites(one, where)]
        text = str(given)
        if text in self.district.places:
            return [text]
        kind, _, number = text.partition("#")
        found = self.district.by_kind(kind)
        if number.isdigit() and 1 <= int(number) <= len(found):
            return [found[int(number) - 1].id]
        if not number and found:
            return [one.id for one in found]
        raise BadInput(
            f"{where}: no site {text!r}", hint="write a site id, a kind, or kind#number such as water_outlet#2"
        )

    def _devices(self, fault: Mapping[str, Any], where: str, number: int) -> list[str]:
        """MNs of `device` (an MN, a site or a list); or a share of all, `among = 0.1`."""
        if "among" in fault:
            share = float(fault["among"])
            stream = key(self.district.seed, "among", number)
            return [one.mn for i, one in enumerate(self.district.loggers) if unit(stream, i) < share]
        given = fault.get("device")
        names = given if isinstance(given, list) else [given]
        found: list[str] = []
        by_mn = {one.mn for one in self.district.loggers}
        for name in names:
            if name in by_mn:
                found.append(str(name))
            else:
                found += [self.district.logger_of(site).mn for site in self._sites(name, where)]
        return found

    def _stranger(self, fault: Mapping[str, Any], where: str, number: int) -> Logger:
        like = self.district.logger_of(self._sites(fault.get("like", "water_outlet#1"), where)[0])
        mn = device_number(2017, key(self.district.seed, "stranger", number))
        connection = 1_000_000 + number
        return Logger(
            mn,
            like.site,
            "未登记数采仪",
            like.system,
            2017,
            "123456",
            b"",
            connection,
            "未知（模拟）",
            registered=False,
        )
