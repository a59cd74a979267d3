"""The sealed bundle of a year: the same bytes again, and a script that finds any flipped bit, without our code."""

from __future__ import annotations

import gzip
import importlib.util
import io
import json
import random
import subprocess
import sys
import zipfile
from datetime import date
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any

import figure_year
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from days import air_day, days_from, start_of

from jinyun.app.services.figures import Figures
from jinyun.app.services.figures.bundle import node_key, seal, sealed_again
from jinyun.domains.warehouse.figures import canonical
from jinyun.kernel.errors import BadInput
from jinyun.kernel.ports import SYSTEM, Actor
from jinyun.kernel.terms import RawMessage, Status
from jinyun.sense.hj212 import compose

OFFICER = Actor("张工", ("officer",))
VERIFIER = Path(__file__).parents[3] / "docs" / "verify_bundle.py"
PARTS = ("figures.jsonl.gz", "publications.jsonl.gz", "verdicts.jsonl.gz", "raw.jsonl.gz", "manifest.json",
         "signature.bin", "public_key.txt")  # fmt: skip
FLIPS = 6


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """(figures service, bundle, frames sent): three sections by raw messages in the journal, an air station by days."""
    house = figure_year.open_house(tmp_path_factory.mktemp("bundle") / "var")
    ids = figure_year.register(house, 3)
    house.records.put_many("site", [("A", {"name": "A站", "kind": "air_station", "jurisdiction": "500109"})], SYSTEM)
    house.sites.refresh()
    days, frames = days_from(date(2026, 5, 1), date(2026, 5, 8)), []
    for day in days:
        for number, site in enumerate(ids):
            values = {"ph": Decimal("7.8"), "nh3_n": Decimal("0.31"), "tp": Decimal("0.07") + number * Decimal("0.1")}
            codes = zip(("w01001", "w21003", "w21011"), values.values(), strict=True)
            items = [compose.item(code, "N", Avg=str(value)) for code, value in codes]
            at = start_of(day, 8)
            (frame,) = compose.upload("2061", mn=f"MN{site}", st="21", items=items, time=at, qn="20260501080000000")
            raw = RawMessage(house.clock.now(), "hj212:9212", "127.0.0.1", f"MN{site}", frame)
            figure_year.put(house, site, at, values, ref=house.journal.append(raw).result(10))
            figure_year.touch(house, site, day)
            frames.append(frame)
    house.readings.flush()
    house.judge.settle()
    levels = {0: ("55", 2), 1: ("130", 3)}  # of seven days, four are good
    house.verdicts.add([
        air_day("A", day, {"so2": "8", "no2": "30", "co": "0.7", "o3": "60", "pm10": "40", "pm2_5": levels[n % 2][0]},
                level=levels[n % 2][1], status=Status.EXCEEDS if n % 2 else Status.ATTAINS)
        for n, day in enumerate(days)
    ])  # fmt: skip
    figures = Figures(house)
    figures.publish("water", at="2026-05", each_site=True, by=OFFICER)
    figures.publish("air", at="2026-05", scope="site:A", by=OFFICER)
    yield figures, figures.bundle(2026), frames
    house.close()


@pytest.fixture(scope="module")
def verifier() -> Any:
    spec = importlib.util.spec_from_file_location("verify_bundle", VERIFIER)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    assert spec.loader is not None
    spec.loader.exec_module(module)
    return module


def found(verifier: Any, data: bytes, key: str = "") -> list[str]:
    """As the script's own end does: what cannot be read is not valid."""
    try:
        return list(verifier.problems(data, key))
    except Exception as broken:
        return [f"not valid: {broken!r}"]


