"""SensorThings over HTTP: every requirement of docs/sensorthings.md that no foreign client shows."""

from __future__ import annotations

import base64
import json
from contextlib import closing
from decimal import Decimal

import pytest
from live import living
from web_rows import HOURS, OUTLET_MN, OVER, ROWS, this_hour

from jinyun.kernel.ports import SYSTEM
from jinyun.kernel.terms import Origin, Period, china_time
from jinyun.sense.hj212 import compose

FIRST = this_hour() - HOURS * 3600
KINDS = (
    "Things", "Locations", "HistoricalLocations", "Datastreams", "Sensors", "ObservedProperties", "Observations",
    "FeaturesOfInterest",
)  # fmt: skip


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    with living(tmp_path_factory.mktemp("sta") / "var", ROWS) as live:
        for number, value in enumerate(OVER):
            items = [
                compose.item("w01018", "N", Avg=value, Min=value, Max=value),
                compose.item("w01001", "D" if number == 2 else "N", Avg="7.10"),
            ]
            live.send(OUTLET_MN, "2061", FIRST + number * 3600, items)
            if number == 2:
                live.flush()
                live.house.readings.seal()
        live.settle()
        yield live


@pytest.fixture(scope="module")
def page(node):
    with closing(node.client()) as client:
        yield client


@pytest.fixture(scope="module")
def sta(page):
    def get(path, status=200, **options):
        answer = page.get(f"/sta/v1.1{path}", params={f"${name}": text for name, text in options.items()} or None)
        assert answer.status_code == status, answer.text
        return json.loads(answer.text, parse_float=Decimal) if "json" in answer.headers["content-type"] else answer.text

    return get


@pytest.fixture(scope="module")
def streams(sta):
    found = sta("/Datastreams", top=100)["value"]
    return {(one["properties"]["factor"], one["properties"]["stat"]): one["@iot.id"] for one in found}


@pytest.fixture(scope="module")
def cod(streams):
    return f"/Datastreams({streams['cod_cr', 'AVG']})/Observations"


# --- entities and paths -----------------------------------------------------------------------------------------------


def test_root_lists_sets_and_conformance(sta, node):
    root = sta("")
    assert [one["name"] for one in root["value"]] == list(KINDS)
    assert all(one["url"] == f"{node.url}/sta/v1.1/{one['name']}" for one in root["value"])
    assert "http://www.opengis.net/spec/iot_sensing/1.1/req/datamodel" in root["serverSettings"]["conformance"]


@pytest.mark.parametrize("kind", KINDS)
def test_every_link_of_every_entity_leads_somewhere(sta, page, kind):
    found = sta(f"/{kind}", top=3)["value"]
    assert found
    for one in found:
        assert sta(one["@iot.selfLink"].split("/sta/v1.1")[1])["@iot.id"] == one["@iot.id"]
        for name, link in one.items():
            if name.endswith("@iot.navigationLink"):
                assert page.get(link).status_code == 200, link


