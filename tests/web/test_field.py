"""Edits and files from the field: sent three times at once, out of order, over killed connections; each counts once."""

import hashlib
import io
import json
import socket
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from live import QUIET_SITE, living, register
from PIL import Image
from web_rows import ROWS

from jinyun.kernel.errors import Unavailable

SITE = "s-up"


@pytest.fixture(scope="module")
def node(tmp_path_factory, node_database):
    folder = tmp_path_factory.mktemp("field") / "var"
    with living(folder, ROWS, registers=[QUIET_SITE], attachment_mb=2, database=node_database) as live:
        yield live


@pytest.fixture(scope="module")
def page(node):
    with closing(node.client()) as client:
        yield client


def now():
    return time.time_ns() // 1000


def edit(op="create", *, id=None, data=None, **more):
    """A fresh edit as a phone makes it."""
    data = {"name": "沁园", "kind": "home", "site": SITE} if data is None and op == "create" else data or {}
    return {
        "device": "phone-0001", "key": str(uuid.uuid4()), "op": op, "type": "quiet_site", "id": id or str(uuid.uuid4()),
        "at": now() - 3_600_000_000, "sent_at": now(), "data": data, **more,
    }  # fmt: skip


def send(page, body):
    return page.post("/api/field/edits", json=body)


def history(page, id):
    return page.get(f"/api/records/quiet_site/{id}/history").json()["items"]


