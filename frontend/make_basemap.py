"""Prepare the indicative base map that ships in the package from freely licensed sources.

    python frontend/make_basemap.py [../shared/data/geo-cq-sc]

Writes ``src/jinyun/app/basemap/*.geojson``. Only MIT, BSD-3 and CC0 sources are read (see ``SOURCES.md`` there). The
DataV shapes are in GCJ-02, some 500 m off; they are turned into WGS 84 here so that stations fall where they stand.
"""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path

import shapely
from shapely.geometry import mapping, shape

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "src" / "jinyun" / "app" / "basemap"
SEMI_MAJOR, ECCENTRICITY_2 = 6378245.0, 0.00669342162296594323  # Krasovsky 1940, as GCJ-02 uses
BOX = shapely.box(101.0, 25.6, 110.8, 34.4)


def _shift(lon: float, lat: float) -> tuple[float, float]:
    """GCJ-02 minus WGS 84 at a point. [degrees]"""
    x, y = lon - 105.0, lat - 35.0
    wave = (20 * math.sin(6 * x * math.pi) + 20 * math.sin(2 * x * math.pi)) * 2 / 3
    dy = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * math.sqrt(abs(x)) + wave
    dy += (20 * math.sin(y * math.pi) + 40 * math.sin(y / 3 * math.pi)) * 2 / 3
    dy += (160 * math.sin(y / 12 * math.pi) + 320 * math.sin(y * math.pi / 30)) * 2 / 3
    dx = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * math.sqrt(abs(x)) + wave
    dx += (20 * math.sin(x * math.pi) + 40 * math.sin(x / 3 * math.pi)) * 2 / 3
    dx += (150 * math.sin(x / 12 * math.pi) + 300 * math.sin(x / 30 * math.pi)) * 2 / 3
    phi = math.radians(lat)
    magic = 1 - ECCENTRICITY_2 * math.sin(phi) ** 2
    meridian = SEMI_MAJOR * (1 - ECCENTRICITY_2) / (magic * math.sqrt(magic))
    parallel = SEMI_MAJOR / math.sqrt(magic) * math.cos(phi)
    return math.degrees(dx / parallel), math.degrees(dy / meridian)


def to_wgs84(lon: float, lat: float) -> tuple[float, float]:
    """WGS 84 of a GCJ-02 point, by fixed-point iteration (below 1e-7 degrees after four rounds)."""
    true_lon, true_lat = lon, lat
    for _ in range(6):
        dx, dy = _shift(true_lon, true_lat)
        true_lon, true_lat = lon - dx, lat - dy
    return true_lon, true_lat


def _moved(points):
    return [to_wgs84(float(x), float(y)) for x, y in points]


def _rounded(geometry, places: int = 4):
    """Coordinates as short lists; about 10 m at four places."""

    def short(value):
        if isinstance(value[0], float | int):
            return [round(value[0], places), round(value[1], places)]
        return [short(one) for one in value]

    plain = mapping(geometry)
    return {"type": plain["type"], "coordinates": short(plain["coordinates"])}


def _write(name: str, features: list[dict]) -> None:
    text = json.dumps({"type": "FeatureCollection", "features": features}, ensure_ascii=False, separators=(",", ":"))
    path = OUT / f"{name}.geojson"
    path.write_text(text + "\n", encoding="utf-8")
    print(f"{path.relative_to(ROOT)}: {len(features)} features, {path.stat().st_size / 1024:.0f} KiB")


def areas(source: Path, tolerance: float) -> list[dict]:
    """Named areas in WGS 84; common borders stay common when simplified."""
    rows = json.loads(source.read_text(encoding="utf-8"))["features"]
    shapes = [shapely.transform(shape(row["geometry"]), _moved) for row in rows]
    if tolerance:
        shapes = list(shapely.coverage_simplify(shapes, tolerance))
    out = []
    for row, area in zip(rows, shapes, strict=True):
        whole = shapely.make_valid(area, method="structure", keep_collapsed=False)  # some source rings cross themselves
        area = shapely.set_precision(whole, 1e-4)
        label = row["properties"].get("centroid") or row["properties"]["center"]
        lon, lat = to_wgs84(*label)
        props = {
            "code": str(row["properties"]["adcode"]), "name": row["properties"]["name"],
            "label": [round(lon, 4), round(lat, 4)],
        }  # fmt: skip
        out.append({"type": "Feature", "properties": props, "geometry": _rounded(area)})
    return out


def labels(features: list[dict]) -> list[dict]:
    """One point per area, for its name."""
    return [
        {
            "type": "Feature",
            "properties": {"name": one["properties"]["name"]},
            "geometry": {"type": "Point", "coordinates": one["properties"].pop("label")},
        }
        for one in features
    ]


def rivers(source: Path, natural_earth: Path) -> list[dict]:
    """Large rivers inside the box, joined by name. The Tuo is only in Natural Earth."""
    by_name: dict[tuple[str, int], list] = {}
    for row in json.loads(source.read_text(encoding="utf-8"))["features"]:
        name = row["properties"]["name"].split("(")[0]
        level = row["properties"]["level"] or 9
        line = shape(row["geometry"]).intersection(BOX)
        if not line.is_empty:
            by_name.setdefault((name, level), []).append(line)
    for row in json.loads(natural_earth.read_text(encoding="utf-8"))["features"]:
        if row["properties"]["name"] == "Tuo":
            by_name.setdefault(("沱江", 3), []).append(shape(row["geometry"]).intersection(BOX))
    out = []
    for (name, level), lines in by_name.items():
        joined = shapely.line_merge(shapely.union_all(lines)).simplify(0.0015)
        props = {"name": name, "level": level}
        out.append({"type": "Feature", "properties": props, "geometry": _rounded(joined)})
    return out


def main() -> None:
    source = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT.parent / "shared" / "data" / "geo-cq-sc"
    OUT.mkdir(parents=True, exist_ok=True)
    districts = areas(source / "chongqing_districts.geojson", 0)
    cities = areas(source / "sichuan_cities.geojson", 0.004)
    names = labels(districts) + labels(cities)
    _write("districts", districts)
    _write("cities", cities)
    _write("labels", names)
    found = rivers(
        source / "rivers_sichuan_chongqing.geojson", source / "naturalearth_rivers_lakes_100-111E_25-35N.geojson"
    )
    _write("rivers", found)


if __name__ == "__main__":
    main()
