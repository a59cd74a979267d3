"""The doctor's page: a sound node running and stopped, and every fault by name."""

from __future__ import annotations

import json
import shutil
import socket
import sqlite3
import subprocess
import sys
import time

import pytest
from cared import OUTLET_MN, ROWS
from live import Live, register
from sqlalchemy import text

from jinyun.app.care import doctor_look, doctor_machine, doctor_stores
from jinyun.app.care.doctor import examine
from jinyun.app.care.doctor_look import schema_head
from jinyun.cli.main import run
from jinyun.sense.hj212 import compose
from jinyun.store.database import make_engine


@pytest.fixture
def folder(filled, tmp_path):
    shutil.copytree(filled, tmp_path / "var")
    return tmp_path / "var"


def checks(folder):
    page = examine(folder)
    found: dict[str, list[dict[str, str]]] = {}
    for one in page["checks"]:
        assert one["zh"]
        assert one["en"]
        found.setdefault(one["id"], []).append(one)
    return found


def level(folder, id):
    order = ("ok", "info", "warn", "bad")
    return max((one["level"] for one in checks(folder)[id]), key=order.index)


def test_stopped_node(folder):
    found = checks(folder)
    assert {id for id, ones in found.items() if any(one["level"] == "bad" for one in ones)} <= {"ports"}
    assert found["node"][0]["level"] == "info"
    assert found["database"][0]["en"] == f"the database has schema {schema_head()}"
    assert found["backup"][0]["level"] == "warn"  # none was made
    assert found["journal"][0]["level"] == "ok"


@pytest.mark.postgres
def test_a_server_that_orders_otherwise_is_named(postgres_server, postgres_url):
    assert doctor_look.foreign_order(postgres_url) == ""
    engine = make_engine(f"{postgres_server}/postgres").execution_options(isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("CREATE DATABASE by_dictionary TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'zh'"))
    try:
        assert doctor_look.foreign_order(f"{postgres_server}/by_dictionary") == "ICU"
    finally:
        with engine.connect() as connection:
            connection.execute(text("DROP DATABASE by_dictionary"))
        engine.dispose()


def test_running_node(tmp_path, capsys):
    node = Live(tmp_path / "var", lambda house: register(house, ROWS))
    try:
        at = int(time.time()) // 3600 * 3600 - 3600
        node.send(OUTLET_MN, "2061", at, [compose.item("w01018", "N", Avg="70", Min="60", Max="80")])
        node.settle()
        page = examine(tmp_path / "var")
        assert page["running"]
        found = {one["id"]: one for one in page["checks"]}
        assert found["node"]["level"] == "ok"
        assert found["hot"]["level"] == "ok"
        assert found["journal"]["level"] == "ok"
        assert found["forecast"]["level"] == "info"  # not measured yet
        assert "ports" not in found  # they are the node's own
        node.house.jobs.every(3600, "broken", lambda: 1 / 0)
        job = node.house.jobs._jobs["broken"]
        job.failures, job.last_error = 3, "ZeroDivisionError: division by zero"
        assert any("broken" in one["en"] and one["level"] == "bad" for one in checks(tmp_path / "var")["jobs"])
        assert run(["doctor", "--folder", str(tmp_path / "var"), "--en"]) == 1
        assert "job broken failed 3 times" in capsys.readouterr().out
    finally:
        node.close()


def test_no_folder_no_node_and_half_restored(tmp_path):
    assert level(tmp_path / "absent", "folder") == "bad"
    (tmp_path / "empty").mkdir()
    assert level(tmp_path / "empty", "folder") == "bad"
    (tmp_path / "half.restoring").mkdir()
    assert "restore again" in checks(tmp_path / "half")["folder"][0]["do_en"]
    assert run(["doctor", "--folder", str(tmp_path / "absent")]) == 1


def test_wrong_settings(folder):
    (folder / "jinyun.toml").write_text("http_prot = 1\n", "utf-8")
    assert "http_prot" in checks(folder)["settings"][0]["en"]
    (folder / "jinyun.toml").write_text("[retention]\nrecords = 3\n", "utf-8")
    assert "never dropped" in checks(folder)["settings"][0]["en"]


def test_torn_database_and_hot_file(folder):
    (folder / "records.sqlite").write_bytes(b"not a database" * 1000)
    (folder / "hot.duckdb").write_bytes(b"nor this" * 5000)
    found = checks(folder)
    assert found["database"][0]["level"] == found["hot"][0]["level"] == "bad"
    assert "replayed" in found["hot"][0]["do_en"]


def test_older_and_newer_schema(folder):
    with sqlite3.connect(folder / "records.sqlite") as database:
        database.execute("UPDATE alembic_version SET version_num = '0001'")
    assert level(folder, "database") == "warn"
    with sqlite3.connect(folder / "records.sqlite") as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    assert level(folder, "database") == "bad"


