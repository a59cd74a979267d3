"""`jinyun hj212` as people type it."""

import io
import json
from pathlib import Path
from types import SimpleNamespace

from jinyun.cli.main import run

DATA = Path(__file__).parents[1] / "data" / "hj212"


def test_conformance_prints_every_case_and_the_sum(capsys):
    assert run(["hj212", "conformance", str(DATA / "packets.jsonl"), str(DATA / "streams.jsonl")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "p001 passed"
    assert len(lines) == 242 + 39 + 1
    assert lines[-1] == "281 passed, 0 failed"


def test_conformance_fails_with_a_sentence(capsys, tmp_path):
    row = json.loads((DATA / "packets.jsonl").read_text(encoding="utf-8").splitlines()[0])
    spoiled = tmp_path / "p.jsonl"
    spoiled.write_text(json.dumps({**row, "mn": "other"}), encoding="utf-8")
    assert run(["hj212", "conformance", str(spoiled), str(DATA / "streams.jsonl")]) == 1
    out = capsys.readouterr().out
    assert "p001 FAILED: mn: '88888880000001', not 'other'" in out
    assert "39 passed, 1 failed" in out


def test_decode_file_and_standard_input(capsys, monkeypatch):
    assert run(["hj212", "decode", str(DATA / "packets.jsonl")]) == 0
    assert len([json.loads(line) for line in capsys.readouterr().out.splitlines()]) == 242
    raw = "##0101QN=20160801085857223;ST=32;CN=1062;PW=100000;MN=010000A8900016F000169DC0;Flag=5;"
    raw += "CP=&&RtdInterval=30&&1C80"  # HJ 212-2017 Annex A
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(raw.encode())))
    assert run(["hj212", "decode", "-"]) == 0
    [row] = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert (row["cn"], row["kind"], row["fields"]) == ("1062", "command", [["RtdInterval", "30"]])


def test_errors_are_one_sentence(capsys):
    assert run(["hj212", "decode", "absent.jsonl"]) == 2
    assert "cannot read absent.jsonl" in capsys.readouterr().err
    assert run(["hj212", "send", "nowhere", "--mn", "x"]) == 2
    assert "'nowhere' is no HOST:PORT" in capsys.readouterr().err
    assert run(["hj212", "send", "127.0.0.1:1", "--mn", "x", "--wait", "1"]) == 2
    assert "no centre at 127.0.0.1:1" in capsys.readouterr().err
