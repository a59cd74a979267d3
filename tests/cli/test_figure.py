"""`jinyun figure` on a stopped node's files."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import date
from pathlib import Path

import figure_year
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from jinyun.cli.main import run

VERIFIER = Path(__file__).parents[2] / "docs" / "verify_bundle.py"


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "var"
    house = figure_year.open_house(path)
    figure_year.fill(house, figure_year.register(house, 2), date(2026, 10, 1), date(2026, 10, 8))
    house.close()
    return path


def told(folder, capsys, *words):
    assert run(["figure", *words, "--folder", str(folder)]) == 0
    return capsys.readouterr().out


def test_publish_list_show_diff_bundle(folder, tmp_path, capsys):
    out = told(folder, capsys, "publish", "water", "--scope", "basin", "--month", "2026-10", "--json")
    ids = {one["indicator"]: one["id"] for one in json.loads(out)["items"]}
    assert ids["good_ratio"] in told(folder, capsys, "list", "--year", "2026")
    shown = told(folder, capsys, "show", ids["good_ratio"])
    assert "数值：100.0 %\n" in shown
    assert "今日重算：相同" in shown
    house = figure_year.open_house(folder)
    figure_year.correct(house, "w01", date(2026, 10, 3), "tp", "9", author="李", reason="比对监测")
    house.judge.settle()
    house.close()
    out = told(folder, capsys, "diff", ids["good_ratio"])
    assert "100.0 → 50.0" in out
    assert "比对监测" in out
    out = told(folder, capsys, "diff", "--at", "2026-10")
    assert "5 figures, 5 rest on other inputs today" in out
    assert "已撤回" in told(folder, capsys, "withdraw", ids["sections"], "--reason", "误发")
    key, path = tmp_path / "own.pem", tmp_path / "2026.zip"
    own = Ed25519PrivateKey.generate()
    key.write_bytes(own.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    said = told(folder, capsys, "bundle", "--year", "2026", "--out", str(path), "--key", str(key))
    public = own.public_key().public_bytes_raw().hex()
    assert public in said
    done = subprocess.run([sys.executable, str(VERIFIER), str(path), public], capture_output=True, check=False)
    assert done.stdout == b"all is well\n"


def test_mistakes_get_a_sentence(folder, tmp_path, capsys):
    assert run(["figure", "diff", "--folder", str(folder)]) == 2
    assert "which figures?" in capsys.readouterr().err
    assert run(["figure", "publish", "water", "--month", "2026-10", "--year", "2026", "--folder", str(folder)]) == 2
    assert "exclude each other" in capsys.readouterr().err
    out = str(tmp_path / "x.zip")
    assert run(["figure", "bundle", "--year", "2025", "--out", out, "--folder", str(folder)]) == 2
    assert "no figure of 2025" in capsys.readouterr().err
