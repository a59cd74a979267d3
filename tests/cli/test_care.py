"""backup, verify, restore and doctor beside a running node and on a stopped one."""

from __future__ import annotations

import json
import time

import pytest
from cared import OUTLET_MN, ROWS
from live import Live, register

from jinyun.app.assemble import House
from jinyun.app.settings import Settings
from jinyun.cli.main import run
from jinyun.sense.hj212 import compose


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    live = Live(tmp_path_factory.mktemp("care") / "var", lambda house: register(house, ROWS))
    at = int(time.time()) // 3600 * 3600 - 20 * 3600
    for hour in range(4):
        live.send(
            OUTLET_MN, "2061", at + hour * 3600, [compose.item("w01018", "N", Avg=f"{70 + hour}", Min="1", Max="9")]
        )
    live.settle()
    live.house.readings.seal()
    yield live
    live.close()


@pytest.fixture
def say(capsys):
    def go(*words):
        code = run([str(one) for one in words])
        out = capsys.readouterr()
        return code, out.out, out.err

    return go


def test_backup_verify_and_restore_beside_a_running_node(node, tmp_path, say):
    folder = node.house.settings.folder
    code, out, _ = say("backup", "--folder", folder, "--out", tmp_path / "b", "--json")
    told = json.loads(out[out.index("{") :])  # the node in this process logs to the same terminal
    assert code == 0
    assert told["problems"] == []
    assert node.house.care.last_backup["name"] == told["name"]  # the node itself made it
    assert say("verify", "--folder", folder, "--all")[0] == 0
    code, out, _ = say("verify", "--backup", tmp_path / "b", "--all", "--json")
    assert (code, json.loads(out)["problems"]) == (0, [])
    assert told["name"] in say("restore", tmp_path / "b", "--list")[1]
    code, out, _ = say("restore", tmp_path / "b", "--folder", tmp_path / "new")
    assert code == 0
    assert f"jinyun serve --folder {tmp_path / 'new'}" in out
    assert say("restore", tmp_path / "b", "--folder", tmp_path / "new")[0] == 2  # used now
    assert say("restore", tmp_path / "b")[0] == 2
    house = House(Settings.load(tmp_path / "new", http_port=0, hj212_port=0))
    try:
        there = [(r.time, str(r.value), r.seq) for r in house.readings.read("o1", start=0, end=1 << 40)]
        assert there == [(r.time, str(r.value), r.seq) for r in node.house.readings.read("o1", start=0, end=1 << 40)]
    finally:
        house.close()
    assert say("verify", "--folder", tmp_path / "new", "--all")[0] == 0  # stopped now
    assert say("backup", "--folder", tmp_path / "new", "--out", tmp_path / "two.tar")[0] == 0
    (tmp_path / "new" / "journal" / "segment-00000001.jnl").write_bytes(b"gone")
    code, _, err = say("verify", "--folder", tmp_path / "new")
    assert code == 1
    assert "segment-00000001.jnl" in err


def test_only_the_verbs_of_this_machine_may_ask_for_a_backup(node):
    client = node.client()
    try:
        answer = client.post("/api/care/backups", json={"out": "/tmp/x"})
        assert answer.status_code == 403
        assert client.post("/api/care/verify", json={}).status_code == 403
        care = client.get("/api/care").json()
        assert {one["id"] for one in care["classes"]} >= {"journal", "readings", "records"}
        assert client.get("/api/system").json()["care"]["forecast"]["level"] in ("unknown", "ok")
        assert client.get("/api/care/dropped").json() == []
        assert client.get("/api/care/holds").json().keys() == {"days", "segments"}
        assert client.get("/api/care/jobs/9999").status_code == 404
    finally:
        client.close()


def test_a_target_in_the_node_itself_is_refused_with_its_sentence(node, say):
    folder = node.house.settings.folder
    code, _, err = say("backup", "--folder", folder, "--out", folder / "backups")
    assert code == 2
    assert "own folder" in err


def test_doctor_prints_a_page(node, say):
    code, out, _ = say("doctor", "--folder", node.house.settings.folder, "--en")
    assert code == 0
    assert "the node runs" in out
    page = json.loads(say("doctor", "--folder", node.house.settings.folder, "--json")[1])
    assert page["running"] is True
