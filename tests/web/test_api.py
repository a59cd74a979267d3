"""The API over a real node: what was sent by a device comes back as figure, verdict, alarm, case, and raw bytes."""

import csv
import io
import time

import pytest
from web_rows import HOURS, OUTLET_MN, OVER, SECTION_MN, this_hour

from jinyun.sense.hj212.crc import crc16_plain


def rows(answer):
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.content.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))


def walk(node):
    yield node
    for child in node["children"]:
        yield from walk(child)


# --- the duty page ---------------------------------------------------------------------------------------------------


def test_overview_says_what_is_wrong_where_and_whose_turn(page):
    told = page.get("/api/overview").json()
    sites = {one["id"]: one for one in told["sites"]}
    assert set(sites) >= {"s-up", "s-out", "s-mute"}
    out, up, mute = sites["s-out"], sites["s-up"], sites["s-mute"]
    assert (out["status"], out["figure"], out["unit"], out["deciding"]) == ("bad", OVER[-1], "mg/L", ["cod_cr"])
    assert (up["status"], up["level"], up["label_zh"]) == ("ok", 3, "Ⅲ类")  # NH3-N 0.61 and the target is III
    assert (mute["status"], mute["figure"], mute["verdict"]) == ("unknown", None, None)
    assert out["lon"] == 106.45
    assert abs(told["now"] - time.time() * 1e6) < 60e6
    assert told["counts"]["alarms"] == len(told["alarms"]) >= 1
    assert told["counts"]["links"] >= 2
    assert {one["subject"] for one in told["alarms"]} == {"s-out"}
    assert told["cases"][0]["subject_name"] == "一号排口"
    assert {"alarm", "case"} <= {one["topic"] for one in told["changes"]}
    assert all(one["zh"] and one["en"] and one["at"] for one in told["changes"])


def test_overview_is_packed_for_browsers_that_take_it(live, page):
    body = live.cases.overview.answer.get()
    answer = page.get("/api/overview", headers={"accept-encoding": "gzip"})
    assert answer.headers["cache-control"] == "no-store"
    if len(body) > 8192:
        assert answer.headers["content-encoding"] == "gzip"
    assert page.get("/api/overview", headers={"accept-encoding": "identity"}).json()["sites"]


def test_sites_are_found_by_kind_and_words(page):
    def ids(query):
        return {one["id"] for one in page.get(f"/api/sites?{query}").json()["items"]}

    assert ids("kind=water_section,water_micro") >= {"s-up", "s-mute"}
    assert ids("q=示范水务") == {"s-out"}
    assert ids("q=嘉陵江 北碚") == {"s-up"}
    assert ids("q=nothing") == set()


# --- a site ----------------------------------------------------------------------------------------------------------


def test_site_page_has_values_limits_and_registers(page):
    told = page.get("/api/sites/s-out").json()
    assert told["enterprise"]["name"] == "示范水务公司"
    assert [one["id"] for one in told["outlets"]] == ["o1"]
    assert told["devices"][0]["password"] == "••••••"
    assert told["devices"][0]["link"]["state"] == "online"
    latest = {(one["factor"], one["stat"]): one for one in told["latest"]}
    cod = latest["cod_cr", "AVG"]
    assert (cod["value"], cod["unit"], cod["period"], cod["flag"], cod["flag_zh"]) == (
        "66.6",
        "mg/L",
        "HOUR",
        "NORMAL",
        "正常",
    )
    assert (cod["limit"], cod["exceeds"]) == ("≤50", True)
    assert latest["cod_cr", "MAX"]["limit"] is None  # a permit limits means
    assert abs(cod["received_at"] - time.time() * 1e6) < 300e6
    assert {one["judge"] for one in told["verdicts"]} >= {"emission.outlet_hour"}
    assert told["alarms"]
    assert told["cases"]