MANDATORY = {
    "Things": ("name", "description"),
    "Locations": ("name", "description", "encodingType", "location"),
    "HistoricalLocations": ("time",),
    "Datastreams": ("name", "description", "unitOfMeasurement", "observationType"),
    "Sensors": ("name", "description", "encodingType", "metadata"),
    "ObservedProperties": ("name", "definition", "description"),
    "Observations": ("phenomenonTime", "result", "resultTime"),
    "FeaturesOfInterest": ("name", "description", "encodingType", "feature"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_mandatory_properties(sta, kind):
    for one in sta(f"/{kind}", top=50)["value"]:
        for name in MANDATORY[kind]:
            assert one[name] is not None, (kind, name)


def test_paths_to_properties_values_references(sta, cod):
    assert sta("/Things('s-out')/name") == {"name": "一号排口"}
    assert sta("/Things('s-out')/name/$value") == "一号排口"
    assert sta("/Things('s-out')/properties/kind") == {"kind": "water_outlet"}
    assert sta("/Things('s-out')/Datastreams/$ref")["value"][0].keys() == {"@iot.selfLink"}
    assert sta(f"{cod}/$count") == str(len(OVER))
    first = sta(cod, top=1)["value"][0]["@iot.id"]
    assert sta(f"{cod}('{first}')/FeatureOfInterest")["@iot.id"] == "s-out"
    assert sta(f"/Observations('{first}')/result/$value") == "20.5"
    assert sta(f"/Observations('{first}')/Datastream/Thing/Locations")["value"][0]["location"]["type"] == "Point"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/Nothing", 404), ("/Things('no')", 404), ("/Things('s-out')/Nothing", 404), ("/Datastreams(9999)", 404),
        ("/Things('s-out')/Datastreams(9999)", 404), ("/Observations('0:1')", 404), ("/Observations('x')", 404),
        ("/Things((", 400), ("/Things?$top=-1", 400), ("/Things?$foo=1", 400), ("/Things?$filter=name eq", 400),
        ("/Things?$filter=nothing eq 1", 400), ("/Things?$expand=Observations", 400), ("/Things?$select=nothing", 400),
        ("/Things?$orderby=nothing", 400), ("/Observations?$skiptoken=xyz", 400),
        ("/Things?$resultFormat=dataArray", 400),
        ("/Observations?$filter=result eq 'x'", 400), ("/Observations?$orderby=Datastream/name", 501),
        ("/Observations?$filter=result gt Datastream/properties/decimals", 501),
        ("/Observations?$filter=result eq 1234567890123456789012345678.1234567891", 400),
    ],
)  # fmt: skip
def test_errors_have_the_one_form(page, path, status):
    answer = page.get(f"/sta/v1.1{path}")
    assert answer.status_code == status, answer.text
    body = answer.json()
    assert body.keys() == {"code", "type", "message"}
    assert body["code"] == status
    assert len(body["message"]) > 10


# --- observations -----------------------------------------------------------------------------------------------------


def test_numbers_are_exact_and_times_state_their_zone(page, cod):
    text = page.get(f"/sta/v1.1{cod}?$top=1").text
    assert '"result":20.5,' in text
    one = json.loads(text)["value"][0]
    start, end = one["phenomenonTime"].split("/")
    assert (start, end) == (china_time(FIRST).isoformat(), china_time(FIRST + 3600).isoformat())
    assert start.endswith("+08:00")
    assert one["resultTime"] == end
    assert one["parameters"].keys() == {"flag", "flag_code", "seq", "received_at"}


def test_keyset_pages_hold_while_rows_come_in(node, sta, cod):
    """A reading that comes before the page's edge while a client pages neither repeats nor hides another."""
    seen = []
    body = sta(cod, top=2)
    while True:
        seen += [one["@iot.id"] for one in body["value"]]
        if len(seen) == 2:
            earlier = FIRST - 3600
            node.send(OUTLET_MN, "2061", earlier, [compose.item("w01018", "N", Avg="11.1")])
            node.flush()
        if "@iot.nextLink" not in body:
            break
        assert "$skip=" not in body["@iot.nextLink"]
        body = sta(body["@iot.nextLink"].split("/sta/v1.1")[1])
    assert len(seen) == len(set(seen)) == len(OVER)
    assert sta(cod, count="true", top=0)["@iot.count"] == len(OVER) + 1


@pytest.mark.parametrize("order", ["phenomenonTime asc", "phenomenonTime desc", "result", "result desc", "id desc"])
def test_pages_of_any_order_are_the_whole(sta, cod, order):
    whole = [one["@iot.id"] for one in sta(cod, orderby=order, top=100)["value"]]
    body, paged = sta(cod, orderby=order, top=2), []
    while True:
        paged += [one["@iot.id"] for one in body["value"]]
        if "@iot.nextLink" not in body:
            break
        body = sta(body["@iot.nextLink"].split("/sta/v1.1")[1])
    assert paged == whole
    values = [one["result"] for one in sta(cod, orderby=order, top=100)["value"]]
    if order.startswith("result"):
        assert values == sorted(values, reverse=order.endswith("desc"))