def opened(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        return {name: packed.read(name) for name in packed.namelist()}


def rows(data: bytes, part: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in gzip.decompress(opened(data)[part]).splitlines()]


def test_the_same_stores_give_the_same_bytes_and_the_script_agrees(made, verifier, tmp_path):
    figures, bundle, _ = made
    assert figures.bundle(2026).data == bundle.data
    assert found(verifier, bundle.data) == found(verifier, bundle.data, figures.public_key()) == []
    path = tmp_path / "2026.zip"
    path.write_bytes(bundle.data)
    words = [sys.executable, "-I", str(VERIFIER), str(path), figures.public_key()]
    done = subprocess.run(words, capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (0, b"all is well\n")
    path.write_bytes(bundle.data[:-1])
    assert subprocess.run(words, capture_output=True, check=False).returncode == 1


def test_the_script_stands_alone_in_a_hundred_lines():
    text = VERIFIER.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 100
    assert "jinyun" not in text


def test_raw_messages_are_named_by_their_sha256_and_crc(made):
    _, bundle, frames = made
    raw = rows(bundle.data, "raw.jsonl.gz")
    assert {one["sha256"] for one in raw} == {sha256(frame).hexdigest() for frame in frames}
    assert all(one["crc_in_frame"] == one["crc_computed"] for one in raw)
    by_digest = {sha256(frame).hexdigest(): frame for frame in frames}
    for one in raw:
        assert by_digest[one["sha256"]].rstrip(b"\r\n")[-4:].decode() == one["crc_in_frame"]
    cited = {int(line.rsplit("|", 1)[1]) for one in rows(bundle.data, "verdicts.jsonl.gz") for line in one["readings"]}
    assert cited == {one["frame"] for one in raw}


@pytest.mark.parametrize("part", PARTS)
def test_one_flipped_bit_in_any_part_is_found(made, verifier, part):
    _, bundle, _ = made
    files = opened(bundle.data)
    assert set(files) == set(PARTS)
    chance = random.Random(part)
    for _ in range(FLIPS):
        bit = chance.randrange(8 * len(files[part]))
        flipped = bytearray(files[part])
        flipped[bit // 8] ^= 1 << bit % 8
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as packed:
            for name, data in sorted(files.items()):
                packed.writestr(zipfile.ZipInfo(name), bytes(flipped) if name == part else data)
        assert found(verifier, out.getvalue()), f"bit {bit} of {part}"


def test_one_flipped_bit_anywhere_in_the_file_is_found(made, verifier):
    _, bundle, _ = made
    chance = random.Random(4)
    ends = [8 * (len(bundle.data) - n) - 1 for n in range(1, 60)]  # the zip's directory and its end
    for bit in [chance.randrange(8 * len(bundle.data)) for _ in range(60)] + ends:
        flipped = bytearray(bundle.data)
        flipped[bit // 8] ^= 1 << bit % 8
        assert found(verifier, bytes(flipped)), f"bit {bit}"


def changed(bundle: Any, key: Ed25519PrivateKey, part: str, change: Any) -> bytes:
    """The bundle with one part's rows changed and everything sealed again: as its owner could."""
    files, manifest = opened(bundle.data), bundle.manifest
    parts = {one["name"]: files[one["name"]] for one in manifest["parts"]}
    mine = rows(bundle.data, part)
    change(mine)
    parts[part] = gzip.compress("".join(canonical(one) + "\n" for one in mine).encode(), mtime=0)
    lines = {one["name"]: one["lines"] for one in manifest["parts"]}
    head = {name: value for name, value in manifest.items() if name not in ("parts", "public_key")}
    return seal(parts, lines, head, key).data


def test_a_figure_that_its_verdicts_do_not_add_up_to_is_found_under_a_good_signature(made, verifier):
    figures, bundle, _ = made
    key = node_key(figures._house.settings.folder)

    def better(mine: list[dict[str, Any]]) -> None:
        for one in mine:
            for figure in one["figures"]:
                if figure["indicator"] == "good_ratio":
                    figure["figure"]["figure"] = "99.9"

    told = found(verifier, changed(bundle, key, "publications.jsonl.gz", better))
    assert [one.split(": ", 1)[1] for one in told] == [
        "good_ratio is 99.9, added up 66.7", "good_ratio is 99.9, added up 57.1"
    ] or sorted(one.split(": ", 1)[1] for one in told) == [
        "good_ratio is 99.9, added up 57.1", "good_ratio is 99.9, added up 66.7",
    ]  # fmt: skip

    def printed(mine: list[dict[str, Any]]) -> None:
        mine[0]["printed"] = mine[0]["printed"].replace("数值：", "数值：9")

    assert found(verifier, changed(bundle, key, "figures.jsonl.gz", printed))

    def reading(mine: list[dict[str, Any]]) -> None:
        one = next(one for one in mine if one["readings"])
        one["readings"][0] = one["readings"][0].replace("|310000|", "|310001|")

    assert found(verifier, changed(bundle, key, "verdicts.jsonl.gz", reading))


def test_another_key_fits_itself_but_not_the_owners(made, verifier):
    figures, bundle, _ = made
    other = sealed_again(bundle.data, Ed25519PrivateKey.generate())
    assert found(verifier, other.data) == []
    assert found(verifier, other.data, other.public_key) == []
    assert found(verifier, other.data, figures.public_key()) == ["the public key is another one"]
    assert sealed_again(other.data, node_key(figures._house.settings.folder)).data == bundle.data


def test_the_nodes_key_is_made_once_and_is_its_users_only(made):
    figures, _, _ = made
    path = figures._house.settings.folder / "figures.key"
    before = path.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o600
    assert figures.public_key() == figures.public_key()
    assert path.read_bytes() == before


def test_a_year_without_figures_has_no_bundle(made):
    with pytest.raises(BadInput, match="no figure of 2025"):
        made[0].bundle(2025)