def test_port_in_use(folder):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        (folder / "jinyun.toml").write_text(f"http_port = {port}\nhj212_port = 0\n", "utf-8")
        assert level(folder, "ports") == "bad"
    assert level(folder, "ports") == "ok"


def test_hot_file_open_elsewhere(folder):
    holder = subprocess.Popen(
        [sys.executable, "-c", f"import duckdb,sys; c=duckdb.connect({str(folder / 'hot.duckdb')!r}); "
            "print(1, flush=True); "
         "sys.stdin.read()"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    try:
        assert holder.stdout.readline()
        assert "locked" in checks(folder)["hot"][0]["en"]
    finally:
        holder.communicate()


def test_held_by_a_process_that_does_not_answer(folder):
    holder = subprocess.Popen(
        [sys.executable, "-c", f"import sys; from jinyun.store.lock import FolderLock; FolderLock({str(folder)!r}); "
         "print(1, flush=True); sys.stdin.read()"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    try:
        assert holder.stdout.readline()
        assert str(holder.pid) in checks(folder)["node"][0]["en"]
        assert level(folder, "node") == "bad"
    finally:
        holder.communicate()


def test_strange_segment(folder):
    (folder / "journal" / "segment-00000077.jnl").write_bytes(b"something else, longer than a head")
    assert "segment-00000077.jnl" in checks(folder)["journal"][0]["en"]


def test_missing_hot_file(folder):
    (folder / "hot.duckdb").unlink()
    assert level(folder, "hot") == "warn"


def test_rights_disk_limits_clock(folder, monkeypatch):
    (folder / "node.json").write_text("{}")
    (folder / "node.json").chmod(0o644)
    assert level(folder, "rights") == "warn"
    monkeypatch.setattr(doctor_machine, "writable", lambda path: path.name != "sealed")
    assert "sealed" in checks(folder)["rights"][0]["en"]
    monkeypatch.setattr(doctor_machine, "disk_room", lambda _: (1 << 20, 100 << 30))
    assert "no new messages" in checks(folder)["disk"][0]["en"]
    monkeypatch.setattr(doctor_machine, "disk_room", lambda _: (1 << 30, 100 << 30))
    assert level(folder, "disk") == "bad"
    monkeypatch.setattr(doctor_machine.resource, "getrlimit", lambda _: (256, 256))
    assert level(folder, "files") == "warn"
    monkeypatch.setattr(doctor_machine, "clock_synchronised", lambda: False)
    assert level(folder, "clock") == "warn"


def test_backup_age(folder):
    def noted(**told):
        with sqlite3.connect(folder / "records.sqlite") as database:
            value = json.dumps({"name": "x", "out": "/b", "at": time.time_ns() // 1000, **told})
            database.execute("INSERT OR REPLACE INTO key_value VALUES ('care', 'backup', ?)", [value])

    noted()
    assert level(folder, "backup") == "ok"
    noted(same_disk=True)
    assert level(folder, "backup") == "warn"
    noted(at=time.time_ns() // 1000 - 9 * doctor_look.DAY_US)
    assert level(folder, "backup") == "warn"


def test_devices_agree_that_our_clock_is_off(folder):
    look = doctor_look.Look(folder, links=[{"mn": str(n), "clock_offset_s": -300 + n} for n in range(5)])
    assert any(one.id == "clock-devices" for one in doctor_machine.clock(look))
    look.links = [{"mn": str(n), "clock_offset_s": one} for n, one in enumerate((0, 1, -400, 2, 0))]
    assert not any(one.id == "clock-devices" for one in doctor_machine.clock(look))


def test_silent_and_unknown_devices(folder):
    look = doctor_look.Look(folder, remote=object(), links=[  # type: ignore[arg-type]
        *({"mn": f"M{n}", "state": "silent"} for n in range(4)), {"mn": "Q", "state": "quarantine"},
        *({"mn": f"N{n}", "state": "online"} for n in range(6)),
    ])  # fmt: skip
    found = {one.id: one for one in doctor_stores.devices(look)}
    assert "4 of 10 devices" in found["devices"].en
    assert "network" in found["devices"].do_en
    assert found["devices-new"].level == "warn"


def test_a_broken_table_of_working_days(folder):
    from jinyun.domains.supervision.deadlines import WORKDAYS

    assert level(folder, "work-calendar") == "ok"
    (folder / WORKDAYS).write_text("date,kind\n2027-10-01,off\n")
    (found,) = checks(folder)["work-calendar"]
    assert found["level"] == "bad"
    assert "line 2" in found["en"]
    (folder / WORKDAYS).write_text("date,kind\n2027-10-01,holiday\n")
    (found,) = checks(folder)["work-calendar"]
    assert (found["level"], "2027" in found["zh"]) == ("ok", True)