def test_section_values_stand_beside_the_limits_of_their_target_class(page):
    latest = {one["factor"]: one for one in page.get("/api/sites/s-up").json()["latest"] if one["stat"] == "AVG"}
    # GB 3838-2002 table 1, class III: NH3-N 1.0, TP 0.2 (river), CODMn 6, DO 5; pH 6-9
    assert {k: latest[k]["limit"] for k in ("nh3_n", "tp", "cod_mn", "do", "ph")} == {
        "nh3_n": "≤1", "tp": "≤0.2", "cod_mn": "≤6", "do": "≥5", "ph": "6–9",
    }  # fmt: skip
    assert {latest[k]["exceeds"] for k in ("nh3_n", "tp", "cod_mn", "do", "ph")} == {False}


def test_series_has_points_limits_and_says_what_was_cut(page):
    told = page.get("/api/sites/s-out/series?factor=cod_cr").json()
    assert [one[1] for one in told["points"]] == ["20.5", "61.2", "80.4", "75", "90.1", "66.6"]
    assert [one[0] for one in told["points"]] == sorted(one[0] for one in told["points"])
    assert {one[2] for one in told["points"]} == {"NORMAL"}
    assert (told["unit"], told["count"], told["cut"]) == ("mg/L", HOURS, 0)
    assert [(one["value"], one["label_zh"]) for one in told["limits"]] == [("50", "许可小时限值")]
    assert told["limits"][0]["clause"] == "许可证 91500109-001"


def test_series_as_of_before_anything_arrived_is_empty(page):
    told = page.get(f"/api/sites/s-out/series?factor=cod_cr&as_of={int(time.time()) - 86400}").json()
    assert told["points"] == []


def test_series_of_ph_has_an_upper_and_a_lower_line(page):
    told = page.get("/api/sites/s-up/series?factor=ph").json()
    assert sorted((one["value"], one["at_least"]) for one in told["limits"]) == [("6", True), ("9", False)]


def test_verdicts_newest_first_and_each_with_its_evidence(page):
    found = page.get("/api/sites/s-out/verdicts?judge=emission.outlet_hour").json()["items"]
    assert [one["figure"] for one in found] == list(reversed(OVER))
    assert [one["status"] for one in found] == ["exceeds"] * 5 + ["attains"]
    one = page.get(f"/api/verdicts/{found[0]['id']}").json()
    assert one["limit"] == "50"
    assert one["items"][0]["factor"] == "cod_cr"
    assert one["items"][0]["readings"][0].keys() == {"series", "time", "seq"}


# --- why -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("site", ["s-out", "s-up"])
def test_why_of_every_verdict_ends_in_raw_bytes_with_a_matching_crc(page, site):
    for verdict in page.get(f"/api/sites/{site}/verdicts").json()["items"]:
        tree = page.get(f"/api/verdicts/{verdict['id']}/why").json()
        assert tree["kind"] == "verdict"
        assert tree["figure"] == verdict["figure"]
        kinds = [one["kind"] for one in walk(tree)]
        assert set(kinds) == {"verdict", "item", "reading", "frame", "raw"}
        for reading in (one for one in walk(tree) if one["kind"] == "reading"):
            raw = reading["children"][0]["children"][0]
            data = bytes.fromhex(raw["hex"])
            assert raw["text"] == data.decode()
            assert reading["figure"].rstrip("0").rstrip(".") in raw["text"]
            segment = data[6 : 6 + int(data[2:6])]
            assert raw["crc_in_frame"] == raw["crc_computed"] == f"{crc16_plain(segment):04X}"
            assert raw["crc_ok"] is True
            assert raw["peer"].startswith("127.0.0.1:")
            assert (raw["segment"], raw["offset"]) >= (0, 0)


def test_why_of_a_case_reaches_its_alarms_and_their_readings(page):
    case = page.get("/api/cases").json()["items"][0]["id"]
    tree = page.get(f"/api/cases/{case}/why").json()
    assert [one["kind"] for one in tree["children"]] == ["alarm"]
    peak = [one["figure"] for one in walk(tree) if one["kind"] == "verdict"]
    assert max(map(float, peak)) == 90.1
    alarm = tree["children"][0]["ref"]
    assert page.get(f"/api/alarms/{alarm}/why").json()["kind"] == "alarm"


