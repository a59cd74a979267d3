"""`jinyun correct` on a stopped node: draft, preview, accept, list."""

from __future__ import annotations

import json
import time

from corrected import HOUR, current, open_house, send, settle, this_hour

from jinyun.cli.main import run
from jinyun.kernel.terms import Period


def test_a_correction_from_the_terminal(tmp_path, capsys):
    folder = tmp_path / "var"
    house = open_house(folder)
    first = this_hour(house) - 3 * HOUR
    send(house, "w", Period.HOUR, [first, first + HOUR], {"cod_cr": [40, 70]})
    settle(house)
    house.close()

    def said(*words):
        code = run(["correct", *words, "--folder", str(folder)])
        out = capsys.readouterr()
        return code, out.out, out.err

    code, _, wrong = said("set", "w", "cod_cr", "45", "--at", str(first + HOUR))
    assert (code, "--reason" in wrong) == (2, True)
    code, out, _ = said(
        "set", "w", "cod_cr", "45", "--at", str(first + HOUR), "--reason", "lab_check", "--text", "复核"
    )
    assert code == 0
    session = out.split()[1].rstrip(":")
    assert said("flag", "w", "CALIBRATION", "--from", str(first), "--to", str(first + 1), "--session", session)[0] == 0
    code, _, wrong = said("accept", session)
    assert (code, "possible when" in wrong) == (2, True)
    assert said(
        "substitute", "w", "cod_cr", "44", "--from", str(first + HOUR), "--to", str(first + HOUR + 1),
        "--session", session,
    )[0] == 0  # fmt: skip
    assert said(
        "set", "w", "cod_cr", "45", "--at", str(first + HOUR), "--session", session
    )[0] == 0  # fmt: skip
    code, out, _ = said("preview", session)
    assert (code, "2 readings" in out) == (0, True)
    assert " 日 20" in out  # the kept window of the day
    code, out, _ = said("accept", session)
    assert (code, "cascade done" in out) == (0, True)
    assert json.loads(said("list", "--json")[1])[0]["state"] == "accepted"
    assert said("drop", session)[0] == 2
    assert "复核" in said("show", session)[1]
    assert "mark:calibration" in said("reasons")[1]
    house = open_house(folder)
    try:
        assert current(house, "emission.outlet_hour", "w", first + HOUR).figure == "45.0"
    finally:
        house.close()


def test_periods_and_reports_as_of_from_the_terminal(tmp_path, capsys):
    folder = tmp_path / "var"
    house = open_house(folder)
    first = this_hour(house) - 30 * HOUR
    send(house, "b", Period.HOUR, [first + n * HOUR for n in range(30)], {"do": [8] * 30, "cod_mn": [3] * 30})
    settle(house)
    house.close()
    asked = ["periods", "water", "--scope", "site:b", "--folder", str(folder), "--json"]
    assert run(asked) == 0
    now = json.loads(capsys.readouterr().out)
    assert run([*asked, "--as-of", str(int(time.time()) + 1)]) == 0
    then = json.loads(capsys.readouterr().out)
    assert then["figures"] == now["figures"]
    assert run([*asked, "--as-of", "2001-01-01"]) == 2  # nothing had begun then
    report = ["report", "water", "--scope", "site:b", "--folder", str(folder), "--fields"]
    assert run([*report, "--as-of", str(int(time.time()) + 1)]) == 0
    assert "{{" in capsys.readouterr().out
