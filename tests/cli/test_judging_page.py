"""The page on judging tables: every command is run, every figure on it compared."""

import csv
import re
import shlex
import shutil
from pathlib import Path

import pytest

from jinyun.cli.main import run

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/judging-tables.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"```(sh|text)\n(.*?)```", re.DOTALL)


def examples():
    """Each command with the texts shown behind it."""
    found = []
    for kind, body in BLOCK.findall(PAGE):
        if kind == "sh":
            found.append((body.strip(), []))
        else:
            found[-1][1].append(body)
    return found


@pytest.mark.parametrize(("command", "texts"), examples(), ids=[c[:60] for c, _ in examples()])
def test_the_page_shows_what_is_printed(tmp_path, monkeypatch, capsys, command, texts):
    for path in (ROOT / "tests/data/judge").glob("*.csv"):
        shutil.copy(path, tmp_path)
    monkeypatch.chdir(tmp_path)
    words = shlex.split(command)
    assert words[0] == "jinyun"
    assert run(words[1:]) == 0
    printed = capsys.readouterr()
    lines = (printed.out + printed.err).splitlines()
    assert texts
    for text in texts:
        if " | " not in text:
            for line in text.rstrip().splitlines():
                assert any(line in one for one in lines), line
            continue
        shown = [[cell.strip() for cell in line.split(" | ")] for line in text.rstrip("\n").splitlines()]
        with open(words[words.index("--out") + 1], encoding="utf-8-sig", newline="") as file:
            rows = [[row[name] for name in shown[0]] for row in csv.DictReader(file)]
        assert rows == shown[1:]