def test_the_list_of_what_is_open_is_the_same_made_once_for_all_or_for_one(page):
    for path in ("/api/cases", "/api/alarms"):
        ready, made = page.get(path), page.get(path, params={"limit": 499})
        assert ready.json() == made.json()
        assert ready.json()["total"] == len(ready.json()["items"]) > 0
        bare = page.get(path, headers={"accept-encoding": "identity"})
        assert (bare.json(), "content-encoding" in bare.headers) == (made.json(), False)


def test_why_says_that_a_newer_version_exists(live, page):
    """The device corrects an hour: the old verdict still shows what it rested on."""
    from jinyun.sense.hj212 import compose

    found = page.get("/api/sites/s-up/series?factor=tp").json()
    at, value, _, seq = found["points"][0]
    live.send(SECTION_MN, "2061", at, [compose.item("w21011", "N", Avg="0.15")], st="21")
    live.flush()
    old = page.get(f"/api/readings/why?series={found['series']}&time={at}&seq={seq}").json()
    assert old["figure"] == value == "0.081"
    assert old["superseded"] is True
    assert old["current"]["value"] == "0.15"
    assert "0.081" in old["children"][0]["children"][0]["text"]
    new = page.get(f"/api/readings/why?series={found['series']}&time={at}").json()
    assert (new["figure"], new["superseded"]) == ("0.15", False)
    assert page.get(f"/api/readings/why?series={found['series']}&time={at}&seq=999999").status_code == 404


# --- alarms and cases ------------------------------------------------------------------------------------------------


def test_alarm_has_its_verdicts_and_case(page):
    listed = page.get("/api/alarms?state=open").json()["items"][0]
    told = page.get(f"/api/alarms/{listed['id']}").json()
    assert told["alarm"]["peak_figure"] == "90.1"
    assert told["case"]["id"] == listed["case"]
    assert {one["figure"] for one in told["verdicts"]} >= {"61.2", "90.1"}
    assert page.get("/api/alarms?state=ended").json()["total"] == 0
    assert page.get("/api/alarms?state=all&subject=s-out").json()["total"] >= 1


def test_case_closes_by_the_figure_only(page):
    case = page.get("/api/cases").json()["items"][0]["id"]
    told = page.get(f"/api/cases/{case}").json()
    assert told["recovery"]["condition"]["judge"] == "emission.outlet_hour"
    assert (told["recovery"]["need"], told["recovery"]["held"]) == (3, False)
    assert told["recovery"]["missing"][0]["zh"]
    steps = {one["name"]: one for one in told["steps"]}
    assert steps["close"]["allowed"] is False
    assert steps["close"]["missing"] == told["recovery"]["missing"]
    assert steps["acknowledge"]["allowed"] is True
    assert "reopen" not in steps  # the house's own
    refused = page.post(f"/api/records/case/{case}/steps/close", json={"given": {}, "version": told["case"]["version"]})
    assert refused.status_code == 409
    assert refused.json()["error"]["missing"] == told["recovery"]["missing"]


def test_case_steps_are_kept_in_its_history(page):
    case = page.get("/api/cases").json()["items"][0]["id"]
    path = f"/api/records/case/{case}"
    before = page.get(path).json()["version"]
    done = page.post(f"{path}/steps/acknowledge", json={"given": {}, "version": before})
    assert done.json()["state"] == "acknowledged"
    stale = page.post(f"{path}/steps/dispatch", json={"given": {"owner": "一中队"}, "version": before})
    assert stale.status_code == 409
    assert stale.json()["error"]["code"] == "conflict"
    assert (
        page.post(f"{path}/steps/dispatch", json={"given": {}}).json()["error"]["missing"][0]["code"] == "field:owner"
    )
    page.post(f"{path}/steps/dispatch", json={"given": {"owner": "一中队", "note": "今晚到场"}})
    page.post(f"{path}/steps/add_cause", json={"given": {"text": "曝气机故障"}})
    entries = page.get(f"/api/cases/{case}").json()["history"]
    mine = [one for one in entries if one["actor"] == "admin"]
    assert [one["step"] for one in mine] == ["acknowledge", "dispatch", "add_cause"]
    assert mine[1]["given"] == {"owner": "一中队", "note": "今晚到场"}
    assert mine[1]["zh"] == "派单"
    told = page.get(path).json()
    assert told["owner"] == "一中队"
    assert told["causes"][0]["text"] == "曝气机故障"
    assert "派单" in str(page.get("/api/overview").json()["changes"])


