"""A register added by one file of a node's folder: guard, clock, reference, personal field and code list all work."""

import shutil
from contextlib import closing
from pathlib import Path

import pytest
from live import QUIET_SITE, living, register
from web_rows import ROWS

from jinyun.app.clock import SystemClock
from jinyun.app.discover import domains, own_domain, record_types
from jinyun.kernel.declare import Domain
from jinyun.kernel.errors import BadInput
from jinyun.kernel.ports import Actor

FILE = Path(__file__).parents[1] / "data" / "registers" / "quiet_site.py"
DAY_US = 86_400_000_000
SITE = next(record for type_id, record, _ in ROWS if type_id == "site")
QUARTER = {"name": "沁园", "number": "NX-001", "kind": "home", "site": SITE, "contact": "13800000000", "unit": "li"}


class Shifted:
    """The system's clock, moved by days."""

    days = 0

    def now(self) -> int:
        return SystemClock().now() + self.days * DAY_US


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    def prepare(house):
        house.clock = house.records._clock = Shifted()
        register(house, ROWS)

    with living(tmp_path_factory.mktemp("own") / "var", prepare, registers=[QUIET_SITE]) as live:
        yield live


@pytest.fixture(scope="module")
def page(node):
    with closing(node.client()) as client:
        yield client


@pytest.fixture
def made(page, node):
    """A fresh quarter; ids and numbers are its own."""
    number = f"NX-{node.house.records.count('quiet_site') + 100:03}"
    answer = page.post("/api/records/quiet_site", json=QUARTER | {"number": number})
    assert answer.status_code == 201, answer.text
    Shifted.days = 0
    yield answer.json()
    Shifted.days = 0


def path(record, *more):
    return "/".join(("/api/records/quiet_site", record["id"], *more))


def test_the_file_is_short():
    assert len(FILE.read_text(encoding="utf-8").splitlines()) < 60


def test_it_is_among_the_registers_with_its_declaration(page):
    assert "quiet_site" in {one["id"] for one in page.get("/api/types").json()}
    told = page.get("/api/types/quiet_site").json()
    assert told["editable"]
    assert {one["name"]: one["kind"] for one in told["fields"]}["site"] == "reference"
    assert told["procedure"]["clocks"][0]["name"] == "decide"


def test_every_broken_field_is_named(page, made):
    answer = page.post(
        "/api/records/quiet_site",
        json={"number": "X", "kind": "park", "site": "nowhere", "cost": "1.0000001", "contact": "1", "name": "a"},
    )
    assert answer.status_code == 422
    assert set(answer.json()["error"]["problems"]) == {"number", "kind", "cost"}
    answer = page.post("/api/records/quiet_site", json=QUARTER | {"number": made["number"]})
    assert "identifies another" in answer.json()["error"]["problems"]["number"]
    answer = page.post("/api/records/quiet_site", json=QUARTER | {"number": "NX-999", "site": "nowhere"})
    assert "no site 'nowhere'" in answer.json()["error"]["problems"]["site"]


def test_a_step_waits_for_its_guard(page, made):
    ways = page.get(path(made, "steps")).json()
    steps = {one["name"]: one for one in ways["items"]}
    assert set(steps) == {"ask", "name", "refuse"}
    assert (steps["name"]["allowed"], steps["name"]["missing"][0]["code"]) == (False, "night")
    refused = page.post(path(made, "steps", "name"), json={"given": {}})
    assert refused.status_code == 409
    assert refused.json()["error"]["missing"][0]["zh"] == "夜间实测值须不高于45 dB(A)"
    page.patch(path(made), json={"night_db": "45.0"})
    named = page.post(path(made, "steps", "name"), json={"given": {}})
    assert (named.status_code, named.json()["state_zh"]) == (200, "已命名")
    history = page.get(path(made, "history")).json()["items"]
    assert [one["step"] for one in history] == ["create", "update", "name"]


def test_the_clock_runs_pauses_and_is_late(page, made):
    def clock():
        (found,) = page.get(path(made)).json()["clocks"]
        return found

    assert (clock()["state"], clock()["late"], clock()["escalations"]) == ("running", False, [])
    Shifted.days = 17
    assert [one["name"] for one in clock()["escalations"]] == ["soon"]
    assert page.post(path(made, "steps", "ask"), json={"given": {"what": "图纸"}}).status_code == 200
    Shifted.days = 40
    paused = clock()
    assert (paused["state"], paused["paused"], paused["late"], paused["due"]) == ("paused", True, False, None)
    page.post(path(made, "steps", "answer"), json={"given": {}})
    assert not clock()["late"]
    assert made["id"] not in {one["id"] for one in page.get("/api/records/quiet_site?late=1").json()["items"]}
    Shifted.days = 50
    late = clock()
    assert (late["state"], late["late"]) == ("running", True)
    assert late["remaining_text"].startswith("超期")
    listed = page.get("/api/records/quiet_site?late=1").json()
    assert made["id"] in {one["id"] for one in listed["items"]}
    assert all(one["clocks"][0]["late"] for one in listed["items"])
    assert page.get("/api/records/site?late=1").status_code == 422


def test_personal_fields_are_masked_for_those_without_the_right(node, made):
    registers, reader = node.cases.registers, Actor("guest", ("viewer",))
    assert registers.get("quiet_site", made["id"], Actor("li", ("officer",)))["contact"] == "13800000000"
    assert registers.get("quiet_site", made["id"], reader)["contact"] == "••••••"
    (created,) = registers.history("quiet_site", made["id"], reader)["items"]
    assert created["after"]["contact"] == "••••••"


def test_it_is_in_the_open_api(page):
    paths = page.get("/openapi.json").json()["paths"]
    assert "/api/records/{type_id}/{record}/steps" in paths
    assert "/api/records/{type_id}/{record}/move" in paths


def test_a_deleted_quarter_keeps_its_history(page, made):
    assert page.delete(path(made)).status_code == 204
    assert page.get(path(made)).status_code == 404
    assert [one["step"] for one in page.get(path(made, "history")).json()["items"]] == ["create", "delete"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("REGISTER = 1", "declares no register"),
        ("1 / 0", "ZeroDivisionError"),
        ("from jinyun.kernel.records import *\nREGISTER = RecordType('a', 'a', 'a', (Field('b', 'b', 'b', 'x'),))",
         "unknown kind 'x'"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_stand_is_named(tmp_path, text, says):
    (tmp_path / "registers").mkdir()
    file = tmp_path / "registers" / "mine.py"
    file.write_text(text)
    with pytest.raises(BadInput, match=rf"mine\.py.*{says}"):
        own_domain(tmp_path)


def test_a_file_that_anybody_may_write_is_not_run(tmp_path):
    (tmp_path / "registers").mkdir()
    file = shutil.copy(FILE, tmp_path / "registers")
    Path(file).chmod(0o666)
    with pytest.raises(BadInput, match="chmod"):
        own_domain(tmp_path)


def test_a_jurisdiction_that_leads_nowhere_is_refused_at_start(tmp_path):
    (tmp_path / "registers").mkdir()
    text = FILE.read_text(encoding="utf-8").replace('"site.jurisdiction"', '"site.note"')
    (tmp_path / "registers" / "a.py").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=r"site\.note is no indexed field"):
        record_types([*domains().values(), own_domain(tmp_path)])
    assert own_domain(tmp_path / "nothing") == Domain("own", "本地登记册", "Own registers")


def test_without_the_file_there_is_no_such_register():
    assert "quiet_site" not in record_types()
