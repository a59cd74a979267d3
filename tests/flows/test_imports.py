"""Import through the verb: into a stopped node, into a running one that is killed in the middle and started again."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from nodes import Node, register

from jinyun.app.local import running_node
from jinyun.cli.main import run

SITE = ("site", "A1", {"name": "北碚站", "kind": "air_station", "jurisdiction": "500109"})
ROWS = 60_000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    register(tmp_path / "var", [SITE])
    return tmp_path / "var"


def minutes(path: Path) -> None:
    start = 1_767_196_800  # 2026-01-01 in China
    with path.open("w") as out:
        out.write("time,pm25,pm10\n")
        for n in range(ROWS):
            at = time.strftime("%Y-%m-%d %H:%M", time.gmtime(start + 28_800 + n * 60))
            out.write(f"{at},{n % 97},{n % 83}\n")


def total(folder: Path, capsys: Any) -> int:
    assert run(["catalogue", "list", "--folder", str(folder), "--json"]) == 0
    said = capsys.readouterr().out
    return int(json.loads(said[said.index("{") :])["rows"])  # a log line may come first


def test_into_a_stopped_node(folder, tmp_path, capsys):
    table = tmp_path / "a.csv"
    table.write_text("time,pm25,pm10\n2026-03-01 08:00,35,x\n2026-03-01 09:00,36,60\n")
    words = ["import", str(table), "--site", "北碚站", "--folder", str(folder)]
    assert run([*words, "--dry-run"]) == 0
    assert "3 new" in capsys.readouterr().out
    assert total(folder, capsys) == 0
    errors = tmp_path / "errors.csv"
    assert run([*words, "--errors", str(errors), "--strict"]) == 1
    told = capsys.readouterr()
    assert "3 stored" in told.out
    assert "bad-number" in errors.read_text("utf-8-sig")
    assert total(folder, capsys) == 3
    assert run(words) == 0
    assert "nothing new" in capsys.readouterr().out
    assert total(folder, capsys) == 3
    assert run(["import", str(tmp_path / "none.csv"), "--folder", str(folder)]) == 2


def test_killed_in_the_middle_and_started_again(folder, tmp_path, capsys):
    table = tmp_path / "minutes.csv"
    minutes(table)
    node = Node(folder).start()
    try:
        remote = running_node(folder)
        assert remote is not None
        id = remote.send_file("POST", "/api/imports?name=minutes.csv&site=A1&period=minute", table)["id"]
        wait(remote, id, "ready")
        remote.ask("POST", f"/api/imports/{id}/accept", {})
        end = time.monotonic() + 10
        while not remote.ask("GET", "/api/system")["store"]["rows"] and time.monotonic() < end:
            time.sleep(0.01)
        node.kill()
        node.start()
        remote = running_node(folder)
        assert remote is not None
        told = wait(remote, id, "done")
        assert told["counts"]["stored"] == 2 * ROWS
        assert total(folder, capsys) == 2 * ROWS
        assert run(["import", str(table), "--site", "A1", "--period", "minute", "--folder", str(folder)]) == 0
        assert "nothing new" in capsys.readouterr().out
    finally:
        node.stop()
    assert total(folder, capsys) == 2 * ROWS


def wait(remote: Any, id: str, state: str) -> dict[str, Any]:
    end = time.monotonic() + 240
    while (told := remote.ask("GET", f"/api/imports/{id}"))["state"] != state:
        assert told["state"] != "failed", told["problem"]
        assert time.monotonic() < end, told["state"]
        time.sleep(0.1)
    return dict(told)