@pytest.mark.parametrize("type_id", ["alarm", "case"])
def test_matters_are_opened_by_the_house_only(page, type_id):
    answer = page.post(f"/api/records/{type_id}", json={"title": "x"})
    assert answer.status_code == 403


# --- registers -------------------------------------------------------------------------------------------------------


def test_record_life(page):
    made = page.post("/api/records/site", json={"id": "s-new", "name": "新站", "kind": "air_station"})
    assert made.status_code == 201
    assert made.headers["etag"] == '"1"'
    twice = page.post("/api/records/site", json={"id": "s-new", "name": "新站", "kind": "air_station"})
    assert twice.status_code == 409
    changed = page.patch("/api/records/site/s-new", json={"name": "新站二"}, headers={"if-match": '"1"'})
    assert (changed.json()["name"], changed.json()["version"]) == ("新站二", 2)
    assert page.patch("/api/records/site/s-new", json={"name": "三"}, headers={"if-match": '"1"'}).status_code == 409
    assert page.patch("/api/records/site/s-new", json={"name": "三", "version": 1}).status_code == 409
    whole = changed.json() | {"note": "备注"}  # a page may send the whole record back
    assert page.patch("/api/records/site/s-new", json=whole).json()["note"] == "备注"
    assert (
        "s-new" in {one["id"] for one in page.get("/api/overview").json()["sites"]}
        or page.get("/api/sites?q=新站二").json()["total"] == 1
    )
    history = page.get("/api/records/site/s-new/history").json()["items"]
    assert [(one["step"], one["after"].get("name")) for one in history] == [
        ("create", "新站"),
        ("update", "新站二"),
        ("update", None),
    ]
    assert page.delete("/api/records/site/s-new").status_code == 204
    assert page.get("/api/records/site/s-new").status_code == 404


def test_a_record_in_use_is_not_deleted(page):
    answer = page.delete("/api/records/site/s-out")
    assert answer.status_code == 409
    assert "outlet" in answer.text


def test_secrets_are_never_shown_and_their_mask_changes_nothing(live, page):
    path = f"/api/records/device/{OUTLET_MN}"
    shown = page.get(path).json()
    assert shown["password"] == "••••••"
    page.patch(path, json={"password": shown["password"], "vendor": "甲厂"})
    assert live.house.records.get("device", OUTLET_MN).data["password"] == "123456"
    for text in (
        page.get(path + "/history").text,
        page.get("/api/records/device").text,
        page.get(f"/api/links/{OUTLET_MN}").text,
    ):
        assert '"123456"' not in text


def test_a_changed_device_is_known_to_the_centre_at_once(live, page):
    page.post(
        "/api/records/device", json={"mn": "WEBNEW00000001", "name": "新设备", "site": "s-mute", "periods": ["hour"]}
    )
    assert live.house.directory.get("WEBNEW00000001").site == "s-mute"
    page.patch("/api/records/device/WEBNEW00000001", json={"crc": "modbus"})
    assert live.house.directory.get("WEBNEW00000001").crc == "modbus"
    assert page.delete("/api/records/device/WEBNEW00000001").status_code == 204
    assert live.house.directory.get("WEBNEW00000001") is None


