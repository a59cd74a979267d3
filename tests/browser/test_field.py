"""The field page in a real Chromium, as a phone: without a network, twice reconnected, an upload cut half-way;
every edit and every photo arrives once."""

from __future__ import annotations

import io
import json
import threading
import time

import pytest
from live import living
from pages import watch_requests, wider
from PIL import Image
from web_rows import ROWS

from jinyun.app.services.fieldwork.uploads import FieldUploads
from jinyun.kernel.ports import Actor

pytestmark = [pytest.mark.browser]

PHONE = (360, 780)
OFFICER = Actor("office", ("officer",))
SPOT = {"longitude": 106.4312, "latitude": 29.8203, "accuracy": 8}
TASKS = [
    ("task", f"t{n}", {"title": f"现场检查第{n}号", "kind": "check", "person": "admin", "owner": "执法支队", "level": 2,
                       "place": {"lon": 106.4 + n / 100, "lat": 29.8}, "jurisdiction": "500109",
                       "instructions": "核查排口在线设备与实际排放"})
    for n in range(1, 7)
]  # fmt: skip


@pytest.fixture
def node(built, tmp_path):
    with living(tmp_path / "var", ROWS + TASKS) as live:
        yield live


@pytest.fixture
def phone(chromium, node):
    """A phone with its own memory; gives its page, logged in, with the shell kept."""
    context = chromium.new_context(
        viewport={"width": PHONE[0], "height": PHONE[1]}, device_scale_factor=2, has_touch=True, locale="zh-CN",
        geolocation=SPOT, permissions=["geolocation"],
    )  # fmt: skip
    context.set_default_timeout(60_000)
    page = context.new_page()
    page.complaints = []
    watch_requests(page)
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.goto(node.url + "/field")
    log_in(page, node)
    page.wait_for_selector("[data-ready=true]")
    page.wait_for_selector("[data-test=item]")
    yield page
    assert page.complaints == []
    context.close()


def log_in(page, node):
    page.fill("[data-test=login] input[name=name]", "admin")
    page.fill("[data-test=login] input[name=password]", node.password)
    page.click("[data-test=login] button[type=submit]")
    page.wait_for_selector("[data-test=login]", state="detached")


def jpeg(side, colour=None):
    out = io.BytesIO()
    picture = Image.new("RGB", (side, side), colour) if colour else Image.effect_noise((side, side), 90).convert("RGB")
    picture.save(out, "JPEG", quality=95)
    return out.getvalue()


def shoot(page, field, *pictures):
    files = [{"name": f"IMG_{n}.jpg", "mimeType": "image/jpeg", "buffer": one} for n, one in enumerate(pictures)]
    have = page.locator("[data-test=shot]").count()
    page.set_input_files(f"[data-test=photo-{field}]", files)
    page.locator("[data-test=shot]").nth(have + len(files) - 1).wait_for()


def tab(page, name):
    page.click(f"[data-test=tab-{name}]")


def open_task(page, id):
    tab(page, "tasks")
    page.click("[data-test=mine-all]")
    page.click(f"[data-test=item][data-id='{id}']")


def step(page, id, name, fields=None, photos=()):
    open_task(page, id)
    page.click(f"[data-test=step-{name}]")
    if fields is not None:
        for field, value in fields.items():
            page.fill(f"[data-test=form] [name={field}]", value)
        if photos:
            shoot(page, "photos", *photos)
        page.click("[data-test=save]")
        page.wait_for_selector("[data-test=form]", state="detached")
    else:
        page.wait_for_selector("[role=status].ok")


def found(page, title, photos=()):
    """A new inspection finding."""
    tab(page, "new")
    page.click("[data-test=new-inspection_finding]")
    page.fill("[name=title]", title)
    page.select_option("[name=inspection]", "daily")
    page.fill("[name=description]", f"{title}:现场核实")
    page.wait_for_selector("#f-place:has-text('106.4312')")
    if photos:
        shoot(page, "photos", *photos)
    page.click("[data-test=save]")
    page.wait_for_selector("[data-test=form]", state="detached")


def queue_size(page):
    box = page.locator("[data-test=queue-size]")
    return int(box.inner_text()) if box.count() else 0


