"""Verbs beside a running node and on a stopped one: the same words, the same answers."""

from __future__ import annotations

import csv
import io
import json

import pytest
from live import Live, register

from jinyun.app.accounts import Accounts
from jinyun.app.assemble import House
from jinyun.app.local import DOOR
from jinyun.app.settings import Settings
from jinyun.cli.main import run

ROWS = [
    ("enterprise", "e1", {"name": "甲厂", "phone": "13800000000"}),
    ("site", "s1", {"name": "一号断面", "kind": "water_section", "target_class": 3}),
    ("device", "CLITEST0000001", {"mn": "CLITEST0000001", "name": "数采仪", "site": "s1", "password": "123456"}),
]


@pytest.fixture(params=["running", "stopped"])
def folder(request, tmp_path):
    """A node's folder, its node running (verbs go through its API) or stopped (verbs open the files)."""
    where = tmp_path / "var"
    if request.param == "running":
        node = Live(where, lambda house: register(house, ROWS))
        yield where
        node.close()
        return
    house = House(Settings.load(where))
    try:
        register(house, ROWS)
        Accounts(house.kv).first_password()
    finally:
        house.close()
    yield where


@pytest.fixture
def say(folder, capsysbinary):
    """Run a verb on the folder: (exit code, what it printed, what it complained)."""

    def go(*words):
        code = run([*words, "--folder", str(folder)])
        out = capsysbinary.readouterr()
        return code, out.out.decode(), out.err.decode()

    return go


def test_list_show_and_search(say):
    code, out, _ = say("records", "list", "site")
    assert code == 0
    assert "一号断面" in out
    assert "water_section" in out
    assert json.loads(say("records", "list", "site", "--json", "--where", "kind=water_section")[1])[0]["id"] == "s1"
    assert json.loads(say("records", "list", "site", "--json", "-q", "nothing")[1]) == []
    shown = json.loads(say("records", "show", "device", "CLITEST0000001")[1])
    assert shown["record"]["password"] == "••••••"
    assert shown["history"][0]["step"] == "create"


def test_types_counts_records(say):
    out = say("records", "types")[1].splitlines()
    assert any(line.split()[0] == "site" and line.split()[-1] == "1" for line in out)


def test_export_loads_back(say, folder, tmp_path):
    out = tmp_path / "sites.csv"
    assert say("records", "export", "site", "-o", str(out))[0] == 0
    text = out.read_text(encoding="utf-8-sig")
    assert next(csv.DictReader(io.StringIO(text)))["点位名称"] == "一号断面"
    out.write_text("\ufeff" + text.replace("一号断面", "二号断面"), encoding="utf-8")
    code, said, _ = say("records", "load", "site", str(out))
    assert (code, said) == (0, "1 rows read, 1 records created or changed\n")
    assert say("records", "load", "site", str(out))[1] == "1 rows read, 0 records created or changed\n"
    assert json.loads(say("records", "show", "site", "s1")[1])["record"]["name"] == "二号断面"


def test_a_broken_row_is_named_and_nothing_is_loaded(say, tmp_path):
    bad = tmp_path / "sites.jsonl"
    bad.write_text(
        '{"id":"s2","name":"好","kind":"water_micro"}\n{"id":"s3","name":"坏","kind":"castle"}\n', encoding="utf-8"
    )
    code, _, complaint = say("records", "load", "site", str(bad))
    assert code == 2
    assert "s3.kind" in complaint
    assert say("records", "show", "site", "s2")[0] == 2


def test_account_reset_gives_a_password_that_works(say, folder):
    assert say("account", "list")[1].split() == ["admin"]
    code, out, _ = say("account", "reset", "admin")
    name, password = out.strip().split(" / ")
    assert (code, name) == (0, "admin")
    assert len(password) == 16
    code, _, complaint = say("account", "reset", "admn")
    assert code == 2
    assert "did you mean 'admin'" in complaint


def test_system_says_whether_it_runs(say, request):
    code, out, _ = say("system", "--json")
    state = json.loads(out)
    assert code == 0
    assert state["running"] is ("running" in request.node.callspec.id)
    assert state["journal"]["messages"] == 0
    assert "journal:" in say("system")[1]


def test_unknown_things_are_one_sentence(say):
    for words in (
        ["records", "list", "castle"],
        ["records", "show", "site", "nowhere"],
        ["records", "list", "site", "--where", "kind"],
    ):
        code, _, complaint = say(*words)
        assert code == 2
        assert len(complaint.strip().splitlines()) == 1
        assert complaint.startswith("jinyun: ")


def test_a_second_node_on_the_same_folder_is_refused(tmp_path, capsys):
    house = House(Settings.load(tmp_path / "var"))
    try:
        code = run(["serve", "--folder", str(tmp_path / "var"), "--port", "0", "--hj212-port", "0"])
        complaint = capsys.readouterr().err
        assert code == 2
        assert "in use by another node" in complaint
        assert len(complaint.strip().splitlines()) == 1
    finally:
        house.close()


def test_a_dead_nodes_door_is_not_believed(tmp_path):
    """After kill -9 the file with its address is still there: the verbs open the files then."""
    where = tmp_path / "var"
    House(Settings.load(where)).close()
    (where / DOOR).write_text(json.dumps({"url": "http://127.0.0.1:9", "pid": 1, "token": "x"}))
    assert run(["records", "list", "site", "--folder", str(where)]) == 0


def test_a_command_goes_out_from_a_running_node(say, request):
    code, out, err = say("hj212", "command", "CLITEST0000001", "1011")
    if request.node.callspec.params["folder"] == "running":
        assert code == 0, err
        queued = json.loads(out)
        assert (queued["cn"], queued["mn"]) == ("1011", "CLITEST0000001")
        assert say("hj212", "command", "CLITEST0000001", "2061", "BeginTime")[2].startswith("jinyun: 'BeginTime' is no")
    else:
        assert code == 2
        assert "no node runs on" in err