def test_lists_filter_search_order_and_page(page):
    def found(query):
        return page.get(f"/api/records/site?{query}").json()

    assert {one["id"] for one in found("kind=water_outlet")["items"]} == {"s-out"}
    assert {one["id"] for one in found("kind=water_outlet,water_section")["items"]} == {"s-out", "s-up"}
    assert {one["id"] for one in found("q=断面")["items"]} >= {"s-up"}
    everything = found("order=id")
    assert [one["id"] for one in everything["items"]] == sorted(one["id"] for one in everything["items"])
    assert found("order=id&limit=1&offset=1")["items"][0]["id"] == everything["items"][1]["id"]
    assert found("limit=1")["total"] == everything["total"]


def test_declarations_make_forms(page):
    types = {one["id"]: one for one in page.get("/api/types").json()}
    assert types["site"]["count"] >= 3
    site = page.get("/api/types/site").json()
    fields = {one["name"]: one for one in site["fields"]}
    assert fields["kind"]["codes"]["water_section"] == {"zh": "水质断面", "en": "Water section"}
    assert fields["enterprise"]["to"] == "enterprise"
    case = page.get("/api/types/case").json()
    assert case["procedure"]["states"]["opened"] == {"zh": "待确认", "en": "Opened"}
    assert case["editable"] is False


def test_load_takes_all_or_none(page):
    rows = [{"id": "b1", "name": "甲"}, {"id": "b2", "name": "乙"}]
    assert page.post("/api/records/enterprise/load", json={"rows": rows}).json() == {"rows": 2, "changed": 2}
    assert page.post("/api/records/enterprise/load", json={"rows": rows}).json()["changed"] == 0
    bad = page.post(
        "/api/records/enterprise/load", json={"rows": [{"id": "b3", "name": "丙"}, {"id": "b4", "colour": 1}]}
    )
    assert bad.status_code == 422
    assert page.get("/api/records/enterprise/b3").status_code == 404


# --- links and the system --------------------------------------------------------------------------------------------


def test_link_page_shows_frames_as_sent_and_decoded(page):
    told = page.get(f"/api/links/{OUTLET_MN}").json()
    assert (told["mn"], told["site"], told["site_name"], told["state"]) == (OUTLET_MN, "s-out", "一号排口", "online")
    assert told["crc_guess"] == "hj212"
    frame = next(one for one in told["frames"] if one["direction"] == "in")
    assert frame["text"].startswith("##")
    assert frame["decoded"]["cn"] == "2061"
    assert told["advice"]
    assert told["profile"]["password"] == "••••••"


def test_links_in_trouble_come_first(page):
    found = page.get("/api/links?q=WEBTEST").json()
    assert {one["mn"] for one in found} == {OUTLET_MN, SECTION_MN}
    assert page.get("/api/links?state=silent,gone&q=WEBTEST").json() == []


def test_a_stranger_device_is_kept_offered_and_taken_in(live, page):
    from jinyun.sense.hj212 import compose

    mn, at = "WEBSTRANGE0001", this_hour() - 3600
    live.send(mn, "2061", at, [compose.item("w21003", "N", Avg="1.7")], st="21")
    kept, end = [], time.monotonic() + 5
    while not kept and time.monotonic() < end:  # the list is at most two seconds old
        kept = [one for one in page.get("/api/links?state=quarantine").json() if one["mn"] == mn]
    assert kept[0]["site"] is None
    answer = page.post(
        f"/api/links/{mn}/register", json={"site": {"id": "s-born", "name": "新微站", "kind": "water_micro"}}
    )
    assert answer.status_code == 201, answer.text
    assert answer.json()["adopted"] == 1
    live.flush()
    assert page.get("/api/sites/s-born/series?factor=nh3_n").json()["points"] == [
        [at, "1.7", "NORMAL", pytest.approx(0, abs=1e9)]
    ]
    assert page.get(f"/api/links/{mn}").json()["state"] == "online"


