"""Reading real tables for the replayer: Parquet or CSV with a site, a time and factors, by a small mapping."""

from __future__ import annotations

import csv
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal, InvalidOperation
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinyun.kernel.errors import BadInput
from jinyun.kernel.factors import Factor, factor, factors
from jinyun.kernel.terms import SITE_KINDS, Period
from jinyun.sim.chance import key

SHIPPED = ("water_auto", "air_stations", "plain")
PERIODS = {"minute": Period.MINUTE, "hour": Period.HOUR, "day": Period.DAY}
SYSTEMS = {"water_section": "21", "water_micro": "21", "air_station": "22", "air_micro": "22", "stack_outlet": "31"}
MOST_DECIMALS = 6  # the store keeps six


@dataclass(frozen=True, slots=True)
class Spot:
    """A site of the tables."""

    id: str
    name: str
    kind: str
    system: str
    mn: str
    lon: float | None
    lat: float | None
    note: str


@dataclass(frozen=True, slots=True)
class Row:
    """One record to send: DataTime, and text figures by factor, exactly as in the table."""

    site: str
    time: int
    figures: tuple[tuple[Factor, str], ...]
    flag: str


@dataclass(frozen=True)
class Tables:
    """All that was found, rows in order of time."""

    spots: Mapping[str, Spot]
    rows: Sequence[Row]
    period: Period
    skipped: int  # rows without a readable time or any figure


def load_mapping(name: str | Path) -> dict[str, Any]:
    """A mapping file, or a shipped one by name."""
    path = Path(name)
    if path.suffix == ".toml":
        try:
            return tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, tomllib.TOMLDecodeError) as wrong:
            raise BadInput(f"cannot read mapping {path}: {wrong}") from None
    if name not in SHIPPED:
        raise BadInput(f"no mapping {str(name)!r}", hint=f"a .toml file, or one of {', '.join(SHIPPED)}")
    return tomllib.loads(files("jinyun.sim").joinpath("mappings", f"{name}.toml").read_text(encoding="utf-8"))


def read_tables(folder: Path, mapping: str = "", *, only: Mapping[str, str] | None = None, glob: str = "") -> Tables:
    """Read every table of a folder that the mapping fits; without one, the first shipped mapping that fits any.

    Raises
    ------
    BadInput
        When no table fits, naming the columns that were looked for.
    """
    tables = sorted(p for p in folder.glob(glob or "*") if p.suffix in (".parquet", ".csv"))
    if not tables:
        raise BadInput(f"no .parquet or .csv in {folder}")
    headings = {path: _columns(path) for path in tables}
    for name in (mapping,) if mapping else SHIPPED:
        chosen = load_mapping(name)
        fitting = [p for p in tables if set(chosen["needs"]) <= set(headings[p]) and p.name != chosen["places"]["file"]]
        if fitting:
            return _read(folder, fitting, chosen, only or {})
    found = "; ".join(f"{p.name}: {', '.join(headings[p][:12])}" for p in tables)
    wanted = ", ".join(load_mapping(mapping or "plain")["needs"])
    raise BadInput(f"no table in {folder} has the columns {wanted}", hint=f"give --mapping; found {found}")


def _read(folder: Path, paths: Sequence[Path], mapping: Mapping[str, Any], only: Mapping[str, str]) -> Tables:
    places = _places(folder, mapping)
    spots: dict[str, Spot] = {}
    rows: dict[tuple[str, int], Row] = {}
    skipped = 0
    for path in paths:
        columns = _factors(mapping, _columns(path))
        for raw in _rows(path, only):
            spot = _spot(raw, mapping, places)
            row = _row(raw, spot, mapping, columns)
            if row is None:
                skipped += 1
                continue
            spots[spot.id] = spot
            rows[row.site, row.time] = row
    ordered = sorted(rows.values(), key=lambda r: (r.time, r.site))
    if not ordered:
        said = ", ".join(f"{k}={v}" for k, v in only.items())
        raise BadInput(f"{folder}: no row left to send" + (f" with {said}" if said else ""))
    return Tables(spots, ordered, PERIODS[mapping["time"]["period"]], skipped)


def _columns(path: Path) -> list[str]:
    if path.suffix == ".parquet":
        import pyarrow.parquet as pq

        return list(pq.read_schema(path).names)
    with path.open(encoding="utf-8-sig", newline="") as source:
        return next(csv.reader(source), [])


