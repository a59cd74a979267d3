"""`jinyun report` on a stopped node and beside a running one: the same file; wrong words are one sentence."""

from __future__ import annotations

import io
from datetime import date

import docx
import pytest
from live import Live
from period_seed import SECTIONS, seed

from jinyun.app.assemble import House
from jinyun.app.settings import Settings
from jinyun.cli.main import run

DAY = date(2026, 11, 1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A stopped node with the days of two Octobers."""
    place = tmp_path_factory.mktemp("report") / "var"
    house = House(Settings.load(place))
    seed(house, DAY, days=400)
    house.close()
    return place


def words(folder, out, *more):
    return [
        "report",
        "water",
        "--folder",
        str(folder),
        "--month",
        "2026-10",
        "--compiled",
        "2026-11-05",
        "--out",
        str(out),
        *more,
    ]


def text(path):
    document = docx.Document(io.BytesIO(path.read_bytes()))
    cells = [cell.text for table in document.tables for row in table.rows for cell in row.cells]
    return "\n".join([*(one.text for one in document.paragraphs), *cells])


def test_a_stopped_and_a_running_node_give_the_same_file(folder, tmp_path):
    assert run(words(folder, tmp_path / "stopped.docx")) == 0
    live = Live(folder)
    try:
        assert run(words(folder, tmp_path / "running.docx")) == 0
        assert run(words(folder, tmp_path / "running.xlsx")) == 0
        own = tmp_path / "own.docx"
        document = docx.Document()
        document.add_paragraph("{{期间}} {{good_ratio}}")
        document.save(own)
        assert run(words(folder, tmp_path / "filled.docx", "--template", str(own))) == 0
    finally:
        live.close()
    assert (tmp_path / "stopped.docx").read_bytes() == (tmp_path / "running.docx").read_bytes()
    said = text(tmp_path / "stopped.docx")
    assert "2026年10月，示范区7个断面中Ⅰ～Ⅲ类断面" in said
    assert all(name in said for _, name, _ in SECTIONS.values())
    assert text(tmp_path / "filled.docx").startswith("2026年10月 ")


def test_quarter_year_and_fields(folder, tmp_path, capsys):
    given = ["report", "noise", "--folder", str(folder), "--out", str(tmp_path)]
    assert run([*given, "--quarter", "2026-3"]) == 0
    assert run([*given, "--year", "2026", "--format", "xlsx"]) == 0
    assert {one.name for one in tmp_path.iterdir()} == {
        "示范区声环境质量季报2026-Q3.docx",
        "示范区声环境质量年报2026.xlsx",
    }
    assert run([*given, "--month", "2026-10", "--fields"]) == 0
    assert "{{night_rate.同比}}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--year", "2026"], "more than one period"),
        (["--compiled", "5.11.2026"], "write it like 2026-11-05"),
        (["--format", "xlsx"], "make them the same"),
        (["--scope", "river:无此河"], "no site"),
        (["--template", "nowhere.docx"], "cannot read the template"),
    ],
)
def test_wrong_words_are_one_sentence(folder, tmp_path, capsys, more, said):
    assert run(words(folder, tmp_path / "x.docx", *more)) == 2
    complained = capsys.readouterr().err
    assert said in complained
    assert "Traceback" not in complained