def count(sta, path, text):
    return sta(path, filter=text, count="true", top=0)["@iot.count"]


def test_filters_on_rows(sta, cod):
    within = [Decimal(one) for one in OVER]
    since = china_time(FIRST).isoformat()
    late = f"phenomenonTime ge {since}"
    assert count(sta, cod, f"{late} and result gt 66.6") == sum(one > Decimal("66.6") for one in within)
    assert count(sta, cod, f"{late} and result ge 66.6") == sum(one >= Decimal("66.6") for one in within)
    assert count(sta, cod, f"{late} and not (result lt 66.6)") == sum(one >= Decimal("66.6") for one in within)
    assert count(sta, cod, f"{late} and (result eq 20.5 or result eq 90.1)") == 2
    assert count(sta, cod, f"{late} and result mul 2 sub 1 eq 40") == 1
    assert count(sta, cod, f"{late} and round(result) eq 80") == 1
    assert count(sta, cod, f"{late} and floor(result) mod 2 eq 0") == sum(int(one) % 2 == 0 for one in within)
    assert count(sta, cod, "result eq null") == 0
    second = china_time(FIRST + 3600)
    assert count(sta, cod, f"{late} and hour(phenomenonTime) eq {second.hour}") == 1
    assert count(sta, cod, f"resultTime eq {second.isoformat()}") == 1
    assert count(sta, cod, f"phenomenonTime eq {since}/{second.isoformat()}") == 1
    assert count(sta, cod, f"phenomenonTime eq {since}/{since}") == 0
    assert count(sta, cod, "phenomenonTime gt now()") == 0
    assert count(sta, cod, f"phenomenonTime lt {since} add duration'PT1H' and {late}") == 1


def test_filters_on_what_a_datastream_is(sta):
    whole = sta("/Observations", count="true", top=0)["@iot.count"]
    assert count(sta, "/Observations", "Datastream/ObservedProperty/id eq 'ph'") == len(OVER)
    assert count(sta, "/Observations", "Datastream/Thing/name eq '一号排口'") == whole
    assert count(sta, "/Observations", "Datastream/Thing/name eq 'x' or result eq 7.1") == len(OVER)
    box = "geography'POLYGON((106.4 29.7,106.46 29.7,106.46 29.81,106.4 29.81,106.4 29.7))'"
    assert count(sta, "/Observations", f"st_within(FeatureOfInterest/feature,{box})") == whole
    assert count(sta, "/Observations", f"not st_within(FeatureOfInterest/feature,{box})") == 0
    assert count(sta, "/Observations", "parameters/flag eq 'FAULT'") == 1
    assert count(sta, "/Observations", "startswith(parameters/flag,'F')") == 1
    assert count(sta, "/Observations", "parameters/flag ne 'NORMAL' and result gt 100") == 0
    assert count(sta, "/Observations", "validTime eq null") == whole


def test_data_array(sta, cod):
    (group,) = sta(cod, resultFormat="dataArray", select="id,result,phenomenonTime", top=100)["value"]
    assert group["components"] == ["id", "result", "phenomenonTime"]
    assert group["dataArray@iot.count"] == len(group["dataArray"])
    plain = sta(cod, top=100)["value"]
    assert group["dataArray"] == [[one["@iot.id"], one["result"], one["phenomenonTime"]] for one in plain]


def test_expanded_observations_page_too(sta, streams):
    number = streams["cod_cr", "AVG"]
    one = sta(f"/Datastreams({number})", expand="Observations($top=2;$count=true;$orderby=result desc)")
    assert [row["result"] for row in one["Observations"]] == sorted(map(Decimal, OVER), reverse=True)[:2]
    following = sta(one["Observations@iot.nextLink"].split("/sta/v1.1")[1])
    assert [row["result"] for row in following["value"]] == sorted(map(Decimal, OVER), reverse=True)[2:4]