def steps_of(node, type_id, id):
    return [one["step"] for one in node.cases.registers.history(type_id, id, OFFICER)["items"]]


def findings(node):
    return node.cases.registers.find("inspection_finding", OFFICER, limit=100)["items"]


def wait(holds, seconds=60):
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


def at_its_end(path, looks=20):
    """Size of a file once it stays the same: what was on its way when the network went has come, or never will."""
    size, same = path.stat().st_size, 0
    while same < looks:
        time.sleep(0.05)
        now = path.stat().st_size
        size, same = now, same + 1 if now == size else 0
    return size


def wait_sent(page):
    page.wait_for_selector("[data-test=queue-size]", state="detached", timeout=120_000)


def test_twenty_edits_offline_two_reconnections_a_half_sent_upload(phone, node, monkeypatch):
    page, context = phone, phone.context
    context.set_offline(True)
    page.reload()  # the shell, the day and who I am come from the phone
    page.wait_for_selector("[data-test=offline]")
    assert page.inner_text("[data-test=net]") == "无网络"
    large, small, tiny = jpeg(1100), jpeg(90, "red"), jpeg(80, "green")
    assert len(large) > 900_000
    for n in range(1, 7):  # 6
        step(page, f"t{n}", "accept")
    for n in range(1, 5):  # 4
        step(page, f"t{n}", "begin")
    step(page, "t1", "finish", {"text": "已核查，设备正常"}, [large, small])
    step(page, "t2", "finish", {"text": "已核查"}, [tiny])
    step(page, "t3", "finish", {"text": "完成"})
    for n in range(1, 8):  # 7
        found(page, f"发现{n}号", [jpeg(70 + n, "blue")] if n % 2 else [])
    assert queue_size(page) == 20
    assert findings(node) == []
    page.reload()  # still there after the app was closed
    page.wait_for_selector("[data-test=queue-size]")
    assert queue_size(page) == 20

    # The node takes no more than so much before the network is cut in the middle of the upload.
    write, much, cut = FieldUploads._write, threading.Event(), threading.Event()

    def slowly(self, part, path, piece):
        if path.is_file() and path.stat().st_size > 300_000:
            much.set()
            assert cut.wait(120)
        write(self, part, path, piece)

    monkeypatch.setattr(FieldUploads, "_write", slowly)
    context.set_offline(False)
    parts = node.cases.fieldwork.uploads.folder
    wait(much.is_set)
    context.set_offline(True)
    page.wait_for_selector("[data-test=offline]")
    cut.set()
    (half,) = list(parts.glob("*"))
    have = at_its_end(half)
    assert 300_000 < have < len(large)
    left = queue_size(page)
    assert 0 < left < 20  # some went through, the rest waits
    assert half.stat().st_size == have

    # Second time: the upload goes on where it was, not from its start.
    monkeypatch.setattr(FieldUploads, "_write", write)
    offsets = []
    context.on(
        "request", lambda one: offsets.append(one.headers.get("upload-offset")) if one.method == "PATCH" else None
    )
    context.set_offline(False)
    wait_sent(page)
    assert offsets[0] != "0"
    assert int(offsets[0]) >= 262_144

    for n in range(1, 7):
        want = ["create", "accept"] + (["begin"] if n < 5 else []) + (["finish"] if n < 4 else [])
        assert steps_of(node, "task", f"t{n}") == want
    made = sorted(findings(node), key=lambda one: one["title"])
    assert [one["title"] for one in made] == [f"发现{n}号" for n in range(1, 8)]
    assert [len(one["photos"] or []) for one in made] == [1, 0, 1, 0, 1, 0, 1]
    assert all(one["place"] == {"lon": 106.4312, "lat": 29.8203} for one in made)
    photos = node.house.records.get("task", "t1").data["photos"]
    assert len(photos) == 2
    about = node.house.attachments.get(photos[0])
    assert about.meta["field"]["place"] == {"lon": 106.4312, "lat": 29.8203}
    assert about.meta["field"]["taken_at"] < about.meta["field"]["received_at"]
    assert (about.meta["width"], about.meta["height"]) == (1100, 1100)
    assert list(parts.glob("*")) == []
    client = node.client()
    edits = client.get("/api/field/edits").json()["items"]
    client.close()
    assert len(edits) == 20
    assert {one["outcome"] for one in edits} == {"done"}
    assert all(one["at"] <= one["sent_at"] <= one["received_at"] + 1_000_000 for one in edits)
    tab(page, "queue")
    page.wait_for_selector("[data-test=queue-empty]")


