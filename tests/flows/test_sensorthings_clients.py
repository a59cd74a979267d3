"""Foreign SensorThings clients against a running node, over a socket: FROST's Python client and pygeoapi's provider."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from decimal import Decimal
from urllib.parse import urlsplit

import httpx
import pytest
from live import Live, register
from web_rows import HOURS, OUTLET_MN, OVER, ROWS, SECTION_MN, this_hour

from jinyun.kernel.terms import Flag, Origin, Period, china_time
from jinyun.sense.hj212 import compose

fsc = pytest.importorskip("frost_sta_client", reason="the FROST client (dev extra) is not installed")
provider = pytest.importorskip("pygeoapi.provider.sensorthings", reason="pygeoapi (dev extra) is not installed")

FIRST = this_hour() - HOURS * 3600


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    live = Live(tmp_path_factory.mktemp("sta") / "var", lambda house: register(house, ROWS))
    try:
        for number, value in enumerate(OVER):
            at = FIRST + number * 3600
            cod = compose.item("w01018", "N", Avg=value, Min=value, Max=value)
            live.send(OUTLET_MN, "2061", at, [cod])
            live.send(SECTION_MN, "2061", at, [compose.item("w01001", "N", Avg="7.8")], st="21")
        live.settle()
        yield live
    finally:
        live.close()


@pytest.fixture(scope="module")
def service(node):
    login = fsc.service.auth_handler.AuthHandler("admin", node.password)
    return fsc.SensorThingsService(node.url + "/sta/v1.1", auth_handler=login)


def datastream(service, factor, stat="AVG"):
    found = service.datastreams().query().filter(
        f"properties/factor eq '{factor}' and properties/stat eq '{stat}' and properties/period eq 'HOUR'"
    )  # fmt: skip
    return found.list().get(0)


# --- FROST ------------------------------------------------------------------------------------------------------------


def test_frost_lists_and_finds(service):
    things = service.things().query().count().list()
    sites = [one for one in ROWS if one[0] == "site"]
    assert things.count == len(sites) == len(things.entities)
    for _, id, data in sites:
        thing = service.things().find(id)
        assert (thing.id, thing.name) == (id, data["name"])
        assert thing.properties["kind"] == data["kind"]


def test_frost_expands_with_options_inside(service):
    query = service.things().query().filter("Datastreams/properties/factor eq 'cod_cr'")
    things = query.expand("Locations,Datastreams($select=name,id;$expand=ObservedProperty;$count=true)").list()
    assert [one.id for one in things] == ["s-out"]
    thing = things.get(0)
    assert thing.datastreams.count == 3  # Avg, Min, Max
    assert {one.observed_property.id for one in thing.datastreams} == {"cod_cr"}
    place = next(data["place"] for _, id, data in ROWS if id == "s-out")
    assert thing.locations.get(0).location["coordinates"] == [place["lon"], place["lat"]]


def test_frost_pages_through_all_observations_once(service):
    stream = datastream(service, "cod_cr")
    pages = stream.get_observations().query().top(2).orderby("phenomenonTime", "ASC").count().list()
    assert pages.count == len(OVER)
    found = list(pages)
    assert [Decimal(str(one.result)) for one in found] == [Decimal(one) for one in OVER]
    starts = [china_time(FIRST + n * 3600).isoformat() for n in range(len(OVER))]
    assert [one.phenomenon_time.split("/")[0] for one in found] == starts


def test_frost_filters_observations(service):
    limit = sorted(map(Decimal, OVER))[len(OVER) // 2]
    stream = datastream(service, "cod_cr")
    found = list(stream.get_observations().query().filter(f"result ge {limit}").orderby("result", "DESC").list())
    expected = sorted((Decimal(one) for one in OVER if Decimal(one) >= limit), reverse=True)
    assert [Decimal(str(one.result)) for one in found] == expected
    since = china_time(FIRST + 2 * 3600).isoformat()
    later = stream.get_observations().query().filter(f"phenomenonTime ge {since}").count().list()
    assert later.count == len(OVER) - 2
    assert found[0].parameters["flag"] == "NORMAL"


def test_frost_latest_of_each_datastream(service):
    found = service.datastreams().query().expand("Observations($top=1;$orderby=phenomenonTime desc)").list()
    newest = {one.id: one.observations.get(0) for one in found}
    assert len(newest) == 4
    last = china_time(FIRST + (len(OVER) - 1) * 3600).isoformat()
    assert {one.phenomenon_time.split("/")[0] for one in newest.values()} == {last}


def test_frost_creates_an_observation_that_lasts(node, service):
    stream = datastream(service, "cod_cr")
    at = FIRST - 5 * 3600
    new = fsc.Observation(
        phenomenon_time=f"{china_time(at).isoformat()}/{china_time(at + 3600).isoformat()}",
        result=33.25,
        parameters={"flag": "NORMAL", "reason": "hand sample"},
        datastream=fsc.Datastream(id=stream.id),
    )
    before = service.observations().query().count().list().count
    service.create(new)
    assert new.id == f"{stream.id}:{at}"
    again = service.observations().find(new.id)
    assert again.result == 33.25
    (reading,) = node.house.readings.read("s-out", factors=["cod_cr"], periods=[Period.HOUR], start=at, end=at + 1)
    assert (reading.value, reading.flag) == (Decimal("33.25"), Flag.NORMAL)
    frame = node.house.readings.frame(reading.frame)
    assert (frame.origin, frame.author, frame.reason) == (Origin.IMPORT, "admin", "hand sample")
    service.create(new)  # the same again is no second one
    assert service.observations().query().count().list().count == before + 1


def test_frost_creates_a_data_array(node, service):
    stream = datastream(service, "cod_cr", "MIN")
    times = [FIRST - n * 3600 for n in (9, 8, 7)]
    array = fsc.model.ext.data_array_value.DataArrayValue()
    array.datastream = fsc.Datastream(id=stream.id)
    properties = fsc.model.ext.data_array_value.DataArrayValue.Property
    array.components = {properties.PHENOMENON_TIME, properties.RESULT}
    for n, at in enumerate(times):
        array.add_observation(
            fsc.Observation(phenomenon_time=china_time(at).isoformat(), result=n + 0.1, datastream=array.datastream)
        )
    document = fsc.model.ext.data_array_document.DataArrayDocument()
    document.add_data_array_value(array)
    made = service.observations().create(document)
    assert len(made) == 3
    readings = node.house.readings.read(
        "s-out", factors=["cod_cr"], periods=[Period.HOUR], start=times[0], end=times[-1] + 1
    )
    assert [one.value for one in readings] == [Decimal("0.1"), Decimal("1.1"), Decimal("2.1")]
    assert {one.flag for one in readings} == {Flag.UNKNOWN}  # none was said


def test_frost_is_told_what_is_wrong(service, caplog):
    stream = datastream(service, "cod_cr")
    new = fsc.Observation(
        phenomenon_time="2026-01-01T00:30:00+08:00", result=1, datastream=fsc.Datastream(id=stream.id)
    )
    with pytest.raises(Exception, match="400"):
        service.create(new)
    assert "is no period of a HOUR series" in caplog.text


# --- pygeoapi ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def geo(node):
    def made(entity, **more):
        login = f"admin:{node.password}@"
        url = urlsplit(node.url)
        data = f"{url.scheme}://{login}{url.netloc}/sta/v1.1/"
        return provider.SensorThingsProvider(
            {"name": "SensorThings", "type": "feature", "data": data, "entity": entity, **more}
        )

    return made


def test_pygeoapi_things_as_features(geo):
    things = geo("Things")
    found = things.query(limit=10)
    sites = {id: data for kind, id, data in ROWS if kind == "site"}
    assert {one["id"].strip("'") for one in found["features"]} == set(sites)
    assert things.query(resulttype="hits")["numberMatched"] == len(sites)
    place = sites["s-out"]["place"]
    only = things.get("'s-out'")
    assert only["geometry"] == {"type": "Point", "coordinates": [place["lon"], place["lat"]]}
    assert only["properties"]["kind"] == "water_outlet"


def test_pygeoapi_bbox(geo):
    sites = {id: data["place"] for kind, id, data in ROWS if kind == "site"}
    place = sites["s-out"]
    box = [place["lon"] - 0.01, place["lat"] - 0.01, place["lon"] + 0.01, place["lat"] + 0.01]
    inside = {id for id, one in sites.items() if box[0] < one["lon"] < box[2] and box[1] < one["lat"] < box[3]}
    found = geo("Things").query(bbox=box, limit=10)
    assert {one["id"].strip("'") for one in found["features"]} == inside
    assert 0 < len(inside) < len(sites)
    assert geo("Datastreams").query(bbox=[0, 0, 1, 1])["features"] == []
    seen = geo("Observations").query(bbox=box, limit=100, resulttype="hits")["numberMatched"]
    assert seen >= 3 * len(OVER)


def test_pygeoapi_datastreams_and_observations(geo):
    streams = geo("Datastreams").query(limit=10, sortby=[{"property": "name", "order": "+"}])
    names = [one["properties"]["name"] for one in streams["features"]]
    assert names == sorted(names)
    assert len(names) == 4
    assert all(one["geometry"]["type"] == "Point" for one in streams["features"])
    observations = geo("Observations", time_field="phenomenonTime")
    start, end = (china_time(FIRST + n * 3600).isoformat() for n in (0, 1))
    found = observations.query(datetime_=f"{start}/{end}", limit=100)
    assert len(found["features"]) == 2 * 4
    id = found["features"][0]["id"]
    assert observations.get(id)["properties"]["result"] == found["features"][0]["properties"]["result"]


SERVER = """
from werkzeug.serving import make_server
from pygeoapi.flask_app import APP
server = make_server("127.0.0.1", 0, APP, threaded=True)
print(server.server_port, flush=True)
server.serve_forever()
"""


def test_pygeoapi_server_process_over_the_node(node, tmp_path):
    """A whole pygeoapi server of its own, configured by a file: an OGC API of this node's sites."""
    url = urlsplit(node.url)
    config = {
        "server": {
            "bind": {"host": "127.0.0.1", "port": 5000}, "url": "http://127.0.0.1:5000", "mimetype": "application/json",
            "encoding": "utf-8", "gzip": False, "languages": ["en-US"], "cors": False, "pretty_print": False,
            "limits": {"default_items": 10, "max_items": 50}, "map": {"url": "", "attribution": ""},
        },
        "logging": {"level": "ERROR"},
        "metadata": {
            "identification": {
                "title": "t", "description": "d", "keywords": ["k"], "keywords_type": "theme",
                "terms_of_service": "none", "url": "http://127.0.0.1",
            },
            "license": {"name": "n"}, "provider": {"name": "p", "url": "http://127.0.0.1"}, "contact": {"name": "c"},
        },
        "resources": {
            "sites": {
                "type": "collection", "title": "Sites", "description": "Sites", "keywords": ["site"], "links": [],
                "extents": {"spatial": {"bbox": [-180, -90, 180, 90]}},
                "providers": [{
                    "type": "feature", "name": "SensorThings", "entity": "Things",
                    "data": f"{url.scheme}://admin:{node.password}@{url.netloc}/sta/v1.1/",
                }],
            }
        },
    }  # fmt: skip
    openapi = {"openapi": "3.0.2", "info": {"title": "t", "version": "1"}, "paths": {}}
    paths = {"PYGEOAPI_CONFIG": config, "PYGEOAPI_OPENAPI": openapi}
    for name, body in paths.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(body))
    environment = {**os.environ, **{name: str(tmp_path / f"{name}.json") for name in paths}}
    errors = tmp_path / "errors"
    with errors.open("wb") as told:
        server = subprocess.Popen(
            [sys.executable, "-c", SERVER], stdout=subprocess.PIPE, stderr=told, env=environment, cwd=tmp_path
        )
    try:
        assert server.stdout is not None
        port = server.stdout.readline().strip().decode()
        assert port, errors.read_text()[-3000:]
        with httpx.Client(base_url=f"http://127.0.0.1:{port}/collections/sites", trust_env=False, timeout=60) as client:
            items = client.get("/items", params={"f": "json", "limit": 5}).json()
            place = next(data["place"] for _, id, data in ROWS if id == "s-out")
            lon, lat = place["lon"], place["lat"]
            box = client.get(
                "/items", params={"f": "json", "bbox": f"{lon - 0.01},{lat - 0.01},{lon + 0.01},{lat + 0.01}"}
            )
            one = client.get("/items/'s-out'", params={"f": "json"}).json()
        assert items["type"] == "FeatureCollection"
        assert len(items["features"]) == sum(kind == "site" for kind, _, _ in ROWS)
        assert [feature["id"] for feature in box.json()["features"]] == ["'s-out'"]
        assert one["geometry"] == {"type": "Point", "coordinates": [lon, lat]}
    finally:
        server.terminate()
        server.wait(20)
