"""`jinyun correct` on a stopped node: draft, preview, accept, list."""

from __future__ import annotations

import json

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
    code, out, _ = said("preview", session)
    assert (code, "2 readings" in out) == (0, True)
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