def test_a_change_meanwhile_is_shown_with_both_values(phone, node):
    page, context = phone, phone.context
    found(page, "异味")
    wait_sent(page)
    (made,) = findings(node)
    page.reload()
    open_task(page, made["id"])
    context.set_offline(True)
    page.click("[data-test=edit]")
    page.fill("[name=description]", "我在现场写的")
    page.click("[data-test=save]")
    page.wait_for_selector("[data-test=form]", state="detached")
    step(page, made["id"], "order", {"requirement": "停产整改", "correct_by": "2026-12-01"})  # follows it
    node.cases.registers.update("inspection_finding", made["id"], {"description": "科室改的"}, OFFICER)
    context.set_offline(False)
    tab(page, "queue")
    page.wait_for_selector("[data-test=conflict]")
    told = page.inner_text("[data-test=conflict]")
    assert "我在现场写的" in told
    assert "科室改的" in told
    assert "异味:现场核实" in told
    assert page.locator("[data-test=queued][data-state=blocked]").count() == 1
    assert node.house.records.get("inspection_finding", made["id"]).data["description"] == "科室改的"
    page.click("[data-test=keep-mine]")
    wait_sent(page)
    record = node.house.records.get("inspection_finding", made["id"])
    assert (record.data["description"], record.state) == ("我在现场写的", "ordered")
    assert steps_of(node, "inspection_finding", made["id"]) == ["create", "update", "update", "order"]


def test_a_log_in_that_ended_keeps_the_queue(phone, node):
    page, context = phone, phone.context
    context.set_offline(True)
    step(page, "t1", "accept")
    context.clear_cookies()
    context.set_offline(False)
    page.wait_for_selector("[data-test=login]")
    assert queue_size(page) == 1
    assert steps_of(node, "task", "t1") == ["create"]
    log_in(page, node)
    wait_sent(page)
    assert steps_of(node, "task", "t1") == ["create", "accept"]


def test_a_refusal_is_said_in_words(phone, node):
    page, context = phone, phone.context
    context.set_offline(True)
    step(page, "t1", "accept")
    node.cases.registers.step("task", "t1", "cancel", {}, OFFICER)
    node.cases.registers.step("task", "t2", "accept", {}, OFFICER)
    context.set_offline(False)
    tab(page, "queue")
    page.wait_for_selector("[data-test=queued][data-state=conflict]")
    page.click("[data-test=keep-mine]")
    page.wait_for_selector("[data-test=queued][data-state=refused]")
    assert page.inner_text("[data-test=why]") == "当前不能办理"
    assert "已取消" in page.inner_text("[data-test=queued]")


def test_it_can_be_installed_and_the_map_is_there_offline(phone, node):
    page, context = phone, phone.context
    client = node.client(log_in=False)
    manifest = client.get("/field/manifest.webmanifest")
    assert manifest.headers["content-type"].startswith("application/manifest+json")
    told = json.loads(manifest.text)
    assert (told["start_url"], told["display"]) == ("/field", "standalone")
    for icon in told["icons"]:
        got = client.get(icon["src"])
        assert got.status_code == 200
        if icon["type"] == "image/png":
            assert f"{Image.open(io.BytesIO(got.content)).width}x" in icon["sizes"]
    client.close()
    problems = context.new_cdp_session(page).send("Page.getInstallabilityErrors")["installabilityErrors"]
    assert [one for one in problems if one["errorId"] != "in-incognito"] == []
    context.set_offline(True)
    page.reload()
    tab(page, "map")
    drawn = (
        "(() => { const m = document.querySelector('[data-test=map]')?.jinyunMap;"
        " return Boolean(m && m.isSourceLoaded('districts') && m.querySourceFeatures('districts').length"
        " && m.querySourceFeatures('tasks').length) })()"
    )
    wait(lambda: page.evaluate(drawn))