def test_locations_follow_the_record(node, sta):
    node.house.records.update("site", "s-mute", {"place": {"lon": 106.6, "lat": 29.75}}, SYSTEM)
    (now,) = sta("/Things('s-mute')/Locations")["value"]
    assert now["location"]["coordinates"] == [Decimal("106.6"), Decimal("29.75")]
    moved = sta("/Things('s-mute')/HistoricalLocations", expand="Locations")["value"]
    places = [one["Locations"][0]["location"]["coordinates"] for one in moved]
    assert places == [[Decimal("106.6"), Decimal("29.75")], [Decimal("106.5"), Decimal("29.7")]]
    assert moved[0]["time"] > moved[1]["time"]


# --- who may, and creating --------------------------------------------------------------------------------------------


def basic(name, password):
    return {"authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


def test_log_ins(node, stranger_of):
    client = stranger_of(node)
    nobody = client.get("/sta/v1.1/Things")
    assert nobody.status_code == 401
    assert nobody.headers["www-authenticate"].startswith("Basic")
    assert client.get("/sta/v1.1/Things", headers=basic("admin", node.password)).status_code == 200
    assert client.get("/sta/v1.1/Things", headers=basic("admin", "wrong password")).status_code == 401
    assert client.get("/sta/v1.1/Things", headers={"authorization": "Basic ???"}).status_code == 401
    token = json.loads((node.house.settings.folder / "node.json").read_text())["token"]
    assert client.get("/sta/v1.1/Things", headers={"authorization": f"Bearer {token}"}).status_code == 200


@pytest.fixture(scope="module")
def stranger_of():
    clients = []

    def made(node):
        clients.append(node.client(log_in=False))
        return clients[-1]

    yield made
    for one in clients:
        one.close()


def test_a_reader_may_not_create(node, stranger_of, streams):
    node.cases.accounts.create("looker", "looks-at-everything", roles=("reader",))
    client, login = stranger_of(node), basic("looker", "looks-at-everything")
    assert client.get("/sta/v1.1/Things", headers=login).status_code == 200
    refused = client.post("/sta/v1.1/Observations", headers=login, json=body_of(streams))
    assert refused.status_code == 403


def test_a_page_of_another_site_may_not_create(node, stranger_of, streams):
    headers = basic("admin", node.password) | {"origin": "https://elsewhere.example"}
    assert stranger_of(node).post("/sta/v1.1/Observations", headers=headers, json=body_of(streams)).status_code == 403


def body_of(streams, **changes):
    at = FIRST - 20 * 3600
    one = {
        "phenomenonTime": china_time(at).isoformat(), "result": 12.5, "parameters": {"flag": "NORMAL"},
        "Datastream": {"@iot.id": streams["cod_cr", "AVG"]},
    }  # fmt: skip
    return {**one, **changes}


def test_created_is_durable_judged_and_has_an_author(node, page, streams):
    at = FIRST - 21 * 3600
    body = body_of(streams, phenomenonTime=china_time(at).isoformat(), result=55.125)
    answer = page.post("/sta/v1.1/Observations", json=body)
    assert answer.status_code == 201, answer.text
    assert answer.headers["location"] == answer.json()["@iot.selfLink"]
    assert '"result":55.125' in answer.text
    cursor = node.house.readings._hot.cursor()  # committed: another connection sees it at once
    assert cursor.execute("SELECT count(*) FROM rows WHERE time = ? AND value = 55.125", [at]).fetchall() == [(1,)]
    (reading,) = node.house.readings.read("s-out", factors=["cod_cr"], periods=[Period.HOUR], start=at, end=at + 1)
    frame = node.house.readings.frame(reading.frame)
    assert (frame.origin, frame.author) == (Origin.IMPORT, "admin")
    node.settle()
    (verdict,) = node.house.verdicts.find(subject="s-out", judge="emission.outlet_hour", start=at, end=at + 3600)
    assert str(verdict.status) == "exceeds"  # the limit is 50
    again = page.post("/sta/v1.1/Observations", json=body)
    assert again.status_code == 201
    assert again.headers["x-jinyun-duplicate"] == "1"
    assert len(node.house.readings.versions(reading.series, at)) == 1


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"result": "12"}, "result is a number"),
        ({"result": None}, "result is a number"),
        ({"result": True}, "result is a number"),
        ({"result": 1.1234567}, "more than six decimals"),
        ({"result": 10**13}, "out of the range"),
        ({"result": -1}, "below what"),
        ({"phenomenonTime": None}, "phenomenonTime is missing"),
        ({"phenomenonTime": "2026-01-01"}, "no time zone"),
        ({"phenomenonTime": "2026-01-01T00:10:00Z"}, "is no period of a HOUR series"),
        ({"phenomenonTime": "2026-01-01T00:00:00Z/2026-01-01T02:00:00Z"}, "is no period of a HOUR series"),
        ({"phenomenonTime": "2126-01-01T00:00:00Z"}, "ahead of this node's clock"),
        ({"Datastream": {"name": "new"}}, "existing Datastream"),
        ({"Datastream": {"@iot.id": 99999}}, "no Datastream"),
        ({"Datastream": None}, "needs a Datastream"),
        ({"FeatureOfInterest": {"@iot.id": "s-up"}}, "is its site"),
        ({"parameters": {"flag": "SUPER"}}, "no flag 'SUPER'"),
        ({"colour": "red"}, "has no 'colour'"),
    ],
)
def test_what_is_not_taken_says_why_and_is_kept_as_a_reject(node, page, streams, changes, told):
    answer = page.post("/sta/v1.1/Observations", json=body_of(streams, **changes))
    assert answer.status_code == 400, answer.text
    assert told in answer.json()["message"]
    node.house.rejects.flush()
    assert any(told in one["sentence"] for one in node.house.rejects.find(limit=3))