def _rows(path: Path, only: Mapping[str, str] | None = None) -> Iterator[dict[str, str]]:
    """Rows as text; "" for what is missing. A float32 prints as it was written, not as its binary neighbour."""
    wanted = only or {}
    if path.suffix == ".csv":
        with path.open(encoding="utf-8-sig", newline="") as source:
            for row in csv.DictReader(source):
                if all(row.get(name) == value for name, value in wanted.items()):
                    yield row
        return
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    for batch in pq.ParquetFile(path).iter_batches(20_000):
        for name, value in wanted.items():
            if name not in batch.schema.names:
                batch = batch.slice(0, 0)
                break
            batch = batch.filter(pc.equal(pc.cast(batch.column(name), pa.string()), pa.scalar(value)))
        if not len(batch):
            continue
        texts = []
        for column in batch.columns:
            if pa.types.is_timestamp(column.type):
                values = column.to_pylist()
                texts.append([one.isoformat() if one is not None else "" for one in values])
            else:
                texts.append(["" if one is None else one for one in pc.cast(column, pa.string()).to_pylist()])
        for cells in zip(*texts, strict=True):
            yield dict(zip(batch.schema.names, cells, strict=True))


def _factors(mapping: Mapping[str, Any], columns: Sequence[str]) -> dict[str, Factor]:
    if mapping.get("factors_by_id"):
        found = {name: factors()[name] for name in columns if name in factors()}
        if not found:
            raise BadInput("no column is named by a factor id", hint="such as cod_mn, nh3_n, pm2_5")
        return found
    return {column: factor(id) for column, id in mapping["factors"].items() if column in columns}


def _id(raw: Mapping[str, str], parts: Sequence[str], mapping: Mapping[str, Any]) -> str:
    names = [raw.get(one, "").strip() for one in parts]
    if mapping["site"].get("plain") and re.fullmatch(r"[0-9A-Za-z_.-]{1,40}", names[0]):
        return f"{mapping['site']['prefix']}-{names[0]}"
    return f"{mapping['site']['prefix']}-{key(*names):016X}"[:16]


def _places(folder: Path, mapping: Mapping[str, Any]) -> dict[str, Mapping[str, str]]:
    path = folder / mapping["places"]["file"]
    if not path.is_file():
        return {}
    return {_id(raw, mapping["places"]["key"], mapping): raw for raw in _rows(path)}


def _spot(raw: Mapping[str, str], mapping: Mapping[str, Any], places: Mapping[str, Mapping[str, str]]) -> Spot:
    site, where = mapping["site"], mapping["places"]
    id = _id(raw, site["key"], mapping)
    place = places.get(id, {})
    kind = place.get(where.get("kind", ""), "") or site["kind"]
    if kind not in SITE_KINDS:
        raise BadInput(f"{id}: no kind of site {kind!r}", hint=f"one of {', '.join(SITE_KINDS)}")
    name = place.get(where.get("name", ""), "") or raw.get(site["name"], "") or id
    note = " ".join(filter(None, (raw.get(one, "") for one in site["note"])))
    mn = f"{key('mn', id):016X}{key('mn', id, 2) >> 32:08X}"
    system = SYSTEMS.get(kind, "32") if kind != site["kind"] else site["system"]
    return Spot(id, name, kind, system, mn, _float(place.get(where["lon"])), _float(place.get(where["lat"])), note)


def _row(raw: Mapping[str, str], spot: Spot, mapping: Mapping[str, Any], columns: Mapping[str, Factor]) -> Row | None:
    time = _time(raw.get(mapping["time"]["column"], ""), mapping["time"])
    figures = tuple((one, text) for column, one in columns.items() if (text := plain(raw.get(column, ""))) is not None)
    if time is None or not figures:
        return None
    flags = mapping.get("flags", {})
    flag = str(flags.get(raw.get(flags.get("column", ""), ""), "N"))
    return Row(spot.id, time, figures, flag)


def plain(text: str) -> str | None:
    """A number as plain decimal text with at most six places; None when there is none."""
    try:
        number = Decimal((text or "").strip())
    except InvalidOperation:
        return None
    if not number.is_finite():
        return None
    exponent = number.as_tuple().exponent
    if isinstance(exponent, int) and -exponent > MOST_DECIMALS:
        number = round(number, MOST_DECIMALS)
    return format(number, "f")


def _time(text: str, rule: Mapping[str, Any]) -> int | None:
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    if moment.tzinfo is None:
        sign, hours, minutes = rule["zone"][0], int(rule["zone"][1:3]), int(rule["zone"][4:6])
        shift = timedelta(hours=hours, minutes=minutes)
        moment = moment.replace(tzinfo=timezone(-shift if sign == "-" else shift))
    return int(moment.astimezone(UTC).timestamp()) + int(rule["offset_s"])


def _float(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return None