def test_nothing_is_wider_than_a_phone_and_targets_are_large(phone):
    page = phone
    for name in ("tasks", "map", "new", "queue"):
        tab(page, name)
        assert wider(page) <= 0
        small = page.evaluate(
            "[...document.querySelectorAll('main button, main select, nav button')].filter((one) => one.offsetParent"
            " && one.getBoundingClientRect().height < 40).map((one) => one.outerHTML.slice(0, 80))"
        )
        assert small == []


def test_what_was_refused_is_mended_and_sent_with_its_photo(phone, node):
    page = phone
    tab(page, "new")
    page.click("[data-test=new-inspection_finding]")
    page.fill("[name=title]", "辖区写错")
    page.select_option("[name=inspection]", "daily")
    page.fill("[name=description]", "现场核实")
    shoot(page, "photos", jpeg(120, "olive"))
    page.click("[data-test=form] summary")
    page.fill("[name=jurisdiction]", "北碚")
    page.click("[data-test=save]")
    tab(page, "queue")
    page.wait_for_selector("[data-test=queued][data-state=refused]")
    assert "辖区：" in page.inner_text("[data-test=queued]")
    page.click("[data-test=redo]")
    assert page.locator("[data-test=shot]").count() == 1
    page.fill("[name=jurisdiction]", "500109")
    page.click("[data-test=save]")
    wait_sent(page)
    (made,) = findings(node)
    assert (made["jurisdiction"], len(made["photos"])) == ("500109", 1)


KEPT = """() => new Promise((done) => { const r = indexedDB.open('jinyun-field'); r.onsuccess = () => {
  const all = r.result.transaction(['kept', 'queue'])
  const k = all.objectStore('kept').getAllKeys(), q = all.objectStore('queue').getAll()
  all.oncomplete = () => { r.result.close(); done([k.result, q.result.map((one) => one.state)]) } } })"""


def test_a_log_out_without_a_network_stays_done(phone, node):
    page, context = phone, phone.context
    step(page, "t1", "accept")
    wait_sent(page)
    assert page.evaluate(KEPT)[1] == ["done"]
    context.set_offline(True)
    step(page, "t2", "accept")
    page.on("dialog", lambda one: one.accept())
    page.click("[data-test=logout]")
    page.wait_for_selector("[data-test=leaving]")
    assert page.locator("[data-test=item]").count() == 0
    keys, rows = page.evaluate(KEPT)
    assert sorted(keys) == ["device", "leaving"]
    assert rows == ["waiting"]
    context.set_offline(False)
    page.wait_for_selector("[data-test=leaving]", state="detached")
    page.wait_for_selector("[data-test=login]")
    assert page.locator("[data-test=item]").count() == 0
    assert context.cookies() == []
    assert sorted(page.evaluate(KEPT)[0]) == ["device"]
    log_in(page, node)
    wait_sent(page)


def test_a_patrol_goes_on_beside_a_form_and_a_double_tap_is_one_step(phone, node):
    page, context = phone, phone.context
    context.set_offline(True)
    tab(page, "new")
    page.click("[data-test=patrol-begin]")
    page.wait_for_function("() => Number(document.querySelector('[data-test=patrol-points]').dataset.n) === 1")
    page.click("[data-test=new-inspection_finding]")
    for n in range(1, 4):
        context.set_geolocation({"longitude": 106.4312 + n / 1000, "latitude": 29.8203, "accuracy": 8})
        page.wait_for_timeout(700)
    page.click("[data-test=form] button[type=button]:has-text('取消')")
    page.wait_for_function("() => Number(document.querySelector('[data-test=patrol-points]')?.dataset.n) >= 3")
    page.reload()
    tab(page, "new")
    page.wait_for_selector("[data-test=patrol-points]")
    tab(page, "tasks")
    page.click("[data-test=mine-all]")
    page.click("[data-test=item][data-id='t1']")
    page.dblclick("[data-test=step-accept]")
    page.wait_for_selector("[role=status].ok")
    assert queue_size(page) in (1, 2)
    assert page.evaluate(KEPT)[1] == ["waiting"]
