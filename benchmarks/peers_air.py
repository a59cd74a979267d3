"""Jinyun beside the two Python packages that reckon a Chinese AQI: python-aqi 0.6.1 and aqi-hub 0.3.3.

    PYTHONPATH=src python benchmarks/peers_air.py --peers-python /path/to/venv/bin/python

The peers are never a dependency: they live in a Python of their own (``python -m venv V``, ``V/bin/pip install
python-aqi==0.6.1 aqi-hub==0.3.3``), named by --peers-python or JINYUN_PEERS_PYTHON. Prints Markdown: the inputs of
``peers_failing_inputs.json`` that concern them, then official hourly rows.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from jinyun.app.conformance.peers import answer_peer
from jinyun.domains.air.columns import aqi_columns
from jinyun.domains.air.limits import index_edition
from jinyun.methods.columns import MISSING, decimal_at, from_floats

SHARED = Path(__file__).parents[2] / "shared" / "data"
CASES = SHARED / "standards_examples" / "peers_failing_inputs.json"
ROWS = SHARED / "air-cn-stations" / "national_hourly_2020-03-26_2020-04-05.parquet"
COLUMNS = {"so2": "so2", "no2": "no2", "co": "co", "o3": "o3", "pm10": "pm10", "pm2_5": "pm25"}
RUNNER = Path(__file__).with_name("peers_air_runner.py")
STANDARDS = ("std_2012", "std_2026", "std")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--peers-python", default=os.environ.get("JINYUN_PEERS_PYTHON", ""))
    parser.add_argument("--rows", type=int, default=20_000)
    asked = parser.parse_args()
    reason = not_there(asked.peers_python)
    if reason:
        print(
            f"skipped: {reason}; {__doc__.partition('The peers')[1]} are installed and named as this file's head says"
        )
        return 0
    cases(asked.peers_python)
    official(asked.peers_python, asked.rows)
    return 0


def not_there(python: str) -> str:
    """Why the peers cannot be run; "" when they can."""
    if not python or not Path(python).is_file():
        return f"no Python of the peers at {python!r}"
    found = subprocess.run([python, "-c", "import aqi, aqi_hub"], capture_output=True, text=True, check=False)
    return "" if found.returncode == 0 else f"that Python cannot import them: {found.stderr.strip().splitlines()[-1]}"


def ask(python: str, questions: list[dict[str, Any]]) -> dict[str, Any]:
    """All questions in one process of the peers' Python."""
    done = subprocess.run(
        [python, str(RUNNER)], input=json.dumps(questions), capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def questions(text: str) -> list[dict[str, Any]] | None:
    """One input of the case file, put to both peers; None for a text that neither can be asked."""
    hit = re.fullmatch(r"(pm25|pm10|so2|no2|co|o3)(?:_(1h|8h|24h))?=([\d.]+)", text)
    if hit:
        name, span, value = hit[1], hit[2] or "24h", hit[3]
        mine = name if name.startswith("pm") else f"{name}_{span}"
        return [
            {"peer": "python-aqi", "ask": "iaqi", "item": mine, "value": value},
            {"peer": "aqi-hub", "ask": "iaqi", "item": f"{name.upper()}_{span.upper()}", "value": value},
        ]
    if text == "daily with only PM given":
        values = {"pm2_5": "30", "pm10": "45"}
        return [
            {"peer": "python-aqi", "ask": "daily", "values": values},
            {"peer": "aqi-hub", "ask": "daily", "values": values},
        ]
    hit = re.fullmatch(r"get_aqi_level\((\d+)\)", text)
    return [{"peer": "aqi-hub", "ask": "level", "value": int(hit[1])}] if hit else None


def cases(python: str) -> None:
    if not CASES.is_file():
        print(f"skipped: no {CASES.name} beside the repository")
        return
    table = []
    for case in json.loads(CASES.read_text(encoding="utf-8"))["cases"]:
        put = questions(case["input"]) if case["peer"].split()[0] in ("python-aqi", "aqi-hub") else None
        if put:
            table.append((case, put))
    answers = iter(ask(python, [one for _, put in table for one in put])["answers"])
    print("| input | edition | standard | Jinyun | python-aqi | aqi-hub |\n|---|---|---:|---:|---:|---:|")
    for case, put in table:
        key = next(name for name in STANDARDS if name in case)
        ours = answer_peer(case)[0][key]
        by_peer = {one["peer"]: next(answers) for one in put}
        marks = [mark(by_peer.get(name), case[key], wants(key, name)) for name in ("python-aqi", "aqi-hub")]
        year = key.rpartition("_")[2]
        print(f"| `{case['input']}` | {year} | {case[key]} | {mark(ours, case[key])} | {marks[0]} | {marks[1]} |")


def wants(key: str, peer: str) -> bool:
    """True when the peer claims that edition: python-aqi has that of 2012 only, aqi-hub 0.3.3 that of 2026 only."""
    return ("2012" in key) == (peer == "python-aqi")


def mark(answer: Any, standard: Any, claimed: bool = True) -> str:
    if answer is None:
        return "–"
    text = f"level {answer}" if str(standard).startswith("level") and isinstance(answer, int) else str(answer)
    right = text == str(standard)
    return text if right else f"**{text}**" if claimed else f"({text})"


def official(python: str, count: int) -> None:
    """Live rows with all six values, evenly taken: each peer against the exact answer of the edition it claims."""
    if not ROWS.is_file():
        print("skipped: no official rows beside the repository")
        return
    table = pq.read_table(ROWS)
    values = {key: from_floats(table[name].to_numpy(), name=name) for key, name in COLUMNS.items()}
    live = np.array(table["state"].to_pylist()) == "live"
    full = np.flatnonzero(live & np.all([column != MISSING for column in values.values()], axis=0))
    rows = full[:: max(1, len(full) // count)][:count]
    picked = {name: column[rows] for name, column in values.items()}
    old, new = (aqi_columns(picked, index_edition(day)).aqi for day in (date(2020, 4, 1), date(2026, 4, 1)))
    published = table["aqi"].to_numpy()[rows]
    texts = [
        {name: format(decimal_at(column, n).normalize(), "f") for name, column in picked.items()}
        for n in range(len(rows))
    ]
    put = [{"peer": "python-aqi", "ask": "hourly", "values": one} for one in texts]
    put += [{"peer": "aqi-hub", "ask": "hourly", "values": one} for one in texts]
    found = ask(python, put)
    one, other = found["answers"][: len(rows)], found["answers"][len(rows) :]
    print(f"\n{len(rows):,} official hourly rows of 2020, live stations with all six values\n")
    print("| who | compared with | exact | not exact | errors | µs a row |\n|---|---|---:|---:|---:|---:|")
    line("Jinyun, 2012", "the published AQI", old.tolist(), published.tolist(), None)
    line("python-aqi 0.6.1", "the published AQI", one, published.tolist(), found["seconds"]["python-aqi"])
    line("aqi-hub 0.3.3", "exact HJ 633-2026 (it has no 2012)", other, new.tolist(), found["seconds"]["aqi-hub"])


def line(who: str, what: str, answers: list[Any], right: list[Any], seconds: float | None) -> None:
    exact = sum(a == int(b) for a, b in zip(answers, right, strict=True))
    errors = sum(isinstance(one, str) for one in answers)
    total = len(answers)
    pace = "" if seconds is None else f"{1e6 * seconds / total:.1f}"
    print(f"| {who} | {what} | {100 * exact / total:.2f} % | {total - exact - errors:,} | {errors:,} | {pace} |")


if __name__ == "__main__":
    sys.exit(main())