def test_commands_are_queued_and_checked(page):
    catalogue = {one["cn"]: one for one in page.get("/api/commands").json()}
    assert catalogue["1012"]["zh"]
    assert any(one["name"] == "RtdInterval" for one in catalogue["1062"]["params"])
    path = f"/api/links/{OUTLET_MN}/commands"
    made = page.post(path, json={"cn": "1062", "params": {"RtdInterval": "30"}})
    assert made.status_code == 202
    assert made.json()["state"] == "queued"
    assert made.json()["actor"] == "admin"
    assert page.get(path).json()[0]["id"] == made.json()["id"]
    assert page.post(path, json={"cn": "1062", "params": {"Colour": "30"}}).status_code == 422
    assert page.post(path, json={"cn": "7777"}).status_code == 422
    assert page.post("/api/links/NOBODY/commands", json={"cn": "1011"}).status_code == 404


def test_system_page_has_what_an_operator_looks_for(page):
    told = page.get("/api/system").json()
    assert told["rates"]["arrivals"] >= 2 * HOURS
    assert told["journal"]["messages"] >= 2 * HOURS
    assert told["store"]["rows"] > 0
    assert told["process"]["rss"] > 10_000_000
    assert told["disk"]["free"] > 0
    assert told["versions"]["duckdb"].startswith("2.")
    assert {"seal", "jobs", "lag", "hj212", "started_at"} <= set(told)


def test_refusals_are_listed_with_their_reason(live, page):
    import socket

    with socket.create_connection(("127.0.0.1", live.hj212_port), timeout=5) as link:
        link.sendall(b"##0020ST=32;CN=2011;MN=X&&FFFF\r\n" + b"GET / HTTP/1.1\r\n\r\n")
        link.settimeout(2)
        try:
            while link.recv(1024):
                pass
        except TimeoutError:
            pass
    end = time.monotonic() + 60
    found = []
    while not found and time.monotonic() < end:
        found = page.get("/api/rejects").json()["items"]
        time.sleep(0.1)
    assert found[0]["reason"]
    assert found[0]["sentence"]
    assert bytes.fromhex(found[0]["hex"])


def test_metrics_speak_prometheus(stranger):
    text = stranger.get("/metrics").text
    assert "# TYPE jinyun_arrivals_total counter" in text or "# TYPE jinyun_arrivals counter" in text
    values = dict(line.rsplit(" ", 1) for line in text.splitlines() if line and not line.startswith("#"))
    assert float(values["jinyun_arrivals_total"]) >= 2 * HOURS
    assert float(values["jinyun_sites"]) >= 3


# --- exports and files -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "/api/sites", "/api/sites/s-out", "/api/sites/s-out/series?factor=cod_cr", "/api/sites/s-out/verdicts",
        "/api/alarms", "/api/cases", "/api/types", "/api/records/site", "/api/records/site/s-out/history", "/api/links",
        f"/api/links/{OUTLET_MN}/commands", "/api/commands", "/api/rejects", "/api/factors",
    ],
)  # fmt: skip
def test_every_list_exports(page, path):
    answer = page.get(path + ("&" if "?" in path else "?") + "format=csv")
    assert answer.status_code == 200, answer.text
    assert "attachment" in answer.headers["content-disposition"]
    rows(answer)


def test_export_of_a_register_has_chinese_headings_and_no_secret(page):
    devices = rows(page.get("/api/records/device?format=csv"))
    assert {one["id"] for one in devices} >= {OUTLET_MN, SECTION_MN}
    assert "'123456'" not in str(devices)
    sites = rows(page.get("/api/records/site?format=csv"))
    assert {one["点位名称"] for one in sites} >= {"北碚断面", "一号排口"}


def test_series_export_is_the_curve(page):
    got = rows(page.get("/api/sites/s-out/series?factor=cod_cr&format=csv"))
    assert [one["cod_cr [mg/L]"] for one in got] == ["20.5", "61.2", "80.4", "75", "90.1", "66.6"]


def test_base_map_is_served_and_kept_by_browsers(stranger):
    answer = stranger.get("/api/basemap/rivers.geojson")
    assert answer.json()["type"] == "FeatureCollection"
    assert "max-age" in answer.headers["cache-control"]


def test_health_needs_no_log_in(stranger):
    assert stranger.get("/api/health").json()["status"] == "ok"