def raw_request(page, method, path, body, headers=(), *, of_body=None):
    """The bytes of a request; `of_body` of its body only."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {page.base_url.netloc.decode()}", f"Content-Length: {len(body)}"]
    lines += [f"X-Jinyun-CSRF: {page.headers['X-Jinyun-CSRF']}"]
    lines += ["Cookie: " + "; ".join(f"{name}={value}" for name, value in page.cookies.items()), *headers, "", ""]
    return "\r\n".join(lines).encode() + body[:of_body]


def killed(page, request):
    """Send bytes and cut the line without reading an answer."""
    with socket.create_connection((page.base_url.host, page.base_url.port)) as line:
        line.sendall(request)
        line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # RST, as when a phone loses its cell


def wait(holds):
    end = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


# --- edits ------------------------------------------------------------------------------------------------------------


def test_an_edit_is_carried_out_and_both_moments_are_kept(page):
    body = edit()
    told = send(page, body)
    assert told.status_code == 200, told.text
    assert told.json()["outcome"] == "done"
    assert (told.json()["at"], told.json()["version"], told.json()["state"]) == (body["at"], 1, "applied")
    (made,) = history(page, body["id"])
    assert made["note"].startswith("现场填写 20")
    assert abs(made["at"] - told.json()["received_at"]) < 5_000_000
    assert made["at"] - body["at"] >= 3_600_000_000
    listed = page.get("/api/field/edits", params={"device": "phone-0001"}).json()["items"]
    mine = next(one for one in listed if one["key"] == body["key"])
    assert (mine["at"], mine["sent_at"], mine["outcome"]) == (body["at"], body["sent_at"], "done")


@pytest.mark.parametrize("op", ["create", "update", "step"])
def test_three_at_once_are_one_and_all_hear_the_same(page, op):
    body = edit()
    if op != "create":
        send(page, body)
        more = {"data": {"name": "静园"}} if op == "update" else {"step": "ask", "data": {"what": "照片"}}
        body = edit(op, id=body["id"], version=1, **more)
    with ThreadPoolExecutor(12) as many:
        answers = list(many.map(lambda n: send(page, body | {"sent_at": body["sent_at"] + n}), range(12)))
    assert {one.status_code for one in answers} == {200}
    assert len({one.content for one in answers}) == 1
    assert len(history(page, body["id"])) == (1 if op == "create" else 2)
    again = send(page, body)
    assert again.content == answers[0].content
    assert again.headers["jinyun-repeated"] == "1"


def test_many_devices_at_once(page):
    bodies = [edit() | {"device": f"phone-{n % 4:04}"} for n in range(24)]
    with ThreadPoolExecutor(12) as many:
        answers = list(many.map(lambda body: send(page, body), [one for one in bodies for _ in range(3)]))
    assert {one.status_code for one in answers} == {200}
    assert all(len(history(page, one["id"])) == 1 for one in bodies)


def test_the_line_is_cut_before_the_answer(node, page):
    body = edit()
    packed = json.dumps(body).encode()
    killed(page, raw_request(page, "POST", "/api/field/edits", packed, ["Content-Type: application/json"]))
    told = send(page, body)  # the first may still be under way
    assert told.status_code == 200, told.text
    assert len(history(page, body["id"])) == 1
    # and half-way through the question: nothing happened
    lost = edit()
    packed = json.dumps(lost).encode()
    killed(page, raw_request(page, "POST", "/api/field/edits", packed, ["Content-Type: application/json"], of_body=40))
    assert page.get(f"/api/records/quiet_site/{lost['id']}").status_code == 404
    assert send(page, lost).json()["outcome"] == "done"


def test_the_change_and_its_answer_fall_together(node, page, monkeypatch):
    """A kill between the change and its answer: neither stands, and the repeat does it."""
    body = edit()

    def broken(*_):
        raise Unavailable("the disk is full")

    node.house.records.witnesses.append(broken)
    try:
        assert send(page, body).status_code == 503
    finally:
        node.house.records.witnesses.remove(broken)
    assert page.get(f"/api/records/quiet_site/{body['id']}").status_code == 404
    told = send(page, body)
    assert (told.status_code, told.headers.get("jinyun-repeated")) == (200, None)
    assert len(history(page, body["id"])) == 1


def test_out_of_order_edits_wait_for_the_one_they_follow(page):
    first = edit()
    second = edit("update", id=first["id"], data={"name": "二"}, after=first["key"])
    third = edit("step", id=first["id"], step="ask", data={"what": "证"}, after=second["key"])
    for early in (third, second):
        told = send(page, early)
        assert (told.status_code, told.json()["error"]["code"]) == (409, "edit-waits")
        assert "outcome" not in told.json()
    for body in (first, second, third):
        assert send(page, body).json()["outcome"] == "done"
    for body in (third, first, second):
        assert send(page, body).headers["jinyun-repeated"] == "1"
    assert [one["step"] for one in history(page, first["id"])] == ["create", "update", "ask"]


def test_a_change_meanwhile_is_a_conflict_and_stays_one(page):
    first = edit()
    send(page, first)
    page.patch(f"/api/records/quiet_site/{first['id']}", json={"name": "他人所改"})
    mine = edit("update", id=first["id"], data={"name": "我的"}, version=1)
    told = send(page, mine)
    assert (told.status_code, told.json()["outcome"], told.json()["error"]["code"]) == (409, "conflict", "conflict")
    assert send(page, mine).content == told.content
    assert page.get(f"/api/records/quiet_site/{first['id']}").json()["name"] == "他人所改"
    anew = edit("update", id=first["id"], data={"name": "我的"}, version=2)  # the person looked at both
    assert send(page, anew).json()["version"] == 3
    follows = edit("update", id=first["id"], data={"name": "后续"}, after=mine["key"])
    assert send(page, follows).json()["error"]["code"] == "edit-waits"


def test_an_edit_after_ones_own_meets_a_change_of_somebody_else(page):
    first = edit()
    send(page, first)
    page.patch(f"/api/records/quiet_site/{first['id']}", json={"name": "他人所改"})
    follows = edit("update", id=first["id"], data={"name": "我的"}, after=first["key"])
    assert send(page, follows).json()["outcome"] == "conflict"


def test_refusals_are_said_in_words_and_kept(page):
    bad = edit(data={"name": "x", "kind": "palace", "site": SITE})
    told = send(page, bad)
    assert told.status_code == 422
    assert "kind" in told.json()["error"]["problems"]
    assert told.json()["outcome"] == "refused"
    assert send(page, bad).content == told.content
    gone = send(page, edit("update", id="nowhere", data={"name": "x"}, version=1))
    assert (gone.status_code, gone.json()["outcome"]) == (404, "refused")
    first = edit()
    send(page, first)
    step = send(page, edit("step", id=first["id"], step="name", version=1))
    assert step.json()["error"]["missing"][0]["zh"] == "夜间实测值须不高于45 dB(A)"


def test_what_cannot_be_kept_is_refused_for_good(page):
    odd = [edit(data={"name": "\ud800"}), edit(data={"name": "x", "photos": ["\ud800"]}), edit(id="a\x00b"),
           edit(data={"name": "x", "photos": ["upload:a\x00b"]}), edit(data={"name": "x", "site": "a\x00b"}),
           edit(data={"name": "x", "photos": ["a\x00b"]})]  # fmt: skip
    for body in odd:
        told = page.post("/api/field/edits", content=json.dumps(body), headers={"content-type": "application/json"})
        assert told.status_code == 422, told.text
    noted = edit(note="a\x00b")
    assert send(page, noted).json()["outcome"] == "done"
    assert history(page, noted["id"])[0]["note"].endswith(" ab")


def test_a_key_stands_for_one_edit(page):
    body = edit()
    send(page, body)
    other = send(page, body | {"data": {**body["data"], "name": "别的"}})
    assert (other.status_code, other.json()["error"]["code"]) == (422, "key-used")
    assert send(page, body | {"device": "x"}).status_code == 422  # no device id


def test_nothing_changed_is_done_too(page):
    first = edit()
    send(page, first)
    same = edit("update", id=first["id"], data={"name": "沁园"}, version=1)
    told = send(page, same)
    assert (told.json()["outcome"], told.json()["version"]) == ("done", 1)
    assert send(page, same).content == told.content


def test_strangers_get_nothing(node):
    stranger = node.client(log_in=False)
    assert stranger.get("/api/field/day").status_code == 401
    assert send(stranger, edit()).status_code == 401
    assert stranger.post("/api/field/uploads", json={}).status_code == 401
    assert stranger.get("/field").status_code == 200  # the shell alone holds no data
    stranger.close()


# --- files ------------------------------------------------------------------------------------------------------------


def picture(side=500):
    out = io.BytesIO()
    Image.effect_noise((side, side), 90).convert("RGB").save(out, "JPEG", quality=95)
    return out.getvalue()


def announce(page, data, **more):
    body = {
        "id": str(uuid.uuid4()), "device": "phone-0001", "name": "现场.jpg", "bytes": len(data),
        "sha256": hashlib.sha256(data).hexdigest(), "taken_at": 1_790_000_000_000_000,
        "place": {"lon": 106.43, "lat": 29.82}, "accuracy_m": 12.5, **more,
    }  # fmt: skip
    told = page.post("/api/field/uploads", json=body)
    assert told.status_code == 200, told.text
    return body


def part(page, id, offset, data):
    return page.patch(f"/api/field/uploads/{id}", content=data, headers={"Upload-Offset": str(offset)})


def offset(page, id):
    return page.get(f"/api/field/uploads/{id}").json()["offset"]


def test_a_half_sent_file_goes_on_where_it_was(page):
    data = picture()
    assert len(data) > 150_000
    body = announce(page, data)
    id = body["id"]
    assert part(page, id, 0, data[:1000]).json()["offset"] == 1000
    # the phone loses its cell in the middle of a part
    request = raw_request(
        page, "PATCH", f"/api/field/uploads/{id}", data[1000:], ["Upload-Offset: 1000"], of_body=70_000
    )
    killed_politely(page, request)
    wait(lambda: offset(page, id) > 60_000)
    have = 0
    while have != offset(page, id):  # what was sent goes on coming for a moment
        have = offset(page, id)
        time.sleep(0.5)
    assert 60_000 < have < len(data)
    assert page.post("/api/field/uploads", json=body).json()["offset"] == have  # announced again
    wrong = part(page, id, 0, data)
    assert (wrong.status_code, wrong.json()["error"]["code"], wrong.json()["error"]["offset"]) == (
        409,
        "offset-wrong",
        have,
    )
    told = part(page, id, have, data[have:])
    assert told.status_code == 200, told.text
    made = told.json()["attachment"]
    about = page.get(f"/api/attachments/{made}/about").json()
    assert about["media"] == "image/jpeg"
    field = about["meta"]["field"]
    assert (field["taken_at"], field["place"]) == (body["taken_at"], body["place"])
    assert field["received_at"] > 0
    again = part(page, id, len(data), b"")
    assert again.status_code == 409
    assert page.get(f"/api/field/uploads/{id}").json()["attachment"] == made


def killed_politely(page, request):
    """The line ends, but what was sent has come."""
    with socket.create_connection((page.base_url.host, page.base_url.port)) as line:
        line.sendall(request)
        time.sleep(0.2)


def test_a_record_names_files_by_their_upload(node, page):
    data = picture(60)
    body = announce(page, data)
    wanted = edit()
    wanted["data"]["photos"] = [f"upload:{body['id']}"]
    told = send(page, wanted)
    assert (told.status_code, told.json()["error"]["code"]) == (409, "upload-missing")
    part(page, body["id"], 0, data)
    assert send(page, wanted).json()["outcome"] == "done"
    (photo,) = page.get(f"/api/records/quiet_site/{wanted['id']}").json()["photos"]
    assert page.get(f"/api/attachments/{photo}").content[:2] == b"\xff\xd8"
    assert send(page, wanted).headers["jinyun-repeated"] == "1"


def test_a_file_swept_before_its_record_came_is_asked_for_again(node, page):
    data = picture(61)
    body = announce(page, data)
    part(page, body["id"], 0, data)
    node.house.attachments.sweep(node.house.clock.now() + 1)
    wanted = edit()
    wanted["data"]["photos"] = [f"upload:{body['id']}"]
    assert send(page, wanted).json()["error"]["code"] == "upload-missing"
    assert page.post("/api/field/uploads", json=body).json()["offset"] == 0
    part(page, body["id"], 0, data)
    assert send(page, wanted).json()["outcome"] == "done"


def test_what_is_not_what_was_announced_is_refused_and_begins_anew(page):
    data = picture(62)
    body = announce(page, data)
    wrong = part(page, body["id"], 0, data[:-1] + b"x")
    assert (wrong.status_code, wrong.json()["error"]["field"]) == (422, "sha256")
    assert offset(page, body["id"]) == 0
    assert part(page, body["id"], 0, data).json()["attachment"]
    too_much = announce(page, data[:-5], sha256=hashlib.sha256(data[:-5]).hexdigest())
    assert part(page, too_much["id"], 0, data).status_code == 422
    assert page.post("/api/field/uploads", json=body | {"bytes": 5}).status_code == 422
    big = page.post("/api/field/uploads", json=body | {"id": str(uuid.uuid4()), "bytes": 3 << 20})
    assert big.status_code == 413
    text = announce(page, b"\x7fELF\x02\x01\x01\0")
    assert part(page, text["id"], 0, b"\x7fELF\x02\x01\x01\0").status_code == 422


def test_the_same_part_from_two_requests_is_written_once(page):
    data = picture(300)
    body = announce(page, data)
    with ThreadPoolExecutor(4) as many:
        answers = list(many.map(lambda _: part(page, body["id"], 0, data).status_code, range(4)))
    assert set(answers) <= {200, 409}
    have = offset(page, body["id"])
    if have < len(data):
        part(page, body["id"], have, data[have:])
    assert page.get(f"/api/field/uploads/{body['id']}").json()["attachment"]


def test_half_sent_files_are_given_up_after_a_month(node, page, monkeypatch):
    body = announce(page, picture(63))
    part(page, body["id"], 0, b"\xff\xd8\xff")
    at = node.house.clock.now()
    monkeypatch.setattr(node.house.clock, "now", lambda: at + 31 * 86_400_000_000)
    assert node.cases.fieldwork.uploads.sweep() >= 1
    monkeypatch.undo()
    assert page.get(f"/api/field/uploads/{body['id']}").status_code == 404
    assert list(node.cases.fieldwork.uploads.folder.iterdir()) == []


# --- the day ----------------------------------------------------------------------------------------------------------


def test_a_phone_takes_its_day_along(node, page):
    told = page.get("/api/field/day").json()
    assert told["person"]["name"] == "admin"
    assert {one["id"] for one in told["sites"]} >= {"s-up", "s-out"}
    assert told["defaults"]["jurisdiction"] == "500109"
    assert set(told["entries"]) <= set(told["types"])


# --- rights -----------------------------------------------------------------------------------------------------------

TASK = {"title": "核查", "kind": "check", "jurisdiction": "500109", "level": 2}


@pytest.fixture(scope="module")
def people(node):
    """Clients of a field inspector of 500109, of a unit, and of a reader."""
    made, password = {}, "a-long-enough-one-9"
    who = (("field-hand", "inspector", "u1"), ("townsman", "unit_officer", "u2"), ("onlooker", "reader", ""))
    register(node.house, [
        ("unit", "u1", {"name": "执法支队", "kind": "enforcement", "jurisdictions": ["500109"]}),
        ("unit", "u2", {"name": "某镇", "kind": "township", "jurisdictions": ["500109101"]}),
        ("task", "near", TASK | {"owner": "执法支队"}), ("task", "far", TASK | {"jurisdiction": "500112"}),
        ("task", "town", TASK | {"jurisdiction": "500109101", "person": "townsman", "owner": "u2"}),
    ])  # fmt: skip
    for name, role, unit in who:
        places = ["500109"] if role == "reader" else ()
        node.cases.accounts.create(name, password, (role,), unit=unit, jurisdictions=places)
        client = node.client(log_in=False)
        told = client.post("/api/session", json={"name": name, "password": password})
        assert told.status_code == 200, told.text
        client.headers["X-Jinyun-CSRF"] = told.json()["csrf"]
        made[role] = client
    yield made
    for client in made.values():
        client.close()


def step(id, name="accept", **more):
    return edit("step", id=id, step=name, version=1, **more) | {"type": "task"}


def test_an_inspector_takes_along_what_lies_within_reach(people):
    told = people["inspector"].get("/api/field/day").json()
    items = {one["record"]["id"]: one for one in told["items"] if one["type"] == "task"}
    assert set(items) == {"near", "town"}
    assert (items["near"]["mine"], items["town"]["mine"]) == ("unit", "")
    assert told["unit_names"]["u2"] == "某镇"
    assert "accept" in {one["name"] for one in items["near"]["steps"] if one["allowed"]}
    assert told["person"]["units"] == ["u1", "执法支队"]
    town = people["unit_officer"].get("/api/field/day").json()
    mine = {one["record"]["id"]: one["mine"] for one in town["items"] if one["type"] == "task"}
    assert mine == {"town": "me"}


def test_edits_pass_the_same_rights_as_pages(people):
    hand = people["inspector"]
    far = send(hand, step("far"))
    assert (far.status_code, far.json()["outcome"]) == (404, "refused")
    assert send(hand, step("near")).json()["state"] == "accepted"
    site = edit("update", id="s-up", data={"name": "x"}, version=1) | {"type": "site"}
    told = send(hand, site)
    assert (told.status_code, told.json()["outcome"], told.json()["error"]["code"]) == (403, "refused", "not-permitted")
    reader = people["reader"]
    assert send(reader, step("near")).status_code == 403
    assert reader.get("/api/field/day").status_code == 403
    assert reader.post("/api/field/uploads", json={}).status_code in (403, 422)


def test_a_key_and_a_file_are_their_senders_own(people, page):
    body = step("town", "begin") | {"version": 99}
    assert send(people["inspector"], body).status_code in (404, 409)
    other = send(people["unit_officer"], body)
    assert (other.status_code, other.json()["error"]["code"]) == (422, "key-used")
    assert page.get("/api/field/edits", params={"device": "nobodys-phone"}).json()["items"] == []
    data = picture(64)
    sent = announce(people["inspector"], data)
    assert part(people["inspector"], sent["id"], 0, data).status_code == 200
    for client in (people["unit_officer"], page):
        assert client.get(f"/api/field/uploads/{sent['id']}").status_code == 404
    stolen = edit()
    stolen["data"]["photos"] = [f"upload:{sent['id']}"]
    assert send(page, stolen).json()["outcome"] == "refused"
