"""The page's sources: types, unit tests, a lock that names no registry, a base map that is what it says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from frontend import FRONTEND
from frontend import tool as frontend_tool
from shapely.geometry import Point, shape

ROOT = Path(__file__).resolve().parents[2]
BASEMAP = ROOT / "src" / "jinyun" / "app" / "basemap"
MOST_BASEMAP = 600 * 1024  # bytes


@pytest.mark.parametrize(
    "tool", [("vue-tsc/bin/vue-tsc.js", "--noEmit"), ("vitest/vitest.mjs", "run")], ids=["types", "units"]
)
def test_types_and_units(tool):
    build = frontend_tool("build")
    script = FRONTEND / "node_modules" / tool[0]
    if not script.exists():
        pytest.skip("frontend/node_modules is not installed: python frontend/build.py does it")
    try:
        build.run_node(script, *tool[1:])
        complaint = ""
    except build.BuildError as wrong:
        complaint = str(wrong)  # the last lines of what the tool said
    assert complaint == ""


def test_the_lock_file_names_no_registry():
    lock = json.loads((FRONTEND / "package-lock.json").read_text(encoding="utf-8"))
    for name, package in lock["packages"].items():
        assert "resolved" not in package, name
        if name:
            assert package["integrity"].startswith("sha512-"), name


def test_a_built_page_is_stale_when_a_source_changed(tmp_path, monkeypatch):
    build = frontend_tool("build")
    for name in ("index.html", "package.json"):
        (tmp_path / name).write_text("one", encoding="utf-8")
    monkeypatch.setattr(build, "FRONTEND", tmp_path)
    monkeypatch.setattr(build, "STATIC", tmp_path / "static")
    assert not build.fresh()
    build.STATIC.mkdir()
    (build.STATIC / build.STAMP).write_text(json.dumps({"sources": build.digest()}), encoding="utf-8")
    assert build.fresh()
    (tmp_path / "index.html").write_text("two", encoding="utf-8")
    assert not build.fresh()


# WGS 84 and GCJ-02 (latitude, longitude) of the public test vectors of googollee/eviltransform.
PAIRS = [
    ((31.1774276, 121.5272106), (31.17530398364597, 121.531541859215)),
    ((22.543847, 113.912316), (22.540796131694766, 113.9171764808363)),
    ((39.911954, 116.377817), (39.91334545536069, 116.38404722455657)),
]


@pytest.mark.parametrize(("true", "shifted"), PAIRS)
def test_gcj02_is_turned_into_wgs84(true, shifted):
    lon, lat = frontend_tool("make_basemap").to_wgs84(shifted[1], shifted[0])
    assert lat == pytest.approx(true[0], abs=2e-5)  # 2 m
    assert lon == pytest.approx(true[1], abs=2e-5)


def test_the_base_map_is_small_named_and_whole():
    files = sorted(BASEMAP.glob("*.geojson"))
    assert [one.stem for one in files] == ["cities", "districts", "labels", "rivers"]
    assert sum(one.stat().st_size for one in files) < MOST_BASEMAP
    districts = json.loads((BASEMAP / "districts.geojson").read_text(encoding="utf-8"))["features"]
    assert len(districts) == 38
    where = {one["properties"]["name"]: shape(one["geometry"]) for one in districts}
    assert where["北碚区"].contains(Point(106.44, 29.81))  # the middle of Beibei, WGS 84
    assert all(area.is_valid for area in where.values())
    rivers = json.loads((BASEMAP / "rivers.geojson").read_text(encoding="utf-8"))["features"]
    assert {"长江", "嘉陵江", "沱江"} <= {one["properties"]["name"] for one in rivers}
