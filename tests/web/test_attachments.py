"""Files of records over the API: streamed in, kept once, open to who sees the record, swept when nobody named them."""

import io
from contextlib import closing

import pytest
from live import QUIET_SITE, living
from PIL import Image
from web_rows import ROWS

from jinyun.app.care.backup import backup
from jinyun.kernel.errors import NotFound
from jinyun.kernel.ports import Actor

SITE = next(record for type_id, record, _ in ROWS if type_id == "site")
QUARTER = {"name": "沁园", "kind": "home", "site": SITE}
DAY_US = 86_400_000_000


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    given = {"attachment_mb": 1, "attachment_kinds": "image pdf text"}
    with living(tmp_path_factory.mktemp("files") / "var", ROWS, registers=[QUIET_SITE], **given) as live:
        yield live


@pytest.fixture(scope="module")
def page(node):
    with closing(node.client()) as client:
        yield client


def jpeg(colour=(9, 9, 9)):
    out = io.BytesIO()
    exif = Image.Exif()
    exif[0x010F] = "Maker"
    Image.new("RGB", (30, 30), colour).save(out, "JPEG", exif=exif)
    return out.getvalue()


def send(page, data, name="图 1.jpg"):
    return page.post("/api/attachments", params={"name": name}, content=data)


def test_a_picture_goes_in_and_comes_back_bare(page):
    made = send(page, jpeg(), "C:\\tmp\\图 1.jpg").json()
    assert (made["name"], made["media"], made["meta"]["camera"]) == ("图 1.jpg", "image/jpeg", "Maker")
    got = page.get(made["href"])
    assert got.headers["content-type"] == "image/jpeg"
    assert got.headers["x-content-type-options"] == "nosniff"
    assert got.headers["content-disposition"].startswith("attachment;")
    assert "%E5%9B%BE%201.jpg" in got.headers["content-disposition"]
    assert b"Maker" not in got.content
    assert len(got.content) == made["bytes"]
    assert page.get(made["href"] + "/about").json() == made


def test_too_large_and_of_no_kind_are_refused_and_leave_nothing(node, page):
    refused = send(page, b"%PDF-" + b"0" * (1 << 20))
    assert refused.status_code == 413
    assert "attachment_mb" in refused.json()["error"]["message"]
    assert send(page, b"\x7fELF\x02\x01\x01\0").status_code == 422
    refused = send(page, b"PK\x05\x06" + bytes(18), "a.zip")
    assert refused.status_code == 422
    assert send(page, b"", "a").status_code == 422
    assert list((node.house.settings.folder / "attachments" / "incoming").iterdir()) == []


def test_the_same_content_is_kept_once(node, page):
    one, two = send(page, b"%PDF-same", "a.pdf").json(), send(page, b"%PDF-same", "b.pdf").json()
    assert (one["id"] != two["id"], one["sha256"] == two["sha256"]) == (True, True)
    assert node.house.attachments.path(one["sha256"]).read_bytes() == b"%PDF-same"


def test_a_record_names_a_file_and_opens_it_to_its_readers(node, page):
    made = send(page, jpeg((1, 2, 3))).json()
    files, guest = node.cases.registers.attachments, Actor("guest", ("officer",))
    with pytest.raises(NotFound, match="no attachment"):
        files.get(made["id"], guest)  # not named yet: the sender's own
    wrong = page.post("/api/records/quiet_site", json=QUARTER | {"photos": ["0" * 16]})
    assert wrong.status_code == 404
    record = page.post("/api/records/quiet_site", json=QUARTER | {"photos": [made["id"]]}).json()
    assert files.get(made["id"], guest)["name"] == "图 1.jpg"
    page.patch(f"/api/records/quiet_site/{record['id']}", json={"photos": None})
    assert files.get(made["id"], guest)["name"] == "图 1.jpg"  # its history shows it still
    with pytest.raises(NotFound, match="no attachment"):
        files.check(node.house.types["quiet_site"], {"photos": [send(page, b"%PDF-x").json()["id"]]}, guest)


def test_what_nobody_named_is_swept_after_a_day(node, page, monkeypatch):
    kept, lost = send(page, b"%PDF-kept").json(), send(page, b"%PDF-lost").json()
    page.post("/api/records/quiet_site", json=QUARTER | {"photos": [kept["id"]]})
    node.cases.registers.attachments.sweep()
    assert page.get(lost["href"]).status_code == 200  # not a day old
    now = node.house.clock.now()
    node.house.attachments.sweep(now + DAY_US)
    assert page.get(lost["href"]).status_code == 404
    assert not node.house.attachments.path(lost["sha256"]).exists()
    assert page.get(kept["href"]).content == b"%PDF-kept"


def test_a_backup_has_them(node, page, tmp_path):
    made = send(page, b"%PDF-for the backup").json()
    summary = backup(node.house, tmp_path / "out")
    assert summary["problems"] == []
    manifest = next((tmp_path / "out").rglob("*.json")).read_text()
    assert f"attachments/{made['sha256'][:2]}/{made['sha256']}" in manifest
    assert '"attachments"' in manifest


def test_strangers_get_nothing(node, page):
    stranger = node.client(log_in=False)
    assert stranger.post("/api/attachments", params={"name": "a"}, content=b"%PDF-").status_code == 401
    assert stranger.get("/api/attachments/0123456789abcdef").status_code == 401
    assert page.get("/api/attachments/0123456789abcdef").status_code == 404
    stranger.close()