def test_create_observations_with_a_data_array(node, page, streams):
    times = [FIRST - n * 3600 for n in (33, 32, 31)]
    rows = [[china_time(at).isoformat(), value] for at, value in zip(times, (1, "bad", 3), strict=True)]
    group = {
        "Datastream": {"@iot.id": streams["cod_cr", "MAX"]}, "components": ["phenomenonTime", "result"],
        "dataArray@iot.count": 3, "dataArray": rows,
    }  # fmt: skip
    answer = page.post("/sta/v1.1/CreateObservations", json=[group])
    assert answer.status_code == 201, answer.text
    first, second, third = answer.json()
    assert (second, answer.headers["x-jinyun-refused"]) == ("error", "1")
    assert page.get(first).json()["result"] == 1
    assert page.get(third).json()["result"] == 3
    assert page.post("/sta/v1.1/CreateObservations", json=[group]).headers["x-jinyun-duplicates"] == "2"
    short = {**group, "dataArray": [["2026-01-01T00:00:00Z"]], "dataArray@iot.count": 1}
    assert page.post("/sta/v1.1/CreateObservations", json=[short]).status_code == 400


def test_posts_elsewhere_and_changes_are_refused(page, cod):
    for path in ("/Things", "/Locations", "/Datastreams", "/FeaturesOfInterest('s-out')/Observations"):
        answer = page.post(f"/sta/v1.1{path}", json={"name": "x"})
        assert answer.status_code == 405, path
    for method in ("PUT", "PATCH", "DELETE"):
        assert page.request(method, f"/sta/v1.1{cod}").status_code == 405
    assert (
        page.post("/sta/v1.1/Observations", content=b"{", headers={"content-type": "application/json"}).status_code
        == 400
    )
    assert page.post("/sta/v1.1/Observations", content=b"{}", headers={"content-type": "text/plain"}).status_code == 400
