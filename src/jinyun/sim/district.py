"""A district that never was: one river, its stations, firms, outlets and data loggers. Pure and deterministic."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from jinyun.kernel.errors import BadInput
from jinyun.kernel.tables import toml_table
from jinyun.sim.chance import key, pick, unit
from jinyun.sim.names import credit_code, device_number, firm_name
from jinyun.sim.place import Course, Point, course

if TYPE_CHECKING:
    from jinyun.sim.script import Script
    from jinyun.sim.truth import TruthRow

SCALES: Mapping[str, tuple[int, int]] = {"small": (40, 0), "district": (1300, 3000)}
"""Scale: firms, and standing connections (0: as many as come of it)."""

PACKAGE = "jinyun.sim"


@dataclass(frozen=True, slots=True)
class Limit:
    """One line of an invented permit."""

    factor: str
    period: str  # hour or day
    limit: Decimal
    unit: str
    converted: bool
    basis: str


@dataclass(frozen=True, slots=True)
class Place:
    """One monitored site with what the truth needs to know of it."""

    id: str
    name: str
    kind: str  # one of kernel.terms.SITE_KINDS
    point: Point
    town: str
    enterprise: str = ""
    km: float | None = None  # along the river: river sites and outlets that discharge into it
    target_class: int | None = None
    upstream: tuple[str, ...] = ()
    limits: tuple[Limit, ...] = ()
    reference_o2: Decimal | None = None
    traits: Mapping[str, float] = field(default_factory=dict)  # levels that the truth starts from
    process: str = ""
    zone: str = ""  # of noise stations: 0 … 4b, GB 3096-2008


@dataclass(frozen=True, slots=True)
class Logger:
    """One data logger (数采仪): how it speaks, and on which connection."""

    mn: str
    site: str
    name: str
    system: str  # ST
    edition: int  # 2005, 2017, 2025
    password: str
    sm4_key: bytes
    connection: int
    vendor: str
    always_answer: bool = False
    registered: bool = True


@dataclass(frozen=True, slots=True)
class Firm:
    """One enterprise; every name, code and number of it is made up."""

    id: str
    name: str
    uscc: str
    industry: str  # GB/T 4754-2017
    point: Point
    town: str
    address: str
    contact: str
    phone: str


@dataclass(frozen=True)
class District:
    """The whole district. What the node may know is in `records`; the truth is elsewhere and stays there."""

    scale: str
    seed: int
    river: str
    course: Course
    firms: tuple[Firm, ...]
    places: Mapping[str, Place]
    loggers: tuple[Logger, ...]

    def records(self, *, realtime: int = 30, minute: int = 10) -> list[tuple[str, str, dict[str, Any]]]:
        """All registers as (type, id, data), enterprises first, so that no reference points forward."""
        from jinyun.sim.registers import registers

        return list(registers(self, realtime=realtime, minute=minute))

    def by_kind(self, kind: str) -> list[Place]:
        """Sites of one kind, in order of id."""
        return sorted((p for p in self.places.values() if p.kind == kind), key=lambda p: p.id)

    def logger_of(self, site: str) -> Logger:
        for one in self.loggers:
            if one.site == site:
                return one
        raise BadInput(f"no data logger at site {site!r}", hint="see District.places")

    def connections(self) -> int:
        """How many sockets stand when all is well."""
        return len({one.connection for one in self.loggers})

    def truth_table(
        self, start: int, end: int, *, script: Script | None = None, origin: int = 0, minute: int = 10
    ) -> Iterator[TruthRow]:
        """What an undisturbed store must hold of [start, end): see `truth.table`."""
        from jinyun.sim.truth import Truth, table

        return table(Truth(self, script, origin), start, end, minute=minute)


def build(scale: str = "small", seed: int = 7) -> District:
    """The district of a scale and seed. The first 40 firms of ``district`` are those of ``small``.

    Raises
    ------
    BadInput
        For a scale that is not one of `SCALES`.
    """
    if scale not in SCALES:
        raise BadInput(f"no scale {scale!r}", field="scale", hint=f"there are {', '.join(SCALES)}")
    count, connections = SCALES[scale]
    geography = toml_table(PACKAGE, "geography.toml")
    line = course(geography["course"], float(geography["length_km"]))
    places: dict[str, Place] = {}
    for one in (*_river_places(geography, line), *_air_places(geography, seed)):
        places[one.id] = one
    firms = []
    for number in range(1, count + 1):
        firm, outlets = _firm(number, seed, geography, line)
        firms.append(firm)
        places.update((one.id, one) for one in outlets)
    places.update((one.id, one) for one in _noise_places(geography))
    _fill(places, firms, connections, seed)
    _link_river(places)
    return District(scale, seed, geography["river"], line, tuple(firms), places, tuple(_loggers(places, seed)))


def town_at(geography: Mapping[str, Any], km: float) -> str:
    return str(next((t["name"] for t in geography["town"] if km <= t["until_km"]), geography["town"][-1]["name"]))


def _river_places(geography: Mapping[str, Any], line: Course) -> Iterator[Place]:
    for one in geography["section"]:
        yield Place(
            one["id"], one["name"], "water_section", line.at(one["km"]), town_at(geography, one["km"]),
            km=one["km"], target_class=one["target_class"],
        )  # fmt: skip
    for number, one in enumerate(geography["water_micro"], 1):
        yield Place(
            f"WM{number:02d}", one["name"], "water_micro", line.at(one["km"]), town_at(geography, one["km"]),
            km=one["km"], target_class=one["target_class"],
        )  # fmt: skip
    for one in geography["river_outlet"]:
        lon, lat = line.at(one["km"])
        traits = {name: float(one[name]) for name in ("flow_l_per_s", "cod_mn", "nh3_n", "tp")}
        yield Place(
            one["id"], one["name"], "river_outlet", (round(lon + 0.0012, 5), lat), town_at(geography, one["km"]),
            km=one["km"], traits=traits,
        )  # fmt: skip


def _air_places(geography: Mapping[str, Any], seed: int) -> Iterator[Place]:
    for number, one in enumerate(geography["air_station"], 1):
        lon, lat = one["place"]
        yield Place(
            f"AS{number:02d}", one["name"], "air_station", (lon, lat), _nearest_town(geography, lon, lat),
            traits={"urban": float(one["urban"])},
        )  # fmt: skip
    parks = geography["park"]
    for number in range(1, 21):
        stream = key(seed, "air_micro", number)
        if number <= 12:
            park = parks[number % len(parks)]
            (lon, lat), radius, stem = park["place"], park["radius"], park["name"]
        else:
            town = geography["town"][number % len(geography["town"])]
            (lon, lat), radius, stem = town["place"], 0.012, town["name"]
        point = _around(stream, (lon, lat), radius)
        yield Place(
            f"AM{number:02d}", f"{stem}{number}号空气微站", "air_micro", point, _nearest_town(geography, *point),
            traits={"urban": round(0.8 + 0.35 * unit(stream, 9), 3)},
        )  # fmt: skip


def _noise_places(geography: Mapping[str, Any]) -> Iterator[Place]:
    for number, one in enumerate(geography["noise_station"], 1):
        lon, lat = one["place"]
        yield Place(
            f"NS{number:02d}", one["name"], "noise_station", (lon, lat), _nearest_town(geography, lon, lat),
            traits={"day": float(one["day"]), "night": float(one["night"])}, zone=one["zone"],
        )  # fmt: skip


def _firm(number: int, seed: int, geography: Mapping[str, Any], line: Course) -> tuple[Firm, list[Place]]:
    """One firm and its outlets."""
    tables = toml_table(PACKAGE, "industries.toml")
    stream = key(seed, "firm", number)
    id = f"E{number:04d}"
    industry = _industry(number, stream, tables)
    park = _weighted(geography["park"], unit(stream, 2))
    point = _around(stream, tuple(park["place"]), park["radius"])
    name = firm_name(number, stream, tables["names"], industry["words"])
    town = _nearest_town(geography, *point)
    surname = tables["names"]["surnames"][pick(stream, 6, tables["names"]["surnames"])]
    firm = Firm(
        id, name, credit_code(number), industry["code"], point, town,
        f"{geography['jurisdiction']}{town}{park['name']}{number}号", f"{surname}某", f"000-{number:08d}",
    )  # fmt: skip
    outlets = []
    if "water" in industry:
        direct = bool(industry.get("direct")) and number <= 12  # the rest leads to a sewage works
        table = "wwtp_1a" if industry["water"] == "wwtp_1a" else ("gb8978_1" if direct else "gb8978_3")
        outlets.append(_water_outlet(firm, 1, stream, table, industry["flow_l_per_s"], line=line if direct else None))
    wanted = [] if number > 12 and unit(stream, 7) < 0.25 and outlets else industry.get("stack", [])
    outlets += [_stack(firm, n, table, stream) for n, table in enumerate(wanted, 1)]
    return firm, outlets


def _industry(number: int, stream: int, tables: Mapping[str, Any]) -> Mapping[str, Any]:
    """The first eight are always the same kinds, so that a story finds what it needs; the rest by weight."""
    kinds = tables["industry"]
    fixed = ("4620", "1713", "2221", "1713", "4417", "3011", "2614", "2221")
    if number <= len(fixed):
        return next(k for k in kinds if k["code"] == fixed[number - 1])
    rest = [k for k in kinds if k["code"] != "4620"]
    return _weighted(rest, unit(stream, 1))


def _water_outlet(
    firm: Firm, n: int, stream: int, table: str, flow: Sequence[str], *, line: Course | None = None
) -> Place:
    """Outlet number `n` of a firm; into the river when `line` is given, else to a sewage works."""
    limits = _limits(table)
    low, high = float(flow[0]), float(flow[1])
    traits = {"flow_l_per_s": round(low + (high - low) * unit(stream, 20 + n), 2)}
    for i, one in enumerate(limits):
        traits[one.factor] = round(float(one.limit) * (0.30 + 0.22 * unit(stream, 30 + 7 * n + i)), 4)
    km, town = None, firm.town
    point = round(firm.point[0] + 0.0006 * n, 5), firm.point[1]
    if line:  # on the bank, not on the line itself, so that two outlets do not hide each other on the map
        km = round(5.0 + 12.0 * unit(stream, 40 + n), 1)
        town = town_at(toml_table(PACKAGE, "geography.toml"), km)
        lon, lat = line.at(km)
        point = round(lon + 0.0024 * (unit(stream, 15) - 0.5), 5), round(lat + 0.0010 * (unit(stream, 16) - 0.5), 5)
    return Place(
        f"{firm.id}-W{n}", f"{_short(firm)}废水总排口" if n == 1 else f"{_short(firm)}{n}号废水排口", "water_outlet",
        point, town, firm.id, km, limits=limits, traits=traits,
        process="直接排放" if line else "间接排放（纳管）",
    )  # fmt: skip


def _stack(firm: Firm, n: int, table: str, stream: int) -> Place:
    limits = _limits(table)
    reference = toml_table(PACKAGE, "industries.toml")["limits"][table].get("reference_o2")
    traits = {"gas_flow": round(2.0 + 14.0 * unit(stream, 50 + n), 1)}
    traits["o2"] = round(float(reference) + 1.0 + 2.0 * unit(stream, 60 + n), 2) if reference else 18.5
    for i, one in enumerate(limits):
        level = float(one.limit) * (0.28 + 0.22 * unit(stream, 70 + 7 * n + i))
        if reference:  # the limit is for the converted value: the measured one is lower by the dilution
            level *= (21.0 - traits["o2"]) / (21.0 - float(reference))
        traits[one.factor] = round(level, 4)
    return Place(
        f"{firm.id}-S{n}", f"{_short(firm)}{n}号废气排口", "stack_outlet",
        (round(firm.point[0] - 0.0005 * n, 5), round(firm.point[1] + 0.0004 * n, 5)), firm.town, firm.id,
        limits=limits, reference_o2=Decimal(reference) if reference else None, traits=traits, process=limits[0].basis,
    )  # fmt: skip


def _limits(table: str) -> tuple[Limit, ...]:
    given = toml_table(PACKAGE, "industries.toml")["limits"][table]
    unit_of = "mg/m3" if any(name.startswith("stack_") for name in given) else "mg/L"
    return tuple(
        Limit(name, given["period"], Decimal(value), unit_of, bool(given.get("converted")), given["basis"])
        for name, value in given.items()
        if name not in ("basis", "period", "converted", "reference_o2")
    )


def _fill(places: dict[str, Place], firms: list[Firm], connections: int, seed: int) -> None:
    """Give firms further outlets, one each in turn, until there is a device for each connection, and some more."""
    target = connections + connections // 60  # some devices share a socket
    number = 0
    while len(places) < target:
        firm = firms[number % len(firms)]
        turn = 2 + number // len(firms)
        stream = key(seed, "more", firm.id, turn)
        if unit(stream, 0) < 0.45:
            one = _water_outlet(firm, turn, stream, "gb8978_3", ("1", "5"))
        else:
            one = _stack(firm, turn + 1, "gb16297" if unit(stream, 1) < 0.6 else "gb13271_gas", stream)
        places.setdefault(one.id, one)
        number += 1


def _link_river(places: dict[str, Place]) -> None:
    """`upstream`: the next measured site above, and every outlet between the two."""
    river = sorted((p for p in places.values() if p.km is not None), key=lambda p: (p.km or 0.0, p.id))
    above: list[str] = []
    for one in river:
        if one.kind in ("water_section", "water_micro"):
            places[one.id] = replace(one, upstream=tuple(above))
            above = [one.id]
        else:
            above.append(one.id)


def section_below(places: Mapping[str, Place], km: float) -> str:
    """The section (or the last micro-station) that water from `km` reaches first."""
    below = [p for p in places.values() if p.kind == "water_section" and (p.km or 0.0) > km]
    if not below:
        below = [p for p in places.values() if p.kind == "water_micro" and (p.km or 0.0) > km]
    return min(below, key=lambda p: p.km or 0.0).id if below else ""


def _loggers(places: Mapping[str, Place], seed: int) -> Iterator[Logger]:
    """One per site. The last of every few firms' outlets rides on its neighbour's connection."""
    vendors = toml_table(PACKAGE, "industries.toml")["names"]["vendors"]
    systems = {
        "water_outlet": "32", "river_outlet": "32", "stack_outlet": "31", "air_station": "22", "air_micro": "22",
        "noise_station": "23",
    }  # fmt: skip
    connection = -1
    previous: Place | None = None
    firms = 0
    for place in places.values():
        stream = key(seed, "logger", place.id)
        edition, secret = _edition(place, stream)
        new_firm = previous is None or previous.enterprise != place.enterprise or not place.enterprise
        firms += new_firm
        if new_firm or firms % 26:  # every 26th firm has one gateway for all its devices
            connection += 1
        yield Logger(
            device_number(edition, stream), place.id, f"{place.name}数采仪", systems.get(place.kind, "21"), edition,
            f"{100000 + int(unit(stream, 3) * 900000)}", secret, connection, vendors[pick(stream, 4, vendors)],
            always_answer=edition == 2005 and unit(stream, 5) < 0.5,
        )  # fmt: skip
        previous = place


def _edition(place: Place, stream: int) -> tuple[int, bytes]:
    """Stations speak 2017; firms' loggers are of all ages. Half of the 2025 ones encrypt."""
    if not place.enterprise:
        return 2017, b""
    chance = unit(stream, 1)
    if chance < 0.25:
        return 2005, b""
    if chance < 0.80:
        return 2017, b""
    secret = key(stream, "sm4").to_bytes(8, "big") + key(stream, "sm4", 2).to_bytes(8, "big")
    return 2025, secret if unit(stream, 2) < 0.5 else b""


def _weighted(options: list[Mapping[str, Any]], chance: float) -> Mapping[str, Any]:
    mark = chance * sum(o["weight"] for o in options)
    for one in options:
        mark -= one["weight"]
        if mark < 0:
            return one
    return options[-1]


def _around(stream: int, centre: tuple[float, ...], radius: float) -> Point:
    x, y = unit(stream, 11) + unit(stream, 12) - 1.0, unit(stream, 13) + unit(stream, 14) - 1.0
    return round(centre[0] + radius * x, 5), round(centre[1] + radius * y, 5)


def _nearest_town(geography: Mapping[str, Any], lon: float, lat: float) -> str:
    town = min(geography["town"], key=lambda t: (t["place"][0] - lon) ** 2 + (t["place"][1] - lat) ** 2)
    return str(town["name"])


def _short(firm: Firm) -> str:
    return firm.name.removesuffix("有限公司（模拟）").removesuffix("厂（模拟）")
